"""reasoning-gym's items made and scored; runs in a worker process (`questions.worker`) and imports nothing of ours.

Some of its generators set global seeds and some of its scorers call `eval`, so neither runs in the player's process,
and what such a scorer is given has to fit one of `FORMS` first: no name that can be called or asked for an attribute.
"""

import random
import re
from fractions import Fraction
from functools import lru_cache
from typing import Any

REBUILT = frozenset({"acre", "gsm_symbolic", "list_functions", "word_ladder"})
"""Make all their items at once: they are built anew, for one item."""

_SUM = r"(?!.*\*\*)[0-9 .()+/*-]*"
_HUGE = r"(?:\*\*|\^)[ (]*(?:[0-9]{{4,}}|[0-9]+[ )]*(?:\*\*|\^))"
_TERM = "(?!.*" + _HUGE + r")(?>[0-9]+(?:\.[0-9]+)?|(?<![A-Za-z])(?:{names})(?![A-Za-z])|[ ()+/*^-])*+"
_INTEGRAL = _TERM.format(names="[a-zC]|sqrt|exp|log|sin|cos|tan|asin|acos|atan|sinh|cosh|tanh|pi|E")
FORMS = {
    "countdown": _SUM,
    "fraction_simplification": r"\$?(?:\\[dt]?frac\{[0-9]+\}\{[0-9]+\}|[0-9]+ ?/ ?[0-9]+)\$?",
    "gsm_symbolic": r"-?[0-9]+(?:\.[0-9]+)?",
    "intermediate_integration": _INTEGRAL,
    "kakurasu": r"[01\s]*",
    "n_queens": r"[Q_\s]*",
    "polynomial_equations": r"[0-9., -]*",
    "polynomial_multiplication": _TERM.format(names="[a-zA-Z]"),
    "puzzle24": _SUM,
    "quantum_lock": r"[A-Z →>-]*",
    "simple_integration": _INTEGRAL,
    "sokoban": r"[UDLRudlr ]*",
    "survo": r"[0-9\s]*",
}
"""What an answer must look like where the scorer evaluates it, or would take a right answer out of a longer text."""

EXACT = frozenset(
    {"binary_matrix", "coin_flip", "game_of_life_halting", "knights_knaves", "letter_jumble",
     "spell_backward", "spiral_matrix", "string_insertion", "time_intervals"}
)  # fmt: skip
"""Their scorers find a right answer inside a wrong one, take anything (`coin_flip` 0 for 0.125, `game_of_life_halting`
whatever is not empty), or evaluate it for partial credit: here only the reference answer is right, or its number."""


def prepare() -> None:
    """Import what takes a second."""
    import reasoning_gym  # noqa: F401


def handle(request: Any) -> Any:
    """["tasks"]; ["item", task, difficulty, seed] → {question, answer}; ["score", task, difficulty, seed, answer]."""
    what, *rest = request
    if what == "tasks":
        from reasoning_gym.factory import DATASETS

        return sorted(set(DATASETS) - {"composite"})
    task, difficulty, seed = rest[:3]
    dataset, entry = item(task, difficulty, seed)
    if what == "item":
        return {"question": entry["question"], "answer": None if entry["answer"] is None else str(entry["answer"])}
    return score(task, dataset, entry, rest[3])


@lru_cache(maxsize=256)
def item(task: str, difficulty: float | None, seed: int) -> tuple[Any, Any]:
    """The task's dataset and its item of that seed, which nothing else decides."""
    random.seed(seed)
    dataset = build(task, difficulty, seed) if task in REBUILT else kept(task, difficulty)
    return dataset, dataset[0 if task in REBUILT else seed]


@lru_cache(maxsize=256)
def kept(task: str, difficulty: float | None) -> Any:
    """A dataset whose i-th item is made alone, from i."""
    return build(task, difficulty, 0)


def build(task: str, difficulty: float | None, seed: int) -> Any:
    """The task as reasoning-gym has it, or at the level of its curriculum that the difficulty, from 0 to 1, points at.

    A level that reasoning-gym itself refuses is passed over for the next easier one.
    """
    from reasoning_gym.factory import CURRICULA, DATASETS, create_dataset

    if difficulty is not None and task in CURRICULA:
        curriculum = CURRICULA[task]()
        hardest = max((len(attribute.levels) for attribute in curriculum.attributes.values()), default=1) - 1
        for level in range(round(difficulty * hardest), -1, -1):
            curriculum.set_global_level(level)
            try:
                return DATASETS[task][0](curriculum.generate_configuration({"seed": seed, "size": 1}))
            except AssertionError:
                continue
    return create_dataset(task, seed=seed, size=1)


def score(task: str, dataset: Any, entry: Any, answer: str) -> float:
    """The task's own score from 0 to 1, within the bounds above; what its scorer trips over scores 0."""
    answer = answer.strip()
    reference = None if entry["answer"] is None else str(entry["answer"]).strip()
    if reference is not None and answer == reference:
        return 1.0
    if task in EXACT:
        numbers = [re.fullmatch(r"[0-9]+(?:\.[0-9]+|/[1-9][0-9]*)?", text) for text in (answer, reference or "")]
        return float(all(numbers) and len(answer) < 40 and Fraction(answer) == Fraction(str(reference)))
    if not answer or not re.fullmatch(FORMS.get(task, r"(?s:.*)"), answer):
        return 0.0
    if task == "puzzle24":  # reasoning-gym takes any four numbers that make 24
        if sorted(re.findall(r"[0-9]+", answer)) != sorted(map(str, entry["metadata"]["numbers"])):
            return 0.0
    try:
        return max(0.0, min(1.0, float(dataset.score_answer(answer, entry))))
    except MemoryError:
        raise
    except Exception:
        return 0.0
