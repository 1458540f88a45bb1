"""Who plays in `training.evaluate`: what a policy's name means, tried before the first episode is played."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from agents.chat.template import Chat
from agents.engines.config import EngineConfig
from agents.episodes.episode import Episode, Start
from agents.episodes.policy import Policy
from agents.episodes.task_check import check_task
from agents.policies.model import VLMPolicy
from agents.policies.recorded import PLAYS, RecordedPolicy
from agents.policies.scripted import has_expert, scripted
from configs.errors import UserError
from envs.task.config import TaskConfig
from envs.task.task import Task
from training.baseline.config import FILE, baseline_tasks
from training.runs.folder import finished

SERVER = "api:"


class Participant:
    """One who plays, by the name that the user gave. What is common: no engine, no tokens, all the usual starts."""

    is_reference = False
    chat: Chat | None = None

    def __init__(self, name: str) -> None:
        self.name = name
        self.label = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "policy"
        """The name as a folder may have it."""
        self.source: Path | None = None
        """The file that has the settings it was trained with, if it has been trained here."""
        self.tasks: dict[str, TaskConfig] = {}
        """What it was trained on, with these settings."""
        self.envs: list[str] = []
        """What env= named in its training."""

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """UserError in one line where it cannot play a task."""

    def plays(self, task: Task) -> bool:
        """Whether it plays a task at all."""
        return True

    def uses_images(self) -> bool:
        """Whether other frames than the true ones could change what it does; known once it is checked."""
        return True

    def starts(self, task: str, usual: Sequence[Start]) -> Sequence[Start]:
        """Those of the usual starts that it plays."""
        return usual

    def notes(self, name: str, tasks: Sequence[str], usual: Sequence[Start]) -> list[str]:
        """What a reader of its row has to know: in a task, or in a suite of several."""
        return []

    def check_played(self, task: str, episodes: Sequence[Episode]) -> None:
        """UserError in one line where the episodes are not what they should be."""

    async def open(self) -> None:
        """Get ready to play: load the model, reach the server."""

    def policy(self, task: str) -> Policy:
        """Who answers in a task."""
        raise NotImplementedError

    async def close(self) -> None:
        """Give back what `open` took."""


class ScriptedParticipant(Participant):
    """random, idle or expert."""

    is_reference = True

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """An expert is needed where it is to play."""
        for name, settings in tasks.items():
            if not self.plays(Task(name, settings)):
                raise UserError(f"policy=expert: {name} has no expert ({settings.id} has no expert_action())")

    def plays(self, task: Task) -> bool:
        """An expert where there is one."""
        return self.name != "expert" or has_expert(task)

    def policy(self, task: str) -> Policy:
        """The scripted player."""
        return scripted(self.name)


class RecordParticipant(Participant):
    """A record of played episodes, of a person's above all: its replies are given again."""

    def __init__(self, name: str, folder: Path | None) -> None:
        super().__init__(name)
        self.folder = folder
        self.records: dict[str, RecordedPolicy] = {}

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """Read the record of each task."""
        for name, settings in tasks.items():
            self.records[name] = RecordedPolicy(self.folder or PLAYS / name, Task(name, settings))

    def uses_images(self) -> bool:
        """What it plays is recorded."""
        return False

    def starts(self, task: str, usual: Sequence[Start]) -> Sequence[Start]:
        """Those that were played."""
        seeds = {start.seed for start in self.records[task].starts}
        played = [start for start in usual if start.seed in seeds]
        if not played:
            folder = self.records[task].folder
            raise UserError(f"{folder} has none of the first {len(usual)} held-out starts; episodes=… takes more")
        return played

    def notes(self, name: str, tasks: Sequence[str], usual: Sequence[Start]) -> list[str]:
        """Which of the usual starts it leaves out: whoever chooses them can choose the easy ones."""
        whole = len(tasks) * len(usual)
        played = sum(len(self.starts(task, usual)) for task in tasks)
        practised = sum(start.seed in self.records[task].practised for task in tasks for start in usual)
        if played == whole:
            return []
        return [
            f"{self.name} in {name}: {played} of {whole} starts ({practised} practised, "
            f"{whole - played - practised} not played): its rate is over those alone"
        ]

    def check_played(self, task: str, episodes: Sequence[Episode]) -> None:
        """They should end as they are recorded."""
        self.records[task].compare(episodes)

    def policy(self, task: str) -> Policy:
        """The record."""
        return self.records[task]


class ModelParticipant(Participant):
    """A model on an engine of this machine: the embedded one, a folder, a name on the hub, or a run's."""

    def __init__(self, name: str, path: str, engine: EngineConfig) -> None:
        super().__init__(name)
        self.path = path
        self.engine = engine
        self._policy: VLMPolicy | None = None
        self._unclear: set[str] = set()

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """The model's words and pictures have to fit the tasks; its weights are not loaded yet."""
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
        """Whether it is asked for a form of which it has not been told."""
        if self._unclear.isdisjoint(tasks):
            return []
        return [f"{self.name} in {name}: the prompt tells neither actions nor the form of a reply; env.rules=true does"]

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
        """The model."""
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
        """The address and the key have to be there; the server is asked by the first episode."""
        from agents.engines.server import ServerEngine

        if not self.path:
            raise UserError(f"policy={self.name} lacks the model's name: {SERVER}MODEL, as the server calls it")
        self._policy = VLMPolicy(None, ServerEngine(self.path, self.engine.server))
        self._find_unclear(tasks)

    async def open(self) -> None:
        """Connections are made as they are needed."""


class BaselineParticipant(Participant):
    """A baseline of `training.baseline`."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self.folder = folder
        self.source, self.tasks = folder / FILE, baseline_tasks(folder)
        self.envs = list(self.tasks)

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """Load the weights, which are small, and look at each task: its frames and actions have to be those learned."""
        from training.baseline.policy import load_baseline  # heavy: only where one plays

        self._policy = load_baseline(self.folder)
        for name, settings in tasks.items():
            try:
                self._policy.check(Task(name, settings))
            except ValueError as error:
                raise UserError(f"policy={self.name}: {error}") from error

    def uses_images(self) -> bool:
        """Where it has learned from pixels."""
        return self._policy.network.pixels

    def notes(self, name: str, tasks: Sequence[str], usual: Sequence[Start]) -> list[str]:
        """Whether it has come to the end of its training."""
        return [] if finished(self.folder) else [f"{self.name} in {name}: its training has not come to its end"]

    def policy(self, task: str) -> Policy:
        """The network."""
        return self._policy
