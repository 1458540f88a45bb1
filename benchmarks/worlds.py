"""Speed of Kickoff's envs, compared with peers from PyPI: units per second, and ratios with their range.

    make peers                          # .venv-peers with gym-sokoban and EnvPool
    python -m benchmarks.worlds [ROUNDS] [SECONDS]

In each round, the two sides of a pair run one after the other in separate processes with one thread each. Ratios
compare the same round. gym-sokoban draws every step. EnvPool's football cannot draw, so Kickoff's is measured with and
without drawing.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import gymnasium
import numpy as np

import envs  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv-peers" / "bin" / "python"


def single(seconds: float, id: str, **kwargs: Any) -> float:
    """Return steps per second through `env.step`, including resets."""
    env = gymnasium.make(id, **kwargs)
    space: Any = env.action_space
    actions = np.random.default_rng(0).integers(0, space.n, 4096).tolist()
    env.reset(seed=0)
    for action in actions[:50]:
        env.step(action)
    steps, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        for action in actions[:256]:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        steps += 256
    return steps / (time.perf_counter() - begin)


def batch(seconds: float, id: str, count: int = 64, **kwargs: Any) -> float:
    """Return env steps per second of a vector env, including resets.

    Args:
        seconds: Minimum duration of the measurement.
        id: Gymnasium id of the env.
        count: Number of envs.
        kwargs: Further arguments of the env.
    """
    env: Any = gymnasium.make_vec(id, num_envs=count, vectorization_mode="vector_entry_point", **kwargs)
    actions = np.random.default_rng(0).integers(0, env.single_action_space.n, (256, count))
    env.reset(seed=0)
    for row in actions[:10]:
        env.step(row)
    steps, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        for row in actions[:32]:
            env.step(row)
        steps += 32 * count
    return steps / (time.perf_counter() - begin)


def levels(seconds: float) -> float:
    """Return levels per second at 10x10 with 4 boxes, including the certificate of each level."""
    env = gymnasium.make("kickoff/Sokoban-v0", room=(10, 10), boxes=4, image_size=(160, 160))
    env.reset(seed=0)
    made, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        env.reset()
        made += 1
    return made / (time.perf_counter() - begin)


SOKOBAN: dict[str, Any] = {"id": "kickoff/Sokoban-v0", "room": (10, 10), "boxes": 3, "image_size": (160, 160)}
SOKOBAN["max_steps"] = 10**9  # one long episode, as for the peer: level generation is measured separately
FOOTBALL: dict[str, Any] = {"id": "kickoff/Football-v0", "image_size": (224, 336)}
BARE: dict[str, Any] = {"id": "kickoff/Football-v0", "observation": "simple115v2"}

OURS: dict[str, Callable[[float], float]] = {
    "sokoban, frames, one": lambda s: single(s, **SOKOBAN),
    "sokoban, frames, 64": lambda s: batch(s, **SOKOBAN),
    "sokoban levels": levels,
    "empty_goal_close, frames, one": lambda s: single(s, scenario="academy_empty_goal_close", **FOOTBALL),
    "empty_goal_close, bare, one": lambda s: single(s, scenario="academy_empty_goal_close", **BARE),
    "3_vs_1, frames, one": lambda s: single(s, scenario="academy_3_vs_1_with_keeper", **FOOTBALL),
    "11_vs_11, frames, one": lambda s: single(s, scenario="11_vs_11_easy_stochastic", **FOOTBALL),
    "11_vs_11, bare, one": lambda s: single(s, scenario="11_vs_11_easy_stochastic", **BARE),
    "11_vs_11, frames, 64": lambda s: batch(s, scenario="11_vs_11_easy_stochastic", **FOOTBALL),
    "11_vs_11, bare, 64": lambda s: batch(s, scenario="11_vs_11_easy_stochastic", **BARE),
}

PAIRS = [
    ("sokoban, frames, one", "gym_sokoban_steps"),
    ("sokoban, frames, one", "envpool_sokoban_1"),
    ("sokoban, frames, 64", "envpool_sokoban_64"),
    ("sokoban levels", "gym_sokoban_levels"),
    ("empty_goal_close, frames, one", "envpool_academy_empty_goal_close"),
    ("empty_goal_close, bare, one", "envpool_academy_empty_goal_close"),
    ("3_vs_1, frames, one", "envpool_academy_3_vs_1_with_keeper"),
    ("11_vs_11, frames, one", "envpool_11_vs_11_easy_stochastic"),
    ("11_vs_11, bare, one", "envpool_11_vs_11_easy_stochastic"),
    ("11_vs_11, frames, 64", "envpool_11_vs_11_easy_stochastic_8"),
    ("11_vs_11, bare, 64", "envpool_11_vs_11_easy_stochastic_8"),
]


def measure(command: list[str]) -> float:
    """Run a process and return the last number that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return float(done.stdout.split()[-1])


def main(rounds: int, seconds: float) -> None:
    """Measure all pairs and print the table."""
    if not PEERS.is_file():
        sys.exit("error: the peers are not installed: make peers")
    found: dict[int, list[tuple[float, float]]] = {number: [] for number in range(len(PAIRS))}
    for _ in range(rounds):
        for number, (ours, peer) in enumerate(PAIRS):
            own = measure([sys.executable, "-m", "benchmarks.worlds", ours, str(seconds)])
            theirs = measure([str(PEERS), "benchmarks/peers.py", peer, str(seconds)])
            found[number].append((own, theirs))
    print(f"{'ours':<32}{'a second':>10}   {'peer':<38}{'a second':>10}{'ratio':>8}   (lowest to highest of {rounds})")
    for number, (ours, peer) in enumerate(PAIRS):
        ratios = [own / max(theirs, 1e-9) for own, theirs in found[number]]
        own, theirs = (median(pair[side] for pair in found[number]) for side in (0, 1))
        print(
            f"{ours:<32}{own:>10,.0f}   {peer:<38}{theirs:>10,.2f}{median(ratios):>7,.0f}x   "
            f"({min(ratios):,.1f} to {max(ratios):,.1f})"
        )


if __name__ == "__main__":
    words = sys.argv[1:]
    if words and words[0] in OURS:
        print(OURS[words[0]](float(words[1])))
    else:
        main(int(words[0]) if words else 5, float(words[1]) if len(words) > 1 else 3.0)
