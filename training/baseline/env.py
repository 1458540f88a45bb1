"""The task of a language model as an env for PPO, with the same images, actions, turns and success rule."""

from contextlib import closing
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from agents.episodes.starts import TRAIN_SEEDS
from agents.seeds import mix
from configs.errors import UserError
from envs.task.config import TaskConfig
from envs.task.task import Outcome, Task
from training.baseline.config import BaselineConfig

FOOTBALL = "kickoff/Football-v0"
PATCH = 7
"""Side of the CNN's input patches, in pixels."""
BATCH_BYTES = 512 * 2**20
"""Maximum bytes of the observations of one update. RLlib holds several copies of them."""


class BaselineEnv(gymnasium.Env[Any, Any]):
    """A `Task` as a Gymnasium env with one action per turn.

    An episode is truncated after the task's `max_turns`. The training starts never overlap with held-out seeds. The
    info of the last step has the `success`, the `reward` (the sum that PPO received) and the `turns` of the episode.

    Args:
        task: Task created by `training_task`.
        config: Settings of observation and reward.
        done: Number of decisions before the first episode. Together with the seed of reset(), it determines the starts.
    """

    def __init__(self, task: Task, config: BaselineConfig, done: int = 0) -> None:
        self.task = task
        self.config = config
        self.done = done
        self.env = task.make()
        self.actions = available_actions(task.config)
        self.action_space = spaces.Discrete(len(self.actions))
        self.observation_space = self.env.observation_space
        if config.observation == "pixels":
            frame = self._see(*self.env.reset(seed=0))
            self.observation_space = spaces.Box(0, 255, frame.shape, np.uint8)
        self.turns, self.paid, self.env_return = 0, 0.0, 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode at the next start."""
        super().reset(seed=None if seed is None else mix(seed, self.done))
        self.turns, self.paid, self.env_return = 0, 0.0, 0.0
        return self._see(*self.env.reset(seed=int(self.np_random.integers(TRAIN_SEEDS)))), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Apply one action."""
        observation, reward, terminated, truncated, info = self.task.step(self.env, self.actions[int(action)])
        self.turns += 1
        self.env_return += reward
        truncated = truncated or self.turns >= self.task.config.max_turns
        over = terminated or truncated
        success = over and self.task.succeeded(
            Outcome(observation, info, reward, terminated, truncated, ""), self.env_return
        )
        if self.config.reward == "success":
            reward = float(success)
        self.paid += reward
        end = {"success": success, "reward": self.paid, "turns": self.turns} if over else {}
        return self._see(observation, info), reward, terminated, truncated and not terminated, end

    def close(self) -> None:
        """Close the env of the task."""
        self.env.close()

    def _see(self, observation: Any, info: dict[str, Any]) -> Any:
        if self.config.observation == "pixels":
            return self.task.observe(self.env, observation, info).image
        return observation


def available_actions(task: TaskConfig) -> list[int]:
    """Return the env actions that the task offers."""
    return [index for index, name in enumerate(task.actions) if name]


def training_task(config: BaselineConfig, task: TaskConfig) -> Task:
    """Return the task used for PPO training.

    Observations and rewards may differ from `task`. The game, its starts and the success rule are the same.

    Args:
        config: Config of the baseline.
        task: Settings of the language model's task.

    Raises:
        UserError: PPO cannot train on the task (one-line message).
    """
    name = config.task_name
    if task.in_parts or not task.actions:
        kind = "several actions at once" if task.in_parts else "a text answer"
        raise UserError(f"task {name} expects {kind}, but the baseline needs a game with one list of actions")
    if not task.image and config.observation == "pixels":
        raise UserError(f"task {name} has no images, but observation=pixels needs them; set env.image=true")
    kwargs: dict[str, Any] = dict(task.kwargs)
    if config.observation != "pixels":
        if task.id != FOOTBALL:
            raise UserError(
                f"observation={config.observation} needs football, but task {name} is {task.id}; use pixels"
            )
        kwargs["observation"] = config.observation
    if task.id == FOOTBALL and config.reward == "return" and not task.success.startswith("return"):
        kwargs.setdefault("rewards", "scoring,checkpoints")  # unless success depends on the rewards
    values = vars(task) | {"kwargs": kwargs}
    if config.observation != "pixels":
        values |= {"image": False, "caption": True}  # avoids drawing frames
    return Task(name, TaskConfig(**values))


def observation_space(task: Task, config: BaselineConfig) -> spaces.Space[Any]:
    """Return the space of the observations of PPO."""
    with closing(BaselineEnv(task, config)) as env:
        return env.observation_space


def check_observations(config: BaselineConfig, task: Task) -> None:
    """Raise UserError if an update's observations are too large or the frames too small for the network."""
    space = observation_space(task, config)
    shape, kind = space.shape or (), space.dtype
    size = "x".join(map(str, shape))
    if config.observation == "pixels" and min(shape[:2]) < PATCH:
        raise UserError(
            f"images of {size} are smaller than the CNN's patches of {PATCH}x{PATCH}; set env.image_size=[84,84]"
        )
    taken = config.batch * int(np.prod(shape)) * np.dtype(kind).itemsize
    if taken > BATCH_BYTES:
        mend = "env.image_size=[84,84], or a smaller batch" if config.observation == "pixels" else "a smaller batch"
        raise UserError(f"{config.batch} observations of {size} take {taken / 1e9:.1f} GB; set {mend}")
