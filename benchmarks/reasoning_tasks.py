"""Checks of every reasoning-gym task: time per item and reliability of the scorer.

    python -m benchmarks.reasoning_tasks [difficulty]

The columns are the median and maximum time of an item in milliseconds, the length of the longest question and answer,
the score of the reference answer, and the best score of wrong answers. Wrong answers are `0`, `no idea`, `not ANSWER`,
`ANSWER or 12345` and truncated answers.
"""

import statistics
import sys
import time

from envs.questions.worker import OverTime
from envs.reasoning.env import DEFAULT_TASKS, ITEM_SECONDS, _worker, task_names

ITEMS = 5


def row(task: str, difficulty: float | None) -> str:
    """Return the row of one task."""
    times, questions, answers, right, wrong = [], [], [], [], []
    for seed in range(ITEMS):
        begin = time.perf_counter()
        item = _worker.ask(["item", task, difficulty, seed], ITEM_SECONDS)
        times.append((time.perf_counter() - begin) * 1000)
        reference = item["answer"] or ""
        questions.append(len(item["question"]))
        answers.append(len(reference))

        def score(answer: str, seed: int = seed) -> float:
            return float(_worker.ask(["score", task, difficulty, seed, answer], ITEM_SECONDS))

        if reference:
            right.append(score(reference))
        tries = {"no idea", "0", f"{reference} or 12345", reference[:-1], reference[:1], f"not {reference}"}
        wrong.append(max(score(answer) for answer in tries - {reference}))
    known = f"{min(right):10.2f}" if right else "      none"
    took = f"{statistics.median(times):10.1f}{max(times):10.1f}"
    return f"{took}{max(questions):9}{max(answers):9}{known}{max(wrong):8.2f}"


def main() -> None:
    """Check all tasks and print the table."""
    difficulty = float(sys.argv[1]) if len(sys.argv) > 1 else None
    mix = {name for names in DEFAULT_TASKS.values() for name in names}
    heads = ("task (* default mix)", "ms", "longest", "question", "answer", "right", "wrong")
    print("{:30s}{:>10s}{:>10s}{:>9s}{:>9s}{:>10s}{:>8s}".format(*heads))
    for task in task_names():
        try:
            line = row(task, difficulty)
        except (OverTime, ValueError) as error:
            line = f"  {error}"
        print(f"{task + ' *' * (task in mix):30s}{line}", flush=True)


if __name__ == "__main__":
    main()
