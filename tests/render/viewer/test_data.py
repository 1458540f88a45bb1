"""The page in a real Chromium with data that come, go, are damaged, many or hostile."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from render.records.writing import EpisodeWriter
from render.viewer.report import write_report
from tests.render import run_fixture as fixture
from tests.render.viewer_fixture import column, no_sideways_scroll, opened, shows
from tests.render.watch_fixture import serving

pytestmark = pytest.mark.browser

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


def test_no_line_joins_two_stages(page: Page, tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"total_step": step, "stage": "fre" if step <= 20 else "mgt"} for step in range(1, 101)
    ]
    fixture.append_metrics(tmp_path, [row | {"entropy": 1.6 if row["stage"] == "fre" else 0.4} for row in steps])
    fixture.append_metrics(tmp_path, [row | {"policy_kl": 0.01 * row["total_step"]} for row in steps])
    with serving(tmp_path) as url, opened(page, url):
        expect(page.locator("canvas")).to_have_count(2)
        assert page.locator('[data-key="entropy"]').evaluate(BLUE) == 0
        assert page.locator('[data-key="policy_kl"]').evaluate(BLUE) > 10


def test_a_seed_of_two_tasks_or_kinds(page: Page, tmp_path: Path) -> None:
    for label, kind in (("before", "corner"), ("after", "corner"), ("other", "penalty")):
        with EpisodeWriter(tmp_path / "run" / "episodes" / label) as writer:
            for task in ("football", "sokoban"):
                for seed in (8, 9):
                    changes: dict[str, Any] = {"task": task, "kind": kind if task == "football" else ""}
                    writer.write(fixture.episode(label, seed, label == "after", count=1, **changes))
    with serving(tmp_path / "run") as url, opened(page, f"{url}/#/compare"):
        seen = page.locator(".seeds tr:has(.now) td")
        for shown, task in (("8", "football"), ("9", "football"), ("8", "sokoban"), ("9", "sokoban")):
            expect(seen.nth(0)).to_have_text(shown)
            expect(seen.nth(1)).to_have_text(task)
            page.keyboard.press("n")
        address = page.url
        page.reload()
        expect(seen.nth(1)).to_have_text("sokoban")
        assert page.url == address
        page.get_by_role("button", name="Swap A and B").click()
        expect(page.locator(".matrix p")).to_contain_text("A After RL 100.0%")
        expect(seen).to_have_text(["9", "sokoban", "success", "1.10", "out of turns", "0.10"])
        page.locator("form.filters select").first.select_option("other")  # of football it played another kind
        expect(page.locator(".matrix p")).to_contain_text("of 2 seeds")
        page.goto(f"{url}/#/episode/0")
        expect(page.get_by_role("link", name="Compare with")).to_have_text("Compare with After RL")
        page.goto(f"{url}/#/compare?a=before&b=after&seed=9&task=sokoban")
        expect(page.locator(".seeds td.now")).to_have_text("9")
        assert page.evaluate("import('viewer/pairs').then(({ chance }) => [chance(1200, 1200), chance(1, 6)])") == [
            pytest.approx(1), pytest.approx(0.125),
        ]  # fmt: skip


def test_hostile_names_are_text(page: Page, tmp_path: Path) -> None:
    name = "<img src=x onerror=\"document.title='taken'\">"
    folder = tmp_path / name
    for label in (name, "after"):
        with EpisodeWriter(folder / "episodes" / label) as writer:
            for _ in range(2):
                writer.write(fixture.episode(label, 1, True, count=1, task=fixture.HOSTILE, stage=name, step=1))
    (folder / "videos").mkdir()
    (folder / "videos" / f"{name}.gif").write_bytes(GIF)
    with serving(folder) as url, opened(page, url):
        expect(page.locator(".video img")).to_have_js_property("naturalWidth", 1)
        expect(page.locator(".video figcaption")).to_have_text(name)
        expect(page.locator("h1")).to_have_text(name)
        for address, place in (
            ("#/episodes", column("label")), ("#/episode/2", ".head .facts dd"), ("#/compare", ".matrix p"),
        ):  # fmt: skip
            page.evaluate("address => { location.hash = address; }", address)
            expect(page.locator(place).get_by_text(name).first).to_be_visible()
        page.evaluate("location.hash = '#/episode/2'")
        page.get_by_role("link", name="Group of 2").click()
        expect(page.locator("h1 .soft")).to_contain_text(f"{name} · {name} · step 1")
        assert page.locator("main script, main img:not(.frame img)").count() == 0


def test_what_comes_in_while_the_run_goes_on(page: Page, tmp_path: Path) -> None:
    folder = fixture.write_run(tmp_path / "sokoban", ended=False)
    address = "#/episodes?label=train&sort=-step"
    with serving(folder) as url, fixture.going_on(folder), opened(page, f"{url}/{address}"):
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
        no_sideways_scroll(page)
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
    expect(page.locator(".gone")).to_have_text("The server is not responding; retrying.")
    expect(page.locator(column("seed")).first).to_have_text("0")  # what was there stays
    with serving(tmp_path / "second", port=int(url.rpartition(":")[2])):
        page.evaluate("location.hash = '#/episode/3'")  # still the first run's, which this server does not have
        expect(page.locator(".problem")).to_contain_text("Episode 3: the episodes have changed")
        page.clock.fast_forward(2_000)
        expect(page.locator(".turn .caption")).to_have_text("you are at (0, 1)")  # seed 73
        page.keyboard.press("2")
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


def test_a_record_that_cannot_be_read(page: Page, tmp_path: Path) -> None:
    folder = fixture.write_run(tmp_path / "sokoban")
    with serving(folder) as url:
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
        expect(page.locator(".empty")).to_contain_text("Page not found.")
        page.goto(f"{url}/#/episode/9999")
        expect(page.locator(".empty")).to_contain_text("Episode 9999 not found.")


def test_frames_beside_the_file(page: Page, tmp_path: Path) -> None:
    folder = fixture.write_run(tmp_path / "sokoban")
    write_report(folder, frame_bytes=0)
    with opened(page, (folder / "report.html").as_uri() + "#/episode/0"):
        frame = page.locator(".screen .frame img")
        expect(frame).to_have_attribute("src", re.compile("^episodes/before/frames/[0-9a-f]{32}.png$"))
        expect(frame).to_have_js_property("naturalWidth", 64)


@pytest.mark.parametrize("inside", [True, False])
def test_all_images_of_a_turn_are_shown(page: Page, tmp_path: Path, inside: bool) -> None:
    first, second = fixture.turns(1, 2, True, None)
    first = dataclasses.replace(first, more_frames=(fixture.picture(2, 0), fixture.picture(3, 0)))
    with EpisodeWriter(tmp_path / "episodes" / "after") as writer:
        writer.write(fixture.episode("after", 1, True, turns=(first, second)))
    write_report(tmp_path, frame_bytes=10**6 if inside else 0)
    images = page.locator(".screen .frame img")
    loaded = "images => images.every(image => image.complete && image.naturalWidth === 64)"
    with serving(tmp_path) as url:
        for place in (url, (tmp_path / "report.html").as_uri()):
            with opened(page, f"{place}#/episode/0"):
                expect(images).to_have_count(3)
                expect(images.nth(2)).to_have_attribute("alt", "Image given to the model in turn 1, image 3 of 3")
                page.wait_for_function(f"({loaded})([...document.querySelectorAll('.screen .frame img')])")
                sources = images.evaluate_all("images => images.map(image => image.src)")
                assert len(set(sources)) == 3
                no_sideways_scroll(page)
                page.keyboard.press("ArrowRight")
                expect(images).to_have_count(1)


def test_two_runs_on_one_page(page: Page, tmp_path: Path) -> None:
    folders = [fixture.write_run(tmp_path / name) for name in ("first", "second")]
    with serving(*folders) as url, opened(page, url):
        shows(page, ".facts .whose", ["Run first", "Run second"])
        page.get_by_label("Smooth lines").uncheck()
        shows(page, '[data-key="entropy"] .entry', ["first 0.10", "second 0.10"])
        page.keyboard.press("4")
        expect(page.locator(".matrix p")).to_contain_text(
            "A first · After RL 60.0% · B second · After RL 60.0% of 10 seeds"
        )
        expect(page.locator(".matrix p")).to_contain_text("Both succeed on the same seeds.")
        page.set_viewport_size({"width": 390, "height": 844})
        page.keyboard.press("2")
        expect(page.locator("td.name").first).to_have_text("first · After RL")
        cut = "parts => parts.filter((part) => part.scrollWidth > part.clientWidth).length"
        assert page.locator(".scroller, td.name").evaluate_all(cut) == 0
        lines = "parts => parts.filter((part) => part.scrollHeight > part.clientHeight).length"
        assert page.locator("td.name span").evaluate_all(lines) == 0  # names are whole


def test_a_short_run_beside_a_long_one(page: Page, tmp_path: Path) -> None:
    """Where it has ended it has no value; where it has no point at all it is not in the legend."""
    for name, steps in (("none", 0), ("short", 2), ("long", 20)):
        (tmp_path / name).mkdir()
        rows = [{"total_step": step, "stage": "s", "entropy": step / 10} for step in range(1, steps + 1)]
        fixture.append_metrics(tmp_path / name, rows)
    with serving(*(tmp_path / name for name in ("none", "short", "long"))) as url, opened(page, url):
        entries = '[data-key="entropy"] .entry'
        shows(page, entries, ["short 0.20", "long 2.00"])
        assert page.locator(f"{entries} i").first.evaluate("line => line.style.color") == "var(--line1)"  # the second's
        page.locator('[data-key="entropy"] .plot').focus()
        page.keyboard.press("ArrowLeft")
        shows(page, entries, ["short –", "long 2.00"])
        shown = "column => import('viewer/series').then((s) => column.map((_, at) => s.valueAt(column, at)))"
        assert page.evaluate(shown, [None, 1, None, 3, None]) == [None, 1, 1, 3, None]


def test_numbers_are_rounded_as_in_the_tables(page: Page, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    shares = [place / 16 for place in range(17)] + [0.0005, 0.9995, 1 / 3]
    rewards = [place / 8 for place in range(-8, 9)] + [0.075]
    with serving(tmp_path / "run") as url, opened(page, url):
        write = "values => import('viewer/format').then((f) => values.map((value) => f.{}(value)))"
        percents = page.evaluate(write.replace("{}", "percent"), shares)
        assert percents == [f"{100 * share:.1f}%" for share in shares]
        points = page.evaluate(write.replace("{}", "points"), rewards)
        assert points == [f"{reward:.2f}".replace("-", "−") for reward in rewards]
        assert page.evaluate("import('viewer/format').then(({ points }) => points(0.025 + 0.05))") == "0.07"  # a sum


def test_who_agree_are_told_on_what(page: Page, tmp_path: Path) -> None:
    for label, solved in (("before", ()), ("after", ()), ("one", (1, 2)), ("other", (1, 2))):
        with EpisodeWriter(tmp_path / "run" / "episodes" / label) as writer:
            for seed in (1, 2):
                writer.write(fixture.episode(label, seed, seed in solved, count=1))
    with serving(tmp_path / "run") as url, opened(page, f"{url}/#/compare"):
        expect(page.locator(".matrix p")).to_contain_text("Neither succeeds on any of these seeds.")
        page.goto(f"{url}/#/compare?a=one&b=other")
        expect(page.locator(".matrix p")).to_contain_text("Both succeed on every seed.")


def test_ten_thousand_episodes(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    with EpisodeWriter(folder / "episodes" / "train") as writer:
        for index in range(10_000):
            step, group, success = index // 80, index // 8, index % 3 == 0
            writer.write(fixture.episode("train", group, success, count=1, step=step, group=group))
    write_report(folder)
    with opened(page, (folder / "report.html").as_uri() + "#/episodes"):
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
