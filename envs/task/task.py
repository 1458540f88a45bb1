"""A Task: how one Gymnasium env is put to a language model.

The env knows nothing of prompts and the model nothing of the env: a Task turns an observation into the words and
pictures of a turn, and the reply into actions. It is data (one YAML file); no code is needed for a new one.
"""

import hashlib
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.wrappers import RenderCollection
from numpy.typing import NDArray

from configs.errors import suggest
from envs.task.config import SUCCESS, TaskConfig
from envs.task.reply import Reader, Reply
from render.draw.images import fit

SMALLEST_PICTURE = 16
"""Pixels a side below which a uint8 array [H, W, 3] is some grid's code, and no picture."""


@dataclass(frozen=True)
class Observation:
    """What the player is shown at one turn."""

    image: NDArray[np.uint8] | None
    """[H, W, 3], or None for a task without pictures."""
    text: str
    """The words of this turn: question or caption; may be empty."""
    feedback: str = ""
    """What became of the last reply; empty at first, and where the lever is off."""


class Outcome(NamedTuple):
    """What a reply led to."""

    observation: Any
    info: dict[str, Any]
    reward: float
    """The env's rewards for the reply's actions, summed."""
    terminated: bool
    truncated: bool
    feedback: str
    """In words, action by action."""


class Task:
    """A named `TaskConfig` in use: makes the env, words the turns, reads and plays the replies."""

    def __init__(self, name: str, config: TaskConfig) -> None:
        self.name = name
        self.config = config
        self._reader = Reader(config)

    def make(self, render_mode: str | None = None) -> gymnasium.Env[Any, Any]:
        """A fresh env of this task; ValueError in one line where the id, the kwargs or the actions do not fit."""
        if ":" not in self.config.id and self.config.id not in gymnasium.registry:  # module:id imports the module first
            raise ValueError(suggest("env id", self.config.id, list(gymnasium.registry)))
        env = self._make(render_mode)
        if self.config.image and not self._shows_itself(env.observation_space):
            if "rgb_array" not in env.metadata.get("render_modes", []):
                raise ValueError(f"task {self.name}: {self.config.id} has no pictures: set image=false caption=true")
            if render_mode != "rgb_array":  # its render() is what the player sees, frame by frame; a film collects them
                env.close()
                env = self._make("rgb_array")
                env = RenderCollection(env) if render_mode == "rgb_array_list" else env
        self._check_actions(env.action_space)
        return env

    def _make(self, render_mode: str | None) -> gymnasium.Env[Any, Any]:
        kwargs = dict(self.config.kwargs)
        if self.config.difficulty is not None:
            kwargs["difficulty"] = self.config.difficulty
        try:
            return gymnasium.make(self.config.id, render_mode=render_mode, **kwargs)
        except (gymnasium.error.Error, ImportError) as error:
            raise ValueError(f"{self.config.id} cannot be made: {error}") from error
        except TypeError as error:
            problem, *_ = str(error).split(" was raised from ")  # without Gymnasium's list of all that was given
            raise ValueError(f"{self.config.id} does not take these kwargs: {problem}") from error
        except (KeyError, AttributeError, AssertionError) as error:  # what other people's envs raise
            raise ValueError(f"{self.config.id} does not work with these kwargs: {error!r}") from error

    def _shows_itself(self, space: gymnasium.Space[Any]) -> bool:
        """Whether the observation is the picture; else render() is."""
        picture = space["image"] if isinstance(space, gymnasium.spaces.Dict) and "image" in space.keys() else space
        shape = picture.shape if isinstance(picture, gymnasium.spaces.Box) and picture.dtype == np.uint8 else None
        fits = shape is not None and len(shape) == 3 and shape[2] == 3
        if self.config.image_from == "auto":
            return fits and shape is not None and min(shape[:2]) >= SMALLEST_PICTURE
        if self.config.image_from == "observation" and not fits:
            raise ValueError(f"task {self.name}: image_from=observation needs uint8 [H, W, 3], this env gives {space}")
        return self.config.image_from == "observation"

    def _check_actions(self, space: gymnasium.Space[Any]) -> None:
        """ValueError where the action names are not those of the env's actions."""
        names = self.config.actions
        counts = [len(part) for part in self.config.action_parts]
        if self.config.in_parts:
            fits = isinstance(space, gymnasium.spaces.MultiDiscrete) and space.nvec.tolist() == counts
        elif names:
            fits = isinstance(space, gymnasium.spaces.Discrete) and space.n == len(names) and space.start == 0
        else:
            fits = isinstance(space, gymnasium.spaces.Text)
        if fits:
            return
        if not names:
            raise ValueError(f"task {self.name}: {space} needs action names (actions: [...])")
        kind = "free text" if isinstance(space, gymnasium.spaces.Text) else str(space)
        raise ValueError(f"task {self.name}: {' and '.join(map(str, counts))} action names do not fit {kind}")

    def observe(
        self, env: gymnasium.Env[Any, Any], observation: Any, info: dict[str, Any], feedback: str = ""
    ) -> Observation:
        """The env's observation as the player is shown it."""
        parts = observation if isinstance(observation, dict) else {}
        image = None
        if self.config.image:
            seen = parts.get("image", observation) if self._shows_itself(env.observation_space) else None
            # Unwrapped: a film's frames are not taken from it.
            # A copy: an env may draw into one buffer again and again.
            image = np.array(env.unwrapped.render() if seen is None else seen, dtype=np.uint8)
            if self.config.image_size is not None:
                image = fit(image, self.config.image_size)
        text = str(parts.get(self.config.text_from, ""))
        if self.config.caption:
            told = str(info["text"]) if "text" in info else str(observation)
            text = told if text in told else f"{text}\n{told}"
        return Observation(image, text, feedback if self.config.feedback else "")

    @property
    def tells_form(self) -> bool:
        """Whether its prompt says how to reply; if not, only those can who have learned it."""
        return any("<answer>" in part for part in self._told)

    @property
    def _told(self) -> list[str]:
        """The instructions, and with `rules` the rules, actions and form of a reply."""
        parts = [self.config.instructions]
        if self.config.rules:
            parts.append(self.config.rules_text)
            if not any("<answer>" in part for part in parts):
                known = [[name for name in part if name] for part in self.config.action_parts]
                example = "+".join(part[-1] for part in known if part) or "answer"
                parts.append(f"Reply in the form <think>reasoning</think><answer>{example}</answer>")
        return parts

    def words(self, observation: Observation, first: bool) -> str:
        """The text of a user turn: on a context's first turn the instructions (and rules); feedback; what is told."""
        parts = [*self._told] if first else []
        parts += [observation.feedback, observation.text]
        return "\n".join(part for part in parts if part)

    def parse(self, reply: str) -> Reply:
        """Read a reply; see `envs.task.reply`."""
        return self._reader.read(reply)

    def play(self, env: gymnasium.Env[Any, Any], reply: Reply) -> Outcome:
        """Play the actions of a valid reply one after another, until they or the episode end."""
        reward = 0.0
        sentences = []
        for action in reply.actions:
            observation, earned, terminated, truncated, info = env.step(self.env_action(action))
            reward += float(earned)
            told = info.get("feedback", f"reward {earned:g}.")
            if told:
                sentences.append(f"{self.action_name(action)}: {told}")
            if terminated or truncated:
                break
        return Outcome(observation, info, reward, terminated, truncated, " ".join(sentences))

    def env_action(self, action: Any) -> Any:
        """Return an action of a reply in the form that `env.step` takes."""
        return np.array(action) if self.config.in_parts else action

    def succeeded(self, outcome: Outcome, env_return: float) -> bool:
        """Whether an episode whose rewards sum up to `env_return` has succeeded, by the task's rule."""
        rule = self.config.success
        if rule == "info":
            return bool(outcome.info.get("success", False))
        if rule == "terminated":
            return outcome.terminated
        bound = SUCCESS.fullmatch(rule)
        assert bound is not None  # the config has checked it
        least = float(bound[2])
        return env_return >= least if bound[1] == ">=" else env_return > least

    def score(self, info: dict[str, Any]) -> float | None:
        """The benchmark's own score so far; None where the task has none, or it is unknown (NaN)."""
        entry = self.config.score
        if not entry:
            return None
        if not isinstance(info.get(entry), int | float):
            raise ValueError(f"task {self.name}: score: {self.config.id} has no number {entry!r} in its info")
        return None if math.isnan(info[entry]) else float(info[entry])

    def action_name(self, action: Any) -> str:
        """An env action as a player would answer it."""
        if self.config.in_parts:
            return "+".join(part[int(index)] for part, index in zip(self.config.action_parts, action, strict=True))
        return str(self.config.actions[int(action)]) if self.config.actions else str(action)


def state_hash(observation: Any, info: dict[str, Any]) -> str:
    """The env's own hash of its state, or, where it has none, a hash of the observation."""
    if "state_hash" in info:
        return str(info["state_hash"])
    content = observation.tobytes() if isinstance(observation, np.ndarray) else repr(observation).encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()
