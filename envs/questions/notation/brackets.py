"""Brackets in formulas: groups, tuples, intervals, sets, matrices, absolute values and rounding."""

from abc import abstractmethod

from envs.questions.notation.algebra import Unreadable
from envs.questions.notation.tokens import Token
from envs.questions.notation.trees import Node

_MATRICES = ("matrix", "pmatrix", "bmatrix", "array")
_CLOSING = {"(": (")", "]"), "[": ("]", ")")}


class Brackets:
    """Reader of tokens with the rules of brackets. `grammar.Parser` adds the rules of what stands inside.

    Args:
        found: Tokens of one formula.
    """

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self.bars = 0
        """1 inside of a bracket in which a bar closes or separates, else 0."""

    def peek(self) -> str:
        """Return the text of the next token, or "" at the end."""
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def take(self) -> Token:
        """Return the next token and move behind it."""
        if self._at >= len(self._tokens):
            raise Unreadable("the formula is incomplete")
        self._at += 1
        return self._tokens[self._at - 1]

    def expect(self, text: str) -> None:
        """Move behind the next token. Raise Unreadable for any other token."""
        if self.peek() != text:
            raise Unreadable(f"{text!r} is missing")
        self._at += 1

    @abstractmethod
    def relation(self) -> Node:
        """Return the tree of a comparison."""

    @abstractmethod
    def sets(self) -> Node:
        """Return the tree of a union, or of a sum."""

    @abstractmethod
    def sum(self) -> Node:
        """Return the tree of a sum."""

    def bracket(self, opening: str) -> Node:
        r"""Return the tree of a bracket that has just been opened.

        Args:
            opening: Opening bracket: ( [ { | `\{`, `\lfloor`, `\lceil` or `\begin`.
        """
        if opening == r"\begin":
            return self._matrix()
        if opening == "|":
            self.bars += 1
            node = self.sum()
            self.expect("|")
            self.bars -= 1
            return ("abs", node)
        if opening in (r"\lfloor", r"\lceil"):
            node = self.sum()
            self.expect(opening.replace(r"\l", r"\r"))
            return (opening[2:], node)
        if opening in (r"\{", "{"):
            return self._set(opening)
        bars, self.bars = self.bars, 0
        items = [self.sets()]
        while self.peek() in (",", ";"):
            self.take()
            items.append(self.sets())
        closing = self.take().text
        self.bars = bars
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

    def _set(self, opening: str) -> Node:
        r"""Return a group `{…}`, a set `\{…\}` or a set with a condition `\{x \mid …\}`."""
        closing = r"\}" if opening == r"\{" else "}"
        bars, self.bars = self.bars, 1 if opening == r"\{" else 0
        items: list[Node] = []
        while self.peek() != closing:
            items.append(self.relation())
            if self.peek() not in (",", ";"):
                break
            self.take()
        if self.peek() in (r"\mid", "|", ":") and len(items) == 1:
            self.take()
            conditions = [self.relation()]
            while self.peek() == ",":
                self.take()
                conditions.append(self.relation())
            self.expect(closing)
            self.bars = bars
            return ("builder", items[0], *conditions)
        self.expect(closing)
        self.bars = bars
        if opening == r"\{" or len(items) != 1:
            return ("set", *items)
        return items[0]

    def _name(self) -> str:
        """Return the name in braces of an environment."""
        name = ""
        self.expect("{")
        while self.peek() != "}":
            name += self.take().text
        self.expect("}")
        return name

    def _matrix(self) -> Node:
        name = self._name()
        if name not in _MATRICES:
            raise Unreadable(f"the environment {name!r} is not a matrix")
        if name == "array" and self.peek() == "{":
            while self.take().text != "}":
                pass
        rows: list[Node] = []
        row: list[Node] = []
        while self.peek() != r"\end":
            row.append(self.sum())
            if self.peek() == "&":
                self.take()
            elif self.peek() == r"\\":
                self.take()
                rows.append(("row", *row))
                row = []
            elif self.peek() != r"\end":
                raise Unreadable("a matrix is not closed")
        rows += [("row", *row)] if row else []
        self.take()
        if self._name() != name:
            raise Unreadable("a matrix is not closed")
        if not rows or len({len(one) for one in rows}) != 1:
            raise Unreadable("the rows of a matrix differ in length")
        return ("matrix", *rows)
