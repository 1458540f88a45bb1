import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from render.episode import Episode, EpisodeWriter, Turn
from render.report import embedded_json, write_report
from render.video import write_video

HOSTILE = "</script><img src=x onerror=\"document.title='taken over'\"><!-- <script> & \u2028 {{ 7 * 7 }}"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page(HTMLParser):
    """The elements of a page, and the text of its script elements and of all others."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.inside = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.words.append(data)

    @property
    def data(self) -> Any:
        return json.loads(self.scripts[0])


def picture(value: int) -> np.ndarray:
    return np.full((8, 8, 3), value, np.uint8)


def episode(policy: str, seed: int, success: bool, reply: str = "<think>a</think><answer>Right</answer>") -> Episode:
    turns = tuple(
        Turn("Play.", reply, "a", "Right", True, 0.1, {"format": 0.1}, "words", picture(index % 2), 9)
        for index in range(3)
    )
    ended = "completed" if success else "truncated"
    return Episode("football", seed, policy, -1, 0, success, ended, 0.3, {"format": 0.3}, turns)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "my <run>"
    folder.mkdir()
    row = {"mean": 0.42, "ci95": [0.36, 0.48], "n": 256, "greedy": 0.45, "blind": 0.11}
    after = {"mean": 0.913, "ci95": [0.87, 0.94], "n": 256}
    summary = {
        "task": "football", "seed": 3, "seconds": 498.2, "peak_memory_mb": 2210,
        "stages": [{"name": "mgt", "steps": 100, "seconds": 330.0}],
        "success": {"expert": {"mean": 0.97, "n": 256}, "after": after, "before": row, "after_fre": row},
        "others": {"arithmetic": {"before": {"mean": 0.3}, "after": {"mean": 0.495}}},
        "checkpoint": {"step": 2, "path": "checkpoint"}, "more": {"x": 1},
    }  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "config.yaml").write_text(f"name: {HOSTILE}\n")
    rows = [{"stage": "mgt", "step": i, "success": 0.4 + 0.1 * i, "reward": float("nan")} for i in range(4)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"torn": ')
    for policy in ("before", "after"):
        with EpisodeWriter(folder / "episodes" / policy) as writer:
            writer.write(episode(policy, 9000, policy == "after", HOSTILE))
            writer.write(episode(policy, 9001, True))
        write_video(folder / "videos" / f"{policy}.mp4", [picture(0).repeat(4, 0).repeat(4, 1)] * 3)
    return folder


def test_the_page_holds_the_whole_run(run: Path) -> None:
    path = write_report(run)
    assert path == run / "report.html"
    page = Page(path)
    words = " ".join(" ".join(page.words).split())
    for expected in ("my <run>", "8 min 18 s", "2.21 GB", "42.0%", "91.3%", "36.0 – 48.0", "45.0%", "11.0%", "49.5%"):
        assert expected in words, expected
    order = [words.index(label) for label in ("Before RL", "After FRE", "After RL", "Expert")]
    assert order == sorted(order)
    videos = [attributes["src"] for tag, attributes in page.elements if tag == "video"]
    assert len(videos) == 2 and all(source.startswith("data:video/mp4;base64,") for source in videos if source)
    data = page.data
    assert [e["policy"] for e in data["episodes"]] == ["before", "before", "after", "after"]
    assert len(data["frames"]) == 2  # each distinct frame once
    assert data["curves"]["panels"][0]["pieces"][0]["values"] == pytest.approx([0.4, 0.5, 0.6, 0.7])
    assert data["curves"]["floors"] == {"expert": 0.97}
    assert sorted(p.name for p in run.iterdir() if "report" in p.name) == ["report.html"]


def test_a_hostile_reply_stays_text(run: Path) -> None:
    page = Page(write_report(run))
    assert page.data["episodes"][0]["turns"][0]["reply"] == HOSTILE
    assert len(page.scripts) == 2
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert [image.get("id") for image in images] == ["frame"]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert not re.search(r"[<>&\u2028]", page.scripts[0])
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", page.scripts[1])


def test_the_page_loads_nothing_from_elsewhere(run: Path) -> None:
    page = Page(write_report(run))
    links = [v for _, attributes in page.elements for k, v in attributes.items() if k in ("src", "href") and v]
    assert all(link.startswith("data:") for link in links)


def test_an_empty_folder_gives_a_page_of_notes(tmp_path: Path) -> None:
    page = Page(write_report(tmp_path))
    words = " ".join(page.words)
    for expected in (
        "summary.json is not there",
        "metrics.jsonl is not there",
        "No episodes",
        "No videos",
        "No results",
    ):
        assert expected in words
    assert page.data["episodes"] == []


def test_damage_is_a_note(run: Path) -> None:
    (run / "summary.json").write_text('{"task": ')
    record = run / "episodes" / "after" / "episodes.jsonl"
    record.write_text(record.read_text().replace('"schema":1', '"schema":9'))
    torn = run / "episodes" / "before" / "episodes.jsonl"
    torn.write_bytes(torn.read_bytes()[:-9])
    for frame in (run / "episodes" / "before" / "frames").iterdir():
        frame.unlink()
    page = Page(write_report(run))
    words = " ".join(page.words)
    for expected in ("summary.json is no JSON", "schema 9", "line 2 is torn", ".png is not there"):
        assert expected in words
    assert [e["seed"] for e in page.data["episodes"]] == [9000]


@pytest.mark.parametrize("part", ["success", "others", "stages", "checkpoint"])
@pytest.mark.parametrize("value", [None, 3, "x", [1], {"before": None}, {"before": {"mean": "high", "ci95": [1]}}])
def test_strange_summaries_do_not_break_it(tmp_path: Path, part: str, value: object) -> None:
    (tmp_path / "summary.json").write_text(json.dumps({part: value}))
    assert write_report(tmp_path).exists()


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no run folder"):
        write_report(tmp_path / "nothing")


def test_embedded_json_cannot_end_its_element() -> None:
    text = str(embedded_json({"</script>": ["<!--", "&amp;", "\u2028", float("nan"), float("inf"), 1.5, True]}))
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == {"</script>": ["<!--", "&amp;", "\u2028", None, None, 1.5, True]}


def browse(path: Path, folder: Path, place: str = "") -> Page:
    """The page as Chromium has it after its scripts ran."""
    command = [
        str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=2000", "--dump-dom", path.resolve().as_uri() + place,
    ]  # fmt: skip
    shown = folder / "shown.html"
    shown.write_bytes(subprocess.run(command, capture_output=True, timeout=60, check=True).stdout)
    return Page(shown)


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_a_browser_shows_it(run: Path, tmp_path: Path) -> None:
    page = browse(write_report(run), tmp_path, "#2.1")
    text = " ".join(page.words)
    assert HOSTILE in page.words  # in the reply's <pre>, as it was written
    assert "my <run> · Kickoff" in page.words  # the title is still ours
    assert "turn 2 / 3" in text and "After RL · football · seed 9000" in text
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(images) == 1 and str(images[0]["src"]).startswith("data:image/png;base64,")
    assert sum(tag == "svg" for tag, _ in page.elements) == 1  # reward has no finite value
    assert sum("data-index" in attributes for _, attributes in page.elements) == 2  # the list shows one player's


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_keys_and_filters_work_in_a_browser(run: Path, tmp_path: Path) -> None:
    path = write_report(run)
    actions = """
    const seen = [], press = (key) =>
      byId("episodes").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    const note = () => seen.push([state.policy, data.episodes[state.episode].seed, state.turn].join(" "));
    const click = (text) => [...document.querySelectorAll("button")].find((b) => b.textContent === text).click();
    note();
    press("ArrowRight"); press("ArrowRight"); press("ArrowRight"); note();
    press("ArrowLeft"); note();
    press("ArrowDown"); note();
    press("ArrowDown"); note();
    press("ArrowUp"); note();
    click("Before RL"); click("failure"); note();
    click("success"); note();
    click("same start: After RL"); note();
    document.title = seen.join(" | ");
    """
    path.write_text(path.read_text(encoding="utf-8").replace("</body>", f"<script>{actions}</script></body>"))
    expected = [
        "after 9000 0", "after 9000 2", "after 9000 1", "after 9001 0", "after 9001 0", "after 9000 0",
        "before 9000 0", "before 9001 0", "after 9001 0",
    ]  # fmt: skip
    assert " | ".join(expected) in browse(path, tmp_path).words
