"""Sums and differences, such as `47+38=`."""

from collections.abc import Sequence

from envs.questions.env import Question, QuestionEnv

OPERATIONS = ("add", "subtract")


def column_addition(left: int, right: int) -> str:
    """Return the written column addition, units first, with the carry: 47+38 → `7+8=15 4+3+1=8`."""
    steps: list[str] = []
    carry = 0
    while left or right or not steps:
        total = left % 10 + right % 10 + carry
        steps.append(f"{left % 10}+{right % 10}{'+1' if carry else ''}={total}")
        carry = total // 10
        left, right = left // 10, right // 10
    return " ".join(steps)


def column_subtraction(left: int, right: int) -> str:
    """Return the written column subtraction, units first, with the borrow: 52-17 → `12-7=5 5-1-1=3`.

    The smaller number is always subtracted from the larger one. 17-52 is worked as 52-17, so the sign is not part of
    the working.
    """
    left, right = max(left, right), min(left, right)
    steps: list[str] = []
    borrow = 0
    while left or right or not steps:
        lent = left % 10 - borrow < right % 10
        total = left % 10 + 10 * lent - borrow - right % 10
        steps.append(f"{left % 10 + 10 * lent}-{right % 10}{'-1' if borrow else ''}={total}")
        borrow = int(lent)
        left, right = left // 10, right // 10
    return " ".join(steps)


def content(problem: tuple[int, int, str]) -> str:
    """Return the text of a problem (left, right, sign), with the smaller number of a sum first."""
    left, right, sign = problem
    if sign == "+":
        left, right = min(left, right), max(left, right)
    return f"{left}{sign}{right}="


class ArithmeticEnv(QuestionEnv):
    """Add or subtract two non-negative integers.

    ## Description
    Two numbers of `digits` digits (no leading zero) and an operation are drawn uniformly. A difference may be negative.
    Training, validation and test seeds never ask the same sum: the pair is drawn again until it belongs to the seed's
    split (`envs.task.splits`). `3+5` and `5+3` are the same sum. Everything else is as in `QuestionEnv`.

    ## Arguments
    - `digits`: number of digits of each number, 1 to 12 (default 2).
    - `operations`: a list of `add` and `subtract` (default: only `add`).
    - `difficulty`: None (default), or a value from 0 to 1 that replaces both: 1 to 6 digits, with subtraction from 0.5.

    ## Version History
    v0: first version.
    """

    def __init__(
        self,
        digits: int = 2,
        operations: Sequence[str] = ("add",),
        render_mode: str | None = None,
        difficulty: float | None = None,
    ) -> None:
        super().__init__(render_mode=render_mode)
        if difficulty is not None:
            if not 0 <= difficulty <= 1:
                raise ValueError(f"difficulty must be from 0 to 1, or None, got {difficulty}")
            digits, operations = 1 + int(5 * difficulty), OPERATIONS if difficulty >= 0.5 else ("add",)
        if not isinstance(digits, int):
            raise ValueError(f"digits must be a whole number, got {digits!r}")
        if not 1 <= digits <= 12:
            raise ValueError(f"digits must be from 1 to 12, got {digits}")
        unknown = [operation for operation in operations if operation not in OPERATIONS]
        if isinstance(operations, str) or unknown or not operations:
            raise ValueError(f"operations must be a list of {' and '.join(OPERATIONS)}, got {operations!r}")
        self.digits = digits
        self.operations = tuple(operations)

    def draw_question(self) -> Question:
        """Return a question with two random numbers and a random operation, of the seed's split."""
        settings = f"digits={self.digits}, operations={', '.join(self.operations)}"
        left, right, sign = self.draw_of_split(self._draw, content, settings)
        if sign == "+":
            return Question(f"{left}+{right}=", left + right, column_addition(left, right))
        return Question(f"{left}-{right}=", left - right, column_subtraction(left, right))

    def _draw(self) -> tuple[int, int, str]:
        """Return two random numbers and the sign of a random operation."""
        low = 10 ** (self.digits - 1) if self.digits > 1 else 0
        left, right = (int(value) for value in self.np_random.integers(low, 10**self.digits, size=2))
        operation = self.operations[int(self.np_random.integers(len(self.operations)))]
        return left, right, "+" if operation == "add" else "-"
