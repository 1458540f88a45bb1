"""PettingZoo games for the tests of matches."""

from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv


class Numbers(ParallelEnv):  # type: ignore[misc]
    """Three agents choose a number from 0 to 2 at the same time, four times. The sum of the own numbers is the return.

    The observation is the number of rounds left. Agent c is out of the game after two rounds.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "numbers_v0", "render_modes": []}

    def __init__(self, render_mode: str | None = None, leaves: bool = False) -> None:
        self.possible_agents = ["a", "b", "c"]
        self.leaves = leaves
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> Any:
        return spaces.Discrete(5)

    def action_space(self, agent: str) -> Any:
        return spaces.Discrete(3)

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.agents, self.left = list(self.possible_agents), 4
        return dict.fromkeys(self.agents, np.int64(4)), {agent: {} for agent in self.agents}

    def step(self, actions: Any) -> Any:
        agents, self.left = self.agents, self.left - 1
        assert set(actions) == set(agents)
        ended = {agent: self.left == 0 or (self.leaves and agent == "c" and self.left == 2) for agent in agents}
        self.agents = [agent for agent in agents if not ended[agent]]
        seen = dict.fromkeys(agents, np.int64(self.left))
        rewards = {agent: float(actions[agent]) for agent in agents}
        return seen, rewards, ended, dict.fromkeys(agents, False), {agent: {} for agent in agents}


parallel_env = Numbers
