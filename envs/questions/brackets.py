"""Brackets in formulas: groups, tuples, intervals, sets, matrices, absolute values and rounding."""

from typing import TYPE_CHECKING

from envs.questions.algebra import Unreadable
from envs.questions.trees import Node

if TYPE_CHECKING:
    from envs.questions.grammar import Parser

_MATRICES = ("matrix", "pmatrix", "bmatrix", "array")
_CLOSING = {"(": (")", "]"), "[": ("]", ")")}


def bracket(parser: "Parser", opening: str) -> Node:
    r"""Return the tree of a bracket that has just been opened.

    Args:
        parser: Parser, behind the opening bracket.
        opening: Opening bracket: ( [ { | `\{`, `\lfloor`, `\lceil` or `\begin`.
    """
    if opening == r"\begin":
        return _matrix(parser)
    if opening == "|":
        parser.bars += 1
        node = parser.sum()
        parser.expect("|")
        parser.bars -= 1
        return ("abs", node)
    if opening in (r"\lfloor", r"\lceil"):
        node = parser.sum()
        parser.expect(opening.replace(r"\l", r"\r"))
        return (opening[2:], node)
    if opening in (r"\{", "{"):
        return _set(parser, opening)
    bars, parser.bars = parser.bars, 0
    items = [parser.sets()]
    while parser.peek() in (",", ";"):
        parser.take()
        items.append(parser.sets())
    closing = parser.take().text
    parser.bars = bars
    if closing not in _CLOSING[opening]:
        raise Unreadable(f"{opening!r} is not closed")
    matched = closing == _CLOSING[opening][0]
    if len(items) == 1:
        if not matched:
            raise Unreadable(f"{opening!r} is not closed")
        return items[0]
    if not matched and len(items) != 2:
        raise Unreadable("an interval has two ends")
    return ("tuple", opening, closing, *items)


def _set(parser: "Parser", opening: str) -> Node:
    r"""Return a group `{…}`, a set `\{…\}` or a set with a condition `\{x \mid …\}`."""
    closing = r"\}" if opening == r"\{" else "}"
    bars, parser.bars = parser.bars, 1 if opening == r"\{" else 0
    items: list[Node] = []
    while parser.peek() != closing:
        items.append(parser.relation())
        if parser.peek() not in (",", ";"):
            break
        parser.take()
    if parser.peek() in (r"\mid", "|", ":") and len(items) == 1:
        parser.take()
        conditions = [parser.relation()]
        while parser.peek() == ",":
            parser.take()
            conditions.append(parser.relation())
        parser.expect(closing)
        parser.bars = bars
        return ("builder", items[0], *conditions)
    parser.expect(closing)
    parser.bars = bars
    if opening == r"\{" or len(items) != 1:
        return ("set", *items)
    return items[0]


def _name(parser: "Parser") -> str:
    """Return the name in braces of an environment."""
    name = ""
    parser.expect("{")
    while parser.peek() != "}":
        name += parser.take().text
    parser.expect("}")
    return name


def _matrix(parser: "Parser") -> Node:
    name = _name(parser)
    if name not in _MATRICES:
        raise Unreadable(f"the environment {name!r} is not a matrix")
    if name == "array" and parser.peek() == "{":
        while parser.take().text != "}":
            pass
    rows: list[Node] = []
    row: list[Node] = []
    while parser.peek() != r"\end":
        row.append(parser.sum())
        if parser.peek() == "&":
            parser.take()
        elif parser.peek() == r"\\":
            parser.take()
            rows.append(("row", *row))
            row = []
        elif parser.peek() != r"\end":
            raise Unreadable("a matrix is not closed")
    rows += [("row", *row)] if row else []
    parser.take()
    if _name(parser) != name:
        raise Unreadable("a matrix is not closed")
    if not rows or len({len(one) for one in rows}) != 1:
        raise Unreadable("the rows of a matrix differ in length")
    return ("matrix", *rows)
