"""Evaluations that are killed and resumed by the same command."""

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.chat.types import Distributions, TokenSequence
from agents.episodes.episode import Ended, Episode, Start, Turn
from agents.episodes.footage import PackedFrames
from configs.errors import UserError
from envs.task.reply import Reply
from envs.task.task import Observation
from training.compare import command as evaluate
from training.compare.codec import decode, encode
from training.compare.unfinished import Unfinished

KILLED = """
import os, signal, sys
from training.compare import command, unfinished
left = int(sys.argv.pop(1))
encode = unfinished.encode
def counted(episode):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return encode(episode)
unfinished.encode = counted
command.main(sys.argv[1:])
"""
"""The command, killed when it is about to keep one episode more than its first argument."""


def killed_after(episodes: int, *words: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(episodes), *words], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "env", "more", "kills"),
    [
        ("random,expert", "visual", ("env.kwargs.image_size=[84,84]", "evaluation.records=4"), (3, 7)),
        ("tiny", "arithmetic", ("engine.max_batch=4",), (5,)),
        ("random,idle", "football_online", ("env.max_turns=2", "evaluation.records=0"), (9,)),
    ],
)  # fmt: skip
def test_evaluation_killed_and_resumed_gives_the_same_files(
    policy: str,
    env: str,
    more: tuple[str, ...],
    kills: tuple[int, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    words = [f"env={env}", f"policy={policy}", "episodes=6", "floors=false", *more]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    evaluate.main([*words, "save=out"])
    monkeypatch.chdir(tmp_path / "b")
    for episodes in kills:
        killed_after(episodes, *words, "save=out")
        assert (tmp_path / "b" / "out" / "unfinished").is_dir()
    evaluate.main([*words, "save=out"])
    whole, resumed = files(tmp_path / "a" / "out"), files(tmp_path / "b" / "out")
    assert resumed.keys() == whole.keys() and "results.json" in whole
    assert all(resumed[name] == whole[name] for name in whole)


def evaluation(**changes: str) -> None:
    words = {"env": "arithmetic", "policy": "random", "floors": "false", "episodes": "8", "save": "out"} | changes
    evaluate.main([f"{key}={value}" for key, value in words.items()])


def test_resume_with_other_settings_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    killed_after(5, "env=arithmetic", "policy=random", "floors=false", "episodes=8", "save=out")
    line = r"save=out: holds an unfinished evaluation with episodes=8; repeat its command, or choose another folder"
    with pytest.raises(UserError, match=line):
        evaluation(episodes="9")
    with pytest.raises(UserError, match=r"unfinished evaluation with tasks\.arithmetic\.kwargs="):
        evaluation(**{"env.kwargs.digits": "3"})
    with pytest.raises(UserError, match=r"unfinished evaluation with temperature=1\.0; "):
        evaluation(temperature="0")
    file = tmp_path / "out" / "unfinished" / "evaluation.json"
    whole = file.read_text()
    file.write_text(whole[:-20])
    with pytest.raises(UserError, match=r"evaluation\.json is damaged; remove out/unfinished to start again"):
        evaluation()
    file.write_text(whole)
    evaluation(policy="random,expert")  # another policy is no other setting
    shown = capsys.readouterr()
    assert "resuming the unfinished evaluation in out" in shown.err
    rows = json.loads((tmp_path / "out" / "results.json").read_text())["rows"]
    assert [(row["policy"], row["n"]) for row in rows] == [("random", 8), ("expert", 8)]
    assert not (tmp_path / "out" / "unfinished").exists()
    with pytest.raises(UserError, match="save=out: the folder is not empty"):
        evaluation()
    with pytest.raises(UserError, match="digits must be from 1 to 12, got 99"):  # a mistake in the settings comes first
        evaluation(**{"env.kwargs.digits": "99"})


@pytest.mark.slow
def test_resume_with_a_changed_policy_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["env=arithmetic", "episodes=6", "floors=false"]
    evaluate.main([*words, "policy=expert", "save=first", "evaluation.records=6"])
    shutil.copytree("first/episodes/expert", "played")
    killed_after(2, *words, "policy=played", "save=out")
    record = tmp_path / "played" / "episodes.jsonl"
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(lines[:-1]))
    with pytest.raises(UserError, match="save=out: played has changed since this evaluation began; choose another"):
        evaluate.main([*words, "policy=played", "save=out"])
    record.write_text("".join(lines))
    evaluate.main([*words, "policy=played", "save=out"])
    assert json.loads(Path("out/results.json").read_text())["rows"][0]["success"]["mean"] == 1.0


def played(seed: int) -> Episode:
    """An episode with a value in every field."""
    image = np.full((2, 2, 3), seed, np.uint8)
    numbers = np.arange(6, dtype=np.float32).reshape(3, 2)
    seen = Distributions(numbers[:, 0], numbers.astype(np.int32), numbers)
    reply = Reply("\ud800 \u2028", "a", (1, (2, 3), "x"))
    turn = Turn(
        Observation(image, "see", more=(image,)), "c", "<think>", reply, 0.1 + 0.2, "ab", 3, 0.25, True, 1.5, "t", seen
    )
    ids = np.arange(3, dtype=np.int32)
    sequence = TokenSequence(ids, ids > 1, ids.astype(np.float32), ids.astype(np.int16), ids, (image,), ("x",))
    frames = PackedFrames()
    frames.extend([image, image + 1])
    return Episode(
        Start(seed, seed, 2), [turn], Ended.INVALID, True, "easy", -0.1, (sequence,), frames, [2], "full",
        turn.observation, "final", "Goal!", False, "left", "m", "loss", "a", "b",
    )  # fmt: skip


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, PackedFrames):
        return same(list(one), list(other))
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and same(vars(one), vars(other))
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and bool(one == other)


def test_episodes_as_json_keep_every_value() -> None:
    episode = played(1)
    assert not episode.pictured
    assert all(getattr(episode, field.name) for field in dataclasses.fields(Episode) if field.name != "pictured")
    assert same(decode(Episode, json.loads(json.dumps(encode(episode)))), episode)
    assert same(decode(Episode, json.loads(json.dumps(encode(Episode(Start(1, 2)))))), Episode(Start(1, 2)))
    assert encode(np.float32(0.5)) == 0.5
    with pytest.raises(TypeError, match="a set cannot be stored"):
        encode({1})


def test_unfinished_episodes_are_read_without_an_incomplete_one(tmp_path: Path) -> None:
    kept = Unfinished(tmp_path)
    for seed in (1, 2):
        with kept.writer("a", "sums") as write:
            write(played(seed))
    path = tmp_path / "unfinished" / "a" / "sums.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:100])  # killed while writing
    found = Unfinished(tmp_path).episodes("a", "sums")
    assert [episode.start.seed for episode in found] == [1, 2] and path.read_bytes() == whole
    assert found[0].sequences[0].images == ()  # in the turns already
    assert kept.episodes("a", "other") == [] and Unfinished(None).episodes("a", "sums") == []
    for damage in (b"{", b'{"start": 3}', b'{"start": {"seed": 1, "sampling_seed": 1, "evil": 1}}', b"[1]"):
        path.write_bytes(damage + b"\n")
        with pytest.raises(UserError, match=r"sums\.jsonl is damaged: .*; remove it to play these again"):
            kept.episodes("a", "sums")
