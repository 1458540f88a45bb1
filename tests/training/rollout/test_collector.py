"""Which episodes are played, the same ones for a seed and never a held-out one in training; how they are collected."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import envs  # noqa: F401  (registers the ids)
from agents.chat.types import TokenSequence
from agents.episodes.episode import Episode, Start
from agents.episodes.starts import TEST_FIRST, TRAIN_SEEDS, VALIDATION_FIRST, held_out_starts
from agents.policies.jobs import Job, JobRunner
from agents.policies.scripted import scripted
from envs.task.config import TaskConfig
from training.rollout.collector import Collected, Collector, group_starts

counts = st.integers(0, 10**6)


@given(counts, counts, counts, counts)
def test_group_starts_never_draw_a_held_out_seed(seed: int, stage: int, step: int, task: int) -> None:
    trained = {start.seed for group in range(20) for start in group_starts(seed, stage, step, task, group, size=2)}
    assert all(0 <= drawn < TRAIN_SEEDS for drawn in trained)
    assert len(trained) == 20


def test_held_out_splits_are_disjoint_from_training_and_each_other() -> None:
    validation = [start.seed for start in held_out_starts(VALIDATION_FIRST, 300)]
    test = [start.seed for start in held_out_starts(TEST_FIRST, 300)]
    assert validation == list(range(VALIDATION_FIRST, VALIDATION_FIRST + 300))
    assert test == list(range(TEST_FIRST, TEST_FIRST + 300))
    assert TRAIN_SEEDS <= VALIDATION_FIRST and VALIDATION_FIRST + 10**8 < TEST_FIRST  # room for any evaluation
    assert test[-1] < 2**31  # any env takes such a seed


def test_held_out_starts_of_more_episodes_begin_with_the_same_ones() -> None:
    assert held_out_starts(TEST_FIRST, 5) == held_out_starts(TEST_FIRST, 9)[:5]
    assert len({start.sampling_seed for start in held_out_starts(TEST_FIRST, 500)}) == 500


def test_group_starts_share_one_seed_with_different_sampling() -> None:
    groups = [group_starts(3, 0, 5, 0, group, size=8) for group in range(4)]
    assert [[start.group for start in starts] for starts in groups] == [[group] * 8 for group in range(4)]
    seeds = [{start.seed for start in starts} for starts in groups]
    assert all(len(group) == 1 for group in seeds) and len(set[int]().union(*seeds)) == 4
    assert len({start.sampling_seed for starts in groups for start in starts}) == 32


def test_group_starts_stay_those_of_the_first_release() -> None:
    """Numbers of the first release: a change of the hash would change every run."""
    assert group_starts(0, 1, 0, 0, 0, 2) == (
        Start(425282027, 18114815884595052691, 0, recorded=False),
        Start(425282027, 4196201475754011390, 0, recorded=False),
    )


def test_group_starts_depend_on_the_seed_alone() -> None:
    def seeds(run: int, stage: int, step: int, task: int) -> tuple[Start, ...]:
        return tuple(start for group in range(4) for start in group_starts(run, stage, step, task, group, 2))

    assert seeds(1, 0, 0, 0) == seeds(1, 0, 0, 0)
    places = [
        (run, stage, step, task) for run in range(3) for stage in range(3) for step in range(5) for task in (0, 1)
    ]
    everything = [start for place in places for start in seeds(*place)]
    assert len({start.seed for start in everything}) == len(places) * 4
    assert len({start.sampling_seed for start in everything}) == len(everything)


# -- collecting -------------------------------------------------------------------------------------------------------

GUESSES = TaskConfig(id="kickoff/Arithmetic-v0", image=False, caption=True, kwargs={"digits": 1}, format_reward=0.1)
SUMS = TaskConfig(id="kickoff/Arithmetic-v0", image=False, caption=True)
Play = Callable[[Job], Awaitable[list[Episode]]]


def collector(play: Play, groups: int = 6, **settings: Any) -> Collector:
    tasks = settings.pop("tasks", {"guesses": GUESSES})
    shares = settings.pop("shares", lambda step: {"guesses": groups})
    usual = {"seed": 1, "stage": 0, "steps": 9, "group_size": 4}
    return Collector(play, tasks, shares, **(usual | settings))


def collect(play: Play, groups: int = 6, **settings: Any) -> Collected:
    return asyncio.run(collector(play, groups, **settings).collect(0, version=0))


def guess(job: Job) -> Awaitable[list[Episode]]:
    return JobRunner({"guesses": GUESSES, "sums": SUMS}, scripted("random")).play(job)


def seed_of(group: int, step: int = 0, task: int = 0) -> int:
    return group_starts(1, 0, step, task, group, 1)[0].seed


def test_collect_drops_groups_with_equal_rewards_and_counts_them() -> None:
    collected = collect(guess, groups=20)
    wins = {group.seed: [episode.success for episode in group.episodes] for group in collected.played}
    assert sorted(wins) == sorted(seed_of(group) for group in range(20))
    assert all(any(wins[group.seed]) and not all(wins[group.seed]) for group in collected.groups)
    assert all(any(wins[group.seed]) == all(wins[group.seed]) for group in collected.dropped)
    assert 2 < len(collected.groups) < 18  # guessing one digit is right about once in ten times
    order = [seed_of(group) for group in range(20)]
    for groups in (collected.groups, collected.dropped):
        assert [group.seed for group in groups] == [seed for seed in order if seed in {group.seed for group in groups}]
    assert collected.metrics["groups/dropped"] == len(collected.dropped)
    assert collected.metrics["groups/refilled"] == 0
    group = collected.groups[0]
    right = group.rewards[[episode.success for episode in group.episodes].index(True)]
    assert right.parts == {"outcome": 1.0, "format": 0.1} and right.total == 1.1 == sum(right.turn_totals)


@pytest.mark.parametrize(("refill", "extra"), [(0.0, 0), (0.3, 3), (1.0, 8), (9.0, 72)])
def test_refill_does_not_depend_on_the_order_of_completion(refill: float, extra: int) -> None:
    varied = {group.seed: group.varied for group in collect(guess, groups=80).played}
    outcomes = [varied[seed_of(group)] for group in range(80)]
    started = 8
    for group in range(80):  # reference: every dead group starts one more while there are any left
        if group < started and not outcomes[group]:
            started = min(started + 1, 8 + extra)
    for order in range(3):
        rng = np.random.default_rng(order)

        async def slowly(job: Job, rng: np.random.Generator = rng) -> list[Episode]:
            await asyncio.sleep(rng.random() / 200)
            return await guess(job)

        result = collect(slowly, groups=8, refill=refill)
        assert [group.seed for group in result.groups] == [seed_of(i) for i in range(started) if outcomes[i]]
        assert [group.seed for group in result.dropped] == [seed_of(i) for i in range(started) if not outcomes[i]]
        assert result.metrics["groups/refilled"] == started - 8
    assert len(result.groups) == 8 or started == 8 + extra
    assert refill != 9.0 or len(result.groups) == 8  # enough refills bring every place its group


def test_collect_plays_each_tasks_share_from_its_own_starts() -> None:
    shares = [{"guesses": 3, "sums": 1}, {"sums": 2, "guesses": 0}]
    one = collector(guess, tasks={"guesses": GUESSES, "sums": SUMS}, shares=lambda step: shares[step])

    async def both() -> list[Collected]:
        return [await one.collect(step, version=step) for step in range(2)]

    for step, collected in enumerate(asyncio.run(both())):
        found = sorted((group.task, group.seed) for group in collected.played)
        expected = [("guesses", seed_of(i, step, 0)) for i in range(shares[step]["guesses"])]
        assert found == sorted(expected + [("sums", seed_of(i, step, 1)) for i in range(shares[step]["sums"])])


class Engines:
    """Plays with tokens of the newest version; some groups take long."""

    def __init__(self, slow: int = 0, arrives_after: int | None = None) -> None:
        self.version = 0
        self.slow = slow
        self.arrives_after = arrives_after
        """Number of groups that start before version 1 of the weights arrives."""
        self.started: list[int] = []
        self.done = 0

    async def play(self, job: Job) -> list[Episode]:
        if len(self.started) == self.arrives_after:
            self.version = 1
        self.started.append(job.starts[0].seed)
        version = self.version
        waits = 0.1 if self.slow and len(self.started) % self.slow == 0 else 0.005
        await asyncio.sleep(waits)
        episodes = await guess(job)
        for number, episode in enumerate(episodes):
            episode.success = number == 0
            mask = np.array([False, True, True])
            versions = np.array([-1, version, self.version], dtype=np.int32)  # they may change on the way
            zeros = np.zeros(3, dtype=np.float32)
            episode.sequences = (
                TokenSequence(np.arange(3, dtype=np.int32), mask, zeros, zeros.astype(np.int16), versions, (), ()),
            )
        self.done += 1
        return episodes


@pytest.mark.parametrize("staleness", [0, 1, 2])
def test_collect_with_staleness_plays_ahead_up_to_the_limit(staleness: int) -> None:
    steps, groups = 6, 4

    async def train() -> list[Collected]:
        engines = Engines(slow=5)
        one = collector(engines.play, groups, steps=steps, max_staleness=staleness)
        found = []
        for step in range(steps):
            found.append(await one.collect(step, version=step))
            assert len(engines.started) == groups * min(step + staleness + 1, steps)
            async with asyncio.timeout(60):
                while engines.done < len(engines.started):  # the learner works elsewhere; play does not wait for it
                    await asyncio.sleep(0.01)
            engines.version += 1
        assert engines.done == groups * steps  # nothing was played for steps that do not come
        return found

    found = asyncio.run(train())
    for step, collected in enumerate(found):
        assert [group.seed for group in collected.groups] == [seed_of(group, step) for group in range(groups)]
        assert collected.metrics["staleness/max"] <= staleness
        assert collected.metrics["groups/stale"] == 0
    most = max(collected.metrics["staleness/max"] for collected in found)
    assert most == staleness
    assert (found[-1].metrics["staleness/mean"] > 0) == (staleness > 0)


def test_collect_with_tokens_that_are_too_old_plays_their_groups_again() -> None:
    engines = Engines(arrives_after=4)  # the first four groups start before an engine has its weights
    collected = asyncio.run(collector(engines.play, 4).collect(0, version=1))
    assert collected.metrics["groups/stale"] == 4 and collected.metrics["staleness/max"] == 0
    assert engines.started == [seed_of(group) for group in range(4)] * 2
    assert [group.seed for group in collected.groups] == [seed_of(group) for group in range(4)]


def test_collect_with_an_engine_that_keeps_old_weights_gives_up_after_some_tries() -> None:
    line = r"still sampled with version 0 of the weights after 3 tries; the learner has version 5"
    with pytest.raises(RuntimeError, match=line):
        asyncio.run(collector(Engines().play, 2).collect(0, version=5))


def test_collect_with_an_error_cancels_all_groups() -> None:
    left = []

    async def fails(job: Job) -> list[Episode]:
        if job.starts[0].seed == seed_of(2):
            raise ValueError("it does not work")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            left.append(job.starts[0].seed)
            raise
        raise AssertionError

    with pytest.raises(ValueError, match="it does not work"):
        collect(fails, groups=4, max_staleness=2)
    assert len(left) == 11  # of three steps
