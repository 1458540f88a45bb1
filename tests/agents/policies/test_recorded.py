"""A record gives its replies again, to the same end; and is refused where the game is no longer the same."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import envs  # noqa: F401  (registers the ids)
from agents.episodes.episode import Ended, Episode
from agents.episodes.runner import EpisodeRunner
from agents.episodes.starts import TEST_FIRST, held_out_starts
from agents.play.session import Record
from agents.policies.recorded import RecordedPolicy, is_record
from agents.policies.scripted import scripted
from agents.records.record import as_record
from configs.cli import parse_overrides
from configs.errors import UserError
from envs.task.config import load_task
from envs.task.task import Task
from render.draw.images import frame_id
from render.records.writing import EpisodeWriter

STARTS = held_out_starts(TEST_FIRST, 6)


def a_task(name: str, *words: str) -> Task:
    return Task(name, load_task(name, parse_overrides(words)))


def a_record(folder: Path, task: Task, player: str, practice: tuple[int, ...] = ()) -> list[Episode]:
    """Starts 1, 2 and 4 as a person would have played them."""
    episodes = asyncio.run(EpisodeRunner(task).play([STARTS[number] for number in (1, 2, 4)], scripted(player)))
    with Record(folder, task) as record:
        for number, episode in enumerate(episodes):
            record.add(episode, practice=number in practice)
    return episodes


@pytest.mark.parametrize("name", ["sokoban", "football", "sokoban_text", "geometry", "arithmetic", "sokoban_plan"])
@pytest.mark.parametrize("player", ["expert", "random"])
def test_recorded_policy_plays_the_same_episodes_again(name: str, player: str, tmp_path: Path) -> None:
    task = a_task(name)
    played = a_record(tmp_path, task, player)
    recorded = RecordedPolicy(tmp_path, task)
    assert recorded.starts == tuple(STARTS[number] for number in (1, 2, 4))
    again = asyncio.run(EpisodeRunner(task).play(recorded.starts, recorded.with_temperature(0.7)))
    for one, other in zip(played, again, strict=True):
        assert (one.success, one.ended, one.env_return) == (other.success, other.ended, other.env_return)
        assert [turn.words for turn in one.turns] == [turn.words for turn in other.turns]
        assert [turn.state_hash for turn in one.turns] == [turn.state_hash for turn in other.turns]
    if player == "expert":
        assert all(episode.success for episode in again)


def test_practice_is_left_out(tmp_path: Path) -> None:
    task = a_task("arithmetic")
    a_record(tmp_path, task, "expert", practice=(1,))
    recorded = RecordedPolicy(tmp_path, task)
    assert recorded.starts == (STARTS[1], STARTS[4]) and recorded.practised == {STARTS[2].seed}


def test_a_start_counts_once_and_the_first_time(tmp_path: Path) -> None:
    task = a_task("arithmetic")
    a_record(tmp_path, task, "idle")
    a_record(tmp_path, task, "expert")
    recorded = RecordedPolicy(tmp_path, task)
    again = asyncio.run(EpisodeRunner(task).play(recorded.starts, recorded))
    assert [episode.turns[0].reply.answer for episode in again] == ["0"] * 3


def test_an_invalid_reply_ends_the_episode_again(tmp_path: Path) -> None:
    task = a_task("sokoban")
    a_record(tmp_path, task, "expert")
    change(tmp_path, lambda record: record["turns"][0].update(reply="gives up"))
    recorded = RecordedPolicy(tmp_path, task)
    episodes = asyncio.run(EpisodeRunner(task).play(recorded.starts, recorded))
    assert [episode.ended for episode in episodes] == [Ended.INVALID] * 3


def test_of_several_tasks_those_of_this_one_are_played(tmp_path: Path) -> None:
    with EpisodeWriter(tmp_path) as writer:
        for name in ("sokoban", "arithmetic"):
            task = a_task(name)
            for episode in asyncio.run(EpisodeRunner(task).play(STARTS[:2], scripted("expert"))):
                writer.write(as_record(episode, task, "after"))
    for name in ("sokoban", "arithmetic"):
        recorded = RecordedPolicy(tmp_path, a_task(name))
        assert recorded.starts == STARTS[:2]
        episodes = asyncio.run(EpisodeRunner(a_task(name)).play(recorded.starts, recorded))
        recorded.compare(episodes)
        assert all(episode.success for episode in episodes)
    with pytest.raises(UserError, match=r"contains episodes of arithmetic, sokoban, none of geometry$"):
        RecordedPolicy(tmp_path, a_task("geometry"))


@pytest.mark.parametrize("turns", [0, 1])
def test_an_episode_that_ended_by_its_context_ends_so_again(turns: int, tmp_path: Path) -> None:
    task = a_task("sokoban", "env.actions_per_reply=1", "env.max_turns=15")
    a_record(tmp_path, task, "expert")
    told = {"ended": "context", "problem": "900 tokens, but the context holds 800", "success": False}
    change(tmp_path, lambda record: record.update(turns=record["turns"][:turns], **told))
    recorded = RecordedPolicy(tmp_path, task)
    episodes = asyncio.run(EpisodeRunner(task).play(recorded.starts, recorded))
    recorded.compare(episodes)
    assert [(len(one.turns), one.ended, one.problem) for one in episodes] == [
        (turns, Ended.CONTEXT, "900 tokens, but the context holds 800")
    ] * 3


def test_compare_with_another_ending_is_refused(tmp_path: Path) -> None:
    a_record(tmp_path, a_task("sokoban", "env.actions_per_reply=1", "env.max_turns=15"), "expert")
    (tmp_path / "task.yaml").unlink()  # the record of a model has none
    task = a_task("sokoban", "env.actions_per_reply=1", "env.max_turns=2")
    recorded = RecordedPolicy(tmp_path, task)
    episodes = asyncio.run(EpisodeRunner(task).play(recorded.starts, recorded))
    with pytest.raises(
        UserError, match=rf"seed {STARTS[1].seed} was a success \(completed, \d+ turns\) when recorded, "
    ) as e:
        recorded.compare(episodes)
    assert "but is no success (truncated, 2 turns) with the current settings; use the recorded settings" in str(e.value)


def test_record_with_other_harmless_settings_is_accepted(tmp_path: Path) -> None:
    a_record(tmp_path, a_task("sokoban"), "expert")
    task = a_task("sokoban", "env.history=2", "env.max_reply_tokens=99", "env.format_reward=0")
    assert len(RecordedPolicy(tmp_path, task).starts) == 3


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Edit every line of a record."""
    path = folder / "episodes.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        edit(record)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda record: record.update(task="football"), "contains episodes of football, none of sokoban_text"),
        (lambda record: record.update(seed=7), "seed 7 is not a held-out start (they begin at 1610612736)"),
        (lambda record: record.update(policy="practice"), "has no finished episode that counts"),
        (lambda record: record.update(schema=99), "line 1 has schema 99, this Kickoff reads up to 3"),
        (lambda record: record["turns"][0].update(frame="0" * 16), "turn 1 shows a different image than recorded"),
        (lambda record: record["turns"][0].update(prompt="else"), "turn 1 shows a different text than recorded"),
        (lambda record: record["turns"].pop(), "continues past the end of the record: the game has changed"),
    ],
)
def test_record_that_does_not_fit_is_one_line(
    edit: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    task = a_task("sokoban_text", "env.actions_per_reply=1")
    a_record(tmp_path, task, "expert")
    change(tmp_path, edit)
    with pytest.raises(UserError) as caught:
        recorded = RecordedPolicy(tmp_path, task)
        asyncio.run(EpisodeRunner(task).play(recorded.starts, recorded))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def old_name(frame: NDArray[np.uint8]) -> str:
    """A frame's name in records before version 0.1: 16 digits of SHA-256."""
    return hashlib.sha256(repr(frame.shape).encode() + frame.tobytes()).hexdigest()[:16]


def test_record_with_old_frame_names_is_played_and_its_frames_are_still_compared(tmp_path: Path) -> None:
    task = a_task("sokoban")
    played = a_record(tmp_path, task, "expert")
    names = {}
    for episode in played:
        for turn in episode.turns:
            assert turn.observation.image is not None
            names[frame_id(turn.observation.image)] = old_name(turn.observation.image)
    change(tmp_path, lambda record: [turn.update(frame=names[turn["frame"]]) for turn in record["turns"]])
    recorded = RecordedPolicy(tmp_path, task)
    again = asyncio.run(EpisodeRunner(task).play(recorded.starts, recorded))
    recorded.compare(again)
    assert [[turn.words for turn in one.turns] for one in again] == [
        [turn.words for turn in one.turns] for one in played
    ]
    change(tmp_path, lambda record: record["turns"][0].update(frame=record["turns"][-1]["frame"]))
    recorded = RecordedPolicy(tmp_path, task)
    with pytest.raises(UserError, match="turn 1 shows a different image than recorded"):
        asyncio.run(EpisodeRunner(task).play(recorded.starts, recorded))


def test_record_with_another_frame_is_refused(tmp_path: Path) -> None:
    a_record(tmp_path, a_task("sokoban"), "expert")
    (tmp_path / "task.yaml").unlink()  # the record of a model has none
    task = a_task("sokoban", "env.kwargs.image_size=[96,96]")
    recorded = RecordedPolicy(tmp_path, task)
    with pytest.raises(UserError, match="shows a different image than recorded: the game has changed"):
        asyncio.run(EpisodeRunner(task).play(recorded.starts, recorded))


def test_record_with_other_settings_or_missing_is_one_line(tmp_path: Path) -> None:
    assert not is_record(tmp_path)
    with pytest.raises(
        UserError, match=r"contains no played episodes; record them with python -m agents.play env=sokoban"
    ):
        RecordedPolicy(tmp_path, a_task("sokoban"))
    a_record(tmp_path, a_task("sokoban"), "expert")
    assert is_record(tmp_path)
    with pytest.raises(UserError, match=r"different settings: env.max_turns was 8 and is now 20$"):
        RecordedPolicy(tmp_path, a_task("sokoban", "env.max_turns=20"))
    (tmp_path / "task.yaml").write_text("max_turns: many\n")
    with pytest.raises(UserError, match=r"max_turns=many: a whole number of at least 1 is expected$"):
        RecordedPolicy(tmp_path, a_task("sokoban"))
