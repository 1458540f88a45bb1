"""What the user sees while a run goes on: a live bar in a terminal, now and then a line elsewhere."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from agents.chat.conversation import Conversation
from agents.episodes.episode import Episode
from agents.episodes.policy import Policy, TurnContext
from envs.task.task import Task
from training.config.stages import StageConfig

LINE_SECONDS = 15.0
"""Between two lines where there is no terminal."""


class Display:
    """One bar a stage: success, reward, reply validity, tokens/s, time left."""

    def __init__(self, stages: Sequence[tuple[str, StageConfig]]) -> None:
        self.console = Console(stderr=True, highlight=False, markup=False)
        self.live = self.console.is_terminal
        self._bars = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=self.console,
            disable=not self.live,
            speed_estimate_period=60,
        )
        self._bar: TaskID | None = None
        self._steps = 0
        self._evaluated = ""
        self._line_due = 0.0
        self._stage_started = 0.0
        self._stage_done = 0

    def __enter__(self) -> Self:
        """Show the bars."""
        self._bars.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Leave the bars as they stand."""
        self._bars.stop()

    def say(self, text: str) -> None:
        """One line above the bars."""
        self.console.print(text, style="dim")

    def stage(self, name: str, steps: int, done: int) -> None:
        """Begin a stage's bar."""
        self._bar = self._bars.add_task(f"{name:>4}", total=steps, completed=done, state="")
        self._steps = steps
        self._stage_done = done
        self._stage_started = time.monotonic()

    def step(self, record: dict[str, Any]) -> None:
        """Tell of a step."""
        self.advance(
            record["stage"],
            record["step"],
            f"success {record['success']:.0%}{self._evaluated} · reward {record['reward']:.2f} · "
            f"valid {record['valid']:.0%} · {record['time/tokens_per_second']:,.0f} tok/s",
        )

    def advance(self, name: str, done: int, state: str) -> None:
        """Move the bar of the stage `name`; now and then, and at its end, a line where there is no terminal."""
        if self._bar is not None:
            self._bars.update(self._bar, completed=done, state=state)
        now = time.monotonic()
        if not self.live and (now >= self._line_due or done >= self._steps):
            self._line_due = now + LINE_SECONDS
            pace = (now - self._stage_started) / max(1, done - self._stage_done)
            left = pace * max(0, self._steps - done)
            self.console.print(f"{name} {done:,}/{self._steps:,} · {state} · {left:.0f} s left", soft_wrap=True)

    def evaluated(self, success: dict[str, Any]) -> None:
        """Remember the newest held-out success for the bar."""
        self._evaluated = f" (held-out {success['mean']:.0%})"

    def table(self, summary: dict[str, Any], folder: Path) -> None:
        """Before → after, and where to look."""
        table = Table(title=f"{summary['task']}: success on held-out episodes", title_justify="left")
        for column in ("", "T=1", "95% interval", "greedy", "blind", "n"):
            table.add_column(column, justify="left" if not column else "right")
        for name, row in summary["success"].items():
            table.add_row(name, *_cells(row))
        for task, rows in summary.get("others", {}).items():
            table.add_section()
            for name, row in rows.items():
                table.add_row(f"{task} · {name}", *_cells(row))
        out = Console(highlight=False)
        out.print(table)
        minutes, seconds = divmod(int(summary["seconds"]), 60)
        out.print(
            f"{minutes} min {seconds:02d} s, {summary['peak_memory_mb']:,.0f} MB at most. Look at:", soft_wrap=True
        )
        for name, what in {
            "report.html": f"everything on one page, in a browser; python -m render.watch {folder} serves it",
            "videos": "the same held-out episodes before and after",
            "curves.png": "the learning curves",
            "checkpoint": "the model, for transformers' from_pretrained",
        }.items():
            out.print(f"  {folder / name}  {what}", soft_wrap=True)


def _cells(row: dict[str, Any]) -> list[str]:
    low, high = row["ci95"]
    greedy, blind = row.get("greedy"), row.get("blind")
    return [
        f"{row['mean']:.1%}",
        f"{low:.1%} to {high:.1%}",
        "" if greedy is None else f"{greedy:.1%}",
        "" if blind is None else f"{blind:.1%}",
        str(row["n"]),
    ]


class Bar:
    """One policy's progress in one task: episodes, replies, tokens where they are known."""

    def __init__(self, bars: "ProgressBars", name: str, total: int) -> None:
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


class ProgressBars:
    """The bars of a comparison, on stderr."""

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


class ReportingPolicy:
    """A policy whose replies are counted."""

    def __init__(self, policy: Policy, bar: Bar) -> None:
        self._policy, self._bar = policy, bar

    def start_episode(self, task: Task) -> Conversation | None:
        """The policy's own memory."""
        return self._policy.start_episode(task)

    def with_temperature(self, temperature: float) -> Any:
        """The same at another temperature."""
        return ReportingPolicy(self._policy.with_temperature(temperature), self._bar)

    async def reply(self, context: TurnContext) -> str:
        """The policy's reply."""
        words = await self._policy.reply(context)
        self._bar.reply(context.reply_tokens)
        return words
