"""Process reward: the verdict of the env's solver or expert on each reply (VPR, arXiv 2605.10325).

- An env with `expert_progress()` gives its progress. The verdict is the change of it, at least -1. A reply after which
  the env cannot be solved gets -1, and later replies 0.
- For other envs with `expert_action()`, the verdict is 1 / `max_turns` if the reply's first action equals the expert's
  action, else 0.
- An invalid reply gets -1.

Departures from the paper: its oracle gives 2 for each of the expert's actions, 0 for other legal actions and -2 for
invalid replies and unsolvable states. Here the verdicts of a perfect episode sum to at most 1.
"""

from typing import Any

import gymnasium
import numpy as np

from configs.errors import UserError
from envs.task.reply import Reply
from envs.task.task import Task

INVALID = -1.0
"""Verdict on an invalid reply, and on a reply after which the env cannot be solved."""


def look_ahead(task: Task, env: gymnasium.Env[Any, Any]) -> Any:
    """Return what `verdict` needs from the state before a reply: the progress, or the expert's action.

    Raises:
        UserError: The env has neither `expert_progress()` nor `expert_action()`.
    """
    own = env.unwrapped
    ask = getattr(own, "expert_progress", None) or getattr(own, "expert_action", None)
    if ask is None:
        raise UserError(
            f"tasks.{task.name}.reward=process: {task.config.id} has no expert_action(); use success or return"
        )
    return ask()


def verdict(task: Task, env: gymnasium.Env[Any, Any], before: Any, reply: Reply) -> float:
    """Return the verdict on a reply that was played.

    Args:
        task: Task of the env.
        env: Env after the reply.
        before: Result of `look_ahead` before the reply.
        reply: The reply.
    """
    if not reply.valid:
        return INVALID
    progress = getattr(env.unwrapped, "expert_progress", None)
    if progress is None:
        same = np.array_equal(task.env_action(reply.actions[0]), before)
        return 1.0 / task.config.max_turns if same else 0.0
    if before is None:
        return 0.0
    after = progress()
    return INVALID if after is None else max(INVALID, after - before)
