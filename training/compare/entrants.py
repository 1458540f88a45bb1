"""Who plays in `training.evaluate`: what a policy's name means, tried before the first episode is played."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from agents.chat.template import Chat
from agents.engines.config import EngineConfig
from agents.episodes.arena import Episode, Start
from agents.episodes.policy import Policy, VLMPolicy
from agents.episodes.task_check import check_task
from agents.policies.recorded import HUMAN, PLAYS, Recorded, is_record
from agents.policies.scripted import PLAYERS, has_expert, scripted
from configs.errors import suggest
from configs.schema import ConfigError
from envs.task.config import TaskConfig
from envs.task.task import Task
from training.baseline.config import FILE, baseline_tasks, is_baseline
from training.config.compose import Config, read
from training.runs.folder import finished

SERVER = "api:"


class Entrant:
    """One who plays, by the name that the user gave. What is common: no engine, no tokens, all the usual starts."""

    floor = False
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
        """ConfigError in one line where it cannot play a task."""

    def plays(self, task: Task) -> bool:
        """Whether it plays a task at all."""
        return True

    def looks(self) -> bool:
        """Whether other frames than the true ones could change what it does; known once it is checked."""
        return True

    def starts(self, task: str, usual: Sequence[Start]) -> Sequence[Start]:
        """Those of the usual starts that it plays."""
        return usual

    def notes(self, name: str, tasks: Sequence[str], usual: Sequence[Start]) -> list[str]:
        """What a reader of its row has to know: in a task, or in a suite of several."""
        return []

    def check_played(self, task: str, episodes: Sequence[Episode]) -> None:
        """ConfigError in one line where the episodes are not what they should be."""

    async def open(self) -> None:
        """Get ready to play: load the model, reach the server."""

    def policy(self, task: str) -> Policy:
        """Who answers in a task."""
        raise NotImplementedError

    async def close(self) -> None:
        """Give back what `open` took."""


class ScriptedEntrant(Entrant):
    """random, idle or expert."""

    floor = True

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """An expert is needed where it is to play."""
        for name, settings in tasks.items():
            if not self.plays(Task(name, settings)):
                raise ConfigError(f"policy=expert: {name} has no expert ({settings.id} has no expert_action())")

    def plays(self, task: Task) -> bool:
        """An expert where there is one."""
        return self.name != "expert" or has_expert(task)

    def policy(self, task: str) -> Policy:
        """The scripted player."""
        return scripted(self.name)


class RecordEntrant(Entrant):
    """A record of played episodes, of a person's above all: its replies are given again."""

    def __init__(self, name: str, folder: Path | None) -> None:
        super().__init__(name)
        self.folder = folder
        self.records: dict[str, Recorded] = {}

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """Read the record of each task."""
        for name, settings in tasks.items():
            self.records[name] = Recorded(self.folder or PLAYS / name, Task(name, settings))

    def looks(self) -> bool:
        """What it plays is recorded."""
        return False

    def starts(self, task: str, usual: Sequence[Start]) -> Sequence[Start]:
        """Those that were played."""
        seeds = {start.seed for start in self.records[task].starts}
        played = [start for start in usual if start.seed in seeds]
        if not played:
            folder = self.records[task].folder
            raise ConfigError(f"{folder} has none of the first {len(usual)} held-out starts; episodes=… takes more")
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


class ModelEntrant(Entrant):
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
            raise ConfigError(f"policy: {error}") from error
        self._find_unclear(tasks)
        for name, settings in tasks.items():
            try:
                check_task(name, settings, self.chat, longest)
            except ConfigError as error:
                raise ConfigError(f"policy={self.name}: {error}") from error

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
        from agents.engines.config import make_engine
        from training.prepare import load, share_cores

        share_cores(self.engine)
        try:
            model = None if self.engine.chosen == "vllm" else load("policy", self.path)
            self._policy = VLMPolicy(self.chat, await make_engine(self.path, self.engine, model))
        except (ValueError, RuntimeError) as error:
            raise error if isinstance(error, ConfigError) else ConfigError(f"policy: {error}") from error

    def policy(self, task: str) -> Policy:
        """The model."""
        assert self._policy is not None
        return self._policy

    async def close(self) -> None:
        """Stop the engine."""
        if self._policy is not None:
            await self._policy.engine.close()
            self._policy = None


class ServerEntrant(ModelEntrant):
    """A model on an OpenAI-compatible server."""

    def check(self, tasks: Mapping[str, TaskConfig]) -> None:
        """The address and the key have to be there; the server is asked by the first episode."""
        from agents.engines.server import ServerEngine

        if not self.path:
            raise ConfigError(f"policy={self.name} lacks the model's name: {SERVER}MODEL, as the server calls it")
        self._policy = VLMPolicy(None, ServerEngine(self.path, self.engine.server))
        self._find_unclear(tasks)

    async def open(self) -> None:
        """Connections are made as they are needed."""


class BaselineEntrant(Entrant):
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
                raise ConfigError(f"policy={self.name}: {error}") from error

    def looks(self) -> bool:
        """Where it has learned from pixels."""
        return self._policy.network.pixels

    def notes(self, name: str, tasks: Sequence[str], usual: Sequence[Start]) -> list[str]:
        """Whether it has come to the end of its training."""
        return [] if finished(self.folder) else [f"{self.name} in {name}: its training has not come to its end"]

    def policy(self, task: str) -> Policy:
        """The network."""
        return self._policy


def entrants(names: Sequence[str], config: Config) -> list[Entrant]:
    """The players that the names mean; ConfigError in one line where a name means none."""
    players = [entrant(name, config) for name in names]
    known = {name: name for name in PLAYERS if name not in names}  # floors: rows of every table
    for player in players:
        if other := known.get(player.label):
            raise ConfigError(f"policy: {other} and {player.name} are one folder, {player.label}: leave one out")
        known[player.label] = player.name
    return players


def entrant(name: str, config: Config) -> Entrant:
    """The player that a name means."""
    name = name.rstrip("/") or name
    folder = Path(name)
    if name in PLAYERS:
        return ScriptedEntrant(name)
    if name.startswith(SERVER):
        return ServerEntrant(name, name.removeprefix(SERVER), config.engine)
    if name == HUMAN:
        return RecordEntrant(name, None)
    if name != "tiny" and not folder.is_dir():
        _refuse_unknown(name)
    elif is_baseline(folder):
        return BaselineEntrant(name, folder)
    elif is_record(folder):
        return RecordEntrant(name, folder)
    path, source = run_of(name)
    player = ModelEntrant(name, path, config.engine)
    if source is not None:
        run = read(source)
        player.source, player.tasks, player.envs = source, run.tasks, run.envs
    return player


def run_of(name: str) -> tuple[str, Path | None]:
    """The model that a policy's name means, and the config of the run that it comes from, if it is a run's."""
    folder = Path(name)
    if (folder / "config.yaml").is_file():
        if not (folder / "checkpoint").is_dir():
            _refuse_unfinished(folder)
        folder = folder / "checkpoint"
    elif (folder / "episodes").is_dir():
        _refuse_results(folder)
    for above in folder.parents[:2] if folder.is_dir() else ():
        if (above / "config.yaml").is_file() and (above / "metrics.jsonl").is_file():
            return str(folder), above / "config.yaml"
    return name, None


def _refuse_unfinished(run: Path) -> NoReturn:
    """ConfigError for a run that has not come to its end: what can be done."""
    good = sorted((run / "checkpoints").glob("good-*"))
    evaluate = f"evaluate its last good weights by policy={good[-1]}, or " if good else ""
    raise ConfigError(
        f"policy={run}: this run has no checkpoint/ yet, which is written at its end; {evaluate}"
        f"go on with it by python -m training.run resume={run}"
    )


def _refuse_results(folder: Path) -> NoReturn:
    """ConfigError for results, which hold no model but perhaps records."""
    records = [str(path) for path in sorted((folder / "episodes").iterdir()) if is_record(path)]
    raise ConfigError(f"policy={folder} holds results and no model; its records: {', '.join(records) or 'none'}")


def _refuse_unknown(name: str) -> None:
    """ConfigError for what is no folder and cannot be a name on the hub: OWNER/MODEL."""
    first, *rest = Path(name).parts or ("",)
    if first == str(PLAYS) and rest:
        raise ConfigError(f"policy={name}: nobody has played there; python -m agents.play env={rest[0]} does")
    if len(rest) == 1 and not Path(first).is_dir() and not name.startswith(("/", ".", "~")):
        return
    near = Path(name).parent if rest else Path("runs")
    here = sorted(path.as_posix() for path in near.iterdir() if path.is_dir()) if near.is_dir() else []
    known = [*PLAYERS, "tiny", HUMAN, *(here or ["runs/<name>"]), f"{SERVER}<model>"]
    if not rest:
        raise ConfigError(suggest("policy", name, known))
    raise ConfigError(suggest("policy", name, here) if here else f"policy: model folder {name!r} does not exist")
