"""Why episodes fail, their tokens, notes and texts, in a real Chromium, from a server and as a file."""

import csv
import dataclasses
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from render.records.episode import Episode, Turn
from render.records.writing import EpisodeWriter
from render.viewer.report import write_report
from tests.render import run_fixture as fixture
from tests.render.viewer_fixture import column, no_sideways_scroll, opened, shows
from tests.render.watch_fixture import serving

pytestmark = pytest.mark.browser

TOKENS = ("<think>", "go", "</think>", "<answer>", "up", "</answer>", "")


def with_tokens(turn: Turn) -> Turn:
    """A turn with its tokens; the fifth is a surprise of 10%."""
    told = "".join(TOKENS)
    logprobs = (0.0, -0.5, 0.0, 0.0, -2.3026, 0.0, 0.0)
    entropies = (0.0, 0.75, 0.0, 0.0, 1.5, 0.0, 0.0)
    answers = (("up", 0.1), ("left", 0.6), ("d…", 0.0004))
    return dataclasses.replace(
        turn, reply=told, thinking="go", action="up", valid=True, tokens=TOKENS, logprobs=logprobs,
        entropies=entropies, answers=answers,
    )  # fmt: skip


def question(seed: int, success: bool, kind: str, misread: tuple[tuple[str, str], ...] = ()) -> Episode:
    """A question with a transcript of three numbers."""
    seen = 1.0 if not misread else 1 - len(misread) / 3
    turn = Turn(
        f"Angle {seed}?", "<think>40 65</think><answer>75</answer>", "40 65", "75", True, float(success), {}, "",
        fixture.picture(seed, 0), 9, truth="40 65 30", transcript=seen, misread=misread,
    )  # fmt: skip
    changes: dict[str, Any] = {"task": "geometry", "kind": kind, "ended": "completed", "group": seed}
    return fixture.episode("after", seed, success, turns=(turn,), **changes)


def write_run(folder: Path) -> Path:
    """Sokoban: 8 seeds before, all won from 4 on, and 8 after, of which 3 fail; geometry: 6 questions, 4 failures."""
    with EpisodeWriter(folder / "episodes" / "before") as writer:
        for seed in range(8):
            writer.write(fixture.episode("before", seed, seed != 0, ending="The last box is on its goal."))
    with EpisodeWriter(folder / "episodes" / "after") as writer:
        for seed in range(8):
            lost = seed in (0, 1, 2)
            played = fixture.turns(seed, 4, not lost, None, salt=1 if lost else 0)
            played = tuple(map(with_tokens, played)) if seed == 3 else played
            more: dict[str, Any] = {"final_frame": fixture.picture(seed, 5), "final_text": "after the last move"}
            if seed == 2:
                played = tuple(dataclasses.replace(turn, frame=None) for turn in played)
                more = {"pictured": False}
            ending = "The box is stuck." if lost else "The last box is on its goal."
            writer.write(fixture.episode("after", seed, not lost, turns=played, ending=ending, **more))
        for seed, success, kind, misread in (
            (20, False, "triangle", (("65", "66"), ("30", "")),), (21, False, "triangle", (("65", "66"),)),
            (22, False, "triangle", ()), (23, True, "circle", ()), (24, True, "circle", (("40", "44"),)),
            (25, False, "circle", ()),
        ):  # fmt: skip
            writer.write(question(seed, success, kind, misread))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("runs") / "sokoban")
    write_report(folder)
    return folder


@pytest.fixture(scope="module", params=["server", "file"])
def place(request: pytest.FixtureRequest, run: Path) -> Iterator[str]:
    if request.param == "file":
        yield (run / "report.html").as_uri()
        return
    with serving(run) as url:
        yield f"{url}/"


def card(title: str) -> str:
    return f'.reason:has(h2:text-is("{title}"))'


def test_the_reasons_of_failures(page: Page, place: str) -> None:
    with opened(page, f"{place}#/why?label=after&task=sokoban"):
        expect(page.locator(".counts")).to_contain_text("3 of 8 episodes failed (37.5%)")
        shows(page, f"{card('How the failures ended')} tr", ["out of turns 3 100.0%", "The box is stuck. 3 100.0%"])
        shows(page, f"{card('Success by kind')} tbody tr", ["10x10, 4 boxes 4 50.0%", "6x6, 1 box 4 75.0%"])
        shows(page, f"{card('Success by number of turns')} tbody tr", ["4 8 62.5%"])
        causes = ["not of the form <think>…</think><answer>…</answer> 1 100.0%"]  # seed 0, turn 3; seed 5 the same
        shows(page, f"{card('Invalid replies')} tr", [causes[0].replace(" 1 ", " 2 ")])
        expect(page.locator(f"{card('Actions')} tr").first).to_contain_text("up")
        seeds = ["0 0 of 2", "1 1 of 2", "2 1 of 2"]  # with the episodes before
        shows(page, f"{card('Hardest seeds')} tbody tr", seeds)
        page.get_by_role("link", name="The box is stuck.").click()
        shows(page, column("seed"), ["0", "1", "2"])
        page.get_by_role("button", name="last event: The box is stuck.").click()
        expect(page.locator(".counts")).to_contain_text("3 of 22")  # still the failures
        page.get_by_role("link", name="Why do they fail?").click()
        expect(page.locator(".counts")).to_contain_text("3 of 8 episodes failed")


def test_what_was_seen_wrongly_and_what_was_concluded_wrongly(page: Page, place: str) -> None:
    with opened(page, f"{place}#/why?label=after&task=geometry"):
        shows(
            page, ".sight .cell", ["2 seen wrongly", "1 seen wrongly, yet right", "2 concluded wrongly", "1 both right"]
        )
        shows(
            page, f"{card('Seeing or concluding?')} .bars tr", ["65 → 66 2 50.0%", "30 → ∅ 1 25.0%", "40 → 44 1 25.0%"]
        )
        kinds = ["triangle 3 0.0% 2 1", "circle 3 66.7% 0 1"]
        shows(page, f"{card('Success by kind')} tbody tr", kinds)
        page.get_by_role("link", name="concluded wrongly").click()
        shows(page, column("seed"), ["22", "25"])
        page.locator("tbody td a").first.click()
        expect(page.locator(".turn")).to_contain_text("read rightly")
        page.goto(f"{place}#/episodes?misread={'65 → 66'}")
        page.locator("tbody td a").first.click()
        shows(page, ".misread div", ["65 → 66", "30 → ∅"])
        expect(page.locator(".turn code")).to_have_text("40 65 30")


def test_a_failure_next_to_the_nearest_success(page: Page, place: str) -> None:
    with opened(page, f"{place}#/why?label=after&task=sokoban"):
        rows = page.locator(f"{card('Failures and their nearest success')} tbody tr")
        expect(rows).to_have_count(3)
        expect(rows.nth(0)).to_contain_text("none recorded")  # seed 0 was never solved
        rows.nth(1).get_by_role("link", name="compare with #1 (Before RL)").click()
        expect(page.locator("h1")).to_contain_text("seed 1")
        expect(page.locator(".controls output")).to_have_text("3 / 4")  # other moves from turn 3 on
        shows(page, ".card .action", ["up", "left"])  # (1 + 2 + 1) % 4 and (1 + 2) % 4
        expect(page.locator(".mark")).to_have_text("they differ here")
        page.keyboard.press("End")
        expect(page.locator(".controls output")).to_have_text("end")
        shows(page, ".card .action", ["The box is stuck.", "The last box is on its goal."])
        page.keyboard.press("d")
        expect(page.locator(".controls output")).to_have_text("3 / 4")
        page.keyboard.press("n")
        expect(page.locator("h1")).to_contain_text("seed 2")
        expect(page.locator(".card").first).to_contain_text("frames not kept")
        page.keyboard.press("u")
        expect(page.locator(".counts")).to_contain_text("3 of 8")
        page.goto(f"{place}#/episode/9")
        expect(page.get_by_role("link", name="Nearest success")).to_be_visible()
        page.keyboard.press("f")
        expect(page.locator("h1")).to_contain_text("Where they part")


def test_the_reply_by_token(page: Page, place: str) -> None:
    with opened(page, f"{place}#/episode/11"):  # seed 3 after
        tokens = page.locator(".tokens span")
        shows(page, ".tokens span", ["<think>", "go", "</think>", "<answer>", "up", "</answer>", "end"])
        much = "spans => spans.map(span => span.style.getPropertyValue('--much'))"
        assert tokens.evaluate_all(much) == ["0%", "10%", "0%", "0%", "46%", "0%", "0%"]  # of 5 nats
        expect(tokens.nth(4)).to_have_attribute("title", "log-prob −2.30 (10.0%), entropy 1.50 nats")
        page.get_by_role("button", name="entropy").click()
        assert tokens.evaluate_all(much)[4] == "100%"
        expect(page.locator(".scale")).to_have_text("0 nats: one choice1.50 nats: many choices")
        expect(page.get_by_role("button", name="advantage")).to_be_disabled()  # not a training episode
        assert page.url.endswith("#/episode/11?tokens=entropy")
        tokens.nth(1).click()
        expect(page.locator(".turn [role=status]")).to_have_text(
            "Token 2 of 7: log-prob −0.50 (60.7%), entropy 0.75 nats"
        )
        page.locator(".tokens").press("ArrowRight")
        expect(page.locator(".turn [role=status]")).to_contain_text("Token 3 of 7")
        expect(page.locator(".controls output")).to_have_text("1 / 4")  # the key moved between tokens only
        shows(page, ".answers tr", ["up 10.0% given", "left 60.0%", "d… <0.1%"])
        page.reload()
        expect(page.get_by_role("button", name="entropy")).to_have_attribute("aria-pressed", "true")
        page.goto(f"{place}#/episode/0")
        expect(page.locator(".turn")).to_contain_text("Not recorded")


def test_the_final_frame_and_how_it_ended(page: Page, place: str) -> None:
    with opened(page, f"{place}#/episode/9"):  # seed 1 after
        frame = page.locator(".screen .frame img")
        expect(page.locator(".controls output")).to_have_text("1 / 4")
        page.keyboard.press("End")
        expect(page.locator(".controls output")).to_have_text("end")
        expect(page.locator(".turn")).to_contain_text("out of turns The box is stuck.")
        expect(page.locator(".caption")).to_have_text("after the last move")
        expect(frame).to_have_attribute("alt", "Image after the last reply")
        last = frame.get_attribute("src")
        page.keyboard.press("ArrowLeft")
        expect(page.locator(".controls output")).to_have_text("4 / 4")
        assert frame.get_attribute("src") != last
        expect(page).to_have_url(f"{place}#/episode/9?turn=4")
        page.reload()  # the same turn
        expect(page.locator(".controls output")).to_have_text("4 / 4")
        page.goto(f"{place}#/episode/10")
        expect(page.locator(".screen")).to_contain_text("The frames of this episode were not kept")


def test_full_text_search(page: Page, place: str) -> None:
    with opened(page, f"{place}#/episodes"):
        search = page.get_by_label("Search")
        search.fill("ANGLE")  # in the prompts of the questions
        expect(page.locator(".counts")).to_contain_text("6 of 22")
        search.fill('"angle 23?"')
        shows(page, column("seed"), ["23"])
        search.fill("i would push")  # the invalid replies
        expect(page.locator(".counts")).to_contain_text("4 of 22")
        search.fill("push after")  # a word of the prompt, and the label
        expect(page.locator(".counts")).to_contain_text("8 of 22")
        search.fill("stuck")  # the ending
        expect(page.locator(".counts")).to_contain_text("3 of 22")
        page.reload()
        expect(page.locator(".counts")).to_contain_text("3 of 22")
        page.locator("tbody td a").first.click()
        expect(page.locator("nav.list .num")).to_have_text("1 of 3")


def test_csv_of_the_selected_episodes(page: Page, place: str) -> None:
    with opened(page, f"{place}#/episodes?task=geometry&sort=seed&outcome=failed"):
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV").click()
        assert download.value.suggested_filename == "sokoban-episodes.csv"
        rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert [row["seed"] for row in rows] == ["20", "21", "22", "25"]
    assert (rows[0]["label"], rows[0]["success"], rows[0]["kind"]) == ("after", "false", "triangle")
    assert (rows[0]["actions"], rows[0]["seen"], rows[2]["seen"], rows[0]["note"]) == ("75", "0", "1", "")


def test_a_spreadsheet_takes_no_text_for_a_formula(page: Page, place: str) -> None:
    with opened(page, f"{place}#/episodes"):
        made = page.evaluate("""async () => {
          const { csv } = await import("viewer/csv");
          const own = { kind: "=1+1", ending: 'a "b",\\nc', reward: -1, actions: ["-5", "@x"] };
          const columns = new Proxy(own, { get: (_, name) => [own[name] ?? ""] });
          return csv({ columns, marks: new Map([["", { tags: ["+a"], note: "-b" }]]) }, [0]);
        }""")
    (row,) = csv.DictReader(io.StringIO(made))
    assert (row["kind"], row["ending"], row["reward"]) == ("'=1+1", 'a "b",\nc', "-1")
    assert (row["actions"], row["tags"], row["note"]) == ("-5 | @x", "'+a", "'-b")


def test_tags_and_notes_are_kept_in_the_run_folder(page: Page, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "sokoban")
    with serving(folder) as url, opened(page, f"{url}/#/episode/9"):
        page.get_by_label("Tags").fill("stuck, keeper, stuck")
        page.get_by_label("Tags").press("Enter")
        expect(page.locator(".marks [role=status]")).to_have_text("saved in notes.jsonl")
        page.get_by_label("Note").fill(fixture.HOSTILE)
        with page.expect_response("**/mark"):
            page.get_by_label("Note").blur()
        lines = [json.loads(line) for line in (folder / "notes.jsonl").read_text().splitlines()]
        key = {"policy": "after", "task": "sokoban", "stage": "", "step": -1, "group": 0, "seed": 1, "number": 0}
        assert [line["episode"] for line in lines] == [key, key]
        assert (lines[1]["tags"], lines[1]["note"]) == (["stuck", "keeper"], fixture.HOSTILE)
        page.keyboard.press("u")
        page.get_by_label("Tag").select_option("keeper")
        shows(page, column("seed"), ["1"])
        shows(page, ".tag", ["stuck", "keeper"])
        page.get_by_label("Tag").select_option("")
        page.get_by_label("Search").fill("גנורw")
        page.get_by_label("Search").fill("שלום")  # in the note
        shows(page, column("seed"), ["1"])
    write_report(folder)
    with opened(page, f"{(folder / 'report.html').as_uri()}#/episode/9"):
        shows(page, ".marks .tag", ["stuck", "keeper"])
        expect(page.locator(".marks .note")).to_have_js_property("textContent", fixture.HOSTILE)
        assert page.locator(".marks input").count() == 0


def test_views_fit_a_phone_and_do_not_run_text(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    with EpisodeWriter(folder / "episodes" / "after") as writer:
        for success in (True, False):
            turn = dataclasses.replace(
                question(1, success, fixture.HOSTILE, ((fixture.HOSTILE, "b"),)).turns[0], action=fixture.HOSTILE,
                tokens=(fixture.HOSTILE, ""), logprobs=(-1.0, 0.0), answers=((fixture.HOSTILE, 0.5),),
            )  # fmt: skip
            bad = dataclasses.replace(turn, valid=False, problem=fixture.HOSTILE)
            more: dict[str, Any] = {"kind": fixture.HOSTILE, "ending": fixture.HOSTILE, "final_text": fixture.HOSTILE}
            writer.write(fixture.episode("after", 1, success, turns=(turn, bad), **more))
    with serving(folder) as url, opened(page, url, width=380):
        for address, seen in (
            ("#/why", ".failures tbody tr"), ("#/episode/1", ".tokens"), ("#/pair/1/0", ".two .card"),
            ("#/episode/1?turn=3", ".caption"),
        ):  # fmt: skip
            page.evaluate("address => { location.hash = address; }", address)
            expect(page.locator(seen).first).to_be_visible()
            page.wait_for_timeout(100)
            no_sideways_scroll(page)
        assert page.locator("main script").count() == 0
        assert page.title() != "taken"


def test_only_the_page_may_write_notes(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "sokoban")
    with serving(folder) as url:
        generation = httpx2.get(f"{url}/api/episodes").json()["generation"]
        good = {"generation": generation, "tags": ["a"], "note": "b"}

        def post(number: int, body: Any, **headers: str) -> httpx2.Response:
            sent = {"content-type": "application/json"} | {
                name.replace("_", "-"): value for name, value in headers.items()
            }
            return httpx2.post(f"{url}/api/episodes/{number}/mark", content=json.dumps(body), headers=sent)

        assert post(3, good, origin="https://evil.example").status_code == 403
        assert post(3, good, content_type="text/plain").status_code == 403
        assert post(3, good, host="evil.example").status_code == 400
        assert not (folder / "notes.jsonl").exists()
        assert post(99, good).status_code == 404
        assert post(3, good | {"generation": generation + 1}).status_code == 410
        bodies: tuple[Any, ...] = (
            [],
            {"tags": []},
            good | {"tags": "a"},
            good | {"tags": [1]},
            good | {"note": None},
            good | {"note": "x" * 70_000},
        )
        for body in bodies:
            assert post(3, body).status_code == 400
        for bad, said in (
            ({"tags": ["x" * 41]}, "41"),
            ({"tags": [*"abcdefghijklm"]}, "12 tags"),
            ({"note": "x" * 4001}, "4000"),
        ):
            answer = post(3, good | bad)
            assert answer.status_code == 400 and said in answer.json()["error"]
        assert post(3, good).status_code == 200
        with (folder / "notes.jsonl").open("a") as file:
            file.write(
                'garbage\n{"schema":9}\n{"schema":1,"episode":{"policy":3},"tags":[],"note":""}\n{"schema":1,"ep'
            )
        assert httpx2.get(f"{url}/api/run").json()["marks"] == {"3": {"tags": ["a"], "note": "b"}}
        outside = tmp_path / "outside"
        outside.write_text("")
        (folder / "notes.jsonl").unlink()
        (folder / "notes.jsonl").symlink_to(outside)
        refused = post(3, good)
        assert refused.status_code == 409 and re.search("points outside", refused.json()["error"])
        assert outside.read_text() == ""
