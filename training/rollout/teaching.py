"""Sources of a teacher's replies: demonstrations (stages of kind `sft`), and labels on the policy's states (`distill`).

Every trained token has advantage 1, so that the loss is the mean negative log-likelihood of the labels.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.chat.template import Chat
from agents.chat.types import TokenSequence
from agents.episodes.episode import Episode, Start
from agents.episodes.starts import TRAIN_SEEDS
from agents.policies.demonstrations import is_demonstration_file, read_demonstrations
from agents.policies.jobs import Job, Teaching
from agents.seeds import mix
from configs.errors import UserError
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
        starts = [Start(mix(self.seed, *one) % TRAIN_SEEDS, mix(self.seed, *one, 1), recorded=False) for one in keys]
        teaching = Teaching(self.stage.teacher(task), demonstrate, self.stage.noise)
        return await self.play(Job(task, tuple(starts), self.stage.algo.temperature, teaching=teaching))

    def _check_labels(self, found: Sequence[Any], tasks: Sequence[str]) -> None:
        """Raise UserError if the teachers of some tasks gave no valid reply at all."""
        if not found:
            teachers = ", ".join(f"{self.stage.teacher(task)} in {task}" for task in tasks)
            raise UserError(
                f"no valid reply of the teacher: {teachers}; tasks.{tasks[0]}.rules=true describes the form of replies"
            )

    def state(self) -> dict[str, Any]:
        """Return the state of the task mixture. All else is a function of the seed."""
        return self.mixture.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the state of the task mixture."""
        self.mixture.restore(state)

    async def close(self) -> None:
        """Do nothing: no episode plays between steps."""


class DemonstrationSource(TeachingSource):
    """Demonstrations of every task, played in pools or read from a file, and drawn in random order without repetition.

    After `passes` passes over a pool, the teacher plays the next one.
    """

    def __init__(
        self, play: Play, tasks: Mapping[str, TaskConfig], stage: StageConfig, seed: int, index: int, chat: Chat
    ) -> None:
        """Create the source; `chat` is the chat template for files, the others are those of `TeachingSource`."""
        super().__init__(play, tasks, stage, seed, index, stage.algo.minibatch)
        self.chat = chat
        self._drawn = dict.fromkeys(self.tasks, 0)  # task → turns drawn so far
        self._pools: dict[str, tuple[int, list[Trajectory]]] = {}  # task → number of its current pool, and its turns

    async def collect(self, step: int, version: int) -> Batch:
        """Return a minibatch of demonstrated replies."""
        chosen = []
        for task, share in self.mixture.allocate(step).items():
            if not share:
                continue
            drawn = await self._draw(task, share)
            _, pool = self._pools[task]
            rng = np.random.default_rng(mix(self.seed, step))
            count = round(self.stage.swap * share) if self.tasks[task].transcribes else 0
            others = [pool[i] for i in rng.integers(0, len(pool), count)]
            chosen += [
                swapped(one.sequence, other.sequence, self.chat)
                if one is not other and same_prompt(one.sequence, other.sequence)
                else one
                for one, other in zip(drawn[:count], others, strict=True)
            ]
            chosen += drawn[count:]
        self.mixture.observe(step, {})
        return Batch(chosen, [], {"reply_tokens": reply_tokens(chosen)})

    def state(self) -> dict[str, Any]:
        """Return the state of the task mixture, and the number of turns drawn from each task."""
        return super().state() | {"drawn": dict(self._drawn)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a `state`. The pools are played again."""
        self._drawn = dict(state["drawn"])
        super().restore(state)

    async def _draw(self, task: str, count: int) -> list[Trajectory]:
        """Return the next turns of a task."""
        found: list[Trajectory] = []
        while len(found) < count:
            pool, place, order = await self._place(task)
            taken = order[place : place + count - len(found)]
            found += [pool[i] for i in taken]
            self._drawn[task] += len(taken)
        return found

    async def _place(self, task: str) -> tuple[list[Trajectory], int, NDArray[np.int64]]:
        """Return the current pool of a task, the place of the next turn in its current pass, and the order of the pass.

        Pools are played when they are first needed.
        """
        from_file = is_demonstration_file(self.stage.teacher(task))
        size = self._turns(task)
        number = 0 if from_file else self._drawn[task] // (size * self.stage.passes)
        if self._pools.get(task, (-1, []))[0] != number:
            turns = self._read(task) if from_file else await self._played(task, number, size)
            self._pools[task] = number, as_trajectories(turns)
        _, pool = self._pools[task]
        passed, place = divmod(self._drawn[task], len(pool))
        key = mix(self.seed, list(self.tasks).index(task), passed)
        return pool, place, np.random.default_rng(key).permutation(len(pool))

    def _turns(self, task: str) -> int:
        """Return the number of turns in a pool: no more than the stage draws."""
        drawn = math.ceil(self.mixture.weights[task] * self.stage.algo.minibatch * self.stage.steps)
        return min(self.stage.demonstrations, drawn)

    def _read(self, task: str) -> list[TokenSequence]:
        return read_demonstrations(self.stage.teacher(task), self.chat, self.tasks[task].history == -1)

    async def _played(self, task: str, number: int, size: int) -> list[TokenSequence]:
        """Return the turns of the teacher in a pool."""
        found: list[TokenSequence] = []
        job = 0
        while len(found) < size:
            most = min(EPISODES, size - len(found))  # an episode has at least one turn, usually with a valid reply
            episodes = await self.taught(task, (0, number, job), most, demonstrate=True)
            found += [sequence for episode in episodes for sequence in episode.sequences]
            self._check_labels(found, [task])  # else this loop would not end
            job += 1
            await asyncio.sleep(0)  # for Ctrl-C: a scripted teacher never waits
        return found[:size]


class DistillationSource(TeachingSource):
    """Teacher's replies to the states that the policy visits, from new episodes in every step."""

    def __init__(self, play: Play, tasks: Mapping[str, TaskConfig], stage: StageConfig, seed: int, index: int) -> None:
        """Create the source; the arguments are those of `TeachingSource`."""
        super().__init__(play, tasks, stage, seed, index, stage.algo.groups)

    async def collect(self, step: int, version: int) -> Batch:
        """Return the labels of all turns of one episode per group. The metrics are those of the policy's episodes."""
        found, groups = [], []
        shares = self.mixture.allocate(step)
        for task, share in shares.items():
            episodes = await self.taught(task, (1, step), share, demonstrate=False)
            found += as_trajectories([sequence for episode in episodes for sequence in episode.sequences])
            groups += [make_group(task, self.tasks[task], [episode]) for episode in episodes]
        self._check_labels(found, [task for task, share in shares.items() if share])
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
