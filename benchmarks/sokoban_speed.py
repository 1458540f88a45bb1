"""Speed of `kickoff/Sokoban-v0` on one core: steps with 160-pixel frames, new levels, optimal plans.

    python -m benchmarks.sokoban_speed

Random actions at 10x10 with four boxes. The table shows median, minimum and maximum of five runs, and the ratio to
gym-sokoban 0.0.6. Times are CPU seconds, to reduce the effect of other load.

gym-sokoban needs an old gym. It runs in the separate interpreter named by GYM_SOKOBAN_PYTHON, if set. EnvPool is
measured if it is installed. Otherwise the table quotes rates from an earlier measurement on a similar machine.
gym-sokoban's step rate is for three boxes without its slow resets. Ours is shown without resets and with resets to new
levels every 120 steps. A reset generates a level and finds its minimum numbers of pushes and moves.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import importlib.util
import statistics
import subprocess
import time
from collections.abc import Callable

import gymnasium
import numpy as np

import envs  # noqa: F401
from envs.sokoban.env import SokobanEnv
from envs.sokoban.generate import generate
from envs.sokoban.solver.solve import solve
from envs.sokoban.vector import SokobanVectorEnv

RUNS = 5
FOREVER = 10**9
QUOTED = {"step": 745.0, "level": 0.15, "EnvPool step": 13.0}
"""Steps per second with pixels, and levels per second (10x10, four boxes). EnvPool's rate is for 64 envs."""

GYM_SOKOBAN_STEPS = """
import random, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
from gym_sokoban.envs.sokoban_env import SokobanEnv
random.seed(0); np.random.seed(0)
env = SokobanEnv(dim_room=(10, 10), num_boxes=3, max_steps=10**9)
done, count, begin = False, 600, time.process_time()
for _ in range(count):
    env.step(random.randrange(9))
print("rate", count / (time.process_time() - begin))
"""
GYM_SOKOBAN_LEVELS = """
import random, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
from gym_sokoban.envs.room_utils import generate_room
random.seed({seed}); np.random.seed({seed})
begin, count = time.process_time(), 0
while count < 1:
    try:
        generate_room(dim=(10, 10), num_steps=34, num_boxes=4)
        count += 1
    except (RuntimeError, RuntimeWarning):
        pass
print("rate", count / (time.process_time() - begin))
"""
Rates = list[float]


def single(steps: int, max_steps: int = FOREVER) -> float:
    """Return steps per second through `env.step` of `gymnasium.make`."""
    env = gymnasium.make("kickoff/Sokoban-v0", max_steps=max_steps)
    actions = np.random.default_rng(0).integers(0, 4, steps).tolist()
    env.reset(seed=0)
    begin = time.process_time()
    for action in actions:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()
    return steps / (time.process_time() - begin)


def batch(steps: int, max_steps: int = FOREVER, num_envs: int = 64) -> float:
    """Return steps per second of a vector env, summed over all envs.

    Args:
        steps: Number of steps over all envs.
        max_steps: Maximum number of steps per episode.
        num_envs: Number of envs.
    """
    many = SokobanVectorEnv(num_envs, max_steps=max_steps)
    actions = np.random.default_rng(0).integers(0, 4, (steps // num_envs, num_envs))
    many.reset(seed=0)
    begin = time.process_time()
    for chosen in actions:
        many.step(chosen)
    return actions.size / (time.process_time() - begin)


def levels(count: int, first: int, certificate: str) -> float:
    """Return new levels per second.

    Args:
        count: Number of levels.
        first: Seed.
        certificate: "pushes" for the minimum number of pushes, or "moves" for the minimum number of moves too.
    """
    env = SokobanEnv(observation="text")
    rng = np.random.default_rng(first)
    begin = time.process_time()
    for _ in range(count):
        if certificate == "moves":
            env.games.source.draw(rng)
        else:
            generate((10, 10), 4, 0.5, int(rng.integers(1 << 63)))
    return count / (time.process_time() - begin)


def ask(code: str) -> float:
    """Return the rate measured in gym-sokoban's interpreter."""
    command = [os.environ["GYM_SOKOBAN_PYTHON"], "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return float(done.stdout.split("rate")[1])


def repeat(measure: Callable[[int], float], runs: int = RUNS) -> Rates:
    """Return the rates of several runs after one warm-up run."""
    measure(0)
    return [measure(run) for run in range(runs)]


def envpool_rate(_: int) -> float:
    """Return steps per second of EnvPool's Sokoban with pixels and 64 envs."""
    import envpool

    env = envpool.make_gymnasium("Sokoban-v0", num_envs=64, dim_room=10)
    env.reset()
    begin = time.process_time()
    for _ in range(20):
        env.step(np.random.randint(0, 9, 64))
    return 20 * 64 / (time.process_time() - begin)


def cell(rates: Rates) -> str:
    """Return median, minimum and maximum as text."""
    form = ",.0f" if statistics.median(rates) >= 20 else ".2f"
    return f"{statistics.median(rates):{form}} ({min(rates):{form}}-{max(rates):{form}})"


def row(name: str, rates: Rates, peer: Rates | None) -> None:
    """Print one row of the table.

    Args:
        name: Name of the row.
        rates: Measured rates.
        peer: Rates of the peer for the ratio, or None.
    """
    ratio = ""
    if peer:
        middle, low, high = (function(rates) for function in (statistics.median, min, max))
        by = statistics.median(peer)
        form = ",.0f" if middle > by else ".2f"
        ratio = f"{middle / by:{form}}x ({low / max(peer):{form}}-{high / min(peer):{form}})"
    print(f"{name:58s}{cell(rates):>30s}{ratio:>26s}", flush=True)


def solver() -> None:
    """Print the milliseconds of optimal plans for 200 generated levels at each difficulty."""
    heads = f"{'median ms':>12s}{'p95':>10s}{'max':>10s}{'unsolved':>10s}"
    print(f"\n{'optimal plan, 10x10, 4 boxes (200 levels each)':58s}{heads}")
    for difficulty in (0.0, 0.5, 1.0):
        boards = [generate((10, 10), 4, difficulty, seed).board for seed in range(200)]
        for fewest in ("pushes", "moves"):
            times, unsolved = [], 0
            for board in boards:
                begin = time.process_time()
                unsolved += solve(board, fewest).actions is None
                times.append(1000 * (time.process_time() - begin))
            middle, late, last = np.percentile(times, [50, 95, 100])
            name = f"fewest {fewest}, difficulty {difficulty}"
            print(f"{name:58s}{middle:12.2f}{late:10.2f}{last:10.2f}{unsolved:10d}", flush=True)


def main() -> None:
    """Measure all rates and print the tables."""
    theirs, made, named = [QUOTED["step"]], [QUOTED["level"]], "quoted"
    if os.environ.get("GYM_SOKOBAN_PYTHON"):
        theirs = repeat(lambda run: ask(GYM_SOKOBAN_STEPS))
        made = [ask(GYM_SOKOBAN_LEVELS.format(seed=seed)) for seed in range(RUNS)]
        named = "measured"
    pool, pooled = [QUOTED["EnvPool step"]], "quoted"
    if importlib.util.find_spec("envpool"):
        pool, pooled = repeat(envpool_rate), "measured"
    print(f"{'a second, one core':58s}{'median (lowest-highest)':>30s}{'ratio to gym-sokoban':>26s}")
    row(f"gym-sokoban, steps with 160-pixel frames ({named})", theirs, None)
    row(f"EnvPool, 64 envs, steps with pixels ({pooled})", pool, theirs)
    row("single env, steps", repeat(lambda run: single(20_000)), theirs)
    row("64 envs, steps", repeat(lambda run: batch(64_000)), theirs)
    row("single env, steps with resets to new levels", repeat(lambda run: single(12_000, 120)), theirs)
    row("64 envs, steps with resets to new levels", repeat(lambda run: batch(64_000, 120)), theirs)
    row(f"gym-sokoban, new levels ({named})", made, None)
    row("new levels, fewest pushes known", repeat(lambda run: levels(200, run, "pushes")), made)
    row("new levels, fewest pushes and moves known", repeat(lambda run: levels(100, run, "moves")), made)
    solver()


if __name__ == "__main__":
    main()
