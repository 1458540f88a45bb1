"""How a person's answer is put in: typed, or by keys."""

from typing import Protocol

import pygame

from agents.play.keys import action_keys, caps
from envs.task.config import TaskConfig


class Entry(Protocol):
    """How an answer is put in."""

    hint: str
    help: str
    keys: tuple[tuple[str, str], ...]

    @property
    def shown(self) -> str | None:
        """What is there so far; None where nothing is shown because a key is an answer."""
        ...

    def clear(self) -> None:
        """Begin anew."""
        ...

    def press(self, event: pygame.event.Event) -> str | None:
        """Take an event; the answer, if it is complete."""
        ...


class Typed:
    """An answer that is typed."""

    hint = "Type the answer, then Enter"
    help = (
        "Type the answer: Enter sends it, Shift+Enter begins a new line, Ctrl+Backspace clears it. Formulas can be "
        "typed as 3sqrt(2), 6pi, 3/4."
    )

    def __init__(self, config: TaskConfig) -> None:
        self.keys: tuple[tuple[str, str], ...] = ()
        if config.actions:
            names = "+".join(" | ".join(filter(None, part)) for part in config.action_parts)
            self.help = f"Type an action, then Enter (commas between several): {names}."
        self.shown = ""

    def clear(self) -> None:
        """Begin anew."""
        self.shown = ""

    def press(self, event: pygame.event.Event) -> str | None:
        """Letters, Backspace, Enter."""
        if event.type == pygame.TEXTINPUT:
            self.shown += event.text
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_BACKSPACE:
            self.shown = "" if event.mod & pygame.KMOD_CTRL else self.shown[:-1]
        elif event.type == pygame.KEYDOWN and event.key in (pygame.K_RETURN, pygame.K_KP_ENTER):
            if event.mod & pygame.KMOD_SHIFT:
                self.shown += "\n"
            elif self.shown.strip():
                return self.shown
        return None


class Picked:
    """Actions by keys: one plays at once; where a reply may hold several they are collected until Enter."""

    def __init__(self, config: TaskConfig, parts: list[dict[int, str]]) -> None:
        self._parts, self._most = parts, config.actions_per_reply
        self._names: list[str] = []
        self.keys = tuple((cap, name) for part in parts for name, cap in caps(part).items())
        self._collects = self._most > 1 or len(parts) > 1
        self.hint, self.help = "Press a key to play", "A key plays at once."
        if len(parts) > 1:
            self.hint = f"Choose {len(parts)} parts"
            self.help = f"An action has {len(parts)} parts: choose one after the other."
        if self._most > 1:
            self.hint = f"Choose up to {self._most} actions, then Enter"
            self.help = f"Choose up to {self._most} actions: Backspace takes the last one back, Enter plays them."

    @property
    def shown(self) -> str | None:
        """The actions so far."""
        return self._answer() if self._collects else None

    def _answer(self) -> str:
        size = len(self._parts)
        return ", ".join("+".join(self._names[at : at + size]) for at in range(0, len(self._names), size))

    def clear(self) -> None:
        """Begin anew."""
        self._names.clear()

    def press(self, event: pygame.event.Event) -> str | None:
        """An action's key, Backspace, Enter."""
        if event.type != pygame.KEYDOWN:
            return None
        size = len(self._parts)
        name = self._parts[len(self._names) % size].get(event.key)
        if name is not None and len(self._names) < size * self._most:
            self._names.append(name)
        elif event.key == pygame.K_BACKSPACE and self._names:
            self._names.pop()
        whole = bool(self._names) and len(self._names) % size == 0
        enter = event.key in (pygame.K_RETURN, pygame.K_KP_ENTER)
        return self._answer() if whole and (enter or self._most == 1) else None


def entry(config: TaskConfig) -> Picked | Typed:
    """How the answers of a task are put in."""
    parts = [action_keys([name for name in part if name]) for part in config.action_parts]
    keyed = [part for part in parts if part]
    return Picked(config, keyed) if config.actions and len(keyed) == len(parts) else Typed(config)
