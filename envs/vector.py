"""Vector environments that run in one process.

`BatchEnv` is for games in which one compiled call advances all instances. `one_by_one` is for environments with a
negligible step cost. Both match the results of Gymnasium's `SyncVectorEnv` over the single environments.
"""

from abc import abstractmethod
from collections import UserString
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.seeding import np_random
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray


class BatchEnv(VectorEnv[Any, Any, Any]):
    """N games stepped as one batch. A finished game restarts at the next step (`AutoresetMode.NEXT_STEP`).

    A subclass implements `begin` (start one game), `play` (step the running games), `look` (observations) and `tell`
    (infos).
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
        """Set up the batched spaces and one generator per game.

        Args:
            num_envs: Number of games N, at least 1.
            observation_space: Observation space of a single environment.
            action_space: Action space of a single environment.
            render_mode: "rgb_array" or None.

        Raises:
            ValueError: `num_envs` is below 1, or `render_mode` is not supported.
        """
        if num_envs < 1:
            raise ValueError(f"num_envs must be at least 1, got {num_envs}")
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"a vector env supports render_mode rgb_array or None, got {render_mode!r}")
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
        """Start a new episode of game `index`, as the single environment's reset does with its `np_random`."""

    @abstractmethod
    def play(
        self, actions: Any, going: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Step the running games and leave the others unchanged.

        Args:
            actions: One action per game [N].
            going: Mask of the running games [N].

        Returns:
            New arrays: rewards [N] (0 if not running), terminated [N] and truncated [N] (False if not running).
        """

    @abstractmethod
    def look(self) -> Any:
        """Return the observations of all games as a new batch of the single observation space."""

    @abstractmethod
    def tell(self) -> dict[str, Any]:
        """Return the infos of all games: key → an array of N values, as of Gymnasium's vector environments."""

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start new episodes in all games. With an integer seed, game i gets the seed `seed + i`."""
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
        """Step each game. After the end of an episode, a game ignores its action and starts a new episode."""
        rewards, terminated, truncated = self.play(actions, ~self._ended)
        for index in np.flatnonzero(self._ended).tolist():
            self.begin(index, self.generators[index])
        self._ended = terminated | truncated
        return self.look(), rewards, terminated, truncated, self._infos()

    def _infos(self) -> dict[str, Any]:
        """Return the infos in Gymnasium's format, with a mask per key of the games that have it."""
        infos = self.tell()
        return infos | {f"_{key}": self._everybody for key in infos}


class LazyText(UserString):
    """Text that is computed on first use."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    @cached_property
    def data(self) -> str:  # type: ignore[override]
        """The text."""
        return self._make()

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Copy and pickle as a plain text."""
        return str, (self.data,)


class LazyTexts(np.ndarray[Any, np.dtype[np.object_]]):
    """Object array [N] of texts that are computed on access. An element is a `str`, as in any vector environment.

    NumPy functions see the elements as `LazyText`, which compares and formats as its text.
    """

    def __new__(cls, texts: Sequence[str]) -> "LazyTexts":
        """Create an array of a sequence that computes its elements."""
        array = np.empty(len(texts), np.object_)
        for index in range(len(texts)):
            array[index] = LazyText(partial(texts.__getitem__, index))
        return array.view(cls)

    def __getitem__(self, index: Any) -> Any:
        """Return an element as `str`, or a part of the array."""
        found = super().__getitem__(index)
        return str(found) if isinstance(found, LazyText) else found

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the elements as `str`."""
        return (self[index] for index in range(len(self)))

    def tolist(self) -> list[Any]:
        """Return the elements as a list of `str`."""
        return list(self)


def _single_envs(id: str, num_envs: int, **kwargs: Any) -> SyncVectorEnv:
    return SyncVectorEnv([partial(gymnasium.make, id, **kwargs)] * num_envs)


def one_by_one(id: str) -> Callable[..., SyncVectorEnv]:
    """Return a vector entry point that steps copies of a registered environment in sequence, in this process."""
    return partial(_single_envs, id)


# Named, so that a registration holds them as text and can be saved as JSON.
Arithmetic = one_by_one("kickoff/Arithmetic-v0")
Algebra = one_by_one("kickoff/Algebra-v0")
Geometry = one_by_one("kickoff/Geometry-v0")
Questions = one_by_one("kickoff/Questions-v0")
Reasoning = one_by_one("kickoff/Reasoning-v0")
Twins = one_by_one("kickoff/Twins-v0")
Visual = one_by_one("kickoff/Visual-v0")
