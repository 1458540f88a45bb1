"""Visual environment: questions about images from fourteen families."""

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
from envs.visual.puzzle import Family, Puzzle

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
"""Minimum side of the image in pixels. Below it, nothing is distinguishable."""


class VisualEnv(PictureQuestionEnv):
    """Answer a question about an image.

    ## Description
    There are fourteen families, each with several kinds of question:

    - `counting`: coloured shapes.
    - `spatial`: left, above, nearest, between, and grids.
    - `bar_chart`, `line_chart`, `pie_chart` and `table`, with charts drawn by matplotlib.
    - `clock`: time and durations.
    - `gauge`: thermometers, rulers and dials.
    - `function_graph`: values, zeros, slopes and formulas.
    - `maze`: which letter is reachable, and the length of the path.
    - `tangle`: lines to follow.
    - `matrix`: the missing cell of a pattern.
    - `network`: shortest paths.
    - `rotation`: rotated and mirrored patterns.

    Every question has one exact answer, and its text states the form: an integer (a slope may be a fraction), a name
    from the image or the question, a time, or a letter. Difficulty in [0, 1] sets the number and spacing of the
    objects, the distractors and the number of reasoning steps (read, compare, compute). `info["kind"]` is the
    question's family. Training, validation and test seeds never ask the same question about images of the same
    description: it is drawn again until it belongs to the seed's split (`envs.task.splits`). Everything else is as in
    `PictureQuestionEnv`.

    ## Arguments
    - `families`: names (default: all), or a mapping from names to sampling weights.
    - `difficulty`: from 0 to 1 (default 0.5).
    - `image_size`: (height, width) in pixels, at least 48 each. `counting`, `spatial`, `clock`, `tangle`, `network` and
      `rotation` are legible from 84. Small print of charts and tables, fine gauges, large mazes and large matrices need
      about 200.
    - `render_mode`: "rgb_array" or "human".

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
            raise ValueError(f"image_size must be at least {SMALLEST} pixels per side, got {self.image_size}")
        if not 0 <= difficulty <= 1:
            raise ValueError(f"difficulty must be from 0 to 1, got {difficulty}")
        self.difficulty = difficulty
        self.families = _weights(families)

    def draw_question(self) -> Question:
        """Return a question of a random family, with its image. Question and image belong to the seed's split."""
        settings = f"families={', '.join(self.families)}, difficulty={self.difficulty}"
        family, puzzle = self.draw_of_split(
            self._draw, lambda drawn: f"{drawn[1].described}\n{drawn[1].text}", settings
        )
        image = puzzle.scene.draw(*self.image_size)
        return Question(puzzle.text, puzzle.answer, puzzle.thought, image, puzzle.described, family, seen=puzzle.seen)

    def _draw(self) -> tuple[str, Puzzle]:
        """Return a random family and a puzzle of it."""
        place = float(self.np_random.random()) * sum(self.families.values())
        for name, weight in self.families.items():
            family = name
            place -= weight
            if place < 0:
                break
        return family, FAMILIES[family](self.np_random, self.difficulty)


def _weights(families: Sequence[str] | Mapping[str, float] | None) -> dict[str, float]:
    """Return the positive weights in the order of `FAMILIES`, or raise a one-line ValueError."""
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
            raise ValueError(f"the weight of {name} must be a number of at least 0, got {weight!r}")
    weights = {name: float(given[name]) for name in FAMILIES if given.get(name, 0) > 0}
    if not weights:
        raise ValueError("at least one family must have a weight above 0, got none")
    return weights
