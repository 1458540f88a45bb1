"""Evaluation on held-out episodes: test, validation and reference policies."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.episodes.episode import Ended, Episode, Start
from agents.episodes.runner import gather_or_cancel
from agents.episodes.starts import TEST_FIRST, VALIDATION_FIRST, held_out_starts
from agents.policies.jobs import Job, JobRunner, Plays
from agents.policies.scripted import scripted
from configs.errors import UserError
from envs.task.config import TaskConfig
from training.evaluation.statistics import success_rate, wilson

CHUNK = 64
"""Maximum number of episodes per job. Several workers can thus share an evaluation."""
REFERENCES = ("random", "idle", "expert")
"""Reference policies."""


async def held_out(
    player: Plays,
    task: str,
    episodes: int,
    temperature: float = 1.0,
    film: int = 0,
    blind: bool = False,
    first: int = TEST_FIRST,
) -> list[Episode]:
    """Play the first episodes of a held-out split, which training never uses.

    Args:
        player: Plays the jobs: a cluster, or a policy with its envs.
        task: Name of the task.
        episodes: Number of episodes.
        temperature: Sampling temperature. 0 is greedy.
        film: Number of episodes that keep their frames for a video.
        blind: Give the policy the frames of other episodes.
        first: First env seed of the split: `TEST_FIRST` or `VALIDATION_FIRST`.

    Raises:
        UserError: no first prompt fits into the engine's context.
    """
    jobs = shared_out(task, held_out_starts(first, episodes), temperature, film, blind)
    played = [episode for part in await gather_or_cancel(player.play(job) for job in jobs) for episode in part]
    check_room(task, played)
    return played


def shared_out(task: str, starts: Sequence[Start], temperature: float, film: int, blind: bool) -> list[Job]:
    """Split the starts of an evaluation into jobs of about `CHUNK` episodes.

    Args:
        task: Name of the task.
        starts: Starts of the episodes.
        temperature: Sampling temperature.
        film: Number of episodes that keep their frames, from the first on.
        blind: Give the policy the frames of other episodes.
    """
    bounds = list(range(0, len(starts), CHUNK))
    if len(bounds) > 1 and len(starts) - bounds[-1] < 2:
        bounds.pop()  # blind episodes need another episode in their job
    parts = [tuple(starts[a:b]) for a, b in zip(bounds, [*bounds[1:], len(starts)], strict=True)]
    return [Job(task, part, temperature, max(0, film - number * CHUNK), blind) for number, part in enumerate(parts)]


def check_room(task: str, played: Sequence[Episode]) -> None:
    """Raise UserError if no first prompt fits into the engine's context. Episodes whose env failed do not count."""
    if not any(episode.turns or episode.ended is Ended.ERROR for episode in played):  # one long prompt is no error
        raise UserError(
            f"task {task}: no first prompt fits: {played[0].problem}; lower max_reply_tokens or image_size, or "
            "shorten the instructions"
        )


async def reference(name: str, tasks: Mapping[str, TaskConfig], task: str, episodes: int) -> dict[str, Any]:
    """Measure a reference policy.

    Args:
        name: Name of the policy, one of `REFERENCES`.
        tasks: Task name → settings.
        task: Name of the task.
        episodes: Number of test episodes.

    Returns:
        The result of `success_rate`.

    Raises:
        ValueError: the env has no expert.
    """
    player = JobRunner(tasks, scripted(name))
    try:
        return success_rate(await held_out(player, task, episodes))
    finally:
        player.close()


async def validate(cluster: Plays, envs: Sequence[str], episodes: int) -> dict[str, Any]:
    """Measure mean success over some tasks on the validation split.

    Args:
        cluster: Plays the jobs.
        envs: Names of the tasks.
        episodes: Number of episodes, divided among the tasks. Each task gets at least 2.

    Returns:
        `mean` over tasks, its 95% interval `ci95`, the number of episodes `n`, and `by_task` (task → mean).
    """
    share = max(2, episodes // len(envs))
    played = await gather_or_cancel(held_out(cluster, env, share, first=VALIDATION_FIRST) for env in envs)
    rates = [success_rate(part) for part in played]
    mean = sum(rate["mean"] for rate in rates) / len(rates)
    total = share * len(envs)
    return {
        "mean": mean,
        "ci95": list(wilson(round(mean * total), total)),
        "n": total,
        "by_task": {env: rate["mean"] for env, rate in zip(envs, rates, strict=True)},
    }
