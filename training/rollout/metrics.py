"""Metrics of the episodes of a training step."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.algorithm.groups import Group


def success_by_task(groups: Sequence[Group]) -> dict[str, float]:
    """Return task → mean success of its episodes."""
    found: dict[str, list[bool]] = {}
    for group in groups:
        found.setdefault(group.task, []).extend(episode.success for episode in group.episodes)
    return {task: float(np.mean(successes)) for task, successes in found.items()}


def describe(groups: Sequence[Group]) -> dict[str, Any]:
    """Return the metrics of a step's episodes: success, rewards, validity, transcript accuracy and lengths."""
    episodes = [episode for group in groups for episode in group.episodes]
    rewards = [rewards for group in groups for rewards in group.rewards]
    turns = [turn for episode in episodes for turn in episode.turns]
    tokens = sum(turn.reply_tokens for turn in turns)
    parts = {name: float(np.mean([one.parts[name] for one in rewards])) for name in rewards[0].parts}
    by_task = success_by_task(groups)
    stated = [turn.transcript for turn in turns if turn.transcript is not None]
    return {
        "success": float(np.mean([episode.success for episode in episodes])),
        **({f"success/{task}": success for task, success in by_task.items()} if len(by_task) > 1 else {}),
        "reward": float(np.mean([one.total for one in rewards])),
        **{f"reward/{name}": value for name, value in parts.items()},
        "valid": sum(turn.reply.valid for turn in turns) / max(1, len(turns)),
        **({"transcript": sum(stated) / len(stated)} if stated else {}),
        "turns": len(turns) / len(episodes),
        "response_length": tokens / max(1, len(turns)),
        "reply_tokens": tokens,
        "live_groups": float(np.mean([group.varied for group in groups])),
    }
