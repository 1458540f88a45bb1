"""Paired comparison of two policies on the same starts: McNemar's exact test, and an interval of the score difference.

The starts of several tasks are strata, as in `statistics`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.evaluation.statistics import student

ALPHA = 0.05
"""A p-value below this counts as a difference."""


@dataclass(frozen=True)
class Played:
    """Result of one episode."""

    success: bool
    score: float | None = None


Results = Mapping[str, Mapping[int, Played]]
"""Task → seed → result."""


def mcnemar(only_one: int, only_other: int) -> float:
    """Return the two-sided p-value of McNemar's exact test (McNemar, 1947).

    Args:
        only_one: Number of starts on which only the first policy succeeds.
        only_other: Number of starts on which only the second policy succeeds.
    """
    n = only_one + only_other
    tail = sum(math.comb(n, count) for count in range(min(only_one, only_other) + 1))
    return min(1.0, 2 * tail / float(2**n))


def compare(task: str, policy: str, other: str, first: Results, second: Results) -> dict[str, Any] | None:
    """Compare two policies on their common starts. Scores are compared if all tasks have scores, else successes.

    Args:
        task: Name of the task or suite.
        policy: Name of the first policy.
        other: Name of the second policy.
        first: Results of the first policy.
        second: Results of the second policy.

    Returns:
        An entry of `pairs` in results.json, or None without a common start.
    """
    strata = [
        [(first[name][seed], second[name][seed]) for seed in sorted(first[name].keys() & second[name].keys())]
        for name in first.keys() & second.keys()
    ]
    strata = [part for part in strata if part]
    pairs = [pair for part in strata for pair in part]
    if not pairs:
        return None
    found: dict[str, Any] = {"task": task, "policy": policy, "other": other, "n": len(pairs)}
    found["only_policy"] = sum(one.success and not two.success for one, two in pairs)
    found["only_other"] = sum(two.success and not one.success for one, two in pairs)
    found["p"] = mcnemar(found["only_policy"], found["only_other"])
    differences = [
        [one.score - two.score for one, two in part if one.score is not None and two.score is not None]
        for part in strata
    ]
    if all(map(len, differences)) and (interval := student(*differences)):
        mean = sum(sum(part) / len(part) for part in differences) / len(differences)
        found["score_difference"] = {"mean": mean, "ci95": list(interval)}
    return found | {"text": sentence(found)}


def sentence(pair: Mapping[str, Any]) -> str:
    """Return a comparison as one plain sentence."""
    policy, other = pair["policy"], pair["other"]
    starts = "On one start" if pair["n"] == 1 else f"On the same {pair['n']} starts"
    difference = pair.get("score_difference")
    if difference:
        low, high = difference["ci95"]
        clear, better = low > 0 or high < 0, difference["mean"] > 0
        text = (
            f"{starts}, the score of {policy} is {abs(difference['mean']):.1f} {'higher' if better else 'lower'} than "
            f"that of {other} (95% interval {low:.1f} to {high:.1f})"
        )
        how = ""
    else:
        mine, theirs, p = pair["only_policy"], pair["only_other"], pair["p"]
        clear, better = p < ALPHA, mine > theirs
        text = f"{starts}, only {policy} succeeds on {mine} and only {other} on {theirs}"
        how = f" (McNemar's exact test, p {'< 0.001' if p < 0.001 else f'= {p:.2g}'})"
    return f"{text}: {f'{policy if better else other} is better' if clear else 'no clear difference'}{how}"
