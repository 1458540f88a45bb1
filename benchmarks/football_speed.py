"""Steps a second of `kickoff/Football-v0` in one process, with and without pixels.

    python -m benchmarks.football_speed

Random play, one env step of 0.1 s each; the median of five runs with the lowest and the highest. Beside it the ratio to
Google Research Football's engine *without* pixels on a like machine: gfootball 2.10.2 made 646 (empty_goal_close), 434
(3_vs_1) and 197 (11_vs_11_easy) steps a second.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import time

import gymnasium
import numpy as np

import envs  # noqa: F401
from envs.football.rules import advance
from envs.football.scenarios import SCENARIOS, find, start

GFOOTBALL = {"academy_empty_goal_close": 646, "academy_3_vs_1_with_keeper": 434}
RUNS = 5


def env_speed(scenario: str, observation: str, steps: int) -> float:
    """Env steps a second through `env.step`, resets included."""
    env = gymnasium.make("kickoff/Football-v0", scenario=scenario, observation=observation)
    actions = np.random.default_rng(0).integers(0, 19, steps).tolist()
    env.reset(seed=0)
    begin = time.perf_counter()
    for action in actions:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()
    return steps / (time.perf_counter() - begin)


def engine_speed(scenario: str, _: str, steps: int) -> float:
    """Steps a second of the rules alone, called from Python; starts are copied."""
    first = start(find(scenario), np.random.default_rng(0), 0.06, 0.6)
    matches = first.copy()
    actions = np.random.default_rng(0).integers(0, 19, steps).tolist()
    begin = time.perf_counter()
    for action in actions:
        advance(matches, action)
        if matches[0]["ended"]:
            matches[:] = first
    return steps / (time.perf_counter() - begin)


def main() -> None:
    """Print the table."""
    print(f"{'scenario':38s}{'pixels 224x336':>26s}{'text':>26s}{'engine':>26s}{'ratio':>12s}")
    for scenario in SCENARIOS:
        cells = []
        for measure, what, steps in ((env_speed, "pixels", 2000), (env_speed, "text", 4000), (engine_speed, "", 40000)):
            measure(scenario, what, steps)
            rates = [measure(scenario, what, steps) for _ in range(RUNS)]
            cells.append((statistics.median(rates), min(rates), max(rates)))
        ratio = f"{cells[0][0] / GFOOTBALL[scenario]:.1f}x" if scenario in GFOOTBALL else ""
        row = "".join(f"{m:,.0f} ({a:,.0f}-{b:,.0f})".rjust(26) for m, a, b in cells)
        print(f"{scenario:38s}{row}{ratio:>12s}", flush=True)


if __name__ == "__main__":
    main()
