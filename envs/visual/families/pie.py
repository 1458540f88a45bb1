"""Pie charts: shares of a whole, and the amounts they represent."""

import itertools

import numpy as np

from envs.visual.numbers import NUMBER, Asked, plural, spaced
from envs.visual.puzzle import Puzzle, between, listed, pick, pick_kind, sample
from envs.visual.topics import PARTS, Topic
from render.visual.charts import Pie
from render.visual.themes import THEMES

KINDS = {
    "read": (0.0, 0.5),
    "extreme": (0.0, 0.8),
    "total": (0.2, 0.9),
    "difference": (0.2, 0.9),
    "above": (0.3, 1.0),
    "missing": (0.4, 1.0),
    "count": (0.4, 1.0),
    "more": (0.6, 1.0),
}
CLEARLY = 4
"""Minimum difference in percentage points between slices that are compared by eye."""


def pie_chart(rng: np.random.Generator, difficulty: float) -> Puzzle:
    """Return a puzzle with 3 to 6 slices.

    The shares are written on the slices, unless the question asks for the largest or smallest slice or for a missing
    share.
    """
    kind = pick_kind(rng, KINDS, difficulty)
    topic = pick(rng, PARTS)
    names = tuple(sample(rng, topic.rows, between(3, 6, difficulty)))
    shares = _shares(rng, len(names), CLEARLY if kind == "extreme" else 1)
    hidden = int(rng.integers(len(names))) if kind == "missing" else -1
    written = tuple(kind != "extreme" and index != hidden for index in range(len(names)))
    text, answer, thought, seen = _ask(rng, kind, topic, names, shares, hidden)
    scene = Pie(
        topic.title, names, shares, written, bool(rng.random() < 0.3), bool(rng.random() < 0.3 + 0.4 * difficulty),
        int(rng.integers(len(THEMES))),
    )  # fmt: skip
    parts = [
        f"{name} {'?' if k == hidden else f'{share}%'}"
        for k, (name, share) in enumerate(zip(names, shares, strict=True))
    ]
    return Puzzle(scene, text, answer, thought, f"Pie chart: {topic.title}. {', '.join(parts)}.", seen)


def _shares(rng: np.random.Generator, count: int, apart: int) -> tuple[int, ...]:
    """Return percentages that sum to 100, each at least 7 and any two at least `apart` apart."""
    while True:
        cuts = sorted(sample(rng, range(1, 100), count - 1))
        shares = [b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]
        ordered = sorted(shares)
        if ordered[0] >= 7 and all(b - a >= apart for a, b in itertools.pairwise(ordered)):
            return tuple(shares)


def _ask(
    rng: np.random.Generator, kind: str, topic: Topic, names: tuple[str, ...], shares: tuple[int, ...], hidden: int
) -> Asked:
    one, other = sample(rng, range(len(names)), 2)
    if kind == "read":
        return (
            f"How many percent is {names[one]}? {NUMBER}",
            shares[one],
            f"{names[one]} {shares[one]}%",
            str(shares[one]),
        )
    if kind == "extreme":
        word, best = pick(rng, [("largest", max(shares)), ("smallest", min(shares))])
        name = names[shares.index(best)]
        by_size = " ".join(sorted(names, key=lambda name: -shares[names.index(name)]))  # no share is written
        return f"Which {topic.noun} has the {word} slice? Answer with its name.", name, f"{word}: {name}", by_size
    if kind == "total":
        parts = sorted(sample(rng, range(len(names)), 2))
        total = sum(shares[part] for part in parts)
        text = f"How many percent are {listed([names[part] for part in parts])} together? {NUMBER}"
        values = [shares[part] for part in parts]
        return text, total, f"{'+'.join(map(str, values))}={total}", spaced(values)
    if kind == "above":
        ordered = sorted(shares)
        place = int(rng.integers(len(ordered) - 1))
        limit = (ordered[place] + ordered[place + 1]) / 2
        count = len(ordered) - place - 1
        return (
            f"How many {plural(topic.noun)} have more than {limit:g}%? {NUMBER}",
            count,
            ", ".join(f"{share}%" for share in ordered[place + 1 :]),
            spaced(shares),
        )
    if kind == "missing":
        rest = 100 - shares[hidden]
        others = spaced(share for k, share in enumerate(shares) if k != hidden)
        return f"How many percent is {names[hidden]}? {NUMBER}", shares[hidden], f"100-{rest}={shares[hidden]}", others
    whole = 100 * int(rng.integers(1, 10))
    if kind == "count":
        answer = shares[one] * whole // 100
        text = f"The whole is {whole} {topic.unit}. How many of them are in the slice {names[one]}? {NUMBER}"
        return text, answer, f"{shares[one]}% of {whole} = {answer}", str(shares[one])
    one, other = (one, other) if shares[one] > shares[other] else (other, one)
    gap, both = shares[one] - shares[other], f"{shares[one]} {shares[other]}"
    if kind == "difference":
        text = f"By how many percentage points is {names[one]} larger than {names[other]}? {NUMBER}"
        return text, gap, f"{shares[one]}-{shares[other]}={gap}", both
    text = (
        f"The whole is {whole} {topic.unit}. How many more of them are in {names[one]} than in {names[other]}? {NUMBER}"
    )
    return text, gap * whole // 100, f"{gap}% of {whole} = {gap * whole // 100}", both
