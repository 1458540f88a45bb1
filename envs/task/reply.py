"""Strict parsing of replies of the form `<think>…</think><answer>…</answer>`."""

import re
from dataclasses import dataclass
from typing import Any

from envs.task.config import TaskConfig

_FORM = re.compile(r"\s*<think>(.*?)</think>\s*<answer>(.*?)</answer>\s*", re.DOTALL)
_TAG = re.compile(r"</?(?:think|answer)>")


@dataclass(frozen=True)
class Reply:
    """A parsed reply. `actions` is empty if and only if the reply is invalid, and `problem` then gives the reason."""

    thinking: str
    answer: str
    actions: tuple[Any, ...]
    """Actions in the order of play: indices (Discrete), tuples of indices (MultiDiscrete), or the answer text."""
    problem: str = ""

    @property
    def valid(self) -> bool:
        """True if the reply is valid and can be played."""
        return bool(self.actions)


class Reader:
    """Parser for the replies of one task."""

    def __init__(self, config: TaskConfig) -> None:
        self._config = config
        self._index = [{name: index for index, name in enumerate(part) if name} for part in config.action_parts]

    def read(self, reply: str) -> Reply:
        """Parse a reply with exactly one think block and one answer block, and check its actions against the task."""
        match = _FORM.fullmatch(reply)
        if match is None:
            return Reply("", "", (), "not of the form <think>…</think><answer>…</answer>")
        thinking, answer = match.group(1).strip(), match.group(2).strip()
        if _TAG.search(thinking) or _TAG.search(answer):
            return Reply("", "", (), "more than one think or answer")
        if not self._config.actions:
            return Reply(thinking, answer, (answer,) if answer else (), "" if answer else "an empty answer")
        most = self._config.actions_per_reply
        cut = self._config.cut_answers
        names = [name.strip() for name in answer.split(",")] if most > 1 or cut else [answer]
        if cut:
            names = names[:most]
        if len(names) > most:
            return Reply(thinking, answer, (), f"{len(names)} actions, at most {most} are allowed")
        actions = []
        for name in names:
            action = self._action(name)
            if action is None:
                return Reply(thinking, answer, (), f"no action is named {name!r}")
            actions.append(action)
        return Reply(thinking, answer, tuple(actions))

    def _action(self, name: str) -> int | tuple[int, ...] | None:
        if not self._config.in_parts:
            return self._index[0].get(name)
        parts = [part.strip() for part in name.split("+")]
        if len(parts) != len(self._index):
            return None
        found = [index.get(part) for part, index in zip(parts, self._index, strict=True)]
        return tuple(part for part in found if part is not None) if None not in found else None
