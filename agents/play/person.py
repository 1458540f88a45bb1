"""A person as a policy: replies wait for keys. Everything else is the same as for a model."""

import asyncio
from typing import Any, Self

import gymnasium
import numpy as np
import pygame

from agents.episodes.episode import Ended, Episode
from agents.episodes.policy import TurnContext
from agents.play.entry import Typed, entry
from agents.play.screen import View, draw, draw_help
from agents.play.wording import for_person
from envs.task.reply import Reply
from envs.task.task import Observation, Outcome, Task
from render.draw.window import KeyWindow

GIVEN_UP = "gives up"
"""Reply when the person gives up. It has no answer and is therefore invalid."""

_KEYS = {
    "help": (pygame.K_h, pygame.K_F1),
    "undo": (pygame.K_u, pygame.K_F2),
    "restart": (pygame.K_r, pygame.K_F3),
    "next": (pygame.K_n, pygame.K_F4),
    "close": (pygame.K_ESCAPE, pygame.K_ESCAPE),
}
"""Keys of each command: a letter, and a key that works while letters are typed."""
_CAPS = {"help": ("H", "F1"), "undo": ("U", "F2"), "restart": ("R", "F3"), "next": ("N", "F4"), "close": ("Esc", "Esc")}
_SURE = {
    "undo": "undo the last reply (the episode becomes practice)",
    "restart": "replay this start as practice",
    "next": "give up (counts as no success)",
    "close": "give up and close (counts as no success)",
}
"""Warnings shown before a command discards something."""
_EVENTS = (
    pygame.KEYDOWN, pygame.TEXTINPUT, pygame.QUIT, pygame.MOUSEWHEEL, pygame.VIDEORESIZE, pygame.VIDEOEXPOSE,
)  # fmt: skip


class Closed(Exception):  # noqa: N818  (control flow, not an error)
    """The person closed the window."""


class Again(Exception):  # noqa: N818  (control flow, not an error)
    """The person requested to replay the start, with these replies given first."""

    def __init__(self, replies: list[str]) -> None:
        super().__init__()
        self.replies = replies


class SeenTask(Task):
    """Task that keeps the observation after the newest reply, so that a person also sees an episode's last state."""

    seen: Observation | None = None
    env_return = 0.0
    own_seat = ""
    """Seat of the person in a match. Empty: the env has no other seat that is played here."""

    def begin(self) -> None:
        """Reset for a new episode."""
        self.seen, self.env_return = None, 0.0

    def play(self, env: gymnasium.Env[Any, Any], reply: Reply) -> Outcome:
        """Play the actions of a reply and keep the observation."""
        outcome = super().play(env, reply)
        if self.own_seat and getattr(env.unwrapped, "seat", "") != self.own_seat:
            return outcome
        self.seen = self.observe(env, outcome.observation, outcome.info, outcome.feedback)
        self.env_return += outcome.reward
        return outcome


class Person:
    """Policy that waits for a person's keys."""

    def __init__(self, task: SeenTask, window: KeyWindow, kept: str) -> None:
        """Create the policy. `kept` is the folder of the finished episodes, shown in the help."""
        self.task, self._window, self._folder = task, window, kept
        self._entry = entry(task.config)
        self._place = self._tally = ""
        self._script: list[str] = []
        self._replies: list[str] = []
        self._practice = self._gave_up = self._over = self._left = self._help = self._closing = False
        self._asked = ""  # command that waits for confirmation
        self._scroll = self._max_scroll = 0
        self._gold = ""

    def prepare(self, place: str, tally: str, script: list[str], practice: bool) -> None:
        """Set up the next episode.

        Args:
            place: label of the start, such as "3 of 20".
            tally: summary of the results so far.
            script: replies to give first without asking.
            practice: True if the episode does not count.
        """
        self._place, self._tally, self._practice = place, tally, practice
        self._script = list(script)
        pygame.event.clear(pygame.TEXTINPUT)  # a command's letter is not part of an answer

    def start_episode(self, task: Task) -> None:
        """Reset for a new episode."""
        self._replies = []
        self._gave_up = self._over = self._left = False
        self.task.begin()

    def with_temperature(self, temperature: float) -> Self:
        """Return self: the temperature has no effect."""
        return self

    async def reply(self, context: TurnContext) -> str:
        """Return the person's reply. Raise Again or Closed if the person requests it."""
        if self._gave_up:
            return GIVEN_UP
        if self._script:
            self._replies.append(self._script.pop(0))
            return self._replies[-1]
        return await self._ask(context)

    async def _ask(self, context: TurnContext) -> str:
        """Wait until an answer is complete or the person gives up."""
        if not context.task.config.actions:
            self._gold = str(getattr(context.env.unwrapped, "expert_action", str)())
        self._entry.clear()
        self._scroll = 0
        while not self._gave_up:
            event = await self._event(self._view(context.observation, context.turn))
            answer = None if self._commanded(event) else self._entry.press(event)
            if answer is not None:
                self._replies.append(f"<think></think><answer>{answer}</answer>")
                return self._replies[-1]
        return GIVEN_UP

    async def finished(self, episode: Episode) -> None:
        """Show the result until the person continues. Raise Again or Closed if the person requests it."""
        if self._closing:
            raise Closed
        self._over = True
        self._scroll = 0
        last = self.task.seen if self.task.seen is not None and episode.turns[-1].reply.valid else None
        view = self._view(last or episode.turns[-1].observation, len(episode.turns), episode)
        while not self._left:
            self._commanded(await self._event(view))

    async def _event(self, view: View) -> pygame.event.Event:
        """Draw the window and wait for an event."""
        surface = self._window.surface
        self._max_scroll = draw(surface, view)
        if self._help:
            draw_help(surface, f"Playing {self.task.name}", self._help_lines())
        state = "turn " + str(len(self._replies) + 1) if view.outcome is None else view.hint
        self._window.show(f"Kickoff: {self.task.name}, start {self._place}, {'help' if self._help else state}")
        while True:
            event = self._window.wait()
            await asyncio.sleep(0)  # lets Ctrl+C from the terminal through
            if event.type in _EVENTS:
                return event

    def _commanded(self, event: pygame.event.Event) -> bool:
        """Execute the command of an event. Return True if the event is not input for the answer."""
        if event.type == pygame.QUIT:
            self._close()
            return True
        if event.type == pygame.MOUSEWHEEL:
            self._scrolled(-event.y)
        if event.type != pygame.KEYDOWN:
            return self._help
        command = self._command(event.key)
        if self._help:
            self._help = command not in ("help", "close") and event.key != pygame.K_RETURN
            return True
        if event.key in (pygame.K_PAGEUP, pygame.K_PAGEDOWN):
            self._scrolled(8 if event.key == pygame.K_PAGEDOWN else -8)
            return True
        sure = self._over or self._practice or self._asked == command
        self._asked = ""
        if command == "help":
            self._help = True
        elif command in ("undo", "restart") and not (self._replies or self._gave_up):
            return True
        elif command in _SURE and not sure and (self._replies or command == "next"):
            self._asked = command
        elif command == "close":
            self._close()
        elif command == "restart":
            raise Again([])
        elif command == "undo":
            raise Again(self._replies if self._gave_up else self._replies[:-1])
        elif command == "next":
            self._gave_up, self._left = self._gave_up or not self._over, self._over
        return bool(command)

    def _close(self) -> None:
        """Close at once, or give up first: after a reply, leaving must not allow a fresh attempt at the same start."""
        if self._over or not (self._replies or self._practice):
            raise Closed
        self._gave_up = self._closing = True

    def _command(self, key: int) -> str:
        """Return the command of a key, or "" if the key is input for the answer."""
        if self._over and key in (pygame.K_RETURN, pygame.K_KP_ENTER):
            return "next"
        if key == pygame.K_BACKSPACE and (self._over or not (self._typing or self._entry.shown)):
            return "undo"
        for name, (letter, other) in _KEYS.items():
            if key == other or (key == letter and not self._typing):
                return name
        return ""

    @property
    def _typing(self) -> bool:
        """True if letters are input for the answer."""
        return isinstance(self._entry, Typed) and not self._over

    def _scrolled(self, lines: int) -> None:
        self._scroll = min(max(self._scroll + lines, 0), self._max_scroll)

    def _cap(self, command: str) -> str:
        return _CAPS[command][self._typing]

    def _view(self, observation: Observation, turn: int, ended: Episode | None = None) -> View:
        config = self.task.config
        most = config.max_turns
        if ended is None:
            left = most - turn - 1
            facts = [("Turn", f"{turn + 1} of {most}" + (f", {left} left" if most > 1 else ""))]
        else:
            facts = [("Turns", f"{turn} of {most}")]
        if config.actions:
            facts.append(("Rewards", f"{self.task.env_return:.3g}"))
        hint = self._entry.hint
        if ended is not None:
            hint = self._outcome(ended)
        elif self._asked:
            hint = f"Press {self._cap(self._asked)} again to {_SURE[self._asked]}"
        return View(
            title=self.task.name,
            image=np.concatenate(observation.images, axis=1) if observation.more else observation.image,
            feedback=observation.feedback,
            text=observation.text,
            told=for_person(config, keys=bool(self._entry.keys)),
            facts=(("Start", self._place), *facts, ("So far", self._tally)),
            practice=self._practice,
            keys=self._entry.keys,
            commands=tuple(self._commands()),
            typed=None if self._asked or ended is not None else self._entry.shown,
            hint=hint,
            warning=bool(self._asked),
            outcome=None if ended is None else ended.success,
            scroll=self._scroll,
        )

    def _commands(self) -> list[tuple[str, str]]:
        practice = "" if self._practice else " (practice)"
        shown = [("help", "help")]
        if self._replies or self._gave_up:
            shown += [("undo", f"undo{practice}"), ("restart", f"restart{practice}")]
        shown += [("next", "next" if self._over else "give up"), ("close", "close")]
        return [(self._cap(command), name) for command, name in shown]

    def _outcome(self, episode: Episode) -> str:
        """Return a one-line result of an episode."""
        question = not self.task.config.actions
        turns = f"{len(episode.turns)} turn{'s' if len(episode.turns) != 1 else ''}"
        if episode.success:
            result = "Right" if question else f"Success in {turns}"
        elif self._gave_up:
            result = "Given up"
        elif episode.ended is Ended.INVALID:
            result = f"Invalid: {episode.turns[-1].reply.problem}"
        elif question:
            result = "Wrong"
        else:
            result = "No success: " + ("out of turns" if episode.ended is Ended.TRUNCATED else f"ended after {turns}")
        if question and not episode.success and self._gold:
            result += f"; the answer is {' '.join(self._gold.split())}"
        return f"{result} – Enter continues"

    def _help_lines(self) -> list[str]:
        keys = ", ".join(f"{cap} {name}" for cap, name in self._entry.keys)
        again = f"{self._cap('undo')} undo, {self._cap('restart')} restart"
        lines = [
            *for_person(self.task.config, keys=bool(self._entry.keys)).split("\n\n"),
            f"{self._entry.help} {keys}",
            "You see the same observations as a model. Starts, turns, reply parsing and scoring are also the same.",
            f"{again}: the start is replayed up to that point. The episode then is practice: it is saved, but not "
            "counted in any table. A start counts once, the first time it is played to the end.",
            f"{self._cap('next')} gives up, which counts as no success. Page Up and Page Down scroll long texts.",
            f"{self._cap('close')} closes the window. If you have replied in the episode, this gives it up.",
            f"Episodes are saved in {self._folder} as soon as they end. The next session continues after them.",
            f"{self._cap('help')} or Esc closes this help.",
        ]
        return [line for line in lines if line]
