"""Difficulty pool: seeds with mixed rewards are played again, in an order that does not depend on restarts."""

import asyncio
import json
from typing import Any

import pytest

from agents.episodes.episode import Episode, Start, Turn
from agents.episodes.rewards import Rewards
from agents.policies.jobs import Job
from envs.task.config import TaskConfig
from envs.task.reply import Reply
from envs.task.task import Observation
from training.algorithm.groups import Group
from training.config.algo import AlgoConfig
from training.config.stages import StageConfig
from training.rollout.collector import group_starts
from training.rollout.pool import DifficultyPool
from training.rollout.source import Batch, GroupSource


def group(task: str, seed: int, *rewards: float) -> Group:
    episodes = [Episode(Start(seed, 0)) for _ in rewards]
    return Group(task, seed, episodes, [Rewards({"outcome": reward}, []) for reward in rewards])


def kept(pool: DifficultyPool, task: str) -> list[int]:
    """All seeds of a task, found by drawing as many as there can be in a later step."""
    later = DifficultyPool(pool.tasks, pool.size, 1.0, 0)
    later.restore(pool.state())
    return sorted(later.draw(1000, {task: 100})[task])


def test_pool_keeps_the_newest_seeds_with_mixed_rewards() -> None:
    pool = DifficultyPool(["a", "b"], size=2, fraction=1.0, seed=0)
    pool.observe(0, [group("a", 1, 0, 1), group("a", 2, 1, 1), group("a", 3, 0, 0), group("b", 4, 0, 1)])
    assert pool.draw(9, {"a": 5, "b": 5}) == {"a": [1], "b": [4]}
    pool.observe(1, [group("a", 5, 0, 1), group("a", 6, 0, 1)])
    assert kept(pool, "a") == [5, 6] and kept(pool, "b") == [4]


def test_pool_drops_a_seed_when_its_rewards_become_equal_and_renews_one_that_stays_mixed() -> None:
    pool = DifficultyPool(["a"], size=2, fraction=1.0, seed=0)
    pool.observe(0, [group("a", 1, 0, 1), group("a", 2, 0, 1)])
    pool.observe(1, [group("a", 1, 0, 1), group("a", 3, 0, 1)])  # 2 is now the oldest
    assert kept(pool, "a") == [1, 3]
    pool.observe(2, [group("a", 1, 1, 1)])
    assert kept(pool, "a") == [3]


def test_draw_is_the_fraction_on_average_without_repetition() -> None:
    pool = DifficultyPool(["a"], size=50, fraction=0.3, seed=4)
    pool.observe(0, [group("a", seed, 0, 1) for seed in range(50)])
    drawn = [pool.draw(step, {"a": 5})["a"] for step in range(1, 401)]
    assert {len(seeds) for seeds in drawn} == {1, 2}
    assert sum(map(len, drawn)) / 400 == pytest.approx(1.5, abs=0.1)
    assert all(len(set(seeds)) == len(seeds) for seeds in drawn)
    assert {seed for seeds in drawn for seed in seeds} == set(range(50))


def test_pool_of_size_0_stays_empty() -> None:
    pool = DifficultyPool(["a"], size=0, fraction=1.0, seed=0)
    pool.observe(0, [group("a", 1, 0, 1)])
    assert pool.draw(1, {"a": 4}) == {"a": []}


# -- in the source of a stage ------------------------------------------------------------------------------------------

TASKS = {"a": TaskConfig(id="kickoff/Arithmetic-v0"), "b": TaskConfig(id="kickoff/Arithmetic-v0")}


async def play(job: Job) -> list[Episode]:
    """Episodes whose outcome is a function of their start: a third of the starts are easy, a third hard."""
    await asyncio.sleep(job.starts[0].sampling_seed % 3 / 1000)
    level = job.starts[0].seed % 3
    turn = Turn(Observation(None, ""), "", "", Reply("", "", (0,)), 0.0, "")
    return [
        Episode(start, [turn], success=level == 0 or (level == 1 and number % 2 == 0))
        for number, start in enumerate(job.starts)
    ]


def source(**algo: Any) -> GroupSource:
    settings = {"groups": 6, "group_size": 4, "pool": 8, "pool_fraction": 0.5} | algo
    stage = StageConfig(tasks=["a", "b"], steps=8, learning_progress=0.5, algo=AlgoConfig(**settings))
    return GroupSource(play, TASKS, stage, seed=3, index=1)


def starts(batch: Batch) -> list[tuple[str, list[Start]]]:
    return [(group.task, [episode.start for episode in group.episodes]) for group in batch.groups]


async def collected(one: GroupSource, first: int, last: int) -> list[Batch]:
    return [await one.collect(step, version=step) for step in range(first, last)]


def test_source_replays_only_seeds_with_mixed_rewards() -> None:
    batches = asyncio.run(collected(source(), 0, 8))
    mixed: set[tuple[str, int]] = set()
    replayed = 0
    for step, batch in enumerate(batches):
        again = [group for group in batch.groups if (group.task, group.seed) in mixed]
        assert batch.metrics["groups/replayed"] == len(again) <= 4
        replayed += len(again)
        fresh = [group for group in batch.groups if (group.task, group.seed) not in mixed]
        indices = {group.seed: group.episodes[0].start.group for group in fresh}
        for one in fresh:
            new = group_starts(3, 1, step, ["a", "b"].index(one.task), indices[one.seed], 4)
            assert [episode.start for episode in one.episodes] == list(new)
        mixed |= {(group.task, group.seed) for group in batch.groups if group.varied}
    assert replayed > 8
    sampling = [
        episode.start.sampling_seed for batch in batches for group in batch.groups for episode in group.episodes
    ]
    assert len(set(sampling)) == len(sampling)  # a seed that is played again has new sampling seeds


def test_source_without_pool_plays_new_seeds_only() -> None:
    batches = asyncio.run(collected(source(pool=0), 0, 8))
    seeds = [group.seed for batch in batches for group in batch.groups]
    assert len(set(seeds)) == len(seeds)
    assert all(batch.metrics["groups/replayed"] == 0 for batch in batches)


@pytest.mark.parametrize("algo", [{}, {"refill": 1.0}, {"max_staleness": 2}, {"refill": 1.0, "max_staleness": 1}])
@pytest.mark.parametrize("stop", [1, 3, 6])
def test_source_that_is_restored_plays_the_starts_of_an_uninterrupted_one(algo: dict[str, Any], stop: int) -> None:
    async def interrupted() -> list[Batch]:
        first, second = source(**algo), source(**algo)
        begun = await collected(first, 0, stop)
        state = json.loads(json.dumps(first.state()))
        await first.close()
        second.restore(state)
        return begun + await collected(second, stop, 8)

    whole = asyncio.run(collected(source(**algo), 0, 8))
    resumed = asyncio.run(interrupted())
    assert list(map(starts, resumed)) == list(map(starts, whole))
    assert sum(batch.metrics["groups/replayed"] for batch in whole) > 0
    assert [batch.metrics["groups/replayed"] for batch in resumed] == [
        batch.metrics["groups/replayed"] for batch in whole
    ]


def test_source_restores_the_state_of_a_version_without_pool() -> None:
    one = source()
    state = one.state()
    del state["pool"]
    one.restore(state)
    assert one.pool.draw(0, {"a": 3}) == {"a": []}
