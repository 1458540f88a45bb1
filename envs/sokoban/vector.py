"""The vector entry point of `kickoff/Sokoban-v0`: N games, advanced by one call and drawn by another one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.sokoban import rules
from envs.sokoban.games import Games, Settings
from envs.vector import BatchEnv
from render.sokoban import RoomView


class SokobanVectorEnv(BatchEnv):
    """N games, equivalent to N `SokobanEnv` with the same arguments."""

    def __init__(
        self,
        num_envs: int = 1,
        render_mode: str | None = None,
        render_size: tuple[int, int] = (480, 480),
        **settings: Any,
    ) -> None:
        chosen = Settings(**settings)
        super().__init__(num_envs, *chosen.spaces(), render_mode)
        self.games = Games(chosen, num_envs)
        self._seeds: list[int | None] = [None] * num_envs
        self._picture = RoomView(num_envs, *self.games.source.room, render_size) if render_mode else None

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start new episodes in all games. With an integer seed, game i gets the seed `seed + i`."""
        if isinstance(seed, int):
            seed = range(seed, seed + self.num_envs)
        self._seeds = [None] * self.num_envs if seed is None else list(seed)
        return super().reset(seed=seed, options=options)

    def begin(self, index: int, generator: np.random.Generator) -> None:
        """Start a new episode in game `index`."""
        self.games.begin(index, generator, self._seeds[index])
        self._seeds[index] = None

    def play(
        self, actions: Any, going: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Advance the games of the mask `going` by one step. Return rewards, terminated and truncated, each [N]."""
        chosen = np.asarray(actions, np.int64)
        allowed = self.games.settings.actions
        wrong = going & ((chosen < 0) | (chosen >= allowed))
        if wrong.any():
            index = int(np.flatnonzero(wrong)[0])
            raise ValueError(f"action must be one of 0 to {allowed - 1}, got {int(chosen[index])} for env {index}")
        self.games.play(chosen, going)
        terminated, truncated = self.games.ends()
        return self.games.state[:, rules.TENTHS] / 10, terminated & going, truncated & going

    def look(self) -> Any:
        """Return the observations of all games."""
        if self.games.view is None:
            return tuple(self.games.texts())
        return self.games.view.draw(self.games.boards).copy()

    def tell(self) -> dict[str, Any]:
        """Return the infos of the single envs, with an array of length N for each key."""
        return self.games.infos()

    def render(self) -> Any:
        """Return a tuple of N frames, or None without a `render_mode`."""
        if self._picture is None:
            return None
        return tuple(self._picture.draw(self.games.boards).copy())
