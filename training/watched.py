"""What the user sees while policies play: a live bar in a terminal, now and then a line elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agents.chat.conversation import Conversation
from agents.episodes.arena import Episode
from agents.episodes.policy import Policy, Seat
from envs.task.task import Task

LINE_SECONDS = 15.0
"""Between two lines where there is no terminal."""


class Bar:
    """One policy's progress in one task: episodes, replies, tokens where they are known."""

    def __init__(self, bars: "Bars", name: str, total: int) -> None:
        self._bars, self._name, self._total = bars, name, total
        self._bar = bars.progress.add_task(name, total=total, state="")
        self._due = time.monotonic() + LINE_SECONDS
        self._episodes = self._successes = self._replies = self._tokens = 0

    def reply(self, tokens: int) -> None:
        """One more reply."""
        self._replies += 1
        self._tokens += tokens
        self._tell()

    def episode(self, episode: Episode) -> None:
        """One more episode."""
        self._episodes += 1
        self._successes += episode.success
        self._tell()

    def end(self) -> None:
        """Take the bar away."""
        self._bars.progress.update(self._bar, visible=False)

    def _state(self) -> str:
        success = f"{self._successes / self._episodes:.1%} success, " if self._episodes else ""
        tokens = f", {self._tokens:,} tokens" if self._tokens else ""
        return f"{success}{self._replies:,} repl{'y' if self._replies == 1 else 'ies'}{tokens}"

    def _tell(self) -> None:
        self._bars.progress.update(self._bar, completed=self._episodes, state=self._state())
        if not self._bars.live and time.monotonic() > self._due:
            self._due = time.monotonic() + LINE_SECONDS
            self._bars.say(f"{self._name}: {self._episodes} of {self._total} episodes, {self._state()}")


class Bars:
    """The bars of a contest, on stderr."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, markup=False)
        self.live = self.console.is_terminal
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=10),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=self.console,
            disable=not self.live,
            speed_estimate_period=60,
            transient=True,
        )

    def __enter__(self) -> Self:
        """Show the bars."""
        self.progress.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Take them away."""
        self.progress.stop()

    def say(self, text: str) -> None:
        """One line above the bars."""
        self.console.print(text, style="dim", soft_wrap=True)

    @contextmanager
    def bar(self, name: str, total: int) -> Iterator[Bar]:
        """One bar."""
        bar = Bar(self, name, total)
        try:
            yield bar
        finally:
            bar.end()


class Watched:
    """A policy whose replies are counted."""

    def __init__(self, policy: Policy, bar: Bar) -> None:
        self._policy, self._bar = policy, bar

    def sit(self, task: Task) -> Conversation | None:
        """The policy's own memory."""
        return self._policy.sit(task)

    def at(self, temperature: float) -> Any:
        """The same at another temperature."""
        return Watched(self._policy.at(temperature), self._bar)

    async def reply(self, seat: Seat) -> str:
        """The policy's reply."""
        words = await self._policy.reply(seat)
        self._bar.reply(seat.reply_tokens)
        return words
