"""Some groups of every training step on disk, with the advantages that the learner was told: episodes/train."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from agents.chat.template import Chat
from agents.records.record import as_record
from envs.task.config import TaskConfig
from envs.task.task import Task
from render.records.episode import EpisodeWriter
from training.algorithm.groups import Group

LABEL = "train"


class GroupRecords:
    """Appends to a run's episodes/train; a resumed run writes what lay after its checkpoint again."""

    def __init__(
        self, folder: Path, count: int, tasks: Mapping[str, TaskConfig], chat: Chat | None, keep_bytes: int = 0
    ) -> None:
        """Open the record.

        Args:
            folder: the run's.
            count: groups of each step to write; with 0 nothing is written.
            tasks: every task that is played, by name.
            chat: reads the prompts out of the tokens.
            keep_bytes: of an older record only so many stay.
        """
        self.count = count
        self.chat = chat
        self.tasks = {name: Task(name, config) for name, config in tasks.items()}
        self._writer = EpisodeWriter(folder / "episodes" / LABEL, keep_bytes) if count else None

    @property
    def size(self) -> int:
        """Bytes so far: what a checkpoint has to know."""
        return self._writer.size if self._writer else 0

    def write(self, total_step: int, stage: str, groups: Sequence[Group]) -> None:
        """Write the step's share of groups, all episodes of a group one after another."""
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
        """Use as a context."""
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()


def pick(groups: Sequence[Group], count: int, step: int) -> list[Group]:
    """The first `count` groups, taken from the tasks in turn; which task comes first changes with the step."""
    by_task: dict[str, list[Group]] = {}
    for group in sorted(groups, key=lambda one: (one.task, one.episodes[0].start.group)):
        by_task.setdefault(group.task, []).append(group)
    queues = list(by_task.values())
    first = step * count % max(1, len(queues))
    queues = queues[first:] + queues[:first]
    in_turn = [queue[place] for place in range(count) for queue in queues if place < len(queue)]
    return in_turn[:count]
