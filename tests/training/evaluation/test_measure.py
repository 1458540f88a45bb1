"""Held-out episodes in jobs; and what the context does not hold."""

import asyncio

import pytest

from agents.engines.config import EngineConfig
from agents.engines.factory import make_engine
from agents.episodes.episode import Ended, Episode
from agents.episodes.starts import TEST_FIRST
from agents.models.load import load_chat
from agents.policies.jobs import Job, JobRunner
from agents.policies.model import VLMPolicy
from agents.policies.scripted import scripted
from configs.errors import UserError
from envs.task.config import load_task
from training.algorithm.groups import make_group
from training.evaluation.measure import held_out
from training.rollout.metrics import describe

TASK = load_task("algebra")


class Noted(JobRunner):
    """A player that notes its jobs."""

    def __init__(self) -> None:
        super().__init__({"algebra": TASK}, scripted("expert"))
        self.jobs: list[Job] = []

    async def play(self, job: Job) -> list[Episode]:
        self.jobs.append(job)
        return await super().play(job)


@pytest.mark.parametrize(("episodes", "sizes"), [(2, [2]), (64, [64]), (65, [65]), (66, [64, 2]), (129, [64, 65])])
def test_held_out_splits_episodes_into_jobs(episodes: int, sizes: list[int]) -> None:
    player = Noted()
    played = asyncio.run(held_out(player, "algebra", episodes, film=70))
    assert [len(job.starts) for job in player.jobs] == sizes
    assert [job.film for job in player.jobs] == [70, 6][: len(sizes)]
    assert [episode.start.seed for episode in played] == list(range(TEST_FIRST, TEST_FIRST + episodes))
    assert all(episode.success for episode in played)


@pytest.mark.slow
def test_held_out_with_a_small_context_loses_long_prompts_and_fails_if_none_fits() -> None:
    async def play(max_context: int) -> list[Episode]:
        engine = await make_engine("tiny", EngineConfig(max_context=max_context))
        player = JobRunner({"algebra": TASK}, VLMPolicy(load_chat("tiny"), engine))
        try:
            return await held_out(player, "algebra", 16)
        finally:
            player.close()
            await engine.close()

    problem = r"a prompt of \d+ tokens and a reply of up to 32 exceed the context of 40"
    line = f"task algebra: no first prompt fits: {problem}; lower max_reply_tokens"
    with pytest.raises(UserError, match=line):
        asyncio.run(play(40))
    sizes = {len(episode.sequences[0].tokens[~episode.sequences[0].loss_mask]) for episode in asyncio.run(play(0))}
    episodes = asyncio.run(play(min(sizes) + 32))  # room for the shortest prompt only
    lost = [episode for episode in episodes if not episode.turns]
    assert 0 < len(lost) < 16 and {episode.ended for episode in lost} == {Ended.CONTEXT}
    group = make_group("algebra", TASK, lost)
    assert not group.varied and describe([group])["reward"] == 0
