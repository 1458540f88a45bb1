"""reasoning-gym environment: procedurally generated text questions of many kinds."""

import json
import logging
import math
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from configs.errors import suggest
from envs.questions.env import Question, QuestionEnv
from envs.questions.worker import OverTime, Worker
from envs.reasoning.steps import STEPS

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
"""Default tasks by category. All are fast to generate and have a reference answer and short answers."""

LONGEST_QUESTION = 40_000
LONGEST_ANSWER = 20_000
"""Maximum lengths in characters. The hardest levels of matrices and sorting are by far the longest."""

ITEM_SECONDS, SCORE_SECONDS, DRAWS = 20.0, 5.0, 3

_worker = Worker(Path(__file__).with_name("items.py"), megabytes=4096)


@lru_cache(maxsize=1)
def task_names() -> tuple[str, ...]:
    """Return the names of all tasks in the installed reasoning-gym."""
    return tuple(_worker.ask(["tasks"], ITEM_SECONDS))


class ReasoningEnv(QuestionEnv):
    """A text question from one of reasoning-gym's tasks (https://github.com/open-thought/reasoning-gym).

    ## Description
    A task is drawn by weight, then one of its items. The tasks cover arithmetic, algebra, algorithms, logic, graphs and
    pen-and-paper games. A worker process generates and scores the items under a time limit. An answer is wrong if its
    scoring times out. An item that takes more than 20 s to generate is replaced by another one. Training, validation
    and test seeds never ask the same question: task and item are drawn again until the text of the question belongs to
    the seed's split (`envs.task.splits`), on average 1.4, 10 and 5 times.

    - Excluded: `composite`.
    - Set-up takes 0.1 s or more: `acre`, `arc_agi`, `codeio`, `group_anagrams`, `figlet_font`.
    - Slow to generate, so not in the default mix: `sokoban` and `knight_swap` (up to seconds per item), `futoshiki`,
      `intermediate_integration`, `zebra_puzzles`, `word_ladder` (0.1 s), `jugs` and `number_sequence` at harder levels.
    - No reference answer, so `expert_action()` raises ValueError: `boxnet`, `graph_color`, `propositional_logic`,
      `rubiks_cube`, `rush_hour`.

    `EXACT` and `FORMS` in `envs.reasoning.items` list the departures from reasoning-gym. Everything else is as in
    `QuestionEnv`.

    ## Rewards
    1 if the task's own scorer gives the full score, else 0. `info["score"]` is that score from 0 to 1, and
    `info["kind"]` is the task.

    ## Arguments
    - `tasks`: task names, or names with weights such as `{"gcd": 2, "maze": 1}`. None selects the default mix, in which
      all six categories have equal weight.
    - `difficulty`: level of each task's curriculum, from 0 to 1 (`acre`, `gsm_symbolic` and `list_functions` have
      none). None keeps reasoning-gym's default settings. The hardest levels are long: matrices and mazes of 10,000
      characters.
    - `settings`: task → settings of reasoning-gym for it, such as `{"chain_sum": {"min_terms": 3}}`, over those of the
      difficulty.

    ## Version History
    v0: first version.
    """

    def __init__(
        self,
        tasks: Mapping[str, float] | Sequence[str] | None = None,
        difficulty: float | None = None,
        render_mode: str | None = None,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(LONGEST_QUESTION, render_mode, LONGEST_ANSWER)
        if difficulty is not None and not 0 <= difficulty <= 1:
            raise ValueError(f"difficulty must be from 0 to 1, or None, got {difficulty}")
        self.difficulty = difficulty
        self.tasks = task_weights(tasks)
        self.settings = settings or {}
        self._settings = settings_texts(self.settings, self.tasks)
        self._shares = np.cumsum(list(self.tasks.values())) / sum(self.tasks.values())
        self._item: tuple[str, int] = ("", 0)
        self._score = 0.0

    def draw_question(self) -> Question:
        """Return a generated item of a random task, of the seed's split."""
        settings = f"tasks={', '.join(self.tasks)}, difficulty={self.difficulty}, settings={self.settings}"
        return self.draw_of_split(self._draw, lambda question: question.text, settings)

    def _draw(self) -> Question:
        """Return a generated item of a random task."""
        for _ in range(DRAWS):
            self._item, self._score = self._draw_item(), 0.0
            task, seed = self._item
            try:
                item = _worker.ask(["item", task, self.difficulty, self._settings[task], seed], ITEM_SECONDS)
                work = STEPS[task](item["facts"] | {"answer": item["answer"]}) if task in STEPS else ""
                return Question(item["question"], item["answer"] or "", kind=task, work=work)
            except (OverTime, ValueError) as error:
                problem = (
                    f"reasoning-gym's {task} generated no item at difficulty {self.difficulty} (seed {seed}): {error}"
                )
                logging.getLogger(__name__).warning("%s; drawing another item", problem)
        raise ValueError(f"{DRAWS} attempts gave no valid item: {problem}")

    def _draw_item(self) -> tuple[str, int]:
        """Draw a task by weight, and a seed."""
        index = min(int(np.searchsorted(self._shares, self.np_random.random(), side="right")), len(self.tasks) - 1)
        return list(self.tasks)[index], int(self.np_random.integers(2**31))

    def judge(self, answer: str) -> bool:
        """Return True if the task's own scorer gives the full score."""
        task, seed = self._item
        self._score = 0.0
        if len(answer) <= LONGEST_ANSWER:
            try:
                self._score = _worker.ask(
                    ["score", task, self.difficulty, self._settings[task], seed, answer], SCORE_SECONDS
                )
            except (OverTime, ValueError):  # an answer that breaks the scorer is wrong
                self._score = 0.0
        return self._score > 1 - 1e-9

    def expert_action(self) -> str:
        """Return the reference answer, or raise ValueError if the task has none."""
        if not self.question.answer:
            raise ValueError(f"reasoning-gym's {self._item[0]} has no reference answer, so there is no expert action")
        return str(self.question.answer)

    def expert_thought(self, form: str = "usual") -> str:
        """Return the steps to the answer if `form` is work. All tasks of the env must have them (`steps.STEPS`).

        Raises:
            KeyError: A task of the env has no such form.
        """
        if form == "work" and not STEPS.keys() >= self.tasks.keys():
            raise KeyError(form)
        return super().expert_thought(form)

    def _info(self, success: bool) -> dict[str, Any]:
        return {**super()._info(success), "score": self._score}


def task_weights(tasks: Mapping[str, float] | Sequence[str] | None) -> dict[str, float]:
    """Return weights by task name, or raise ValueError if a name is unknown or a weight is not positive."""
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


def settings_texts(settings: Mapping[str, Mapping[str, Any]], tasks: Collection[str]) -> dict[str, str]:
    """Return the settings of each task as JSON, or raise ValueError if a task or a name is unknown."""
    if not isinstance(settings, Mapping) or not all(isinstance(own, Mapping) for own in settings.values()):
        raise ValueError(f"settings must be a mapping from tasks to settings, got {settings!r}")
    for task, own in settings.items():
        if task not in tasks:
            raise ValueError(f"settings: {suggest('task', task, tasks)}")
        known = _worker.ask(["settings", task], ITEM_SECONDS)
        for name in own:
            if name not in known:
                raise ValueError(f"settings of {task}: {suggest('setting', name, known)}")
    return {task: json.dumps(dict(settings.get(task, {})), sort_keys=True) for task in tasks}
