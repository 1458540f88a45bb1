"""Steps to the answer of reasoning-gym items, from their metadata."""

import ast
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from envs.reasoning.items import quotient

_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def calculation(item: Mapping[str, Any]) -> str:
    """Return the operations of an expression in the order of evaluation: `2 + 3 * 4` → `3*4=12 2+12=14`."""
    steps: list[str] = []
    _value(ast.parse(item["expression"].strip(), mode="eval").body, steps)
    return " ".join(steps) or f"{item['expression'].replace(' ', '')}={item['answer']}"


def _value(node: ast.expr, steps: list[str]) -> Fraction:
    """Return the value of a parsed expression and append its operations to `steps`."""
    if not any(isinstance(part, ast.BinOp) for part in ast.walk(node)):
        return quotient(node)
    negations = 0
    while isinstance(node, ast.UnaryOp):
        negations += isinstance(node.op, ast.USub)
        node = node.operand
    if negations:
        value = _value(node, steps)
        steps += [f"-({value})={-value}"] if negations % 2 else []
        return -value if negations % 2 else value
    assert isinstance(node, ast.BinOp)
    left, right = _value(node.left, steps), _value(node.right, steps)
    value = quotient(ast.BinOp(_number(left), node.op, _number(right)))
    if isinstance(node.op, ast.Mult) and min(abs(left), abs(right)) > 9 and left.denominator == right.denominator == 1:
        steps += _long_product(int(left), int(right))
    else:
        steps.append(f"{_written(left, first=True)}{_SIGNS[type(node.op)]}{_written(right)}={value}")
    return value


def _number(value: Fraction) -> ast.expr:
    return ast.Constant(str(value))


def _written(value: Fraction, first: bool = False) -> str:
    """Return an operand. A fraction is in parentheses, unless it is the first operand."""
    return str(value) if first or value.denominator == 1 else f"({value})"


def _long_product(left: int, right: int) -> list[str]:
    """Return a product with the second factor split into its places: 12*34 → `12*30=360 12*4=48 360+48=408`."""
    sign = -1 if right < 0 else 1
    digits = str(abs(right))
    parts = [sign * int(digit) * 10 ** (len(digits) - 1 - place) for place, digit in enumerate(digits) if digit != "0"]
    steps = [f"{left}*{part}={left * part}" for part in parts]
    total = left * parts[0]
    for part in parts[1:]:
        steps.append(f"{total}{left * part:+d}={total + left * part}")
        total += left * part
    return steps


def letters(item: Mapping[str, Any]) -> str:
    """Return the number of the letter in each word, and their sum: `1+0+2=3`."""
    counts = [word.lower().count(item["target_letter"]) for word in item["span"]]
    return f"{'+'.join(map(str, counts))}={sum(counts)}"


def coins(item: Mapping[str, Any]) -> str:
    """Return the number of outcomes for each number of heads, their sum, and its fraction: `3+1=4 4/8=0.5`."""
    flips, heads = item["num_trials"], item["k_heads"]
    ways = [math.comb(flips, count) for count in range(heads, flips + 1)]
    if item["problem_type"] == "exact":
        ways = ways[:1]
    total = f"{'+'.join(map(str, ways))}={sum(ways)} " if len(ways) > 1 else ""
    return f"{total}{sum(ways)}/{2**flips}={item['answer']}"


def backward(item: Mapping[str, Any]) -> str:
    """Return the letters of the word, then in reverse order: `s u n=n u s`."""
    return f"{' '.join(item['word'])}={' '.join(item['word'][::-1])}"


STEPS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "basic_arithmetic": calculation,
    "chain_sum": calculation,
    "products": calculation,
    "letter_counting": letters,
    "coin_flip": coins,
    "spell_backward": backward,
}
"""Task → function of its metadata and answer. The keys are `items.EXPLAINED`."""
