"""Many games in one process: the vector entry points of our envs.

`BatchEnv` is for games that are advanced by one compiled call for all records; `one_by_one` is for envs whose step
costs next to nothing. Both give what Gymnasium's `SyncVectorEnv` over the single envs gives.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.seeding import np_random
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray


class BatchEnv(VectorEnv[Any, Any, Any]):
    """N games side by side; an episode that has ended starts anew at the next step (`AutoresetMode.NEXT_STEP`).

    A game gives `begin` (start some of them), `play` (one step of those that are going), `look` and `tell`.
    """

    metadata: dict[str, Any] = {
        "render_modes": ["rgb_array"], "render_fps": 10, "autoreset_mode": AutoresetMode.NEXT_STEP
    }  # fmt: skip

    def __init__(
        self,
        num_envs: int,
        observation_space: gymnasium.Space[Any],
        action_space: gymnasium.Space[Any],
        render_mode: str | None = None,
    ) -> None:
        """Spaces are those of a single env; ValueError where there would be no env."""
        if num_envs < 1:
            raise ValueError(f"num_envs must be at least 1, got {num_envs}")
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"many envs at once have render_mode rgb_array or None, got {render_mode!r}")
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.single_observation_space = observation_space
        self.single_action_space = action_space
        self.observation_space = batch_space(observation_space, num_envs)
        self.action_space = batch_space(action_space, num_envs)
        self.generators: list[np.random.Generator] = [np_random()[0] for _ in range(num_envs)]
        self._ended = np.zeros(num_envs, np.bool_)
        self._everybody = np.ones(num_envs, np.bool_)
        self._everybody.setflags(write=False)

    @abstractmethod
    def begin(self, index: int, generator: np.random.Generator) -> None:
        """Start game `index` anew, as the single env's reset does with its `np_random`."""

    @abstractmethod
    def play(
        self, actions: Any, going: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """One step of the games that are `going` [N]; the others stay as they are.

        Returns: rewards [N] (0 where not going), terminated [N] and truncated [N] (False where not going), all fresh.
        """

    @abstractmethod
    def look(self) -> Any:
        """The observations of all games, a fresh batch of the single observation space."""

    @abstractmethod
    def tell(self) -> dict[str, Any]:
        """What the single envs' `info` holds: key → a sequence of N values."""

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start all games; an integer seed gives game i the seed `seed + i`."""
        if isinstance(seed, int):
            seed = range(seed, seed + self.num_envs)
        seeds = [None] * self.num_envs if seed is None else list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds for {self.num_envs} envs")
        for index, own in enumerate(seeds):
            if own is not None:
                self.generators[index], _ = np_random(own)
            self.begin(index, self.generators[index])
        self._ended[:] = False
        return self.look(), self._infos()

    def step(
        self, actions: Any
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """One step of each game; after an episode's end the action is not played, and a new one starts."""
        rewards, terminated, truncated = self.play(actions, ~self._ended)
        for index in np.flatnonzero(self._ended).tolist():
            self.begin(index, self.generators[index])
        self._ended = terminated | truncated
        return self.look(), rewards, terminated, truncated, self._infos()

    def _infos(self) -> dict[str, Any]:
        """Gymnasium's form: beside every key a mask of the envs that have it."""
        infos = self.tell()
        return infos | {f"_{key}": self._everybody for key in infos}


def _single_envs(id: str, num_envs: int, **kwargs: Any) -> SyncVectorEnv:
    return SyncVectorEnv([partial(gymnasium.make, id, **kwargs)] * num_envs)


def one_by_one(id: str) -> Callable[..., SyncVectorEnv]:
    """A vector entry point for a registered env, stepped one after another in this process."""
    return partial(_single_envs, id)
