"""Items of Twins: one latent item, its symbols, its exact answer, and the steps of its calculation.

No kind has a blind shortcut: every answer is equally likely as long as one symbol is unknown (`chain`, `path`), or the
answers are drawn with equal probability (`majority`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

CELLS: Final = 9
"""Maximum number of symbols, one per cell of a 3 x 3 grid."""
MODULUS: Final = 7
LETTERS: Final = "abcdefg"
SIGNS: Final = "+-"
LETTER_SIGNS: Final = "*/"
ARROWS: Final = "RDLU"
SIDE: Final = 3
"""Side of the grid. The cells of the torus of `path` are numbered 0 to 8, row by row."""
COUNTED: Final = "123"
"""Symbols of `majority`."""

Step = Callable[[str, str], str]
"""(state, symbols of a step) → next state."""


@dataclass(frozen=True)
class Item:
    """Symbols of an item, grouped by the step that uses them, and the rule of a step."""

    start: str
    """State before the first step. It is shown unless `hidden_start`."""
    steps: tuple[str, ...]
    """Symbols of each step, such as `+5`."""
    apply: Step
    values: str = ""
    """Possible states, if they are single characters."""
    hidden_start: bool = False
    conclude: Callable[[str], str] = str
    """Final state → answer."""

    @property
    def symbols(self) -> str:
        """All symbols that are shown, in order."""
        return ("" if self.hidden_start else self.start) + "".join(self.steps)

    @property
    def answer(self) -> str:
        """Right answer."""
        return self.worked(self.apply)[1]

    def worked(self, apply: Step) -> tuple[str, str]:
        """Return the symbols interleaved with the states, such as `3+5=1-2=6`, and the answer.

        Args:
            apply: Rule of a step: `Item.apply`, or a teacher's partial knowledge of it.
        """
        state = self.start
        text = "" if self.hidden_start else state
        for step in self.steps:
            state = apply(state, step)
            gap = " " if text and step[0].isalnum() else ""  # ends the previous state
            text += f"{gap}{step}={state}"
        return text, self.conclude(state)


def chain(rng: np.random.Generator, steps: int) -> Item:
    """Return a chain of additions and subtractions modulo 7, calculated from left to right."""
    values = [str(value) for value in rng.integers(MODULUS, size=steps + 1)]
    signs = [SIGNS[i] for i in rng.integers(2, size=steps)]
    parts = tuple(sign + value for sign, value in zip(signs, values[1:], strict=True))
    return Item(values[0], parts, _sum, "".join(map(str, range(MODULUS))))


def letters(rng: np.random.Generator, steps: int) -> Item:
    """Return a chain of two operations on seven letters, defined by two fixed random Latin squares."""
    values = [LETTERS[i] for i in rng.integers(MODULUS, size=steps + 1)]
    signs = [LETTER_SIGNS[i] for i in rng.integers(2, size=steps)]
    parts = tuple(sign + value for sign, value in zip(signs, values[1:], strict=True))
    return Item(values[0], parts, _letter, LETTERS)


def path(rng: np.random.Generator, steps: int) -> Item:
    """Return a path of moves (right, down, left, up) from a cell of a 3 x 3 torus. The cells are numbered 0 to 8."""
    start = str(rng.integers(SIDE * SIDE))
    return Item(start, tuple(ARROWS[i] for i in rng.integers(4, size=steps)), _move, "012345678")


def majority(rng: np.random.Generator, steps: int) -> Item:
    """Return nine digits 1 to 3, of which one is more frequent than each other one. `steps` is not used.

    A step adds the digits of a row to the three counts, such as 131=423.
    """
    winner = COUNTED[int(rng.integers(len(COUNTED)))]
    while True:
        cells = "".join(COUNTED[i] for i in rng.integers(len(COUNTED), size=CELLS))
        counts = {digit: cells.count(digit) for digit in COUNTED}
        if all(counts[winner] > count for digit, count in counts.items() if digit != winner):
            rows = tuple(cells[at : at + SIDE] for at in range(0, CELLS, SIDE))
            return Item("000", rows, _count, hidden_start=True, conclude=_leader)


KINDS: Final[Mapping[str, Callable[[np.random.Generator, int], Item]]] = {
    "chain": chain,
    "path": path,
    "majority": majority,
    "letters": letters,
}


def _sum(state: str, step: str) -> str:
    value = int(step[1])
    return str((int(state) + (value if step[0] == "+" else -value)) % MODULUS)


def _tables() -> dict[tuple[str, str, str], str]:
    rng = np.random.default_rng(7)
    found = {}
    for sign in LETTER_SIGNS:
        rows, columns, names = (rng.permutation(MODULUS) for _ in range(3))
        for i, left in enumerate(LETTERS):
            for j, right in enumerate(LETTERS):
                found[left, sign, right] = LETTERS[names[(rows[i] + columns[j]) % MODULUS]]
    return found


_TABLES: Final = _tables()


def _letter(state: str, step: str) -> str:
    return _TABLES[state, step[0], step[1]]


def _move(state: str, step: str) -> str:
    row, column = divmod(int(state), SIDE)
    down, right = {"R": (0, 1), "D": (1, 0), "L": (0, -1), "U": (-1, 0)}[step]
    return str((row + down) % SIDE * SIDE + (column + right) % SIDE)


def _count(state: str, step: str) -> str:
    return "".join(str(int(count) + step.count(digit)) for count, digit in zip(state, COUNTED, strict=True))


def _leader(state: str) -> str:
    return COUNTED[max(range(len(COUNTED)), key=lambda i: state[i])]
