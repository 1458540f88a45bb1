"""Statistics of the episodes that a step has played."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.algorithm.groups import Group


def success_by_task(groups: Sequence[Group]) -> dict[str, float]:
    """Mean success of each task's episodes."""
    found: dict[str, list[bool]] = {}
    for group in groups:
        found.setdefault(group.task, []).extend(player.episode.success for player in group.players)
    return {task: float(np.mean(successes)) for task, successes in found.items()}


def describe(groups: Sequence[Group]) -> dict[str, Any]:
    """What a step's episodes were like."""
    players = [player for group in groups for player in group.players]
    turns = [turn for player in players for turn in player.episode.turns]
    tokens = sum(turn.reply_tokens for turn in turns)
    parts = {name: float(np.mean([player.rewards[name] for player in players])) for name in players[0].rewards}
    by_task = success_by_task(groups)
    return {
        "success": float(np.mean([player.episode.success for player in players])),
        **({f"success/{task}": success for task, success in by_task.items()} if len(by_task) > 1 else {}),
        "reward": float(np.mean([player.reward for player in players])),
        **{f"reward/{name}": value for name, value in parts.items()},
        "valid": sum(turn.reply.valid for turn in turns) / max(1, len(turns)),
        "turns": len(turns) / len(players),
        "response_length": tokens / max(1, len(turns)),
        "reply_tokens": tokens,
        "live_groups": float(np.mean([group.varied for group in groups])),
    }
