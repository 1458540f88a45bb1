"""Effects of the stages: one sentence per stage from the held-out results before and after it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from training.evaluation.statistics import difference

Results = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Evaluation (`before`, `after_fre`, `after`) → task → result of `success_rate`."""


def effects(stages: Sequence[str], trained: Mapping[str, Collection[str]], results: Results) -> dict[str, str]:
    """Return a sentence per stage, such as "arithmetic 62% → 75% (rises), football 71% → 72% (no clear change)".

    A task rises or falls if the 95% interval of its change excludes 0. The tasks that the stage trains come first.

    Args:
        stages: Names of the stages in order.
        trained: Stage → tasks that it trains.
        results: Held-out results. Stages without results before or after them are left out.
    """
    labels = ["before", *(f"after_{name}" for name in stages[:-1]), "after"]
    sentences = {}
    for name, start, end in zip(stages, labels, labels[1:], strict=False):
        before, after = results.get(start, {}), results.get(end, {})
        tasks = sorted((task for task in before if task in after), key=lambda task: task not in trained[name])
        if tasks:
            sentences[name] = ", ".join(f"{task} {_change(before[task], after[task])}" for task in tasks)
    return sentences


def _change(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    low, high = difference(before, after)
    verdict = "rises" if low > 0 else "falls" if high < 0 else "no clear change"
    return f"{before['mean']:.0%} → {after['mean']:.0%} ({verdict})"
