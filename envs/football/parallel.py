"""Football as a PettingZoo parallel env: one agent per controlled player, on one side or both."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from configs.errors import install_command
from envs.football.env import FootballEnv
from envs.football.game import ACTIONS

try:
    from pettingzoo import ParallelEnv
except ImportError:
    raise ImportError(f"FootballParallelEnv needs PettingZoo: {install_command('pettingzoo')}") from None

Given = tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]
"""Observation, reward, terminated, truncated and info, each keyed by agent."""


class FootballParallelEnv(ParallelEnv):  # type: ignore[misc]
    """`kickoff/Football-v0` for several agents, named `left_1`, `left_2`, …, `right_1`, ….

    The arguments are those of `FootballEnv`. `control` is the number of agents of the left team, or of (left, right).
    All agents act at the same time. Observations, actions and texts are rotated so that each agent attacks to the
    right. Each agent has the spaces and the `info` of the single env, with its own `success`, `text`, `feedback`,
    `active` and reward. A match ends for all agents at once.
    """

    metadata: dict[str, Any] = FootballEnv.metadata | {"name": "kickoff_football_v0", "is_parallelizable": True}

    def __init__(
        self,
        scenario: str = "5_vs_5",
        control: int | Sequence[int] = (1, 1),
        render_mode: str | None = None,
        **settings: Any,
    ) -> None:
        self.env = FootballEnv(scenario, control=control, render_mode=render_mode, **settings)
        self.render_mode = render_mode
        seats = self.env.game.seats
        self.possible_agents = [f"{('left', 'right')[team]}_{slot + 1}" for team, slot in seats.tolist()]
        self.agents: list[str] = []
        self._views = [copy.copy(self.env.game) for _ in seats]
        for view, seat in zip(self._views, seats, strict=True):
            view.seats = seat[None]  # its infos are those of this seat
        every = self.env.observation_space
        own = [every] if len(seats) == 1 else [_space(every, index) for index in range(len(seats))]
        self._observation_spaces = dict(zip(self.possible_agents, own, strict=True))
        self._action_spaces: dict[str, spaces.Space[Any]] = {
            agent: spaces.Discrete(ACTIONS) for agent in self.possible_agents
        }

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return the observation space of an agent."""
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return the action space of an agent: the 19 actions."""
        return self._action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Start a match, which is determined by the seed."""
        seen, _ = self.env.reset(seed=seed, options=options)
        self.agents = list(self.possible_agents)
        return self._by_agent(seen), self._infos(np.zeros((1, len(self.agents))), 0)

    def step(self, actions: Mapping[str, Any]) -> Given:
        """Play one action of each agent.

        Raises:
            ValueError: If an action is missing or belongs to no agent, or if no match is in progress.
        """
        if not self.agents:
            raise ValueError("no match is in progress (it has ended or has not started): call reset()")
        if actions.keys() != set(self.agents):
            raise ValueError(f"actions must include each of {', '.join(self.agents)}, got {dict(actions)}")
        agents, begun = self.agents, int(self.env.matches[0]["steps"])
        chosen = np.array([actions[agent] for agent in agents])
        seen, reward, terminated, truncated, info = self.env.step(chosen)
        rewards = np.reshape(info.get("rewards", reward), (1, -1))
        if terminated or truncated:
            self.agents = []
        return (
            self._by_agent(seen),
            dict(zip(agents, rewards[0].tolist(), strict=True)),
            dict.fromkeys(agents, terminated),
            dict.fromkeys(agents, truncated),
            self._infos(rewards, int(self.env.matches[0]["steps"]) - begun),
        )

    def render(self) -> Any:
        """Return the frame, or the list of frames since the last call, depending on `render_mode`."""
        return self.env.render()

    def close(self) -> None:
        """Close the window if it is open."""
        self.env.close()

    def expert_action(self, agent: str) -> int:
        """Return the expert's action for an agent in the current state."""
        actions = np.atleast_1d(self.env.expert_action())
        return int(actions[self.possible_agents.index(agent)])

    def _by_agent(self, seen: Any) -> dict[str, Any]:
        views = [seen] if len(self.possible_agents) == 1 else seen
        return dict(zip(self.possible_agents, views, strict=True))

    def _infos(self, rewards: NDArray[np.float64], played: int) -> dict[str, dict[str, Any]]:
        """Return the info of each agent after a decision of `played` steps with rewards [1, K]."""
        state = self.env.matches, self.env.ledgers
        told = [view.info(*state, rewards[:, i : i + 1], np.array([played])) for i, view in enumerate(self._views)]
        return dict(zip(self.possible_agents, told, strict=True))


parallel_env = FootballParallelEnv
"""The env by the name that PettingZoo's modules use."""


def _space(every: spaces.Space[Any], index: int) -> spaces.Space[Any]:
    """Return the observation space of one agent from the space of all agents."""
    if isinstance(every, spaces.Tuple):
        return every.spaces[index]
    assert isinstance(every, spaces.Box)
    return spaces.Box(every.low[index], every.high[index], dtype=every.dtype.type)  # type: ignore[arg-type, union-attr]
