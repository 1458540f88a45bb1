"""Transcripts of the visual families: values by hand, and answers found from question and transcript alone."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from envs.task.transcript import accuracy
from envs.visual.env import FAMILIES, VisualEnv
from envs.visual.families.matrix import VALUES
from render.visual.sheet import COLOURS, SHAPES
from tests.envs.visual.test_answers import SOLVERS

BY_HAND = [
    # family, seed, difficulty, transcript; the words of the item are the comment
    ("counting", 1, 0.3, "red 1 blue 6 orange 3"),  # ten shapes: how many colours?
    ("counting", 4, 0.0, "blue circle 1 blue square 3 green circle 1 green square 1"),  # how many blue squares?
    ("spatial", 0, 0.0, "- - green cross / yellow cross - yellow star / - red star -"),  # a grid of 3 x 3
    ("spatial", 11, 0.7, "yellow square 40 86 yellow diamond 55 73"),  # where is one, seen from the other?
    ("spatial", 12, 0.0, "blue star green triangle"),  # x = 24 and 53: left or right?
    ("bar_chart", 0, 0.0, "Rabbits 107 Hamsters 155 Cats 149"),  # the lowest value?
    ("bar_chart", 3, 0.7, "Sharks 30 35 Owls 25 30 Lions 5 20 Hawks 20 25"),  # the highest sum of both years?
    ("line_chart", 3, 0.7, "40 140"),  # the sum of Fri 40 and Sat 140
    ("line_chart", 5, 0.3, "15 40 45 20 35"),  # how many values of Pea above 42?
    ("pie_chart", 0, 0.0, "Pasture Towns Roads"),  # 50, 38 and 12 %, not written: the smallest?
    ("pie_chart", 5, 0.3, "28 21"),  # Reform 28 %, Harmony 21 %
    ("table", 1, 0.3, "83 64"),  # Coal 83, Gas 64
    ("clock", 0, 0.0, "10 15"),
    ("clock", 2, 0.5, "3 50 6 50"),  # two clocks
    ("gauge", 0, 0.0, "7 0"),  # a bar from 0 to 7 cm
    ("gauge", 2, 0.5, "30 0"),  # from 0 to the end of the scale, 30
    ("function_graph", 2, 0.5, "-1 3"),  # two lines meet at (-1, 3)
    ("function_graph", 5, 0.3, "-3 2 -1 3"),  # a line through (-3, 2) and (-1, 3): slope?
    ("maze", 24, 0.0, "3012/2310/2C0A1B0/111S0"),  # the map is in the test of `maze`
    ("tangle", 0, 0.0, "12"),  # 1 2 3; 2 1 3; 2 3 1
    ("tangle", 2, 0.5, "21212"),  # 1 2 3 4; 1 3 2 4; 3 1 2 4; 3 2 1 4; 2 3 1 4; 2 1 3 4
    (
        "matrix",
        0,
        0.0,  # all cells are empty; colour and shape differ in two options
        "2 red triangle 2 red triangle 2 red triangle 4 red triangle 4 red triangle 4 red triangle "
        "1 red triangle 1 red triangle 1 red triangle 3 orange triangle 3 red triangle 3 red star",
    ),
    ("network", 0, 0.0, "A B"),  # the lines A-B, A-C, B-C, B-D: how many end at C?
    ("network", 2, 0.5, "AB2 AC9 BC2 BD5 BE2 CE8 DE6 DF2 EF2"),
    ("rotation", 17, 0.3, "B--BBbBrr BBB-Br-br --BbBBrrB BrrBBbB-- --BbBBrrb"),  # blue white white / blue blue black
]


@pytest.mark.parametrize(("family", "seed", "difficulty", "transcript"), BY_HAND)
def test_transcripts_by_hand(family: str, seed: int, difficulty: float, transcript: str) -> None:
    assert FAMILIES[family](np.random.default_rng(seed), difficulty).seen == transcript


def test_every_family_is_checked_by_hand() -> None:
    assert {family for family, *_ in BY_HAND} == set(FAMILIES)


def counting(seen: str, text: str) -> str:
    items = []
    for look, count in re.findall(r"([a-z ]+?) (\d+)", seen):
        look = look.strip()
        name = f"{look} circle" if look in COLOURS else f"red {look}" if look in SHAPES else look
        items += [f"{name} at (0, 0)"] * int(count)
    return "; ".join(items)


def spatial(seen: str, text: str) -> str:
    if "grid" in text or "cell" in text or " row" in text or "column" in text or "directly" in text:
        rows = [re.findall(r"-|\w+ \w+", line) for line in seen.split(" / ")]
        shown = [
            f"row {r + 1}, column {c + 1}: {name}"
            for r, row in enumerate(rows)
            for c, name in enumerate(row)
            if name != "-"
        ]
        return f"A grid. {'; '.join(shown)}."
    if re.search(r"\d", seen):
        return re.sub(r"(\w+ \w+) (\d+) (\d+)", r"\1 at (\2, \3)", seen)
    return "; ".join(f"{name} at ({10 * k}, {10 * k})" for k, name in enumerate(re.findall(r"\w+ \w+", seen)))


def clock(seen: str, text: str) -> str:
    numbers = seen.split()
    return " ".join(f"{h}, the long hand at minute {m}" for h, m in zip(numbers[::2], numbers[1::2], strict=True))


def maze(seen: str, text: str) -> str:
    """The map as text: each digit opens the right side (1) and the lower side (2) of a cell."""
    rows = [re.findall(r"(\d)([A-Z]?)", row) for row in seen.split("/")]
    lines = ["", "+--" * len(rows) + "+"]
    for row in rows:
        lines.append("|" + "".join(f"{letter or ' '} {' ' if int(digit) % 2 else '|'}" for digit, letter in row))
        lines.append("+" + "".join(f"{'  ' if int(digit) > 1 else '--'}+" for digit, _ in row))
    return "\n".join(lines)


def tangle(seen: str, text: str) -> str:
    order = list("123456")
    orders = [" ".join(order)]
    for place in map(int, seen):
        order[place - 1 : place + 1] = order[place - 1 : place + 1][::-1]
        orders.append(" ".join(order))
    return f"stage by stage: {'; '.join(orders)}."


def matrix(seen: str, text: str) -> str:
    kinds = {str(value): name for name, values in VALUES.items() for value in values} | dict.fromkeys(COLOURS, "colour")
    count = 8 + "ABCDEF".index(text.split("A to ")[1][0]) + 1
    words = seen.split()
    per = len(words) // count
    cells = []
    for start in range(0, len(words), per):
        look = {"count": "1", "fill": "solid", "colour": "red", "shape": "star"}
        look |= {kinds[word]: word for word in words[start : start + per]}
        cells.append(" ".join(look.values()))
    rows = "\n".join(f"Row: {', '.join([*cells[k : k + 3], '?'][:3] if k == 6 else cells[k : k + 3])}." for k in (0, 3))
    options = ", ".join(f"{letter}: {cell}" for letter, cell in zip("ABCDEF", cells[8:], strict=False))
    return f"{rows}\nRow: {cells[6]}, {cells[7]}, ?.\nOptions: {options}."


def network(seen: str, text: str) -> str:
    if found := re.search(r"between (\w) and (\w)\?", text):
        lines = f"{found[1]}-{found[2]} ({seen})"
    elif found := re.search(r"lines (?:that )?end at (\w)\?", text):
        lines = ", ".join(f"{found[1]}-{other}" for other in seen.split())
        if "sum" in text:
            lines = ", ".join(f"{found[1]}-{other} ({n})" for other, n in zip("NOPQRSTUV", seen.split(), strict=False))
    else:
        lines = ", ".join(re.sub(r"(\w)(\w)(\d+)?", _line, line) for line in seen.split())
    return f"A network of {', '.join('ABCDEFGHI')}. Lines: {lines}."


def _line(found: re.Match[str]) -> str:
    return f"{found[1]}-{found[2]}" + (f" ({found[3]})" if found[3] else "")


def rotation(seen: str, text: str) -> str:
    pattern, *options = (" / ".join(" ".join(row) for row in _rows(word.replace("-", "w"))) for word in seen.split())
    shown = "; ".join(f"{letter}: {option}" for letter, option in zip("ABCD", options, strict=True))
    return f"Pattern: {pattern}. Options: {shown}."


def _rows(cells: str) -> list[str]:
    size = round(len(cells) ** 0.5)
    return [cells[start : start + size] for start in range(0, len(cells), size)]


REBUILT: dict[str, Callable[[str, str], str]] = {
    "counting": counting,
    "spatial": spatial,
    "clock": clock,
    "maze": maze,
    "tangle": tangle,
    "matrix": matrix,
    "network": network,
    "rotation": rotation,
}
"""Family → function of transcript and question that rebuilds the words that a solver of `test_answers` reads."""


@pytest.mark.parametrize("family", REBUILT)
def test_question_and_transcript_lead_to_the_answer(family: str) -> None:
    for seed in range(220):
        puzzle = FAMILIES[family](np.random.default_rng(seed), seed % 11 / 10)
        described = REBUILT[family](puzzle.seen, puzzle.text)
        assert SOLVERS[family](described, puzzle.text) == str(puzzle.answer), (seed, puzzle.seen, puzzle.text)


@pytest.mark.parametrize("family", FAMILIES)
def test_equal_questions_and_transcripts_have_equal_answers(family: str) -> None:
    answers: dict[tuple[str, str], str] = {}
    for seed in range(330):
        puzzle = FAMILIES[family](np.random.default_rng(seed), seed % 11 / 10)
        assert answers.setdefault((puzzle.text, puzzle.seen), str(puzzle.answer)) == str(puzzle.answer), puzzle.seen
        assert puzzle.seen and not {"=", ":", "\n"} & set(puzzle.seen)


def test_the_expert_writes_all_forms() -> None:
    env = VisualEnv(["network"], difficulty=0.3, image_size=(48, 48))
    for seed in range(40):
        env.reset(seed=seed)
        transcript, work = env.expert_thought("transcript"), env.expert_thought("work")
        assert accuracy(work, transcript) == 1.0
        assert work == f"{transcript}:{env.expert_thought()}"
        assert env.expert_thought("word") == "network"
        if "=" in work:
            assert work.rsplit("=", 1)[1] == env.expert_action()
