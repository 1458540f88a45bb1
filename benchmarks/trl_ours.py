"""Kickoff's side of `benchmarks/trl_step.py`: the objects of a run with cluster=local, with timed parts."""

import asyncio
from pathlib import Path

import numpy as np
import torch

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from agents.engines.config import EngineConfig
from agents.engines.transformers import TransformersEngine
from agents.episodes.episode import Start
from agents.models.load import load_model
from agents.models.vlm import VLM
from agents.policies.jobs import Job, JobRunner
from agents.policies.model import VLMPolicy
from benchmarks.clock import Clock
from benchmarks.trl_case import QUESTIONS, Case, noise
from envs.questions.dataset_env import QuestionsEnv
from envs.task.task import Task
from training.algorithm.advantages import Score, estimator
from training.algorithm.groups import Trajectory
from training.config.algo import AlgoConfig
from training.config.learner import LearnerConfig
from training.learner.learner import Learner


class Ours:
    """A learner, an engine with a copy of the model, and a job runner.

    Args:
        case: Workload.
        task: Task with the questions.
        folder: Folder of the model.
        threads: Number of threads.
    """

    def __init__(self, case: Case, task: Task, folder: Path, threads: int) -> None:
        self.case = case
        model, copy = load_model(str(folder)), load_model(str(folder))
        batch = -(-case.replies // threads)
        self.engine = TransformersEngine(copy.vlm, copy.chat.eos, EngineConfig(threads=threads, max_batch=batch))
        self.player = JobRunner({"questions": task.config}, VLMPolicy(model.chat, self.engine))
        self.algo = AlgoConfig(lr=case.lr, warmup_updates=0)
        self.learner = Learner(model.vlm, LearnerConfig(threads=threads))
        self.learner.begin_stage(self.algo, 10_000)
        self.chat = model.chat
        self.lengths: list[float] = []
        self.prompts: set[tuple[int, ...]] = set()
        """All prompts so far, as tokens."""

    async def step(self, step: int) -> None:
        """Play episodes, run an update and load the new weights into the engine."""
        case = self.case
        groups = await asyncio.gather(*(self.player.play(self._job(step, group)) for group in range(case.groups)))
        rewards = np.array(noise(case.replies)).reshape(case.groups, case.group_size)
        advantages = estimator("grpo")([[Score(reward) for reward in group] for group in rewards], self.algo)
        trajectories = []
        for episodes, of_group in zip(groups, advantages, strict=True):
            for episode, of_turn in zip(episodes, of_group, strict=True):
                mask = episode.sequences[0].loss_mask
                trajectories.append(
                    Trajectory(episode.sequences[0], np.where(mask, np.float32(of_turn[0]), np.float32(0)))
                )
        self.lengths.append(float(np.mean([t.sequence.loss_mask.sum() for t in trajectories])))
        self.prompts |= {tuple(t.sequence.tokens[~t.sequence.loss_mask].tolist()) for t in trajectories}
        self.learner.update(trajectories, step, 0)
        await self.engine.load_weights(self.learner.weights(), step + 1)

    def _job(self, step: int, group: int) -> Job:
        size = self.case.group_size
        first = (step * self.case.groups + group) * size
        seed = (step * self.case.groups + group) % QUESTIONS
        return Job("questions", tuple(Start(seed, first + i, group) for i in range(size)), 1.0)


def watch(clock: Clock) -> None:
    """Measure the parts with a clock."""
    for part, owner, name in [
        ("read questions", QuestionsEnv, "reset"),
        ("read questions", QuestionsEnv, "step"),
        ("pictures and tokens", Conversation, "ask"),
        ("pictures and tokens", Conversation, "prompt"),
        ("pictures and tokens", Conversation, "sequences"),
        ("pictures and tokens", Chat, "text"),
        ("generate", TransformersEngine, "_generate"),
        ("forward", VLM, "forward"),
        ("backward", torch.autograd, "grad"),
        ("backward", torch.Tensor, "backward"),
        ("optimiser", torch.optim.AdamW, "step"),
        ("optimiser", torch.nn.utils, "clip_grad_norm_"),
        ("weights to engine", TransformersEngine, "load_weights"),
    ]:
        clock.watch(part, owner, name)
