"""The rules of the whole game, one situation at a time: metres and seconds, worked out by hand."""

import math

import numpy as np
import pytest

from envs.football.engine.match import (
    BALL_RADIUS,
    CORNER,
    FREE_KICK,
    GOAL_HALF_WIDTH,
    GOAL_KICK,
    HALF_LENGTH,
    HALF_WIDTH,
    KICK_OFF,
    MAX_PLAYERS,
    NORMAL,
    OUT_OF_PLAY,
    PENALTY,
    RUNNING,
    THROW_IN,
    TIME_UP,
    Action,
    Matches,
)
from envs.football.rules import advance
from envs.football.scenarios import find, start
from envs.football.words import describe, feedback

GOING = np.ones(1, np.bool_)


def game(control: tuple[int, int] = (0, 0), scenario: str = "11_vs_11_stochastic", seed: int = 0) -> Matches:
    """A match in open play: the ball in the middle, nobody's, everybody of both teams in his own corner."""
    matches = start(find(scenario), np.random.default_rng(seed), 0.0, (1.0, 1.0), control)
    m = matches[0]
    m["game_mode"] = NORMAL
    m["ball_owned_team"] = m["ball_owned_player"] = -1
    m["position"][0, 1:] = (-40.0, 30.0)
    m["position"][1, 1:] = (40.0, -30.0)
    return matches


def play(matches: Matches, action: int = 0, team: int = 0, slot: int = 0, steps: int = 1) -> None:
    actions = np.zeros((1, 2, MAX_PLAYERS), np.int64)
    actions[0, team, slot] = action
    advance(matches, actions, steps, GOING)


def give_to(matches: Matches, team: int, player: int, x: float, y: float, facing: float = 0.0) -> None:
    m = matches[0]
    m["ball_owned_team"], m["ball_owned_player"], m["last_touched"] = team, player, team
    m["position"][team, player] = x, y
    m["facing"][team, player] = facing
    m["ball"] = x + 0.65 * math.cos(facing), y + 0.65 * math.sin(facing), BALL_RADIUS


@pytest.mark.parametrize(
    ("last", "place", "velocity", "mode", "team", "spot"),
    [
        # Over the touchline: the other team throws in where it went out.
        (0, (10.0, HALF_WIDTH), (0.0, 20.0), THROW_IN, 1, (10.0, HALF_WIDTH)),
        (1, (10.0, -HALF_WIDTH), (0.0, -20.0), THROW_IN, 0, (10.0, -HALF_WIDTH)),
        # Over the right goal line off the left team: goal kick from 5.5 m; off the right team: corner.
        (0, (HALF_LENGTH, 20.0), (20.0, 0.0), GOAL_KICK, 1, (HALF_LENGTH - 5.5, 5.0)),
        (1, (HALF_LENGTH, 20.0), (20.0, 0.0), CORNER, 0, (HALF_LENGTH - 0.5, HALF_WIDTH - 0.5)),
        (1, (-HALF_LENGTH, -20.0), (-20.0, 0.0), GOAL_KICK, 0, (-HALF_LENGTH + 5.5, -5.0)),
        (0, (-HALF_LENGTH, -20.0), (-20.0, 0.0), CORNER, 1, (-HALF_LENGTH + 0.5, -HALF_WIDTH + 0.5)),
        # Goals: the other team kicks off.
        (0, (HALF_LENGTH, 0.0), (20.0, 0.0), KICK_OFF, 1, (0.0, 0.0)),
        (0, (-HALF_LENGTH, 0.0), (-20.0, 0.0), KICK_OFF, 0, (0.0, 0.0)),
    ],
)
def test_ball_out_of_play_is_restarted_at_the_right_place(
    last: int,
    place: tuple[float, float],
    velocity: tuple[float, float],
    mode: int,
    team: int,
    spot: tuple[float, float],
) -> None:
    matches = game()
    m = matches[0]
    m["position"][:, 0] = ((-30.0, 30.0), (30.0, -30.0))
    m["ball"] = (*place, BALL_RADIUS)
    m["ball_velocity"] = (*velocity, 0.0)
    m["last_touched"] = last
    play(matches)
    assert (m["game_mode"], m["restart_team"], m["ball_owned_team"]) == (mode, team, team)
    assert m["ball"][:2] == pytest.approx(spot)
    assert m["score"].tolist() == [int(mode == KICK_OFF and team == 1), int(mode == KICK_OFF and team == 0)]
    taker = m["position"][team, m["ball_owned_player"]]
    assert math.hypot(*(taker - m["ball"][:2])) == pytest.approx(0.65)
    assert (m["ball_owned_player"] == 0) == (mode == GOAL_KICK)  # the keeper takes goal kicks
    distance = np.hypot(*(m["position"][1 - team] - m["ball"][:2]).T)
    assert distance.min() > (1.99 if mode == THROW_IN else 9.1)
    # Nobody steers: it is taken after 1.2 s.
    play(matches, steps=10)
    assert m["game_mode"] == mode and m["ball"][:2] == pytest.approx(spot)
    play(matches, steps=5)
    assert m["game_mode"] == NORMAL


def test_a_steered_player_takes_the_restart() -> None:
    matches = game((1, 0))
    m = matches[0]
    m["ball"] = 10.0, HALF_WIDTH + 0.1, BALL_RADIUS
    m["ball_velocity"] = 0.0, 5.0, 0.0
    m["last_touched"] = 1
    play(matches)
    assert m["game_mode"] == THROW_IN and m["active"] == m["ball_owned_player"]
    play(matches, steps=30)
    assert m["game_mode"] == THROW_IN  # a bot would have thrown by now
    play(matches, Action.SHORT_PASS)
    assert m["game_mode"] == NORMAL and m["passes"][0] == 1
    assert "throw-in" not in describe(m)


def test_offside_is_a_free_kick_where_the_receiver_is() -> None:
    for mate_x, offside in ((30.0, True), (19.0, False), (-5.0, False)):
        matches = game()
        m = matches[0]
        m["controlled"][0], m["steered"][0, 1], m["slot"][0, 0] = 1, 0, 1
        give_to(matches, 0, 1, -20.0, 0.0)
        m["position"][1, 1] = 20.0, 30.0  # the last man but the keeper: the line is x = 20
        m["position"][1, 2:] = -10.0, -30.0
        m["position"][0, 2] = mate_x, 0.0
        play(matches, Action.LONG_PASS)
        while m["ball_owned_team"] == 0:  # the windup
            m["position"][0, 2] = mate_x, 0.0
            m["position"][1, 1] = 20.0, 30.0
            m["position"][1, 2:] = -10.0, -30.0
            play(matches)
        assert m["receiver"] == 2
        assert m["flagged"][2] == offside
        m["ball"] = *m["position"][0, 2], BALL_RADIUS
        m["ball_velocity"] = 0.0
        play(matches)
        assert m["offside"][0] == offside
        if offside:
            assert (m["game_mode"], m["restart_team"]) == (FREE_KICK, 1)
            assert feedback(m) == "Offside: their free kick."
            assert m["ball"][0] == pytest.approx(mate_x, abs=1.0)
        else:
            assert (m["game_mode"], m["ball_owned_team"], m["ball_owned_player"]) == (NORMAL, 0, 2)


def test_a_slide_from_behind_wins_the_ball_or_fouls() -> None:
    # 50 % win; of the others 75 % are fouls from behind, 35 % of these are booked.
    wins = fouls = booked = penalties = 0
    for seed in range(400):
        matches = game((1, 0), seed=seed)
        m = matches[0]
        owner_x = -45.0 if seed % 2 else 0.0
        give_to(matches, 1, 5, owner_x, 0.0, math.pi)  # runs to the left
        m["position"][0, 1] = owner_x + 1.2, 0.0
        m["wait"][1] = 9.0
        m["steered"][0], m["slot"][0, 0], m["steered"][0, 1] = -1, 1, 0
        m["position"][0, 0] = -54.0, 20.0
        play(matches, Action.SLIDING)
        wins += m["tackles"][0] == 1
        fouls += m["fouls"][0] == 1
        booked += m["yellow"][0, 1] == 1
        if m["fouls"][0]:
            assert m["restart_team"] == 1
            assert m["game_mode"] == (PENALTY if owner_x < -38.0 else FREE_KICK)
            penalties += m["penalties"][1]
    assert wins == pytest.approx(200, abs=45)
    assert fouls == pytest.approx(150, abs=45)
    assert booked == pytest.approx(52, abs=30)
    assert penalties == pytest.approx(fouls / 2, abs=30)


def test_a_second_yellow_card_sends_off() -> None:
    for seed in range(200):
        matches = game((1, 0), seed=seed)
        m = matches[0]
        give_to(matches, 1, 5, 0.0, 0.0, math.pi)
        m["position"][0, 1] = 1.2, 0.0
        m["wait"][1] = 9.0
        m["steered"][0], m["slot"][0, 0], m["steered"][0, 1] = -1, 1, 0
        m["yellow"][0, 1] = 1
        play(matches, Action.SLIDING)
        if m["yellow"][0, 1] == 2:
            break
    assert m["present"][0, 1] == 0 and m["reds"][0] == 1
    assert m["active"] != 1 and m["present"][0, m["active"]] == 1
    assert feedback(m) == "A player of your team is sent off."
    assert describe(m).split("mates")[1].count("(") == 8  # eleven less himself, the keeper and the one sent off


def test_penalty_keeps_everybody_else_out_of_the_box() -> None:
    for seed in range(400):
        matches = game((1, 0), seed=seed)
        m = matches[0]
        give_to(matches, 1, 5, -45.0, 0.0, math.pi)
        m["position"][0, 1] = -43.8, 0.0
        m["wait"][1] = 9.0
        m["steered"][0], m["slot"][0, 0], m["steered"][0, 1] = -1, 1, 0
        play(matches, Action.SLIDING)
        if m["game_mode"] == PENALTY:
            break
    assert m["ball"][:2] == pytest.approx((-HALF_LENGTH + 11.0, 0.0))
    taker = m["ball_owned_player"]
    for team in range(2):
        for player in range(MAX_PLAYERS):
            x, y = m["position"][team, player]
            if (team, player) not in ((0, 0), (1, taker)) and m["present"][team, player]:
                assert x > -HALF_LENGTH + 16.5 or abs(y) > 20.16
    assert m["position"][0, 0].tolist() == pytest.approx([-HALF_LENGTH + 1.0, 0.0], abs=0.5)


def test_match_has_two_halves_and_an_end() -> None:
    matches = start(find("11_vs_11_kaggle"), np.random.default_rng(5), 0.0, (1.0, 1.0), (0, 0))
    m = matches[0]
    first = int(m["first_kick_off"])
    assert (m["game_mode"], m["restart_team"], m["half"]) == (KICK_OFF, first, 0)
    m["steps"], m["steps_left"] = 1499, 1501
    play(matches)
    assert (m["game_mode"], m["restart_team"], m["half"]) == (KICK_OFF, 1 - first, 1)
    assert feedback(m) in ("Half-time: your kick-off.", "Half-time: their kick-off.")
    m["steps"], m["steps_left"] = 2999, 1
    play(matches)
    assert m["ended"] == TIME_UP


def test_control_goes_to_the_nearest_who_is_not_steered_yet() -> None:
    matches = game((3, 0))
    m = matches[0]
    steered = set(m["slot"][0, :3].tolist())
    spare = next(player for player in range(1, 11) if player not in steered)
    far = max(steered, key=lambda player: math.hypot(*(m["position"][0, player] - m["ball"][:2])))
    m["position"][0, far] = -50.0, -30.0
    m["position"][0, spare] = -5.0, 0.0
    m["since_kick"] = 1.0
    play(matches)
    assert set(m["slot"][0, :3].tolist()) == (steered - {far}) | {spare}
    assert [m["steered"][0, player] for player in m["slot"][0, :3]] == [0, 1, 2]


def test_all_eleven_keep_their_slots() -> None:
    matches = start(find("11_vs_11_stochastic"), np.random.default_rng(0), 0.0, (1.0, 1.0), (11, 11))
    rng = np.random.default_rng(0)
    for _ in range(300):
        advance(matches, rng.integers(19, size=(1, 2, MAX_PLAYERS)), 1, GOING)
    m = matches[0]
    assert m["slot"].tolist() == [list(range(11))] * 2


def test_a_kick_that_is_held_is_played_once() -> None:
    matches = game((1, 0))
    m = matches[0]
    m["steered"][0], m["slot"][0, 0], m["steered"][0, 1] = -1, 1, 0
    give_to(matches, 0, 1, 0.0, 0.0)
    play(matches, Action.SHOT, steps=10)
    assert m["shots"][0] == 1


def test_tired_legs_are_slower() -> None:
    speeds = []
    for tired in (0.0, 1.0):
        matches = game((1, 0))
        m = matches[0]
        m["steered"][0], m["slot"][0, 0], m["steered"][0, 1] = -1, 1, 0
        m["position"][0, 1] = -40.0, 0.0
        m["tired"][0, 1] = tired
        give_to(matches, 0, 1, -40.0, 0.0)
        play(matches, Action.RIGHT)
        play(matches, Action.SPRINT, steps=25)
        speeds.append(float(np.hypot(*m["velocity"][0, 1])))
    # 7.4 m/s on the ball, 15 % less without any strength; 2.5 s of sprint take 0.001 of it.
    assert speeds == pytest.approx([7.4, 6.29], abs=0.01)


def test_a_corner_drill_ends_out_of_play_but_not_with_the_ball_lost() -> None:
    matches = start(find("academy_corner"), np.random.default_rng(0), 0.0, 0.6)
    m = matches[0]
    m["ball"] = *m["position"][1, 0], BALL_RADIUS
    play(matches)
    assert m["ball_owned_team"] == 1 and m["ended"] == RUNNING
    m["ball_owned_team"] = m["ball_owned_player"] = -1
    m["ball"] = 0.0, HALF_WIDTH + 0.2, BALL_RADIUS
    play(matches)
    assert m["ended"] == OUT_OF_PLAY


def test_lazy_players_stand_still() -> None:
    matches = start(find("academy_single_goal_versus_lazy"), np.random.default_rng(0), 0.0, 0.6)
    before = matches["position"][0, 1, 1:].copy()
    play(matches, steps=100)
    assert (matches["position"][0, 1, 1:] == before).all()


def test_the_right_team_sees_the_pitch_turned_round() -> None:
    matches = game((1, 1))
    m = matches[0]
    m["position"][1, m["slot"][1, 0]] = 10.0, -5.0
    m["facing"][1, m["slot"][1, 0]] = math.pi
    m["ball"] = 20.0, -6.0, BALL_RADIUS
    m["score"] = 2, 1
    m["steps_left"] = 1234
    words = describe(m, 1, 0)
    assert words.startswith("score 1:2, 123 s left; you (-10.0, 5.0) facing right 0 deg")
    assert "ball (-20.0, 6.0) free" in words and "keeper (54.4, 0.0)" in words


def test_goal_posts_are_where_the_words_say() -> None:
    assert GOAL_HALF_WIDTH == pytest.approx(3.68, abs=0.01)
