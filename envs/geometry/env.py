"""Geometry environment: questions about a figure, or a chain of figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from configs.errors import suggest
from envs.geometry.chain import reachable
from envs.geometry.compose import ask
from envs.geometry.content import content
from envs.geometry.families.table import FAMILIES
from envs.questions.env import PictureQuestionEnv, Question
from render.geometry.figure import draw


class GeometryEnv(PictureQuestionEnv):
    r"""Find a length, an angle, an area or a number in a labelled figure.

    ## Description
    The figure is drawn to scale with some of its values, and the question asks for another one. All or most values
    appear only in the image. With a `depth` above 1 there are several figures. The value found in one is marked with a
    letter and given in the next, and the question asks for the value of the last. Every answer is exact and is checked
    against the coordinates of the drawing. `info["kind"]` is the figure's family, or the families of a chain joined by
    `+`. Training, validation and test seeds never ask the same question about the same picture: it is drawn again
    until it belongs to the seed's split (`envs.task.splits`). A turned figure is another picture. Easy families have
    few values, so that values do repeat across the splits.

    ## Action Space
    `Text`: the number, without a unit: `12`, `3/4` or `0.75`. Answers with a root or π may have any exact form, such as
    `6\pi`, `6π` or `3\sqrt{2}`.

    ## Observation Space
    `Dict(image: Box uint8 [H, W, 3], text: Text)`: the figure and the question.

    ## Rewards
    1 for the right answer, else 0.

    ## Starting State
    A question drawn from the seed.

    ## Episode End
    Terminated after the first answer.

    ## Arguments
    - `families`: names from `families.table.FAMILIES`, or names with weights. None selects all that `difficulty`
      allows.
    - `depth`: number of figures in a chain, 1 to 4 (default 1).
    - `difficulty`: from 0 to 1 (default 0.5). Higher values add families, larger and less round numbers, rotations,
      roots and fractions, and values that are not needed.
    - `image_size`: (height, width) in pixels, at least 84 each, or 160 for a chain. At 84, labels of narrow angles can
      lie outside the figure, as in the images that the embedded model learned from. Chains of 3 and 4 figures are
      easily legible from 336.
    - `render_mode`: "rgb_array" or "human".

    ## Version History
    v0: first version.
    """

    def __init__(
        self,
        families: Sequence[str] | Mapping[str, float] | None = None,
        depth: int = 1,
        difficulty: float = 0.5,
        image_size: tuple[int, int] = (336, 336),
        render_mode: str | None = None,
    ) -> None:
        super().__init__(image_size, render_mode=render_mode)
        if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= 4:
            raise ValueError(f"depth must be a whole number from 1 to 4, got {depth!r}")
        if isinstance(difficulty, bool) or not isinstance(difficulty, (int, float)) or not 0 <= difficulty <= 1:
            raise ValueError(f"difficulty must be a number from 0 to 1, got {difficulty!r}")
        least = 84 if depth == 1 else 160
        if min(self.image_size) < least:
            raise ValueError(
                f"image_size must be at least {least} pixels per side for depth {depth}, got {image_size!r}"
            )
        self.depth, self.difficulty = depth, float(difficulty)
        self.weights = _weights(families, self.difficulty)
        if not reachable(self.weights, depth):
            raise ValueError(
                f"the families {', '.join(self.weights)} cannot be chained to depth {depth}; "
                "add families that take what others give, or lower the depth"
            )

    def draw_question(self) -> Question:
        """Return a question about a chain of figures, with its image."""
        large = min(self.image_size) >= 160
        composed = self.draw_of_split(
            lambda: ask(self.np_random, self.weights, self.depth, self.difficulty, large),
            content,
            f"families={', '.join(self.weights)}, difficulty={self.difficulty}",
        )
        image = draw(composed.scenes, self.image_size, int(self.np_random.integers(4)))
        return composed.question._replace(image=image, kind="+".join(composed.families))


def _weights(families: Any, difficulty: float) -> dict[str, float]:
    """Return weights by family name. Raise a one-line ValueError if the argument is invalid."""
    if families is None:
        return {name: 1.0 for name, family in FAMILIES.items() if family.least <= difficulty}
    if isinstance(families, str) or not isinstance(families, (Mapping, Sequence)) or not families:
        raise ValueError(f"families must be a list of names, or names with weights, got {families!r}")
    for name in families:
        if name not in FAMILIES:
            raise ValueError(suggest("family", name, FAMILIES))
    weights = dict(families) if isinstance(families, Mapping) else dict.fromkeys(families, 1)
    if any(
        isinstance(w, bool) or not isinstance(w, (int, float)) or not 0 <= w < float("inf") for w in weights.values()
    ):
        raise ValueError(f"weights must be numbers of 0 or more, got {families!r}")
    if not any(weights.values()):
        raise ValueError(f"at least one weight must be above 0, got {families!r}")
    return {name: float(weights[name]) for name in FAMILIES if weights.get(name, 0) > 0}
