import base64
import gzip
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest

from render.records.writing import EpisodeWriter
from render.viewer.page import embedded_json
from render.viewer.report import write_report
from tests.render.watch_fixture import HOSTILE, episode, make_run, serving


class Page(HTMLParser):
    """The elements of a page, and the text of its script elements."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)

    def named(self, name: str) -> Any:
        return json.loads(next(text for attributes, text in self.scripts if attributes.get("id") == name))

    @property
    def chunks(self) -> list[tuple[int, int, list[dict[str, Any]]]]:
        return [
            (int(str(a["data-from"])), int(str(a["data-to"])), json.loads(gzip.decompress(base64.b64decode(text))))
            for a, text in self.scripts
            if a.get("class") == "chunk"
        ]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [record for _, _, records in self.chunks for record in records]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "my <run>")


def test_the_file_holds_what_the_server_says(run: Path) -> None:
    path = write_report(run)
    assert path == run / "report.html"
    page = Page(path)
    with serving(run) as url:
        served = httpx2.get(url + "/api/run").json()
        index = httpx2.get(url + "/api/episodes").json()
        records = [httpx2.get(f"{url}/api/episodes/{number}").json() for number in range(4)]
        frame = httpx2.get(url + records[0]["turns"][0]["frame"]).content
    mine = page.named("run")
    videos = [video.pop("url") for video in mine["videos"]]
    for video in served["videos"]:
        video.pop("url")
    written = page.named("index")
    for one in (mine, served, written, index):
        one.pop("generation")  # each server and file has its own
    assert (mine, written) == (served, index)
    assert [base64.b64decode(url.removeprefix("data:video/mp4;base64,")) for url in videos] == [
        (run / "videos" / f"{name}.mp4").read_bytes() for name in ("before", "after")
    ]
    assert base64.b64decode(page.records[0]["turns"][0]["frame"].removeprefix("data:image/png;base64,")) == frame
    for record in (*page.records, *records):
        for turn in record["turns"]:
            assert turn.pop("frame")
    assert page.records != [] and [r | {"turns": []} for r in page.records] == [r | {"turns": []} for r in records]
    assert page.records[0]["turns"][0]["reply"] == HOSTILE
    assert sorted(p.name for p in run.iterdir() if "report" in p.name) == ["report.html"]


def test_all_episodes_are_in_it_in_chunks(tmp_path: Path) -> None:
    with EpisodeWriter(tmp_path / "episodes" / "train") as writer:
        for seed in range(120):
            writer.write(episode("train", seed, seed % 2 == 0, step=seed // 8))
    page = Page(write_report(tmp_path))
    assert [(first, last, len(records)) for first, last, records in page.chunks] == [
        (0, 49, 50), (50, 99, 50), (100, 119, 20),
    ]  # fmt: skip
    assert [record["seed"] for record in page.records] == list(range(120))
    assert page.named("index")["columns"]["step"] == [seed // 8 for seed in range(120)]


def test_frames_within_a_budget_held_out_and_newest_first(tmp_path: Path) -> None:
    folder = tmp_path / "a run"
    for label in ("before", "train"):
        with EpisodeWriter(folder / "episodes" / label) as writer:
            for seed in range(3):
                writer.write(episode(label, seed, True))
    line = json.loads((folder / "episodes" / "train" / "episodes.jsonl").read_text().splitlines()[0])
    frames = [folder / "episodes" / "train" / "frames" / f"{turn['frame']}.png" for turn in line["turns"]]
    each = sum(path.stat().st_size for path in frames) * 4 // 3
    page = Page(write_report(folder, frame_bytes=4 * each))
    inside = [record["turns"][0]["frame"].startswith("data:") for record in page.records]
    assert [record["label"] for record in page.records] == ["before"] * 3 + ["train"] * 3
    assert inside == [True] * 3 + [False, False, True]
    beside = page.records[3]["turns"][0]["frame"]
    assert re.fullmatch(r"episodes/train/frames/[0-9a-f]{32}\.png", beside) and (folder / beside).is_file()
    assert page.named("run")["notes"][-1] == (
        "The frames of 2 episodes are not in this file; the page loads them from the episodes/ folder next to it."
    )


def test_episodes_without_frames_are_not_counted_as_left_out(tmp_path: Path) -> None:
    with EpisodeWriter(tmp_path / "episodes" / "train") as writer:
        for seed in range(3):
            writer.write(episode("train", seed, True, **cast(dict[str, Any], {"turns": ()} if seed == 0 else {})))
    page = Page(write_report(tmp_path, frame_bytes=0))
    assert page.named("run")["notes"][-1].startswith("The frames of 2 episodes are not in this file")


def test_names_that_are_no_utf_8(run: Path) -> None:
    odd = os.fsdecode(b"odd \xff")
    (run / "videos" / "after.mp4").rename(run / "videos" / f"{odd}.mp4")
    (run / "episodes" / "after").rename(run / "episodes" / odd)
    page = Page(write_report(run, frame_bytes=0))
    assert page.records[2]["turns"][0]["frame"].startswith("episodes/odd%20%FF/frames/")
    with serving(run) as url:
        video = httpx2.get(url + "/api/run").json()["videos"][1]
        assert video["url"] == "/videos/0/odd%20%FF.mp4"
        assert httpx2.get(url + video["url"]).content == (run / "videos" / f"{odd}.mp4").read_bytes()


def test_a_hostile_run_cannot_leave_its_element(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(summary | {"task": HOSTILE, "stages": [{"name": HOSTILE}]}))
    page = Page(write_report(run))
    assert page.named("run")["task"] == HOSTILE
    assert page.named("run")["facts"][4][0] == f"Stage {HOSTILE}"
    assert [tag for tag, _ in page.elements].count("img") == 0
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    for attributes, text in page.scripts:
        if attributes.get("type") in ("application/json", "application/octet-stream"):
            assert not re.search(r"[<>&\u2028\u2029]", text)


def test_it_loads_nothing_from_elsewhere(run: Path) -> None:
    text = write_report(run).read_text(encoding="utf-8")
    page = Page(run / "report.html")
    links = [v for _, attributes in page.elements for k, v in attributes.items() if k in ("src", "href") and v]
    assert all(link.startswith("data:") for link in links)
    policy = next(a["content"] for t, a in page.elements if t == "meta" and "http-equiv" in a)
    assert policy is not None
    nonce = re.search(r"script-src 'nonce-([\w-]+)'; style-src 'nonce-\1'", policy)
    assert nonce and policy.startswith("default-src 'none'; ") and "connect-src 'none'" in policy
    assert text.index("Content-Security-Policy") < text.index("<script")
    modules = [attributes for attributes, _ in page.scripts if attributes.get("type") in ("importmap", "module")]
    assert [attributes["nonce"] for attributes in modules] == [nonce[1]] * 2


def test_an_empty_folder_gives_a_page(tmp_path: Path) -> None:
    page = Page(write_report(tmp_path))
    assert page.named("run")["notes"] == ["This folder has records only, without metrics or results."]
    assert (page.named("index")["total"], page.chunks) == (0, [])


def test_damage_is_a_note(run: Path) -> None:
    (run / "summary.json").write_text('{"task": ')
    record = run / "episodes" / "after" / "episodes.jsonl"
    record.write_text(record.read_text().replace('"schema":3', '"schema":9'))
    torn = run / "episodes" / "before" / "episodes.jsonl"
    torn.write_bytes(torn.read_bytes()[:-9])
    for frame in (run / "episodes" / "before" / "frames").iterdir():
        frame.write_text("no picture")
    page = Page(write_report(run))
    notes = " ".join(page.named("run")["notes"])
    for expected in ("summary.json is damaged", "line 1 has schema 9", "line 2 is torn"):
        assert expected in notes
    assert [record["seed"] for record in page.records] == [9000]
    assert [turn["frame"] for turn in page.records[0]["turns"]] == [None] * 3


@pytest.mark.parametrize("part", ["success", "others", "stages", "checkpoint", "seconds"])
@pytest.mark.parametrize("value", [None, 3, "x", [1], {"before": None}, {"before": {"mean": "high", "ci95": [1]}}])
def test_strange_summaries_do_not_break_it(tmp_path: Path, part: str, value: object) -> None:
    (tmp_path / "summary.json").write_text(json.dumps({part: value}))
    (tmp_path / "results.json").write_text(json.dumps({"rows": [{part: value}, value], "published": value}))
    assert Page(write_report(tmp_path)).named("run")["live"] is False


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a run folder"):
        write_report(tmp_path / "nothing")


def test_a_report_that_cannot_be_written_leaves_nothing(run: Path) -> None:
    (run / "report.html").mkdir()  # cannot be replaced by a file
    with pytest.raises(OSError, match="report"):
        write_report(run)
    assert not [p.name for p in run.iterdir() if p.name.endswith(".part")]


def test_embedded_json_cannot_end_its_element() -> None:
    text = embedded_json({"</script>": ["<!--", "&amp;", "\u2028", float("nan"), float("inf"), 1.5, True]})
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == {"</script>": ["<!--", "&amp;", "\u2028", None, None, 1.5, True]}
