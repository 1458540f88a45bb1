"""Questions from a file, with or without images."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.questions.env import PictureQuestionEnv, Question, QuestionEnv
from envs.questions.file import QuestionFile, open_questions
from envs.questions.pictures import decode
from render.draw.images import fit

LONGEST_ANSWER = 1000

SAMPLES = Path(__file__).parents[1] / "samples"
"""Folder with small samples: `questions.jsonl` without images and `pictures.jsonl` with images."""


class QuestionsEnv(PictureQuestionEnv):
    """A question drawn from a JSONL or Parquet file.

    ## Description
    `file` describes the rows and `pictures` the images: a path within the image folder, bytes (Hugging Face's Parquet)
    or base64. Opening the file reads every row, checks its gold answer and decodes its images. A row is read again when
    asked, and the most recent ones are cached. `answers.is_right` judges the answers: words and choice letters
    are compared as text, all other gold answers by value. Everything else is as in `QuestionEnv`.

    ## Observation Space
    Without `image_size`: `Text`, the question. With it: `Dict(image: Box uint8 [H, W, 3], text: Text)`. The image is
    scaled to fit and padded with black bars. A question without an image has a black one.

    If a question of the file has several images, up to K, also `image_count: Discrete(K + 1)` and `more_images: Box
    uint8 [K - 1, H, W, 3]`: the number of images, and those after the first (the rest is black). The text may then have
    an `<image>` at the place of each image. Without it, the images are in front of the text.

    ## Arguments
    - `path`: file, relative to the working directory. None selects a small sample (with images if `image_size` is
      given).
    - `image_size`: (height, width) in pixels, required if rows have images.
    - `folder`: folder of the images. None selects the folder of the file.
    - `on_broken`: "error" or "skip", for rows that are invalid when the file is opened.
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
        sample = str(SAMPLES / ("questions.jsonl" if image_size is None else "pictures.jsonl"))
        own_folder = Path(folder).expanduser() if folder else None
        self._file = open_questions(path or sample, on_broken, own_folder, pictures=image_size is not None)
        self._most = self._file.most_pictures
        if self._most and image_size is None:
            raise ValueError(f"{self._file.path} contains images; set image_size, (height, width)")
        if image_size is None:
            QuestionEnv.__init__(self, self._file.longest, render_mode, LONGEST_ANSWER)
        else:
            super().__init__(image_size, self._file.longest, render_mode, LONGEST_ANSWER)
        if self._most > 1:
            more = spaces.Box(0, 255, (self._most - 1, *self.image_size, 3), np.uint8)
            assert isinstance(self.observation_space, spaces.Dict)
            self.observation_space["image_count"] = spaces.Discrete(self._most + 1)
            self.observation_space["more_images"] = more
        self._pictures = image_size is not None
        self._folder = own_folder or self._file.path.parent
        self._indices = self._file.indices(split)
        if not self._indices:
            raise ValueError(f"the {split} split of {self._file.path} is empty")
        self._in_order = in_order
        self._row = -1
        self._next: int | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Ask a new question. If `in_order` is true, the seed selects it."""
        self._next = seed if self._in_order else None
        return super().reset(seed=seed, options=options)

    def draw_question(self) -> Question:
        """Return a row with its images. Raise ValueError, naming the row, if it has changed and is now invalid."""
        drawn, self._next = self._next, None
        index = int(self.np_random.integers(len(self._indices))) if drawn is None else drawn % len(self._indices)
        self._row = self._indices[index]
        try:
            return _read(self._file, self._folder, tuple(self.image_size) if self._pictures else None, self._row)
        except ValueError as error:
            raise ValueError(f"{self._file.name(self._row)}: {error}") from None

    def observe(self) -> Any:
        """Return the question, with copies of its images."""
        if not self._pictures:
            return self.question.text
        seen = {"image": np.array(self.question.image), "text": self.question.text}
        if self._most > 1:
            more = np.zeros((self._most - 1, *self.image_size, 3), np.uint8)
            for place, image in enumerate(self.question.more):
                more[place] = image
            seen |= {"image_count": len(self.question.more) + 1, "more_images": more}
        return seen

    def picture(self) -> NDArray[np.uint8]:
        """Return the images from left to right, always with room for K, or a page with the question."""
        if not self._pictures:
            return QuestionEnv.picture(self)
        seen = self.observe()
        return np.concatenate([seen["image"], *seen.get("more_images", ())], axis=1)

    def _info(self, success: bool) -> dict[str, Any]:
        """Add the row to the state hash: two rows may ask the same question about different images."""
        info = super()._info(success)
        digest = hashlib.sha256(f"{info['state_hash']} {self._row}".encode()).hexdigest()[:16]
        return {**info, "state_hash": digest, "row": self._row}


@lru_cache(maxsize=16)  # all episodes of a group ask the same question
def _read(file: QuestionFile, folder: Path, size: tuple[int, int] | None, index: int) -> Question:
    """Return a row as a question with its images."""
    row = file.row(index)
    if size is None:
        return Question(row.text, row.answer, kind=row.kind)
    images = [fit(decode(picture, folder), size) for picture in row.pictures] or [np.zeros((*size, 3), np.uint8)]
    return Question(row.text, row.answer, image=images[0], kind=row.kind, more=tuple(images[1:]))
