"""The pipeline: stages in order (FRE on text, then MGT on games), measured before, between and after.

The warm-up has happened already: it is in the weights that a run starts from.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from agents.engines.transformers import TransformersEngine
from agents.episodes import Arena, Episode
from agents.experts import scripted
from agents.models import LoadedModel, load_model
from agents.policy import VLMPolicy
from agents.sampling import mix
from envs.task import Task
from training import checkpoint
from training.advantages import ESTIMATORS
from training.algo import AlgoConfig
from training.checkpoint import Progress
from training.config import Config, StageConfig
from training.evaluate import held_out
from training.learner import Learner
from training.metrics import MetricsLog
from training.progress import Display
from training.rollout import VALIDATION_FIRST, held_out_starts, split, training_starts
from training.runfolder import RunFolder
from training.statistics import success_rate
from training.trajectory import Group, Trajectory, make_groups


@dataclass
class Trainer:
    """One run: the model in training, the policy that plays, and where both stand."""

    config: Config
    folder: RunFolder
    model: LoadedModel
    policy: VLMPolicy
    log: MetricsLog
    display: Display
    progress: Progress
    stages: int
    """How many stages the run has."""
    arenas: dict[str, Arena] = field(default_factory=dict)

    def arena(self, task: str) -> Arena:
        """The envs of a task, made on first use."""
        if task not in self.arenas:
            self.arenas[task] = Arena(Task(task, self.config.tasks[task]))
        return self.arenas[task]

    # -- the loop -----------------------------------------------------------------------------------------------------

    def train_stage(self, index: int, name: str, stage: StageConfig, resume: Path | None) -> None:
        """Collect → assign advantages → update → load weights → log, checkpoint, evaluate."""
        learner = Learner(self.model.vlm, stage.algo, stage.steps)
        if resume is not None:
            checkpoint.restore(resume, learner)
        self.load_engine(learner)
        self.display.stage(name, stage.steps, self.progress.step)
        if self.progress.step == 0:
            self.progress.stages.append({"name": name, "steps": 0, "seconds": 0.0})
            self.validate(index, stage, learner)
        while self.progress.step < stage.steps:
            started = time.perf_counter()
            engine_seconds = self.policy.seconds
            groups = self.collect(index, stage)
            collected = time.perf_counter()
            trajectories = assign_advantages(groups, stage.algo)
            metrics = learner.update(trajectories, self.progress.step, mix(self.config.seed, index))
            learned = time.perf_counter()
            self.progress.version += 1
            self.progress.step += 1
            self.progress.total_steps += 1
            self.load_engine(learner)
            times = {
                "generate": self.policy.seconds - engine_seconds,
                "rollout": collected - started,
                "learn": learned - collected,
                "step": time.perf_counter() - started,
            }
            self.report(name, groups, metrics, times)
            self.progress.stages[-1]["steps"] += 1
            self.count_seconds(started)
            self.validate(index, stage, learner)
            if self.progress.total_steps % self.config.checkpoint_every == 0 or self.progress.step == stage.steps:
                self.save(learner)

    def collect(self, index: int, stage: StageConfig) -> list[Group]:
        """Play one step's groups, shared out among the stage's tasks."""
        groups: list[Group] = []
        shares = split(stage.algo.groups, [1.0] * len(stage.tasks))
        for number, (task, share) in enumerate(zip(stage.tasks, shares, strict=True)):
            starts = training_starts(self.config.seed, index, self.progress.step, number, share, stage.algo.group_size)
            with self.policy.at_temperature(stage.algo.temperature):
                episodes = self.arena(task).play(starts, self.policy)
            groups += make_groups(task, self.config.tasks[task], episodes)
        return groups

    def load_engine(self, learner: Learner) -> None:
        """Weights into the engine."""
        self.policy.engine.load_weights(learner.weights, self.progress.version)

    # -- measuring ----------------------------------------------------------------------------------------------------

    def report(self, stage: str, groups: list[Group], metrics: dict[str, float], times: dict[str, float]) -> None:
        """Log a step."""
        record: dict[str, Any] = {"stage": stage, "step": self.progress.step} | describe(groups) | metrics
        record |= {f"time/{name}": seconds for name, seconds in times.items()}
        record["time/tokens_per_second"] = record["reply_tokens"] / times["step"]
        self.log.write(self.progress.total_steps, record)
        self.display.step(record)

    def validate(self, index: int, stage: StageConfig, learner: Learner) -> None:
        """In the last stage, measure held-out success now and then, and keep the weights while they are good.

        A late collapse is caught so: weights count as good while validation success is within `tolerance` of the best.
        """
        evaluation = self.config.evaluation
        last_stage = index == self.stages - 1
        due = evaluation.every and (self.progress.step % evaluation.every == 0 or self.progress.step == stage.steps)
        if not (last_stage and due):
            return
        started = time.perf_counter()
        starts = held_out_starts(VALIDATION_FIRST, evaluation.validation_episodes)
        success = success_rate(self.arena(self.config.env).play(starts, self.policy))
        self.progress.best = max(self.progress.best, success["mean"])
        good = success["mean"] >= self.progress.best - evaluation.tolerance
        if good:
            self.progress.good = {"step": self.progress.total_steps, "success": success["mean"]}
            checkpoint.write_folder(
                self.folder.path / "checkpoints" / "good",
                {"weights.safetensors": checkpoint.distinct_weights(learner)},
                {},
            )
        low, high = success["ci95"]
        record = {"eval/success": success["mean"], "eval/low": low, "eval/high": high, "eval/good": good}
        record["time/evaluate"] = time.perf_counter() - started
        self.log.write(self.progress.total_steps, {"stage": "evaluation", "step": self.progress.step} | record)
        self.display.evaluated(success)
        self.count_seconds(started)

    def measure(self, label: str, thorough: bool) -> None:
        """Held-out results of the policy as it is now, on the env and on every text task; once per label."""
        if label in self.progress.results:
            return
        started = time.perf_counter()
        self.display.say(f"measuring on held-out episodes: {label}")
        result: dict[str, Any] = {}
        for task in self.config.tasks:
            main = task == self.config.env
            episodes = self.held_out(task, film=self.config.evaluation.videos if main and thorough else 0)
            result[task] = success_rate(episodes)
            if main and thorough:
                self.folder.record(task, label, self.progress.reported_step, episodes, self.config, self.model.chat)
                with self.policy.at_temperature(0.0):
                    result[task]["greedy"] = success_rate(self.held_out(task))["mean"]
                if self.config.tasks[task].image:
                    result[task]["blind"] = success_rate(self.held_out(task, blind=True))["mean"]
        self.progress.results[label] = result
        self.count_seconds(started, in_stage=False)

    def measure_floors(self) -> None:
        """Held-out results of the scripted players on the env."""
        started = time.perf_counter()
        for player in ("random", "idle", "expert"):
            if player in self.progress.results:
                continue
            self.display.say(f"measuring on held-out episodes: {player}")
            count = self.config.evaluation.episodes
            try:
                episodes = held_out(self.arena(self.config.env), scripted(player), count)
            except ValueError as error:  # an env of someone else's may have no expert
                self.display.say(str(error))
                continue
            self.progress.results[player] = {self.config.env: success_rate(episodes)}
        self.count_seconds(started, in_stage=False)

    def held_out(self, task: str, film: int = 0, blind: bool = False) -> list[Episode]:
        """Test episodes of a task."""
        return held_out(self.arena(task), self.policy, self.config.evaluation.episodes, film, blind)

    # -- keeping ------------------------------------------------------------------------------------------------------

    def save(self, learner: Learner) -> None:
        """A checkpoint from which the run goes on to the same numbers."""
        started = time.perf_counter()
        self.progress.metrics_lines = self.log.lines
        checkpoint.save(self.folder.path / "checkpoints", learner, self.progress)
        self.count_seconds(started)

    def count_seconds(self, started: float, in_stage: bool = True) -> None:
        """Add the time since `started` to the run's, and to its stage's."""
        seconds = time.perf_counter() - started
        self.progress.seconds += seconds
        if in_stage:
            self.progress.stages[-1]["seconds"] += seconds

    def take_good_weights(self) -> None:
        """Back to the last good weights, if the run collapsed after them."""
        good = self.folder.path / "checkpoints" / "good"
        if self.progress.reported_step != self.progress.total_steps:
            self.display.say(f"reporting step {self.progress.reported_step}, the last one that was good")
            checkpoint.load_weights(good, self.model.vlm.model)
            self.policy.engine.load_weights(self.model.vlm.model.state_dict(), self.progress.version)


def assign_advantages(groups: list[Group], algo: AlgoConfig) -> list[Trajectory]:
    """Every branch of every episode with its group-relative advantage; groups without a difference give none."""
    estimate = ESTIMATORS[algo.advantage]
    trajectories = []
    for group in groups:
        advantages = estimate(np.array([player.reward for player in group.players]))
        for player, advantage in zip(group.players, advantages, strict=True):
            if advantage and player.episode.conversation is not None:
                branches = player.episode.conversation.branches()
                trajectories += [Trajectory(branch, float(advantage)) for branch in branches]
    return trajectories


def describe(groups: list[Group]) -> dict[str, Any]:
    """What a step's episodes were like."""
    players = [player for group in groups for player in group.players]
    turns = [turn for player in players for turn in player.episode.turns]
    tokens = sum(
        len(turn.completion.tokens)
        for player in players
        if player.episode.conversation is not None
        for turn in player.episode.conversation.turns
        if turn.completion is not None
    )
    parts = {name: float(np.mean([player.rewards[name] for player in players])) for name in players[0].rewards}
    live = [np.ptp([player.reward for player in group.players]) > 1e-8 for group in groups]
    return {
        "success": float(np.mean([player.episode.success for player in players])),
        "reward": float(np.mean([player.reward for player in players])),
        **{f"reward/{name}": value for name, value in parts.items()},
        "valid": float(np.mean([turn.reply.valid for turn in turns])),
        "turns": len(turns) / len(players),
        "response_length": tokens / len(turns),
        "reply_tokens": tokens,
        "live_groups": float(np.mean(live)),
    }


def run(folder: RunFolder, model: LoadedModel, started: float) -> dict[str, Any]:
    """Run all stages, or what is left of them, and write everything into the run folder; the summary.

    `started` is when the work began, on `time.perf_counter`'s clock.
    """
    config = folder.config
    engine_model = load_model(config.model.path)
    policy = VLMPolicy(model.chat, TransformersEngine(engine_model.vlm, model.chat.eos, config.engine))
    resume = checkpoint.newest(folder.path / "checkpoints")
    progress = checkpoint.read_progress(resume) if resume else Progress()
    if resume:
        checkpoint.load_weights(resume, model.vlm.model)
        policy.engine.load_weights(model.vlm.model.state_dict(), progress.version)
    stages = [(name, stage) for name, stage in config.stages.items() if stage.steps]
    with MetricsLog(folder.path, progress.metrics_lines) as log, Display(stages) as display:
        trainer = Trainer(config, folder, model, policy, log, display, progress, len(stages))
        trainer.count_seconds(started, in_stage=False)
        trainer.measure_floors()
        trainer.measure("before", thorough=True)
        while progress.stage < len(stages):
            name, stage = stages[progress.stage]
            trainer.train_stage(progress.stage, name, stage, resume if progress.step else None)
            resume = None
            if progress.stage == len(stages) - 1:
                trainer.take_good_weights()
                trainer.measure("after", thorough=True)
            else:
                trainer.measure(f"after_{name}", thorough=False)
            progress.stage, progress.step = progress.stage + 1, 0
        started = time.perf_counter()
        display.say("writing checkpoint, videos, curves and report")
        summary = folder.finish(config, progress, model, started)
        display.table(summary, folder.path)
    return summary
