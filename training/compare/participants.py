"""Participants of an evaluation: policies that are checked before the first episode."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from agents.chat.template import Chat
from agents.engines.config import SERVER, EngineConfig
from agents.episodes.episode import Episode, Start
from agents.episodes.policy import Policy
from agents.episodes.task_check import check_task
from agents.policies.model import VLMPolicy
from agents.policies.recorded import PLAYS, RecordedPolicy
from agents.policies.scripted import does_something, has_expert, idle_action, scripted
from configs.errors import UserError
from envs.task.config import TaskConfig
from envs.task.task import Task
from render.records.episode import FILE as EPISODES
from training.baseline.config import FILE, baseline_tasks
from training.runs.folder import finished


class Participant:
    """A policy in an evaluation. The default has no engine and no tokens, and plays all held-out starts.

    Args:
        name: Name of the policy, as given by the user.
    """

    is_reference = False
    chat: Chat | None = None

    def __init__(self, name: str) -> None:
        self.name = name
        self.label = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "policy"
        """The name as a valid folder name."""
        self.source: Path | None = None
        """Config file with the settings of its training, if it was trained with Kickoff."""
        self.tasks: dict[str, TaskConfig] = {}
        """Tasks of its training, with their settings."""
        self.envs: list[str] = []
        """Names in env= of its training."""

    @property
    def inputs(self) -> list[Path]:
        """Files and folders that determine the policy."""
        return []

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """Raise UserError (one line) if the policy cannot play a task."""

    def plays(self, task: Task) -> bool:
        """Return True if the policy can play a task."""
        return True

    def uses_images(self) -> bool:
        """Return True if the policy uses images, so that `blind=true` is meaningful. Valid after `check`."""
        return True

    def starts(self, task: str, usual: Sequence[Start]) -> Sequence[Start]:
        """Return the starts among `usual` that the policy plays."""
        return usual

    def notes(self, name: str, tasks: Sequence[str], usual: Sequence[Start]) -> list[str]:
        """Return notes on the policy's row.

        Args:
            name: Name of the task or suite.
            tasks: Names of the tasks in it.
            usual: Held-out starts of each task.
        """
        return []

    def check_played(self, task: str, episodes: Sequence[Episode]) -> None:
        """Raise UserError (one line) if the episodes are inconsistent with the policy."""

    async def open(self) -> None:
        """Load the model or connect to the server."""

    def policy(self, task: str) -> Policy:
        """Return the policy that plays a task."""
        raise NotImplementedError

    async def close(self) -> None:
        """Release the resources of `open`."""


class ScriptedParticipant(Participant):
    """A scripted policy: random, idle, expert, or expert:P of a graded strength."""

    is_reference = True

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """Raise UserError if a task has no expert but the policy is expert."""
        self._tasks = dict(tasks)
        for name, settings in tasks.items():
            if not self.plays(Task(name, settings)):
                raise UserError(f"policy={self.name}: {name} has no expert ({settings.id} has no expert_action())")

    def notes(self, name: str, tasks: Sequence[str], usual: Sequence[Start]) -> list[str]:
        """Return a note if the no-op policy plays an action that has an effect."""
        acting = {
            task: self._tasks[task] for task in tasks if self.name == "idle" and does_something(self._tasks[task])
        }
        return [
            f"idle in {task}: plays {idle_action(config)!r} in every turn, since no action does nothing (env.idle)"
            for task, config in acting.items()
        ]

    def plays(self, task: Task) -> bool:
        """Return False for the expert policy on a task without an expert."""
        return not self.name.startswith("expert") or has_expert(task)

    def policy(self, task: str) -> Policy:
        """Return the scripted policy."""
        return scripted(self.name)


class RecordParticipant(Participant):
    """A record of played episodes, usually of a person. Its replies are replayed.

    Args:
        name: Name of the policy, as given by the user.
        folder: Folder of the record, or None for the player's own records of each task.
    """

    def __init__(self, name: str, folder: Path | None) -> None:
        super().__init__(name)
        self.folder = folder
        self.records: dict[str, RecordedPolicy] = {}

    @property
    def inputs(self) -> list[Path]:
        """The files of the records."""
        return [record.folder / EPISODES for record in self.records.values()]

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """Read the record of each task."""
        for name, settings in tasks.items():
            self.records[name] = RecordedPolicy(self.folder or PLAYS / name, Task(name, settings))

    def uses_images(self) -> bool:
        """Return False: the replies are recorded."""
        return False

    def starts(self, task: str, usual: Sequence[Start]) -> Sequence[Start]:
        """Return the recorded starts."""
        seeds = {start.seed for start in self.records[task].starts}
        played = [start for start in usual if start.seed in seeds]
        if not played:
            folder = self.records[task].folder
            raise UserError(f"{folder} contains none of the first {len(usual)} held-out starts; increase episodes=")
        return played

    def notes(self, name: str, tasks: Sequence[str], usual: Sequence[Start]) -> list[str]:
        """Return a note on missing starts, because a player can choose the easy ones."""
        whole = len(tasks) * len(usual)
        played = sum(len(self.starts(task, usual)) for task in tasks)
        practised = sum(start.seed in self.records[task].practised for task in tasks for start in usual)
        if played == whole:
            return []
        return [
            f"{self.name} in {name}: {played} of {whole} starts ({practised} practised, "
            f"{whole - played - practised} not played): the success rate covers only these"
        ]

    def check_played(self, task: str, episodes: Sequence[Episode]) -> None:
        """Raise UserError if an episode does not end as recorded."""
        self.records[task].compare(episodes)

    def policy(self, task: str) -> Policy:
        """Return the record of a task as a policy."""
        return self.records[task]


class ModelParticipant(Participant):
    """A model on an engine of this machine: the embedded model, a folder, a name on the hub, or a run.

    Args:
        name: Name of the policy, as given by the user.
        path: Folder of the model, its name on the hub, or tiny.
        engine: Engine settings.
    """

    def __init__(self, name: str, path: str, engine: EngineConfig) -> None:
        super().__init__(name)
        self.path = path
        self.engine = engine
        self._policy: VLMPolicy | None = None
        self._unclear: set[str] = set()

    @property
    def inputs(self) -> list[Path]:
        """The model's folder, if it is local and not the embedded model."""
        folder = Path(self.path)
        return [folder] if self.path != "tiny" and folder.is_dir() else []

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """Check that prompts and images fit the model, without loading its weights."""
        from agents.models.load import load_chat, longest_context  # heavy: only where a model plays

        try:
            self.chat = load_chat(self.path)
            longest = self.engine.max_context or longest_context(self.path)
        except ValueError as error:
            raise UserError(f"policy: {error}") from error
        self._find_unclear(tasks)
        for name, settings in tasks.items():
            try:
                check_task(name, settings, self.chat, longest)
            except UserError as error:
                raise UserError(f"policy={self.name}: {error}") from error

    def _find_unclear(self, tasks: Mapping[str, TaskConfig]) -> None:
        learned = self.tasks or self.name == "tiny"
        self._unclear = set() if learned else {name for name in tasks if not Task(name, tasks[name]).tells_form}

    def notes(self, name: str, tasks: Sequence[str], usual: Sequence[Start]) -> list[str]:
        """Return a note if the prompt does not describe the expected reply to an untrained model."""
        if self._unclear.isdisjoint(tasks):
            return []
        return [f"{self.name} in {name}: the prompt lacks the actions and the reply format; env.rules=true adds them"]

    async def open(self) -> None:
        """Load the weights."""
        from agents.engines.factory import make_engine
        from training.prepare import load, share_cores

        share_cores(self.engine)
        try:
            model = None if self.engine.chosen == "vllm" else load("policy", self.path)
            self._policy = VLMPolicy(self.chat, await make_engine(self.path, self.engine, model))
        except (ValueError, RuntimeError) as error:
            raise error if isinstance(error, UserError) else UserError(f"policy: {error}") from error

    def policy(self, task: str) -> Policy:
        """Return the model as a policy."""
        assert self._policy is not None
        return self._policy

    async def close(self) -> None:
        """Stop the engine."""
        if self._policy is not None:
            await self._policy.engine.close()
            self._policy = None


class ServerParticipant(ModelParticipant):
    """A model on an OpenAI-compatible server."""

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """Check that model name, address and key are set. The first episode sends the first request."""
        from agents.engines.server import ServerEngine

        if not self.path:
            raise UserError(f"policy={self.name} lacks a model name; set policy={SERVER}MODEL")
        self._policy = VLMPolicy(None, ServerEngine(self.path, self.engine.server))
        self._find_unclear(tasks)

    async def open(self) -> None:
        """Do nothing: connections are opened on demand."""


class BaselineParticipant(Participant):
    """A baseline trained by `training.baseline`.

    Args:
        name: Name of the policy, as given by the user.
        folder: Folder of the baseline.
    """

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self.folder = folder
        self.source, self.tasks = folder / FILE, baseline_tasks(folder)
        self.envs = list(self.tasks)

    @property
    def inputs(self) -> list[Path]:
        """The weights."""
        from training.baseline.policy import WEIGHTS  # heavy: only where one plays

        return [self.folder / WEIGHTS]

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """Load the weights and check that the frames and actions of each task are those of the training."""
        from training.baseline.policy import load_baseline  # heavy: only where one plays

        self._policy = load_baseline(self.folder)
        for name, settings in tasks.items():
            try:
                self._policy.check(Task(name, settings))
            except ValueError as error:
                raise UserError(f"policy={self.name}: {error}") from error

    def uses_images(self) -> bool:
        """Return True if the baseline was trained on pixels."""
        return self._policy.network.pixels

    def notes(self, name: str, tasks: Sequence[str], usual: Sequence[Start]) -> list[str]:
        """Return a note if the training of the baseline is not finished."""
        return [] if finished(self.folder) else [f"{self.name} in {name}: its training is not finished"]

    def policy(self, task: str) -> Policy:
        """Return the network as a policy."""
        return self._policy
