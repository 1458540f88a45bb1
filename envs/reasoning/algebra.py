"""Linear equations with one unknown and an integer solution, such as `3x+4=19,x=`."""

from envs.questions.env import Question, QuestionEnv


def term(coefficient: int) -> str:
    """Return the x term with this coefficient: 3 → `3x`, 1 → `x`, -1 → `-x`."""
    return {1: "x", -1: "-x"}.get(coefficient, f"{coefficient}x")


def linear(coefficient: int, constant: int) -> str:
    """Return the expression `coefficient`·x + `constant`: (3, -4) → `3x-4`, (3, 0) → `3x`."""
    return term(coefficient) + (f"{constant:+d}" if constant else "")


def worked(left: int, constant: int, right: int, other: int) -> str:
    """Return an equation with its x terms collected on one side: 3x+4=19 → `3x=15`.

    Args:
        left: Coefficient of x on the left side.
        constant: Constant on the left side.
        right: Coefficient of x on the right side.
        other: Constant on the right side.
    """
    return f"{term(left - right)}={other - constant}"


class AlgebraEnv(QuestionEnv):
    """Solve a linear equation for x.

    ## Description
    The equation is `ax+b=c` with integers a, b, c and x. From difficulty 0.5, up to half of the equations have x on
    both sides: `ax+b=dx+c`. Difficulty d in [0, 1] sets the ranges: a from 1 to 2+7d, |b| up to 5+25d and |x| up to
    5+15d. Below difficulty 0.25, b and x are not negative. Training, validation and test seeds never ask the same
    equation: it is drawn again until it belongs to the seed's split (`envs.task.splits`). Everything else is as in
    `QuestionEnv`.

    ## Arguments
    - `difficulty`: from 0 to 1 (default 0.3).

    ## Version History
    v0: first version.
    """

    def __init__(self, difficulty: float = 0.3, render_mode: str | None = None) -> None:
        super().__init__(render_mode=render_mode)
        if not 0 <= difficulty <= 1:
            raise ValueError(f"difficulty must be from 0 to 1, got {difficulty}")
        self.difficulty = difficulty

    def draw_question(self) -> Question:
        """Return an equation of the seed's split."""
        return self.draw_of_split(self._draw, lambda question: question.text, f"difficulty={self.difficulty}")

    def _draw(self) -> Question:
        """Return an equation constructed from its solution."""
        draw = self.np_random.integers
        most = 2 + int(7 * self.difficulty)
        largest, constants = 5 + int(15 * self.difficulty), 5 + int(25 * self.difficulty)
        signed = self.difficulty >= 0.25
        x = int(draw(-largest if signed else 0, largest + 1))
        b = int(draw(-constants if signed else 0, constants + 1))
        a = int(draw(1, most + 1))
        d = int(draw(1, most + 1)) if self.difficulty >= 0.5 and self.np_random.random() < 0.5 else 0
        if d == a:
            d = 0
        c = (a - d) * x + b
        other = linear(d, c) if d else str(c)
        return Question(f"{linear(a, b)}={other},x=", x, worked(a, b, d, c))
