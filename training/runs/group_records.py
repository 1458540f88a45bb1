"""Records of some groups of every training step, with their advantages, in episodes/train."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from agents.chat.template import Chat
from agents.records.record import as_record
from envs.task.config import TaskConfig
from envs.task.task import Task
from render.records.writing import EpisodeWriter
from training.algorithm.groups import Group

LABEL = "train"


class GroupRecords:
    """Writer of a run's episodes/train. A resumed run rewrites the records after its checkpoint."""

    def __init__(
        self, folder: Path, count: int, tasks: Mapping[str, TaskConfig], chat: Chat | None, keep_bytes: int = 0
    ) -> None:
        """Open the records.

        Args:
            folder: Run folder.
            count: Number of groups to write per step. 0 writes nothing.
            tasks: Task name → settings, for every task of the run.
            chat: Chat format that decodes prompts from tokens.
            keep_bytes: Number of bytes of existing records to keep.
        """
        self.count = count
        self.chat = chat
        self.tasks = {name: Task(name, config) for name, config in tasks.items()}
        self._writer = EpisodeWriter(folder / "episodes" / LABEL, keep_bytes) if count else None

    @property
    def size(self) -> int:
        """Size of the records in bytes, stored in checkpoints."""
        return self._writer.size if self._writer else 0

    def write(self, total_step: int, stage: str, groups: Sequence[Group]) -> None:
        """Write the records of some groups of a step.

        Args:
            total_step: Step, counted over all stages.
            stage: Name of the stage.
            groups: Groups of the step, with advantages.
        """
        if self._writer is None:
            return
        for group in pick(groups, self.count, total_step):
            task = self.tasks[group.task]
            assert group.advantages is not None
            for episode, rewards, advantages in zip(group.episodes, group.rewards, group.advantages, strict=True):
                own: list[float] = advantages.tolist()
                record = as_record(
                    episode, task, LABEL, self.chat, step=total_step, stage=stage, advantages=own, rewards=rewards
                )
                self._writer.write(record)

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()


def pick(groups: Sequence[Group], count: int, step: int) -> list[Group]:
    """Return `count` groups, taken from the tasks in turn. The first task depends on the step.

    Args:
        groups: Groups of the step.
        count: Maximum number of groups.
        step: Step, counted over all stages.
    """
    by_task: dict[str, list[Group]] = {}
    for group in sorted(groups, key=lambda one: (one.task, one.episodes[0].start.group)):
        by_task.setdefault(group.task, []).append(group)
    queues = list(by_task.values())
    first = step * count % max(1, len(queues))
    queues = queues[first:] + queues[:first]
    in_turn = [queue[place] for place in range(count) for queue in queues if place < len(queue)]
    return in_turn[:count]
