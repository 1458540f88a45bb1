"""TaskConfig: the settings of a task, read from one YAML file in configs/env.

A file may begin with `like: NAME`. NAME is a task of configs/env, or a path ending in .yaml relative to the file's
folder. The file then inherits that task's settings and lists only the differences.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from annotated_types import Ge

from configs.cli import nested
from configs.errors import UserError, suggest
from configs.files import load_yaml
from configs.imports import is_import_path
from configs.schema import Settings, build, check_fields, field_types, merge
from configs.types import Fraction, NonNegativeFloat, PositiveFloat, PositiveInt
from envs.task import openenv, seats
from envs.task.suites import SUITES

FOLDER = Path(__file__).resolve().parents[2] / "configs" / "env"

SUCCESS = re.compile(r"info|terminated|return *(>=|>) *(-?[0-9]+(?:\.[0-9]+)?)")


@dataclass
class TaskConfig(Settings):
    """Settings that turn one Gymnasium environment into a task for a language model."""

    id: str = ""
    """Gymnasium id of the environment, such as kickoff/Football-v0. `module:id` imports the module first.
    `openenv:ADDRESS` is the environment of an OpenEnv server, such as openenv:http://127.0.0.1:8000.
    `pettingzoo:MODULE` is a PettingZoo environment, such as pettingzoo:pettingzoo.classic.tictactoe_v3."""
    description: str = ""
    """One-line description for people, shown by --help."""
    kwargs: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments passed to gymnasium.make. The names are the environment's own."""
    difficulty: Fraction | None = None
    """Difficulty from 0 to 1, passed to the environment as its own `difficulty` argument. null does not pass it."""
    instructions: str = ""
    """Short statement of the goal, placed at the start of the prompt."""
    rules_text: str = ""
    """Full rules and action names, added to the prompt if `rules` is true."""
    rules: bool = False
    """Add `rules_text` to the prompt. If the prompt does not mention <answer>, also add the reply format."""
    think: Literal["usual", "none", "word", "transcript", "work"] = "usual"
    """Form of the reasoning in `<think>`: `none` (empty), `word` (one word for the intention), `transcript` (what the
    observation shows, in the env's symbols), or `work` (the transcript with the calculation or the plan). The expert
    writes it, and the rules describe it. Work on a question without an image has no transcript. `usual`: the expert's
    own form, without a description."""
    transcript_text: str = ""
    """Description of the transcript for the rules, with an example."""
    transcript_reward: NonNegativeFloat = 0.0
    """Reward for true transcripts (`think` is transcript or work): this value times the mean accuracy of the episode's
    transcripts, compared with `expert_thought("transcript")` of the environment."""
    image: bool = True
    """Give the model an image at each turn."""
    image_from: Literal["auto", "observation", "render"] = "auto"
    """Source of the image: `observation`, `render`, or `auto` (the observation if it is an image, else render())."""
    image_size: tuple[PositiveInt, PositiveInt] | None = None
    """[height, width] in pixels. The image is scaled to fit, padded with black bars. null keeps the original size."""
    caption: bool = False
    """Give the model the observation as text (`info["text"]` or, if missing, the raw observation)."""
    text_from: str = "text"
    """Key of a Dict observation that is always given as text, such as a question or a mission."""
    feedback: bool = False
    """Tell the model the result of its last actions (`info["feedback"]`, or the reward if there is no such entry)."""
    actions: list[str | list[str]] = field(default_factory=list)
    """Action names, in the order of the environment's Discrete actions. For MultiDiscrete, one list of names per
    part (an answer joins them with +). An empty name ("") disables that action. Without names, the answer is the
    action. For an environment with text actions, all actions of a reply are one text, separated by commas."""
    actions_per_reply: PositiveInt = 1
    """Maximum number of actions in a reply, separated by commas and played in order."""
    cut_answers: bool = False
    """If an answer has more than `actions_per_reply` actions, play the first ones instead of rejecting the reply."""
    max_turns: PositiveInt = 1
    """Maximum number of turns. A longer episode is truncated."""
    episodes_at_once: PositiveInt | None = None
    """Maximum number of episodes that a process plays at the same time, for a server with few sessions. null: no
    limit."""
    history: Annotated[int, Ge(-1)] = 0
    """Number of past turns kept in the context. -1 keeps all turns."""
    max_reply_tokens: PositiveInt = 16
    """Maximum length of a reply in tokens. A longer reply is cut off and therefore invalid."""
    on_invalid: Literal["end", "skip"] = "end"
    """Effect of an invalid reply: `end` ends the episode, `skip` uses up the turn without an action."""
    success: str = "info"
    """Success criterion: `info` (the environment's info["success"]), `terminated` (the environment ended the
    episode, not a limit), or a bound on the return, such as `return >= 1`."""
    score: str = ""
    """Key in `info` of the benchmark's own score, reported next to success. Empty: no score."""
    idle: str = ""
    """Answer that does nothing, used by the no-op policy. Empty: the first action."""
    reward: str = "success"
    """Outcome reward: `success` (1 if the episode succeeded, else 0), `return` (the sum of the env rewards), `process`
    (success plus a verdict of the env's solver or expert on each reply), `result` (of a match: 1 for a win, 0 for a
    draw, -1 for a loss), or the import path module:name of a function. It takes an Episode and returns one number, or
    one number per turn."""
    end_when_lost: bool = False
    """End a training episode when the env proves that it cannot succeed (`info["deadlock"]`). Held-out episodes are
    played to their end."""
    format_reward: NonNegativeFloat = 0.1
    """Reward for valid replies: this value times the fraction of the episode's replies that are valid."""
    seats: list[str] = field(default_factory=list)
    """Names of the seats of a PettingZoo environment, in the order of its agents, such as [left, right]. An episode is
    that of one seat. A seat loses by an invalid reply, an illegal action, or a prompt that exceeds the context."""
    seat_text: dict[str, str] = field(default_factory=dict)
    """Seat → text at the start of each of its observations."""
    opponent: str = "random"
    """Policy of the other seats where none is chosen: `random` (legal actions), `expert`, or `expert:P` (the expert's
    action with probability P, else a random one)."""
    expert: str = ""
    """Import path module:name of the expert of a PettingZoo environment: a function of an observation and its legal
    actions that returns the best actions. Empty: the environment's own `expert_action(agent)`, if it has one."""
    describe: str = ""
    """Import path module:name of a function that returns an observation of a PettingZoo environment as text."""
    reply_seconds: PositiveFloat | None = None
    """Time for a reply in a match, in seconds. A seat that exceeds it loses. null: no limit."""

    def __post_init__(self) -> None:
        """Check the values, the observation, the actions, the rule of success and the reward."""
        super().__post_init__()
        if not (self.image or self.caption):
            raise ValueError("the model would get no observation; set image=true or caption=true")
        if self.transcript_reward and not self.transcribes:
            raise ValueError(f"transcript_reward needs think=transcript or think=work, got think={self.think}")
        self._check_actions()
        if not SUCCESS.fullmatch(self.success):
            raise ValueError(f"success must be info, terminated or a bound such as 'return >= 1', got {self.success!r}")
        if self.reward not in ("success", "return", "process", "result") and not is_import_path(self.reward):
            raise ValueError(
                f"reward must be success, return, process, result or an import path module:name, got {self.reward!r}"
            )
        seats.check(self)

    def _check_actions(self) -> None:
        """Raise ValueError unless the names are unique and can be parsed from `a, b` and `a+b`."""
        if self.in_parts and not all(isinstance(part, list) for part in self.actions):
            raise ValueError(f"actions must be names, or a list of names for each part, got {self.actions}")
        for part in self.action_parts:
            offered = [name for name in part if name]
            if part and not offered:
                raise ValueError(f"actions must offer at least one action, got {part}")
            if len(set(offered)) != len(offered):
                raise ValueError(f"actions must be unique, got {part}")
            for name in offered:
                if not name.strip() or name != name.strip() or {"<", ">", ",", "+"} & set(name):
                    raise ValueError(f"an action name must not contain < > , + or surrounding spaces, got {name!r}")
        if self.idle and self.actions and not self.in_parts and self.idle not in self.actions:
            raise ValueError(suggest("idle", self.idle, [str(name) for name in self.actions if name]))
        if self.actions_per_reply > 1 and not self.actions:
            raise ValueError("actions_per_reply needs action names (actions: [...])")

    @property
    def transcribes(self) -> bool:
        """True if a reply states a transcript."""
        return self.think in ("transcript", "work")

    def with_single_actions(self) -> Self:
        """Return the task for a player without text: one action per reply, as many more turns, and no transcript."""
        turns = self.max_turns * self.actions_per_reply
        return replace(self, actions_per_reply=1, max_turns=turns, think="usual", transcript_reward=0.0)

    @property
    def in_parts(self) -> bool:
        """True if an action has several parts (MultiDiscrete)."""
        return any(isinstance(name, list) for name in self.actions)

    @property
    def action_parts(self) -> list[list[str]]:
        """Action names per part. A Discrete action has one part."""
        if not self.in_parts:
            return [[str(name or "") for name in self.actions]]
        return [list(part) for part in self.actions]


@dataclass
class TaskFile(TaskConfig):
    """Contents of a file in configs/env."""

    like: str = ""
    """Task with the settings to inherit: a name in configs/env, or a path ending in .yaml, relative to this file."""


def task_names() -> list[str]:
    """Return the names of all tasks in configs/env."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def variants() -> set[str]:
    """Return the suite members that inherit from another task. Listings show their suite instead."""
    members = {task for suite in SUITES.values() for task in suite}
    return {name for name in members if (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").startswith("like:")}


def task_settings(name: str, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return the validated settings of a task, merged over those of its `like`.

    Args:
        name: Name of a task in configs/env, a path ending in .yaml, or `openenv:ADDRESS`.
        above: Files already visited through `like`, used to detect cycles.

    Raises:
        UserError: The task is unknown or a setting is invalid (one line).
    """
    if openenv.is_server(name):
        return _of_server({"id": name})
    own = name.endswith(".yaml")
    if name in SUITES:
        raise UserError(f"env={name} is a suite; name one of its tasks: {', '.join(SUITES[name])}")
    if not own and name not in task_names():
        raise UserError(suggest("env", name, task_names(), variants()))
    path = Path(name) if own else FOLDER / f"{name}.yaml"
    shown = name if own else f"configs/env/{path.name}"
    try:
        settings = check_fields(field_types(TaskFile), load_yaml(path))
        like = settings.pop("like", "")
        liked = _like(like, (*above, path.resolve())) if like else {}
        if openenv.is_server(settings.get("id")) and not openenv.is_server(liked.get("id")):
            liked = {key: value for key, value in liked.items() if key not in ("kwargs", "difficulty")}
        settings = merge(liked, settings)
        return _of_server(settings, bool(liked)) if openenv.is_server(settings.get("id")) and not above else settings
    except UserError as error:
        raise UserError(f"{shown}: {error}" if str(path) not in str(error) else str(error)) from None


def _like(name: str, above: tuple[Path, ...]) -> dict[str, Any]:
    """Return the settings of the task that the last file of `above` inherits from."""
    place = above[-1].parent / name if name.endswith(".yaml") else FOLDER / f"{name}.yaml"
    if place.resolve() in above:
        ring = " is like ".join(path.stem for path in (*above, place))
        raise UserError(f"like: {ring}; a task cannot inherit from itself")
    try:
        return task_settings(str(place) if name.endswith(".yaml") else name, above)
    except UserError as error:
        raise UserError(f"like: {error}") from None


def _of_server(settings: dict[str, Any], liked: bool = False) -> dict[str, Any]:
    """Return the settings of a task on a server: those given, over those that its answers suggest.

    If the file inherits from another task, only what concerns the connection is taken from the answers.
    """
    found = openenv.proposed(settings)
    if liked:
        found = {key: value for key, value in found.items() if key in ("kwargs", "episodes_at_once")}
    return merge(found, settings)


def load_task(name: str, overrides: Mapping[str, Any] | None = None) -> TaskConfig:
    """Return the task of configs/env/NAME.yaml or of a path, with `env.k` overrides; UserError in one line."""
    settings = merge(task_settings(name), nested({"env": TaskConfig}, overrides or {}).get("env", {}))
    config = build(TaskConfig, settings, "env")
    assert isinstance(config, TaskConfig)
    return config
