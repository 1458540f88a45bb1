"""Resident memory of every env over many steps, which must stay constant.

    python -m benchmarks.memory [STEPS]

Plays random actions (or arbitrary answers) with frames: STEPS steps of each game (default: one million), and a
hundredth of that for question envs, which have one step per episode. Each env runs in a separate process.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import envs  # noqa: F401
from envs.__main__ import ids

MARKS = (0.1, 0.25, 0.5, 1.0)
"""Fractions of the steps after which memory is measured. At the first one, all caches are filled."""


def resident() -> float:
    """Return the resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(id: str, steps: int) -> list[float]:
    """Run an env for `steps` steps and return the memory in MiB at each mark."""
    kwargs: dict[str, Any] = {"scenario": "11_vs_11_stochastic"} if "Football" in id else {}
    env = gymnasium.make(id, **kwargs)
    text = isinstance(env.action_space, gymnasium.spaces.Text)
    steps = steps // 100 if text else steps
    rng = np.random.default_rng(0)
    marks = [int(steps * mark) for mark in MARKS]
    env.reset(seed=0)
    found = []
    for step in range(1, steps + 1):
        action: Any = str(step) if text else int(rng.integers(env.action_space.n))  # type: ignore[attr-defined]
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()
        if step in marks:
            found.append(resident())
    return found


def main() -> None:
    """Print the table with one row per env."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(f"{'world':<26}" + "".join(f"{mark:>9.0%}" for mark in MARKS) + f"{'growth':>10}   (MB; {steps:,} steps)")
    for id in ids():
        command = [sys.executable, "-m", "benchmarks.memory", str(steps), id]
        found = [
            float(number)
            for number in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        ]
        growth = found[-1] - found[0]
        print(f"{id:<26}" + "".join(f"{number:>9.0f}" for number in found) + f"{growth:>+10.1f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(*run(sys.argv[2], int(sys.argv[1])))
    else:
        main()
