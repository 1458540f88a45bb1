"""Steps per second of `kickoff/Football-v0` on one core, with and without pixels, for one match and for 64.

    python -m benchmarks.football_speed

Random actions with env steps of 0.1 s, including resets and infos. Times are CPU seconds of this process, to reduce the
effect of other load. The table shows the median, minimum and maximum of five runs. Text observations are created in
every step. "rules" covers only the compiled step and the rewards.

Google Research Football is measured if gfootball or EnvPool can be imported. Otherwise the table quotes results from a
similar machine *without* pixels. gfootball 2.10.2 makes 646, 434 and 197 steps per second (2 to 14 with pixels).
EnvPool 1.2.5 makes 756, 491 and 222 with one env, and cannot draw.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from envs.football.engine.match import MATCH
from envs.football.env import FootballEnv
from envs.football.game import Game
from envs.football.vector import FootballVectorEnv

QUOTED = {"academy_empty_goal_close": 646, "academy_3_vs_1_with_keeper": 434, "11_vs_11_easy_stochastic": 197}
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


def others(scenario: str) -> dict[str, Measure]:
    """Return measurements of the installed peers, without pixels."""
    found: dict[str, Measure] = {}
    envs: dict[str, Any] = {}
    if importlib.util.find_spec("gfootball"):
        import gfootball.env as gfootball

        envs["gfootball"] = gfootball.create_environment(env_name=scenario, representation="raw")
    if importlib.util.find_spec("envpool"):
        import envpool

        if f"gfootball/{scenario}-v1" in envpool.list_all_envs():
            envs["envpool"] = envpool.make_gymnasium(f"gfootball/{scenario}-v1", num_envs=1, num_threads=1)
    for name, env in envs.items():

        def run(env: Any = env, batched: bool = name == "envpool", steps: int = 400) -> float:
            env.reset()
            begin = time.process_time()
            for _ in range(steps):
                done = env.step(np.zeros(1, np.int32) if batched else env.action_space.sample())[2]
                if not batched and done:
                    env.reset()
            return steps / (time.process_time() - begin)

        found[name] = run
    return found


def cell(measure: Measure) -> tuple[float, str]:
    """Return the median of the runs, and a text with median, minimum and maximum."""
    measure()
    rates = [measure() for _ in range(RUNS)]
    middle = statistics.median(rates)
    return middle, f"{middle:,.0f} ({min(rates):,.0f}-{max(rates):,.0f})"


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
    print("".join([f"{'scenario':28s}", *(f"{title:>26s}" for title, *_ in columns), "   GRF without pixels"]))
    for scenario in SCENARIOS:
        cells = [cell(measure(scenario, observation, steps)) for _, measure, observation, steps in columns]
        peers = [f"{name} {cell(measure)[1]}" for name, measure in others(scenario).items()]
        if scenario in QUOTED:
            ratio = f"{cells[0][0] / QUOTED[scenario]:.0f}x with pixels, {cells[4][0] / QUOTED[scenario]:,.0f}x without"
            peers.append(f"{QUOTED[scenario]} quoted: ours {ratio}")
        print(f"{scenario:28s}" + "".join(f"{words:>26s}" for _, words in cells) + "   " + "; ".join(peers), flush=True)


if __name__ == "__main__":
    main()
