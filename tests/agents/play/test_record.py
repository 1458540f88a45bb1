"""The folder of what a person played: one window at a time, and nothing in it is lost or counted twice."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

import envs  # noqa: F401  (registers the ids)
from agents.episodes.episode import Episode
from agents.episodes.runner import EpisodeRunner
from agents.episodes.starts import TEST_FIRST, held_out_starts
from agents.play.session import Record, main
from agents.policies.scripted import scripted
from configs.errors import UserError
from envs.task.config import load_task
from envs.task.task import Task


def by_expert(task: Task, episodes: int) -> list[Episode]:
    return asyncio.run(EpisodeRunner(task).play(held_out_starts(TEST_FIRST, episodes), scripted("expert")))


def test_record_is_locked_for_other_windows(tmp_path: Path) -> None:
    task = Task("arithmetic", load_task("arithmetic"))
    second = Record(tmp_path / "new", task)
    with Record(tmp_path / "new", task) as first:
        first.add(by_expert(task, 1)[0], practice=False)
        with pytest.raises(UserError, match=r"another window is using .*new; close it, or choose another out=…$"):
            second.__enter__()
    with second:
        assert second.played == {TEST_FIRST}  # what was played since


def test_a_start_counts_the_first_time(tmp_path: Path) -> None:
    task = Task("arithmetic", load_task("arithmetic"))
    (won,) = by_expert(task, 1)
    with Record(tmp_path, task) as kept:
        for success in (False, True):
            kept.add(replace(won, success=success), practice=False)
        assert kept.outcomes == {TEST_FIRST: False}
    assert Record(tmp_path, task).outcomes == {TEST_FIRST: False}


def test_torn_line_is_reported_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = Task("arithmetic", load_task("arithmetic"))
    with Record(tmp_path, task) as kept:
        kept.add(by_expert(task, 1)[0], practice=False)
    with (tmp_path / "episodes.jsonl").open("a") as file:
        file.write('{"schema": 2, "ta')
    with Record(tmp_path, task) as kept:
        assert kept.outcomes == {TEST_FIRST: True}
    told = f"{tmp_path}/episodes.jsonl line 2 is torn (a run was killed while writing): skipped\n"
    assert capsys.readouterr().err == told


def test_settings_are_written_once_and_whole(tmp_path: Path) -> None:
    task = Task("arithmetic", load_task("arithmetic"))
    with Record(tmp_path, task) as kept:
        kept.add(by_expert(task, 1)[0], practice=False)
    path = tmp_path / "task.yaml"
    path.chmod(0o444)
    written = path.stat().st_mtime_ns
    with Record(tmp_path, task):
        assert path.stat().st_mtime_ns == written
    path.chmod(0o644)
    path.write_text("")
    with pytest.raises(UserError, match=r"task.yaml is damaged: it is empty; choose another out=…"):
        Record(tmp_path, task)


def test_other_settings_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Record(tmp_path / "arithmetic", task := Task("arithmetic", load_task("arithmetic"))) as kept:
        kept.add(by_expert(task, 1)[0], practice=False)
    with pytest.raises(UserError) as caught:
        main([f"out={tmp_path}", "env=arithmetic", "env.kwargs.digits=3"])
    told = "was played with different settings: env.kwargs was {'digits': 2, 'operations': ['add']} and is now "
    assert told in str(caught.value) and str(caught.value).endswith(
        "; choose another out=…, or use the recorded settings"
    )
    main([f"out={tmp_path}", "env=arithmetic", "episodes=1"])  # nothing is left: no window is needed
    assert capsys.readouterr().out.endswith(
        ": 1 of 1 starts are already played, 0 left\nset a larger episodes=… to play more\n"
    )
    (tmp_path / "sokoban").mkdir()
    (tmp_path / "arithmetic" / "episodes.jsonl").rename(tmp_path / "sokoban" / "episodes.jsonl")
    with pytest.raises(UserError, match="contains episodes of arithmetic; choose another out=…"):
        main([f"out={tmp_path}"])
