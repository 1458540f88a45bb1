"""What steps are worth, with the arithmetic written out."""

import math

import numpy as np
import pytest

from envs.football.engine.match import LEFT_GOAL, MATCH, METRES_X, METRES_Y, Action, Matches
from envs.football.rewards import CHECKPOINTS, LEDGER, MAGEBENCH, SCORING, pay

BOTH = np.array([[0, 0], [1, 0]])
LEFT = BOTH[:1]


class Book:
    """A match and its ledger, changed by hand; the left player 1 and the right player 1 are controlled."""

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.matches: Matches = np.zeros(1, MATCH)
        self.ledgers = np.zeros(1, LEDGER)
        m = self.m = self.matches[0]
        m["players"] = 3, 3
        m["controlled"] = m["slot"][:, 0] = 1
        m["ball_owned_team"] = m["ball_owned_player"] = -1
        m["steps"], m["steps_left"] = 1, 399
        self.opponents((1.0, 0.0), (0.9, 0.4), (0.9, -0.4))

    def opponents(self, *places: tuple[float, float]) -> None:
        self.m["position"][1, :3] = np.array(places) * (METRES_X, METRES_Y)

    def put(self, x: float, y: float, team: int = -1, player: int = -1) -> None:
        self.m["ball"] = x * METRES_X, y * METRES_Y, 0.11
        self.m["ball_owned_team"], self.m["ball_owned_player"] = team, player

    def paid(self, action: int = 0, seats: np.ndarray = LEFT) -> list[float]:
        """What is paid now for a step that was taken with that action."""
        rewards = np.zeros(len(seats))
        pay(self.matches[0], self.ledgers[0], action, self.kind, seats, rewards)
        return rewards.tolist()


def test_goals_are_paid_once_and_with_opposite_signs() -> None:
    book = Book(SCORING)
    book.m["score"] = 1, 0
    assert book.paid(seats=BOTH) == [1.0, -1.0]
    assert book.paid(seats=BOTH) == [0.0, 0.0]
    book.m["score"] = 1, 2
    assert book.paid(seats=BOTH) == [-2.0, 2.0]


def test_checkpoints_are_for_the_player_who_has_the_ball() -> None:
    book = Book(CHECKPOINTS)
    book.put(0.5, 0.0, 0, 2)
    assert book.paid(seats=BOTH) == [0.0, 0.0]
    book.put(0.5, 0.0, 0, 1)
    # d = 0.5: the k-th is at 0.99 - 0.0889 k, so k = 0 … 5 (0.99 - 0.4444 = 0.5456; k = 6 would need d <= 0.4567).
    assert book.paid(seats=BOTH) == pytest.approx([0.6, 0.0])
    assert book.paid() == [0.0]
    book.m["score"] = 1, 0
    assert book.paid() == pytest.approx([1.4])  # the goal and the other four


def test_checkpoints_of_the_right_team_lead_to_the_left_goal() -> None:
    book = Book(CHECKPOINTS)
    book.put(-0.75, 0.0, 1, 1)
    # d = 0.25 from (-1, 0): k = 0 … 8 (0.99 - 0.7111 = 0.2789; k = 9 would need d <= 0.19).
    assert book.paid(seats=BOTH) == pytest.approx([0.0, 0.9])
    book.put(-0.85, 0.0, 1, 1)
    assert book.paid(seats=BOTH) == pytest.approx([0.0, 0.1])
    book.m["score"] = 1, 0
    assert book.paid(seats=BOTH) == pytest.approx([2.0, -1.0])  # left collects all ten at its goal


def test_magebench_pays_progress_and_opponents_passed() -> None:
    book = Book(MAGEBENCH)
    book.put(0.5, 0.0, 0, 1)
    assert book.paid() == [0.0]  # its first step only sets the marks
    book.put(0.6, 0.0, 0, 1)
    assert book.paid() == pytest.approx([1.6])  # 20 · 0.8 · 0.1
    book.put(0.55, 0.0, 0, 1)
    assert book.paid() == [0.0]  # never below the best
    book.put(0.95, 0.0, 0, 1)
    # 20 · (0.8 · 0.35 + 2 opponents / 11) = 5.6 + 3.63636
    assert book.paid() == pytest.approx([5.6 + 40 / 11])
    book.put(0.85, 0.0, 0, 1)
    assert book.paid() == pytest.approx([-40 / 11])  # they are in front again
    book.put(0.99, 0.0)
    assert book.paid() == [0.0]  # a free ball does not count
    assert book.ledgers[0]["magebench"] == pytest.approx(1.6 + 5.6)


def test_magebench_pays_two_a_step_ahead() -> None:
    book = Book(MAGEBENCH)
    book.paid()
    book.m["score"] = 1, 0
    book.m["ended"] = LEFT_GOAL
    assert book.paid() == [40.0]  # 20 · 2


def test_magebench_ends_when_the_ball_is_lost() -> None:
    book = Book(MAGEBENCH)
    book.paid()
    book.put(0.5, 0.0, 1, 2)
    book.m["steps"], book.m["steps_left"] = 100, 300
    assert book.paid() == pytest.approx([5.0])  # 20 · 1 · (1 - 300 / 400)
    book.put(0.9, 0.0, 0, 1)
    assert book.paid() == [0.0]


@pytest.mark.slow
def test_magebench_pays_passes_by_clearance_each_three_quarters_of_the_last() -> None:
    book = Book(MAGEBENCH)
    book.opponents((0.9, 0.0), (0.5, 0.4), (0.5, -0.4))
    book.put(0.5, 0.0, 0, 1)
    book.paid()
    book.paid()
    book.put(0.5, 0.0)
    assert book.paid(Action.SHORT_PASS) == [0.0]
    book.put(0.5, 0.0, 0, 2)
    # to the goal is (0.5, 0): the one ahead at 0.4 counts 0.4 / 11, those beside it at 0.4 count 0.4 / 1
    assert book.paid() == pytest.approx([20 * 20 * 0.4 / 11])
    assert book.paid() == [0.0]
    book.paid(Action.HIGH_PASS)
    book.put(0.5, 0.0, 0, 1)
    assert book.paid() == pytest.approx([0.75 * 20 * 20 * 0.4 / 11])


def test_magebench_judges_a_shot_from_where_the_ball_was() -> None:
    book = Book(MAGEBENCH)
    book.opponents((1.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    book.put(0.6, 0.0, 0, 1)
    book.paid()
    book.paid()  # the ball's owner is known, no progress
    book.put(0.65, 0.0)
    # The best of the five lines ends 0.044 from the keeper: 100 · 0.044 · (1 - 0.4) = 2.64, at most 2 / 3.
    assert book.paid(Action.SHOT) == pytest.approx([20 * 2 / 3])
    blocked = Book(MAGEBENCH)
    blocked.opponents((0.61, 0.0), (0.0, 0.0), (0.0, 0.0))
    blocked.put(0.6, 0.0, 0, 1)
    blocked.paid()
    blocked.paid()
    blocked.put(0.62, 0.0)
    # Lines to (1, ±0.044) from (0.6, 0) in steps of (0.004, 0.00044): the nearest point to (0.61, 0) is the second,
    # (0.608, 0.00088), at 0.002186, or the third, (0.612, 0.00132), at 0.002396.
    expected = 20 * 100 * math.hypot(0.002, 0.00088) * 0.6
    assert blocked.paid(Action.SHOT) == pytest.approx([expected])
