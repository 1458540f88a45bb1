"""Sums and differences, such as `47+38=`."""

from collections.abc import Sequence

from envs.questions.env import Question, QuestionEnv

OPERATIONS = ("add", "subtract")


def column_addition(left: int, right: int) -> str:
    """The sum as done on paper, units first, with the carry: 47+38 → `7+8=15 4+3+1=8`."""
    steps: list[str] = []
    carry = 0
    while left or right or not steps:
        total = left % 10 + right % 10 + carry
        steps.append(f"{left % 10}+{right % 10}{'+1' if carry else ''}={total}")
        carry = total // 10
        left, right = left // 10, right // 10
    return " ".join(steps)


def column_subtraction(left: int, right: int) -> str:
    """The difference as done on paper, units first, with the borrow: 52-17 → `12-7=5 5-1-1=3`.

    The larger number is written first: 17-52 is worked as 52-17, and its sign is the answer's to turn.
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


class ArithmeticEnv(QuestionEnv):
    """Add or subtract two whole numbers.

    ## Description
    Two numbers of `digits` digits (no leading zero) and an operation are drawn uniformly. A difference may be
    negative. The rest is as in `QuestionEnv`.

    ## Arguments
    `digits`: digits of each number, 1 to 12 (2). `operations`: some of `add` and `subtract` (only `add`).
    `difficulty`: None (the default), or from 0 to 1 instead of both: 1 to 6 digits, and subtraction from 0.5 on.

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
        """Two numbers and an operation."""
        low = 10 ** (self.digits - 1) if self.digits > 1 else 0
        left, right = (int(value) for value in self.np_random.integers(low, 10**self.digits, size=2))
        if self.operations[int(self.np_random.integers(len(self.operations)))] == "add":
            return Question(f"{left}+{right}=", left + right, column_addition(left, right))
        return Question(f"{left}-{right}=", left - right, column_subtraction(left, right))
