"""The question about a chain of figures, in words."""

from collections.abc import Mapping

import numpy as np

from envs.geometry.chain import draw_chain, turned
from envs.geometry.figure import Angle, Area, Asked, Figure, Length, Mark, Number, describe, gold
from envs.geometry.join import join
from envs.geometry.scene import merged, scene, written
from envs.question import Question
from render.geometry_scene import Scene

SEARCH = 3
"""Chains that are tried for one whose figures can be joined."""


def ask(
    rng: np.random.Generator, weights: Mapping[str, float], depth: int, level: float, size: tuple[int, int]
) -> tuple[Question, list[Scene]]:
    """A question about a chain of figures, without its picture, and the scenes to draw for one of `size`."""
    for _ in range(SEARCH):
        chain = draw_chain(rng, weights, depth, level)
        chain = [link._replace(figure=turned(link.figure, rng, level)) for link in chain]
        groups = join(chain)
        if len(groups) < depth:
            break
    last = chain[-1].figure
    # letters need room: small pictures bear them only where the question speaks of points
    lettered = last.lettered or (depth == 1 and min(size) >= 160 and not last.sectors and rng.random() < 0.4)
    told = lettered and len(last.given) > 1 and rng.random() < 0.4 and not any(map(_equation, last.given))
    apart = int(rng.integers(len(last.given))) if told else -1
    text, shown_asked = _question(last, lettered, depth)
    if apart >= 0:
        mark = last.given[apart]
        text = f"{mark.words(written(mark))} {text}"
    notes = dict.fromkeys(note for link in chain for note in link.figure.note.rstrip(".").split(". ") if note)
    notes |= {"Equal letters stand for equal values": None} if len(groups) > 1 else {}
    text = " ".join([*(f"{note}." for note in notes), text])
    scenes: list[Scene] = []
    for group in groups:
        drawn: list[Scene] = []
        silent = rng.random() < level  # the line or corner that joined figures share bears no letter
        for k, link in enumerate(group):
            leads = k < len(group) - 1
            hidden = {apart} if link is chain[-1] and apart >= 0 else set()
            if k > 0 and (silent or isinstance(link.figure.given[0], Length)):
                hidden.add(0)
            show = not (leads and silent) and (shown_asked or link is not chain[-1])
            drawn.append(scene(link, depth > 1, lettered or link.figure.lettered, show, hidden, int(rng.integers(4))))
        scenes.append(merged(drawn))
    said = []
    for k, link in enumerate(chain):
        figure = link.figure
        given = [
            written(mark, link.gives if _equation(mark) else link.takes if i == 0 else "")
            for i, mark in enumerate((*figure.given, *figure.extra))
        ]
        words = describe(figure, given, _unknown(figure.asked, link.gives))
        said.append(f"Figure {k + 1}: {words}" if depth > 1 else words)
    steps = []
    for link in chain:
        value = gold(link.figure.asked.value)
        steps.append(
            f"{link.gives} = {link.figure.working}" + ("" if link.figure.working == str(value) else f" = {value}")
        )
    question = Question(text, gold(last.asked.value), "; ".join(steps), None, "\n".join(said))
    return question, scenes


def _equation(mark: Mark) -> bool:
    return isinstance(mark, Angle) and bool(mark.text)


def _unknown(asked: Asked, letter: str) -> str:
    return f"{letter}°" if isinstance(asked, Angle) else letter


def _question(figure: Figure, lettered: bool, depth: int) -> tuple[str, bool]:
    """What is asked, and whether the unknown's letter stands in the picture."""
    asked = figure.asked
    if depth > 1:
        return "Find x.", True
    if isinstance(asked, Area):
        return f"What is the area of {asked.name}?", False
    if isinstance(asked, Number):
        return asked.question or "Find x.", not asked.question
    if isinstance(asked, Length) and (len(asked.points) > 2 or asked.sweep):
        return f"What is the {'length of the arc' if asked.sweep else 'perimeter of the ' + asked.name}?", False
    if figure.lettered:
        return f"What is the length of {asked.points}?", False
    if not lettered:
        return "Find x.", True
    if isinstance(asked, Angle):
        return f"How many degrees is angle {asked.points}?", False
    return f"What is the length of {asked.points}?", False
