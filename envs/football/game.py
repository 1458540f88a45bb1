"""What the arguments of `kickoff/Football-v0` mean, checked once: used by the single env and by many at once."""

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
    """The rules of an env: starts matches, plays decisions, and says what is seen and known."""

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
        """Arguments as in `FootballEnv`; ValueError for what is impossible."""
        if rewards not in REWARDS:
            raise ValueError(f"unknown rewards {rewards!r}. Known: {' | '.join(REWARDS)}")
        if not isinstance(frame_skip, int) or frame_skip < 1:
            raise ValueError(f"frame_skip must be at least 1 and a whole number, got {frame_skip!r}")
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
        """Most steps of a decision."""
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
        """A match at its start and its empty ledger, arrays of one record each."""
        matches = start(self.scenario, generator, self.start_noise, self.difficulty, self.controlled)
        return matches, np.zeros(1, LEDGER)

    def keys(self, actions: Any, number: int) -> NDArray[np.int64]:
        """Actions of the seats, in their own eyes, as [N, 2, 11] on the screen; ValueError for what is no action."""
        given = np.asarray(actions)
        if given.size != number * len(self.seats) or given.dtype.kind not in "iu":
            raise ValueError(f"{len(self.seats)} whole numbers from 0 to {ACTIONS - 1} are an action, got {actions!r}")
        given = given.astype(np.int64).reshape(number, -1)
        if (given.view(np.uint64) >= ACTIONS).any():  # so seen, what is negative is large
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
        """A decision of N matches: the rewards [N, K] of the seats, and the steps [N] that each has played."""
        rewards = np.zeros((len(matches), len(self.seats)))
        played = play(matches, ledgers, keys, going, self.frame_skip, self.hold, self._kind, self.seats, rewards, reel)
        return rewards, played

    def reward(self, rewards: NDArray[np.float64]) -> NDArray[np.float64]:
        """The env's own reward [N]: the mean of the left seats' (of the right's where left has none)."""
        count = self.controlled[0] or self.controlled[1]  # left seats come first
        own: NDArray[np.float64] = rewards[:, :count].sum(axis=1) / count
        return own

    def text(self, m: Any) -> str:
        """The state in words, as the first seat sees it."""
        team, slot = self.seats[0].tolist()
        return describe(m, team, slot)

    def feedback(self, m: Any, played: Any) -> str:
        """What the steps of the last decision brought, as the first seat's team sees it."""
        return feedback(m, int(self.seats[0, 0]), int(played))

    def info(
        self, matches: Matches, ledgers: Ledgers, rewards: NDArray[np.float64], played: NDArray[np.int64]
    ) -> dict[str, Any]:
        """What is known of one match; see `FootballEnv`."""
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
        """The same of N matches, each key a sequence of N; words and hashes are made when they are asked for."""
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
    """A sequence whose values are made when they are asked for."""

    def __init__(self, length: int, make: Any) -> None:
        """`make(index)` gives the value."""
        self._length, self._make = length, make

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        """One value, or a list of them for a slice."""
        chosen = range(self._length)[index]
        return [self._make(one) for one in chosen] if isinstance(chosen, range) else self._make(chosen)


def _success(score: Any, team: int, ended: Any, end_on_score: Any) -> Any:
    """The first seat's team has scored; where goals do not end the game: has won it. Numbers or arrays."""
    own, other = score[team], score[1 - team]
    return ((own > 0) & (end_on_score > 0)) | ((own > other) & (end_on_score == 0) & (ended != RUNNING))


def state_hash(matches: Matches, ledgers: Ledgers) -> str:
    """A hash of the whole state of one env."""
    return hashlib.blake2b(matches.tobytes() + ledgers.tobytes(), digest_size=16).hexdigest()


def _controlled(control: Any, players: tuple[int, int]) -> tuple[int, int]:
    """How many players of the left and of the right are controlled."""
    pair = (control, 0) if isinstance(control, int) else control
    fine = isinstance(pair, (tuple, list)) and len(pair) == 2 and all(type(count) is int for count in pair)
    if not fine or not all(0 <= count <= most for count, most in zip(pair, players, strict=True)) or sum(pair) < 1:
        raise ValueError(
            f"control must be a number of left players or (left, right), at least one and at most {players} here, "
            f"got {control!r}"
        )
    return pair[0], pair[1]


def frame_size(name: str, size: Any) -> tuple[int, int]:
    """(height, width), also from a YAML list."""
    if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(isinstance(side, int) for side in size):
        raise ValueError(f"{name} must be two whole numbers, (height, width), got {size!r}")
    return size[0], size[1]
