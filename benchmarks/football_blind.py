"""Success of the best fixed sequence of actions on `env=football`, without observations.

python -m benchmarks.football_blind [key=value …]

Tries sequences of run-up, side step and shot, and improves the best one by hill climbing on training starts. The result
is measured on held-out starts and compared with the reference policies.
"""

import sys
from collections.abc import Callable

import numpy as np

from agents.episodes.starts import TEST_FIRST
from envs.football.engine.match import Action
from envs.football.env import FootballEnv
from training.config.compose import load
from training.evaluation.statistics import wilson

JobRunner = Callable[[int], int]


def wins(env: FootballEnv, act: JobRunner, first: int, episodes: int, turns: int) -> int:
    """Return the number of episodes won.

    Args:
        env: Env to play.
        act: Function from the turn number to the action.
        first: First seed. The others follow consecutively.
        episodes: Number of episodes.
        turns: Maximum number of turns per episode.
    """
    won = 0
    for seed in range(first, first + episodes):
        env.reset(seed=seed)
        for turn in range(turns):
            _, _, terminated, truncated, info = env.step(act(turn))
            if terminated or truncated:
                break
        won += info["success"]
    return won


def main(argv: list[str]) -> None:
    """Search for the best sequence and print the results."""
    config = load(["env=football", *argv]).tasks["football"]
    env = FootballEnv(**config.kwargs | {"observation": "text"})
    turns = config.max_turns
    rng = np.random.default_rng(0)

    def follow(plan: list[int]) -> JobRunner:
        return lambda turn: plan[min(turn, len(plan) - 1)]

    plans = []
    for run in range(2, 12):
        for side in (Action.RIGHT, Action.TOP_RIGHT, Action.BOTTOM_RIGHT):
            for at in range(0, run, 2):
                plan = [Action.RIGHT, Action.SPRINT] + [Action.RIGHT] * run + [Action.SHOT] * 3
                plan[2 + at] = side
                plans.append([int(action) for action in plan])
    best = max(plans, key=lambda plan: wins(env, follow(plan), 0, 50, turns))
    most = wins(env, follow(best), 1000, 200, turns)
    choices = [int(a) for a in (Action.RIGHT, Action.TOP_RIGHT, Action.BOTTOM_RIGHT, Action.SHOT, Action.SPRINT)]
    for _ in range(300):
        plan = list(best)
        for place in rng.integers(0, len(plan), rng.integers(1, 3)):
            plan[place] = int(rng.choice(choices))
        found = wins(env, follow(plan), 1000, 200, turns)
        if found >= most:
            best, most = plan, found
    players: dict[str, JobRunner] = {
        "blind": follow(best),
        "random": lambda turn: int(rng.integers(len(Action))),
        "idle": lambda turn: 0,
        "expert": lambda turn: env.expert_action(),
    }
    for name, act in players.items():
        won = wins(env, act, TEST_FIRST, 256, turns)
        low, high = wilson(won, 256)
        print(f"{name:>6}: {won / 256:.2f} ({low:.2f} to {high:.2f})")
    print("the blind plan:", ", ".join(Action(action).name.lower() for action in best))


if __name__ == "__main__":
    main(sys.argv[1:])
