"""A person as a policy: each reply waits for keys, so that everything else is as it is for a model."""

import asyncio
from typing import Any, Self

import gymnasium
import pygame

from agents.episodes.episode import Ended, Episode
from agents.episodes.policy import TurnContext
from agents.play.entry import Typed, entry
from agents.play.screen import View, draw, draw_help
from envs.task.reply import Reply
from envs.task.task import Observation, Outcome, Task
from render.draw.window import KeyWindow

GIVEN_UP = "gives up"
"""The reply of a person who gives up: it has no answer, so it is invalid."""

_KEYS = {
    "help": (pygame.K_h, pygame.K_F1),
    "undo": (pygame.K_u, pygame.K_F2),
    "restart": (pygame.K_r, pygame.K_F3),
    "next": (pygame.K_n, pygame.K_F4),
    "close": (pygame.K_ESCAPE, pygame.K_ESCAPE),
}
"""The commands: a letter, and the key that does the same while letters are typed."""
_CAPS = {"help": ("H", "F1"), "undo": ("U", "F2"), "restart": ("R", "F3"), "next": ("N", "F4"), "close": ("Esc", "Esc")}
_SURE = {
    "undo": "takes the last reply back; the episode is then practice",
    "restart": "plays this start again, as practice",
    "next": "gives up: no success",
    "close": "gives up and closes: no success",
}
"""What is asked before something is lost."""
_EVENTS = (
    pygame.KEYDOWN, pygame.TEXTINPUT, pygame.QUIT, pygame.MOUSEWHEEL, pygame.VIDEORESIZE, pygame.VIDEOEXPOSE,
)  # fmt: skip


class Closed(Exception):  # noqa: N818  (a wish, no error)
    """The person has closed the window."""


class Again(Exception):  # noqa: N818  (a wish, no error)
    """The person wants to play the start again, with these replies given first."""

    def __init__(self, replies: list[str]) -> None:
        super().__init__()
        self.replies = replies


class SeenTask(Task):
    """A task that keeps what the newest reply led to: a person sees the last state of an episode too."""

    seen: Observation | None = None
    env_return = 0.0

    def begin(self) -> None:
        """A new episode."""
        self.seen, self.env_return = None, 0.0

    def play(self, env: gymnasium.Env[Any, Any], reply: Reply) -> Outcome:
        """As a task does."""
        outcome = super().play(env, reply)
        self.seen = self.observe(env, outcome.observation, outcome.info, outcome.feedback)
        self.env_return += outcome.reward
        return outcome


class Person:
    """Waits for keys."""

    def __init__(self, task: SeenTask, window: KeyWindow, kept: str) -> None:
        """`kept`: where the episodes go."""
        self.task, self._window, self._kept = task, window, kept
        self._entry = entry(task.config)
        self._place = self._tally = ""
        self._script: list[str] = []
        self._replies: list[str] = []
        self._practice = self._gave_up = self._over = self._left = self._help = self._closing = False
        self._asked = ""  # the command that waits for its second press
        self._scroll = self._most_scroll = 0
        self._gold = ""

    def prepare(self, place: str, tally: str, script: list[str], practice: bool) -> None:
        """What the next episode is: which start, what has been won, and the replies that are given again first."""
        self._place, self._tally, self._practice = place, tally, practice
        self._script = list(script)
        pygame.event.clear(pygame.TEXTINPUT)  # the letter of a command is no answer

    def start_episode(self, task: Task) -> None:
        """A new episode."""
        self._replies = []
        self._gave_up = self._over = self._left = False
        self.task.begin()

    def with_temperature(self, temperature: float) -> Self:
        """Temperatures change nothing."""
        return self

    async def reply(self, context: TurnContext) -> str:
        """What the person answers; Again or Closed where that is wanted instead."""
        if self._gave_up:
            return GIVEN_UP
        if self._script:
            self._replies.append(self._script.pop(0))
            return self._replies[-1]
        return await self._ask(context)

    async def _ask(self, context: TurnContext) -> str:
        """Wait until an answer is complete, or the person gives up."""
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
        """Show how it ended until the person goes on; Again or Closed where that is wanted instead."""
        if self._closing:
            raise Closed
        self._over = True
        self._scroll = 0
        last = self.task.seen if self.task.seen is not None and episode.turns[-1].reply.valid else None
        view = self._view(last or episode.turns[-1].observation, len(episode.turns), episode)
        while not self._left:
            self._commanded(await self._event(view))

    async def _event(self, view: View) -> pygame.event.Event:
        """Show everything, and wait for what the person does."""
        surface = self._window.surface
        self._most_scroll = draw(surface, view)
        if self._help:
            draw_help(surface, f"Playing {self.task.name}", self._help_lines())
        state = "turn " + str(len(self._replies) + 1) if view.outcome is None else view.hint
        self._window.show(f"Kickoff: {self.task.name}, start {self._place}, {'help' if self._help else state}")
        while True:
            event = self._window.wait()
            await asyncio.sleep(0)  # Ctrl+C at the terminal comes in here
            if event.type in _EVENTS:
                return event

    def _commanded(self, event: pygame.event.Event) -> bool:
        """Do what an event asks for, and say whether that is all that it is for."""
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
        """Close, at once or by giving up: who has replied cannot leave and meet the start again as if it were new."""
        if self._over or not (self._replies or self._practice):
            raise Closed
        self._gave_up = self._closing = True

    def _command(self, key: int) -> str:
        """The command behind a key; none where the key is for the answer."""
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
        """Whether letters are for the answer."""
        return isinstance(self._entry, Typed) and not self._over

    def _scrolled(self, lines: int) -> None:
        self._scroll = min(max(self._scroll + lines, 0), self._most_scroll)

    def _cap(self, command: str) -> str:
        return _CAPS[command][self._typing]

    def _view(self, observation: Observation, turn: int, ended: Episode | None = None) -> View:
        config = self.task.config
        told = [config.instructions, config.rules_text if config.rules else ""]
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
            hint = f"{self._cap(self._asked)} again {_SURE[self._asked]}"
        return View(
            title=self.task.name,
            image=observation.image,
            feedback=observation.feedback,
            text=observation.text,
            told="\n\n".join(text for text in told if text),
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
        """How an episode ended, in a line."""
        question = not self.task.config.actions
        turns = f"{len(episode.turns)} turn{'s' if len(episode.turns) != 1 else ''}"
        if episode.success:
            told = "Right" if question else f"Success in {turns}"
        elif self._gave_up:
            told = "Given up"
        elif episode.ended is Ended.INVALID:
            told = f"Invalid: {episode.turns[-1].reply.problem}"
        elif question:
            told = "Wrong"
        else:
            told = "No success: " + ("out of turns" if episode.ended is Ended.TRUNCATED else f"over after {turns}")
        if question and not episode.success and self._gold:
            told += f"; the answer is {' '.join(self._gold.split())}"
        return f"{told} – Enter goes on"

    def _help_lines(self) -> list[str]:
        config = self.task.config
        keys = ", ".join(f"{cap} {name}" for cap, name in self._entry.keys)
        again = f"{self._cap('undo')} undo, {self._cap('restart')} restart"
        lines = [
            config.description,
            config.instructions,
            config.rules_text,
            f"{self._entry.help} {keys}",
            "You see what a model is shown; starts, turns, and how answers are read and scored are a model's too.",
            f"{again}: the start is played again up to there. The episode is then practice: it is kept as that, and "
            "counts in no table. A start counts once, the first time that it is played to its end.",
            f"{self._cap('next')} gives up: that counts as no success. Long texts scroll by Page Up and Page Down.",
            f"{self._cap('close')} closes: an episode in which you have replied is given up by that.",
            f"Finished episodes are kept in {self._kept} as soon as they end; the next session goes on after them.",
            f"{self._cap('help')} or Esc closes this sheet.",
        ]
        return [line for line in lines if line]
