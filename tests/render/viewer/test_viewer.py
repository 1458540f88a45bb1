"""What a person does on the page, in a real Chromium, from a real server and as a plain file."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from render.viewer.report import write_report
from tests.render import run_fixture as fixture
from tests.render.viewer_fixture import column, no_sideways_scroll, opened, shows
from tests.render.watch_fixture import serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that no test changes, with its report."""
    folder = fixture.write_run(tmp_path_factory.mktemp("runs") / "sokoban")
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def server(run: Path) -> Iterator[str]:
    with serving(run) as url:
        yield url


@pytest.fixture(scope="module", params=["server", "file"])
def place(request: pytest.FixtureRequest, server: str, run: Path) -> str:
    """Where the page is: both places must show the same."""
    return f"{server}/" if request.param == "server" else (run / "report.html").as_uri()


def test_the_run_at_a_glance(page: Page, place: str) -> None:
    with opened(page, place):
        expect(page.locator("h1")).to_have_text("sokoban")
        shows(page, ".result tbody th", ["Before RL", "After RL", "Random", "Idle", "Expert"])
        shows(page, ".result tr.after .measure", ["75.0% 69.0 – 80.0"])
        bar = page.locator(".result tr.after .gauge i").evaluate("bar => bar.offsetWidth / bar.parentNode.offsetWidth")
        assert bar == pytest.approx(0.75, abs=0.01)
        keys = page.locator("figure.chart").evaluate_all("charts => charts.map(chart => chart.dataset.key)")
        assert keys == ["success", "reward", "valid", "response_length", "entropy", "policy_kl", "tokens_per_second"]
        legend = ["training 80.0%", "validation 80.0%", "random 5.0%", "idle 0.0%", "expert 100.0%"]  # 0.1 + 0.7
        shows(page, '[data-key="success"] .entry', legend)  # the last step's own, though the lines are smoothed
        page.get_by_role("button", name="1 more charts").click()
        shows(page, '[data-key="grad_norm"] figcaption', ["Gradient norm 0.50"])
        page.locator("summary", has_text="Settings").click()
        expect(page.locator("details pre")).to_contain_text("# <script>document.title")


def test_a_click_on_a_step_opens_its_episodes(page: Page, place: str) -> None:
    with opened(page, place):
        plot = page.locator('[data-key="reward"] .u-over')
        box = plot.bounding_box()
        assert box is not None
        plot.hover(position={"x": box["width"] * 6 / 11, "y": 30})  # steps 1 to 12: the sixth of eleven parts is 7
        expect(page.locator('[data-key="entropy"] figcaption')).to_contain_text("step 7")  # the crosshair of all
        shows(
            page, '[data-key="reward"] figcaption', ["Reward per episode step 7 0.61"]
        )  # 0.2 + 0.7 × 7/12, not a running mean
        plot.click(position={"x": box["width"] * 6 / 11, "y": 30})
        expect(page).to_have_url(f"{place}#/episodes?step=7")
        shows(page, column("step"), ["7"] * 4)
        page.go_back()
        expect(page.locator('[data-key="reward"]')).to_be_visible()
        page.locator('[data-key="reward"] .plot').focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        expect(page.get_by_role("slider", name="Reward")).to_have_attribute(
            "aria-valuetext", re.compile("^step 11: tr")
        )
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{place}#/episodes?step=12")


def test_episodes_are_filtered_and_sorted(page: Page, place: str) -> None:
    with opened(page, f"{place}#/episodes"):
        counts = page.locator(".counts")
        expect(counts).to_contain_text("66 of 66 episodes, 48.5% success")  # 2 + 6 + 24 of 66
        page.get_by_label("Policy").select_option("train")
        page.get_by_label("Stage").select_option("fre")
        page.get_by_label("Outcome").select_option("truncated")
        expect(counts).to_contain_text("8 of 66")
        shows(page, column("stage"), ["fre"] * 8)
        shows(page, column("success"), ["out of turns"] * 8)
        assert page.url.endswith("#/episodes?label=train&stage=fre&outcome=truncated")
        page.get_by_label("Step from").fill("3")
        page.get_by_label("Step from").press("Tab")
        expect(counts).to_contain_text("4 of 66")
        page.locator("th", has_text="Turns").click(position={"x": 3, "y": 3})  # anywhere in it
        shows(page, column("turns"), ["6", "6", "4", "4"])
        page.get_by_role("button", name="Turns").click()
        shows(page, column("turns"), ["4", "4", "6", "6"])
        page.reload()  # all of it stands in the address
        expect(counts).to_contain_text("4 of 66")
        shows(page, column("turns"), ["4", "4", "6", "6"])
        page.get_by_role("button", name="Clear filters").click()
        page.get_by_label("Search").fill("BEFORE 10x10")
        expect(counts).to_contain_text("4 of 66")
        shows(page, column("seed"), ["0", "2", "4", "6"])
        page.get_by_label("Search").fill("no such thing")
        expect(page.locator(".empty")).to_have_text("No episodes match these filters.")


def test_rows_are_selected_by_keyboard(page: Page, place: str) -> None:
    with opened(page, f"{place}#/episodes?label=before&sort=seed"):
        expect(page.locator("tbody td").first).to_be_visible()
        for key in ("j", "j", "j", "k"):
            page.keyboard.press(key)
        expect(page.locator('tr[aria-selected="true"] td[data-column="seed"]')).to_have_text("1")
        expect(page.get_by_role("grid")).to_have_attribute("aria-activedescendant", "episodes-1")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_contain_text("sokoban")
        shows(page, ".head .facts dd", ["Before RL", "0", "1", "4", "1.40"])
        page.keyboard.press("g")
        expect(page.locator(".ways [role=status]")).to_have_text(
            "This episode is not in a group: its seed was played once."
        )
        page.keyboard.press("n")
        expect(page.locator("nav.list .num")).to_have_text("3 of 8")
        expect(page.locator(".ways [role=status]")).to_have_text("")
        page.keyboard.press("u")
        expect(page.locator(".counts")).to_contain_text("8 of 66")
        page.keyboard.press("/")
        page.keyboard.type("zzz")
        expect(page.locator(".counts")).to_contain_text("0 of 66")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        page.keyboard.press("3")  # what lies behind is not to be reached
        expect(page.locator(".counts")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_have_count(0)


def test_an_episode_turn_by_turn(page: Page, place: str) -> None:
    with opened(page, f"{place}#/episodes?label=after&seed=5"):
        page.locator("tbody td a").click()
        expect(page.locator(".controls output")).to_have_text("1 / 4")
        expect(page.locator(".turn .action")).to_have_text("right")  # action 5 % 4
        expect(page.locator(".turn .thinking")).to_have_text("go right")
        expect(page.locator(".turn .caption")).to_have_text("you are at (0, 5)")
        shows(page, ".turn .chips div", ["this turn +0.10", "outcome +0.00", "format +0.10"])
        frame = page.locator(".screen .frame img")
        expect(frame).to_have_class("pixels")
        expect(frame).to_have_js_property("naturalWidth", 64)
        first = frame.get_attribute("src")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(page.locator(".controls output")).to_have_text("3 / 4")
        assert frame.get_attribute("src") != first
        expect(page.locator(".turn .action.invalid")).to_contain_text("is not <think>")
        expect(page.locator('pre[data-name="reply"]')).to_have_text("I would push the box")  # opened by itself
        page.keyboard.press("End")
        expect(page.locator(".sum .num")).to_have_text("1.30 of 1.30")  # 0.1 + 0.1 + 0 + 1.1
        page.keyboard.press("Home")
        expect(page.locator(".sum .num")).to_have_text("0.10 of 1.30")
        page.locator(".controls input").fill("1")
        expect(page.locator(".controls output")).to_have_text("2 / 4")
        page.locator(".strip button").nth(3).click()
        expect(page.locator(".controls output")).to_have_text("4 / 4")
        page.keyboard.press("r")
        page.get_by_role("button", name="Prompt (unchanged)").click()
        expect(page.locator('pre[data-name="prompt"]')).to_have_text("Sokoban 5: push the box onto the goal.")


def test_play_key_advances_turns_at_the_chosen_speed(page: Page, place: str) -> None:
    with opened(page, f"{place}#/episodes?label=before&seed=3"):
        page.locator("tbody td a").click()
        expect(page.locator(".controls output")).to_have_text("1 / 4")
        for _ in range(3):
            page.keyboard.press(">")
        expect(page.locator(".speed")).to_have_text("16×")
        page.keyboard.press(" ")
        expect(page.locator(".controls output")).to_have_text("4 / 4")
        expect(page.get_by_role("button", name="Play (space)")).to_be_visible()
        for _ in range(5):
            page.keyboard.press("<")
        expect(page.locator(".speed")).to_have_text("0.5×")
        page.get_by_role("button", name="Play (space)").click()  # from the start again, two seconds a turn
        expect(page.locator(".controls output")).to_have_text("1 / 4")
        page.get_by_role("button", name="Pause (space)").click()
        expect(page.get_by_role("button", name="Play (space)")).to_be_visible()


def test_a_group_side_by_side(page: Page, place: str) -> None:
    with opened(page, f"{place}#/episodes?label=train&step=2&sort=turns"):
        page.locator("tbody td a").first.click()
        page.get_by_role("link", name="Group of 4").click()
        expect(page.locator("h1")).to_have_text("Group 0 sokoban · Training · fre · step 2")
        page.keyboard.press("n")
        expect(page.locator("h1")).to_have_text("Group 0 sokoban · Training · fre · step 3")
        page.get_by_role("link", name="previous group").click()
        expect(page.locator("h1")).to_have_text("Group 0 sokoban · Training · fre · step 2")
        expect(page.locator(".card")).to_have_count(4)
        expect(page.locator(".card .frame img")).to_have_count(4)
        shows(page, ".card .advantage .num", ["+1.00", "+1.00", "−1.00", "−1.00"])
        shows(page, ".card .top", ["success 1.30", "success 1.50", "out of turns 0.40", "out of turns 0.60"])
        expect(page.locator(".facts")).to_contain_text("0.95 ± 0.46")  # of 1.3, 1.5, 0.4, 0.6
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")  # turn 3 moves by the episode's number: (1002 + 2 + salt) % 4
        shows(page, ".card .action", ["up", "down", "right", "left"])
        page.keyboard.press("ArrowRight")
        shows(page, ".card.over .foot span:last-child", ["ended after 3 turns"])
        page.locator(".card").nth(1).click()
        expect(page.locator(".controls output")).to_have_text("4 / 5")  # the same turn
        page.go_back()
        expect(page.locator(".card")).to_have_count(4)
        page.keyboard.press("u")
        shows(page, column("step"), ["2"] * 4)


def test_two_players_on_the_same_seeds(page: Page, place: str) -> None:
    with opened(page, f"{place}#/compare"):
        expect(page.locator(".matrix button")).to_have_count(4)
        shows(page, ".matrix button", ["1 both", "1 only A", "5 only B", "1 neither"])
        expect(page.locator(".matrix p")).to_contain_text("A Before RL 25.0% · B After RL 75.0% of 8 seeds")
        expect(page.locator(".matrix p")).to_contain_text("21.9%")  # 2 (1 + 6) / 64
        page.locator(".matrix button.b").click()
        expect(page.locator(".seeds tbody td:first-child:not(:empty)")).to_have_count(5)
        page.keyboard.press("n")
        page.keyboard.press("n")
        expect(page.locator(".seeds td.now")).to_have_text("4")
        expect(page.locator(".parting")).to_have_text("First difference: turn 3")  # salt 4 % 3 = 1 from turn 3 on
        assert page.locator(".mark").count() == 0
        page.keyboard.press("d")
        expect(page.locator(".controls output")).to_have_text("3 / 4")
        expect(page.locator(".mark")).to_have_text("they differ here")
        shows(page, ".side .action", ["down", "left"])  # (4 + 2) % 4, and one on
        shows(page, ".side .thinking", ["go down", "go left"])
        page.get_by_role("link", name="After RL #").click()
        expect(page.locator(".controls output")).to_have_text("3 / 4")
        page.get_by_role("link", name="Compare with Before RL").click()
        expect(page.locator(".seeds td.now")).to_have_text("4")


def test_hostile_text_is_text(page: Page, place: str) -> None:
    with opened(page, f"{place}#/episodes?task=arithmetic&sort=seed"):
        expect(page.locator(column("kind")).first).to_have_js_property("textContent", fixture.HOSTILE[:40])
        page.locator("tbody td a").first.click()
        expect(page.locator(".turn .thinking")).to_have_js_property("textContent", fixture.HOSTILE)
        expect(page.locator('pre[data-name="prompt"]')).to_have_js_property("textContent", fixture.HOSTILE)
        page.keyboard.press("r")
        reply = page.locator('pre[data-name="reply"]')
        assert reply.evaluate("element => element.textContent.length") == len(fixture.LONG) == 200_016
        assert page.locator("main script, main img").count() == 0
        page.keyboard.press("n")
        expect(page.locator('pre[data-name="reply"]')).to_be_visible()
        expect(page.locator(".turn .action")).to_have_js_property("textContent", fixture.HOSTILE)


def test_narrow_pages_do_not_scroll_sideways(page: Page, server: str) -> None:
    with opened(page, server, width=380):
        for address, seen in (
            ("#/", ".chart canvas"), ("#/episodes", "tbody td"), ("#/episode/20", ".strip img"),
            ("#/group/train/fre/2/sokoban/0", ".card img"), ("#/compare", ".side img"),
        ):  # fmt: skip
            page.evaluate("address => { location.hash = address; }", address)
            expect(page.locator(seen).first).to_be_visible()
            page.wait_for_timeout(100)  # for what is drawn later
            no_sideways_scroll(page)


def test_theme_follows_the_system_and_can_be_switched(page: Page, server: str) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    with opened(page, server, color_scheme="dark"):
        assert page.evaluate(background) == "rgb(14, 19, 17)"
        page.keyboard.press("t")
        expect(page.locator("html")).to_have_attribute("data-theme", "light")
        assert page.evaluate(background) == "rgb(246, 248, 247)"
        page.reload()  # remembered
        expect(page.locator("main")).to_be_visible()
        assert page.evaluate(background) == "rgb(246, 248, 247)"
        page.get_by_role("button", name="Dark theme").click()
        assert page.evaluate(background) == "rgb(14, 19, 17)"


def test_shortcut_dialog_lists_the_keys_that_the_documentation_lists(page: Page, server: str) -> None:
    documented = (Path(__file__).parents[3] / "docs" / "watch.md").read_text()
    with opened(page, f"{server}/"):
        page.keyboard.press("?")
        expect(page.locator("dialog[open] h3").first).to_be_visible()
        rows = []
        for section in page.locator("dialog[open] section").all():
            keys = [
                f"`{' '.join(row.locator('kbd').all_inner_texts())}` {row.locator('dd').inner_text()}"
                for row in section.locator("dl > div").all()
            ]
            rows.append(f"| {section.locator('h3').inner_text()} | {' · '.join(keys)} |")
        page.keyboard.press("Escape")
    assert len(rows) >= 6 and [row for row in rows if row not in documented] == []
