"""Training, validation and test seeds never show the same picture with the same question."""

from typing import Any

import numpy as np
import pytest

from envs.geometry.compose import Composed, ask
from envs.geometry.content import content
from envs.geometry.env import GeometryEnv
from envs.questions.env import Question
from envs.task.splits import TEST_FIRST, VALIDATION_FIRST
from render.geometry.scene import Scene


def test_splits_never_share_a_figure() -> None:
    tiny = ["straight_line", "triangle_angles", "isosceles", "polygon_angle", "lattice_slope"]
    env = GeometryEnv(tiny, difficulty=0.0, image_size=(84, 84))
    drawn: list[set[str]] = []
    for first in (0, VALIDATION_FIRST, TEST_FIRST):
        observations = [env.reset(seed=first + number)[0] for number in range(400)]
        # the ink, without the colour of the paper
        drawn.append({f"{o['text']} {(o['image'] != o['image'][0, 0]).tobytes().hex()}" for o in observations})
    assert not drawn[0] & drawn[1] and not drawn[0] & drawn[2] and not drawn[1] & drawn[2]


def test_content_is_that_of_the_picture() -> None:
    question, (scene,), names = ask(np.random.default_rng(7), {"triangle_angles": 1.0}, 1, 0.7, large=True)
    (a, b), *others = scene.lines

    def changed(**fields: Any) -> str:
        return content(Composed(question, [scene._replace(**fields)], names))

    same = changed()
    assert changed(fill=scene.fill + 1) == same  # a colour
    assert changed(lines=((b, a), *reversed(others))) == same  # the order of drawing
    assert changed(lines=(((a[0] + 1e-12, a[1]), b), *others)) == same  # another machine's rounding
    assert changed(lines=(((a[0] + 1e-3, a[1]), b), *others)) != same
    assert changed(names=()) != same or not scene.names


@pytest.mark.parametrize("step", [(3.0, -2.0), (0.5, 0.5)])
def test_content_does_not_depend_on_the_position(step: tuple[float, float]) -> None:
    side = ((1.0, 1.0), (4.0, 1.0)), ((4.0, 1.0), (1.0, 5.0))
    dx, dy = step
    moved = tuple(((x + dx, y + dy), (u + dx, v + dy)) for (x, y), (u, v) in side)
    contents = [content(Composed(Question("", 0), [Scene(lines)], [])) for lines in (side, moved)]
    assert contents[0] == contents[1]
    assert "(0.0 4.0)" in contents[0]  # (1, 5) from the corner (1, 1)
