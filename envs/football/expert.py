"""The expert policy: a script, improved by a search that simulates one or two decisions and then the script.

It uses only information that a frame shows. The search simulates copies of the match with new random seeds, shared by
all candidate actions, so it cannot foresee the match's own random numbers.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.football.controls import FETCH, HIGH_PASS, LONG_PASS, SHORT_PASS, SHOT, SPRINT
from envs.football.engine.match import HALF_LENGTH, MAX_PLAYERS, NORMAL, RUNNING, Matches
from envs.football.engine.steering import far
from envs.football.rules import advance
from envs.football.script import RIGHT, advise, crowded

SAMPLES: Final = 32
"""Simulations of each promising plan."""
FEW: Final = 4
"""Simulations after which weak plans are dropped."""
HORIZON: Final = 70
"""Maximum number of simulated steps in drills."""
FAR: Final = 30.0
"""Metres from goal beyond which the script decides alone if no opponent is near."""
MARGIN: Final = 0.05
"""Value per simulation by which another plan must exceed the script's, in drills."""
PER_STEP: Final = 0.008
"""Value lost per step before a goal."""
HOPEFUL: Final = 8
"""Number of plans that are simulated `SAMPLES` times, in addition to the script's."""
SHORT_HORIZON: Final = 25
"""Maximum number of simulated steps in full games."""
FULL_MARGIN: Final = 0.01
"""Value by which another action must exceed the script's, in full games."""
KICKS: Final = (SHOT, SHORT_PASS)
Plan = tuple[int, int]
"""An action and the one after it. `SCRIPT` stands for the script's choice."""
SCRIPT: Final = -1
_SPREAD: Final = np.uint64(0x2545F4914F6CDD1D)


def imagine(match: Matches, plans: list[Plan], samples: range, skip: int, horizon: int) -> NDArray[np.float64]:
    """Simulate plans, each continued by the script, and return their values.

    A goal is worth 1, less `PER_STEP` for each step. In full games, a simulation without a goal is rated by the ball's
    final position, which counts against the left team if it lost the ball. All simulations run in one batch.

    Args:
        match: [1] match record, not changed.
        plans: Candidate plans.
        samples: Seeds of the simulations, shared by all plans.
        skip: Steps per decision.
        horizon: Maximum number of simulated steps.

    Returns:
        Values [plans, samples].
    """
    matches = np.repeat(match, len(plans) * len(samples))
    matches["rng"] = np.tile(np.array(samples, np.uint64) * _SPREAD + np.uint64(1), len(plans))
    actions = np.zeros((len(matches), 2, MAX_PLAYERS), np.int64)
    actions[:, 0, 0] = np.repeat([first for first, _ in plans], len(samples))
    second = np.repeat([then for _, then in plans], len(samples))
    before, (left, right) = int(match["steps"][0]), match["score"][0].tolist()
    going = np.ones(len(matches), np.bool_)
    for _ in range(-(-horizon // skip)):
        advance(matches, actions, skip, going)
        going = (matches["ended"] == RUNNING) & (matches["score"].sum(axis=1) == left + right)
        if not going.any():
            break
        advise(matches, actions, going)
        actions[:, 0, 0] = np.where(second >= 0, second, actions[:, 0, 0])
        second[:] = SCRIPT
    value = np.zeros(len(matches))
    if match["full_game"][0]:
        x, y = matches["ball"][:, 0], matches["ball"][:, 1]
        ours = matches["last_touched"] == 0
        near = np.exp(-np.hypot(HALF_LENGTH - np.where(ours, x, -x), y) / 13.0)
        value = np.where(ours, 0.3 * near + 0.05 + 0.001 * x, -0.3 * near - 0.05 + 0.001 * x)
        value = np.where((matches["ended"] != RUNNING), -0.1, value)
        value = np.where(matches["score"][:, 1] > right, -1.0, value)
    goal = matches["score"][:, 0] > left
    value = np.where(goal, 1.0 - PER_STEP * (matches["steps"] - before), value)
    return np.asarray(value.reshape(len(plans), len(samples)))


def search(match: Matches, usual: int, skip: int) -> int:
    """Return the script's action, or another one with a clearly higher simulated value.

    Args:
        match: [1] match record, not changed.
        usual: Action of the script.
        skip: Steps per decision.
    """
    m = match[0]
    full = bool(m["full_game"])
    others = list(range(1 if full else 3, 9 if full else 8))
    if m["ball_owned_team"] == 0:
        others += [SHOT] if not full or m["ball"][0] > HALF_LENGTH - FAR else []
        others += [SHORT_PASS] if m["players"][0] > 2 else []
        others += [HIGH_PASS, LONG_PASS] if full else []
    plans: list[Plan] = [(usual, SCRIPT), *((action, SCRIPT) for action in others if action != usual)]
    if full:
        worth = imagine(match, plans, range(FEW), skip, SHORT_HORIZON).mean(axis=1)
        best = int(worth.argmax())
        return plans[best][0] if worth[best] > worth[0] + FULL_MARGIN else usual
    if m["ball_owned_team"] == 0:
        plans += [(first, then) for first in others for then in others if first not in KICKS]
    worth = imagine(match, plans, range(FEW), skip, HORIZON).sum(axis=1)
    hopeful = [0, *(int(plan) for plan in np.argsort(-worth, kind="stable")[:HOPEFUL] if plan > 0)]
    worth = worth[hopeful] + imagine(match, [plans[plan] for plan in hopeful], range(FEW, SAMPLES), skip, HORIZON).sum(
        axis=1
    )
    best = int(worth.argmax())
    return plans[hopeful[best]][0] if worth[best] > worth[0] + MARGIN * SAMPLES else usual


def decide(matches: Matches, frame_skip: int, team: int = 0, slot: int = 0) -> int:
    """Return the expert's action for a controlled player of the first match.

    A single controlled left player at the ball uses the search. All other players use the script.

    Args:
        matches: [N] match records, not changed.
        frame_skip: Steps per decision.
        team: 0 for left, 1 for right.
        slot: Control slot of the player.
    """
    match = matches[:1].copy()
    m = match[0]
    actions = np.zeros((1, 2, MAX_PLAYERS), np.int64)
    advise(match, actions, np.ones(1, np.bool_))
    usual = int(actions[0, team, slot])
    me = m["active"]
    if m["controlled"].tolist() != [1, 0] or m["game_mode"] != NORMAL:
        return usual
    mine = m["ball_owned_team"] == 0 and m["ball_owned_player"] == me
    coming = m["ball_owned_team"] < 0 and (m["receiver"] == me or math.sqrt(far(m, 0, me)) < FETCH)
    if not mine and not coming:
        return usual
    if not m["full_game"] and HALF_LENGTH - m["ball"][0] > FAR and not crowded(m, me):
        return usual
    return search(matches[:1], usual, frame_skip)


def thought(m: np.void, action: int) -> str:
    """Return one or two words that name the expert's intention."""
    if action == SHOT:
        return "shoot"
    if action in (SHORT_PASS, LONG_PASS, HIGH_PASS):
        return "pass"
    if m["ball_owned_team"] != 0:
        return "chase"
    if action == SPRINT:
        return "sprint"
    return "run" if action == RIGHT else "line up"
