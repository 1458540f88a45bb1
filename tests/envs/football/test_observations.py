"""Views of a match that is known to the last number."""

from typing import Any

import numpy as np
import pytest

from envs.football.engine.match import MATCH, Action, Matches
from envs.football.env import FootballEnv
from envs.football.observations import OBSERVATIONS, Observer, mirrored, raw
from envs.football.scene import see
from render.football.blit import BOOKED, COMPANION, CONTROLLED, KEEPER, PRESENT, SPRINTING


def known(control: tuple[int, int] = (2, 1)) -> Matches:
    """Three against two; the second left player controls slot 0 and has the ball, the third slot 1."""
    matches = np.zeros(1, MATCH)
    m = matches[0]
    m["players"] = 3, 2
    m["present"][0, :3] = m["present"][1, :2] = 1
    m["position"][0, :3] = (-54.4, 0.0), (27.2, 20.9), (10.88, -8.36)
    m["position"][1, :2] = (54.4, 0.0), (40.8, -16.72)
    m["velocity"][0, 1] = (5.44, -8.36)
    m["velocity"][1, 1] = (-2.72, 0.0)
    m["facing"][0, 1] = np.pi / 2
    m["ball"] = (32.64, 25.08, 1.5)
    m["ball_velocity"] = (10.88, -16.72, 4.0)
    m["ball_rotation"] = (0.1, 0.2, 0.3)
    m["ball_owned_team"], m["ball_owned_player"] = 0, 1
    m["controlled"] = control
    m["slot"][0, :2] = 1, 2
    m["slot"][1, 0] = 1
    m["designated"] = 1, 1
    m["sticky"][0, 0, [4, 8]] = 1  # right, sprint
    m["sticky"][1, 0, 0] = 1  # left on the screen
    m["role"][0, :3] = 0, 9, 5
    m["tired"][0, 1] = 0.25
    m["yellow"][1, 1] = 1
    m["score"] = 2, 1
    m["steps"], m["steps_left"], m["game_mode"] = 120, 280, 5
    m["half"], m["half_time"] = 1, 100
    return matches


def seats(*pairs: tuple[int, int]) -> np.ndarray:
    return np.array(pairs, np.int64)


def look(kind: str, *pairs: tuple[int, int]) -> Any:
    return Observer(kind, seats(*pairs), (3, 2), 400, (84, 84), "pitch").look(known())[0]


def test_raw_is_grf_s_dictionary() -> None:
    seen = raw(known()[0], 0, 0)
    # 27.2 / 54.4 = 0.5, 20.9 / 83.6 = 0.25; 5.44 m/s is 0.544 m a step, 0.544 / 54.4 = 0.01; 0.836 / 83.6 = 0.01
    assert seen["left_team"] == pytest.approx(np.array([[-1, 0], [0.5, 0.25], [0.2, -0.1]]))
    assert seen["left_team_direction"] == pytest.approx(np.array([[0, 0], [0.01, -0.01], [0, 0]]))
    assert seen["right_team"] == pytest.approx(np.array([[1, 0], [0.75, -0.2]]))
    assert seen["right_team_direction"] == pytest.approx(np.array([[0, 0], [-0.005, 0]]))
    assert seen["ball"] == pytest.approx([0.6, 0.3, 1.5])
    assert seen["ball_direction"] == pytest.approx([0.02, -0.02, 0.4])
    assert seen["ball_rotation"] == pytest.approx([0.1, 0.2, 0.3])
    assert (seen["ball_owned_team"], seen["ball_owned_player"]) == (0, 1)
    assert (seen["active"], seen["designated"]) == (1, 1)
    assert seen["left_team_roles"].tolist() == [0, 9, 5]
    assert seen["left_team_tired_factor"].tolist() == [0, 0.25, 0]
    assert seen["right_team_yellow_card"].tolist() == [0, 1]
    assert seen["left_team_active"].tolist() == [1, 1, 1]
    assert seen["sticky_actions"].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 1, 0]
    assert (seen["score"].tolist(), seen["steps_left"], seen["game_mode"]) == ([2, 1], 280, 5)


def test_the_right_team_sees_the_pitch_turned_around() -> None:
    seen = raw(known()[0], 1, 0)
    assert seen["left_team"] == pytest.approx(np.array([[-1, 0], [-0.75, 0.2]]))
    assert seen["left_team_direction"] == pytest.approx(np.array([[0, 0], [0.005, 0]]))
    assert seen["right_team"] == pytest.approx(np.array([[1, 0], [-0.5, -0.25], [-0.2, 0.1]]))
    assert seen["ball"] == pytest.approx([-0.6, -0.3, 1.5])
    assert seen["ball_direction"] == pytest.approx([-0.02, 0.02, 0.4])
    assert (seen["ball_owned_team"], seen["ball_owned_player"], seen["active"]) == (1, 1, 1)
    assert seen["sticky_actions"].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]  # his left key is his right
    assert seen["score"].tolist() == [1, 2]
    assert seen["left_team_yellow_card"].tolist() == [0, 1]


def by_grf(seen: dict[str, Any]) -> np.ndarray:
    """simple115v2 from the raw dictionary, in the order of GRF's wrapper."""
    numbers: list[float] = []
    for block, name in enumerate(("left_team", "left_team_direction", "right_team", "right_team_direction")):
        numbers += seen[name].ravel().tolist()
        numbers += [-1.0] * (22 * (block + 1) - len(numbers))
    numbers += [*seen["ball"], *seen["ball_direction"]]
    numbers += [float(seen["ball_owned_team"] == team) for team in (-1, 0, 1)]
    numbers += [float(seen["active"] == player) for player in range(11)]
    return np.array(numbers + [float(seen["game_mode"] == mode) for mode in range(7)], np.float32)


@pytest.mark.parametrize("seat", [(0, 0), (0, 1), (1, 0)])
def test_simple115v2_is_grf_s_order(seat: tuple[int, int]) -> None:
    seen = look("simple115v2", seat)
    assert seen.dtype == np.float32
    assert seen == pytest.approx(by_grf(raw(known()[0], *seat)))


def test_simple115v2_equals_a_vector_by_hand() -> None:
    seen = look("simple115v2", (0, 1))
    assert seen[:8] == pytest.approx([-1, 0, 0.5, 0.25, 0.2, -0.1, -1, -1])
    assert seen[22:28] == pytest.approx([0, 0, 0.01, -0.01, 0, 0])
    assert seen[44:50] == pytest.approx([1, 0, 0.75, -0.2, -1, -1])
    assert seen[88:97] == pytest.approx([0.6, 0.3, 1.5, 0.02, -0.02, 0.4, 0, 1, 0])
    assert np.flatnonzero(seen[97:]).tolist() == [2, 16]  # the third player; mode 5 at 108 + 5 = 97 + 16


def test_minimap_equals_an_array_by_hand() -> None:
    seen = look("smm", (0, 0))
    # column = (x + 1) / 2 * 96, row = (y + 0.4444) / 0.8889 * 72, cut off: y = 0 -> 36, y = 0.25 -> 56.25,
    # y = -0.1 -> 27.9, y = -0.2 -> 19.8, y = 0.3 -> 60.3; x = 1 -> 96, on the edge 95
    assert sorted(map(tuple, np.argwhere(seen[:, :, 0]).tolist())) == [(27, 57), (36, 0), (56, 72)]
    assert sorted(map(tuple, np.argwhere(seen[:, :, 1]).tolist())) == [(19, 84), (36, 95)]
    assert np.argwhere(seen[:, :, 2]).tolist() == [[60, 76]]
    assert np.argwhere(seen[:, :, 3]).tolist() == [[56, 72]]
    assert set(np.unique(seen)) == {0, 255}
    turned = look("smm", (1, 0))
    assert np.argwhere(turned[:, :, 2]).tolist() == [[11, 19]]  # (-0.3 + 0.4444) * 81 = 11.7, 0.4 * 48 = 19.2


def test_scene_of_a_camera_holds_the_match() -> None:
    scene = see(known(), seats((0, 0), (1, 0)))
    assert scene.players[0, 0, 1] == pytest.approx([0.5, 0.25, 0, 1], abs=1e-12)
    assert (scene.marks[0, 0, :4] - PRESENT).tolist() == [KEEPER, CONTROLLED + SPRINTING, COMPANION, -PRESENT]
    assert scene.marks[0, 1, :2].tolist() == [PRESENT + KEEPER, PRESENT + BOOKED + COMPANION]
    assert scene.ball[0] == pytest.approx([0.6, 0.3, 1.39])  # the ball's radius is 0.11
    assert scene.board[0].tolist() == [2, 1, 12, 2, 5]
    assert scene.players[1, 0, 1, :2] == pytest.approx([-0.75, 0.2])
    assert scene.marks[1, 0, 1] == PRESENT + BOOKED + CONTROLLED
    assert scene.board[1].tolist() == [1, 2, 12, 2, 5]
    everybody = see(known()).marks[0]
    assert (everybody & CONTROLLED > 0).sum() == 3 and not (everybody & COMPANION).any()


@pytest.mark.parametrize("kind", OBSERVATIONS)
def test_several_seats_are_the_single_ones_side_by_side(kind: str) -> None:
    pairs = ((0, 0), (0, 1), (1, 0))
    together, alone = look(kind, *pairs), [look(kind, pair) for pair in pairs]
    assert len(together) == 3
    for both, one in zip(together, alone, strict=True):
        np.testing.assert_equal(both, one)


@pytest.mark.parametrize("kind", OBSERVATIONS)
@pytest.mark.parametrize("control", [1, (2, 1)])
def test_observations_are_in_their_space(kind: str, control: Any) -> None:
    env = FootballEnv("academy_3_vs_1_with_keeper", kind, image_size=(48, 64), control=control)
    seen, _ = env.reset(seed=0)
    assert env.observation_space.contains(seen)
    for _ in range(30):
        seen, _, terminated, truncated, _ = env.step(env.action_space.sample())
        assert env.observation_space.contains(seen)
        if terminated or truncated:
            env.reset()


def test_mirrored_actions_turn_by_half_a_circle() -> None:
    turned = mirrored(np.arange(19))
    assert turned.tolist() == [0, 5, 6, 7, 8, 1, 2, 3, 4, *range(9, 19)]
    assert mirrored(turned).tolist() == list(range(19))
    assert mirrored(np.array([Action.TOP_RIGHT])) == [Action.BOTTOM_LEFT]


def test_raw_has_grf_s_dtypes() -> None:
    env = FootballEnv("academy_3_vs_1_with_keeper", "raw")
    seen, _ = env.reset(seed=0)
    assert env.observation_space.contains(seen)
    teams: dict[str, type] = {"": np.float64, "_direction": np.float64, "_tired_factor": np.float64, "_roles": np.int64}
    teams |= {"_yellow_card": np.bool_, "_active": np.bool_}
    wanted: dict[str, type] = {f"{side}_team{key}": kind for side in ("left", "right") for key, kind in teams.items()}
    wanted |= {
        "ball": np.float64,
        "ball_direction": np.float64,
        "ball_rotation": np.float64,
        "sticky_actions": np.uint8,
    }
    assert {key: seen[key].dtype for key in wanted} == {key: np.dtype(kind) for key, kind in wanted.items()}
    numbers = ("ball_owned_team", "ball_owned_player", "active", "designated", "steps_left", "game_mode")
    assert all(type(seen[key]) is int for key in numbers)
