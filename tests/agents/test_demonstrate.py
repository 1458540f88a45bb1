"""Demonstrations hold what the expert saw and said, in files that others read."""

import asyncio
import dataclasses
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from agents.demonstrate import chats, main
from agents.episodes.episode import Start
from agents.episodes.runner import EpisodeRunner
from agents.policies.scripted import scripted
from agents.seeds import mix
from configs.errors import UserError
from envs.task.config import load_task
from envs.task.task import Task

WALK = ["env=frozen_lake", "policy=random", "successes=false", "episodes=3", "env.max_turns=4"]


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    return [json.loads(line) for line in path.read_text().splitlines()]


def picture(path: Path, image: Any) -> np.ndarray:
    """The pixels behind an entry of `images`."""
    source = io.BytesIO(image["bytes"]) if path.suffix == ".parquet" else path.parent / image
    return np.asarray(Image.open(source))


def texts(row: dict[str, Any]) -> list[tuple[str, list[str | None]]]:
    return [(m["role"], [part.get("text") for part in m["content"] if part["type"] == "text"]) for m in row["messages"]]


def test_only_right_answers_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "sums.jsonl"
    main(["env=arithmetic", "episodes=5", f"out={target}", "seed=3"])
    rows = read(target)
    assert capsys.readouterr().out == f"{target}: 5 rows, 5 of 5 episodes of arithmetic, by expert\n"
    for number, row in enumerate(rows):
        (_, [question]), (_, [answer]) = texts(row)
        assert question is not None and answer is not None
        left, right = question.rstrip("=").split("+")
        assert answer.endswith(f"</think><answer>{int(left) + int(right)}</answer>")
        assert row["images"] == [] and row["success"] is True and row["return"] == 1.0
        assert row["seed"] == mix(3, number) % 2**30  # a start of the training split
    assert not (tmp_path / "sums_images").exists()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_each_row_is_a_turn_with_its_image(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"walk{suffix}"
    main([*WALK, f"out={target}"])
    task = Task("frozen_lake", load_task("frozen_lake", {"env.max_turns": "4"}))
    starts = [Start(mix(0, i) % 2**30, mix(0, i, 1)) for i in range(3)]
    turns = [
        turn for episode in asyncio.run(EpisodeRunner(task).play(starts, scripted("random"))) for turn in episode.turns
    ]
    rows = read(target)
    assert len(rows) == len(turns)
    for row, turn in zip(rows, turns, strict=True):
        assert [m["role"] for m in row["messages"]] == ["user", "assistant"]
        assert [part["type"] for part in row["messages"][0]["content"]] == ["image", "text"]
        assert texts(row) == [("user", [task.config.instructions]), ("assistant", [turn.words])]
        (image,) = row["images"]
        np.testing.assert_array_equal(picture(target, image), turn.observation.image)
    assert sorted({row["turn"] for row in rows}) == list(range(max(row["turn"] for row in rows) + 1))


def test_history_joins_turns_in_one_row(tmp_path: Path) -> None:
    target = tmp_path / "walk.jsonl"
    main([*WALK, f"out={target}", "env.history=-1"])
    rows = read(target)
    assert len(rows) == 3
    for row in rows:
        assert len(row["messages"]) == 2 * len(row["images"]) == 2 * (row["turn"] + 1)
        assert texts(row)[2:3] in ([], [("user", [])])  # only the first turn carries the instructions
    target = tmp_path / "one.jsonl"
    main([*WALK, f"out={target}", "env.history=1"])
    assert [len(row["images"]) for row in read(target)] == [min(row["turn"] + 1, 2) for row in read(target)]


def test_an_existing_file_is_refused_and_kept(tmp_path: Path) -> None:
    target = tmp_path / "walk.jsonl"
    target.write_text("mine")
    with pytest.raises(UserError) as caught:
        main([*WALK, f"out={target}"])
    assert str(caught.value) == f"out={target} exists already; choose another name, or remove it"
    assert target.read_text() == "mine"


def test_a_frame_is_kept_once(tmp_path: Path) -> None:
    target = tmp_path / "walk.jsonl"
    main([*WALK, f"out={target}", "env.history=-1"])
    names = [name for row in read(target) for name in row["images"]]
    files = sorted(f"walk_images/{path.name}" for path in (tmp_path / "walk_images").iterdir())
    assert files == sorted(set(names)) and len(files) < len(names)


def test_only_successes_by_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["env=arithmetic", "policy=idle", "episodes=4", f"out={tmp_path / 'none.jsonl'}"])
    assert read(tmp_path / "none.jsonl") == []
    assert "successes=false also keeps the others" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["out=a.csv"], "out must end in .jsonl or .parquet, got 'a.csv'"),
        (["episodes=0"], "episodes=0: a whole number of at least 1 is expected"),
        (["policy=experts"], "unknown policy 'experts'; did you mean 'expert'? Known: api:MODEL, expert, idle, random"),
        (["env=footbal"], "unknown env 'footbal'; did you mean 'football'?"),
        (["episode=3"], "unknown key episode; did you mean episodes?"),
        (["env=frozen_lake"], "task frozen_lake has no expert"),
        (["env.kwargs.digits=x", "env=arithmetic"], "digits must be a whole number, got 'x'"),
    ],
)
def test_wrong_settings_are_one_line(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        main(words)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("history", "expected"), [(0, [0, 2]), (1, [0, 2]), (-1, [])])
def test_invalid_replies_are_context_only(history: int, expected: list[int]) -> None:
    task = Task("sokoban_text", load_task("sokoban_text", {"env.history": str(history), "env.actions_per_reply": "1"}))
    (episode,) = asyncio.run(EpisodeRunner(task).play([Start(5, 5)], scripted("expert")))
    episode.turns[3:] = []
    assert len(list(chats(task, episode))) == (1 if history == -1 else 3)
    episode.turns[1] = dataclasses.replace(episode.turns[1], words="No idea.", reply=task.parse("No idea."))
    rows = list(chats(task, episode))
    assert [row["turn"] for row in rows] == expected
    if history == 1:
        assert texts(rows[1])[1] == ("assistant", ["No idea."])


class Sums(BaseHTTPRequestHandler):
    """A model that adds, and is wrong where the sum is odd."""

    asked: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        left, right = body["messages"][-1]["content"].split("\n")[-1].rstrip("=").split("+")
        total = int(left) + int(right)
        text = f"<think>{left} and {right}</think><answer>{total + total % 2}</answer>"
        answer = json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_successes_of_a_model_on_a_server_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "sums.jsonl"
    with ThreadingHTTPServer(("127.0.0.1", 0), Sums) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        words = [
            "env=arithmetic",
            "env.rules=true",
            "episodes=12",
            f"out={target}",
            "policy=api:adder",
            "temperature=0.5",
        ]
        main([*words, f"engine.server.url=http://127.0.0.1:{server.server_address[1]}/v1"])
        server.shutdown()
    rows = read(target)
    assert (
        capsys.readouterr().out
        == f"{target}: {len(rows)} rows, {len(rows)} of 12 episodes of arithmetic, by api:adder\n"
    )
    assert 0 < len(rows) < 12 == len(Sums.asked)
    assert {(body["model"], body["temperature"]) for body in Sums.asked} == {("adder", 0.5)}
    for row in rows:
        (_, [question]), (_, [reply]) = texts(row)
        left, right = str(question).split("\n")[-1].rstrip("=").split("+")
        assert reply == f"<think>{left} and {right}</think><answer>{int(left) + int(right)}</answer>"


def test_policies_that_cannot_play_are_refused_and_leave_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = f"out={tmp_path / 'a.jsonl'}"
    with pytest.raises(
        UserError, match=r"^unknown policy 'exprt'; did you mean 'expert'\? Known: api:MODEL, expert, idle"
    ):
        main(["env=arithmetic", out, "policy=exprt"])
    with pytest.raises(UserError, match=r"^policy=api: lacks a model name; set policy=api:MODEL$"):
        main(["env=arithmetic", out, "policy=api:"])
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UserError, match=r"needs a key: set the environment variable OPENAI_API_KEY$"):
        main(["env=arithmetic", out, "policy=api:adder"])
    assert list(tmp_path.iterdir()) == []
