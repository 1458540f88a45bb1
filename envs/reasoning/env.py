"""reasoning-gym's tasks: text questions of many kinds, made without end."""

import logging
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from configs.errors import suggest
from envs.questions.env import Question, QuestionEnv
from envs.questions.worker import OverTime, Worker

DEFAULT_TASKS: dict[str, tuple[str, ...]] = {
    "arithmetic": (
        "basic_arithmetic", "chain_sum", "products", "gcd", "lcm", "prime_factorization", "fraction_simplification",
        "base_conversion", "calendar_arithmetic", "gsm_symbolic", "leg_counting",
    ),
    "algebra": ("simple_equations", "complex_arithmetic", "polynomial_multiplication"),
    "algorithmic": (
        "count_primes", "number_filtering", "letter_counting", "spell_backward", "caesar_cipher",
        "word_sorting", "binary_alternation",
    ),
    "logic": ("knights_knaves", "syllogism", "self_reference", "aiw", "coin_flip"),
    "graphs": ("shortest_path", "largest_island", "course_schedule", "family_relationships"),
    "games": ("countdown", "puzzle24", "mini_sudoku", "maze", "n_queens", "kakurasu"),
}  # fmt: skip
"""The default mix, by kind: quick to make, a reference answer each, short answers."""

LONGEST_QUESTION = 40_000
LONGEST_ANSWER = 20_000
"""Characters; the longest by far come from the hardest levels of matrices and sorting."""

ITEM_SECONDS, SCORE_SECONDS, DRAWS = 20.0, 5.0, 3

_worker = Worker(Path(__file__).with_name("items.py"), megabytes=4096)


@lru_cache(maxsize=1)
def task_names() -> tuple[str, ...]:
    """All tasks of the installed reasoning-gym."""
    return tuple(_worker.ask(["tasks"], ITEM_SECONDS))


class ReasoningEnv(QuestionEnv):
    """A question in words from one of reasoning-gym's tasks (https://github.com/open-thought/reasoning-gym).

    ## Description
    A task is drawn by weight, then one of its items: arithmetic, algebra, algorithms, logic, graphs, games on paper.
    Items are made and scored in a worker process, with a time limit: an answer whose scoring hangs is wrong.
    `composite` is left out; `acre`, `arc_agi`, `codeio`, `group_anagrams` and `figlet_font` take 0.1 s and more to set
    up. Slow to make, and so not in the default mix: `sokoban` and `knight_swap` (up to seconds an item), `futoshiki`,
    `intermediate_integration`, `zebra_puzzles`, `word_ladder` (0.1 s), `jugs` and `number_sequence` at harder levels.
    An item that is not made within 20 s is left for another. `boxnet`, `graph_color`,
    `propositional_logic`, `rubiks_cube` and `rush_hour` have no reference answer: `expert_action()` raises ValueError.
    Departures from reasoning-gym: see `EXACT` and `FORMS` in `envs.reasoning.items`. The rest is as in `QuestionEnv`.

    ## Rewards
    1 where the task's own scorer gives the full score, else 0; `info["score"]` has the score itself, from 0 to 1, and
    `info["kind"]` the task.

    ## Arguments
    `tasks`: names, or names with weights, such as `{"gcd": 2, "maze": 1}`; None takes the default mix, in which each
    of its six kinds weighs the same. `difficulty`: from 0 to 1, the level of each task's curriculum (`acre`,
    `gsm_symbolic` and `list_functions` have none); None leaves the tasks at reasoning-gym's own settings. The hardest
    levels are long: matrices and mazes of 10,000 characters.

    ## Version History
    v0: first version.
    """

    def __init__(
        self,
        tasks: Mapping[str, float] | Sequence[str] | None = None,
        difficulty: float | None = None,
        render_mode: str | None = None,
    ) -> None:
        super().__init__(LONGEST_QUESTION, render_mode, LONGEST_ANSWER)
        if difficulty is not None and not 0 <= difficulty <= 1:
            raise ValueError(f"difficulty must be from 0 to 1, or None, got {difficulty}")
        self.difficulty = difficulty
        self.tasks = task_weights(tasks)
        self._shares = np.cumsum(list(self.tasks.values())) / sum(self.tasks.values())
        self._item: tuple[str, int] = ("", 0)
        self._score = 0.0

    def draw_question(self) -> Question:
        """An item of a task."""
        for _ in range(DRAWS):
            self._item, self._score = self._draw_item(), 0.0
            task, seed = self._item
            try:
                item = _worker.ask(["item", task, self.difficulty, seed], ITEM_SECONDS)
                return Question(item["question"], item["answer"] or "", kind=task)
            except (OverTime, ValueError) as error:
                problem = f"reasoning-gym's {task} makes no item at difficulty {self.difficulty} (seed {seed}): {error}"
                logging.getLogger(__name__).warning("%s; another is drawn", problem)
        raise ValueError(f"{DRAWS} draws without a question: {problem}")

    def _draw_item(self) -> tuple[str, int]:
        """A task by weight, and a seed."""
        index = min(int(np.searchsorted(self._shares, self.np_random.random(), side="right")), len(self.tasks) - 1)
        return list(self.tasks)[index], int(self.np_random.integers(2**31))

    def judge(self, answer: str) -> bool:
        """Whether the task's own scorer gives the full score."""
        task, seed = self._item
        self._score = 0.0
        if len(answer) <= LONGEST_ANSWER:
            try:
                self._score = _worker.ask(["score", task, self.difficulty, seed, answer], SCORE_SECONDS)
            except (OverTime, ValueError):  # what a scorer trips over is no answer
                self._score = 0.0
        return self._score > 1 - 1e-9

    def expert_action(self) -> str:
        """The reference answer; ValueError where the task has none."""
        if not self.question.answer:
            raise ValueError(f"reasoning-gym's {self._item[0]} has no reference answer, and so no expert")
        return str(self.question.answer)

    def _info(self, success: bool) -> dict[str, Any]:
        return {**super()._info(success), "score": self._score}


def task_weights(tasks: Mapping[str, float] | Sequence[str] | None) -> dict[str, float]:
    """Weights by name; ValueError for names that are unknown, and for weights that are none."""
    if tasks is None:
        return {name: 1 / len(names) for names in DEFAULT_TASKS.values() for name in names}
    if isinstance(tasks, str) or not isinstance(tasks, Mapping | Sequence) or not tasks:
        raise ValueError(f"tasks must be names, or names with weights, got {tasks!r}")
    weights = dict(tasks) if isinstance(tasks, Mapping) else dict.fromkeys(tasks, 1.0)
    for name, weight in weights.items():
        if name not in task_names():
            raise ValueError(suggest("reasoning-gym task", name, task_names()))
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
            raise ValueError(f"the weight of {name} must be a number above 0, got {weight!r}")
    return weights
