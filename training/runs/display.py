"""Terminal output: live progress bars in a terminal, periodic status lines elsewhere, and the final table."""

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
"""Minimum time between status lines without a terminal, in seconds."""


class Display:
    """Progress of a run, one bar per stage: success, reward, reply validity, tokens/s, time left."""

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
        """Stop the bars. They stay visible."""
        self._bars.stop()

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self.console.print(text, style="dim")

    def stage(self, name: str, steps: int, done: int) -> None:
        """Add the bar of a stage.

        Args:
            name: Name of the stage.
            steps: Number of steps in the stage.
            done: Number of completed steps.
        """
        self._bar = self._bars.add_task(f"{name:>4}", total=steps, completed=done, state="")
        self._steps = steps
        self._stage_done = done
        self._stage_started = time.monotonic()

    def step(self, record: dict[str, Any]) -> None:
        """Show the metrics of a step. Demonstrations have a loss, but no success of the policy."""
        if "success" in record:
            state = f"success {record['success']:.0%}{self._evaluated} · reward {record['reward']:.2f} · "
            state += f"valid {record['valid']:.0%}"
        else:
            state = f"loss {record['nll']:.3f}{self._evaluated}"
        self.advance(record["stage"], record["step"], f"{state} · {record['time/tokens_per_second']:,.0f} tok/s")

    def advance(self, name: str, done: int, state: str) -> None:
        """Update the bar of a stage. Without a terminal, print a line at intervals and at the end.

        Args:
            name: Name of the stage.
            done: Number of completed steps.
            state: Text after the bar.
        """
        if self._bar is not None:
            self._bars.update(self._bar, completed=done, state=state)
        now = time.monotonic()
        if not self.live and (now >= self._line_due or done >= self._steps):
            self._line_due = now + LINE_SECONDS
            pace = (now - self._stage_started) / max(1, done - self._stage_done)
            left = pace * max(0, self._steps - done)
            self.console.print(f"{name} {done:,}/{self._steps:,} · {state} · {left:.0f} s left", soft_wrap=True)

    def evaluated(self, success: dict[str, Any]) -> None:
        """Set the latest validation success, shown in the bar."""
        self._evaluated = f" (held-out {success['mean']:.0%})"

    def table(self, summary: dict[str, Any], folder: Path) -> None:
        """Print the results and the paths of the main output files."""
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
            f"{minutes} min {seconds:02d} s, peak memory {summary['peak_memory_mb']:,.0f} MB. Outputs:", soft_wrap=True
        )
        for name, what in {
            "report.html": f"all results on one page (or live: python -m render.watch {folder})",
            "videos": "the same held-out episodes before and after training",
            "curves.png": "learning curves",
            "checkpoint": "the trained model, for from_pretrained in transformers",
            "policy.safetensors": f"the trained network (compare it: python -m training.evaluate policy={folder})",
        }.items():
            if (folder / name).exists():
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
    """Progress of one policy in one task: episodes, success, replies, and tokens if known."""

    def __init__(self, bars: "ProgressBars", name: str, total: int) -> None:
        self._bars, self._name, self._total = bars, name, total
        self._bar = bars.progress.add_task(name, total=total, state="")
        self._due = time.monotonic() + LINE_SECONDS
        self._episodes = self._successes = self._replies = self._tokens = 0

    def reply(self, tokens: int) -> None:
        """Count a reply and its tokens."""
        self._replies += 1
        self._tokens += tokens
        self._tell()

    def episode(self, episode: Episode) -> None:
        """Count an episode and its success."""
        self._episodes += 1
        self._successes += episode.success
        self._tell()

    def end(self) -> None:
        """Remove the bar."""
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
    """Progress bars of a comparison, on stderr."""

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
        """Remove the bars."""
        self.progress.stop()

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self.console.print(text, style="dim", soft_wrap=True)

    @contextmanager
    def bar(self, name: str, total: int) -> Iterator[Bar]:
        """Show a bar for `total` episodes inside the context."""
        bar = Bar(self, name, total)
        try:
            yield bar
        finally:
            bar.end()


class ReportingPolicy:
    """Policy wrapper that counts replies in a bar."""

    def __init__(self, policy: Policy, bar: Bar) -> None:
        self._policy, self._bar = policy, bar

    def start_episode(self, task: Task) -> Conversation | None:
        """Start an episode of the wrapped policy."""
        return self._policy.start_episode(task)

    def with_temperature(self, temperature: float) -> Any:
        """Return this policy at another temperature."""
        return ReportingPolicy(self._policy.with_temperature(temperature), self._bar)

    async def reply(self, context: TurnContext) -> str:
        """Return the reply of the wrapped policy, and count it."""
        words = await self._policy.reply(context)
        self._bar.reply(context.reply_tokens)
        return words
