"""What every question env shares: a text is asked, a text is answered, and the episode is over."""

import hashlib
from abc import abstractmethod
from typing import Any, NamedTuple

import gymnasium
from gymnasium import spaces

from envs.answers import MAX_LENGTH, integer

CHARACTERS = "".join(chr(code) for code in range(32, 127)) + "\n−"
"""What questions and answers may be written with: printable ASCII, line breaks and the typographic minus."""


class Question(NamedTuple):
    """A question with its gold answer and a short worked line that leads to it."""

    text: str
    answer: int
    thought: str


class QuestionEnv(gymnasium.Env[str, str]):
    """One question an episode.

    ## Action Space
    `Text`: the answer. Exactly the right whole number counts; anything else is wrong, also `16/4` for 4.

    ## Observation Space
    `Text`: the question; it stays the same after the answer.

    ## Rewards
    1 for the right answer, else 0.

    ## Starting State
    A question drawn from the seed.

    ## Episode End
    Terminated after the first answer.

    ## Arguments
    `render_mode="ansi"`: `render()` gives the question.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}

    def __init__(self, render_mode: str | None = None) -> None:
        if render_mode not in (None, "ansi"):
            raise ValueError(f"render_mode must be ansi or None, got {render_mode!r}")
        self.render_mode = render_mode
        self.observation_space = spaces.Text(max_length=MAX_LENGTH, charset=CHARACTERS)
        self.action_space = spaces.Text(min_length=0, max_length=MAX_LENGTH, charset=CHARACTERS)
        self._question: Question | None = None

    @abstractmethod
    def draw_question(self) -> Question:
        """A fresh question, drawn with `self.np_random`."""

    @property
    def question(self) -> Question:
        """The question being asked; RuntimeError before the first reset."""
        if self._question is None:
            raise RuntimeError("no question has been asked yet: call reset() first")
        return self._question

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Ask a new question."""
        super().reset(seed=seed)
        self._question = self.draw_question()
        return self.question.text, self._info(success=False)

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Take the answer; the episode is over."""
        success = integer(action) == self.question.answer
        return self.question.text, float(success), True, False, self._info(success)

    def render(self) -> str:  # type: ignore[override]  # Gymnasium's own annotation is a type variable
        """The question."""
        return self.question.text

    def expert_action(self) -> str:
        """The right answer."""
        return str(self.question.answer)

    def expert_thought(self) -> str:
        """A short worked line, each step easier than the question."""
        return self.question.thought

    def _info(self, success: bool) -> dict[str, Any]:
        digest = hashlib.sha256(f"{type(self).__name__} {self.question.text}".encode()).hexdigest()[:16]
        return {"success": success, "text": self.question.text, "legal_actions": [], "state_hash": digest}
