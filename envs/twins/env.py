"""Twins environment: one latent item, shown as text or as a picture, with one exact answer."""

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from configs.errors import suggest
from envs.questions.env import PictureQuestionEnv, Question
from envs.task.splits import draw_of_split, split_of_item, split_of_seed
from envs.twins.items import KINDS, Item
from render.twins import picture

SHIFT: Final = 0.43
"""Largest displacement of a symbol at difficulty 1, as a fraction of a cell (12 pixels of 28)."""
RIGHT: Final = 0.9
"""Probability that a teacher with partial knowledge applies a fact that it knows."""
DIALECT: Final = str.maketrans("0123456789+-", "ABCDEFGHIJpm")
"""Tokens of the other dialect."""


class TwinsEnv(PictureQuestionEnv):
    """Read symbols from a picture or a text, and calculate.

    ## Description
    One item has two renderings. The text is a row of symbols, such as `3+5-2`. The picture shows the same symbols in a
    3 x 3 grid, row by row. A skill that is learned on the texts can help with the pictures only through tokens that
    both share. Kinds:

    - `chain`: `steps` additions and subtractions modulo 7, from left to right. The answer to `3+5-2` is 6.
    - `path`: `steps` moves R, D, L, U from a cell of a 3 x 3 torus. The answer is the number of the last cell.
    - `majority`: the most frequent of nine digits.
    - `letters`: two operations on letters with fixed random tables. A control, which shares no symbol with `chain`.

    Training, validation and test seeds never give the same item (envs/task/splits.py). `info["text"]` is the row
    of symbols.

    ## Observation Space
    `Dict(image: Box uint8 [H, W, 3], text: Text)`. The text is empty.

    ## Arguments
    - `kind`: `chain` (default), `path`, `majority` or `letters`.
    - `steps`: number of steps of `chain`, `letters` (1 to 4) and `path` (1 to 8); default 2.
    - `difficulty`: difficulty of seeing from 0 to 1 (default 1/3). A symbol is displaced by up to this fraction of 0.43
      cells in both directions.
    - `items`: number of different items of the training split, or None (default) for all of them.
    - `dialect`: True to write digits and signs of transcript, work and answer in other tokens (A for 0, …). A control:
      it has the same steps, but no token in common.
    - `knows`: fraction from 0 to 1 of the facts (state, sign, operand) that the expert knows (default 1). With less,
      it applies a known fact with probability 0.9 and guesses otherwise, like a student who can still improve.
    - `image_size`: (height, width) in pixels (default 84 x 84).
    - `render_mode`: "rgb_array" or "human".

    ## Version History
    v0: first version.
    """

    def __init__(
        self,
        kind: str = "chain",
        steps: int = 2,
        difficulty: float = 1 / 3,
        items: int | None = None,
        dialect: bool = False,
        knows: float = 1.0,
        image_size: tuple[int, int] = (84, 84),
        render_mode: str | None = None,
    ) -> None:
        super().__init__(image_size, render_mode=render_mode)
        if kind not in KINDS:
            raise ValueError(suggest("kind", kind, KINDS))
        longest = 8 if kind == "path" else 4
        if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= longest:
            raise ValueError(f"steps must be from 1 to {longest} for kind {kind}, got {steps!r}")
        for name, value in (("difficulty", difficulty), ("knows", knows)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {value}")
        if items is not None and (isinstance(items, bool) or not isinstance(items, int) or items < 1):
            raise ValueError(f"items must be a number from 1, or None, got {items!r}")
        if knows < 1 and kind not in ("chain", "letters"):
            raise ValueError(f"knows must be 1 for kind {kind}, which has no table of facts, got {knows}")
        if dialect and kind != "chain":
            raise ValueError(f"dialect needs kind chain, got {kind}")
        self.kind, self.steps, self.difficulty, self.items = kind, steps, float(difficulty), items
        self.dialect, self.knows = dialect, float(knows)
        self._split = split_of_seed(0)
        self._item: Item | None = None
        self._taught = ("", "")
        self._shifts: list[tuple[float, float]] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Draw a new item of the seed's split."""
        if seed is not None:
            self._split = split_of_seed(seed)
        return super().reset(seed=seed, options=options)

    def draw_question(self) -> Question:
        """Return the question of a new item."""
        rng = self.np_random
        if self.items is not None and self._split == "train":
            pool = _pool(self.kind, self.steps, self.items)
            item = pool[int(rng.integers(len(pool)))]
        else:
            settings = f"kind={self.kind}, steps={self.steps}"
            item = draw_of_split(
                lambda: KINDS[self.kind](rng, self.steps), lambda item: item.symbols, self._split, settings
            )
        self._item = item
        shifts = rng.uniform(-1, 1, (len(item.symbols), 2)) * SHIFT * self.difficulty
        self._shifts = [(float(x), float(y)) for x, y in shifts]
        self._taught = self._teach(item, rng)
        return Question("", self._said(item.answer), described=item.symbols, kind=self.kind)

    def _teach(self, item: Item, rng: np.random.Generator) -> tuple[str, str]:
        """Return the teacher's work and its answer, which may be wrong."""
        if self.knows == 1:
            return item.worked(item.apply)

        def apply(state: str, step: str) -> str:
            known = np.random.default_rng([ord(c) for c in state + step]).random() < self.knows
            if known and rng.random() < RIGHT:
                return item.apply(state, step)
            return item.values[int(rng.integers(len(item.values)))]

        return item.worked(apply)

    def _said(self, text: str) -> str:
        """Return a text in the tokens of the replies."""
        return text.translate(DIALECT) if self.dialect else text

    def picture(self) -> NDArray[np.uint8]:
        """Return the picture of the item."""
        assert self._item is not None
        return picture(self._item.symbols, self.image_size, self._shifts)

    def expert_action(self) -> str:
        """Return the teacher's answer. It is right if `knows` is 1."""
        return self._said(self._taught[1])

    def expert_thought(self, form: str = "work") -> str:
        """Return the teacher's reasoning in a form of `TaskConfig.think`: `transcript`, `work` or `word`."""
        assert self._item is not None
        transcript, work = self._item.symbols, self._taught[0]
        return self._said({"transcript": transcript, "work": work, "word": self.kind}[form])

    def _info(self, success: bool) -> dict[str, Any]:
        assert self._item is not None
        return super()._info(success) | {"text": self._item.symbols}


@lru_cache(maxsize=16)
def _pool(kind: str, steps: int, items: int) -> list[Item]:
    """Return different items of the training split. A smaller pool is the beginning of a larger one."""
    rng = np.random.default_rng(1)
    found: dict[str, Item] = {}
    for _ in range(200 * items):
        item = KINDS[kind](rng, steps)
        if split_of_item(item.symbols) == "train":
            found.setdefault(item.symbols, item)
        if len(found) == items:
            return list(found.values())
    raise ValueError(f"items must be at most about {len(found)} for kind {kind} with {steps} steps, got {items}")
