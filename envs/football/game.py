"""Validated settings and shared logic of `kickoff/Football-v0`, used by the single and the vector env."""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.football.engine.match import MAX_PLAYERS, RUNNING, Action, Matches
from envs.football.observations import Observer, mirrored
from envs.football.play import HOLD, play
from envs.football.rewards import LEDGER, REWARDS, Ledgers
from envs.football.scenarios import find, start
from envs.football.scene import Seats
from envs.football.words import describe, feedback

ACTIONS: Final = len(Action)
_LEGAL: Final = list(range(ACTIONS))


class Game:
    """Env logic for a batch of matches: start, decisions, observations and infos."""

    def __init__(
        self,
        scenario: str,
        observation: str,
        image_size: tuple[int, int],
        camera: str,
        frame_skip: int,
        hold_until_changed: bool,
        control: int | Sequence[int],
        difficulty: float | None,
        start_noise: float,
        rewards: str,
    ) -> None:
        """Validate the arguments of `FootballEnv`, and raise a ValueError for invalid ones."""
        if rewards not in REWARDS:
            raise ValueError(f"unknown rewards {rewards!r}. Known: {' | '.join(REWARDS)}")
        if not isinstance(frame_skip, int) or frame_skip < 1:
            raise ValueError(f"frame_skip must be a whole number of at least 1, got {frame_skip!r}")
        if difficulty is not None and not 0.0 <= difficulty <= 1.0:
            raise ValueError(f"difficulty must be between 0 and 1, got {difficulty}")
        if not 0.0 <= start_noise <= 0.5:
            raise ValueError(f"start_noise must be between 0 and 0.5, got {start_noise}")
        self.scenario, self.kind = find(scenario), scenario
        players = len(self.scenario.left), len(self.scenario.right)
        self.controlled = _controlled(control, players)
        alone = self.controlled == (1, 0)
        if not alone and (rewards == "magebench" or hold_until_changed):
            name = "hold_until_changed" if hold_until_changed else "rewards='magebench'"
            raise ValueError(f"{name} is for one left player: use control=1, not control={control!r}")
        self.frame_skip = frame_skip
        self.difficulty = self.scenario.difficulty[1] if difficulty is None else difficulty
        self.start_noise = start_noise
        self.hold = hold_until_changed
        self.longest = max(frame_skip, HOLD) if hold_until_changed else frame_skip
        """Maximum number of steps per decision."""
        self.seats: Seats = np.array(
            [(team, slot) for team, count in enumerate(self.controlled) for slot in range(count)], np.int64
        )
        self._kind = REWARDS.index(rewards)
        size = frame_size("image_size", image_size)
        self.observer = Observer(observation, self.seats, players, self.scenario.steps, size, camera)
        self.action_space: spaces.Space[Any] = spaces.Discrete(ACTIONS)
        if len(self.seats) > 1:
            self.action_space = spaces.MultiDiscrete([ACTIONS] * len(self.seats))

    def start(self, generator: np.random.Generator) -> tuple[Matches, Ledgers]:
        """Return a new match and its empty reward ledger, as arrays of one record each."""
        matches = start(self.scenario, generator, self.start_noise, self.difficulty, self.controlled)
        return matches, np.zeros(1, LEDGER)

    def keys(self, actions: Any, number: int) -> NDArray[np.int64]:
        """Convert the actions of the seats, given in each seat's view, to screen directions [N, 2, 11].

        Raises:
            ValueError: If the number, type or range of the actions is wrong.
        """
        given = np.asarray(actions)
        if given.size != number * len(self.seats) or given.dtype.kind not in "iu":
            raise ValueError(f"{len(self.seats)} whole numbers from 0 to {ACTIONS - 1} form an action, got {actions!r}")
        given = given.astype(np.int64).reshape(number, -1)
        if (given.view(np.uint64) >= ACTIONS).any():  # as unsigned, negative numbers are large
            raise ValueError(f"action must be one of 0 to {ACTIONS - 1}, got {actions!r}")
        keys = np.zeros((number, 2, MAX_PLAYERS), np.int64)
        left, right = self.controlled
        keys[:, 0, :left] = given[:, :left]
        if right:
            keys[:, 1, :right] = mirrored(given[:, left:])
        return keys

    def play(
        self, matches: Matches, ledgers: Ledgers, keys: NDArray[np.int64], going: NDArray[np.bool_], reel: Matches
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Play one decision in N matches.

        Args:
            matches: [N] match records, changed in place.
            ledgers: [N] reward ledgers, changed in place.
            keys: [N, 2, 11] action of each slot, as returned by `keys`.
            going: [N] mask of the active matches.
            reel: Filled with the first match after each step, unless its length is 0.

        Returns:
            Rewards [N, K] of the seats and number of steps played [N].
        """
        rewards = np.zeros((len(matches), len(self.seats)))
        played = play(matches, ledgers, keys, going, self.frame_skip, self.hold, self._kind, self.seats, rewards, reel)
        return rewards, played

    def reward(self, rewards: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the env reward [N]: the mean over the left team's seats, or else the right team's."""
        count = self.controlled[0] or self.controlled[1]  # left seats are first
        own: NDArray[np.float64] = rewards[:, :count].sum(axis=1) / count
        return own

    def text(self, m: Any) -> str:
        """Return the state as text, in the first seat's view."""
        team, slot = self.seats[0].tolist()
        return describe(m, team, slot)

    def feedback(self, m: Any, played: Any) -> str:
        """Return feedback on the last decision, in the view of the first seat's team."""
        return feedback(m, int(self.seats[0, 0]), int(played))

    def info(
        self, matches: Matches, ledgers: Ledgers, rewards: NDArray[np.float64], played: NDArray[np.int64]
    ) -> dict[str, Any]:
        """Return the `info` of one match, as documented in `FootballEnv`.

        Args:
            matches: [1] match record.
            ledgers: [1] reward ledger.
            rewards: [1, K] rewards of the last decision.
            played: [1] number of steps in the last decision.
        """
        m = matches[0]
        score = m["score"].tolist()
        team, slot = self.seats[0].tolist()
        info = {
            "success": bool(_success(score, team, m["ended"], m["end_on_score"])),
            "kind": self.kind,
            "text": self.text(m),
            "legal_actions": list(_LEGAL),
            "state_hash": state_hash(matches, ledgers),
            "feedback": self.feedback(m, played[0]),
            "score": tuple(score),
            "ball_owned_team": int(m["ball_owned_team"]),
            "active": int(m["slot"][team, slot]),
            "steps_left": int(m["steps_left"]),
            "game_mode": int(m["game_mode"]),
            "magebench": float(ledgers[0]["magebench"]),
        }
        return info if len(self.seats) == 1 else info | {"rewards": rewards[0]}

    def infos(
        self, matches: Matches, ledgers: Ledgers, rewards: NDArray[np.float64], played: NDArray[np.int64]
    ) -> dict[str, Any]:
        """Return the infos of N matches: for each key, a sequence of length N. Texts and hashes are lazy.

        Args:
            matches: [N] match records.
            ledgers: [N] reward ledgers.
            rewards: [N, K] rewards of the last decision.
            played: [N] number of steps in the last decision.
        """
        matches, ledgers, rewards, played = matches.copy(), ledgers.copy(), rewards.copy(), played.copy()
        team, slot = self.seats[0].tolist()
        number = len(matches)
        infos = {
            "success": _success(matches["score"].T, team, matches["ended"], matches["end_on_score"]),
            "kind": [self.kind] * number,
            "text": Lazy(number, lambda index: self.text(matches[index])),
            "legal_actions": [list(_LEGAL)] * number,
            "state_hash": Lazy(number, lambda i: state_hash(matches[i : i + 1], ledgers[i : i + 1])),
            "feedback": Lazy(number, lambda index: self.feedback(matches[index], played[index])),
            "score": [tuple(pair) for pair in matches["score"].tolist()],
            "ball_owned_team": matches["ball_owned_team"],
            "active": matches["slot"][:, team, slot],
            "steps_left": matches["steps_left"],
            "game_mode": matches["game_mode"],
            "magebench": ledgers["magebench"],
        }
        return infos if len(self.seats) == 1 else infos | {"rewards": rewards}


class Lazy(Sequence[Any]):
    """A sequence that computes its values on access."""

    def __init__(self, length: int, make: Any) -> None:
        """Create a sequence of `length` values, computed by `make(index)`."""
        self._length, self._make = length, make

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        """Return one value, or a list of values for a slice."""
        chosen = range(self._length)[index]
        return [self._make(one) for one in chosen] if isinstance(chosen, range) else self._make(chosen)


def _success(score: Any, team: int, ended: Any, end_on_score: Any) -> Any:
    """Return True if the first seat's team has scored, or has won where goals do not end the match. Accept arrays."""
    own, other = score[team], score[1 - team]
    return ((own > 0) & (end_on_score > 0)) | ((own > other) & (end_on_score == 0) & (ended != RUNNING))


def state_hash(matches: Matches, ledgers: Ledgers) -> str:
    """Return a hash of the complete state of one env."""
    return hashlib.blake2b(matches.tobytes() + ledgers.tobytes(), digest_size=16).hexdigest()


def _controlled(control: Any, players: tuple[int, int]) -> tuple[int, int]:
    """Return the number of controlled players of the left and of the right team."""
    pair = (control, 0) if isinstance(control, int) else control
    fine = isinstance(pair, (tuple, list)) and len(pair) == 2 and all(type(count) is int for count in pair)
    if not fine or not all(0 <= count <= most for count, most in zip(pair, players, strict=True)) or sum(pair) < 1:
        raise ValueError(
            f"control must be a number of left players or (left, right), at least one and at most {players} here, "
            f"got {control!r}"
        )
    return pair[0], pair[1]


def frame_size(name: str, size: Any) -> tuple[int, int]:
    """Return `size` as a (height, width) tuple. Accept a list, as YAML gives."""
    if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(isinstance(side, int) for side in size):
        raise ValueError(f"{name} must be two whole numbers, (height, width), got {size!r}")
    return size[0], size[1]
