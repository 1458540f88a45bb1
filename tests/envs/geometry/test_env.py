"""Every family of figures: what is drawn, said and worked out agree, over many seeds."""

import hashlib
import math
import re
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from envs.geometry.compose import Composed, ask
from envs.geometry.env import GeometryEnv
from envs.geometry.families.table import FAMILIES
from envs.geometry.figure import Angle, Exact, Figure, Length, check, gold, pi, root
from envs.geometry.plane import angle, area
from envs.geometry.scene import written
from envs.questions.answers import is_right
from render.geometry.scene import Scene

SEEDS = 210
NAMELESS = (
    "circle_in_square",
    "square_in_circle",
    "parallel_equation",
    "regular_perimeter",
    "tangent_triangle",
    "arc_length",
)
families = pytest.mark.parametrize("family", FAMILIES)


@cache
def asked(family: str, seed: int) -> Composed:
    """A question of the family; the seeds go through the difficulties."""
    return ask(np.random.default_rng(seed), {family: 1.0}, 1, seed % 11 / 10, large=True)


def value(text: str) -> float:
    """A number or a sum as it stands in answers and worked lines: 3/4, 6\\pi, 2*√(5² - 3²)."""
    text = re.sub(r"\\frac\{(.+)\}\{(\d+)\}$", r"(\1)/\2", text)
    text = re.sub(r"(\d)(?=[√π\\])", r"\1*", text)
    text = re.sub(r"\\sqrt\{(\d+)\}|√(\d+)", lambda m: f"sqrt({m[1] or m[2]})", text)
    text = text.replace("√(", "sqrt(").replace("√", "sqrt").replace("²", "**2").replace("\\pi", "pi").replace("π", "pi")
    assert re.fullmatch(r"(?:[0-9+\-*/(). ]|sqrt|pi)+", text), text
    return float(eval(text, {"__builtins__": {}}, {"sqrt": math.sqrt, "pi": math.pi}))


def measured(scene: Scene) -> list[tuple[str, float]]:
    """What stands beside lines and in corners, and what these measure in the drawing."""
    found = [(side.text, math.dist(side.a, side.b)) for side in scene.sides]
    return found + [(c.text, angle(c.start, c.vertex, c.end)) for c in scene.corners if c.text]


@pytest.mark.slow
@families
def test_what_is_written_is_what_is_drawn(family: str) -> None:
    for seed in range(SEEDS):
        question, (scene,), _ = asked(family, seed)
        right = value(str(question.answer))
        for text, size in measured(scene):
            number = text.removesuffix("°").replace("(", "").replace(")", "")
            if (equation := re.fullmatch(r"(\d*)x([+-]\d+)?", number)) is not None:
                times, plus = int(equation[1] or 1), int(equation[2] or 0)
                assert times * right + plus == pytest.approx(size, rel=1e-6), (seed, text)
            else:
                assert value(number) == pytest.approx(size, rel=1e-6), (seed, text)
        for corner in scene.corners:
            if corner.square:
                assert angle(corner.start, corner.vertex, corner.end) == pytest.approx(90)


@families
def test_the_answer_is_what_the_drawing_measures(family: str) -> None:
    for seed in range(SEEDS):
        question, (scene,), _ = asked(family, seed)
        right = value(str(question.answer))
        if question.text.endswith("perimeter of the figure?") or question.text.endswith("perimeter of the triangle?"):
            lines = scene.lines if family != "tangent_triangle" else scene.lines[:3]
            assert sum(math.dist(a, b) for a, b in lines) == pytest.approx(right)
        elif "What is the area of" in question.text:
            shaded = sum(area(outline) for outline in scene.fills) - sum(area(outline) for outline in scene.holes)
            assert shaded == pytest.approx(right, rel=2e-3)  # circles are drawn with 96 corners
        elif "arc" in question.text:
            (bow,) = scene.rounds
            assert bow.radius * math.radians(bow.end - bow.start) == pytest.approx(right)
        elif "slope" in question.text:
            ((start, end),) = scene.lines
            assert (end[1] - start[1]) / (end[0] - start[0]) == pytest.approx(right)
        elif "Find x" in question.text:
            letters = [text for text, _ in measured(scene) if "x" in text]
            assert letters, seed  # its size is compared with the answer in the test above
        else:
            asked_for = re.search(r"(?:length of|angle) ([A-Z]{2,3})", question.text)
            assert asked_for is not None
            name = asked_for[1]
            at = {letter: place for place, letter in scene.names}
            size = math.dist(*(at[n] for n in name)) if len(name) == 2 else angle(*(at[n] for n in name))
            assert size == pytest.approx(right), (seed, question.text)


@families
def test_every_given_value_is_seen_or_said_and_some_only_seen(family: str) -> None:
    unsaid = 0
    for seed in range(SEEDS):
        question, (scene,), _ = asked(family, seed)
        shown = [text for text, _ in measured(scene)] + [text.removeprefix("area = ") for text, _ in scene.captions]
        facts = re.findall(r"(?:^| )(?:Angle )?([A-Z]{2,3}) = (\(?\d[^ ]*)\.(?= |$)", question.described)
        facts += re.findall(r"area of the polygon ([A-Z]+) is (\d+)\.", question.described)
        for name, text in facts:
            said = f"{name} = {text}." in question.text or f"{name} is {text}." in question.text
            assert said != (text in shown) or shown.count(text) > 1 or said, (seed, name, text, question.text)
            assert said or text in shown
            unsaid += not said
        if scene.grid:
            unsaid += 1
            coordinates = {f"({x:g}, {y:g})" for line in scene.lines for x, y in line}
            assert all(place in question.described for place in coordinates)
        elif family == "polygon_angle":
            unsaid += 1  # the number of sides is to be counted
            assert f"/{len(scene.lines)}" in question.thought
        else:
            assert facts or "x" in "".join(shown)
    assert unsaid >= SEEDS


@families
def test_the_points_that_are_spoken_of_bear_their_letters(family: str) -> None:
    spoken = 0
    for seed in range(SEEDS):
        question, (scene,), _ = asked(family, seed)
        letters = {letter for _, letter in scene.names}
        names = re.findall(r"\b[A-Z]{2,}\b", question.text)
        assert set("".join(names)) <= letters
        spoken += bool(names)
        assert len(scene.names) == len({place for place, _ in scene.names})
    assert spoken or "area" in family or family in NAMELESS


@families
def test_expert_thoughts_are_true_equations(family: str) -> None:
    for seed in range(SEEDS):
        question = asked(family, seed).question
        letter, *steps = question.thought.split(" = ")
        assert letter == "x"
        for step in steps:
            assert value(step) == pytest.approx(value(str(question.answer))), (seed, question.thought)


@families
def test_equal_questions_have_equal_answers(family: str) -> None:
    answers: dict[str, set[str]] = {}
    for seed in range(SEEDS):
        question = asked(family, seed).question
        answers.setdefault(f"{question.described} {question.text}", set()).add(str(question.answer))
    assert all(len(found) == 1 for found in answers.values())
    assert len(answers) >= 6
    assert len({answer for found in answers.values() for answer in found}) >= 6


@families
def test_the_expert_is_right_and_its_neighbour_wrong(family: str) -> None:
    env = GeometryEnv([family], image_size=(84, 84))
    for seed in range(3):
        env.reset(seed=seed)
        assert env.step(env.expert_action())[1:3] == (1.0, True)
        assert not is_right(f"2{env.expert_action()}", env.question.answer)


FROZEN = "9784d7572149e70e"
"""The first 20 questions of every family: text, answer, worked line, words."""


def test_the_questions_stay_the_same() -> None:
    digest = hashlib.sha256()
    for family in FAMILIES:
        for seed in range(20):
            question = asked(family, seed).question
            parts = [question.text, str(question.answer), question.thought, question.described]
            digest.update("\n".join(parts).encode())
    assert digest.hexdigest()[:16] == FROZEN


def test_answers_are_written_as_the_checker_reads_them() -> None:
    assert gold(7) == 7
    assert gold(Fraction(6, 4)) == Fraction(3, 2)
    assert gold(Fraction(8, 2)) == 4 and isinstance(gold(Fraction(8, 2)), int)
    assert gold(root(18)) == r"3\sqrt{2}"  # √18 = √9 √2
    assert gold(root(16)) == 4
    assert gold(root(3, Fraction(9, 4))) == r"\frac{9\sqrt{3}}{4}"
    assert gold(root(2, Fraction(1, 2))) == r"\frac{\sqrt{2}}{2}"
    assert gold(pi(1)) == r"\pi"
    assert gold(pi(Fraction(5, 3))) == r"\frac{5\pi}{3}"
    assert float(Exact(Fraction(3), 2)) == pytest.approx(4.2426407)
    for text in ("3√2", r"\sqrt{18}", r"$3\sqrt{2}$"):
        assert is_right(text, gold(root(18)))


def test_figure_check_detects_a_wrong_value() -> None:
    points = {"A": (0.0, 0.0), "B": (3.0, 0.0), "C": (0.0, 4.0)}
    lines = ("AB", "BC", "CA")
    good = Figure(points, lines, Length("BC", 5), (Length("AB", 3), Angle("BAC", 90)), "", right=("CAB",))
    check(good)
    for bad in (
        good._replace(asked=Length("BC", 6)),
        good._replace(given=(Angle("ABC", 45),)),
        good._replace(right=("ABC",)),
        good._replace(ticks=(("AB", 1), ("CA", 1))),
        good._replace(arrows=(("AB", 1), ("BC", 1))),
    ):
        with pytest.raises(ArithmeticError):
            check(bad)


def test_values_that_are_not_needed_come_where_it_is_hard() -> None:
    def lengths(level: float) -> int:
        found = 0
        for seed in range(100):
            scenes = ask(np.random.default_rng(seed), {"triangle_angles": 1.0}, 1, level, large=True).scenes
            found += sum(bool(scene.sides) for scene in scenes)
        return found

    assert lengths(0.0) == 0
    assert 25 <= lengths(1.0) <= 55  # 40 are expected; the standard deviation is sqrt(100 * 0.4 * 0.6) = 4.9


def test_values_are_written_with_their_letter() -> None:
    assert written(Length("AB", 7)) == "7"
    assert written(Length("AB", 7), "a") == "a"
    assert written(Angle("ABC", 40)) == "40°"
    assert written(Angle("ABC", 40), "x") == "x°"
    assert written(Angle("ABC", 40, "(3{}+10)°"), "a") == "(3a+10)°"


@pytest.mark.slow
def test_all_families_come_and_none_that_was_not_named() -> None:
    def come(env: GeometryEnv, count: int) -> list[str]:
        return [env.reset(seed=seed)[1]["kind"] for seed in range(count)]

    assert set(come(GeometryEnv(difficulty=1.0, image_size=(84, 84)), 420)) == set(FAMILIES)
    easy = set(come(GeometryEnv(difficulty=0.0, image_size=(84, 84)), 200))
    assert easy == {name for name, family in FAMILIES.items() if family.least == 0}
    assert 12 <= len(easy) < len(FAMILIES)
    names = come(GeometryEnv({"isosceles": 3, "midsegment": 1, "median": 0}, image_size=(84, 84)), 400)
    # 300 of 400 are expected; the standard deviation is sqrt(400 * 3/4 * 1/4) = 8.7
    assert 270 <= names.count("isosceles") <= 330
    assert set(names) == {"isosceles", "midsegment"}
    assert names[:60] == come(GeometryEnv({"midsegment": 2, "isosceles": 6}, image_size=(84, 84)), 60)


def test_seed_decides_the_question_and_size_only_the_image() -> None:
    one, other = GeometryEnv(image_size=(120, 200)), GeometryEnv(image_size=(120, 200), render_mode="rgb_array")
    for seed in range(12):
        (seen, info), (again, same) = one.reset(seed=seed), other.reset(seed=seed)
        assert info == same
        assert seen["image"].shape == (120, 200, 3)
        assert np.array_equal(seen["image"], again["image"])
        assert np.array_equal(other.render(), seen["image"])
        assert info["text"] == f"{one.question.described}\n{one.question.text}"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"families": ["isoceles"]}, r"unknown family 'isoceles'; did you mean 'isosceles'\?"),
        ({"families": "isosceles"}, "families must be a list of names, or names with weights, got 'isosceles'"),
        ({"families": []}, r"families must be a list of names, or names with weights, got \[\]"),
        ({"families": {"isosceles": -1}}, "weights must be numbers of 0 or more"),
        ({"families": {"isosceles": float("nan")}}, "weights must be numbers of 0 or more"),
        ({"families": {"isosceles": 0}}, "at least one weight must be above 0"),
        ({"depth": 5}, "depth must be a whole number from 1 to 4, got 5"),
        ({"depth": True}, "depth must be a whole number from 1 to 4, got True"),
        ({"difficulty": 1.5}, "difficulty must be a number from 0 to 1, got 1.5"),
        ({"image_size": (80, 84)}, r"image_size must be at least 84 pixels per side for depth 1, got \(80, 84\)"),
        ({"image_size": (84, 84), "depth": 2}, "image_size must be at least 160 pixels per side for depth 2"),
        ({"families": ["lattice_area"], "depth": 2}, "the families lattice_area cannot be chained to depth 2"),
    ],
)
def test_wrong_arguments_are_one_line(kwargs: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        GeometryEnv(**kwargs)
    assert "\n" not in str(error.value)
