"""Steps per second of `kickoff/Football-v0` on one core, with and without pixels, for one match and for 64.

    python -m benchmarks.football_speed

Random actions with env steps of 0.1 s, including resets and infos. Times are CPU seconds of this process, to reduce the
effect of other load. The table shows the median, minimum and maximum of five runs. Text observations are created in
every step. "rules" covers only the compiled step and the rewards.

The last column compares with EnvPool's build of Google Research Football, one env and one thread, without pixels, if
`make peers` has installed it: `gymnasium.make` with 224x336 frames, and the same scenario in EnvPool, in turns, with
the ratio's range over the runs. EnvPool cannot draw. gfootball 2.10.2 makes 646, 434 and 197 steps per second on a
similar machine, and 2 to 14 with pixels.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from benchmarks import worlds
from envs.football.engine.match import MATCH
from envs.football.env import FootballEnv
from envs.football.game import Game
from envs.football.vector import FootballVectorEnv

SCENARIOS = ("academy_empty_goal_close", "academy_3_vs_1_with_keeper", "breakaway", "11_vs_11_easy_stochastic")
RUNS = 5
MANY = 64
Measure = Callable[[], float]


def single(scenario: str, observation: str, steps: int) -> Measure:
    """Return a measurement of steps per second through `env.step`.

    Args:
        scenario: Name of the scenario.
        observation: Kind of observation.
        steps: Number of steps per run.
    """
    env = FootballEnv(scenario, observation)
    actions = np.random.default_rng(0).integers(0, 19, steps).tolist()
    env.reset(seed=0)

    def run() -> float:
        begin = time.process_time()
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return steps / (time.process_time() - begin)

    return run


def many(scenario: str, observation: str, steps: int) -> Measure:
    """Return a measurement of steps per second, summed over all matches of the vector env.

    Args:
        scenario: Name of the scenario.
        observation: Kind of observation.
        steps: Number of steps per run, over all matches.
    """
    env = FootballVectorEnv(MANY, scenario, observation)
    rounds = max(steps // MANY, 1)
    actions = np.random.default_rng(0).integers(0, 19, (rounds, MANY))
    env.reset(seed=0)

    def run() -> float:
        begin = time.process_time()
        for action in actions:
            env.step(action)
        return rounds * MANY / (time.process_time() - begin)

    return run


def rules(scenario: str, _: str, steps: int) -> Measure:
    """Return a measurement of steps per second of the compiled rules, with 64 matches per call.

    A match that ends restarts from a copy of its initial state.

    Args:
        scenario: Name of the scenario.
        steps: Number of steps per run, over all matches.
    """
    game = Game(scenario, "simple115v2", (84, 84), "pitch", 1, False, 1, None, 0.06, "scoring")
    starts = [game.start(np.random.default_rng(seed)) for seed in range(MANY)]
    first, books = (np.concatenate(parts) for parts in zip(*starts, strict=True))
    matches, ledgers = first.copy(), books.copy()
    going, reel = np.ones(MANY, np.bool_), np.zeros(0, MATCH)
    rounds = max(steps // MANY, 1)
    keys = np.zeros((rounds, MANY, 2, 11), np.int64)
    keys[:, :, 0, 0] = np.random.default_rng(0).integers(0, 19, (rounds, MANY))

    def run() -> float:
        begin = time.process_time()
        for key in keys:
            game.play(matches, ledgers, key, going, reel)
            over = np.flatnonzero(matches["ended"])
            matches[over], ledgers[over] = first[over], books[over]
        return rounds * MANY / (time.process_time() - begin)

    return run


def beside(scenario: str) -> str:
    """Return steps per second of `gymnasium.make` with frames and of EnvPool, measured in turns, with their ratio."""
    pairs = []
    for _ in range(RUNS):
        own = worlds.single(3.0, "kickoff/Football-v0", scenario=scenario, image_size=(224, 336))
        theirs = worlds.measure([str(worlds.PEERS), "benchmarks/peers.py", f"envpool_{scenario}", "3"])
        pairs.append((own, theirs))
    ratios = [own / theirs for own, theirs in pairs]
    own, theirs = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    return f"{own:,.0f} / EnvPool {theirs:,.0f}: {statistics.median(ratios):.0f}x ({min(ratios):.0f}-{max(ratios):.0f})"


def cell(measure: Measure) -> str:
    """Return median, minimum and maximum of the runs as text."""
    measure()
    rates = [measure() for _ in range(RUNS)]
    return f"{statistics.median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f})"


def main() -> None:
    """Print the table of results."""
    begin = time.process_time()
    for observation in ("pixels", "simple115v2"):
        env: gymnasium.Env[Any, Any] = FootballEnv(SCENARIOS[0], observation)
        env.reset(seed=0)
        env.step(0)
    print(f"compiling, or loading what has been compiled: {time.process_time() - begin:.1f} s\n")
    columns: list[tuple[str, Callable[[str, str, int], Measure], str, int]] = [
        ("pixels 224x336", single, "pixels", 2000),
        ("simple115v2", single, "simple115v2", 4000),
        ("text", single, "text", 4000),
        (f"pixels x{MANY}", many, "pixels", 3200),
        (f"simple115v2 x{MANY}", many, "simple115v2", 32000),
        (f"rules x{MANY}", rules, "", 32000),
    ]
    print(
        "".join(
            [
                f"{'scenario':28s}",
                *(f"{title:>26s}" for title, *_ in columns),
                "   gymnasium.make with frames / EnvPool",
            ]
        )
    )
    for scenario in SCENARIOS:
        cells = [cell(measure(scenario, observation, steps)) for _, measure, observation, steps in columns]
        peer = beside(scenario) if worlds.PEERS.is_file() and scenario != "breakaway" else ""
        print(f"{scenario:28s}" + "".join(f"{words:>26s}" for words in cells) + "   " + peer, flush=True)


if __name__ == "__main__":
    main()
