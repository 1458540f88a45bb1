"""A Task: how one Gymnasium env is put to a language model.

The env knows nothing of prompts and the model nothing of the env: a Task turns an observation into the words and
pictures of a turn, and the reply into an action. It is data (one YAML file); no code is needed for a new one.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from envs.names import suggest


@dataclass
class TaskConfig:
    """One Gymnasium env as a task for a language model."""

    id: str = ""
    """Gymnasium id of the env, such as kickoff/Football-v0."""
    description: str = ""
    """One line for people, shown by --help."""
    kwargs: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of gymnasium.make for this env (its own names)."""
    instructions: str = ""
    """What the player is told first: the goal, in few words."""
    rules_text: str = ""
    """The rules and the action names in full; in the prompt when `rules` is on."""
    rules: bool = False
    """Lever: put `rules_text` into the prompt."""
    image: bool = True
    """Show the observation as an image (the env's observation, or its render())."""
    caption: bool = False
    """Lever: give the observation in words (`info["text"]`), beside the image or instead of it."""
    actions: list[str] = field(default_factory=list)
    """Action names in the order of the env's Discrete actions; empty where the action is the answer's text."""
    max_turns: int = 1
    """Turns after which an episode is cut off."""
    history: int = 0
    """Lever: how many past turns stay in the context; -1 keeps all of them."""
    max_reply_tokens: int = 16
    """Longest reply in tokens; a longer one is cut and so invalid."""
    on_invalid: str = "end"
    """What an invalid reply does: `end` the episode, or `skip` the turn (it is spent, nothing moves)."""
    reward: str = "success"
    """The outcome reward: `success` (1 if the episode succeeded, else 0) or `return` (the env's rewards, summed)."""
    format_reward: float = 0.1
    """Added in proportion to the share of the episode's replies that are valid."""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if self.max_turns < 1:
            raise ValueError(f"max_turns must be at least 1, got {self.max_turns}")
        if self.max_reply_tokens < 1:
            raise ValueError(f"max_reply_tokens must be at least 1, got {self.max_reply_tokens}")
        if self.history < -1:
            raise ValueError(f"history must be -1 (all turns), 0 or more, got {self.history}")
        if not (self.image or self.caption):
            raise ValueError("the player would see nothing: set image=true or caption=true")
        if len(set(self.actions)) != len(self.actions):
            raise ValueError(f"actions must have different names, got {self.actions}")
        if self.format_reward < 0:
            raise ValueError(f"format_reward must not be negative, got {self.format_reward}")
        for key, allowed in {"on_invalid": ("end", "skip"), "reward": ("success", "return")}.items():
            if getattr(self, key) not in allowed:
                raise ValueError(f"{key} must be one of {', '.join(allowed)}, got {getattr(self, key)!r}")


def load_task(name: str) -> TaskConfig:
    """The task of configs/env/NAME.yaml."""
    folder = Path(__file__).resolve().parents[1] / "configs" / "env"
    if not (folder / f"{name}.yaml").is_file():
        raise ValueError(suggest("env", name, [path.stem for path in folder.glob("*.yaml")]))
    merged = OmegaConf.merge(OmegaConf.structured(TaskConfig), OmegaConf.load(folder / f"{name}.yaml"))
    config = OmegaConf.to_object(merged)
    assert isinstance(config, TaskConfig)
    return config


@dataclass(frozen=True)
class Observation:
    """What the player is shown at one turn."""

    image: NDArray[np.uint8] | None
    """[H, W, 3], or None for a task without pictures."""
    text: str
    """The words of this turn: caption or question; may be empty."""


@dataclass(frozen=True)
class Reply:
    """A reply, taken apart: `action` is None exactly when the reply is invalid, and `problem` then says why."""

    thinking: str
    answer: str
    action: Any
    problem: str = ""

    @property
    def valid(self) -> bool:
        """Whether the reply can be played."""
        return self.action is not None


_REPLY = re.compile(r"\s*<think>(.*?)</think>\s*<answer>(.*?)</answer>\s*", re.DOTALL)
_TAG = re.compile(r"</?(?:think|answer)>")


def _is_picture(space: gymnasium.Space[Any]) -> bool:
    return isinstance(space, gymnasium.spaces.Box) and len(space.shape) == 3 and space.dtype == np.uint8


class Task:
    """A named `TaskConfig` in use: makes the env, words the turns, reads the replies."""

    def __init__(self, name: str, config: TaskConfig) -> None:
        self.name = name
        self.config = config
        self._action_index = {action: index for index, action in enumerate(config.actions)}

    def make(self, render_mode: str | None = None) -> gymnasium.Env[Any, Any]:
        """A fresh env of this task; ValueError in one line where the id, the kwargs or the actions do not fit."""
        if ":" not in self.config.id and self.config.id not in gymnasium.registry:  # module:id imports the module first
            raise ValueError(suggest("env id", self.config.id, list(gymnasium.registry)))
        env = self._make(render_mode)
        if self.config.image and not _is_picture(env.observation_space):
            if "rgb_array" not in env.metadata.get("render_modes", []):
                raise ValueError(f"task {self.name}: {self.config.id} has no pictures: set image=false caption=true")
            if render_mode is None:  # its render() is what the player sees
                env.close()
                env = self._make("rgb_array")
        space = env.action_space
        if self.config.actions:
            if not isinstance(space, gymnasium.spaces.Discrete) or space.n != len(self.config.actions):
                kind = "free text" if isinstance(space, gymnasium.spaces.Text) else str(space)
                raise ValueError(f"task {self.name}: {len(self.config.actions)} action names do not fit {kind}")
        elif not isinstance(space, gymnasium.spaces.Text):
            raise ValueError(f"task {self.name}: {space} needs action names (actions: [...])")
        return env

    def _make(self, render_mode: str | None) -> gymnasium.Env[Any, Any]:
        try:
            return gymnasium.make(self.config.id, render_mode=render_mode, **self.config.kwargs)
        except (gymnasium.error.Error, ImportError) as error:
            raise ValueError(f"{self.config.id} cannot be made: {error}") from error
        except TypeError as error:
            problem, *_ = str(error).split(" was raised from ")  # without Gymnasium's list of all that was given
            raise ValueError(f"{self.config.id} does not take these kwargs: {problem}") from error

    def observe(self, env: gymnasium.Env[Any, Any], observation: Any, info: dict[str, Any]) -> Observation:
        """The env's observation as the player is shown it."""
        image = None
        if self.config.image:
            is_picture = isinstance(observation, np.ndarray) and observation.ndim == 3
            # Unwrapped: a film's frames are not taken from it.
            # A copy: an env may draw into one buffer again and again.
            image = np.array(observation if is_picture else env.unwrapped.render(), dtype=np.uint8)
        text = ""
        if self.config.caption:
            text = str(info["text"]) if "text" in info else str(observation)
        return Observation(image, text)

    def words(self, observation: Observation, first: bool) -> str:
        """The text of a user turn: the instructions (and rules) on a context's first turn, then the caption."""
        parts = []
        if first:
            parts.append(self.config.instructions)
            if self.config.rules:
                parts.append(self.config.rules_text)
        parts.append(observation.text)
        return "\n".join(part for part in parts if part)

    def parse(self, reply: str) -> Reply:
        """Read `<think>…</think><answer>…</answer>`: exactly one of each, and an action that exists; never a guess."""
        match = _REPLY.fullmatch(reply)
        if match is None:
            return Reply("", "", None, "not of the form <think>…</think><answer>…</answer>")
        thinking, answer = match.group(1).strip(), match.group(2).strip()
        if _TAG.search(thinking) or _TAG.search(answer):
            return Reply("", "", None, "more than one think or answer")
        if not self.config.actions:
            if not answer:
                return Reply(thinking, answer, None, "an empty answer")
            return Reply(thinking, answer, answer)
        if answer not in self._action_index:
            return Reply(thinking, answer, None, f"no action is named {answer!r}")
        return Reply(thinking, answer, self._action_index[answer])

    def action_name(self, action: Any) -> str:
        """The name of an env action, as a player would answer it."""
        return self.config.actions[int(action)] if self.config.actions else str(action)
