"""Our football engine compared with Google Research Football's (GRF, EnvPool's build), measure by measure.

    make peers                              # .venv-peers with EnvPool
    python -m benchmarks.football_fidelity [SEEDS]

Both sides play the same actions without start noise. Measured are speeds with the ball, windups, shots, passes, and the
lengths and goals of drills under idle play, random play and one fixed script. `benchmarks.football_moves` has the
measurements. Each line shows mean, median and the range from the 10th to the 90th percentile of both sides, and the
ratio of the means. For lengths under random play, it is the ratio of the medians. A star marks ratios outside 0.85 to
1.15. The reasons:

- Idle play in run_to_score and 3_vs_1 has two outcomes, on both sides: the ball is lost at the first challenge, or
  never. Means of 24 episodes have a standard error of 15 to 25 %, so our chance of that loss (`contests.FRONT`,
  `contests.BEHIND`) is only as exact as this.
- GRF's counterattack_easy and _hard differ in one centre back, and idle play lasts about 73 and 55 steps. Ours lasts
  about as long in both, because our nearest opponent is the same player in both.
- Under random play, GRF's players control the ball in about 15 % of the steps and ours in about 35 %. A kick follows
  sooner, so pass_and_shoot ends sooner. In the drills without opponents, our passes to the own keeper leave the pitch
  less often, so more episodes reach the time limit. Goals under random play are too rare for a ratio.
- Our ball is received at once where GRF's player needs a few more steps, so passes "until received" are faster. The
  script shoots straight at the keeper, which holds the ball sooner than GRF's.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.football_moves import SEEDS, Ours, measure

ROOT: Final = Path(__file__).resolve().parents[1]
PEERS: Final = ROOT / ".venv-peers" / "bin" / "python"
LOW, HIGH = 0.85, 1.15


def words(values: list[float]) -> str:
    """Return mean, median and range of some values as text."""
    if not values:
        return "none"
    low, middle, high = np.percentile(values, [10, 50, 90])
    return f"{np.mean(values):7.2f} {middle:7.1f}   {low:.1f} to {high:.1f}"


def ratio(name: str, own: list[float], theirs: list[float]) -> str:
    """Return the ratio of two measures as text, with a star if it is outside the aim."""
    middle = np.median if name.startswith("random, steps") else np.mean
    if not own or not theirs or middle(theirs) == 0:
        return ""
    found = float(middle(own) / middle(theirs))
    return f"{found:6.2f}{' ' if LOW <= found <= HIGH else '*'}"


def main(seeds: int) -> None:
    """Measure both sides and print the table."""
    if not PEERS.is_file():
        sys.exit("error: EnvPool is not installed: make peers")
    command = [str(PEERS), "-m", "benchmarks.football_moves", "grf", str(seeds)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    theirs: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    own: dict[str, list[float]] = measure(Ours, seeds)
    print(f"{'':46s}{'ours: mean  median   10 to 90 %':36s}{'GRF':36s} ratio")
    for name, values in own.items():
        print(f"{name:46s}{words(values):36s}{words(theirs[name]):36s}{ratio(name, values, theirs[name])}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS)
