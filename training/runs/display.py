"""Terminal output of runs and evaluations: live lines in a terminal, periodic lines elsewhere, the final table."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.live import Live

from agents.chat.conversation import Conversation
from agents.episodes.episode import Episode
from agents.episodes.policy import Policy, TurnContext
from envs.task.task import Task
from training.runs.terminal import Row, Rows, duration, print_table

LINE_SECONDS = 15.0
"""Minimum time between status lines without a terminal, in seconds."""
OUTPUTS = {
    "report.html": "all results on one page",
    "videos": "episodes before and after training",
    "curves.png": "learning curves",
    "checkpoint": "the trained model, for transformers",
    "policy.safetensors": "the trained network",
}
"""Output files of a run, with their content."""


class Lines:
    """Live lines on stderr, one for each activity. Without a terminal, a line at intervals.

    Args:
        transient: Remove the lines at the end. Without a terminal, print none for a finished activity.
    """

    def __init__(self, transient: bool) -> None:
        self.console = Console(stderr=True, highlight=False, markup=False)
        self.live = self.console.is_terminal and not self.console.is_dumb_terminal
        self.rows = Rows()
        self._transient = transient
        self._live = Live(self.rows, console=self.console, refresh_per_second=4, transient=transient)
        self._due = 0.0

    def __enter__(self) -> Self:
        """Show the lines."""
        if self.live:
            self._live.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Stop the display."""
        self._live.stop()

    def say(self, text: str) -> None:
        """Print a sentence above the lines."""
        self.console.print(text, style="dim", soft_wrap=not self.live)

    def add(self, row: Row) -> Row:
        """Add a line."""
        self.rows.append(row)
        return row

    def update(self, row: Row, done: int, state: list[str]) -> None:
        """Update a line.

        Args:
            row: Line to update.
            done: Number that is done.
            state: Further figures, the most important first.
        """
        row.update(done, state)
        now = time.monotonic()
        if not self.live and (now >= self._due or (done >= row.total and not self._transient)):
            self._due = now + LINE_SECONDS
            self.console.print(row.text(), soft_wrap=True)


class Display(Lines):
    """Progress of a run, one line per stage: step, time left, success, reward, valid replies, tokens/s."""

    def __init__(self) -> None:
        super().__init__(transient=False)
        self._row: Row | None = None
        self.held_out = ""
        """Latest validation success, as text after the success."""

    def stage(self, name: str, steps: int, done: int) -> None:
        """Add the line of a stage.

        Args:
            name: Name of the stage.
            steps: Number of steps in the stage.
            done: Number of completed steps.
        """
        self._row = self.add(Row(name, steps, done))

    def step(self, record: dict[str, Any]) -> None:
        """Show the metrics of a step. Demonstrations have a loss, but no success of the policy."""
        if "success" in record:
            state = [f"success {record['success']:.0%}{self.held_out}", f"reward {record['reward']:.2f}"]
            state.append(f"valid {record['valid']:.0%}")
        else:
            state = [f"loss {record['nll']:.3f}{self.held_out}"]
        self.advance(record["step"], [*state, f"{record['time/tokens_per_second']:,.0f} tok/s"])

    def advance(self, done: int, state: list[str]) -> None:
        """Update the line of the current stage.

        Args:
            done: Number of completed steps.
            state: Further figures, the most important first.
        """
        if self._row is not None:
            self.update(self._row, done, state)

    def evaluated(self, success: dict[str, Any]) -> None:
        """Set the latest validation success, shown in the line."""
        self.held_out = f" (held-out {success['mean']:.0%})"

    def table(self, summary: dict[str, Any], folder: Path) -> None:
        """Stop the display and print the results, the main output files, and the command that compares the run."""
        self._live.stop()
        out = Console(highlight=False, markup=False)
        rows = [_result(name, row) for name, row in summary["success"].items()]
        for task, results in summary.get("others", {}).items():
            rows += [_result(f"{task} · {name}", row) for name, row in results.items()]
        counts = sorted({row[-1] for row in rows}, key=int)
        columns = ["policy", "success", "greedy", "blind", "n"]
        kept = [at for at in range(len(columns) - (len(counts) == 1)) if any(row[at] for row in rows)]
        episodes = f"{counts[0]} held-out episodes each" if len(counts) == 1 else "held-out episodes"
        out.print()  # apart from the last progress line
        title = f"{summary['task']} · {episodes} · T=1"
        print_table(out, [columns[at] for at in kept], [[row[at] for at in kept] for row in rows], title)
        changed = [stage for stage in summary.get("stages", []) if stage.get("effect")]
        for at, stage in enumerate(changed):
            out.print("\n" * (at == 0) + f"{stage['name']}: {stage['effect']}")
        memory = f"peak memory {summary['peak_memory_mb']:,.0f} MB"
        out.print(f"\n{folder} · {duration(summary['seconds'])} · {memory}", soft_wrap=True)
        found = {name: what for name, what in OUTPUTS.items() if (folder / name).exists()}
        width = max(map(len, found), default=0)
        for name, what in found.items():
            out.print(f"  {name:{width}}  {what}" if out.width >= 60 else f"  {name}\n    {what}")
        out.print(f"compare it with other policies: python -m training.evaluate policy={folder}", soft_wrap=True)


def _result(name: str, row: Mapping[str, Any]) -> list[str]:
    """Return the cells of a result: name, success with its interval in percent, greedy, blind, number of episodes."""
    low, high = row["ci95"]
    controls = ["" if row.get(key) is None else f"{row[key]:.1%}" for key in ("greedy", "blind")]
    return [name, f"{row['mean']:.1%} ({100 * low:.1f}–{100 * high:.1f})", *controls, str(row["n"])]


class Bar:
    """Progress of one policy in one task: episodes, success, replies, and tokens if known."""

    def __init__(self, bars: "ProgressBars", name: str, total: int, done: Sequence[Episode]) -> None:
        self._bars = bars
        self._successes = sum(episode.success for episode in done)
        self._episodes = len(done)
        self._row = bars.add(Row(name, total, len(done)))
        self._replies = self._tokens = 0

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

    def _tell(self) -> None:
        state = [f"success {self._successes / self._episodes:.1%}"] if self._episodes else []
        state.append(f"{self._replies:,} repl{'y' if self._replies == 1 else 'ies'}")
        state += [f"{self._tokens:,} tokens"] if self._tokens else []
        self._bars.update(self._row, self._episodes, state)


class ProgressBars(Lines):
    """Progress of an evaluation, one line per policy and task. The table at the end replaces them."""

    def __init__(self) -> None:
        super().__init__(transient=True)
        self._due = time.monotonic() + LINE_SECONDS

    @contextmanager
    def bar(self, name: str, total: int, done: Sequence[Episode] = ()) -> Iterator[Bar]:
        """Show a line for `total` episodes. `done` are those that are finished already."""
        yield Bar(self, name, total, done)


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
