"""The command that trains a baseline, RLlib's PPO on a language model's task: `python -m training.baseline`.

Env, images, actions, turns, success rule and held-out episodes are the same as for the language model. A small CNN
receives one image, or with `observation=simple115v2` an MLP receives football's vector. PPO receives env rewards
(`reward=`). `render.watch` shows the folder, and `training.evaluate policy=runs/football-ppo` evaluates it.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import envs  # noqa: F401  (registers the ids)
from agents.episodes.starts import VALIDATION_FIRST
from agents.episodes.task_check import check_task
from agents.policies.jobs import JobRunner
from agents.records.pictured import keep_images
from configs.cli import parse_overrides
from configs.errors import UserError, install_command
from configs.help import short_help
from training.baseline.config import BaselineConfig, from_overrides
from training.baseline.env import check_observations, training_task
from training.baseline.folder import BaselineFolder
from training.baseline.policy import policy_of, save_network
from training.evaluation.measure import REFERENCES, held_out, reference
from training.evaluation.statistics import success_rate
from training.runs import checkpoint, facts
from training.runs.checkpoint import RunState
from training.runs.display import Display
from training.runs.folder import refuse_existing
from training.runs.metrics import MetricsLog

if TYPE_CHECKING:
    from training.baseline.ppo import Learning

VALIDATION_EPISODES = 128
RECORDS, FILMED = 64, 4
"""Numbers of held-out episodes, before and after training, that are recorded and written as video."""


class BaselineDisplay(Display):
    """Progress of a baseline: decisions, time left, success, reward, entropy, decisions per second."""

    def step(self, record: dict[str, Any]) -> None:
        """Show the metrics of an update."""
        ended = record["episodes"] > 0
        success, reward = (f"{record['success']:.0%}", f"{record['reward']:.2f}") if ended else ("–", "–")
        state = [f"success {success}{self.held_out}", f"reward {reward}", f"entropy {record['entropy']:.2f}"]
        self.advance(record["env_steps"], [*state, f"{record['time/env_steps_per_second']:,.0f} decisions/s"])


@dataclass
class Baseline:
    """The training of one baseline: its folder, algorithm, state and outputs."""

    folder: BaselineFolder
    learning: "Learning"
    progress: RunState
    log: MetricsLog
    display: BaselineDisplay

    def run(self, started: float) -> dict[str, Any]:
        """Evaluate, train, evaluate again, and return the summary.

        Args:
            started: Start time of this process, as of `time.perf_counter()`, in seconds.
        """
        started -= self.progress.seconds
        config = self.folder.config
        for name in REFERENCES:
            self.measure_reference(name)
        self.measure("before")
        self.display.stage("ppo", config.steps, self.learning.done)
        self.folder.tell("", self.progress)
        while self.learning.done < config.steps:
            self.update()
            updates, last = self.progress.total_steps, self.learning.done >= config.steps
            if config.evaluate_every and (updates % config.evaluate_every == 0 or last):
                self.validate()
            if updates % config.checkpoint_every == 0 or last:
                self.progress.seconds = time.perf_counter() - started
                self.progress.metrics_lines = self.log.lines
                save_network(self.learning.network, self.folder.path)  # first: a resume at the end saves nothing again
                checkpoint.save(self.folder.checkpoints, self.learning, self.progress)
        self.measure("after")
        self.doing("writing videos, curves and report")
        return self.folder.finish(self.folder.summary(self.progress) | {"env_steps": self.learning.done}, started)

    def update(self) -> None:
        """Run one update and log its metrics."""
        started, before = time.perf_counter(), self.learning.done
        ended, metrics = self.learning.update()
        seconds = time.perf_counter() - started
        self.progress.step += 1
        self.progress.total_steps += 1
        self.progress.stages[-1]["steps"] += 1
        self.progress.stages[-1]["seconds"] += seconds
        record: dict[str, Any] = {"stage": "ppo", "step": self.progress.step}
        if ended:  # a short update may have no finished episode
            record |= {
                key: sum(float(episode[key]) for episode in ended) / len(ended)
                for key in ("success", "reward", "turns")
            }
        record |= {"episodes": len(ended)} | metrics
        record |= {"time/step": seconds, "time/env_steps_per_second": (self.learning.done - before) / seconds}
        self.log.write(self.progress.total_steps, record)
        self.display.step(record)

    def validate(self) -> None:
        """Log the held-out success on the validation split."""
        started = time.perf_counter()
        rate = success_rate(self.play(1.0, VALIDATION_EPISODES, first=VALIDATION_FIRST))
        low, high = rate["ci95"]
        record = {"stage": "evaluation", "step": self.progress.step, "env_steps": self.learning.done}
        record |= {"eval/success": rate["mean"], "eval/low": low, "eval/high": high}
        seconds = time.perf_counter() - started
        self.progress.stages[-1]["seconds"] += seconds
        self.log.write(self.progress.total_steps, record | {"time/evaluate": seconds})
        self.display.evaluated(rate)

    def measure(self, label: str) -> None:
        """Evaluate on held-out episodes at T=1, greedy and, for pixels, blind. Write records and a video.

        Each label is evaluated only once.
        """
        if label in self.progress.results:
            return
        self.doing(f"evaluating on held-out episodes: {label}")
        count = self.folder.config.episodes
        episodes = self.play(1.0, count, film=FILMED)
        keep_images(episodes, RECORDS)
        self.folder.record(label, self.progress.total_steps, {self.folder.task: episodes})
        result = success_rate(episodes) | {"valid": 1.0, "greedy": success_rate(self.play(0.0, count))["mean"]}
        if self.folder.config.observation == "pixels" and count > 1:
            result["blind"] = success_rate(self.play(1.0, count, blind=True))["mean"]
        self.progress.results[label] = {self.folder.task: result}

    def measure_reference(self, name: str) -> None:
        """Evaluate a reference policy on held-out episodes, only once."""
        if name in self.progress.results:
            return
        self.doing(f"evaluating on held-out episodes: {name}")
        task = self.folder.task
        try:
            found = asyncio.run(reference(name, self.folder.tasks, task, self.folder.config.episodes))
            self.progress.results[name] = {task: found}
        except ValueError as error:  # a custom env may have no expert
            self.display.say(str(error))

    def doing(self, what: str) -> None:
        """Show what the baseline does between the updates, on the terminal and on the page."""
        self.display.say(what)
        self.folder.tell(what, self.progress)

    def play(self, temperature: float, count: int, **how: Any) -> list[Any]:
        """Play held-out episodes with the current network.

        Args:
            temperature: Sampling temperature. 0 is greedy.
            count: Number of episodes.
            how: Further arguments of `held_out`.
        """
        task = self.folder.task
        player = JobRunner(self.folder.tasks, policy_of(self.learning.network, self.folder.tasks[task]))
        try:
            return asyncio.run(held_out(player, task, count, temperature, **how))
        finally:
            player.close()


def train(folder: BaselineFolder, started: float) -> None:
    """Train a baseline, or continue from its newest checkpoint.

    Args:
        folder: Folder of the baseline.
        started: Start time of this process, as of `time.perf_counter()`, in seconds.
    """
    from training.baseline.ppo import Learning, local_ray

    resume = checkpoint.newest(folder.checkpoints)
    fresh = RunState(stages=[{"name": "ppo", "steps": 0, "seconds": 0.0}])
    progress = checkpoint.read_progress(resume) if resume else fresh
    with (
        local_ray(),
        BaselineDisplay() as display,
        closing(Learning(folder.config, training_task(folder.config, folder.tasks[folder.task]))) as learning,
    ):
        if resume is not None:
            checkpoint.restore(resume, learning)
        with MetricsLog(folder.path, progress.metrics_lines) as log:
            summary = Baseline(folder, learning, progress, log, display).run(started)
    display.table(summary, folder.path)


def main(argv: Sequence[str]) -> None:
    """Train a baseline, or resume one (`resume=runs/<name>`)."""
    started = time.perf_counter()
    overrides = parse_overrides(argv)
    config, task = from_overrides(overrides)
    if config.resume:
        folder = BaselineFolder.resume(overrides, Path(config.resume), config.resume_changed)
        _needs_rllib()
    else:
        trained = training_task(config, task)
        check_task(config.task_name, task, None)
        check_observations(config, trained)
        refuse_existing(config.folder)  # last: a mistake in the settings is the more useful message
        _needs_rllib()
        folder = BaselineFolder.create(config, task)
        facts.write(folder.path, "training.baseline", overrides, facts.device())
    with folder.locked():
        print(f"watch it: python -m render.watch {folder.path}", file=sys.stderr)
        try:
            train(folder, started)
        except BaseException:
            print(f"\nresume with: python -m training.baseline resume={folder.path}", file=sys.stderr)
            raise


def _needs_rllib() -> None:
    try:
        import ray.rllib  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(f"the baseline needs RLlib: {install_command('ray')} ({error})") from error


def usage(_: Sequence[str]) -> str:
    """Return the text for --help."""
    what = "Train RLlib's PPO on the images of a task (or football's simple115v2) as a baseline."
    return short_help("training.baseline", what, BaselineConfig)
