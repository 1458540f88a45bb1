"""Measurements of a football engine through its minimap and infos, the same for ours and for GRF. Needs only numpy.

    python -m benchmarks.football_moves ours [SEEDS]        (with Kickoff's interpreter)
    .venv-peers/bin/python -m benchmarks.football_moves grf [SEEDS]

Prints {measure: values} as JSON. `benchmarks.football_fidelity` runs both and compares them.

Places come from the 72x96 minimap and are exact to about ±0.6 m, so speeds are taken over long distances. EnvPool's
build of GRF has no other observation.
"""

import json
import sys

import numpy as np

SEEDS = 12
RIGHT, BOTTOM, LONG_PASS, HIGH_PASS, SHORT_PASS, SHOT, SPRINT, DRIBBLE = 5, 7, 9, 10, 11, 12, 13, 17
METRES = 54.4, 83.6
IDLE = {
    "run_to_score": 24, "run_to_score_with_keeper": 24, "pass_and_shoot_with_keeper": 12,
    "run_pass_and_shoot_with_keeper": 12, "3_vs_1_with_keeper": 24, "counterattack_easy": 16, "counterattack_hard": 16,
}  # fmt: skip
RANDOM = (
    "empty_goal_close", "empty_goal", "run_to_score", "run_to_score_with_keeper", "pass_and_shoot_with_keeper",
    "3_vs_1_with_keeper",
)  # fmt: skip
RANDOM_EPISODES = 48
_ENGINES = {}


class Ours:
    """A match of `kickoff/Football-v0` without start noise."""

    def __init__(self, scenario, seed):
        """Start a match."""
        from envs.football.env import FootballEnv

        self.env = FootballEnv(scenario, "smm", start_noise=0.0)
        self.frame, info = self.env.reset(seed=seed)
        self._read(info)

    def _read(self, info):
        self.score = list(info["score"])
        self.owner = info["ball_owned_team"]
        self.player = int(self.env.matches[0]["ball_owned_player"]) if self.owner >= 0 else -1

    def step(self, action):
        """Play one step and return True at the end of the episode."""
        self.frame, _, terminated, truncated, info = self.env.step(int(action))
        self._read(info)
        return terminated or truncated


class Grf:
    """A match of EnvPool's build of Google Research Football. Matches of a scenario share an engine."""

    def __init__(self, scenario, seed):
        """Start the next match."""
        import envpool

        if scenario not in _ENGINES:
            task = f"gfootball/{scenario}-v1"
            _ENGINES[scenario] = envpool.make(task, env_type="gymnasium", num_envs=1, num_threads=1, seed=seed)
        self.env = _ENGINES[scenario]
        frames, infos = self.env.reset()
        self._read(frames, infos)

    def _read(self, frames, infos):
        self.frame = frames[0]
        self.score = infos["score"][0].tolist()
        self.owner = int(infos["ball_owned_team"][0])
        self.player = int(infos["ball_owned_player"][0])

    def step(self, action):
        """Play one step and return True at the end of the episode."""
        frames, _, terminated, truncated, infos = self.env.step(np.array([action], np.int32))
        self._read(frames, infos)
        return bool(terminated[0] or truncated[0])


def place(match, layer):
    """Return the place of the first marked pixel of a layer, in metres."""
    rows, columns = np.nonzero(match.frame[..., layer])
    x = (columns[0] + 0.5) / 48.0 - 1.0
    y = ((rows[0] + 0.5) / 36.0 - 1.0) / 2.25
    return np.array((x * METRES[0], y * METRES[1]))


def speed(make, seed, then):
    """Return the speed in m/s of a run with the ball over most of the right half.

    Args:
        make: `Ours` or `Grf`.
        seed: Seed of the match.
        then: Action pressed after the direction.
    """
    match = make("academy_empty_goal", seed)
    match.step(RIGHT)
    match.step(then)
    seen = []
    for _ in range(200):
        if match.step(0):
            break
        seen.append(place(match, 3)[0])
    xs = np.array(seen)
    first, last = np.argmax(xs > 8.0), np.argmax(xs > 46.0)
    return float((xs[last] - xs[first]) / (0.1 * (last - first))) if last > first else 0.0


def shot(make, seed, scenario, before):
    """Return the steps from pressing shot until the ball is off, and until the goal (0: no goal).

    Args:
        make: `Ours` or `Grf`.
        seed: Seed of the match.
        scenario: Name of the scenario.
        before: Steps with the ball before the shot.
    """
    match = make(scenario, seed)
    match.step(RIGHT)
    held = 0
    for _ in range(40):
        held += match.owner == 0
        if held > before:
            break
        match.step(0)
    off, over = 0, match.step(SHOT)
    for step in range(1, 300):
        if not off and (match.owner != 0 or over):
            off = step
        if over:
            return off, step if match.score[0] else 0
        over = match.step(0)
    return off, 0


def passed(make, seed, action, before):
    """Return the result of a pass over 23 m in academy_pass_and_shoot_with_keeper.

    Args:
        make: `Ours` or `Grf`.
        seed: Seed of the match.
        action: Pass action.
        before: Step at which it is pressed, 0 for before the first touch.

    Returns:
        1 if another player of the team gets the ball, speed of the ball until it is near its receiver in m/s, speed
        until the receiver has it.
    """
    match = make("academy_pass_and_shoot_with_keeper", seed)
    start, off, near = place(match, 2), 0, 0
    for step in range(120):
        over = match.step(action if step == before else BOTTOM if step == 0 else 0)
        if match.owner == 0 and match.player == 2 and off == 0:
            start = place(match, 2)
        elif match.owner < 0 and off == 0 and np.hypot(*(place(match, 2) - start)) > 1.5:
            off = step
        if off and not near and np.hypot(*(place(match, 2) - place(match, 3))) < 2.5:
            near, reached = step, float(np.hypot(*(place(match, 2) - start)))
        if off and match.owner == 0 and match.player != 2:
            far = float(np.hypot(*(place(match, 2) - start)))
            near = near or step
            return 1, (reached if near < step else far) / (0.1 * (near - off + 0.5)), far / (0.1 * (step - off + 0.5))
        if over or match.owner == 1:
            break
    return 0, 0.0, 0.0


def length(make, seed, scenario, choose):
    """Return the number of steps until the episode ends, and the goal difference.

    Args:
        make: `Ours` or `Grf`.
        seed: Seed of the match.
        scenario: Name of the scenario.
        choose: Function that returns the next action.
    """
    match = make(scenario, seed)
    steps = 1
    while not match.step(choose(steps)):
        steps += 1
    return steps, match.score[0] - match.score[1]


def run_and_shoot(step):
    """Return the action of the fixed script: run right, sprint, shoot every 40 steps."""
    return RIGHT if step == 1 else SPRINT if step == 2 else SHOT if step % 40 == 0 else 0


def measure(make, seeds=SEEDS):
    """Return {measure: values}, one value an episode.

    Args:
        make: `Ours` or `Grf`.
        seeds: Number of seeds of the moves. Drills have numbers of their own.
    """
    found = {}
    for name, then in (("run", 0), ("sprint", SPRINT), ("dribble", DRIBBLE)):
        found[f"{name}, m/s"] = [speed(make, seed, then) for seed in range(seeds)]
    shots = [shot(make, seed, "academy_empty_goal", 3 + seed % 8) for seed in range(2 * seeds)]
    found["steps until a shot is off, middle"] = [off for off, _ in shots]
    found["steps until the goal, middle"] = [goal for _, goal in shots if goal]
    shots = [shot(make, seed, "academy_empty_goal_close", 1 + seed % 12) for seed in range(2 * seeds)]
    found["steps until a shot is off, close"] = [off for off, _ in shots]
    found["steps until the goal, close"] = [goal for _, goal in shots if goal]
    for name, action in (("short", SHORT_PASS), ("long", LONG_PASS), ("high", HIGH_PASS)):
        passes = [passed(make, seed, action, 7 + seed % 4) for seed in range(2 * seeds)]
        found[f"{name} pass arrives"] = [arrived for arrived, _, _ in passes]
        found[f"{name} pass in flight, m/s"] = [pace for arrived, pace, _ in passes if arrived]
        found[f"{name} pass until received, m/s"] = [pace for arrived, _, pace in passes if arrived]
    early = [passed(make, seed, SHORT_PASS, 1 + seed % 3)[0] for seed in range(2 * seeds)]
    found["pass pressed before the first touch arrives"] = early
    for drill, number in IDLE.items():
        lengths = [length(make, seed, f"academy_{drill}", lambda step: 0) for seed in range(number)]
        found[f"idle, steps, {drill}"] = [steps for steps, _ in lengths]
    for drill in RANDOM:
        rngs = [np.random.default_rng(seed) for seed in range(RANDOM_EPISODES)]
        lengths = [
            length(make, seed, f"academy_{drill}", lambda step, rng=rng: rng.integers(19))
            for seed, rng in enumerate(rngs)
        ]
        found[f"random, steps, {drill}"] = [steps for steps, _ in lengths]
        found[f"random, goals, {drill}"] = [goals for _, goals in lengths]
    for drill in ("empty_goal_close", "empty_goal", "run_to_score", "run_to_score_with_keeper", "3_vs_1_with_keeper"):
        lengths = [length(make, seed, f"academy_{drill}", run_and_shoot) for seed in range(seeds)]
        found[f"script, steps, {drill}"] = [steps for steps, _ in lengths]
        found[f"script, goals, {drill}"] = [goals for _, goals in lengths]
    return found


if __name__ == "__main__":
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS
    print(json.dumps(measure({"ours": Ours, "grf": Grf}[sys.argv[1]], seeds)))
