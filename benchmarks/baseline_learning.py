"""Learning results of the PPO baseline: several cases and seeds, with intervals and reference policies.

python -m benchmarks.baseline_learning [cases=close,sokoban,football] [seeds=0,1,2] [out=runs/baselines] [key=value …]

Runs `python -m training.baseline` once per case and seed (two to six minutes each on two cores) and prints a table of
held-out success at T=1 and greedy. Finished runs are not repeated, and stopped runs are resumed.
"""

import statistics
import sys
from pathlib import Path

from benchmarks.learning import cell, split, summary_of

CASES = {
    "close": [
        "env=football", "env.kwargs.scenario=academy_empty_goal_close", "steps=80000", "entropy=0.003", "vf_coef=0.1",
    ],
    "close_vector": [
        "env=football", "env.kwargs.scenario=academy_empty_goal_close", "steps=500000", "entropy=0.003",
        "vf_coef=0.1", "observation=simple115v2",
    ],
    "sokoban": ["env=sokoban", "steps=100000"],
    "football": ["env=football", "steps=120000"],
}  # fmt: skip
REFERENCES = ("random", "idle", "expert")


def main(argv: list[str]) -> None:
    """Run the cases and print the table of results."""
    options = {"cases": "close,sokoban,football", "seeds": "0,1,2", "out": "runs/baselines"}
    words = split(argv, options)
    results = {
        case: {
            seed: summary_of(
                "training.baseline", Path(options["out"]) / f"{case}-{seed}", [*CASES[case], f"seed={seed}", *words]
            )
            for seed in options["seeds"].split(",")
        }
        for case in options["cases"].split(",")
    }
    print("| case | seed | before | after | greedy before → after | blind after | decisions | seconds | MB |")
    print("|---" * 9 + "|")
    for case, summaries in results.items():
        for seed, summary in summaries.items():
            before, after = summary["success"]["before"], summary["success"]["after"]
            blind = f"{after['blind']:.2f}" if "blind" in after else "–"
            greedy = f"{before['greedy']:.2f} → {after['greedy']:.2f}"
            end = [f"{summary['env_steps']:,}", f"{summary['seconds']:.0f}", str(summary["peak_memory_mb"])]
            print(f"| {case} | {seed} | " + " | ".join([cell(before), cell(after), greedy, blind, *end]) + " |")
    for case, summaries in results.items():
        mean = statistics.mean(summary["success"]["after"]["mean"] for summary in summaries.values())
        first = next(iter(summaries.values()))["success"]
        floors = ", ".join(f"{name} {cell(first[name])}" for name in REFERENCES if name in first)
        print(f"{case}: mean of {len(summaries)} seeds {mean:.3f}; floors: {floors}")


if __name__ == "__main__":
    main(sys.argv[1:])
