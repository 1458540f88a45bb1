"""Questions from a file, with or without images."""

import hashlib
import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.questions.env import PictureQuestionEnv, Question, QuestionEnv
from envs.questions.file import BrokenRow, QuestionFile, open_questions
from envs.questions.pictures import decode
from render.draw.images import fit

LONGEST_ANSWER = 1000

SAMPLES = Path(__file__).parents[1] / "samples"
"""Folder with small samples: `questions.jsonl` without images and `pictures.jsonl` with images."""


class QuestionsEnv(PictureQuestionEnv):
    """A question drawn from a JSONL or Parquet file.

    ## Description
    `file` describes the rows and `pictures` the images: a path within the image folder, bytes (Hugging Face's Parquet)
    or base64. Opening the file reads every row and checks its gold answer. Images are read when they are needed, and
    the most recent ones are cached. `answers.is_right` judges the answers: words and choice letters are compared as
    text, all other gold answers by value. Everything else is as in `QuestionEnv`.

    ## Observation Space
    Without `image_size`: `Text`, the question. With it: `Dict(image: Box uint8 [H, W, 3], text: Text)`. The image is
    scaled to fit and padded with black bars. A question without an image has a black one.

    ## Arguments
    - `path`: file, relative to the working directory. None selects a small sample (with images if `image_size` is
      given).
    - `image_size`: (height, width) in pixels, required if rows have images.
    - `folder`: folder of the images. None selects the folder of the file.
    - `on_broken`: "error" or "skip", for invalid rows.
    - `split`: "all", "train" or "test". A hash of the text assigns a tenth of the questions to "test".
    - `in_order`: use the seed as the row number, so that consecutive seeds ask every question once before repeating
      any. Otherwise a row is drawn at random.

    ## Version History
    v0: first version.
    """

    def __init__(
        self,
        path: str | None = None,
        image_size: tuple[int, int] | None = None,
        folder: str | None = None,
        on_broken: str = "error",
        split: str = "all",
        in_order: bool = False,
        render_mode: str | None = None,
    ) -> None:
        for name, value, allowed in (
            ("on_broken", on_broken, ("error", "skip")),
            ("split", split, ("all", "train", "test")),
        ):
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
        self._file = open_questions(
            path or str(SAMPLES / ("questions.jsonl" if image_size is None else "pictures.jsonl")), on_broken
        )
        if self._file.has_pictures and image_size is None:
            raise ValueError(f"{self._file.path} contains images; set image_size, (height, width)")
        if image_size is None:
            QuestionEnv.__init__(self, self._file.longest, render_mode, LONGEST_ANSWER)
        else:
            super().__init__(image_size, self._file.longest, render_mode, LONGEST_ANSWER)
        self._pictures = image_size is not None
        self._folder = Path(folder).expanduser() if folder else self._file.path.parent
        self._skips = on_broken == "skip"
        self._indices = self._file.indices(split)
        if not self._indices:
            raise ValueError(f"the {split} split of {self._file.path} is empty")
        self._in_order = in_order
        self._row = -1
        self._warned = False
        self._next: int | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Ask a new question. If `in_order` is true, the seed selects it."""
        self._next = seed if self._in_order else None
        return super().reset(seed=seed, options=options)

    def draw_question(self) -> Question:
        """Return a row with its image. If the image is broken, draw another row or raise ValueError."""
        for _ in range(100):
            drawn, self._next = self._next, None
            index = int(self.np_random.integers(len(self._indices))) if drawn is None else drawn % len(self._indices)
            self._row = self._indices[index]
            try:
                return self._read(self._row)
            except ValueError as error:
                problem = f"{self._file.name(self._row)}: {error}"
                if not self._skips:
                    raise ValueError(problem) from None
                if not self._warned:
                    self._warned = True
                    logging.getLogger(__name__).warning(
                        "%s; drawing another question; further cases are not logged", problem
                    )
        raise ValueError(f"no valid question in 100 draws; the last error: {problem}")

    def _read(self, index: int) -> Question:
        return _read(self._file, self._folder, tuple(self.image_size) if self._pictures else None, index)

    def observe(self) -> Any:
        """Return the question, with a copy of its image."""
        return super().observe() if self._pictures else self.question.text

    def picture(self) -> NDArray[np.uint8]:
        """Return a copy of the image or, without images, a page with the question."""
        return super().picture() if self._pictures else QuestionEnv.picture(self)

    def _info(self, success: bool) -> dict[str, Any]:
        """Add the row to the state hash: two rows may ask the same question about different images."""
        info = super()._info(success)
        digest = hashlib.sha256(f"{info['state_hash']} {self._row}".encode()).hexdigest()[:16]
        return {**info, "state_hash": digest, "row": self._row}


@lru_cache(maxsize=16)  # all episodes of a group ask the same question
def _read(file: QuestionFile, folder: Path, size: tuple[int, ...] | None, index: int) -> Question:
    """Return a row as a question with its image."""
    row = file.row(index)
    image = None
    if size is not None:
        height, width = size
        image = np.zeros((height, width, 3), np.uint8)
        if row.picture is not None:
            image = fit(decode(row.picture, folder), (height, width))
    elif row.picture is not None:
        raise BrokenRow("it has an image, but image_size is not set")
    return Question(row.text, row.answer, image=image, kind=row.kind)
