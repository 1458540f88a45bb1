"""Generation and scoring of reasoning-gym items, run in a worker process (`questions.worker`). Imports no own modules.

Some generators set global seeds and some scorers call `eval`, so neither runs in the main process. An answer for such a
scorer must first match its pattern in `FORMS`. The patterns exclude names that can be called or have attributes read.
"""

import ast
import dataclasses
import json
import operator
import random
import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

REBUILT = frozenset({"acre", "gsm_symbolic", "list_functions", "word_ladder"})
"""Tasks that generate all their items at once. Their dataset is rebuilt for each item."""

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
"""Pattern that an answer must match if the scorer evaluates it, or would find a right answer inside a longer text."""

EXACT = frozenset(
    {"binary_matrix", "coin_flip", "game_of_life_halting", "knights_knaves", "letter_jumble",
     "spell_backward", "spiral_matrix", "string_insertion", "time_intervals"}
)  # fmt: skip
"""Tasks in which only the reference answer, or an equal number, is right. Their scorers find a right answer inside a
wrong one, accept any answer (`coin_flip` takes 0 for 0.125, `game_of_life_halting` any non-empty text), or evaluate
it for partial credit."""

EXPLAINED = frozenset({"basic_arithmetic", "chain_sum", "products", "letter_counting", "coin_flip", "spell_backward"})
"""Tasks with steps in `envs.reasoning.steps`. Their items include reasoning-gym's metadata."""

MAX_DROPPED = 100
"""Maximum number of items in a row that `is_sound` may reject."""


def is_sound(task: str, dataset: Any, entry: Any) -> bool:
    """Return False for items with a wrong reference answer.

    `family_relationships` confuses its two persons in the last relations. It expects "mother-in-law" for a woman's
    relation to her husband's mother, and takes the gender of a niece or nephew from the uncle or aunt.
    `basic_arithmetic` rounds divisions without a whole result down.
    """
    if task == "basic_arithmetic":
        return quotient(ast.parse(entry["metadata"]["expression"].strip(), mode="eval").body) == int(entry["answer"])
    if task != "family_relationships":
        return True
    answer, male = str(entry["answer"]), entry["metadata"]["person1"] in dataset.config.male_names
    return not answer.endswith("-in-law") and answer != ("niece" if male else "nephew")


def quotient(node: ast.expr) -> Fraction:
    """Return the exact value of a parsed sum, difference, product or quotient of integers."""
    if isinstance(node, ast.BinOp):
        found: Fraction = _OPERATIONS[type(node.op)](quotient(node.left), quotient(node.right))
        return found
    if isinstance(node, ast.UnaryOp):
        return -quotient(node.operand) if isinstance(node.op, ast.USub) else quotient(node.operand)
    assert isinstance(node, ast.Constant)
    return Fraction(str(node.value))


_OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def prepare() -> None:
    """Import reasoning-gym, which takes a second."""
    import reasoning_gym  # noqa: F401


def handle(request: Any) -> Any:
    """Handle a request.

    The requests are ["tasks"], ["settings", task], ["item", task, difficulty, settings, seed] and ["score", task,
    difficulty, settings, seed, answer], with the settings as JSON.

    Returns:
        The task names, the names of the task's settings, the item as {question, answer, facts}, or the score.
    """
    what, *rest = request
    if what == "tasks":
        from reasoning_gym.factory import DATASETS

        return sorted(set(DATASETS) - {"composite"})
    if what == "settings":
        return [field.name for field in dataclasses.fields(build(rest[0], None, "{}", 0).config)]
    task, difficulty, settings, seed = rest[:4]
    dataset, entry = item(task, difficulty, settings, seed)
    if what == "item":
        answer = None if entry["answer"] is None else str(entry["answer"])
        facts = dict(entry["metadata"]) if task in EXPLAINED else {}
        return {"question": entry["question"], "answer": answer, "facts": facts}
    return score(task, dataset, entry, rest[4])


@lru_cache(maxsize=256)
def item(task: str, difficulty: float | None, settings: str, seed: int) -> tuple[Any, Any]:
    """Return the dataset and the item of a seed. The item depends on the arguments only.

    An item with a wrong reference answer is replaced by a later one.

    Args:
        task: Task name.
        difficulty: Difficulty from 0 to 1, or None for the default settings.
        settings: Settings over those of the difficulty, as JSON.
        seed: Seed or index of the item.
    """
    random.seed(seed)
    dataset = build(task, difficulty, settings, seed) if task in REBUILT else kept(task, difficulty, settings)
    if task in REBUILT:
        return dataset, dataset[0]
    # the stride keeps consecutive seeds from sharing the replacement
    entries = (dataset[seed + 1_000_003 * attempt] for attempt in range(MAX_DROPPED))
    return dataset, next(entry for entry in entries if is_sound(task, dataset, entry))


@lru_cache(maxsize=256)
def kept(task: str, difficulty: float | None, settings: str) -> Any:
    """Return a cached dataset that generates each item independently, from its index."""
    return build(task, difficulty, settings, 0)


def build(task: str, difficulty: float | None, settings: str, seed: int) -> Any:
    """Return the task's dataset, with default settings or at the curriculum level given by `difficulty`.

    If reasoning-gym rejects a level, the next easier one is used.

    Args:
        task: Task name.
        difficulty: Difficulty from 0 to 1, or None for the default settings.
        settings: Settings over those of the difficulty, as JSON.
        seed: Seed of the dataset.
    """
    from reasoning_gym.factory import CURRICULA, DATASETS, create_dataset

    own = json.loads(settings)
    if difficulty is not None and task in CURRICULA:
        curriculum = CURRICULA[task]()
        hardest = max((len(attribute.levels) for attribute in curriculum.attributes.values()), default=1) - 1
        for level in range(round(difficulty * hardest), -1, -1):
            curriculum.set_global_level(level)
            try:
                config = curriculum.generate_configuration({"seed": seed, "size": 1})
                return DATASETS[task][0](dataclasses.replace(config, **own))
            except AssertionError:
                continue
    return create_dataset(task, seed=seed, size=1, **own)


def score(task: str, dataset: Any, entry: Any, answer: str) -> float:
    """Return the task's own score from 0 to 1, subject to `EXACT` and `FORMS`. A failing scorer gives 0.

    Args:
        task: Task name.
        dataset: Dataset of the task, which scores the answer.
        entry: Item of the dataset.
        answer: Answer to score.
    """
    answer = answer.strip()
    reference = None if entry["answer"] is None else str(entry["answer"]).strip()
    if reference is not None and answer == reference:
        return 1.0
    if task in EXACT:
        numbers = [re.fullmatch(r"[0-9]+(?:\.[0-9]+|/[1-9][0-9]*)?", text) for text in (answer, reference or "")]
        return float(all(numbers) and len(answer) < 40 and Fraction(answer) == Fraction(str(reference)))
    if not answer or not re.fullmatch(FORMS.get(task, r"(?s:.*)"), answer):
        return 0.0
    if task == "puzzle24":  # reasoning-gym accepts any four numbers that make 24
        if sorted(re.findall(r"[0-9]+", answer)) != sorted(map(str, entry["metadata"]["numbers"])):
            return 0.0
    try:
        return max(0.0, min(1.0, float(dataset.score_answer(answer, entry))))
    except MemoryError:
        raise
    except Exception:
        return 0.0
