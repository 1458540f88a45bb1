"""Sources of a teacher's replies: demonstrations (stages of kind `sft`), and labels on the policy's states (`distill`).

Every trained token has advantage 1, so that the loss is the mean negative log-likelihood of the labels.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from agents.chat.template import Chat
from agents.chat.types import TokenSequence
from agents.episodes.episode import Episode, Start
from agents.episodes.starts import TRAIN_SEEDS
from agents.policies.demonstrations import is_demonstration_file, read_demonstrations
from agents.policies.jobs import Job, Teaching
from agents.seeds import mix
from envs.task.config import TaskConfig
from training.algorithm.groups import Trajectory, make_group
from training.config.stages import StageConfig
from training.rollout.metrics import describe
from training.rollout.mixture import Mixture
from training.rollout.source import Batch, Play
from training.rollout.swap import same_prompt, swapped

EPISODES: int = 64
"""Maximum number of episodes per job of demonstrations."""


class TeachingSource:
    """Base of the sources of a teacher's replies, with the allocation of each step to the tasks by weight."""

    def __init__(
        self, play: Play, tasks: Mapping[str, TaskConfig], stage: StageConfig, seed: int, index: int, share: int
    ) -> None:
        """Create the source of stage number `index`.

        Args:
            play: Plays a job.
            tasks: Settings of all tasks of the run.
            stage: Settings of the stage.
            seed: Seed of the run.
            index: Index of the stage.
            share: Number of turns or episodes of a step, which the tasks share.
        """
        self.play = play
        self.tasks = {task: tasks[task] for task in stage.weights}
        self.stage = stage
        self.seed = mix(seed, index)
        self.mixture = Mixture(stage.weights, share)

    async def taught(self, task: str, key: tuple[int, ...], episodes: int, demonstrate: bool) -> list[Episode]:
        """Play episodes with the replies of the task's teacher in their token sequences.

        Args:
            task: Name of the task.
            key: Numbers that select the starts.
            episodes: Number of episodes.
            demonstrate: True if the teacher plays, False if the policy plays.
        """
        keys = [(*key, list(self.tasks).index(task), player) for player in range(episodes)]
        starts = [Start(mix(self.seed, *one) % TRAIN_SEEDS, mix(self.seed, *one, 1)) for one in keys]
        teaching = Teaching(self.stage.teacher(task), demonstrate, self.stage.noise)
        return await self.play(Job(task, tuple(starts), self.stage.algo.temperature, teaching=teaching))

    def state(self) -> dict[str, Any]:
        """Return the state of the task mixture. All else is a function of the seed."""
        return self.mixture.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the state of the task mixture."""
        self.mixture.restore(state)

    async def close(self) -> None:
        """Do nothing: no episode plays between steps."""


class DemonstrationSource(TeachingSource):
    """Demonstrations of every task, played or read once at the start of the stage, and sampled with replacement."""

    def __init__(
        self, play: Play, tasks: Mapping[str, TaskConfig], stage: StageConfig, seed: int, index: int, chat: Chat
    ) -> None:
        """Create the source; `chat` is the chat template for files, the others are those of `TeachingSource`."""
        super().__init__(play, tasks, stage, seed, index, stage.algo.minibatch)
        self.chat = chat
        self._pools: dict[str, list[Trajectory]] = {}

    async def collect(self, step: int, version: int) -> Batch:
        """Return a minibatch of demonstrated replies."""
        for task in self.tasks:
            if task not in self._pools:
                self._pools[task] = as_trajectories(await self._demonstrate(task))
        rng = np.random.default_rng(mix(self.seed, step))
        chosen = []
        for task, share in self.mixture.allocate(step).items():
            pool = self._pools[task]
            drawn = [pool[i] for i in rng.integers(0, len(pool), share)]
            count = round(self.stage.swap * share) if self.tasks[task].transcribes else 0
            others = [pool[i] for i in rng.integers(0, len(pool), count)]
            chosen += [
                swapped(one.sequence, other.sequence, self.chat) if same_prompt(one, other) else one
                for one, other in zip(drawn[:count], others, strict=True)
            ]
            chosen += drawn[count:]
        self.mixture.observe(step, {})
        return Batch(chosen, [], {"reply_tokens": reply_tokens(chosen)})

    async def _demonstrate(self, task: str) -> list[TokenSequence]:
        """Return the token sequences of the task's file, or of its teacher's turns, no more than the stage draws."""
        teacher = self.stage.teacher(task)
        if is_demonstration_file(teacher):
            return read_demonstrations(teacher, self.chat, self.tasks[task].history == -1)
        found: list[TokenSequence] = []
        job = 0
        drawn = math.ceil(self.mixture.weights[task] * self.stage.algo.minibatch * self.stage.steps)
        wanted = min(self.stage.demonstrations, drawn)
        while len(found) < wanted:
            most = min(EPISODES, wanted - len(found))  # an episode has at least one turn
            episodes = await self.taught(task, (0, job), most, demonstrate=True)
            found += [sequence for episode in episodes for sequence in episode.sequences]
            job += 1
            await asyncio.sleep(0)  # for Ctrl-C: a teacher never waits
        return found[:wanted]


class DistillationSource(TeachingSource):
    """Teacher's replies to the states that the policy visits, from new episodes in every step."""

    def __init__(self, play: Play, tasks: Mapping[str, TaskConfig], stage: StageConfig, seed: int, index: int) -> None:
        """Create the source; the arguments are those of `TeachingSource`."""
        super().__init__(play, tasks, stage, seed, index, stage.algo.groups)

    async def collect(self, step: int, version: int) -> Batch:
        """Return the labels of all turns of one episode per group. The metrics are those of the policy's episodes."""
        found, groups = [], []
        for task, share in self.mixture.allocate(step).items():
            episodes = await self.taught(task, (1, step), share, demonstrate=False)
            found += as_trajectories([sequence for episode in episodes for sequence in episode.sequences])
            groups += [make_group(task, self.tasks[task], [episode]) for episode in episodes]
        self.mixture.observe(step, {})
        metrics = describe(groups)
        del metrics["live_groups"]  # of groups of one episode
        return Batch(found, [], metrics | {"reply_tokens": reply_tokens(found)})


def as_trajectories(sequences: Sequence[TokenSequence]) -> list[Trajectory]:
    """Return trajectories with advantage 1 for every trained token."""
    return [Trajectory(sequence, sequence.loss_mask.astype(np.float32)) for sequence in sequences]


def reply_tokens(trajectories: Sequence[Trajectory]) -> int:
    """Return the number of trained tokens."""
    return sum(int(trajectory.sequence.loss_mask.sum()) for trajectory in trajectories)
