"""PettingZoo envs, turn-based (AEC) and parallel, with one interface."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import gymnasium
import numpy as np

from configs.errors import install_command

PREFIX: Final = "pettingzoo:"
"""Start of the id of a task on a PettingZoo env. The name of its module follows."""
MASK: Final = "action_mask"
"""Key of the legal actions in the observation or the info of an agent, as in `pettingzoo.classic`."""


@dataclass(frozen=True)
class View:
    """What an agent receives."""

    observation: Any
    info: dict[str, Any]
    legal: tuple[int, ...] | None
    """Legal actions, or None if the env has no mask. Empty while another agent acts."""


class Game(Protocol):
    """A PettingZoo env. Agents are named as in the env."""

    env: Any
    agents: list[str]
    """All agents, in order."""

    def reset(self, seed: int | None) -> None:
        """Start a game."""
        ...

    @property
    def acting(self) -> list[str]:
        """Agents whose actions the next step needs. Empty when the game is over."""
        ...

    @property
    def truncated(self) -> bool:
        """True if a limit ended the game."""
        ...

    def step(self, actions: Mapping[str, Any]) -> dict[str, float]:
        """Play the actions of all acting agents and return the rewards by agent."""
        ...

    def view(self, agent: str) -> View:
        """Return what an agent sees now."""
        ...


class TurnGame:
    """Turn-based env (`AECEnv`): one agent acts at a time."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.agents = list(env.possible_agents)

    def reset(self, seed: int | None) -> None:
        """Start a game."""
        self.env.reset(seed=seed)

    @property
    def acting(self) -> list[str]:
        """The agent whose turn it is."""
        return [] if self._over else [self.env.agent_selection]

    @property
    def truncated(self) -> bool:
        """True if a limit ended the game."""
        return self._over and any(self.env.truncations.values())

    @property
    def _over(self) -> bool:
        return all(self._ended(agent) for agent in self.env.agents)

    def _ended(self, agent: str) -> bool:
        return bool(self.env.terminations[agent] or self.env.truncations[agent])

    def step(self, actions: Mapping[str, Any]) -> dict[str, float]:
        """Play the action of the agent whose turn it is. Agents that are out of the game are passed over."""
        self.env.step(actions[self.env.agent_selection])
        rewards = {agent: float(reward) for agent, reward in self.env.rewards.items()}
        while not self._over and self._ended(self.env.agent_selection):
            self.env.step(None)
        return rewards

    def view(self, agent: str) -> View:
        """Return what an agent sees now."""
        return _view(self.env.observe(agent), self.env.infos.get(agent, {}))


class ParallelGame:
    """Env in which all agents act at the same time (`ParallelEnv`)."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.agents = list(env.possible_agents)
        self._views: dict[str, View] = {}
        self._truncated = False

    def reset(self, seed: int | None) -> None:
        """Start a game."""
        self._truncated = False
        self._keep(*self.env.reset(seed=seed))

    @property
    def acting(self) -> list[str]:
        """The agents that are still in the game."""
        return list(self.env.agents)

    @property
    def truncated(self) -> bool:
        """True if a limit ended the game."""
        return self._truncated

    def step(self, actions: Mapping[str, Any]) -> dict[str, float]:
        """Play the actions of all agents."""
        observations, rewards, _, truncated, infos = self.env.step(dict(actions))
        self._keep(observations, infos)
        self._truncated = not self.env.agents and any(truncated.values())
        return {agent: float(reward) for agent, reward in rewards.items()}

    def view(self, agent: str) -> View:
        """Return what an agent saw last."""
        return self._views[agent]

    def _keep(self, observations: Mapping[str, Any], infos: Mapping[str, dict[str, Any]]) -> None:
        self._views |= {agent: _view(seen, infos.get(agent, {})) for agent, seen in observations.items()}


def make_game(id: str, render_mode: str | None, kwargs: Mapping[str, Any]) -> Game:
    """Return a new game.

    Args:
        id: `pettingzoo:MODULE`. The module has `env(...)` (AEC) or `parallel_env(...)`, as all modules of PettingZoo.
        render_mode: Passed to the env.
        kwargs: Arguments of the env.

    Raises:
        ValueError: The module cannot be imported, has no env, or does not accept the arguments (one line).
    """
    name = id.removeprefix(PREFIX)
    if importlib.util.find_spec("pettingzoo") is None:
        raise ValueError(f"{id} needs PettingZoo: {install_command('pettingzoo')}")
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise ValueError(f"{id} cannot be imported: {error}") from error
    make = getattr(module, "env", None) or getattr(module, "parallel_env", None)
    if make is None:
        raise ValueError(f"{id}: the module has neither env() nor parallel_env()")
    try:
        env = make(render_mode=render_mode, **kwargs)
    except TypeError as error:
        raise ValueError(f"{id} does not accept these kwargs: {error}") from error
    return TurnGame(env) if hasattr(env, "agent_iter") else ParallelGame(env)


def _view(observation: Any, info: Mapping[str, Any]) -> View:
    """Separate an observation from its mask of legal actions."""
    mask = info.get(MASK)
    if isinstance(observation, dict) and MASK in observation:
        mask = observation[MASK]
        rest = {key: part for key, part in observation.items() if key != MASK}
        observation = rest["observation"] if rest.keys() == {"observation"} else rest
    legal = None if mask is None else tuple(np.flatnonzero(mask).tolist())
    return View(observation, {key: value for key, value in info.items() if key != MASK}, legal)


def unmasked(space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
    """Return the space of the observations of `View`, without the mask."""
    if not isinstance(space, gymnasium.spaces.Dict) or MASK not in space.keys():
        return space
    rest = {key: part for key, part in space.items() if key != MASK}
    return rest["observation"] if rest.keys() == {"observation"} else gymnasium.spaces.Dict(rest)
