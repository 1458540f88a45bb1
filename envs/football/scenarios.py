"""Scenarios: the start of a match, as a table of GRF's scenarios in GRF's units.

Source: gfootball/scenarios/*.py. As in GRF, the right team's positions are in a mirrored frame: (x, y) stands for
(-x, -y) on the pitch. Its keeper at (-1, 0) is in the goal at x = 1. A keeper at (1, 0) is away from its goal.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from configs.errors import suggest
from envs.football.engine.match import (
    BALL_RADIUS,
    KEEPER,
    KICK_OFF,
    MATCH,
    MAX_PLAYERS,
    METRES_X,
    METRES_Y,
    ROLES,
    Matches,
)

Place = tuple[float, float]
Places = tuple[Place, ...]


class Scenario(NamedTuple):
    """Start positions and rules of a match. Positions are in GRF's units, with the keeper first."""

    ball: Place
    left: Places
    right: Places
    steps: int = 400
    """Length of the match in steps of 0.1 s."""
    roles: tuple[str, str] = ("", "")
    """Roles of each team's players after the keeper, separated by spaces, from `ROLES`."""
    difficulty: tuple[float, float] = (1.0, 0.6)
    """GRF's difficulty of the left and of the right team, from 0 to 1."""
    drill: bool = True
    """True for a few players who chase and support, False for two teams in formation."""
    lazy: bool = False
    """True if the right team's field players stand still."""
    ends_on_possession: bool = True
    """True if the episode ends when the ball changes teams, in either direction."""
    kick_off: bool = False
    """True if the match starts with a kick-off, continues after goals and balls out of play, and has offsides."""
    half_time: int = 0
    """Number of steps in the first half, or 0 for no half-time. GRF has one only in 11_vs_11_kaggle."""


GOAL: Final[Place] = (-1.0, 0.0)
AWAY: Final[Place] = (1.0, 0.0)
"""Position of a keeper in its goal, and of one that leaves the goal empty."""
KEEPER_OFF: Final = 0.024
"""Start offset of a keeper along its line, in GRF's units (2 m). The keeper keeps leaning to that side."""
ALONE: Final = 0.3
"""Scale of the noise drawn for each player, relative to the shared noise."""
FIRST_TOUCH: Final = 0.5
"""Seconds at the start during which the right team's field players cannot touch the ball."""
CHASERS: Final[Places] = ((0.12, 0.2), (0.12, 0.1), (0.12, 0.0), (0.12, -0.1), (0.12, -0.2))

BACKS: Final[Places] = ((-0.422, -0.19576), (-0.5, -0.06356), (-0.5, 0.063559), (-0.422, 0.19576))
MIDDLE: Final[Places] = ((-0.184212, -0.10568), (-0.267574, 0.0), (-0.184212, 0.10568), (-0.01, -0.2161))
KICKS_OFF: Final[Places] = (GOAL, (0.0, 0.02), (0.0, -0.02), *BACKS, *MIDDLE)
WAITS: Final[Places] = (GOAL, (-0.05, 0.0), (-0.01, 0.216102), *BACKS, *MIDDLE)
ELEVEN: Final = "RM CF LB CB CB RB CM CM CM LM"
KAGGLE: Final = "LB CB CB RB CM CM CM LM CF RM"
"""The roles of `ELEVEN` in Kaggle's order, where the backs are first."""
KEPT: Final[Places] = (
    (-0.672, -0.19576), (-0.75, -0.06356), (-0.75, 0.063559), (-0.672, 0.19576), (-0.434, -0.10568), (-0.434, 0.10568),
    (0.5, -0.3161), (0.25, -0.1), (0.25, 0.1), (0.35, 0.316102)
)  # fmt: skip


def _counterattack(centre_back: float) -> Scenario:
    right = (
        (0.128, -0.19576), (centre_back, -0.06356), (-0.4, 0.063559), (0.128, -0.19576), (0.365, -0.10568),
        (0.282, 0.0), (0.365, 0.10568), (0.54, -0.3161), (0.51, 0.0), (0.54, 0.316102)
    )  # fmt: skip
    roles = "LB CB CB RB CM CM CM LM RM CF"
    return Scenario((0.26, -0.11), (GOAL, *KEPT), (GOAL, *right), roles=(roles, roles), drill=False)


def _game(left: float, right: float, kaggle: bool = False) -> Scenario:
    first, second = KICKS_OFF, WAITS
    if kaggle:
        # Kaggle also swaps the positions of the last two players, the centre forward and the right midfielder.
        first = (GOAL, *BACKS, *MIDDLE, (0.0, 0.02), (0.0, -0.02))
        second = (GOAL, *BACKS, *MIDDLE, (-0.05, 0.0), (-0.01, 0.216102))
    roles = KAGGLE if kaggle else ELEVEN
    return Scenario(
        (0.0, 0.0),
        first,
        second,
        3000,
        (roles, roles),
        (left, right),
        False,
        False,
        False,
        True,
        half_time=1500 if kaggle else 0,
    )


SCENARIOS: Final[dict[str, Scenario]] = {
    "academy_empty_goal_close": Scenario((0.77, 0.0), (GOAL, (0.75, 0.0)), (AWAY,), roles=("CB", "")),
    "academy_empty_goal": Scenario((0.02, 0.0), (GOAL, (0.0, 0.0)), (AWAY,), roles=("CB", "")),
    "academy_run_to_score": Scenario(
        (0.02, 0.0), (GOAL, (0.0, 0.0)), (AWAY, *CHASERS), roles=("CB", "LB CB CM CB RB")
    ),
    "academy_run_to_score_with_keeper": Scenario(
        (0.02, 0.0), (GOAL, (0.0, 0.0)), (GOAL, *CHASERS), roles=("CB", "LB CB CM CB RB")
    ),
    "academy_pass_and_shoot_with_keeper": Scenario(
        (0.7, -0.28), (GOAL, (0.7, 0.0), (0.7, -0.3)), (GOAL, (-0.75, 0.3)), roles=("CB CB", "CB")
    ),
    "academy_run_pass_and_shoot_with_keeper": Scenario(
        (0.7, -0.28), (GOAL, (0.7, 0.0), (0.7, -0.3)), (GOAL, (-0.75, 0.1)), roles=("CB CB", "CB")
    ),
    "academy_3_vs_1_with_keeper": Scenario(
        (0.62, 0.0), (GOAL, (0.6, 0.0), (0.7, 0.2), (0.7, -0.2)), (GOAL, (-0.75, 0.0)), roles=("CM CM CM", "CB")
    ),
    "academy_corner": Scenario(
        (0.99, 0.41),
        (
            GOAL, (1.0, 0.42), (0.7, 0.15), (0.7, 0.05), (0.7, -0.05), (0.0, 0.0), (0.6, 0.35), (0.8, 0.07),
            (0.8, -0.03), (0.8, -0.13), (0.7, -0.3),
        ),
        (
            GOAL, (-0.75, -0.18), (-0.75, -0.08), (-0.75, 0.02), (-1.0, -0.1), (-0.8, -0.25), (-0.88, -0.07),
            (-0.88, 0.03), (-0.88, 0.13), (-0.75, 0.25), (-0.2, 0.0),
        ),
        roles=("LB CB CB RB CM CM CM LM RM CF", "LB CB CB RB CM CM CM LM RM CF"),
        drill=False,
        ends_on_possession=False,
    ),
    "academy_counterattack_easy": _counterattack(0.4),
    "academy_counterattack_hard": _counterattack(-0.4),
    "academy_single_goal_versus_lazy": Scenario(
        (-0.48, -0.06356), KICKS_OFF, WAITS, 3000, (ELEVEN, ELEVEN), drill=False, lazy=True
    ),
    "1_vs_1_easy": Scenario(
        (0.0, 0.0), (GOAL,), (GOAL,), 500, ("", ""), (0.0, 0.0), False, False, False, True
    ),
    "5_vs_5": Scenario(
        (0.0, 0.0),
        (GOAL, (0.0, 0.02), (0.0, -0.02), (-0.1, -0.1), (-0.1, 0.1)),
        (GOAL, (-0.04, 0.04), (-0.04, -0.04), (-0.1, -0.1), (-0.1, 0.1)),
        3000, ("RM CF LB CB", "RM CF LB CB"), (0.05, 0.05), False, False, False, True,
    ),
    "11_vs_11_easy_stochastic": _game(1.0, 0.05),
    "11_vs_11_stochastic": _game(1.0, 0.6),
    "11_vs_11_hard_stochastic": _game(1.0, 0.95),
    "11_vs_11_competition": _game(1.0, 1.0),
    "11_vs_11_kaggle": _game(1.0, 1.0, kaggle=True),
    # Not from GRF: the last third of academy_run_to_score_with_keeper, for short episodes.
    "breakaway": Scenario(
        (0.47, 0.0), (GOAL, (0.45, 0.0)), (GOAL, (-0.34, 0.08), (-0.34, -0.08)), roles=("CF", "CB CB")
    ),
    # Not from GRF: one field player and a keeper on each side, for short matches between two policies.
    "duel": Scenario(
        (0.0, 0.0), (GOAL, (-0.05, 0.0)), (GOAL, (-0.05, 0.0)), 250, ("CF", "CF"), (0.1, 0.1), ends_on_possession=False
    ),
}  # fmt: skip
"""Scenario name → scenario."""

_ANCHORS: Final = {
    "GK": (-1.0, 0.0), "CB": (-0.7, 0.0), "LB": (-0.58, -0.78), "RB": (-0.58, 0.78), "DM": (-0.35, 0.0),
    "CM": (-0.12, 0.0), "LM": (0.32, -0.86), "RM": (0.32, 0.86), "AM": (0.3, 0.0), "CF": (0.55, 0.0),
}  # fmt: skip


def anchors(roles: list[str], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the players' positions in the formation [n, 2], from -1 to 1. Players of one role stand side by side."""
    spots = np.array([_ANCHORS[role] for role in roles])
    for role in set(roles):
        same = [index for index, other in enumerate(roles) if other == role]
        if len(same) > 1:
            same.sort(key=lambda index: (places[index, 1], index))
            spots[same, 1] = np.linspace(-0.2, 0.2, len(same)) * (len(same) if role == "CM" else len(same) - 0.6)
    return spots


def find(name: str) -> Scenario:
    """Return a scenario by name, or raise a ValueError that suggests the closest name."""
    if name not in SCENARIOS:
        raise ValueError(suggest("scenario", name, SCENARIOS))
    return SCENARIOS[name]


def start(
    scenario: Scenario,
    rng: np.random.Generator,
    noise: float,
    difficulty: float | tuple[float, float],
    control: tuple[int, int] = (1, 0),
) -> Matches:
    """Return a match at its start.

    Args:
        scenario: Start positions and rules.
        rng: Generator of the noise, of the seed of the match's own generator, and of the team that kicks off.
        noise: Bound of the uniform noise, in GRF's units. One shift applies to the ball and all field players, and one
            shift scaled by `ALONE` to each field player. The ball moves with the player nearest to it. A keeper
            stands to a random side of its line's middle, by `KEEPER_OFF` or by a smaller noise. There is no noise at a
            kick-off.
        difficulty: Difficulty of the right team or of both teams, 0 to 1. A single value keeps the scenario's
            difficulty for the left team.
        control: Number of controlled players of the left and of the right team. The keeper is the last choice.

    Returns:
        Array of one match record.
    """
    matches = np.zeros(1, MATCH)
    m = matches[0]
    m["rng"] = rng.integers(0, 2**64, dtype=np.uint64)
    m["difficulty"] = difficulty if isinstance(difficulty, tuple) else (scenario.difficulty[0], difficulty)
    m["steps_left"] = scenario.steps
    m["half_time"] = scenario.half_time
    m["full_game"] = not scenario.drill
    m["lazy"][1] = scenario.lazy
    m["offsides"] = scenario.kick_off
    m["end_on_score"] = m["end_on_out"] = not scenario.kick_off
    m["end_on_possession"] = scenario.ends_on_possession
    m["ball_owned_team"] = m["ball_owned_player"] = m["receiver"] = m["passer"] = m["event_team"] = -1
    m["possessor"] = -1
    m["planned"] = -100
    together = rng.uniform(-noise, noise, 2)
    kicks_off = 0
    if scenario.kick_off:
        noise, together, kicks_off = 0.0, np.zeros(2), int(rng.integers(2))
    ball = np.array(scenario.ball)
    teams = [np.array(scenario.left), np.array(scenario.right)]
    if kicks_off == 1:
        teams.reverse()
    teams[1] = -teams[1]
    scale = np.array([METRES_X, METRES_Y])
    first = int(np.argmin(np.hypot(*((teams[kicks_off] - ball) * scale).T)))
    shifts = [_shifts(len(places), noise, together, rng) for places in teams]
    equal = scenario.left == scenario.right
    if equal:  # point-symmetric
        shifts[1] = -shifts[0]
    else:
        ball += shifts[0][first]
    for team, places in enumerate(teams):
        count = len(places)
        roles = ["GK", *scenario.roles[team].split()]
        m["players"][team] = count
        m["keeper"][team] = KEEPER if count > 1 or scenario.drill else -1
        m["present"][team, :count] = 1
        m["role"][team, :count] = [ROLES.index(role) for role in roles]
        m["position"][team, :count] = np.clip(places + shifts[team], (-1, -0.42), (1, 0.42)) * scale
        m["anchor"][team, :count] = anchors(roles, places if team == 0 else -places)
        m["home"][team] = m["position"][team]
        m["facing"][team] = 0.0 if team == 0 else np.pi
    m["target"] = m["position"]
    _steer(m, first if kicks_off == 0 else -1, control)
    m["ball"] = (*(np.clip(ball, (-0.99, -0.41), (0.99, 0.41)) * scale), BALL_RADIUS)
    if not equal:
        m["wait"][1, 1:] = FIRST_TOUCH
    m["since_kick"] = 10.0
    if scenario.kick_off:
        m["game_mode"] = KICK_OFF
        m["restart_team"] = m["first_kick_off"] = m["ball_owned_team"] = m["last_touched"] = kicks_off
        m["ball_owned_player"] = m["designated"][kicks_off] = first
        m["wait"] = 0.0
    return matches


def _shifts(count: int, noise: float, together: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the shift [count, 2] of each player of a team from its place; the keeper is the first."""
    shifts = ALONE * rng.uniform(-noise, noise, (count, 2))
    shifts[0] = 0.0, math.copysign(min(noise, KEEPER_OFF), shifts[0, 1])
    shifts[1:] += together
    return shifts


def _steer(m: np.void, first: int, control: tuple[int, int]) -> None:
    """Assign the control slots: first the player at the ball, then the nearest players, the keeper last."""
    m["steered"] = -1
    for team, number in enumerate(control):
        count = int(m["players"][team])
        if not 0 <= number <= count:
            name = ("left", "right")[team]
            raise ValueError(f"the {name} team has {count} players, so 0 to {count} can be controlled, got {number}")
        if number == count:
            order = np.arange(count)
        else:
            far = np.hypot(*(m["position"][team, :count] - m["ball"][:2]).T)
            if m["keeper"][team] >= 0:
                far[KEEPER] = np.inf
            if team == 0 and first >= 0:
                far[first] = -1.0
            order = np.sort(np.argsort(far, kind="stable")[:number]) if number > 1 else np.argsort(far)[:1]
        m["controlled"][team] = number
        m["slot"][team, :number] = order[:number]
        m["steered"][team, order[:number]] = np.arange(number)
        m["designated"][team] = order[0] if number else min(1, count - 1)
    m["active"] = m["slot"][0, 0] if control[0] else m["designated"][0]
    assert MAX_PLAYERS >= m["players"].max()
