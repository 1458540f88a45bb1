"""Trainer: trains the stages in order and measures success before, between and after them.

The default stages are FRE on text, then MGT on games. The initial weights already include the warm-up.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.chat.template import Chat
from agents.episodes.episode import Episode
from agents.episodes.starts import VALIDATION_FIRST
from agents.records.pictured import keep_images
from agents.seeds import mix
from training.cluster.base import Cluster, LearnerLost
from training.config.run import Config
from training.config.stages import StageConfig
from training.evaluation.measure import REFERENCES, held_out, reference, validate
from training.evaluation.statistics import success_rate
from training.rollout.source import Batch, GroupSource, Source
from training.rollout.teaching import DemonstrationSource, DistillationSource
from training.runs import checkpoint
from training.runs.checkpoint import RunState
from training.runs.display import Display
from training.runs.group_records import GroupRecords
from training.runs.metrics import MetricsLog
from training.runs.run_folder import RunFolder


@dataclass
class Trainer:
    """Training loop of one run, with its cluster, state and outputs."""

    config: Config
    folder: RunFolder
    cluster: Cluster
    chat: Chat
    log: MetricsLog
    groups: GroupRecords
    display: Display
    progress: RunState

    async def train(self, started: float, resume: Path | None) -> dict[str, Any]:
        """Train all remaining stages and return the summary.

        Args:
            started: Start time in seconds, from `time.perf_counter()`.
            resume: Checkpoint to restore, or None for a new run.
        """
        stages = list(self.config.played.items())
        if resume is not None:
            _, stage = stages[self.progress.stage]
            await self.cluster.begin_stage(stage.learned, stage.steps)
            await self.cluster.restore(resume)
        await self.cluster.publish(self.progress.version)
        self.count_seconds(started, in_stage=False)
        await self.measure_references()
        await self.measure("before", thorough=True)
        while self.progress.stage < len(stages):
            name, stage = stages[self.progress.stage]
            await self.train_stage(self.progress.stage, name, stage)
            if self.progress.stage == len(stages) - 1:
                await self.take_good_weights()
                await self.measure("after", thorough=True)
            else:
                await self.measure(f"after_{name}", thorough=False)
            self.progress.stage, self.progress.step = self.progress.stage + 1, 0
        started = time.perf_counter()
        self.doing("writing checkpoint, curves and report")
        await self.cluster.export(self.folder.checkpoint)
        return self.folder.finish(self.folder.summary(self.progress), started - self.progress.seconds)

    # -- the loop -----------------------------------------------------------------------------------------------------

    async def train_stage(self, index: int, name: str, stage: StageConfig) -> None:
        """Train stage `name`. Each step: collect → update → publish → log → validate → checkpoint."""
        self.display.stage(name, stage.steps, self.progress.step)
        self.folder.tell("", self.progress)
        if self.progress.step == 0:
            await self.cluster.begin_stage(stage.learned, stage.steps)
            self.progress.stages.append({"name": name, "steps": 0, "seconds": 0.0})
            await self.validate(index, stage)
        source = self.source(index, stage)
        if self.progress.step:
            source.restore(self.progress.source)
        else:
            await self.keep_self(source)
        try:
            while self.progress.step < stage.steps:
                started = time.perf_counter()
                batch = await source.collect(self.progress.step, self.progress.version)
                played = time.perf_counter()

                order = mix(self.config.seed, index)
                metrics = await self.cluster.update(batch.trajectories, self.progress.step, order)
                learned = time.perf_counter()

                self.progress.version += 1
                self.progress.step += 1
                self.progress.total_steps += 1
                await self.cluster.publish(self.progress.version)
                published = time.perf_counter()

                self.groups.write(self.progress.total_steps, name, batch.groups)
                done = time.perf_counter()
                times = {"rollout": played - started, "learn": learned - played, "publish": published - learned}
                times |= {"record": done - published, "step": done - started}
                await self.keep_self(source)
                self.progress.source = source.state()
                self.report(name, batch, metrics, times)

                self.progress.stages[-1]["steps"] += 1
                self.count_seconds(started)
                await self.validate(index, stage)
                if self.progress.total_steps % self.config.checkpoint_every == 0 or self.progress.step == stage.steps:
                    await self.save()
                await asyncio.sleep(0)  # for Ctrl-C: a step of demonstrations never waits for anything else
        finally:
            await source.close()

    async def keep_self(self, source: Source) -> None:
        """Export the weights as a past self, if one is due (`selfplay.every`)."""
        if isinstance(source, GroupSource) and source.opponents.due(self.progress.step):
            folder = checkpoint.self_folder(self.folder.checkpoints, self.progress.total_steps)
            await self.cluster.export(folder)
            source.opponents.add(folder.name)

    def source(self, index: int, stage: StageConfig) -> Source:
        """Return the source of the trajectories of stage `index`."""
        play, tasks, seed = self.cluster.play, self.config.tasks, self.config.seed
        if stage.kind == "sft":
            return DemonstrationSource(play, tasks, stage, seed, index, self.chat)
        if stage.kind == "distill":
            return DistillationSource(play, tasks, stage, seed, index)
        selves = (self.folder.path / checkpoint.SELVES).resolve()
        return GroupSource(play, tasks, stage, seed, index, self.config.evaluation.record_groups, selves)

    # -- measuring ----------------------------------------------------------------------------------------------------

    def report(self, stage: str, batch: Batch, metrics: dict[str, float], times: dict[str, float]) -> None:
        """Log one training step.

        Args:
            stage: Name of the stage.
            batch: Trajectories of the step.
            metrics: Metrics of the update.
            times: Part of the step → duration in seconds.
        """
        record: dict[str, Any] = {"stage": stage, "step": self.progress.step}
        record |= batch.metrics | metrics
        record |= {f"time/{name}": seconds for name, seconds in times.items()}
        record["time/tokens_per_second"] = record["reply_tokens"] / times["step"]
        self.log.write(self.progress.total_steps, record)
        self.display.step(record)

    async def validate(self, index: int, stage: StageConfig) -> None:
        """Measure validation success if it is due, and export the weights if they are good.

        Only the last stage is validated, every `evaluation.every` steps. Weights are good if their validation success
        is within `evaluation.tolerance` of the best so far. The run can thus recover from a late collapse.
        """
        evaluation = self.config.evaluation
        last_stage = index == len(self.config.played) - 1
        due = evaluation.every and (self.progress.step % evaluation.every == 0 or self.progress.step == stage.steps)
        if not (last_stage and due):
            return
        started = time.perf_counter()
        tasks = [env for env in self.config.envs if env in stage.weights] or list(stage.weights)
        success = await validate(self.cluster, tasks, evaluation.validation_episodes)
        self.progress.best = max(self.progress.best, success["mean"])
        good = success["mean"] >= self.progress.best - evaluation.tolerance
        if good:
            self.progress.good = {"step": self.progress.total_steps, "success": success["mean"]}
            await self.cluster.export(checkpoint.good_folder(self.folder.checkpoints, self.progress.total_steps))
        low, high = success["ci95"]
        record = {"eval/success": success["mean"], "eval/low": low, "eval/high": high, "eval/good": good}
        if len(tasks) > 1:
            record |= {f"eval/success/{task}": mean for task, mean in success["by_task"].items()}
        if evaluation.blind and self.config.tasks[self.config.env].image:
            share = max(2, evaluation.validation_episodes // len(tasks))
            blind = await held_out(self.cluster, self.config.env, share, blind=True, first=VALIDATION_FIRST)
            record["eval/blind"] = success_rate(blind)["mean"]
        record["time/evaluate"] = time.perf_counter() - started
        self.log.write(self.progress.total_steps, {"stage": "evaluation", "step": self.progress.step} | record)
        self.display.evaluated(success)
        self.count_seconds(started)

    async def measure(self, label: str, thorough: bool) -> None:
        """Measure the current policy on the held-out episodes of every task, unless `label` already has results.

        Episodes of the tasks in env= are recorded, with a video of the main task. `thorough` adds the greedy and blind
        controls for the main task.
        """
        if label in self.progress.results:
            return
        started = time.perf_counter()
        self.doing(f"evaluating on held-out episodes: {label}")
        evaluation = self.config.evaluation
        result: dict[str, Any] = {}
        recorded: dict[str, Sequence[Episode]] = {}
        for task in self.config.tasks:
            main = task == self.config.env
            episodes = await self.held_out(task, film=evaluation.videos if main else 0)
            result[task] = success_rate(episodes) | {"valid": float(np.mean([one.valid for one in episodes]))}
            if any(one.transcript is not None for one in episodes):
                result[task]["transcript"] = float(np.mean([one.transcript or 0.0 for one in episodes]))
            if task in self.config.envs:
                keep_images(episodes, evaluation.records)  # the others are recorded without frames
                recorded[task] = episodes
            if main and thorough:
                result[task]["greedy"] = success_rate(await self.held_out(task, temperature=0.0))["mean"]
                if self.config.tasks[task].image:
                    result[task]["blind"] = success_rate(await self.held_out(task, blind=True))["mean"]
        video = self.folder.record(label, self.progress.reported_step, recorded, self.chat)
        if video is not None:
            self.log.film(label, video)
        self.progress.results[label] = result
        self.count_seconds(started, in_stage=False)

    async def measure_references(self) -> None:
        """Measure the reference policies on the held-out episodes of the tasks in env=."""
        started = time.perf_counter()
        for player in REFERENCES:
            if player in self.progress.results:
                continue
            self.doing(f"evaluating on held-out episodes: {player}")
            results = {}
            for task in self.config.envs:
                try:
                    results[task] = await reference(player, self.config.tasks, task, self.config.evaluation.episodes)
                except ValueError as error:  # third-party envs may have no expert
                    self.display.say(str(error))
            self.progress.results[player] = results
        self.count_seconds(started, in_stage=False)

    async def held_out(self, task: str, temperature: float = 1.0, film: int = 0, blind: bool = False) -> list[Episode]:
        """Play the held-out test episodes of a task with the current policy.

        Args:
            task: Name of the task.
            temperature: Sampling temperature. 0 is greedy.
            film: Number of episodes that keep their frames for a video.
            blind: Give the policy the frames of other episodes.
        """
        return await held_out(self.cluster, task, self.config.evaluation.episodes, temperature, film, blind)

    # -- state --------------------------------------------------------------------------------------------------------

    async def save(self) -> None:
        """Write a checkpoint that resumes the run exactly."""
        started = time.perf_counter()
        self.progress.metrics_lines, self.progress.record_bytes = self.log.lines, self.groups.size
        await self.cluster.save(self.folder.checkpoints, self.progress)
        self.count_seconds(started)

    def doing(self, what: str) -> None:
        """Show what the run does between the training steps, on the terminal and on the page."""
        self.display.say(what)
        self.folder.tell(what, self.progress)

    def count_seconds(self, started: float, in_stage: bool = True) -> None:
        """Add the seconds since `started` to the run's time and, if `in_stage`, to the stage's."""
        seconds = time.perf_counter() - started
        self.progress.seconds += seconds
        if in_stage:
            self.progress.stages[-1]["seconds"] += seconds

    async def take_good_weights(self) -> None:
        """Load the last good weights if later ones are not good."""
        if self.progress.reported_step != self.progress.total_steps:
            self.display.say(f"using the weights of step {self.progress.reported_step}, the last good ones")
            await self.cluster.load_weights(
                checkpoint.good_folder(self.folder.checkpoints, self.progress.reported_step)
            )
            self.progress.version += 1
            await self.cluster.publish(self.progress.version)


async def run(folder: RunFolder, cluster: Cluster, chat: Chat, started: float) -> dict[str, Any]:
    """Train all remaining stages, write the run folder and return the summary.

    If a learner rank fails, the run continues from the newest checkpoint, like a resumed run.

    Args:
        folder: Run folder.
        cluster: Learner, engines and rollout workers.
        chat: Chat format of the model, to record prompts.
        started: Start time in seconds, from `time.perf_counter()`.
    """
    with Display() as display:
        while True:
            resume = checkpoint.newest(folder.checkpoints)
            progress = checkpoint.read_progress(resume) if resume else RunState()
            config, count = folder.config, folder.config.evaluation.record_groups
            with (
                MetricsLog(folder.path, progress.metrics_lines, config.track, asdict(config)) as log,
                GroupRecords(folder.path, count, config.tasks, chat, progress.record_bytes) as groups,
            ):
                trainer = Trainer(config, folder, cluster, chat, log, groups, display, progress)
                try:
                    summary = await trainer.train(started, resume)
                    break
                except LearnerLost as lost:
                    display.say(f"{lost}; resuming from step {progress.total_steps}")
                    started = time.perf_counter()
        display.table(summary, folder.path)
    return summary
