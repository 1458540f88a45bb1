"""Check of the settings of tasks with seats: PettingZoo environments, of which an episode plays one seat."""

from typing import Any

from configs.errors import suggest
from configs.imports import is_import_path
from envs.matches.games import PREFIX
from envs.matches.seat import strength_of


def check(config: Any) -> None:
    """Raise ValueError unless the settings of a `TaskConfig`'s seats fit together."""
    zoo = config.id.startswith(PREFIX)
    if not config.seats:
        if zoo:
            raise ValueError(f"id={config.id} needs the names of its seats (seats: [left, right])")
        if config.reward == "result":
            raise ValueError("reward=result needs a match; name its seats (seats: [left, right])")
        if config.reply_seconds is not None:
            raise ValueError("reply_seconds limits the replies in a match; name its seats (seats: [left, right])")
        return
    if config.id and not zoo:
        raise ValueError(f"seats need a PettingZoo environment, {PREFIX}MODULE; got id={config.id}")
    if len(set(config.seats)) < max(2, len(config.seats)):
        raise ValueError(f"seats must be at least two different names, got {config.seats}")
    for seat in config.seat_text:
        if seat not in config.seats:
            raise ValueError(suggest("seat_text", seat, config.seats))
    if config.actions_per_reply > 1 or config.on_invalid != "end" or config.episodes_at_once is not None:
        raise ValueError("a task with seats needs actions_per_reply=1, on_invalid=end and episodes_at_once=null")
    if strength_of(config.opponent) is None:
        raise ValueError(f"opponent must be random, expert or expert:P with P from 0 to 1, got {config.opponent!r}")
    for key in ("expert", "describe"):
        if getattr(config, key) and not is_import_path(getattr(config, key)):
            raise ValueError(f"{key} must be an import path module:name, got {getattr(config, key)!r}")
