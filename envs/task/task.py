"""Task: the interface between one Gymnasium environment and a language model.

The environment is independent of prompts, and the model is independent of the environment. A Task converts an
observation into the text and image of a turn, and a reply into actions. A new task is one YAML file and needs no code.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from configs.errors import UserError
from envs.matches.seat import SeatEnv
from envs.task.config import SUCCESS, TaskConfig
from envs.task.digest import digest, has_array
from envs.task.make import make_env, make_seat_envs, shows_itself
from envs.task.reply import Reader, Reply
from render.draw.images import as_frame, fit

THINK = {
    "none": "Leave <think> empty.",
    "word": "In <think>, name your intention with one word.",
    "transcript": "In <think>, write what you see.",
    "work": "In <think>, write what you see, and your work.",
}
"""Sentence of the rules for each form of reasoning (`TaskConfig.think`)."""
THINK_OF_TEXT = THINK | {"transcript": "In <think>, write what you read.", "work": "In <think>, write your work."}
"""The same for tasks without images."""


@dataclass(frozen=True)
class Observation:
    """Observation given to the policy at one turn."""

    image: NDArray[np.uint8] | None
    """Image, uint8 [H, W, 3], or None for a task without images."""
    text: str
    """Text of this turn: a question or a caption. May be empty."""
    feedback: str = ""
    """Result of the last reply. Empty at the first turn, or if `feedback` is false."""
    more: tuple[NDArray[np.uint8], ...] = ()
    """Images after the first. `envs.questions.places` puts each at its `<image>` in the text."""

    @property
    def images(self) -> tuple[NDArray[np.uint8], ...]:
        """All images of this turn."""
        return () if self.image is None else (self.image, *self.more)

    def showing(self, images: tuple[NDArray[np.uint8], ...]) -> "Observation":
        """Return this observation with other images."""
        return replace(self, image=next(iter(images), None), more=images[1:])


class Outcome(NamedTuple):
    """Result of playing one reply."""

    observation: Any
    """Observation after the last action that was played."""
    info: dict[str, Any]
    """Info dict returned with it."""
    reward: float
    """Sum of the env rewards over the reply's actions."""
    terminated: bool
    """True if the environment ended the episode."""
    truncated: bool
    """True if a limit ended the episode."""
    feedback: str
    """Feedback text, one sentence per action."""


class Task:
    """A named `TaskConfig`. Creates the environment, builds the prompts, and parses and plays the replies."""

    def __init__(self, name: str, config: TaskConfig) -> None:
        self.name = name
        self.config = config
        self._reader = Reader(config)

    def make(self, render_mode: str | None = None) -> gymnasium.Env[Any, Any]:
        """Create an environment of this task.

        Raises:
            ValueError: The id, the kwargs or the action names do not match (one line).
        """
        return make_env(self.name, self.config, render_mode)

    def make_seats(self, render_mode: str | None = None) -> list[gymnasium.Env[Any, Any]]:
        """Create one environment per seat of a match, in the order of the seats. The caller plays all of them.

        Raises:
            ValueError: The id, the kwargs or the action names do not match (one line).
        """
        return make_seat_envs(self.name, self.config, render_mode)

    def observe(
        self, env: gymnasium.Env[Any, Any], observation: Any, info: dict[str, Any], feedback: str = ""
    ) -> Observation:
        """Convert the environment's observation to the one given to the policy.

        Args:
            env: Environment, rendered if its observation is not an image.
            observation: Observation returned by the environment.
            info: Info dict returned by the environment. `info["text"]` is the caption.
            feedback: Result of the last reply, dropped unless the task's `feedback` is true.

        Raises:
            UserError: The image is not uint8 [H, W, 3].
        """
        parts = observation if isinstance(observation, dict) else {}
        images: list[NDArray[np.uint8]] = []
        if self.config.image:
            # Unwrapped: render() of the wrapper would return and clear the frames of the video.
            # as_frame copies: an environment may reuse one buffer for all frames.
            itself = shows_itself(self.name, self.config, env.observation_space)
            seen = [parts.get("image", observation) if itself else env.unwrapped.render()]
            if itself and "image_count" in parts:
                seen += list(parts["more_images"])[: int(parts["image_count"]) - 1]
            try:
                images = [as_frame(image) for image in seen]
            except ValueError as error:
                raise UserError(f"task {self.name}: {self.config.id}: {error}") from None
            if self.config.image_size is not None:
                images = [fit(image, self.config.image_size) for image in images]
        text = str(parts.get(self.config.text_from, ""))
        if self.config.caption:
            caption = str(info["text"]) if "text" in info else str(observation)
            text = caption if text in caption else f"{text}\n{caption}"
        if self.config.seat_text:
            text = "\n".join(filter(None, [self.config.seat_text.get(getattr(env.unwrapped, "seat", "")), text]))
        return Observation(None, text, feedback if self.config.feedback else "").showing(tuple(images))

    @property
    def tells_form(self) -> bool:
        """True if the prompt describes the reply format. Otherwise only a model trained on the format can reply."""
        return any("<answer>" in part for part in self._instructions)

    @property
    def _instructions(self) -> list[str]:
        """Instructions and, if `rules` is true, the rules and the reply format."""
        parts = [self.config.instructions]
        if self.config.rules:
            parts.append(self.config.rules_text)
            form = (THINK if self.config.image else THINK_OF_TEXT).get(self.config.think, "")
            parts.append(f"{form} {self.config.transcript_text}".strip())
            if not any("<answer>" in part for part in parts):
                known = [[name for name in part if name] for part in self.config.action_parts]
                example = "+".join(part[-1] for part in known if part) or "answer"
                parts.append(f"Reply in the form <think>reasoning</think><answer>{example}</answer>")
        return parts

    def words(self, observation: Observation, first: bool) -> str:
        """Return the text of a user turn. The first turn of a context starts with the instructions."""
        parts = [*self._instructions] if first else []
        parts += [observation.feedback, observation.text]
        return "\n".join(part for part in parts if part)

    def parse(self, reply: str) -> Reply:
        """Parse a reply (see `envs.task.reply`)."""
        return self._reader.read(reply)

    def legal(self, env: gymnasium.Env[Any, Any], reply: Reply) -> Reply:
        """Return a reply of a seat, made invalid if its action is not legal now. Other replies are returned as is."""
        legal = env.unwrapped.legal_actions if isinstance(env.unwrapped, SeatEnv) else None
        if legal is None or not reply.valid or reply.actions[0] in legal:
            return reply
        return replace(reply, actions=(), problem=f"{reply.answer} is not legal now")

    def play(self, env: gymnasium.Env[Any, Any], reply: Reply) -> Outcome:
        """Play the actions of a valid reply in order and stop if the episode ends.

        Raises:
            UserError: The environment returned a reward that is not a finite number.
        """
        reward = 0.0
        sentences = []
        for action in self.actions_of(env, reply):
            observation, earned, terminated, truncated, info = self.step(env, self.env_action(action))
            reward += earned
            feedback = info.get("feedback", f"reward {earned:g}.")
            if feedback:
                sentences.append(self.labelled(action, feedback))
            if terminated or truncated:
                break
        return Outcome(observation, info, reward, terminated, truncated, " ".join(sentences))

    def step(self, env: gymnasium.Env[Any, Any], action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Step the environment and return Gymnasium's five values, with NumPy numbers as Python numbers.

        Raises:
            UserError: The reward is not a finite number.
        """
        observation, earned, terminated, truncated, info = env.step(action)
        number = _number(earned)
        if number is None or not math.isfinite(number):
            raise UserError(
                f"task {self.name}: {self.config.id} gave the reward {earned!r}; it must be a finite number"
            )
        return observation, number, bool(terminated), bool(truncated), info

    def actions_of(self, env: gymnasium.Env[Any, Any], reply: Reply) -> tuple[Any, ...]:
        """Return the actions of a reply. For an env with text actions, the names of all are one text."""
        if not (self.config.actions and reply.actions and isinstance(env.action_space, gymnasium.spaces.Text)):
            return reply.actions
        return (", ".join(map(self.action_name, reply.actions)),)

    def env_action(self, action: Any) -> Any:
        """Return an action of `actions_of` in the form that `env.step` takes."""
        return np.array(action) if self.config.in_parts and not isinstance(action, str) else action

    def labelled(self, action: Any, feedback: str) -> str:
        """Return the feedback on an action of `actions_of`, after the action's name unless the feedback has it."""
        name = self.action_name(action)
        return feedback if self.config.actions and isinstance(action, str) else f"{name}: {feedback}"

    def succeeded(self, outcome: Outcome, env_return: float) -> bool:
        """Return True if an episode with return `env_return` meets the task's success criterion."""
        rule = self.config.success
        if rule == "info":
            return bool(outcome.info.get("success", False))
        if rule == "terminated":
            return outcome.terminated
        bound = SUCCESS.fullmatch(rule)
        assert bound is not None  # validated by TaskConfig
        least = float(bound[2])
        return env_return >= least if bound[1] == ">=" else env_return > least

    def score(self, info: dict[str, Any]) -> float | None:
        """Return the benchmark's own score so far, or None if the task has no score or its value is NaN."""
        entry = self.config.score
        if not entry:
            return None
        number = _number(info.get(entry))
        if number is None:
            raise ValueError(f"task {self.name}: score: {self.config.id} has no number {entry!r} in its info")
        return None if math.isnan(number) else number

    def expert_thought(self, env: gymnasium.Env[Any, Any], form: str) -> str:
        """Return the reasoning of the environment's expert in a form of `TaskConfig.think`, for the current state.

        Raises:
            ValueError: The expert cannot write this form.
        """
        write: Any = getattr(env.unwrapped, "expert_thought", None)
        try:
            return str(write(form))
        except (TypeError, KeyError):
            raise ValueError(
                f"task {self.name}: think={form} needs expert_thought({form!r}) of {self.config.id}"
            ) from None

    def transcript(self, env: gymnasium.Env[Any, Any]) -> str | None:
        """Return the true transcript of the current state, or None if the task asks for none.

        Work on a question without a picture has no transcript.

        Raises:
            ValueError: The task asks for a transcript alone or rewards it, and the expert cannot write it.
        """
        if not self.config.transcribes:
            return None
        try:
            return self.expert_thought(env, "transcript")
        except ValueError:
            if self.config.think == "transcript" or self.config.transcript_reward:
                raise
            return None

    def action_name(self, action: Any) -> str:
        """Return an env action in the form used in an answer."""
        if isinstance(action, str):
            return action
        if self.config.in_parts:
            return "+".join(part[int(index)] for part, index in zip(self.config.action_parts, action, strict=True))
        return str(self.config.actions[int(action)]) if self.config.actions else str(action)


def _number(value: Any) -> float | None:
    """Return a Python or NumPy number, also in an array with one element, as a float. None for anything else."""
    try:
        array = np.asarray(value)
        return float(array.item()) if array.dtype.kind in "biuf" and array.size == 1 else None
    except ValueError:  # a list of unequal lengths
        return None


def state_hash(observation: Any, info: dict[str, Any]) -> str:
    """Return the environment's own state hash or, if it has none, a hash of the observation."""
    own = info.get("state_hash")
    return digest(observation if own is None else own) if own is None or has_array(own) else str(own)
