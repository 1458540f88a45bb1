"""State of N games, shared by the single env and the vector entry point."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from configs.errors import suggest
from envs.sokoban import rules
from envs.sokoban.board import LARGEST, SYMBOLS, UNKNOWN, Level, text_of
from envs.sokoban.levels import Listed, Source, find_source
from envs.task.splits import split_of_seed
from envs.texts import SharedText
from render.sokoban import RoomView

OBSERVATIONS: Final = ("pixels", "text")
DIRECTIONS: Final = ("up", "down", "left", "right")
MOST_STEPS: Final = 120
"""gym-sokoban's maximum number of steps."""
SEEDS: Final = 1 << 29
"""In order, the seed modulo this is the number of the first level. Held-out seeds begin at its multiples."""

_LEGAL: Final = {
    4: [[way for way in range(4) if bits >> way & 1] for bits in range(256)],
    9: [[0, *(way + 1 for way in range(8) if bits >> way & 1)] for bits in range(256)],
}
_SENTENCES: Final = {
    rules.STARTED: "",
    rules.MOVED: "You moved {}.",
    rules.PUSHED: "You pushed a box {}.",
    rules.ONTO_TARGET: "You pushed a box {} onto a target.",
    rules.OFF_TARGET: "You pushed a box {} off its target.",
    rules.BETWEEN_TARGETS: "You pushed a box {} from one target onto another.",
    rules.AT_WALL: "A wall is in the way: nothing moved.",
    rules.BOX_AT_WALL: "The box is against a wall: nothing moved.",
    rules.BOX_AT_BOX: "The box is against another box: nothing moved.",
    rules.AT_BOX: "A box is in the way: nothing moved.",
    rules.WAITED: "You waited.",
}
_64_BITS: Final = 0xFFFFFFFFFFFFFFFF
_LOST: Final = " Dead-lock: a box can no longer reach a target."
_PUSHES: Final = (rules.PUSHED, rules.ONTO_TARGET, rules.OFF_TARGET, rules.BETWEEN_TARGETS)
_FEEDBACK: Final = np.array(
    [
        [
            [text.format(way) + (_LOST if lost and event in _PUSHES else "") for lost in (False, True)]
            for way in DIRECTIONS
        ]
        for event, text in sorted(_SENTENCES.items())
    ],
    object,
)
"""Sentences by event, direction and deadlock."""


PLANS: Final = ("whole", "push")
"""Extents of the expert's plan."""


@dataclass(frozen=True)
class Settings:
    """Validated env arguments that define the game."""

    room: tuple[int, int] = (10, 10)
    boxes: int = 4
    levels: str | None = None
    preset: str | None = None
    observation: str = "pixels"
    image_size: tuple[int, int] = (160, 160)
    actions: int = 4
    difficulty: float = 0.5
    max_steps: int | str = MOST_STEPS
    end_on_deadlock: bool = False
    in_order: bool = False
    plan: str = "whole"

    def __post_init__(self) -> None:
        for name in ("room", "image_size"):
            object.__setattr__(self, name, pair(name, getattr(self, name)))
        if self.observation not in OBSERVATIONS:
            raise ValueError(suggest("observation", self.observation, OBSERVATIONS))
        if self.plan not in PLANS:
            raise ValueError(suggest("plan", self.plan, PLANS))
        if self.actions not in _LEGAL:
            raise ValueError(f"actions must be 4 (up, down, left, right) or 9 (gym-sokoban's), got {self.actions!r}")
        if not 0.0 <= self.difficulty <= 1.0:
            raise ValueError(f"difficulty must be between 0 and 1, got {self.difficulty}")
        if not isinstance(self.in_order, bool):
            raise ValueError(f"in_order must be true or false, got {self.in_order!r}")
        if self.in_order and self.levels is None:
            raise ValueError("in_order=true needs given levels: set levels to a file or a folder")
        if not _is_limit(self.max_steps):
            raise ValueError(
                "max_steps must be a whole number of at least 1, or a multiple of the fewest moves of at least 1x, "
                f"such as 3x, got {self.max_steps!r}"
            )

    def source(self) -> Source:
        """Return the source of the levels."""
        return find_source(self.levels, self.room, self.boxes, self.difficulty, self.preset)

    def limit(self, level: Level) -> int:
        """Return the maximum number of steps in a level."""
        if not isinstance(self.max_steps, str):
            return self.max_steps
        return MOST_STEPS if level.moves == UNKNOWN else math.ceil(level.moves * float(self.max_steps[:-1]))

    def spaces(self) -> tuple[spaces.Space[Any], spaces.Space[Any]]:
        """Return the observation space and the action space of one game."""
        seen: spaces.Space[Any]
        if self.observation == "pixels":
            seen = spaces.Box(0, 255, (*self.image_size, 3), np.uint8)
        else:
            seen = SharedText(LARGEST * (LARGEST + 1), charset=SYMBOLS.decode())
        return seen, spaces.Discrete(self.actions)


def _is_limit(max_steps: Any) -> bool:
    """Return True for a whole number of at least 1, or for a text such as 3x or 1.5x of at least 1x."""
    if isinstance(max_steps, str):
        return re.fullmatch(r"\d{1,6}(\.\d{1,6})?x", max_steps) is not None and float(max_steps[:-1]) >= 1
    return isinstance(max_steps, int) and not isinstance(max_steps, bool) and max_steps >= 1


class Games:
    """State, observations and infos of N games."""

    def __init__(self, settings: Settings, count: int) -> None:
        self.settings = settings
        self.source = settings.source()
        rows, columns = self.source.room
        self.boards = np.zeros((count, rows, columns + 1), np.uint8)
        self.state = np.zeros((count, rules.FIELDS), np.int64)
        self.homes = np.zeros((count, rows * (columns + 1)), np.uint8)
        self.levels = np.full((count, 3), UNKNOWN, np.int64)  # number, optimal pushes and optimal moves
        self.limits = np.zeros(count, np.int64)
        self._next = 0
        self._kinds = np.full(count, "", object)
        self._optimal_tenths = np.full(count, math.nan)
        self.view = RoomView(count, rows, columns, settings.image_size) if settings.observation == "pixels" else None

    def begin(self, index: int, generator: np.random.Generator, seed: int | None) -> None:
        """Start game `index` with a random level from the source, or with the next one in order.

        Args:
            index: Number of the game.
            generator: Generator of the game.
            seed: Seed of this reset. It selects the split, and the level if the levels are played in order. None
                continues in order, or with a random level of the training split.
        """
        if seed is not None:
            self._next = seed % SEEDS
        if self.settings.in_order:
            level = cast(Listed, self.source).at(self._next)
            self._next += 1
        else:
            level = self.source.draw(generator, "train" if seed is None else split_of_seed(seed))
        self.set(index, level)

    def set(self, index: int, level: Level) -> None:
        """Start game `index` with a given level."""
        self.boards[index] = level.board
        rules.start(self.boards, self.state, self.homes, index, rules.SALTS)
        self.levels[index], self.limits[index] = (level.number, level.pushes, level.moves), self.settings.limit(level)
        s = self.state[index]
        self._kinds[index] = _kind(*self.source.room, int(s[rules.BOXES]))
        missing = int(s[rules.BOXES] - s[rules.COVERED])
        best = rules.SOLVED_TENTHS + rules.TARGET_TENTHS * missing + rules.STEP_TENTHS * level.moves
        self._optimal_tenths[index] = best if level.moves != UNKNOWN else math.nan

    def play(self, actions: NDArray[np.int64], going: NDArray[np.bool_]) -> None:
        """Advance the games of the mask `going` by one step."""
        if self.settings.actions == 4:
            actions = actions + 1
        rules.advance(self.boards, self.state, self.homes, actions, going, rules.SALTS)

    def ends(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the masks of terminated and of truncated games, each [N]."""
        state = self.state
        terminated = state[:, rules.COVERED] == state[:, rules.BOXES]
        if self.settings.end_on_deadlock:
            terminated |= state[:, rules.DEADLOCK] != 0
        return terminated, (state[:, rules.STEPS] >= self.limits) & ~terminated

    def info(self, index: int) -> dict[str, Any]:
        """Return the info of game `index`."""
        s = self.state[index].tolist()
        number, pushes, moves = self.levels[index].tolist()
        return {
            "success": s[rules.COVERED] == s[rules.BOXES],
            "kind": self._kinds[index],
            "text": text_of(self.boards[index]),
            "legal_actions": _LEGAL[self.settings.actions][s[rules.LEGAL]].copy(),
            "state_hash": f"{s[rules.HASH] & _64_BITS:016x}",
            "feedback": _FEEDBACK[s[rules.EVENT], s[rules.DIRECTION], s[rules.DEADLOCK]],
            "deadlock": s[rules.DEADLOCK] == 1,
            "level": number,
            "optimal_pushes": pushes,
            "optimal_moves": moves,
            "score": float(_score(s[rules.BEST], self._optimal_tenths[index])),
        }

    def infos(self) -> dict[str, NDArray[Any]]:
        """Return the infos of all games: for each key of `info`, an array [N]."""
        count, state = self.state.shape[0], self.state
        legal = _LEGAL[self.settings.actions]
        hashes = state[:, rules.HASH].astype(">i8").tobytes().hex()
        own: dict[str, Iterable[Any]] = {
            "text": self.texts(),
            "legal_actions": (legal[bits].copy() for bits in state[:, rules.LEGAL].tolist()),
            "state_hash": (hashes[first : first + 16] for first in range(0, len(hashes), 16)),
        }
        objects = {key: np.fromiter(values, object, count) for key, values in own.items()}
        return {
            "success": state[:, rules.COVERED] == state[:, rules.BOXES],
            "kind": self._kinds.copy(),
            **objects,
            "feedback": _FEEDBACK[state[:, rules.EVENT], state[:, rules.DIRECTION], state[:, rules.DEADLOCK]],
            "deadlock": state[:, rules.DEADLOCK] == 1,
            "level": self.levels[:, 0].copy(),
            "optimal_pushes": self.levels[:, 1].copy(),
            "optimal_moves": self.levels[:, 2].copy(),
            "score": _score(state[:, rules.BEST], self._optimal_tenths),
        }

    def texts(self) -> list[str]:
        """Return the maps in Boxoban's symbols."""
        size = self.homes.shape[1]
        whole = text_of(self.boards)
        return [whole[first : first + size - 1] for first in range(0, len(whole), size)]


def _kind(rows: int, columns: int, boxes: int) -> str:
    """Return the size, such as `10x10, 4 boxes`."""
    return f"{rows}x{columns}, {boxes} box{'es' if boxes > 1 else ''}"


def _score(best: Any, optimal: Any) -> Any:
    """Return Sokoban-Global's score: 100 + 5 · (best − optimal), from sums of rewards in tenths."""
    return 100 + (best - optimal) / 2


def pair(name: str, size: Any) -> tuple[int, int]:
    """Return `size` as a tuple of two whole numbers. Accept a list, as YAML gives."""
    if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(isinstance(side, int) for side in size):
        raise ValueError(f"{name} must be two whole numbers, (height, width), got {size!r}")
    return size[0], size[1]
