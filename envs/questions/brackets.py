"""Brackets in formulas: groups, tuples, intervals, sets, matrices, absolute values and rounding."""

from typing import TYPE_CHECKING

from envs.questions.algebra import Node, Unreadable

if TYPE_CHECKING:
    from envs.questions.grammar import Parser

_MATRICES = ("matrix", "pmatrix", "bmatrix", "array")
_CLOSING = {"(": (")", "]"), "[": ("]", ")")}


def bracket(parser: "Parser", opening: str) -> Node:
    """Return the tree of a bracket that has just been opened.

    Args:
        parser: Parser, behind the opening bracket.
        opening: Opening bracket: ( [ { | `\\{`, `\\lfloor`, `\\lceil` or `\\begin`.
    """
    if opening == r"\begin":
        return _matrix(parser)
    if opening == "|":
        parser._bars += 1
        node = parser.sum()
        parser._expect("|")
        parser._bars -= 1
        return ("abs", node)
    if opening in (r"\lfloor", r"\lceil"):
        node = parser.sum()
        parser._expect(opening.replace(r"\l", r"\r"))
        return (opening[2:], node)
    if opening in (r"\{", "{"):
        return _set(parser, opening)
    bars, parser._bars = parser._bars, 0
    items = [parser.sets()]
    while parser._peek() in (",", ";"):
        parser._take()
        items.append(parser.sets())
    closing = parser._take().text
    parser._bars = bars
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
    bars, parser._bars = parser._bars, 1 if opening == r"\{" else 0
    items: list[Node] = []
    while parser._peek() != closing:
        items.append(parser.relation())
        if parser._peek() not in (",", ";"):
            break
        parser._take()
    if parser._peek() in (r"\mid", "|", ":") and len(items) == 1:
        parser._take()
        conditions = [parser.relation()]
        while parser._peek() == ",":
            parser._take()
            conditions.append(parser.relation())
        parser._expect(closing)
        parser._bars = bars
        return ("builder", items[0], *conditions)
    parser._expect(closing)
    parser._bars = bars
    if opening == r"\{" or len(items) != 1:
        return ("set", *items)
    return items[0]


def _matrix(parser: "Parser") -> Node:
    name = ""
    parser._expect("{")
    while parser._peek() != "}":
        name += parser._take().text
    parser._expect("}")
    if name not in _MATRICES:
        raise Unreadable(f"the environment {name!r} is not a matrix")
    if name == "array" and parser._peek() == "{":
        while parser._take().text != "}":
            pass
    rows: list[Node] = []
    row: list[Node] = []
    while parser._peek() != r"\end":
        row.append(parser.sum())
        if parser._peek() == "&":
            parser._take()
        elif parser._peek() == r"\\":
            parser._take()
            rows.append(("row", *row))
            row = []
        elif parser._peek() != r"\end":
            raise Unreadable("a matrix is not closed")
    rows += [("row", *row)] if row else []
    parser._take()
    parser._expect("{")
    while parser._take().text != "}":
        pass
    if not rows or len({len(one) for one in rows}) != 1:
        raise Unreadable("the rows of a matrix differ in length")
    return ("matrix", *rows)
