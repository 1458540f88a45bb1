"""The visual suite as an env: what it takes, what it draws, and that its questions stay as they are."""

import hashlib
from importlib import import_module

import numpy as np
import pytest

from envs.task.splits import TEST_FIRST, VALIDATION_FIRST
from envs.visual.env import FAMILIES, VisualEnv

FROZEN = {
    "counting": "685a4f9132375ab4",
    "spatial": "12222464a320a0ca",
    "bar_chart": "01ebd2ddefe4f4a9",
    "line_chart": "b5e5b5d3419f78c1",
    "pie_chart": "bab88f31efb0be69",
    "table": "cd374d66177848bf",
    "clock": "75a54d7a7bb91484",
    "gauge": "3d0dec828dfcb2dc",
    "function_graph": "6a2ee7a24cbf4dde",
    "maze": "d0f6f16605013c0d",
    "tangle": "03d6e8f55a6ec5a0",
    "matrix": "bab62966a870be3b",
    "network": "e25dc11a0fdcdf0f",
    "rotation": "cbcf17ec219781ef",
}
"""The first 55 puzzles of each family, five at each tenth of difficulty: text, answer, thought and words."""


@pytest.mark.parametrize("family", FAMILIES)
def test_the_questions_stay_the_same(family: str) -> None:
    digest = hashlib.sha256()
    for seed in range(55):
        puzzle = FAMILIES[family](np.random.default_rng(seed), seed % 11 / 10)
        digest.update("\n".join([puzzle.text, str(puzzle.answer), puzzle.thought, puzzle.described]).encode())
    assert digest.hexdigest()[:16] == FROZEN[family]


@pytest.mark.parametrize(
    ("module", "table"),
    [
        ("counting", "KINDS"),
        ("spatial", "KINDS"),
        ("charts", "BAR_KINDS"),
        ("charts", "LINE_KINDS"),
        ("charts", "TABLE_KINDS"),
        ("pie", "KINDS"),
        ("clock", "KINDS"),
        ("functions", "KINDS"),
        ("gauge", "KINDS"),
        ("tangle", "KINDS"),
        ("maze", "KINDS"),
        ("network", "KINDS"),
        ("rotation", "KINDS"),
    ],
)
def test_several_kinds_of_question_at_every_difficulty(module: str, table: str) -> None:
    kinds = getattr(import_module(f"envs.visual.families.{module}"), table)
    for percent in range(101):
        assert sum(low <= percent / 100 <= high for low, high in kinds.values()) >= (1 if percent < 10 else 2)


@pytest.mark.parametrize("families", [["counting", "spatial", "network"], ["clock"], ["gauge"]])
def test_splits_never_share_a_question(families: list[str]) -> None:
    env = VisualEnv(families, difficulty=0.0, image_size=(48, 48))
    asked = [
        {env.reset(seed=first + number)[1]["text"] for number in range(200)}
        for first in (0, VALIDATION_FIRST, TEST_FIRST)
    ]
    assert not asked[0] & asked[1] and not asked[0] & asked[2] and not asked[1] & asked[2]
    one, other = (env.reset(seed=TEST_FIRST) for _ in range(2))
    assert one[1] == other[1] and (one[0]["image"] == other[0]["image"]).all()


def test_a_family_with_no_question_of_a_split_is_a_one_line_error() -> None:
    env = VisualEnv(["tangle"], difficulty=0.0, image_size=(48, 48))  # 12 distinct questions
    with pytest.raises(ValueError, match=r"families=tangle, difficulty=0.0: 1000 draws gave no validation item"):
        env.reset(seed=VALIDATION_FIRST)


def drawn(env: VisualEnv, count: int) -> list[str]:
    return [env.reset(seed=seed)[1]["kind"] for seed in range(count)]


@pytest.mark.slow
def test_all_families_come_and_none_that_was_not_named() -> None:
    assert set(drawn(VisualEnv(image_size=(48, 48)), 70)) == set(FAMILIES)
    assert set(drawn(VisualEnv(["maze", "clock"], image_size=(48, 48)), 30)) == {"maze", "clock"}


def test_weights_decide_how_often() -> None:
    env = VisualEnv({"clock": 3, "rotation": 1, "table": 0}, image_size=(48, 48))
    families = drawn(env, 400)
    # 300 of 400 are expected; the standard deviation is sqrt(400 * 3/4 * 1/4) = 8.7
    assert 270 <= families.count("clock") <= 330
    assert families.count("table") == 0
    other = VisualEnv({"rotation": 2, "clock": 6}, image_size=(48, 48))
    assert drawn(other, 50) == families[:50]  # neither the order nor the scale of the weights matters


def test_only_the_right_answer_counts() -> None:
    env = VisualEnv(
        ["counting", "spatial", "clock", "gauge", "maze", "tangle", "matrix", "network", "rotation"],
        image_size=(48, 48),
    )
    for seed in range(60):
        env.reset(seed=seed)
        right = env.expert_action()
        for answer, reward in ((right, 1.0), (f" {right.upper()} ", 1.0), (f"{right}1", 0.0), ("", 0.0), ("E9", 0.0)):
            observation, got, terminated, truncated, info = env.step(answer)
            assert (got, terminated, truncated, info["success"]) == (reward, True, False, reward == 1.0)
        assert observation["text"] in info["text"]
        assert env.question.described in info["text"]


@pytest.mark.slow
def test_a_fraction_is_right_in_every_exact_form() -> None:
    env = VisualEnv(["function_graph"], difficulty=0.9, image_size=(48, 48))
    seed = next(seed for seed in range(200) if env.reset(seed=seed) and "/" in env.expert_action())
    env.reset(seed=seed)
    over, under = (int(part) for part in env.expert_action().split("/"))
    assert env.step(f"{2 * over}/{2 * under}")[1] == 1.0
    assert env.step(str(over / under))[1] == 1.0  # halves are exact decimals
    assert env.step(f"{over}/{under + 1}")[1] == 0.0


@pytest.mark.parametrize("size", [(84, 84), (120, 200)])
def test_seed_decides_the_question_and_size_only_the_image(size: tuple[int, int]) -> None:
    one, other = VisualEnv(image_size=size), VisualEnv(image_size=size, render_mode="rgb_array")
    for seed in range(12):
        (seen, info), (again, same) = one.reset(seed=seed), other.reset(seed=seed)
        assert info == same
        assert seen["image"].shape == (*size, 3)
        assert np.array_equal(seen["image"], again["image"])
        assert np.array_equal(other.render(), seen["image"])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"families": ["clok"]}, "unknown family 'clok'; did you mean 'clock'? Known: bar_chart, clock"),
        ({"families": "clock"}, "families must be a list of names or a mapping to weights, got 'clock'"),
        ({"families": {"clock": -1}}, "the weight of clock must be a number of at least 0, got -1"),
        ({"families": {"clock": float("nan")}}, "the weight of clock must be a number of at least 0, got nan"),
        ({"families": {"clock": 0}}, "at least one family must have a weight above 0, got none"),
        ({"families": []}, "at least one family must have a weight above 0, got none"),
        ({"difficulty": 1.5}, "difficulty must be from 0 to 1, got 1.5"),
        ({"image_size": (224, 32)}, r"image_size must be at least 48 pixels per side, got \(224, 32\)"),
    ],
)
def test_wrong_arguments_are_one_line(kwargs: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")) as error:
        VisualEnv(**kwargs)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_harder_means_more_to_look_at() -> None:
    def mean_length(family: str, difficulty: float) -> float:
        puzzles = [FAMILIES[family](np.random.default_rng(seed), difficulty) for seed in range(60)]
        return float(np.mean([len(puzzle.described) for puzzle in puzzles]))

    for family in sorted(set(FAMILIES) - {"clock", "gauge", "function_graph", "matrix"}):
        assert mean_length(family, 0.1) < mean_length(family, 0.5) < mean_length(family, 1.0), family
