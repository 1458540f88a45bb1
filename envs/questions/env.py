"""Base classes of the question environments: one question, one text answer, one step per episode."""

import hashlib
from abc import abstractmethod
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.questions.answers import MAX_LENGTH, is_right
from envs.task.splits import Split, draw_of_split, split_of_seed
from envs.texts import FreeText
from render.draw.page import page
from render.draw.window import Window

T = TypeVar("T")

PAGE = (336, 336)
"""Size of a page of text, (height, width) in pixels."""


class Question(NamedTuple):
    """A question, its gold answer and a short worked solution."""

    text: str
    answer: int | Fraction | str
    """Gold answer. An integer matches only itself, a fraction any exact form, and a `Formula` any equal value. Other
    text matches up to case and spaces."""
    thought: str = ""
    image: NDArray[np.uint8] | None = None
    """Image, uint8 [H, W, 3], for question environments with images."""
    described: str = ""
    """Text description of the image, sufficient to answer the question without it."""
    kind: str = ""
    """Category of the question, by which results are split."""
    more: tuple[NDArray[np.uint8], ...] = ()
    """Images after the first, of the same size. The text has an `<image>` at the place of each image, or none."""
    seen: str = ""
    """Transcript: what must be read from the image, in a fixed order. It and the text determine the answer."""
    work: str = ""
    """Calculation that leads to the answer. Empty: the thought."""


class QuestionEnv(gymnasium.Env[Any, str]):
    """One question per episode.

    ## Action Space
    `Text`: the answer. If the gold answer is an integer, only that integer is right. Even `16/4` is wrong for 4.

    ## Observation Space
    `Text`: the question. It stays the same after the answer.

    ## Rewards
    1 for the right answer, else 0.

    ## Starting State
    A question drawn from the seed.

    ## Episode End
    Terminated after the first answer.

    ## Arguments
    - `longest`, `longest_answer`: maximum lengths of a question and of an answer, in characters.
    - `render_mode`: "ansi" (the question), "rgb_array" (a page with the question) or "human".
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
        self._split: Split = "train"
        self._window = Window(self.metadata["render_fps"])

    @abstractmethod
    def draw_question(self) -> Question:
        """Return a new question, drawn with `self.np_random`."""

    def draw_of_split(self, draw: Callable[[], T], content: Callable[[T], str], settings: str) -> T:
        """Draw items until one belongs to the split of the reset seed, see `envs.task.splits.draw_of_split`."""
        return draw_of_split(draw, content, self._split, settings)

    @property
    def question(self) -> Question:
        """Current question. Raises RuntimeError before the first reset."""
        if self._question is None:
            raise RuntimeError("no question has been asked yet: call reset() first")
        return self._question

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Ask a new question. Without a seed, it belongs to the training split."""
        super().reset(seed=seed)
        self._split = "train" if seed is None else split_of_seed(seed)
        self._question = self.draw_question()
        if self.render_mode == "human":
            self._window.show(self.picture())
        return self.observe(), self._info(success=False)

    def step(self, action: str) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Judge the answer and end the episode."""
        success = self.judge(action)
        return self.observe(), float(success), True, False, self._info(success)

    def judge(self, answer: str) -> bool:
        """Return True if the answer is right."""
        return is_right(answer, self.question.answer)

    def observe(self) -> Any:
        """Return the observation."""
        return self.question.text

    def picture(self) -> NDArray[np.uint8]:
        """Return a rendered page of the question, uint8 [H, W, 3]."""
        return page(self.question.text, PAGE)

    def render(self) -> Any:
        """Return the question or its image, depending on `render_mode`."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a render_mode: gymnasium.make(id, render_mode='rgb_array')")
        if self.render_mode == "ansi":
            return self.question.text
        return self.picture() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Close the window, if it is open."""
        self._window.close()

    def expert_action(self) -> str:
        """Return the right answer."""
        return str(self.question.answer)

    def expert_thought(self, form: str = "usual") -> str:
        """Return the reasoning that leads to the answer, in a form of `TaskConfig.think`.

        - `usual`: a short worked solution. Each step is easier than the question.
        - `word`: the kind of the question.
        - `transcript`: what must be read from the image. A question without an image has none.
        - `work`: the transcript, a colon and the calculation, such as `40 65:180-40-65=75`. Without an image, only the
          calculation.

        Raises:
            KeyError: The question has no such form.
        """
        question = self.question
        steps = question.work or question.thought
        work = f"{question.seen}:{steps}" if question.seen and steps else steps
        forms = {"usual": question.thought, "word": question.kind, "transcript": question.seen, "work": work}
        if form != "usual" and not forms[form]:
            raise KeyError(form)
        return forms[form]

    def _info(self, success: bool) -> dict[str, Any]:
        question = self.question
        text = f"{question.described}\n{question.text}" if question.described else question.text
        digest = hashlib.sha256(f"{type(self).__name__} {text}".encode()).hexdigest()[:16]
        return {"success": success, "kind": question.kind, "text": text, "legal_actions": [], "state_hash": digest}


class PictureQuestionEnv(QuestionEnv):
    """One question about an image per episode. Everything else is as in `QuestionEnv`.

    ## Observation Space
    `Dict(image: Box uint8 [H, W, 3], text: Text)`: the image and the question. `info["text"]` also describes the image
    as text.

    ## Arguments
    - `image_size`: (height, width) of the image in pixels. "rgb_array" and "human" show this image.
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
        """Return a copy of the image, and the question."""
        return {"image": self.picture(), "text": self.question.text}

    def picture(self) -> NDArray[np.uint8]:
        """Return a copy of the image."""
        return np.array(self.question.image)


def picture_size(name: str, size: Any) -> tuple[int, int]:
    """Return (height, width) as a tuple, also from a YAML list. Raise ValueError if the size is invalid."""
    if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(isinstance(side, int) for side in size):
        raise ValueError(f"{name} must be two whole numbers, (height, width), got {size!r}")
    return size[0], size[1]
