"""Trees of formulas: what `grammar` builds and the other modules compare. `grammar` lists the heads."""

from typing import Any

Node = tuple[Any, ...]
"""A formula as nested tuples, such as `("+", ("num", "1/2"), ("sym", "x"))`. `grammar` lists the heads."""

SETS = ("cup", "cap", "setminus", "builder", "all")
_STRUCTURES = ("tuple", "set", "matrix", "row", "rel", "ratio", *SETS)


def signs(node: Node) -> list[Node]:
    """Return the two formulas that a formula with ± stands for, or the formula itself."""
    if not _has(node, "sign"):
        return [node]
    return [_with_sign(node, 1), _with_sign(node, -1)]


def _has(node: Node, head: str) -> bool:
    return node[0] == head or any(isinstance(part, tuple) and _has(part, head) for part in node[1:])


def _with_sign(node: Node, sign: int) -> Node:
    if node[0] == "sign":
        return ("num", str(sign * node[1]))
    return tuple(_with_sign(part, sign) if isinstance(part, tuple) else part for part in node)


def letters(node: Node) -> set[str]:
    """Return the letters of a formula, without the constants π, e and i."""
    if node[0] == "sym":
        return {node[1]} - {"pi", "e", "i", "oo"}
    return {name for part in node[1:] if isinstance(part, tuple) for name in letters(part)}


def is_structure(node: Node) -> bool:
    """Return True if a formula is not a value."""
    return node[0] in _STRUCTURES


def signed(sign: str, node: Node) -> Node:
    r"""Return a formula behind a sign: +, -, `\pm` or `\mp`."""
    if sign in (r"\pm", r"\mp"):
        return ("*", ("sign", 1 if sign == r"\pm" else -1), node)
    return ("neg", node) if sign == "-" else node


def has_tower(node: Node) -> bool:
    """Return True for towers such as 9^{9^9}, which are short to write but too large to evaluate."""
    if node[0] == "^" and not _has_letter(node):
        return True
    return node[0] == "!" or any(isinstance(part, tuple) and has_tower(part) for part in node[1:])


def _has_letter(node: Node) -> bool:
    return node[0] == "sym" or any(isinstance(part, tuple) and _has_letter(part) for part in node[1:])
