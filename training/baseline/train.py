"""The command that trains a baseline, RLlib's PPO on a language model's task: `python -m training.baseline`.

Env, images, actions, turns, success rule and held-out episodes are the same as for the language model. A small CNN
receives one image, or with `observation=simple115v2` an MLP receives football's vector. PPO receives env rewards
(`reward=`). `render.watch` shows the folder, and `training.evaluate policy=runs/football-ppo` evaluates it.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import envs  # noqa: F401  (registers the ids)
from agents.episodes.jobs import JobRunner
from agents.episodes.starts import VALIDATION_FIRST
from agents.episodes.task_check import check_task
from configs.cli import parse_overrides
from configs.errors import UserError, install_command
from configs.help import short_help
from training.baseline.config import BaselineConfig, from_overrides
from training.baseline.env import check_observations, training_task
from training.baseline.folder import BaselineFolder, BaselineState
from training.baseline.policy import policy_of
from training.evaluation.measure import REFERENCES, held_out, reference
from training.evaluation.statistics import success_rate
from training.runs.display import Display
from training.runs.folder import refuse_existing
from training.runs.metrics import MetricsLog

if TYPE_CHECKING:
    from training.baseline.ppo import Learning

VALIDATION_EPISODES = 128
RECORDS, FILMED = 16, 4
"""Numbers of held-out episodes, before and after training, that are recorded and written as video."""


class BaselineDisplay(Display):
    """Progress as a bar or as occasional lines: success, reward, entropy, decisions per second, remaining time."""

    def update(self, record: dict[str, Any]) -> None:
        """Show the metrics of an update."""
        ended = record["episodes"] > 0
        success, reward = (f"{record['success']:.0%}", f"{record['reward']:.2f}") if ended else ("–", "–")
        self.advance(
            "ppo",
            record["env_steps"],
            f"success {success}{self._evaluated} · reward {reward} · "
            f"entropy {record['entropy']:.2f} · {record['time/env_steps_per_second']:,.0f} decisions/s",
        )


class Baseline:
    """The training of one baseline.

    Args:
        folder: Folder of the baseline.
        learning: PPO algorithm.
        progress: Training state.
        log: Log of the metrics.
        display: Display of the progress.
        started: Start time of this process, as of `time.perf_counter`, in seconds.
    """

    def __init__(
        self,
        folder: BaselineFolder,
        learning: "Learning",
        progress: BaselineState,
        log: MetricsLog,
        display: BaselineDisplay,
        started: float,
    ) -> None:
        self.folder = folder
        self.config, self.task = folder.config, folder.task
        self.learning = learning
        self.progress = progress
        self.log = log
        self.display = display
        self._since = started

    def run(self) -> dict[str, Any]:
        """Evaluate, train, evaluate again, and return the summary."""
        for player in REFERENCES:
            self.measure_floor(player)
        self.measure("before")
        self.display.stage("ppo", self.config.steps, self.progress.env_steps)
        while self.progress.env_steps < self.config.steps:
            self.update()
            updates, last = self.progress.updates, self.progress.env_steps >= self.config.steps
            if self.config.evaluate_every and (updates % self.config.evaluate_every == 0 or last):
                self.validate()
            if updates % self.config.checkpoint_every == 0 or last:
                self.save()
        self.measure("after")
        self.display.say("writing videos, curves and report")
        return self.folder.finish(self.progress, self._since)

    def update(self) -> None:
        """Run one update and log its metrics."""
        started = time.perf_counter()
        played, metrics = self.learning.update()
        seconds = time.perf_counter() - started
        steps = (
            int(metrics["env_steps"]) - self.progress.env_steps
        )  # slightly more than a batch, because all envs step together
        self.progress.updates += 1
        self.progress.env_steps += steps
        self.progress.learning += seconds
        record: dict[str, Any] = {"stage": "ppo", "step": self.progress.updates}
        if played:  # a short update may have no finished episode
            record |= {
                "success": sum(episode.success for episode in played) / len(played),
                "reward": sum(episode.reward for episode in played) / len(played),
                "turns": sum(episode.turns for episode in played) / len(played),
            }
        record |= {"episodes": len(played)} | metrics
        record |= {"time/step": seconds, "time/env_steps_per_second": steps / seconds}
        self.log.write(self.progress.updates, record)
        self.display.update(record)

    def validate(self) -> None:
        """Log the held-out success on the validation split."""
        started = time.perf_counter()
        rate = success_rate(self.play(1.0, VALIDATION_EPISODES, first=VALIDATION_FIRST))
        low, high = rate["ci95"]
        record = {"stage": "evaluation", "step": self.progress.updates, "env_steps": self.progress.env_steps}
        record |= {"eval/success": rate["mean"], "eval/low": low, "eval/high": high}
        seconds = time.perf_counter() - started
        self.progress.learning += seconds
        self.log.write(self.progress.updates, record | {"time/evaluate": seconds})
        self.display.evaluated(rate)

    def measure(self, label: str) -> None:
        """Evaluate on held-out episodes at T=1, greedy and, for pixels, blind. Write records and a video.

        Each label is evaluated only once.
        """
        if label in self.progress.results:
            return
        self.display.say(f"measuring on held-out episodes: {label}")
        count = self.config.episodes
        episodes = self.play(1.0, count, film=FILMED)
        self.folder.record(label, self.progress.updates, episodes[:RECORDS])
        result = success_rate(episodes) | {"valid": 1.0, "greedy": success_rate(self.play(0.0, count))["mean"]}
        if self.config.observation == "pixels" and count > 1:
            result["blind"] = success_rate(self.play(1.0, count, blind=True))["mean"]
        self.progress.results[label] = result

    def measure_floor(self, name: str) -> None:
        """Evaluate a reference policy on held-out episodes, only once."""
        if name in self.progress.results:
            return
        self.display.say(f"measuring on held-out episodes: {name}")
        task = self.config.task_name
        try:
            found = asyncio.run(reference(name, {task: self.task}, task, self.config.episodes))
            self.progress.results[name] = found
        except ValueError as error:  # a custom env may have no expert
            self.display.say(str(error))

    def play(self, temperature: float, count: int, **how: Any) -> list[Any]:
        """Play held-out episodes with the current network.

        Args:
            temperature: Sampling temperature. 0 is greedy.
            count: Number of episodes.
            how: Further arguments of `held_out`.
        """
        name = self.config.task_name
        player = JobRunner({name: self.task}, policy_of(self.learning.network, self.task))
        try:
            return asyncio.run(held_out(player, name, count, temperature, **how))
        finally:
            player.close()

    def save(self) -> None:
        """Write a checkpoint for resume, and the weights for evaluation."""
        now = time.perf_counter()
        self.progress.seconds += now - self._since
        self._since = now
        self.progress.metrics_lines = self.log.lines
        self.folder.save(self.learning, self.progress)


def train(folder: BaselineFolder, started: float) -> dict[str, Any]:
    """Train a baseline, or continue from its newest checkpoint, and return the summary.

    Args:
        folder: Folder of the baseline.
        started: Start time of this process, as of `time.perf_counter`, in seconds.
    """
    from training.baseline.ppo import Learning, quiet_ray

    checkpoint = folder.newest()
    progress = folder.progress(checkpoint)
    with quiet_ray(), BaselineDisplay([]) as display:
        learning = Learning(folder.config, training_task(folder.config, folder.task))
        try:
            if checkpoint is not None:
                learning.restore(checkpoint / "ppo", progress.env_steps)
            with MetricsLog(folder.path, progress.metrics_lines) as log:
                return Baseline(folder, learning, progress, log, display, started).run()
        finally:
            learning.close()


def story(summary: dict[str, Any], folder: BaselineFolder) -> str:
    """Return the results as a few lines of text."""
    success = summary["success"]
    rows = []
    for label, row in success.items():
        low, high = row["ci95"]
        greedy = f", greedy {row['greedy']:.1%}" if "greedy" in row else ""
        rows.append(f"  {label:<7} {row['mean']:6.1%} (95% interval {low:.1%} to {high:.1%}){greedy}")
    return "\n".join(
        [
            f"{summary['task']}: success of PPO on {success['after']['n']} held-out episodes at T=1, after "
            f"{summary['env_steps']:,} decisions in {summary['seconds']:.0f} s",
            *rows,
            f"Report: {folder.path / 'report.html'}; compare it with python -m training.evaluate policy={folder.path}",
        ]
    )


def main(argv: Sequence[str]) -> None:
    """Train a baseline, or resume one (`resume=runs/<name>`)."""
    started = time.perf_counter()
    overrides = parse_overrides(argv)
    config, task = from_overrides(overrides)
    if config.resume:
        folder = BaselineFolder.resume(overrides, Path(config.resume))
        _needs_rllib()
    else:
        refuse_existing(config.folder)
        trained = training_task(config, task)
        check_task(config.task_name, task, None)
        check_observations(config, trained)
        _needs_rllib()
        folder = BaselineFolder.create(config, task)
    with folder.locked():
        try:
            summary = train(folder, started)
        except BaseException:
            print(f"\nresume with: python -m training.baseline resume={folder.path}", file=sys.stderr)
            raise
    print(story(summary, folder))


def _needs_rllib() -> None:
    try:
        import ray.rllib  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(f"the baseline needs RLlib: {install_command('ray')} ({error})") from error


def usage(_: Sequence[str]) -> str:
    """Return the text for --help."""
    what = "Train RLlib's PPO on the images of a task (or football's simple115v2) as a baseline."
    return short_help("training.baseline", what, BaselineConfig)
