"""Chains of figures: what one gives the next takes, also where they are drawn onto each other."""

import hashlib
import itertools
import math
import re
from typing import Any

import numpy as np
import pytest

from envs.geometry.chain import Link, draw_chain, reachable
from envs.geometry.compose import ask
from envs.geometry.env import GeometryEnv
from envs.geometry.families.table import FAMILIES
from envs.geometry.figure import KINDS, Angle, Figure, Length, check
from envs.geometry.join import join
from envs.geometry.plane import Point, angle, by_sides
from render.geometry.scene import Scene

ALL = dict.fromkeys(FAMILIES, 1.0)
STARTS = {"angle": "triangle_angles", "length": "midsegment", "area": "frame_area"}
depths = pytest.mark.parametrize("depth", [2, 3, 4])


def chains(depth: int, count: int) -> list[list[Link]]:
    return [draw_chain(np.random.default_rng(seed), ALL, depth, seed % 11 / 10) for seed in range(count)]


@depths
def test_chain_passes_a_value_from_one_figure_to_the_next(depth: int) -> None:
    for chain in chains(depth, 150):
        assert [link.gives for link in chain] == [*"abc"[: depth - 1], "x"]
        for one, other in itertools.pairwise(chain):
            assert other.takes == one.gives
            assert other.figure.given[0].value == one.figure.asked.value
            kind = KINDS[type(one.figure.asked)]
            assert KINDS[type(other.figure.given[0])] == kind or kind == "number"
        assert len({link.family for link in chain}) == depth


@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.takes])
def test_every_family_can_stand_behind_another(family: str) -> None:
    weights = {STARTS[FAMILIES[family].takes]: 1.0, family: 1.0}
    found = {link.family for seed in range(40) for link in draw_chain(np.random.default_rng(seed), weights, 2, 0.5)[1:]}
    assert family in found


def test_a_family_can_follow_itself() -> None:
    chain = draw_chain(np.random.default_rng(1), {"midsegment": 1.0}, 4, 0.5)
    first = chain[0].figure.asked.value
    assert [link.figure.asked.value for link in chain] == [first, 2 * first, 4 * first, 8 * first]


def test_reachable_tells_which_families_can_be_chained() -> None:
    assert reachable(["frame_area", "square_side"], 2)
    assert reachable(["frame_area", "square_side"], 4)  # area, side, area, side
    assert not reachable(["frame_area", "polygon_angle"], 2)
    assert not reachable(["lattice_area", "rectangle_side"], 3)
    assert reachable(["parallel_equation", "isosceles"], 2)  # x degrees
    with pytest.raises(
        ValueError, match="no chain of depth 2 was found for the families polygon_angle, altitude_angle"
    ):
        GeometryEnv(["polygon_angle", "altitude_angle"], depth=2).reset(seed=0)  # both give more than 90


def crossing(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the segments cross, apart from their ends."""

    def side(p: Point, q: Point, r: Point) -> float:
        return ((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])) / math.dist(p, q) / math.dist(p, r)

    if min(math.dist(p, q) for p in (a, b) for q in (c, d)) < 1e-6 * math.dist(a, b):
        return False
    pairs = (side(a, b, c), side(a, b, d)), (side(c, d, a), side(c, d, b))
    return all(min(pair) < -1e-6 and max(pair) > 1e-6 for pair in pairs)


@pytest.mark.slow
@depths
def test_joined_figures_stay_true_and_apart(depth: int) -> None:
    joined = 0
    for chain in chains(depth, 250):
        for group in join(chain):
            for link in group:
                check(link.figure)
            for one, other in itertools.pairwise(group):
                joined += 1
                asked: Any = one.figure.asked
                given: Any = other.figure.given[0]
                here, there = one.figure.points, other.figure.points
                ends = [here[name] for name in asked.points], [there[name] for name in given.points]
                if isinstance(asked, Length):
                    assert np.allclose(*ends)
                else:
                    assert np.allclose(ends[0][1], ends[1][1])
                    assert angle(ends[0][0], ends[0][1], ends[1][0]) == pytest.approx(180)
                    assert angle(ends[0][2], ends[0][1], ends[1][2]) == pytest.approx(180)
            for one, other in itertools.combinations(group, 2):
                lines = [[[one_.figure.points[n] for n in name] for name in one_.figure.lines] for one_ in (one, other)]
                assert not any(crossing(*first, *second) for first in lines[0] for second in lines[1])
    assert joined > 15


@pytest.mark.slow
@depths
def test_equal_marks_of_joined_figures_are_equal(depth: int) -> None:
    for seed in range(150):
        for scene in ask(np.random.default_rng(seed), ALL, depth, 0.5, large=True).scenes:
            for count in (1, 2, 3):
                sizes = [math.dist(m.a, m.b) for m in scene.marks if not m.arrow and m.number == count]
                assert sizes == pytest.approx([sizes[0]] * len(sizes)) if sizes else True
                turns = [np.subtract(m.a, m.b) for m in scene.marks if m.arrow and m.number == count]
                assert all(abs(np.linalg.det([turn, turns[0]])) < 1e-6 * (turn @ turn) for turn in turns)


def texts(scene: Scene) -> str:
    marks = [side.text for side in scene.sides] + [corner.text for corner in scene.corners]
    return " ".join([*marks, *(text for text, _ in scene.captions)])


@pytest.mark.slow
@depths
def test_every_value_is_drawn_and_every_figure_told(depth: int) -> None:
    for seed in range(150):
        question, scenes, families = ask(np.random.default_rng(seed), ALL, depth, seed % 11 / 10, large=True)
        assert 1 <= len(scenes) <= depth == len(families)
        assert question.described.count("\n") == depth - 1 == question.thought.count("; ")
        assert question.text.endswith("Find x.")
        assert ("Equal letters" in question.text) == (len(scenes) > 1)
        drawn = " ".join(texts(scene) for scene in scenes)
        assert "x" in drawn
        for letter in "abc"[: depth - 1]:
            named = re.findall(rf"(?:=|is) {letter}°?\.|\d{letter}[°+-]|\({letter}[+-]", question.described)
            assert len(named) in (2, 3)  # three where an equation has it twice
            if len(scenes) == depth:
                assert drawn.replace("area =", "").replace("arc =", "").count(letter) >= 2
        for value in (int(step.split(" = ")[-1]) for step in question.thought.split("; ")[:-1]):
            assert value >= 2
        thoughts = [step.split(" = ")[0] for step in question.thought.split("; ")]
        assert thoughts == [*"abc"[: depth - 1], "x"]


def test_chain_of_two_figures_equals_one_by_hand() -> None:
    triangle = Figure(by_sides(3, 4, 5), ("AB", "BC", "CA"), Length("CA", 5), (Length("AB", 3),), "")
    square = {"A": (0.0, 0.0), "B": (5.0, 0.0), "C": (5.0, 5.0), "D": (0.0, 5.0)}
    ticks = tuple((side, 1) for side in ("AB", "BC", "CD", "DA"))
    second = Figure(square, ("AB", "BC", "CD", "DA"), Angle("ABC", 90), (Length("AB", 5),), "", ticks=ticks)
    ((one, other),) = join([Link(triangle, "", "a", "first"), Link(second, "a", "x", "second")])
    # A (0, 0), B (3, 0), C (3, 4): the square stands on AC, on the side away from B
    assert np.allclose([one.figure.points[n] for n in "ABC"], [(0, 0), (3, 0), (3, 4)])
    assert np.allclose([other.figure.points[n] for n in "ABCD"], [(3, 4), (0, 0), (-4, 3), (-1, 7)])
    # ticks on a line that has them already are the same ticks
    ticked = triangle._replace(ticks=(("CA", 2),))
    ((_, other),) = join([Link(ticked, "", "a", "first"), Link(second, "a", "x", "second")])
    assert other.figure.ticks == (("BC", 2), ("CD", 2), ("DA", 2))
    # the square's other side would lie on the triangle: they stand apart
    across = second._replace(points=square | {"E": (2.0, -3.0)}, lines=(*second.lines, "AE"))
    assert len(join([Link(triangle, "", "a", "first"), Link(across, "a", "x", "second")])) == 2


FROZEN = "0b7370b2e4d94ea8"
"""Twenty chains of each depth: text, answer, worked line, words."""


def test_the_chains_stay_the_same() -> None:
    digest = hashlib.sha256()
    for depth, seed in itertools.product((2, 3, 4), range(20)):
        question = ask(np.random.default_rng(seed), ALL, depth, seed % 11 / 10, large=True).question
        parts = [question.text, str(question.answer), question.thought, question.described]
        digest.update("\n".join(parts).encode())
    assert digest.hexdigest()[:16] == FROZEN


def test_an_env_plays_chains() -> None:
    env = GeometryEnv(depth=3, image_size=(224, 224))
    for seed in range(5):
        observation, info = env.reset(seed=seed)
        assert observation["image"].shape == (224, 224, 3)
        assert info["kind"].count("+") == 2
        assert env.step(env.expert_action())[1] == 1.0
