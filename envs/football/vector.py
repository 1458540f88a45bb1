"""The vector entry point of `kickoff/Football-v0`: many matches in one process."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector.utils import concatenate, create_empty_array
from numpy.typing import NDArray

from envs.football.engine.match import MATCH, RUNNING, TIME_UP
from envs.football.game import Game, Lazy, frame_size
from envs.football.rewards import LEDGER
from envs.football.scene import see
from envs.vector import BatchEnv, LazyTexts
from render.football.camera import PitchCamera

_NO_REEL = np.zeros(0, MATCH)


class FootballVectorEnv(BatchEnv):
    """N matches, advanced by one compiled call per step and drawn by another one.

    The arguments are those of `envs.football.env.FootballEnv`. `render_mode` is "rgb_array" (a tuple of N frames) or
    None. Infos hold an array of length N for each key. `text`, `feedback` and `state_hash` are computed on access.
    """

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str = "academy_run_to_score_with_keeper",
        observation: str = "pixels",
        image_size: tuple[int, int] = (224, 336),
        camera: str = "pitch",
        frame_skip: int = 1,
        hold_until_changed: bool = False,
        control: int | Sequence[int] = 1,
        difficulty: float | None = None,
        start_noise: float = 0.06,
        rewards: str = "scoring",
        render_mode: str | None = None,
        render_size: tuple[int, int] = (480, 720),
    ) -> None:
        self.game = Game(
            *(scenario, observation, image_size, camera, frame_skip, hold_until_changed),
            *(control, difficulty, start_noise, rewards),
        )
        super().__init__(num_envs, self.game.observer.space, self.game.action_space, render_mode)
        self._arrays = observation not in ("raw", "text")
        self._render_camera: PitchCamera | None = None
        if render_mode is not None:
            self._render_camera = PitchCamera(frame_size("render_size", render_size), camera)
        self.matches = np.zeros(num_envs, MATCH)
        self.ledgers = np.zeros(num_envs, LEDGER)
        self._rewards = np.zeros((num_envs, len(self.game.seats)))
        self._played = np.zeros(num_envs, np.int64)

    def begin(self, index: int, generator: np.random.Generator) -> None:
        """Start a new episode in match `index`."""
        self.matches[index : index + 1], self.ledgers[index : index + 1] = self.game.start(generator)
        self._rewards[index], self._played[index] = 0.0, 0

    def play(
        self, actions: Any, going: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Play one decision in the matches of the mask `going`. Return rewards, terminated and truncated, each [N]."""
        keys = self.game.keys(actions, self.num_envs)
        self._rewards, self._played = self.game.play(self.matches, self.ledgers, keys, going, _NO_REEL)
        ended = self.matches["ended"]
        late = ended == TIME_UP
        return self.game.reward(self._rewards), going & ~late & (ended != RUNNING), going & late

    def look(self) -> Any:
        """Return the observations of all matches."""
        seen = self.game.observer.look(self.matches)
        if self._arrays:
            return seen
        space = self.single_observation_space
        return concatenate(space, seen, create_empty_array(space, self.num_envs))

    def tell(self) -> dict[str, Any]:
        """Return the infos of the single envs, with an array of length N for each key."""
        told = self.game.infos(self.matches, self.ledgers, self._rewards, self._played)
        return {key: self._array(values) for key, values in told.items()}

    def _array(self, values: Any) -> NDArray[Any]:
        """Return one entry of the infos as an array, with the dtype of the single env's Python value."""
        if isinstance(values, Lazy):
            return LazyTexts(values)
        if isinstance(values, np.ndarray):
            return values.astype(np.int64) if values.dtype.kind in "iu" else values
        array = np.empty(self.num_envs, np.object_)
        for index, value in enumerate(values):
            array[index] = value
        return array

    def render(self) -> Any:
        """Return a tuple of N frames, or None without a `render_mode`."""
        return None if self._render_camera is None else tuple(self._render_camera.draw(see(self.matches)))
