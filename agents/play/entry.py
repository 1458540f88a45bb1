"""Input of a person's answers: by typing, or by keys for actions."""

from typing import Protocol

import pygame

from agents.play.keys import action_keys, caps
from envs.task.config import TaskConfig


class Entry(Protocol):
    """Input of one answer."""

    hint: str
    help: str
    keys: tuple[tuple[str, str], ...]

    @property
    def shown(self) -> str | None:
        """The input so far, or None if every key press is a complete answer."""
        ...

    def clear(self) -> None:
        """Discard the input."""
        ...

    def press(self, event: pygame.event.Event) -> str | None:
        """Process an event and return the answer if it is complete."""
        ...


class Typed:
    """Typed answer."""

    hint = "Type the answer, then Enter"
    help = (
        "Type the answer: Enter sends it, Shift+Enter starts a new line, Ctrl+Backspace clears it. Formulas can be "
        "typed as 3sqrt(2), 6pi, 3/4."
    )

    def __init__(self, config: TaskConfig) -> None:
        self.keys: tuple[tuple[str, str], ...] = ()
        if config.actions:
            names = "+".join(" | ".join(filter(None, part)) for part in config.action_parts)
            self.help = f"Type an action, then Enter (commas between several): {names}."
        self.shown = ""

    def clear(self) -> None:
        """Discard the input."""
        self.shown = ""

    def press(self, event: pygame.event.Event) -> str | None:
        """Process letters, Backspace and Enter."""
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
    """Actions by keys. A key plays at once, unless a reply may contain several actions or parts: Enter sends those."""

    def __init__(self, config: TaskConfig, parts: list[dict[int, str]]) -> None:
        self._parts, self._most = parts, config.actions_per_reply
        self._names: list[str] = []
        self.keys = tuple((cap, name) for part in parts for name, cap in caps(part).items())
        self._collects = self._most > 1 or len(parts) > 1
        self.hint, self.help = "Press a key to play", "Each key plays immediately."
        if len(parts) > 1:
            self.hint = f"Choose {len(parts)} parts"
            self.help = f"An action has {len(parts)} parts: choose one after the other."
        if self._most > 1:
            self.hint = f"Choose up to {self._most} actions, then Enter"
            self.help = f"Choose up to {self._most} actions: Backspace removes the last one, Enter plays them."

    @property
    def shown(self) -> str | None:
        """The actions so far."""
        return self._answer() if self._collects else None

    def _answer(self) -> str:
        size = len(self._parts)
        return ", ".join("+".join(self._names[at : at + size]) for at in range(0, len(self._names), size))

    def clear(self) -> None:
        """Discard the input."""
        self._names.clear()

    def press(self, event: pygame.event.Event) -> str | None:
        """Process an action's key, Backspace and Enter."""
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
    """Return the input method for a task's answers."""
    parts = [action_keys([name for name in part if name]) for part in config.action_parts]
    keyed = [part for part in parts if part]
    return Picked(config, keyed) if config.actions and len(keyed) == len(parts) else Typed(config)
