"""The peers' side of `benchmarks.worlds`, for a separate interpreter with gym-sokoban 0.0.6 and EnvPool 1.2.5.

    .venv-peers/bin/python -m benchmarks.peers MEASURE SECONDS

Measures for about SECONDS seconds and prints one number: units per second.
"""

import contextlib
import io
import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")


def timed(step, seconds):
    """Return units per second of `step`, which returns its number of units."""
    step()
    units, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        units += step()
    return units / (time.perf_counter() - begin)


def gym_sokoban_steps(seconds):
    """Measure steps of gym-sokoban's `Sokoban-v0` (10x10, 3 boxes) with 160-pixel frames and a single env."""
    import gym
    import gym_sokoban  # noqa: F401

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        env = gym.make("Sokoban-v0").unwrapped
        env.reset()
    actions = iter(np.random.default_rng(0).integers(1, 9, 10_000_000).tolist())

    def step():
        env.step(next(actions))
        env.num_env_steps = 0  # stay in one episode, because a new level takes seconds
        return 1

    return timed(step, seconds)


def gym_sokoban_levels(seconds):
    """Measure levels of gym-sokoban's generator, 10x10 with 4 boxes."""
    from gym_sokoban.envs.room_utils import generate_room

    def step():
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                generate_room(dim=(10, 10), num_steps=43, num_boxes=4)
            except RuntimeError:  # the generator fails for some rooms
                return 0
        return 1

    return timed(step, seconds)


def envpool_steps(task, count, options):
    """Return a measurement of steps of EnvPool in one thread.

    Args:
        task: EnvPool's id of the task.
        count: Number of envs.
        options: Further arguments of `envpool.make`.
    """
    import envpool

    def measure(seconds):
        env = envpool.make(task, env_type="gymnasium", num_envs=count, num_threads=1, **options)
        env.reset()
        rng = np.random.default_rng(0)
        actions = rng.integers(0, env.action_space.n, (256, count)).astype(np.int32)
        turn = iter(range(1_000_000_000))

        def step():
            env.step(actions[next(turn) % 256])
            return count

        return timed(step, seconds)

    return measure


MEASURES = {
    "gym_sokoban_steps": gym_sokoban_steps,
    "gym_sokoban_levels": gym_sokoban_levels,
    "envpool_sokoban_1": envpool_steps("Sokoban-v0", 1, {}),
    "envpool_sokoban_64": envpool_steps("Sokoban-v0", 64, {}),
    "envpool_academy_empty_goal_close": envpool_steps("gfootball/academy_empty_goal_close-v1", 1, {}),
    "envpool_academy_3_vs_1_with_keeper": envpool_steps("gfootball/academy_3_vs_1_with_keeper-v1", 1, {}),
    "envpool_11_vs_11_easy_stochastic": envpool_steps("gfootball/11_vs_11_easy_stochastic-v1", 1, {}),
    "envpool_11_vs_11_easy_stochastic_8": envpool_steps("gfootball/11_vs_11_easy_stochastic-v1", 8, {}),
}

if __name__ == "__main__":
    print(MEASURES[sys.argv[1]](float(sys.argv[2])))
