"""TaskConfig: what one YAML of configs/env says.

A file may begin with `like: NAME` (a task of configs/env, or a path ending in .yaml, from the file's folder): it starts
from that task's settings, and says only what differs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configs.cli import nested
from configs.errors import UserError, suggest
from configs.imports import is_import_path
from configs.schema import build, check_fields, kinds, load_yaml, merge
from envs.task.suites import SUITES

FOLDER = Path(__file__).resolve().parents[2] / "configs" / "env"

SUCCESS = re.compile(r"info|terminated|return *(>=|>) *(-?[0-9]+(?:\.[0-9]+)?)")


@dataclass
class TaskConfig:
    """One Gymnasium env as a task for a language model."""

    id: str = ""
    """Gymnasium id of the env, such as kickoff/Football-v0; module:id imports the module first."""
    description: str = ""
    """One line for people, shown by --help."""
    kwargs: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of gymnasium.make for this env (its own names)."""
    difficulty: float | None = None
    """Lever: the env's own keyword `difficulty`, from 0 to 1; null leaves it as it is."""
    instructions: str = ""
    """What the player is told first: the goal, in few words."""
    rules_text: str = ""
    """The rules and the action names in full; in the prompt when `rules` is on."""
    rules: bool = False
    """Lever: put `rules_text` into the prompt, and the form of a reply, if nothing there says it."""
    image: bool = True
    """Lever: show a picture."""
    image_from: str = "auto"
    """Where the picture comes from: `observation`, `render`, or `auto` (the observation if it is one, else render)."""
    image_size: tuple[int, int] | None = None
    """[height, width] to which the picture is fitted, with black bars where the shape differs; null leaves it."""
    caption: bool = False
    """Lever: give the observation in words (`info["text"]`), beside the image or instead of it."""
    text_from: str = "text"
    """Entry of a Dict observation that is always shown as words: a question, or a mission."""
    feedback: bool = False
    """Lever: say what the last action did (`info["feedback"]`, or action and reward where the env has no words)."""
    actions: list[str | list[str]] = field(default_factory=list)
    """Action names in the order of the env's Discrete actions; for MultiDiscrete a list of names for each part (an
    answer joins them with +). An empty name ("") leaves that action out; no names: the action is the answer's text."""
    actions_per_reply: int = 1
    """How many actions a reply may hold, separated by commas; they are played one after another."""
    cut_answers: bool = False
    """Lever: of an answer with more actions than that, play the first ones instead of refusing the reply."""
    max_turns: int = 1
    """Turns after which an episode is cut off."""
    history: int = 0
    """Lever: how many past turns stay in the context; -1 keeps all of them."""
    max_reply_tokens: int = 16
    """Longest reply in tokens; a longer one is cut and so invalid."""
    on_invalid: str = "end"
    """What an invalid reply does: `end` the episode, or `skip` the turn (it is spent, nothing moves)."""
    success: str = "info"
    """When an episode has succeeded: `info` (the env's info["success"]), `terminated` (the env ended it, not a limit),
    or a bound on the sum of its rewards, such as `return >= 1`."""
    score: str = ""
    """Entry of info that is the benchmark's own score, reported beside success; empty: there is none."""
    idle: str = ""
    """What the player answers that does nothing; empty: the first action."""
    reward: str = "success"
    """The outcome reward: `success` (1 if the episode succeeded, else 0), `return` (the env's rewards, summed), or an
    import path module:name of a function (Episode → one number, or one a turn)."""
    format_reward: float = 0.1
    """Added in proportion to the share of the episode's replies that are valid."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        for key in ("max_turns", "max_reply_tokens", "actions_per_reply"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} must be at least 1, got {getattr(self, key)}")
        if self.history < -1:
            raise ValueError(f"history must be -1 (all turns), 0 or more, got {self.history}")
        if not (self.image or self.caption):
            raise ValueError("the player would see nothing: set image=true or caption=true")
        if self.image_size is not None and min(self.image_size) < 1:
            raise ValueError(f"image_size must be [height, width] in pixels, got {list(self.image_size)}")
        if self.difficulty is not None and not 0 <= self.difficulty <= 1:
            raise ValueError(f"difficulty must be from 0 to 1, got {self.difficulty}")
        if self.format_reward < 0:
            raise ValueError(f"format_reward must not be negative, got {self.format_reward}")
        self._check_actions()
        if not SUCCESS.fullmatch(self.success):
            raise ValueError(f"success must be info, terminated or such as 'return >= 1', got {self.success!r}")
        choices = {"on_invalid": ("end", "skip"), "image_from": ("auto", "observation", "render")}
        for key, allowed in choices.items():
            if getattr(self, key) not in allowed:
                raise ValueError(f"{key} must be one of {', '.join(allowed)}, got {getattr(self, key)!r}")
        if self.reward not in ("success", "return") and not is_import_path(self.reward):
            raise ValueError(f"reward must be success, return or an import path module:name, got {self.reward!r}")

    def _check_actions(self) -> None:
        """Names that can be told apart, and read back from `a, b` and `a+b`."""
        if self.in_parts and not all(isinstance(part, list) for part in self.actions):
            raise ValueError(f"actions must be names, or a list of names for each part, got {self.actions}")
        for part in self.action_parts:
            offered = [name for name in part if name]
            if part and not offered:
                raise ValueError(f"actions must offer at least one action, got {part}")
            if len(set(offered)) != len(offered):
                raise ValueError(f"actions must have different names, got {part}")
            for name in offered:
                if not name.strip() or name != name.strip() or {"<", ">", ",", "+"} & set(name):
                    raise ValueError(f"an action's name must be free of < > , + and of spaces around it, got {name!r}")
        if self.idle and self.actions and not self.in_parts and self.idle not in self.actions:
            raise ValueError(suggest("idle", self.idle, [str(name) for name in self.actions if name]))
        if self.actions_per_reply > 1 and not self.actions:
            raise ValueError("actions_per_reply needs action names (actions: [...])")

    @property
    def in_parts(self) -> bool:
        """Whether an action has several parts (MultiDiscrete)."""
        return any(isinstance(name, list) for name in self.actions)

    @property
    def action_parts(self) -> list[list[str]]:
        """The names of each part of an action; a Discrete action is one part."""
        if not self.in_parts:
            return [[str(name or "") for name in self.actions]]
        return [list(part) for part in self.actions]


def task_names() -> list[str]:
    """The tasks of configs/env."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def variants() -> set[str]:
    """The tasks of a suite that are like another: where tasks are listed, the suite stands for them."""
    members = {task for suite in SUITES.values() for task in suite}
    return {name for name in members if (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").startswith("like:")}


def task_settings(name: str, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The checked settings of configs/env/NAME.yaml, or of a path ending in .yaml, over those of its `like`.

    `above`: the files that have led here by `like`. UserError in one line.
    """
    own = name.endswith(".yaml")
    if name in SUITES:
        raise UserError(f"env={name} is a suite; name one of its tasks: {', '.join(SUITES[name])}")
    if not own and name not in task_names():
        raise UserError(suggest("env", name, task_names(), variants()))
    path = Path(name) if own else FOLDER / f"{name}.yaml"
    shown = name if own else f"configs/env/{path.name}"
    try:
        settings = check_fields(kinds(TaskConfig) | {"like": str}, load_yaml(path))
        like = settings.pop("like", "")
        return merge(_like(like, (*above, path.resolve())), settings) if like else settings
    except UserError as error:
        raise UserError(f"{shown}: {error}" if str(path) not in str(error) else str(error)) from None


def _like(name: str, above: tuple[Path, ...]) -> dict[str, Any]:
    """The settings of the task that the last of `above` starts from."""
    place = above[-1].parent / name if name.endswith(".yaml") else FOLDER / f"{name}.yaml"
    if place.resolve() in above:
        ring = " is like ".join(path.stem for path in (*above, place))
        raise UserError(f"like: {ring}; a task cannot start from itself")
    try:
        return task_settings(str(place) if name.endswith(".yaml") else name, above)
    except UserError as error:
        raise UserError(f"like: {error}") from None


def load_task(name: str, overrides: Mapping[str, Any] | None = None) -> TaskConfig:
    """Return the task of configs/env/NAME.yaml or of a path, with `env.k` overrides; UserError in one line."""
    settings = merge(task_settings(name), nested({"env": TaskConfig}, overrides or {}).get("env", {}))
    config = build(TaskConfig, settings, "env")
    assert isinstance(config, TaskConfig)
    return config
