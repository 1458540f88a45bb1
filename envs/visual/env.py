"""Questions about pictures from fourteen families."""

from collections.abc import Mapping, Sequence

from configs.errors import suggest
from envs.questions.env import PictureQuestionEnv, Question
from envs.visual.families.charts import bar_chart, line_chart, table
from envs.visual.families.clock import clock
from envs.visual.families.counting import counting
from envs.visual.families.functions import function_graph
from envs.visual.families.gauge import gauge
from envs.visual.families.matrix import matrix
from envs.visual.families.maze import maze
from envs.visual.families.network import network
from envs.visual.families.pie import pie_chart
from envs.visual.families.rotation import rotation
from envs.visual.families.spatial import spatial
from envs.visual.families.tangle import tangle
from envs.visual.puzzle import Family

FAMILIES: dict[str, Family] = {
    "counting": counting,
    "spatial": spatial,
    "bar_chart": bar_chart,
    "line_chart": line_chart,
    "pie_chart": pie_chart,
    "table": table,
    "clock": clock,
    "gauge": gauge,
    "function_graph": function_graph,
    "maze": maze,
    "tangle": tangle,
    "matrix": matrix,
    "network": network,
    "rotation": rotation,
}
SMALLEST = 48
"""Pixels a side below which nothing can be told apart."""


class VisualEnv(PictureQuestionEnv):
    """Look at a picture and answer a question about it.

    ## Description
    Fourteen families, each with several kinds of question: `counting` (coloured shapes), `spatial` (left, above,
    nearest, between, grids), `bar_chart`, `line_chart`, `pie_chart`, `table`, `clock`, `gauge` (thermometers, rulers,
    dials), `function_graph`, `maze` (which letter is reached, how long is the way), `tangle` (lines to follow),
    `matrix` (the missing cell of a pattern), `network` (shortest ways) and `rotation` (turned and mirrored patterns).
    Every question has one exact answer: a whole number (for a slope perhaps a fraction), a name that stands in the
    picture or the question, a time or a letter; the question says which. Charts are drawn by matplotlib. Difficulty
    in [0, 1] sets how many things there are, how close they lie, what distracts from them and how many steps the
    answer takes: to read, to compare, to compute. The rest is as in `PictureQuestionEnv`; `info["kind"]` is the
    question's family.

    ## Arguments
    `families`: names (all by default), or a mapping from names to weights by which they are drawn. `difficulty`: from
    0 to 1 (0.5). `image_size`: (height, width), 48 pixels or more a side; counting, spatial, clock, tangle, network and
    rotation are legible from 84 on, the small print of charts and tables, fine gauges, and large mazes and matrices,
    from about 200 on. `render_mode`: "rgb_array" or "human".

    ## Version History
    v0: first version.
    """

    def __init__(
        self,
        families: Sequence[str] | Mapping[str, float] | None = None,
        difficulty: float = 0.5,
        image_size: tuple[int, int] = (336, 336),
        render_mode: str | None = None,
    ) -> None:
        super().__init__(image_size, render_mode=render_mode)
        if min(self.image_size) < SMALLEST:
            raise ValueError(f"image_size must be at least {SMALLEST} pixels a side, got {self.image_size}")
        if not 0 <= difficulty <= 1:
            raise ValueError(f"difficulty must be from 0 to 1, got {difficulty}")
        self.difficulty = difficulty
        self.families = _weights(families)

    def draw_question(self) -> Question:
        """A family, a puzzle of it and its picture."""
        place = float(self.np_random.random()) * sum(self.families.values())
        for name, weight in self.families.items():
            family = name
            place -= weight
            if place < 0:
                break
        puzzle = FAMILIES[family](self.np_random, self.difficulty)
        image = puzzle.scene.draw(*self.image_size)
        return Question(puzzle.text, puzzle.answer, puzzle.thought, image, puzzle.described, family)


def _weights(families: Sequence[str] | Mapping[str, float] | None) -> dict[str, float]:
    """Positive weights in the order of `FAMILIES`; ValueError in one line."""
    if isinstance(families, str):
        raise ValueError(f"families must be a list of names or a mapping to weights, got {families!r}")
    given = (
        dict(families)
        if isinstance(families, Mapping)
        else dict.fromkeys(FAMILIES if families is None else families, 1.0)
    )
    for name, weight in given.items():
        if name not in FAMILIES:
            raise ValueError(suggest("family", name, FAMILIES))
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
            raise ValueError(f"the weight of {name} must be a number from 0 on, got {weight!r}")
    weights = {name: float(given[name]) for name in FAMILIES if given.get(name, 0) > 0}
    if not weights:
        raise ValueError("families must have a weight above 0, got none")
    return weights
