"""Methods and levers compared: one change against a recipe's defaults per row, over several seeds.

python -m benchmarks.methods [problems=twins,sokoban] [rows=all] [seeds=0,1,2] [steps=N] [twins=FOLDER] [sokoban=FOLDER]
    [out=runs/methods] [key=value …]

- `twins`: FRE on sums as text for 60 steps, from the warm-up of the recipe `claim`: one per seed, or the model of
  `twins=`. Success is measured on texts and on pictures.
- `sokoban`: 40 steps on pictures of 6x6 levels from the model of `sokoban=` (the embedded one). Rows with other prompts
  or replies first clone the expert with these into that model. Their control is `form-transcript`.

Prints one table per problem: success on held-out items at T=1 before and after training, the paired difference to the
row `default` (means over seeds, 95% intervals of Student's t), and the seconds of training, without those of the shared
warm-up. Finished runs are not repeated, and stopped runs are resumed, so other settings need another `out=`. `rows=`
takes names of rows, `steps=` another number of training steps, and key=value applies to every run.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.learning import Measured, mean_cell, measured, split, summary_of, untrained
from configs.cli import command
from configs.errors import UserError

DEFAULT = "default"
COMMON = {
    DEFAULT: (),
    "dr_grpo": ("algo.advantage=dr_grpo",),
    "reinforce_pp": ("algo.advantage=reinforce_pp",),
    "gdpo": ("algo.advantage=gdpo",),
    "dppo-tv": ("algo.loss=dppo", "algo.divergence=tv"),
    "dppo-kl": ("algo.loss=dppo", "algo.divergence=kl", "algo.max_divergence=0.05"),
    "sequence_mask": ("algo.correction=sequence_mask",),
    "geometric_mask": ("algo.correction=geometric_mask", "algo.icepop_low=0.99", "algo.icepop_high=1.01"),
    "kl-k3": ("algo.kl_coef=0.01",),
    "kl-unbiased": ("algo.kl_coef=0.01", "algo.kl=unbiased"),
    "keep_groups": ("algo.keep_groups=0.9",),
    "pool": ("algo.pool=256",),
}
"""Row of both problems → overrides."""
TWINS = COMMON | {
    "max_rl": ("algo.advantage=max_rl",),
    "entropy": ("algo.entropy_coef=0.003",),
    "with-pictures": ("stages.fre.tasks=[twins_text, twins]",),
    "learning_progress": ("stages.fre.tasks=[twins_text, twins]", "stages.fre.learning_progress=0.5"),
    "no-transcript-reward": ("tasks.twins.transcript_reward=0", "tasks.twins_text.transcript_reward=0"),
}
OUTCOME = "env.reward=success"
SOKOBAN = COMMON | {
    "outcome": (OUTCOME, "algo.advantage=grpo"),
    "outcome-gigpo": (OUTCOME, "algo.advantage=gigpo"),
    "outcome-gagpo": (OUTCOME, "algo.advantage=gagpo"),
    "outcome-max_rl": (OUTCOME, "algo.advantage=max_rl"),
    "process-grpo": ("algo.advantage=grpo",),
    "distill": ("stages.mgt.kind=distill", "algo.groups=128", "algo.lr=5e-4", "algo.entropy_coef=0"),
    "play-on-when-lost": ("env.end_when_lost=false",),
    "no-transcript-reward": ("env.transcript_reward=0",),
    "caption": ("env.caption=true",),
    "rules": ("env.rules=true",),
    "feedback": ("env.feedback=true",),
    "history": ("env.history=1",),
    "form-none": ("env.think=none", "env.transcript_reward=0"),
    "form-word": ("env.think=word", "env.transcript_reward=0"),
    "form-transcript": (),
    "form-work": ("env.think=work",),
}
CLONED = ("caption", "rules", "feedback", "history", "form-none", "form-word", "form-transcript", "form-work")
"""Rows of Sokoban with prompts or replies that the model does not know, and their control `form-transcript`."""
REPLY = ("env.max_reply_tokens=48",)
"""Override for Sokoban's replies, the longest of which have about 40 tokens."""


@dataclass(frozen=True)
class Problem:
    """A problem of the sweep."""

    rows: Mapping[str, tuple[str, ...]]
    """Row → overrides that differ from the defaults."""
    tasks: Mapping[str, str]
    """Measured task → name in the table."""
    stage: str
    """Stage that trains."""
    steps: int
    """Usual number of training steps."""
    words: tuple[str, ...]
    """Overrides of all rows."""


PROBLEMS = {
    "twins": Problem(TWINS, {"twins_text": "texts", "twins": "pictures"}, "fre", 60, ("recipe=claim", "env=twins")),
    "sokoban": Problem(
        SOKOBAN,
        {"sokoban": "levels"},
        "mgt",
        40,
        ("recipe=tiny", "env=sokoban", *REPLY, "evaluation.videos=0"),
    ),
}


def run_seed(
    name: str, folder: Path, seed: int, rows: Sequence[str], model: str, steps: int, words: list[str]
) -> dict[str, Measured]:
    """Run the rows of a problem with a seed, and return their results.

    Args:
        name: Name of the problem.
        folder: Folder of the seed's runs.
        seed: Seed of the runs.
        rows: Names of the rows.
        model: Model folder to start from. Empty: the seed's own warm-up (`twins`).
        steps: Number of training steps.
        words: More overrides for every run.
    """
    problem = PROBLEMS[name]
    shared = [*problem.words, f"seed={seed}", f"stages={problem.stage}", f"stages.{problem.stage}.steps={steps}"]
    start = model or warm_up(folder, seed, words)
    found = {}
    for row in rows:
        own, seconds, first = problem.rows[row], 0.0, start
        if name == "sokoban" and row in CLONED:
            first, seconds = clone(folder / f"clone-{row}", seed, start, steps, [*own, *words])
        overrides = [*shared, f"model={first}", *own, *words]
        found[row] = measured(summary_of("training.run", folder / row, overrides), seconds)
    return found


def warm_up(folder: Path, seed: int, words: Sequence[str]) -> str:
    """Run the warm-up of the recipe `claim` from a seed's untrained weights, and return its checkpoint."""
    few = [
        "recipe=claim",
        "stages=warmup",
        f"seed={seed}",
        f"model={untrained(folder, seed)}",
        "evaluation.episodes=64",
    ]
    summary_of("training.run", folder / "warmup", [*few, *words])
    return f"{folder.absolute()}/warmup/checkpoint"


def clone(folder: Path, seed: int, model: str, steps: int, words: Sequence[str]) -> tuple[str, float]:
    """Clone Sokoban's expert with the prompts and replies of a row; return the checkpoint and the seconds of training.

    Args:
        folder: Run folder.
        seed: Seed of the run.
        model: Model folder to start from.
        steps: Number of training steps of the row. If it is lower than usual, the clone has no more.
        words: Overrides of the row and of every run.
    """
    shared = ["recipe=clone", "env=sokoban", *REPLY, f"seed={seed}", f"model={model}"]
    short = [f"stages.sft.steps={steps}", f"stages.sft.demonstrations={96 * steps}"]
    few = ["evaluation.episodes=64", "evaluation.videos=0", *(short if steps < PROBLEMS["sokoban"].steps else [])]
    summary = summary_of("training.run", folder, [*shared, *few, *words])
    return f"{folder.absolute()}/checkpoint", measured(summary).seconds


def table(problem: Problem, runs: Sequence[Mapping[str, Measured]]) -> list[str]:
    """Return the lines of a problem's table.

    Args:
        problem: The problem.
        runs: Row → results, of each seed.
    """
    heads = [head for title in problem.tasks.values() for head in (f"{title}: before → after", "against default")]
    lines = ["| row | " + " | ".join(heads) + " | seconds |", "|---" * (len(heads) + 2) + "|"]
    for row in runs[0]:
        cells = []
        for task in problem.tasks:
            before = statistics.mean(float(run[row].before[task]["mean"]) for run in runs)
            differences = [run[row].success(task) - run[DEFAULT].success(task) for run in runs]
            cells.append(f"{before:.3f} → {mean_cell([run[row].success(task) for run in runs])}")
            cells.append("–" if row == DEFAULT else mean_cell(differences, "+"))
        lines.append(
            f"| {row} | " + " | ".join(cells) + f" | {statistics.mean(run[row].seconds for run in runs):.0f} |"
        )
    return lines


def chosen(names: str, known: Mapping[str, object], key: str) -> list[str]:
    """Return the names of a comma-separated list; raise UserError if one is not among the known names of a key."""
    found = names.split(",")
    for name in found:
        if name not in known:
            raise UserError(f"{key}={name}: choose from {', '.join(known)}")
    return found


def numbers(text: str, key: str) -> list[int]:
    """Return the numbers of a comma-separated list; raise UserError, which names the key, for anything else."""
    if not all(number.isdecimal() for number in text.split(",")):
        raise UserError(f"{key}={text}: numbers such as 0,1,2 are expected")
    return [int(number) for number in text.split(",")]


def main(argv: Sequence[str]) -> None:
    """Run the problems and print their tables."""
    options = dict.fromkeys(("twins", "steps"), "")
    options |= {"sokoban": "tiny", "problems": "twins,sokoban", "rows": "all", "seeds": "0,1,2", "out": "runs/methods"}
    words = split(argv, options)
    problems = chosen(options["problems"], PROBLEMS, "problems")
    rows = options["rows"]
    named = [] if rows == "all" else chosen(rows, TWINS | SOKOBAN, "rows")
    seeds = numbers(options["seeds"], "seeds")
    for name in problems:
        problem = PROBLEMS[name]
        wanted = [row for row in problem.rows if not named or row in (DEFAULT, *named)]
        model = options[name] if options[name] in ("", "tiny") else str(Path(options[name]).absolute())
        steps = numbers(options["steps"], "steps")[0] if options["steps"] else problem.steps
        folder = Path(options["out"]) / name
        runs = [run_seed(name, folder / f"seed-{seed}", seed, wanted, model, steps, words) for seed in seeds]
        print(f"\n{name}: {steps} steps, seeds {options['seeds']}\n")
        print("\n".join(table(problem, runs)))


if __name__ == "__main__":
    command(main, lambda _: str(__doc__))
