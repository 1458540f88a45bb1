"""Does reasoning learned on text help to see? All arms of the recipe `claim`, with controls, over several seeds.

python -m benchmarks.claim [seeds=10,11,12,13,14] [arms=all] [out=runs/claim] [key=value …]

Each seed has its own untrained weights and warm-up. All arms continue from that warm-up (the controls `dialect` and
`no transcript` from a warm-up of their own). Where an arm has two learning rates, validation chooses. Prints one row
per arm: success on held-out pictures and texts at T=1 (mean over seeds, 95% interval of Student's t), accuracy of the
transcripts, blind success, episodes, episodes with pictures and seconds of training. Then the transfer ratios (gain on
pictures / gain on texts) and paired differences. Finished runs are not repeated, and stopped runs are resumed.
`arms=pair` runs only FRE → MGT and MGT alone on scarce pictures, each at one learning rate (`make claim`).
"""

import itertools
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.learning import Measured, mean_cell, measured, split, summary_of, untrained

RATES = ("1.5e-4", "3e-4")
"""Learning rates of MGT, of which validation chooses one."""


@dataclass(frozen=True)
class Arm:
    """One way to train, as the words of the command."""

    start: str
    """Warm-up, or arm without `rates`, whose checkpoint it continues."""
    words: tuple[str, ...]
    text: int = 0
    """Training steps on texts, including those of `start`."""
    pictures: int = 0
    """Training steps on pictures, including those of `start`."""
    rates: tuple[str, ...] = ()
    """Learning rates of MGT to choose from. Empty: the recipe's."""


def mgt(task: str, steps: int) -> tuple[str, ...]:
    """Return the words that train on the pictures of a task."""
    return "stages=mgt", f"env={task}", f"stages.mgt.steps={steps}"


def fre(text: str = "twins_text", pictures: str = "{twins_scarce: 1, twins: 1}") -> tuple[str, ...]:
    """Return the words that train on texts only and measure pictures too."""
    return f"env={pictures}", "stages=fre,mgt", f"stages.fre.tasks=[{text}]", "stages.mgt.steps=0"


def silent(*tasks: str) -> tuple[str, ...]:
    """Return the words that leave `<think>` empty."""
    return tuple(word for task in tasks for word in (f"tasks.{task}.think=none", f"tasks.{task}.transcript_reward=0"))


WARMUPS = {
    "base": (),
    "base dialect": ("stages.warmup.tasks={twins_dialect: 48, twins_text: 64, twins_letters: 32}", "env=twins_dialect"),
    "base no transcript": silent("twins", "twins_text", "twins_letters"),
}
"""Warm-up → words that differ from the recipe."""

ARMS = {
    "FRE 60": Arm("base", fre(), text=60),
    "MGT 90": Arm("base", mgt("twins_scarce", 90), pictures=90, rates=RATES),
    "FRE 60 → MGT 30": Arm("FRE 60", mgt("twins_scarce", 30), text=60, pictures=30, rates=RATES),
    "placebo 60": Arm("base", fre("twins_letters"), text=60),
    "placebo 60 → MGT 30": Arm("placebo 60", mgt("twins_scarce", 30), text=60, pictures=30, rates=RATES),
    "dialect: FRE 60": Arm("base dialect", fre(pictures="{twins_dialect: 1}"), text=60),
    "no transcript: FRE 60": Arm(
        "base no transcript", (*fre(), *silent("twins", "twins_text", "twins_scarce")), text=60
    ),
    "plentiful: MGT 90": Arm("base", mgt("twins_hard", 90), pictures=90, rates=RATES),
    "plentiful: FRE 60 → MGT 30": Arm("FRE 60", mgt("twins_hard", 30), text=60, pictures=30, rates=RATES),
}
EPISODES = 32 * 8
"""Episodes of a training step."""
LEARNED = 0.05
"""Smallest mean gain on texts for which a transfer ratio is meaningful."""

PAIR = ("FRE 60", "MGT 90", "FRE 60 → MGT 30")


def run_seed(folder: Path, seed: int, arms: Mapping[str, Arm], words: Sequence[str]) -> dict[str, Measured]:
    """Run the warm-ups and the arms of a seed, and return their results.

    Args:
        folder: Folder of the seed's runs.
        seed: Seed of the weights and the runs.
        arms: Arms to run, in an order in which each comes after its start.
        words: More words for every run.
    """
    first = untrained(folder, seed)
    shared = ["recipe=claim", f"seed={seed}"]
    found: dict[str, Measured] = {}
    for name, own in WARMUPS.items():
        if not any(arm.start == name for arm in arms.values()):
            continue
        few = ["stages=warmup", f"model={first}", "evaluation.episodes=64", *own]
        summary_of("training.run", path(folder, name), [*shared, *few, *words])
    for name, arm in arms.items():
        start = f"model={path(folder, arm.start).absolute()}/checkpoint"
        earlier = found[arm.start].seconds if arm.start in found else 0.0
        options = []
        for rate in arm.rates or ("",):
            own = (*arm.words, f"stages.mgt.algo.lr={rate}") if rate else arm.words
            summary = summary_of("training.run", path(folder, f"{name} {rate}".strip()), [*shared, start, *own, *words])
            options.append((summary["validation"]["best"], measured(summary, earlier)))
        found[name] = max(options, key=lambda option: option[0])[1]
    return found


def path(folder: Path, name: str) -> Path:
    """Return the run folder of an arm."""
    return folder / name.replace(" → ", "-").replace(": ", "-").replace(" ", "-")


def sign_flip(differences: Sequence[float]) -> float:
    """Return the two-sided p-value of a paired permutation test: the fraction of sign flips with as large a mean."""
    actual = abs(sum(differences))
    flips = list(itertools.product((1, -1), repeat=len(differences)))
    return sum(
        abs(sum(f * d for f, d in zip(flip, differences, strict=True))) >= actual - 1e-12 for flip in flips
    ) / len(flips)


def main(argv: list[str]) -> None:
    """Run all seeds and print the tables."""
    options = {"seeds": "10,11,12,13,14", "arms": "all", "out": "runs/claim"}
    words = split(argv, options)
    seeds = [int(seed) for seed in options["seeds"].split(",")]
    pair = options["arms"] == "pair"
    arms = {name: replace(ARMS[name], rates=ARMS[name].rates[:1]) for name in PAIR} if pair else ARMS
    runs = [run_seed(Path(options["out"]) / f"seed-{seed}", seed, arms, words) for seed in seeds]
    print("| arm | pictures | easy pictures | text | transcript | blind | episodes (with pictures) | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for name, arm in arms.items():
        print(row(name, arm, [run[name] for run in runs]))
    print("\ntransfer after FRE: gain on pictures / gain on texts")
    for name, text, pictures in (
        ("FRE 60", "twins_text", ("twins", "twins_scarce")),
        ("placebo 60", "twins_letters", ("twins", "twins_scarce")),
        ("dialect: FRE 60", "twins_text", ("twins_dialect",)),
        ("no transcript: FRE 60", "twins_text", ("twins", "twins_scarce")),
    ):
        for task in pictures if name in arms else ():
            gains = [(run[name].gain(task), run[name].gain(text)) for run in runs]
            picture, learned = (statistics.mean(values) for values in zip(*gains, strict=True))
            ratio = f"{picture / learned:.2f}" if learned >= LEARNED else f"no ratio, texts gain less than {LEARNED}"
            shown = ", ".join(f"{picture:+.2f}/{text:+.2f}" for picture, text in gains)
            print(f"- {name}, {task}: {ratio} ({shown})")
    print("\npaired differences at equal episodes, on the arm's own pictures")
    for prefix, task in (("", "twins_scarce"), ("plentiful: ", "twins_hard")):
        if f"{prefix}MGT 90" not in arms:
            continue
        pairs = [run[f"{prefix}FRE 60 → MGT 30"].success(task) - run[f"{prefix}MGT 90"].success(task) for run in runs]
        test = f", p = {sign_flip(pairs):.3f} (sign flips of {len(pairs)} seeds)" if len(pairs) > 1 else ", one seed"
        print(f"- {task}: {mean_cell(pairs)}{test}")


def row(name: str, arm: Arm, runs: Sequence[Measured]) -> str:
    """Return the table row of an arm."""
    tasks = list(runs[0].results)
    own = next((task for task in ("twins_scarce", "twins_hard", "twins_dialect", "twins") if task in tasks), tasks[0])

    def means(task: str, key: str) -> str:
        values = [run.results[task][key] for run in runs if task in run.results and key in run.results[task]]
        return mean_cell(values) if len(values) == len(runs) else "–"

    text = "twins_letters" if "placebo" in name and "twins_letters" in tasks else "twins_text"
    cells = [f"{means(own, 'mean')} ({own})", means("twins", "mean"), means(text, "mean"), means(own, "transcript")]
    cells += [means(own, "blind"), f"{(arm.text + arm.pictures) * EPISODES:,} ({arm.pictures * EPISODES:,})"]
    return f"| {name} | " + " | ".join([*cells, f"{statistics.mean(run.seconds for run in runs):.0f}"]) + " |"


if __name__ == "__main__":
    main(sys.argv[1:])
