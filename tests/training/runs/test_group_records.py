"""Which groups of a step are recorded, what stands there, and what is left of it after a kill."""

from collections import Counter
from pathlib import Path

import pytest

from agents.episodes.episode import Ended, Episode, Start, Turn
from envs.task.config import TaskConfig
from envs.task.reply import Reply
from envs.task.task import Observation
from render.records.reading import read_episodes
from render.records.writing import EpisodeWriter
from training.algorithm.groups import Group, make_group, with_advantages
from training.config.algo import AlgoConfig
from training.runs.group_records import GroupRecords, pick

SUMS = TaskConfig(id="kickoff/Arithmetic-v0", image=False, caption=True, instructions="Solve.")


def group(task: str, number: int, *successes: bool) -> Group:
    """Episodes of one turn with a valid reply."""
    turn = Turn(Observation(None, "1+1="), "1+1=", "<answer>2</answer>", Reply("", "2", (2,)), 0.0, "s", 3)
    episodes = [Episode(Start(40 + number, 0, number), [turn], Ended.COMPLETED, success) for success in successes]
    return make_group(task, SUMS, episodes)


def picked(groups: list[Group], count: int, step: int) -> list[tuple[str, int]]:
    return [(one.task, one.episodes[0].start.group) for one in pick(groups, count, step)]


def test_pick_takes_the_first_groups_of_the_tasks_in_turn() -> None:
    """Whatever came first: those that differ and those that do not stand in order of their starts."""
    mixed = [group(task, number, True) for task, number in [("b", 3), ("a", 2), ("a", 0), ("b", 1), ("a", 1)]]
    assert picked(mixed, 2, 0) == [("a", 0), ("b", 1)]
    assert picked(mixed, 3, 1) == [("b", 1), ("a", 0), ("b", 3)]
    assert picked(mixed, 9, 0) == [("a", 0), ("b", 1), ("a", 1), ("b", 3), ("a", 2)]
    assert picked([], 2, 5) == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_pick_over_steps_gives_every_task_its_turn(count: int) -> None:
    groups = [group(task, number, True) for task in "abcde" for number in range(4)]
    seen = Counter(task for step in range(1, 51) for task, _ in picked(groups, count, step))
    assert set(seen) == set("abcde") and max(seen.values()) - min(seen.values()) <= count


def step_of(number: int) -> list[Group]:
    """Group 0 of a step teaches nothing, group 1 does."""
    groups = [group("sums", 1, True, False, False, False), group("sums", 0, False, False)]
    return with_advantages(groups, AlgoConfig(advantage="dr_grpo"))


def write(folder: Path, steps: range, keep_bytes: int = 0, count: int = 2) -> int:
    with GroupRecords(folder, count, {"sums": SUMS}, None, keep_bytes) as records:
        for step in steps:
            records.write(step, "fre", step_of(step))
        return records.size


def test_group_records_contain_advantages_and_rewards(tmp_path: Path) -> None:
    write(tmp_path, range(3, 4))
    dead, live = (list(read_episodes(tmp_path / "episodes" / "train"))[part] for part in (slice(2), slice(2, None)))
    assert [(one.group, one.seed, one.advantage) for one in dead] == [(0, 40, 0.0)] * 2
    assert [(one.group, one.seed) for one in live] == [(1, 41)] * 4
    assert [one.advantage for one in live] == pytest.approx([0.75, -0.25, -0.25, -0.25])
    assert [one.turns[0].advantage for one in live] == [one.advantage for one in live]
    first = live[0]
    assert (first.task, first.policy, first.stage, first.step, first.success) == ("sums", "train", "fre", 3, True)
    assert first.rewards == {"outcome": 1.0, "format": SUMS.format_reward}
    assert first.turns[0].prompt == "Solve.\n1+1="


def test_group_records_of_a_resumed_run_repeat_the_same_lines(tmp_path: Path) -> None:
    write(tmp_path / "whole", range(1, 7))
    kept = write(tmp_path / "killed", range(1, 4))
    write(tmp_path / "killed", range(4, 6), kept)
    path = tmp_path / "killed" / "episodes" / "train" / "episodes.jsonl"
    with path.open("ab") as file:
        file.write(b'{"schema":3,"task":"su')  # in the middle of a line
    write(tmp_path / "killed", range(4, 7), kept)
    assert path.read_bytes() == (tmp_path / "whole" / "episodes" / "train" / "episodes.jsonl").read_bytes()
    write(tmp_path / "killed", range(1, 2))  # before the first checkpoint: from the start
    assert [one.step for one in read_episodes(path.parent)] == [1] * 6


def test_group_records_with_count_zero_write_nothing(tmp_path: Path) -> None:
    assert write(tmp_path, range(1, 3), count=0) == 0
    assert list(tmp_path.iterdir()) == []


def test_group_records_keep_only_the_bytes_of_the_checkpoint(tmp_path: Path) -> None:
    size = write(tmp_path, range(1, 3))
    folder = tmp_path / "episodes" / "train"
    with EpisodeWriter(folder, keep=size + 1000) as writer:  # a disk that lost its end
        assert writer.size == size
    assert len(list(read_episodes(folder))) == 12
