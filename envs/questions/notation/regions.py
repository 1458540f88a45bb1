r"""Sets of real numbers: intervals, unions, complements and conditions such as `\{x \mid 1 < x \le 2\}`.

Two sets are compared on the cells between their ends: `n` ends make `n` points and `n + 1` open gaps.
"""

from envs.questions.notation.algebra import Exact, NotExact, Unreadable, equal, exact, real
from envs.questions.notation.trees import Node

NEAR = 1e-9
"""Ends that are closer and not equal are not ordered: such sets are compared part by part."""

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


def _infinite(node: Node) -> int:
    if node == ("sym", "oo"):
        return 1
    return -1 if node == ("neg", ("sym", "oo")) else 0


class Line:
    """The real line, cut at the ends that occur in some sets.

    Args:
        nodes: Trees of the sets.
    """

    def __init__(self, *nodes: Node) -> None:
        ends: list[tuple[float, Exact]] = []
        for node in nodes:
            for end in _ends(node):
                value = exact(end)
                place = real(value)
                if place is None:
                    raise NotExact("an end is not a constant")
                if not any(equal(value, other) for _, other in ends):
                    ends.append((place, value))
        self._ends = sorted(ends, key=lambda end: end[0])
        for (low, _), (high, _) in zip(self._ends, self._ends[1:], strict=False):
            if high - low <= NEAR * max(1, abs(high)):
                raise NotExact("two ends are too close to order")
        self._cells = frozenset(range(2 * len(self._ends) + 1))

    def _cell(self, end: Node) -> int:
        """Return the cell of an end: odd numbers are points. Infinity lies outside."""
        if sign := _infinite(end):
            return -1 if sign < 0 else len(self._cells)
        value = exact(end)
        return next(2 * index + 1 for index, (_, other) in enumerate(self._ends) if equal(value, other))

    def cells(self, node: Node) -> frozenset[int]:
        """Return the cells of a set. Raise NotExact if it is not a set of intervals."""
        head, *parts = node
        if head == "all" and parts == ["R"]:
            return self._cells
        if head == "set":
            return frozenset(self._cell(part) for part in parts)
        if head in ("cup", "cap", "setminus"):
            left, right = (self.cells(part) for part in parts)
            return left | right if head == "cup" else left & right if head == "cap" else left - right
        if head == "tuple" and len(parts) == 4:
            low, high = self._cell(parts[2]), self._cell(parts[3])
            if low >= high:
                raise NotExact("not an interval")
            inside = range(low + (parts[0] == "("), high + (parts[1] == "]"))
            return self._cells & frozenset(inside)
        if head == "builder":
            return self._condition(parts)
        raise NotExact("not a set of intervals")

    def _condition(self, parts: list[Node]) -> frozenset[int]:
        letter, *conditions = parts
        found = self._cells
        if letter[0] == "rel" and len(letter) == 4 and letter[2] == "in":
            found, letter = self.cells(letter[3]), letter[1]
        if letter[0] != "sym":
            raise NotExact("not a condition on a letter")
        for condition in conditions:
            for left, sign, right in comparisons(condition):
                if sign == "in" and left == letter:
                    found &= self.cells(right)
                    continue
                if sign not in _FLIPPED or (left == letter) == (right == letter):
                    raise NotExact("not a condition on a letter")
                end, sign = (right, sign) if left == letter else (left, _FLIPPED[sign])
                at = self._cell(end)
                below, above = frozenset(range(at)), frozenset(range(at + 1, len(self._cells)))
                found &= {
                    "<": below, ">": above, "<=": below | {at}, ">=": above | {at}, "=": {at}, "!=": below | above,
                }[sign]  # fmt: skip
        return found & self._cells


def comparisons(node: Node) -> list[tuple[Node, str, Node]]:
    """Return the comparisons of neighbours in a chain: a < b < c is a < b and b < c."""
    if node[0] != "rel":
        raise NotExact("not a comparison")
    parts = node[1:]
    return [(parts[index], parts[index + 1], parts[index + 2]) for index in range(0, len(parts) - 2, 2)]


def _ends(node: Node) -> list[Node]:
    """Return the finite ends of the intervals of a set, its members, and the constants of its conditions."""
    head, *parts = node
    if head in ("cup", "cap", "setminus"):
        return [end for part in parts for end in _ends(part)]
    if head == "set":
        return list(parts)
    if head == "tuple" and len(parts) == 4:
        return [end for end in parts[2:] if not _infinite(end)]
    if head == "builder":
        letter = parts[0][1] if parts[0][0] == "rel" else parts[0]
        sides = [part for part in parts if part[0] == "rel"]
        found = []
        for left, sign, right in (one for side in sides for one in comparisons(side)):
            if sign == "in":
                found += _ends(right)
            else:
                found += [end for end in (left, right) if end != letter and not _infinite(end)]
        return found
    return []


def same_region(gold: Node, answer: Node) -> bool | None:
    """Return True or False for two sets of intervals, or None if one of them is none."""
    try:
        line = Line(gold, answer)
        return line.cells(gold) == line.cells(answer)
    except (NotExact, Unreadable):
        return None
