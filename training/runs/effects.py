"""Effects of the stages: one sentence per stage from the held-out results before and after it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from training.evaluation.statistics import difference

UNCLEAR = "no clear change"
Results = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Evaluation (`before`, `after_fre`, `after`) → task → result of `success_rate`."""


def effects(stages: Sequence[str], trained: Mapping[str, Collection[str]], results: Results) -> dict[str, str]:
    """Return a sentence per stage, such as "arithmetic 62% → 75% (rises), no clear change in other tasks".

    A task rises or falls if the 95% interval of its change excludes 0. The tasks that the stage trains come first.
    Other tasks are named only if they rise or fall.

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
        verdicts = {task: _verdict(before[task], after[task]) for task in tasks}
        named = [task for task in tasks if task in trained[name] or verdicts[task] != UNCLEAR]
        parts = [f"{task} {before[task]['mean']:.0%} → {after[task]['mean']:.0%} ({verdicts[task]})" for task in named]
        parts += [f"{UNCLEAR} in other tasks"] * (len(named) < len(tasks))
        if tasks:
            sentences[name] = ", ".join(parts)
    return sentences


def _verdict(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    low, high = difference(before, after)
    return "rises" if low > 0 else "falls" if high < 0 else UNCLEAR
