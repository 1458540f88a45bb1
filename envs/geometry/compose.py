"""Composition of a question and its scenes from a chain of figures."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from envs.geometry.chain import Link, distracted, draw_chain, turned
from envs.geometry.figure import Angle, Area, Figure, Length, Mark, Number, describe, gold
from envs.geometry.join import join
from envs.geometry.scene import merged, scene, written
from envs.questions.env import Question
from render.geometry.scene import Scene

SEARCH = 3
"""Number of chains to try until some of their figures can be joined."""


class Composed(NamedTuple):
    """A question without its image, the scenes to draw for it, and its families."""

    question: Question
    scenes: list[Scene]
    families: list[str]


def ask(rng: np.random.Generator, weights: Mapping[str, float], depth: int, level: float, large: bool) -> Composed:
    """Return a question about a chain of figures.

    Args:
        rng: Random generator.
        weights: Family name → sampling weight.
        depth: Number of figures.
        level: Difficulty from 0 to 1.
        large: True if the image has room for the letters of the points.
    """
    for _ in range(SEARCH):
        chain = draw_chain(rng, weights, depth, level)
        chain = [link._replace(figure=turned(link.figure, rng, level)) for link in chain]
        groups = join(chain)
        if len(groups) < depth:
            break
    if depth == 1:
        chain = [chain[0]._replace(figure=distracted(chain[0].figure, rng, level))]
        groups = [chain]
    last = chain[-1].figure
    named, spoken, which = rng.random() < 0.4, rng.random() < 0.4, rng.random()
    lettered = last.lettered or (named and large and depth == 1)
    apart = -1  # index of the value given in the text instead of the image
    if lettered and spoken and len(last.given) > 1 and not any(map(_equation, last.given)):
        apart = int(which * len(last.given))
    text, letter_shown = _question(last, lettered, depth)
    if apart >= 0:
        text = f"{last.given[apart].words(written(last.given[apart]))} {text}"
    notes = dict.fromkeys(note for link in chain for note in link.figure.note.rstrip(".").split(". ") if note)
    if len(groups) > 1:
        notes["Equal letters stand for equal values"] = None
    text = " ".join([*(f"{note}." for note in notes), text])
    scenes = []
    for group in groups:
        drawn = []
        silent = rng.random() < level  # the line or corner shared by joined figures has no letter
        for k, link in enumerate(group):
            final, leads = link is chain[-1], k < len(group) - 1
            hidden = {apart} if final else set()
            if k > 0 and (silent or isinstance(link.figure.given[0], Length)):
                hidden.add(0)
            show = letter_shown if final else not (leads and silent)
            letters = lettered or link.figure.lettered
            drawn.append(scene(link, depth > 1, letters, show, hidden, int(rng.integers(4))))
        scenes.append(merged(drawn))
    worked = _worked(chain)
    work = worked.replace(" ", "").removeprefix("x=") if depth == 1 else worked.replace(" ", "")
    seen = _seen(chain, apart)
    question = Question(text, gold(last.asked.value), worked, None, _described(chain), seen=seen, work=work)
    return Composed(question, scenes, [link.family for link in chain])


def _described(chain: list[Link]) -> str:
    """Return a text description of the figures, one line each."""
    said = []
    for k, link in enumerate(chain):
        figure = link.figure
        given = [
            written(mark, link.gives if _equation(mark) else link.takes if i == 0 else "")
            for i, mark in enumerate((*figure.given, *figure.extra))
        ]
        words = describe(figure, given, f"{link.gives}°" if isinstance(figure.asked, Angle) else link.gives)
        said.append(f"Figure {k + 1}: {words}" if len(chain) > 1 else words)
    return "\n".join(said)


def _seen(chain: list[Link], apart: int) -> str:
    """Return the transcript: the values of each figure in the order of the calculation, without degree signs.

    Args:
        chain: Figures with their letters.
        apart: Index of a value of the last figure that the text gives and the image does not, or -1. A template has `?`
            in its place.
    """
    parts = []
    for link in chain:
        figure = link.figure
        labels = [
            written(mark, link.gives if _equation(mark) else link.takes if i == 0 else "").strip("()°")
            for i, mark in enumerate(figure.given)
        ]
        hidden = apart if link is chain[-1] else -1
        if figure.seen:
            labels = ["?" if i == hidden else label for i, label in enumerate(labels)]
            parts.append(figure.seen.format(*labels, x=link.gives))
        else:
            parts.append(" ".join(label for i, label in enumerate(labels) if i != hidden))
    return " / ".join(parts)


def _worked(chain: list[Link]) -> str:
    """Return the calculations that lead to the answer."""
    steps = []
    for link in chain:
        value = str(gold(link.figure.asked.value))
        working = link.figure.working
        steps.append(f"{link.gives} = {working}" + (f" = {value}" if working != value else ""))
    return "; ".join(steps)


def _equation(mark: Mark) -> bool:
    return isinstance(mark, Angle) and bool(mark.text)


def _question(figure: Figure, lettered: bool, depth: int) -> tuple[str, bool]:
    """Return the question, and True if the letter of the unknown appears in the image."""
    asked = figure.asked
    if depth > 1:
        return "Find x.", True
    if isinstance(asked, Area):
        return f"What is the area of {asked.name}?", False
    if isinstance(asked, Number):
        return (f"What is the {asked.name}?", False) if asked.name else ("Find x.", True)
    if isinstance(asked, Length) and (len(asked.points) > 2 or asked.sweep):
        return f"What is the {'length of the arc' if asked.sweep else 'perimeter of the ' + asked.name}?", False
    if figure.lettered:
        return f"What is the length of {asked.points}?", False
    if not lettered:
        return "Find x.", True
    if isinstance(asked, Angle):
        return f"How many degrees is angle {asked.points}?", False
    return f"What is the length of {asked.points}?", False
