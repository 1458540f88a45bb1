"""The page in a real Chromium, from a real server and as a plain file."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from render.episode import EpisodeWriter
from render.report import write_report
from tests.render import run_fixture as fixture
from tests.render.watch_fixture import serving

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
ROW_IN_SIGHT = """() => {
  const box = document.querySelector(".scroller").getBoundingClientRect();
  return document.elementFromPoint(box.left + 200, box.top + 80).closest("tr").innerText;
}"""
GIF = bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024401003b")
"""A picture of one pixel."""
BLUE = """figure => {
  const canvas = figure.querySelector("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, canvas.height / 2 - 5, canvas.width, 10);
  return data.filter((red, at) => at % 4 === 0 && data[at + 2] - red > 60).length;
}"""
"""How many blue pixels, those of its line, a chart has half way up."""
expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def browser(needs: Callable[[str], str]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=needs("chromium"), args=ARGUMENTS)
        yield running
        running.close()


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


@pytest.fixture(params=["server", "file"])
def place(request: pytest.FixtureRequest, server: str, run: Path) -> str:
    """Where the page is: both places must show the same."""
    return f"{server}/" if request.param == "server" else (run / "report.html").as_uri()


@contextmanager
def opened(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """The page, which must load nothing from elsewhere and write no error to the console."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
    page = context.new_page()
    errors: list[str] = []
    elsewhere: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    local = ("http://127.0.0.1:", "data:", "blob:", "file:")
    page.on("request", lambda request: None if request.url.startswith(local) else elsewhere.append(request.url))
    page.goto(url)
    expect(page.locator("main")).to_be_visible()
    yield page
    assert page.title().endswith("Kickoff")  # hostile text would have changed it
    assert (errors, elsewhere) == ([], [])
    context.close()


def shows(page: Page, selector: str, words: list[str]) -> None:
    """The elements come to have these words, blanks aside."""
    expect(page.locator(selector)).to_have_text(words, use_inner_text=True)


def column(name: str) -> str:
    return f'td[data-column="{name}"]'


def test_the_run_at_a_glance(browser: Browser, place: str) -> None:
    with opened(browser, place) as page:
        expect(page.locator("h1")).to_have_text("sokoban")
        shows(page, ".result tbody th", ["Before RL", "After RL", "Random", "Idle", "Expert"])
        shows(page, ".result tr.after .measure", ["75.0% 69.0 – 80.0"])
        bar = page.locator(".result tr.after .gauge i").evaluate("bar => bar.offsetWidth / bar.parentNode.offsetWidth")
        assert bar == pytest.approx(0.75, abs=0.01)
        keys = page.locator("figure.chart").evaluate_all("charts => charts.map(chart => chart.dataset.key)")
        assert keys == ["success", "reward", "valid", "response_length", "entropy", "policy_kl", "tokens_per_second"]
        page.get_by_label("Smooth lines").uncheck()
        legend = ["training 80.0%", "validation 80.0%", "random 5.0%", "idle 0.0%", "expert 100.0%"]  # 0.1 + 0.7
        shows(page, '[data-key="success"] .entry', legend)
        page.get_by_role("button", name="1 more charts").click()
        shows(page, '[data-key="grad_norm"] figcaption', ["Gradient norm 0.50"])
        page.locator("summary").click()
        expect(page.locator("details pre")).to_contain_text("# <script>document.title")


def test_no_line_joins_two_stages(browser: Browser, tmp_path: Path) -> None:
    steps = [{"total_step": step, "stage": "fre" if step <= 20 else "mgt"} for step in range(1, 101)]
    fixture.append_metrics(tmp_path, [row | {"entropy": 1.6 if row["stage"] == "fre" else 0.4} for row in steps])
    fixture.append_metrics(tmp_path, [row | {"policy_kl": 0.01 * row["total_step"]} for row in steps])
    with serving(tmp_path) as url, opened(browser, url) as page:
        expect(page.locator("canvas")).to_have_count(2)
        assert page.locator('[data-key="entropy"]').evaluate(BLUE) == 0
        assert page.locator('[data-key="policy_kl"]').evaluate(BLUE) > 10


def test_a_click_on_a_step_opens_its_episodes(browser: Browser, place: str) -> None:
    with opened(browser, place) as page:
        plot = page.locator('[data-key="reward"] .u-over')
        box = plot.bounding_box()
        assert box is not None
        plot.hover(position={"x": box["width"] * 6 / 11, "y": 30})  # steps 1 to 12: the sixth of eleven parts is 7
        expect(page.locator('[data-key="entropy"] figcaption')).to_contain_text("step 7")  # the crosshair of all
        plot.click(position={"x": box["width"] * 6 / 11, "y": 30})
        expect(page).to_have_url(f"{place}#/episodes?step=7")
        shows(page, column("step"), ["7"] * 4)
        page.go_back()
        expect(page.locator('[data-key="reward"]')).to_be_visible()
        page.locator('[data-key="reward"] .plot').focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{place}#/episodes?step=12")


def test_filters_and_order(browser: Browser, place: str) -> None:
    with opened(browser, f"{place}#/episodes") as page:
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
        page.get_by_role("button", name="Turns").click()
        shows(page, column("turns"), ["6", "6", "4", "4"])
        page.get_by_role("button", name="Turns").click()
        shows(page, column("turns"), ["4", "4", "6", "6"])
        page.reload()  # all of it stands in the address
        expect(counts).to_contain_text("4 of 66")
        shows(page, column("turns"), ["4", "4", "6", "6"])
        page.get_by_role("button", name="Clear the filters").click()
        page.get_by_label("Search").fill("BEFORE 10x10")
        expect(counts).to_contain_text("4 of 66")
        shows(page, column("seed"), ["0", "2", "4", "6"])
        page.get_by_label("Search").fill("no such thing")
        expect(page.locator(".empty")).to_have_text("No episode fits these filters.")


def test_rows_by_keyboard(browser: Browser, place: str) -> None:
    with opened(browser, f"{place}#/episodes?label=before&sort=seed") as page:
        expect(page.locator("tbody td").first).to_be_visible()
        for key in ("j", "j", "j", "k"):
            page.keyboard.press(key)
        expect(page.locator('tr[aria-selected="true"] td[data-column="seed"]')).to_have_text("1")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_contain_text("sokoban")
        shows(page, ".head .facts dd", ["Before RL", "0", "1", "4", "1.40"])
        page.keyboard.press("n")
        expect(page.locator("nav.list .num")).to_have_text("3 of 8")
        page.keyboard.press("u")
        expect(page.locator(".counts")).to_contain_text("8 of 66")
        page.keyboard.press("/")
        page.keyboard.type("zzz")
        expect(page.locator(".counts")).to_contain_text("0 of 66")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        page.keyboard.press("3")  # what lies behind is not to be reached
        expect(page.locator(".counts")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog", name="Keys")).to_have_count(0)


def test_an_episode_turn_by_turn(browser: Browser, place: str) -> None:
    with opened(browser, f"{place}#/episodes?label=after&seed=5") as page:
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
        page.get_by_role("button", name="Prompt (the same as before)").click()
        expect(page.locator('pre[data-name="prompt"]')).to_have_text("Sokoban 5: push the box onto the goal.")


def test_it_plays(browser: Browser, place: str) -> None:
    with opened(browser, f"{place}#/episodes?label=before&seed=3") as page:
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


def test_a_group_side_by_side(browser: Browser, place: str) -> None:
    with opened(browser, f"{place}#/episodes?label=train&step=2&sort=turns") as page:
        page.locator("tbody td a").first.click()
        page.get_by_role("link", name="Its group of 4").click()
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


def test_two_players_on_the_same_seeds(browser: Browser, place: str) -> None:
    with opened(browser, f"{place}#/compare") as page:
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
        expect(page.locator(".mark")).to_have_text("they part here")
        shows(page, ".side .action", ["down", "left"])  # (4 + 2) % 4, and one on
        shows(page, ".side .thinking", ["go down", "go left"])
        page.get_by_role("link", name="After RL #").click()
        expect(page.locator(".controls output")).to_have_text("3 / 4")
        page.get_by_role("link", name="Same seed by Before RL").click()
        expect(page.locator(".seeds td.now")).to_have_text("4")


def test_a_seed_of_two_tasks_or_kinds(browser: Browser, tmp_path: Path) -> None:
    for label, kind in (("before", "corner"), ("after", "corner"), ("other", "penalty")):
        with EpisodeWriter(tmp_path / "run" / "episodes" / label) as writer:
            for task in ("football", "sokoban"):
                for seed in (8, 9):
                    changes: dict[str, Any] = {"task": task, "kind": kind if task == "football" else ""}
                    writer.write(fixture.episode(label, seed, label == "after", count=1, **changes))
    with serving(tmp_path / "run") as url, opened(browser, f"{url}/#/compare") as page:
        seen = page.locator(".seeds tr:has(.now) td")
        for seed, task in (("8", "football"), ("9", "football"), ("8", "sokoban"), ("9", "sokoban")):
            expect(seen.nth(0)).to_have_text(seed)
            expect(seen.nth(1)).to_have_text(task)
            page.keyboard.press("n")
        address = page.url
        page.reload()
        expect(seen.nth(1)).to_have_text("sokoban")
        assert page.url == address
        page.get_by_role("button", name="Change sides").click()
        expect(page.locator(".matrix p")).to_contain_text("A After RL 100.0%")
        expect(seen).to_have_text(["9", "sokoban", "success", "1.10", "out of turns", "0.10"])
        page.locator("form.filters select").first.select_option("other")  # of football it played another kind
        expect(page.locator(".matrix p")).to_contain_text("of 2 seeds")
        page.goto(f"{url}/#/episode/0")
        expect(page.get_by_role("link", name="Same seed by")).to_have_text("Same seed by After RL")
        page.goto(f"{url}/#/compare?a=before&b=after&seed=9&task=sokoban")
        expect(page.locator(".seeds td.now")).to_have_text("9")
        assert page.evaluate("import('viewer/pairs').then(({ chance }) => [chance(1200, 1200), chance(1, 6)])") == [
            pytest.approx(1), pytest.approx(0.125),
        ]  # fmt: skip


def test_hostile_text_is_text(browser: Browser, place: str) -> None:
    with opened(browser, f"{place}#/episodes?task=arithmetic&sort=seed") as page:
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


def test_hostile_names_are_text(browser: Browser, tmp_path: Path) -> None:
    name = "<img src=x onerror=\"document.title='taken'\">"
    folder = tmp_path / name
    for label in (name, "after"):
        with EpisodeWriter(folder / "episodes" / label) as writer:
            for _ in range(2):
                writer.write(fixture.episode(label, 1, True, count=1, task=fixture.HOSTILE, stage=name, step=1))
    (folder / "videos").mkdir()
    (folder / "videos" / f"{name}.gif").write_bytes(GIF)
    with serving(folder) as url, opened(browser, url) as page:
        expect(page.locator(".video img")).to_have_js_property("naturalWidth", 1)
        expect(page.locator(".video figcaption")).to_have_text(name)
        expect(page.locator("h1")).to_have_text(name)
        for address, place in (
            ("#/episodes", column("label")), ("#/episode/2", ".head .facts dd"), ("#/compare", ".matrix p"),
        ):  # fmt: skip
            page.evaluate("address => { location.hash = address; }", address)
            expect(page.locator(place).get_by_text(name).first).to_be_visible()
        page.evaluate("location.hash = '#/episode/2'")
        page.get_by_role("link", name="Its group of 2").click()
        expect(page.locator("h1 .soft")).to_contain_text(f"{name} · {name} · step 1")
        assert page.locator("main script, main img:not(.frame img)").count() == 0


def test_narrow_pages_do_not_scroll_sideways(browser: Browser, server: str) -> None:
    with opened(browser, server, viewport={"width": 380, "height": 800}) as page:
        for address, seen in (
            ("#/", ".chart canvas"), ("#/episodes", "tbody td"), ("#/episode/20", ".strip img"),
            ("#/group/train/fre/2/sokoban/0", ".card img"), ("#/compare", ".side img"),
        ):  # fmt: skip
            page.evaluate("address => { location.hash = address; }", address)
            expect(page.locator(seen).first).to_be_visible()
            page.wait_for_timeout(100)  # for what is drawn later
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address


def test_dark_and_light(browser: Browser, server: str) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    with opened(browser, server, color_scheme="dark") as page:
        assert page.evaluate(background) == "rgb(14, 19, 17)"
        page.keyboard.press("t")
        expect(page.locator("html")).to_have_attribute("data-theme", "light")
        assert page.evaluate(background) == "rgb(246, 248, 247)"
        page.reload()  # remembered
        expect(page.locator("main")).to_be_visible()
        assert page.evaluate(background) == "rgb(246, 248, 247)"
        page.get_by_role("button", name="Dark colours").click()
        assert page.evaluate(background) == "rgb(14, 19, 17)"


def test_what_comes_in_while_the_run_goes_on(browser: Browser, tmp_path: Path) -> None:
    folder = fixture.write_run(tmp_path / "sokoban", ended=False)
    address = "#/episodes?label=train&sort=-step"
    with serving(folder) as url, fixture.going_on(folder), opened(browser, f"{url}/{address}") as page:
        expect(page.locator(".live")).to_have_text("live")
        expect(page.locator(".counts")).to_contain_text("48 of 66")
        page.locator(".scroller").evaluate("box => box.scrollTop = 320")  # ten rows down
        page.wait_for_timeout(200)
        seen = page.evaluate(ROW_IN_SIGHT)
        with EpisodeWriter(folder / "episodes" / "train") as writer:
            for index in range(3):
                new: dict[str, Any] = {"step": 13, "stage": "mgt", "advantage": float(index)}
                writer.write(fixture.episode("train", 1013, True, **new))
        fixture.append_metrics(folder, [fixture.metrics(fixture.STEPS) | {"total_step": 13, "success": 0.9}])
        expect(page.locator(".counts")).to_contain_text("51 of 69")
        assert page.evaluate(ROW_IN_SIGHT) == seen
        page.get_by_role("button", name="↑ 3 new rows").click()
        expect(page.locator(column("step")).first).to_have_text("13")
        record = folder / "episodes" / "train" / "episodes.jsonl"
        record.write_bytes(
            b"".join(record.read_bytes().splitlines(keepends=True)[:-3])
        )  # a resumed run cuts its record
        expect(page.locator(".counts")).to_contain_text("48 of 66")
        expect(page.locator(column("step")).first).to_have_text("12")
        page.keyboard.press("1")
        page.get_by_label("Smooth lines").uncheck()
        expect(page.locator('[data-key="success"] .entry').first).to_have_text("training 90.0%")
        page.set_viewport_size({"width": 380, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        (folder / "summary.json").write_text("{}")  # the run is over
        expect(page.locator(".live")).to_have_count(0)


def test_a_server_that_goes_away_and_another_in_its_place(browser: Browser, tmp_path: Path) -> None:
    folder = fixture.write_run(tmp_path / "sokoban")
    with EpisodeWriter(tmp_path / "second" / "episodes" / "before") as writer:
        for seed in range(70, 140):  # more than the first had
            writer.write(fixture.episode("before", seed, True, count=1))
    context = browser.new_context()
    with serving(folder) as url:
        page = context.new_page()
        page.clock.install()
        page.goto(f"{url}/#/episodes?label=before&sort=seed")
        expect(page.locator(column("seed")).first).to_have_text("0")
    page.clock.fast_forward(10_000)
    expect(page.locator(".gone")).to_have_text("The server does not answer; trying again.")
    expect(page.locator(column("seed")).first).to_have_text("0")  # what was there stays
    with serving(tmp_path / "second", port=int(url.rpartition(":")[2])):
        page.clock.fast_forward(2_000)
        expect(page.locator(".brand span")).to_have_text("second")
        expect(page.locator(".counts")).to_contain_text("70 of 70 episodes")
        expect(page.locator(column("seed")).first).to_have_text("70")
    context.close()


def test_a_run_that_goes_on_again_is_followed(browser: Browser, tmp_path: Path) -> None:
    folder = fixture.write_run(tmp_path / "sokoban", ended=False)
    with serving(folder) as url:
        context = browser.new_context()
        page = context.new_page()
        page.clock.install()
        page.goto(url)
        expect(page.locator(".notes")).to_contain_text("the run was stopped before its end")
        with fixture.going_on(folder):
            page.clock.fast_forward(10_000)
            expect(page.locator(".live")).to_have_text("live")
        context.close()


def test_a_record_that_cannot_be_read(browser: Browser, tmp_path: Path) -> None:
    folder = fixture.write_run(tmp_path / "sokoban")
    with serving(folder) as url:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{url}/#/episodes?label=before&sort=id")
        expect(page.locator(".counts")).to_contain_text("8 of 66")
        path = folder / "episodes" / "before" / "episodes.jsonl"
        path.write_bytes(path.read_bytes().replace(b'"turns":[', b'"turns":!', 1))
        page.locator("tbody td a").first.click()
        expect(page.locator(".problem")).to_contain_text("Episode 0: ")
        page.get_by_role("link", name="next ›").click()
        expect(page.locator(".controls output")).to_have_text("1 / 4")
        for odd, turn in (("x", "1"), ("2.5", "2"), ("99", "4")):
            page.goto(f"{url}/?{odd}#/episode/1?turn={odd}")
            expect(page.locator(".controls output")).to_have_text(f"{turn} / 4")
        page.goto(f"{url}/#/constructor")
        expect(page.locator(".empty")).to_contain_text("There is no such page.")
        page.goto(f"{url}/#/episode/9999")
        expect(page.locator(".empty")).to_contain_text("There is no episode 9999 here.")
        context.close()


def test_frames_beside_the_file(browser: Browser, tmp_path: Path) -> None:
    folder = fixture.write_run(tmp_path / "sokoban")
    write_report(folder, frame_bytes=0)
    with opened(browser, (folder / "report.html").as_uri() + "#/episode/0") as page:
        frame = page.locator(".screen .frame img")
        expect(frame).to_have_attribute("src", re.compile("^episodes/before/frames/[0-9a-f]{16}.png$"))
        expect(frame).to_have_js_property("naturalWidth", 64)


def test_two_runs_on_one_page(browser: Browser, tmp_path: Path) -> None:
    folders = [fixture.write_run(tmp_path / name) for name in ("first", "second")]
    with serving(*folders) as url, opened(browser, url) as page:
        shows(page, ".facts .whose", ["Run first", "Run second"])
        page.get_by_label("Smooth lines").uncheck()
        shows(page, '[data-key="entropy"] .entry', ["first 0.10", "second 0.10"])
        page.keyboard.press("3")
        expect(page.locator(".matrix p")).to_contain_text(
            "A first · After RL 60.0% · B second · After RL 60.0% of 10 seeds"
        )
        expect(page.locator(".matrix p")).to_contain_text("They succeed on the same seeds.")


def test_ten_thousand_episodes(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    with EpisodeWriter(folder / "episodes" / "train") as writer:
        for index in range(10_000):
            step, group, success = index // 80, index // 8, index % 3 == 0
            writer.write(fixture.episode("train", group, success, count=1, step=step, group=group))
    write_report(folder)
    with opened(browser, (folder / "report.html").as_uri() + "#/episodes") as page:
        expect(page.locator(".counts")).to_contain_text("10\u2009000 of 10\u2009000 episodes")
        assert page.locator("tbody tr").count() < 80
        page.locator(".scroller").evaluate("box => box.scrollTop = box.scrollHeight")
        last = page.locator("tbody tr:not(.space)").last
        expect(last).to_have_attribute("aria-rowindex", "10001")
        page.evaluate("location.hash = '#/episode/9999'")  # of the last chunk
        expect(page.locator(".turn .caption")).to_have_text("you are at (0, 1)")  # seed 9999 // 8 = 1249
        expect(page.locator(".frame img")).to_have_js_property("naturalWidth", 64)
        page.go_back()
        expect(last).to_have_attribute("aria-rowindex", "10001")
        assert page.locator("tbody tr").count() < 80
        page.get_by_label("Outcome").select_option("success")
        expect(page.locator(".counts")).to_contain_text("3\u2009334 of 10\u2009000 episodes, 100.0% success")
        page.get_by_label("Step from").fill("124")
        page.get_by_label("Step from").press("Tab")
        expect(page.locator(".counts")).to_contain_text("27 of 10\u2009000")  # every third of the last 80
