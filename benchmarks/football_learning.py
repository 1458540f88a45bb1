"""Learning results of the default run: three seeds, with intervals, reference policies and controls.

python -m benchmarks.football_learning [seeds=0,1,2] [out=runs/learning] [key=value …]

Runs `python -m training.run env=football` once per seed (about eight minutes each on two cores) and prints a table of
held-out success at T=1. Finished runs are not repeated, and stopped runs are resumed.
"""

import statistics
import sys
from pathlib import Path

from benchmarks.learning import cell, split, summary_of

ROWS = ("before", "after_fre", "after", "random", "idle", "expert")


def main(argv: list[str]) -> None:
    """Run the seeds and print the table of results."""
    options = {"seeds": "0,1,2", "out": "runs/learning"}
    words = split(argv, options)
    summaries = {
        seed: summary_of(
            "training.run", Path(options["out"]) / f"seed-{seed}", ["env=football", f"seed={seed}", *words]
        )
        for seed in options["seeds"].split(",")
    }
    print("| seed | " + " | ".join(ROWS) + " | greedy before → after | blind after | seconds | MB |")
    print("|---" * (len(ROWS) + 5) + "|")
    for seed, summary in summaries.items():
        success = summary["success"]
        cells = [cell(success[row]) if row in success else "–" for row in ROWS]
        greedy = f"{success['before']['greedy']:.2f} → {success['after']['greedy']:.2f}"
        end = [greedy, f"{success['after']['blind']:.2f}", f"{summary['seconds']:.0f}", str(summary["peak_memory_mb"])]
        print(f"| {seed} | " + " | ".join(cells + end) + " |")
    means = {row: statistics.mean(s["success"][row]["mean"] for s in summaries.values()) for row in ("before", "after")}
    print(f"mean of {len(summaries)} seeds: {means['before']:.3f} → {means['after']:.3f}")
    for task in next(iter(summaries.values()))["others"]:
        for row in ("before", "after_fre", "after"):
            values = [s["others"][task][row]["mean"] for s in summaries.values() if row in s["others"][task]]
            if values:
                print(f"{task} {row}: {' / '.join(f'{value:.2f}' for value in values)}")


if __name__ == "__main__":
    main(sys.argv[1:])
