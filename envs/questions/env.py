"""What every question env shares: a text is asked, perhaps with a picture, a text is answered, and it is over."""

import hashlib
from abc import abstractmethod
from fractions import Fraction
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.questions.answers import MAX_LENGTH, is_right
from render.draw.page import page
from render.draw.window import Window

PAGE = (336, 336)
"""Pixels of a page of text."""

CHARACTERS = "".join(chr(code) for code in range(32, 127)) + "\n−"
"""What is drawn by `FreeText.sample`: printable ASCII, line breaks and the typographic minus."""


class FreeText(spaces.Text):
    """Any text of up to `max_length` characters, in any script."""

    def __init__(self, max_length: int) -> None:
        super().__init__(max_length, min_length=0, charset=CHARACTERS)

    def contains(self, x: Any) -> bool:
        """Whether x is a text that is short enough."""
        return isinstance(x, str) and len(x) <= self.max_length


class Question(NamedTuple):
    """A question, its gold answer and a short worked line that leads to it."""

    text: str
    answer: int | Fraction | str
    """A whole number counts only as itself, a fraction in any exact form, a `Formula` by its value, any other text only
    as itself but for case and spaces."""
    thought: str = ""
    image: NDArray[np.uint8] | None = None
    """[H, W, 3], for question envs with pictures."""
    described: str = ""
    """What the picture shows, in words: with it the question can be answered unseen."""
    kind: str = ""
    """What sort of question it is: results are split by it."""


class QuestionEnv(gymnasium.Env[Any, str]):
    """One question an episode.

    ## Action Space
    `Text`: the answer. A question with a whole answer takes exactly that number; anything else is wrong, also `16/4`
    for 4.

    ## Observation Space
    `Text`: the question; it stays the same after the answer.

    ## Rewards
    1 for the right answer, else 0.

    ## Starting State
    A question drawn from the seed.

    ## Episode End
    Terminated after the first answer.

    ## Arguments
    `longest` and `longest_answer`: characters of the longest question and answer. `render_mode`: "ansi" (the question),
    "rgb_array" (a page of it) or "human".
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array", "human"], "render_fps": 1}

    def __init__(
        self, longest: int = MAX_LENGTH, render_mode: str | None = None, longest_answer: int = MAX_LENGTH
    ) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(
                f"render_mode must be {', '.join(self.metadata['render_modes'])} or None, got {render_mode!r}"
            )
        self.render_mode = render_mode
        self.observation_space: spaces.Space[Any] = FreeText(longest)
        self.action_space = FreeText(longest_answer)
        self._question: Question | None = None
        self._window = Window(self.metadata["render_fps"])

    @abstractmethod
    def draw_question(self) -> Question:
        """A fresh question, drawn with `self.np_random`."""

    @property
    def question(self) -> Question:
        """The question being asked; RuntimeError before the first reset."""
        if self._question is None:
            raise RuntimeError("no question has been asked yet: call reset() first")
        return self._question

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Ask a new question."""
        super().reset(seed=seed)
        self._question = self.draw_question()
        if self.render_mode == "human":
            self._window.show(self.picture())
        return self.observe(), self._info(success=False)

    def step(self, action: str) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take the answer; the episode is over."""
        success = self.judge(action)
        return self.observe(), float(success), True, False, self._info(success)

    def judge(self, answer: str) -> bool:
        """Whether the answer is right."""
        return is_right(answer, self.question.answer)

    def observe(self) -> Any:
        """What the player is given."""
        return self.question.text

    def picture(self) -> NDArray[np.uint8]:
        """The question as people see it, [H, W, 3]: a page of text."""
        return page(self.question.text, PAGE)

    def render(self) -> Any:
        """The question, or its picture, as `render_mode` says."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a render_mode: gymnasium.make(id, render_mode='rgb_array')")
        if self.render_mode == "ansi":
            return self.question.text
        return self.picture() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Close the window, if it is open."""
        self._window.close()

    def expert_action(self) -> str:
        """The right answer."""
        return str(self.question.answer)

    def expert_thought(self) -> str:
        """A short worked line, each step easier than the question."""
        return self.question.thought

    def _info(self, success: bool) -> dict[str, Any]:
        question = self.question
        text = f"{question.described}\n{question.text}" if question.described else question.text
        digest = hashlib.sha256(f"{type(self).__name__} {text}".encode()).hexdigest()[:16]
        return {"success": success, "kind": question.kind, "text": text, "legal_actions": [], "state_hash": digest}


class PictureQuestionEnv(QuestionEnv):
    """One question about a picture an episode. The rest is as in `QuestionEnv`.

    ## Observation Space
    `Dict(image: Box uint8 [H, W, 3], text: Text)`: the picture and the question. In `info["text"]` the picture stands
    in words too.

    ## Arguments
    `image_size`: (height, width) of the picture, which "rgb_array" and "human" show.
    """

    def __init__(
        self,
        image_size: tuple[int, int],
        longest: int = 1000,
        render_mode: str | None = None,
        longest_answer: int = MAX_LENGTH,
    ) -> None:
        super().__init__(longest, render_mode, longest_answer)
        self.image_size = picture_size("image_size", image_size)
        self.observation_space = spaces.Dict(
            {"image": spaces.Box(0, 255, (*self.image_size, 3), np.uint8), "text": self.observation_space}
        )

    def observe(self) -> Any:
        """What the player is given: a copy of the picture, and the question."""
        return {"image": self.picture(), "text": self.question.text}

    def picture(self) -> NDArray[np.uint8]:
        """A copy of the picture."""
        return np.array(self.question.image)


def picture_size(name: str, size: Any) -> tuple[int, int]:
    """(height, width), also from a YAML list; ValueError in one line."""
    if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(isinstance(side, int) for side in size):
        raise ValueError(f"{name} must be two whole numbers, (height, width), got {size!r}")
    return size[0], size[1]
