"""Success on held-out episodes: of the model as it is, of the players that do not learn, and while it trains."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.episodes.episode import Episode, Start
from agents.episodes.jobs import Job, JobRunner, Plays
from agents.episodes.runner import gather_or_cancel
from agents.episodes.starts import TEST_FIRST, VALIDATION_FIRST, held_out_starts
from agents.policies.scripted import scripted
from configs.errors import UserError
from envs.task.config import TaskConfig
from training.evaluation.statistics import success_rate, wilson

CHUNK = 64
"""Episodes of one job, so that several workers share a measurement."""
REFERENCES = ("random", "idle", "expert")
"""Players that do not learn."""


async def held_out(
    player: Plays,
    task: str,
    episodes: int,
    temperature: float = 1.0,
    film: int = 0,
    blind: bool = False,
    first: int = TEST_FIRST,
) -> list[Episode]:
    """Play the first `episodes` of a split, which training never draws: the test's, or that which begins at `first`.

    The first `film` of them are filmed; `blind` shows every player the frame of another. UserError where no first
    prompt fits the engine's context.
    """
    jobs = shared_out(task, held_out_starts(first, episodes), temperature, film, blind)
    played = [episode for part in await gather_or_cancel(player.play(job) for job in jobs) for episode in part]
    check_room(task, played)
    return played


def shared_out(task: str, starts: Sequence[Start], temperature: float, film: int, blind: bool) -> list[Job]:
    """A measurement's starts in jobs."""
    bounds = list(range(0, len(starts), CHUNK))
    if len(bounds) > 1 and len(starts) - bounds[-1] < 2:
        bounds.pop()  # who is shown another's frame needs another
    parts = [tuple(starts[a:b]) for a, b in zip(bounds, [*bounds[1:], len(starts)], strict=True)]
    return [Job(task, part, temperature, max(0, film - number * CHUNK), blind) for number, part in enumerate(parts)]


def check_room(task: str, played: Sequence[Episode]) -> None:
    """UserError where no first prompt fits the engine's context."""
    if not any(episode.turns for episode in played):  # one long question is a lost episode, all of them a mistake
        raise UserError(
            f"task {task}: no first prompt fits: {played[0].problem}; lower max_reply_tokens or the image's size, or "
            "shorten the instructions"
        )


async def reference(name: str, tasks: Mapping[str, TaskConfig], task: str, episodes: int) -> dict[str, Any]:
    """Success of a player that does not learn; ValueError where the env has no expert."""
    player = JobRunner(tasks, scripted(name))
    try:
        return success_rate(await held_out(player, task, episodes))
    finally:
        player.close()


async def validate(cluster: Plays, envs: Sequence[str], episodes: int) -> dict[str, Any]:
    """Mean success over some tasks on the validation split, `episodes` shared out among them, with its interval."""
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
