"""Comparison of two formulas, exactly and by kind: a value equals values only, a tuple tuples, a set sets.

`Compare` is given a function for values with functions or roots of letters, which exact arithmetic cannot compare.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from envs.questions.notation.algebra import Exact, NotExact, Unreadable, add, equal, exact, multiply, ratio, rational
from envs.questions.notation.literals import same_literal
from envs.questions.notation.regions import comparisons, same_region
from envs.questions.notation.trees import SETS, Node, is_structure, letters, signs

_FLIPPED = {">": "<", ">=": "<="}
MAX_MEMBERS = 40


class Compare:
    """Comparison of formulas.

    Args:
        decide: Returns True if two values are equal that are not exact.
    """

    def __init__(self, decide: Callable[[Node, Node], bool]) -> None:
        self._decide = decide

    def same(self, gold: Node, answer: Node) -> bool:
        """Return True if two formulas have the same kind and value."""
        if gold == answer:
            return True
        if "only" in (gold[0], answer[0]):
            return gold[0] == answer[0] and same_literal(gold[1], answer[1])
        if not is_structure(gold) or not is_structure(answer):
            return is_structure(gold) == is_structure(answer) and self.value(gold, answer)
        if gold[0] == "rel" or answer[0] == "rel":
            return gold[0] == answer[0] and self.relation(gold, answer)
        if gold[0] == "set" and answer[0] == "set":
            return self.members(_expanded(gold[1:]), _expanded(answer[1:]), self.same)
        if gold[0] in SETS or answer[0] in SETS:
            region = same_region(gold, answer)
            if region is not None:
                return region
        if gold[0] != answer[0] or len(gold) != len(answer):
            return False
        if gold[0] == "ratio":
            return all(
                self.value(("*", left, given_right), ("*", right, given_left))
                for (left, right), (given_left, given_right) in zip(
                    pairwise(gold[1:]), pairwise(answer[1:]), strict=True
                )
            )
        parts = zip(gold[1:], answer[1:], strict=True)
        if all(self.same(*pair) if isinstance(pair[0], tuple) else pair[0] == pair[1] for pair in parts):
            return True
        if gold[0] not in ("cup", "cap"):
            return False
        return self.members(_flat(gold), _flat(answer), self.same)

    def value(self, gold: Node, answer: Node) -> bool:
        """Return True if two values are equal."""
        try:
            return equal(exact(gold), exact(answer))
        except NotExact:
            return self._decide(gold, answer)

    def members(self, golds: Sequence[Node], answers: Sequence[Node], same: Callable[..., bool]) -> bool:
        """Return True if the members are equal one to one, in any order."""
        if len(golds) != len(answers) or len(golds) > MAX_MEMBERS:
            return len(golds) == len(answers) and all(map(same, golds, answers))
        left = list(answers)
        for gold in golds:
            found = next((index for index, answer in enumerate(left) if same(gold, answer)), None)
            if found is None:
                return False
            left.pop(found)
        return True

    def relation(self, gold: Node, answer: Node) -> bool:
        """Return True if equations or inequalities are equal up to a factor and the side of their parts.

        A solved form such as `x > 2` takes only solved forms, because the question may contain `2x > 4`.
        """
        if _solved(gold) and not _solved(answer):
            return False
        golds, answers = comparisons(gold), comparisons(answer)
        return self.members(golds, answers, self._comparison)

    def _comparison(self, gold: tuple[Node, str, Node], answer: tuple[Node, str, Node]) -> bool:
        (left, sign, right), (given_left, given_sign, given_right) = gold, answer
        if sign in _FLIPPED:
            left, sign, right = right, _FLIPPED[sign], left
        if given_sign in _FLIPPED:
            given_left, given_sign, given_right = given_right, _FLIPPED[given_sign], given_left
        if sign != given_sign:
            return False
        if sign == "in" or is_structure(left) or is_structure(given_left):
            return self.same(left, given_left) and self.same(right, given_right)
        try:
            factor = ratio(_difference(left, right), _difference(given_left, given_right))
        except NotExact:
            turned = sign in ("=", "!=") and self.value(left, given_right) and self.value(right, given_left)
            return turned or (self.value(left, given_left) and self.value(right, given_right))
        return factor is not None and (factor > 0 or sign in ("=", "!="))


def _difference(left: Node, right: Node) -> Exact:
    return add(exact(left), multiply(rational(-1), exact(right)))


def _solved(node: Node) -> bool:
    """Return True if every part of a chain is a letter or a constant."""
    return all(part[0] == "sym" or not letters(part) for part in node[1::2])


def _expanded(items: Sequence[Node]) -> list[Node]:
    return [one for item in items for one in signs(item)]


def _flat(node: Node, head: str = "") -> list[Node]:
    """Return the members of a union of unions or an intersection of intersections."""
    head = head or node[0]
    return [one for part in node[1:] for one in _flat(part, head)] if node[0] == head else [node]


def check(node: Node, decide: Callable[[Node, Node], bool]) -> None:
    """Compare every value of a gold answer with itself. Raise Unreadable if one has no value."""
    if node[0] == "only":
        return
    if is_structure(node):
        for part in node[1:]:
            if isinstance(part, tuple):
                check(part, decide)
    elif node[0] == "sym":
        return
    else:
        for one in signs(node):
            try:
                exact(one)
            except NotExact:
                if not decide(one, one):
                    raise Unreadable("its value is undefined") from None
