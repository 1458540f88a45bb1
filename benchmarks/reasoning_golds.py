"""Check of reasoning-gym's reference answers by independent solvers.

    python -m benchmarks.reasoning_golds [items] [task …]

Each solver reads the question's text only. It solves the question or checks the reference answer by the question's own
rules. The table has the number of items checked and of wrong reference answers, with the first one. Items come from
seeds 0 to `items` - 1 (200 by default). `envs.reasoning.items` drops the items that are known to be wrong.
"""

import json
import re
import sys
from collections.abc import Callable

from benchmarks import reasoning_grids as grids
from benchmarks import reasoning_solvers as solvers
from envs.questions.worker import OverTime
from envs.reasoning.env import ITEM_SECONDS, _worker, task_names

Solver = Callable[[str, str], bool | None]
"""Returns True if the reference answer is right, False if it is wrong, and None if the question has another form."""


def jugs(question: str, gold: str) -> bool:
    """The moves fill a jug with the target amount."""
    sizes = {name: int(size) for name, size in re.findall(r"([A-Z]):(\d+)", question)}
    target, held = int(re.search(r"target is: (\d+)", question)[1]), dict.fromkeys(sizes, 0)  # type: ignore[index]
    for move in json.loads(gold):
        what, jug = move.split()
        if what == "pour":
            source, goal = jug.split("->")
            moved = min(held[source], sizes[goal] - held[goal])
            held[source], held[goal] = held[source] - moved, held[goal] + moved
        else:
            held[jug] = sizes[jug] if what == "fill" else 0
    return target in held.values()


def hanoi(question: str, gold: str) -> bool:
    """The moves are legal and move all disks."""
    disks, start, goal = re.search(r"with (\d+) disks.*?from Peg (\d+) to Peg (\d+)", question, re.DOTALL).groups()  # type: ignore[union-attr]
    pegs: dict[str, list[int]] = {start: list(range(int(disks), 0, -1))}
    for disk, source, target in re.findall(r"disk (\d+) from Peg (\d+) to Peg (\d+)", gold):
        if (
            not pegs.get(source)
            or pegs[source][-1] != int(disk)
            or any(d < int(disk) for d in pegs.get(target, [])[-1:])
        ):
            return False
        pegs.setdefault(target, []).append(pegs[source].pop())
    return len(pegs.get(goal, [])) == int(disks)


def family(question: str, gold: str) -> bool:
    """Relation of two persons, from marriages and children."""
    men = set(
        """James John Robert Michael William David Richard Joseph Thomas Charles Peter Daniel Matthew Christopher
        Andrew George Edward Benjamin Henry Samuel Alexander Oliver Jack Harry Jacob Noah Ethan Lucas Mason Logan
        Sebastian
        Theodore Owen Liam Aiden Kai Jayden Zion Phoenix Atlas Axel Ryder Finn""".split()
    )
    spouse: dict[str, str] = {}
    parents: dict[str, set[str]] = {}
    for first, second, children in re.findall(
        r"(\w+) is married to (\w+)\.(?: They have (?:a child|children) called ([^.]*)\.)?", question
    ):
        spouse |= {first: second, second: first}
        for child in re.findall(r"[A-Z]\w+", children):
            parents[child] = {first, second}
    one, other = re.search(r"(?:What is|How is|What relation is) (\w+) (?:related )?to (\w+)\?", question).groups()  # type: ignore[union-attr]

    def of(person: str) -> set[str]:
        return parents.get(person, set())

    def old(person: str) -> set[str]:
        return {grand for parent in of(person) for grand in of(parent)}

    partner, others = spouse.get(one, ""), spouse.get(other, "")
    relations = [
        (one in of(other), "father", "mother"), (other in of(one), "son", "daughter"),
        (partner == other, "husband", "wife"), (bool(of(one)) and of(one) == of(other), "brother", "sister"),
        (one in old(other), "grandfather", "grandmother"),
        (other in old(one), "grandson", "granddaughter"),
        (bool(of(one) & old(other)), "uncle", "aunt"), (bool(of(other) & old(one)), "nephew", "niece"),
        (one in of(others), "father-in-law", "mother-in-law"), (other in of(partner), "son-in-law", "daughter-in-law"),
    ]  # fmt: skip
    return next(((male if one in men else female) == gold for true, male, female in relations if true), False)


SOLVERS: dict[str, Solver] = {
    "ab": solvers.rewriting,
    "basic_arithmetic": solvers.arithmetic,
    "base_conversion": solvers.conversion,
    "bf": solvers.interpreted,
    "binary_alternation": solvers.alternation,
    "binary_matrix": grids.nearest_zero,
    "calendar_arithmetic": solvers.weekday,
    "chain_sum": solvers.arithmetic,
    "coin_flip": solvers.coins,
    "complex_arithmetic": solvers.complex_numbers,
    "count_bits": solvers.bits,
    "count_primes": solvers.prime_count,
    "countdown": solvers.all_numbers,
    "course_schedule": solvers.schedule,
    "decimal_chain_sum": solvers.arithmetic,
    "dice": solvers.dice,
    "family_relationships": family,
    "fraction_simplification": solvers.lowest_terms,
    "gcd": solvers.divisor,
    "isomorphic_strings": solvers.isomorphic,
    "jugs": jugs,
    "kakurasu": grids.kakurasu,
    "largest_island": grids.islands,
    "lcm": solvers.multiple,
    "letter_counting": solvers.letters,
    "maze": grids.maze,
    "mini_sudoku": grids.sudoku,
    "n_queens": grids.queens,
    "number_filtering": solvers.filtering,
    "number_sorting": solvers.number_sorting,
    "prime_factorization": solvers.factors,
    "products": solvers.arithmetic,
    "puzzle24": solvers.all_numbers,
    "ransom_note": solvers.ransom,
    "rotate_matrix": grids.rotation,
    "rotten_oranges": grids.oranges,
    "shortest_path": grids.path,
    "simple_equations": solvers.equation,
    "spell_backward": solvers.backward,
    "spiral_matrix": grids.spiral,
    "sudoku": grids.sudoku,
    "tower_of_hanoi": hanoi,
    "word_sequence_reversal": solvers.reversed_words,
    "word_sorting": solvers.sorting,
}


def main() -> None:
    """Check the tasks and print the table."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    wrong_tasks = 0
    for task in sys.argv[2:] or [name for name in task_names() if name in SOLVERS]:
        checked, wrong = 0, []
        for seed in range(items):
            try:
                item = _worker.ask(["item", task, None, seed], ITEM_SECONDS)
                right = SOLVERS[task](item["question"], item["answer"])
            except (OverTime, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as problem:
                right, item = False, {"question": f"the solver failed: {problem!r}", "answer": ""}
            checked += right is not None
            if right is False:
                wrong.append(f"seed {seed}: {item['question'][-60:]!r} -> {item['answer']!r}")
        wrong_tasks += bool(wrong)
        print(f"{task:26s}{checked:6d} checked{len(wrong):6d} wrong  {''.join(wrong[:1])}", flush=True)
    print(f"{wrong_tasks} tasks with wrong reference answers")


if __name__ == "__main__":
    main()
