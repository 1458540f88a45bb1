"""SkyRL-gym 0.4: a task as a text env, with images as content blocks of user messages.

import envs.adapters.skyrl  # registers kickoff
env = skyrl_gym.make("kickoff", extras={"extra_info": {"env": "sokoban", "seed": 0}})
"""

from typing import Any

from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput, ConversationType
from skyrl_gym.envs.registration import register, registry

from configs.errors import UserError, suggest
from envs.adapters.game import open_game

KEYS = ("env", "settings", "seed", "split", "index")
"""Keys of `extra_info`: the task, its `env.k` overrides, and the start."""


class KickoffEnv(BaseTextEnv):  # type: ignore[misc]
    """One episode of a task. `step` takes a whole reply."""

    def __init__(self, env_config: Any = None, extras: dict[str, Any] | None = None) -> None:
        """Open the task.

        Args:
            env_config: Not used.
            extras: Columns of the row in the dataset. `extra_info` has the keys `env`, `settings`, and either `seed`,
                or `split` and `index`.

        Raises:
            UserError: A key or its value is invalid (one line).
        """
        super().__init__()
        start = {key: value for key, value in ((extras or {}).get("extra_info") or {}).items() if value is not None}
        for key in start:
            if key not in KEYS:
                raise UserError(suggest("extra_info", key, KEYS))
        if "env" not in start:
            raise UserError("extra_info: env is missing, such as {'env': 'sokoban', 'seed': 0}")
        self._game = open_game(start.pop("env"), start.pop("settings", {}))
        if self._game.seats > 1:
            raise UserError("extra_info: a text env has one seat; env.kwargs.control must be 1")
        self._start = start
        self._metrics: dict[str, Any] = {}

    def init(self, prompt: ConversationType) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Start the episode and return the messages of `prompt`, followed by the first observation."""
        (view,) = self._game.reset(**self._start)
        self.turns, self.max_turns = 0, view.facts["max_turns"]
        return [*prompt, {"role": "user", "content": view.content}], view.facts

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Play a reply. The last step has no observations."""
        (view,) = self._game.step([action])
        self.turns += 1
        self._metrics = {"success": view.facts["success"], "turns": self.turns}
        observations = [] if view.done else [{"role": "user", "content": view.content}]
        return BaseTextEnvStepOutput(observations=observations, reward=view.reward, done=view.done, metadata=view.facts)

    def close(self) -> None:
        """End the episode."""
        self._game.close()

    def get_metrics(self) -> dict[str, Any]:
        """Return `success` and the number of `turns`."""
        return dict(self._metrics)


if "kickoff" not in registry:
    register(id="kickoff", entry_point="envs.adapters.skyrl:KickoffEnv")
