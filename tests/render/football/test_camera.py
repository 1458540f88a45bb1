import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from render.football import camera as football
from render.football import sprites
from render.football.blit import BOOKED, COMPANION, CONTROLLED, KEEPER, PRESENT, SPRINTING
from render.football.camera import PitchCamera, Scene
from render.football.pitch import METRES_X, METRES_Y

SIZES = [(84, 84), (224, 336), (480, 720)]


def scene(
    left: Sequence[tuple[float, float]] = ((-0.95, 0.0), (0.2, 0.1), (0.4, -0.2)),
    right: Sequence[tuple[float, float]] = ((0.95, 0.0), (0.6, 0.15)),
    turns: Sequence[float] = (),
    keepers: tuple[int, int] = (0, 0),
    active: int = 1,
    extra: dict[tuple[int, int], int] | None = None,
    ball: tuple[float, float, float] = (0.0, -0.3, 0.0),
    board: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0),
) -> Scene:
    """One match; `turns` are the left team's directions, `extra` more marks for (team, player)."""
    players, marks = np.zeros((1, 2, 11, 4)), np.zeros((1, 2, 11), np.int64)
    for team, places in enumerate((left, right)):
        for player, place in enumerate(places):
            angle = turns[player] if team == 0 and turns else np.pi * team
            players[0, team, player] = (*place, np.cos(angle), np.sin(angle))
            marks[0, team, player] = PRESENT + KEEPER * (player == keepers[team])
    if active >= 0:
        marks[0, 0, active] |= CONTROLLED
    for (team, player), more in (extra or {}).items():
        marks[0, team, player] |= more
    return Scene(players, marks, np.array([ball]), np.array([board]))


def alone(scenes: Scene, match: int) -> Scene:
    """One match of several."""
    one = slice(match, match + 1)
    return Scene(scenes.players[one], scenes.marks[one], scenes.ball[one], scenes.board[one])


def draw(camera: PitchCamera, **changes: Any) -> np.ndarray:
    return camera.draw(scene(**changes))[0]


def crowd(number: int, seed: int = 0) -> Scene:
    """Matches with everybody anywhere, also outside of the pitch."""
    rng = np.random.default_rng(seed)
    turns = rng.uniform(-7, 7, (number, 2, 11))
    places = rng.uniform((-1.1, -0.5), (1.1, 0.5), (number, 2, 11, 2))
    players = np.concatenate([places, np.cos(turns)[..., None], np.sin(turns)[..., None]], axis=-1)
    marks = rng.integers(0, 2, (number, 2, 11, 6)) @ np.array([1, 2, 4, 8, 16, 32])
    ball = rng.uniform((-1.1, -0.5, 0), (1.1, 0.5, 9), (number, 3))
    return Scene(players, marks, ball, rng.integers(0, 3, (number, 5)))


def colour_at(camera: PitchCamera, frame: np.ndarray, x: float, y: float, ball: tuple[float, float]) -> list[int]:
    column, row = camera.pixel(x, y, ball)
    return [int(value) for value in frame[int(row), int(column)]]


def near(colour: list[int], wanted: tuple[int, int, int], most: int = 30) -> bool:
    return max(abs(a - b) for a, b in zip(colour, wanted, strict=True)) <= most


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("camera_name", football.CAMERAS)
def test_everybody_has_the_team_s_colour_in_the_right_place(size: tuple[int, int], camera_name: str) -> None:
    camera = PitchCamera(size, camera_name)
    cases: tuple[tuple[tuple[float, float], dict[str, Any], tuple[int, int, int]], ...] = (
        ((0.4, -0.2), {}, sprites.LEFT),
        ((0.6, 0.15), {}, sprites.RIGHT),
        ((0.95, 0.0), {}, sprites.RIGHT_KEEPER),
        ((0.4, -0.2), {"keepers": (2, 0)}, sprites.LEFT_KEEPER),
    )
    for (x, y), changes, colour in cases:
        ball = (x - 0.12, y)  # near, so that the camera that follows the ball sees the player
        frame = draw(camera, ball=(*ball, 0.0), **changes)
        assert near(colour_at(camera, frame, x, y, ball), colour), (x, y, colour)


@pytest.mark.parametrize("size", SIZES)
def test_the_ball_is_white_with_a_dark_edge(size: tuple[int, int]) -> None:
    camera = PitchCamera(size, "pitch")
    frame = draw(camera, ball=(0.3, 0.2, 0.0))
    column, row = camera.pixel(0.3, 0.2)
    around = frame[int(row) - 1 : int(row) + 2, int(column) - 1 : int(column) + 2].reshape(-1, 3)
    assert around.max(axis=0).min() >= 250
    reach = int(camera.ball_radius * 1.3 + 2)
    line = frame[int(row), int(column) : int(column) + reach + 1].astype(int).sum(axis=1)
    assert line.min() < 220


def test_pixel_is_metres_to_scale() -> None:
    camera = PitchCamera((480, 720), "pitch", hud=False)
    assert camera.pixel(0, 0) == pytest.approx((360, 240))
    x, y = camera.pixel(0.5, 0.2)
    assert (x - 360) / (y - 240) == pytest.approx(0.5 * METRES_X / (0.2 * METRES_Y))
    # the whole pitch and both goals are in the frame
    assert camera.pixel(-1, 0)[0] - 2.4 * camera.scale > 0
    assert camera.pixel(0, 0.42)[1] < 480


@pytest.mark.parametrize("size", [*SIZES, (720, 1280), (200, 90)])
def test_the_half_camera_shows_the_attacking_half(size: tuple[int, int]) -> None:
    camera = PitchCamera(size, "half")
    for y in (-0.42, 0.0, 0.42):
        for x in (-0.05, 1.04):
            column, row = camera.pixel(x, y, (x, y))
            assert 0 <= column < size[1]
            assert camera.strip <= row < size[0]
    assert camera.pixel(-0.7, 0)[0] < 0


@given(st.floats(-1.1, 1.1), st.floats(-0.45, 0.45))
def test_the_ball_camera_always_sees_the_ball(x: float, y: float) -> None:
    camera = PitchCamera((84, 84), "ball")
    x, y = max(min(x, 1.04), -1.04), max(min(y, 0.44), -0.44)
    column, row = camera.pixel(x, y, (x, y))
    assert 0 <= column < 84
    assert 0 <= row < 84


def test_the_ball_camera_stops_a_little_past_the_lines() -> None:
    camera = PitchCamera((84, 84), "ball")
    assert camera.origin((1.0, 0.0)) == camera.origin((5.0, 0.0))
    assert camera.pixel(1.0, 0.0, (1.0, 0.0))[0] == pytest.approx(84 - football.AROUND * camera.scale, abs=1)
    assert camera.pixel(0.0, 0.0, (0.0, 0.0)) == pytest.approx((42, 42), abs=0.51)


def test_the_ball_moves_right_when_x_grows() -> None:
    camera = PitchCamera((84, 84), "pitch")
    places = []
    for x in np.linspace(0.3, 0.4, 6):
        frame = draw(camera, left=(), right=(), active=-1, ball=(x, 0.15, 0.0)).astype(int)
        white = (frame.min(axis=2) > 200) * frame.min(axis=2)
        white[:, 80:] = 0  # the goal and the lines stay where they are
        white[:50] = 0
        white[55:] = 0
        places.append(float((white.sum(axis=0) * np.arange(84)).sum() / white.sum()))
    assert all(b > a for a, b in itertools.pairwise(places))  # sub-pixel motion shows


def test_height_lifts_the_ball_off_its_shadow() -> None:
    camera = PitchCamera((224, 336), "pitch")
    ground = draw(camera, ball=(0.0, 0.2, 0.0)).astype(int)
    air = draw(camera, ball=(0.0, 0.2, 4.0)).astype(int)
    column, row = (int(value) for value in camera.pixel(0.0, 0.2))
    assert ground[row, column].min() > 250
    assert air[row, column].max() < 110  # the shadow is left
    rise = round(0.8 * 4 * camera.scale)
    assert air[row - rise, column].min() > 250


@pytest.mark.parametrize("size", SIZES)
def test_facing_direction_is_visible(size: tuple[int, int]) -> None:
    camera = PitchCamera(size, "half")
    frames = []
    for turn in range(8):
        frames.append(draw(camera, turns=(0.0, 0.0, turn * np.pi / 4)).astype(int))
    for first in range(8):
        for second in range(first):
            changed = np.abs(frames[first] - frames[second]).max(axis=2) > 60
            assert changed.sum() >= 6, (first, second)
    # the nose is long: facing right, something light is 3 pixels outside the disc
    column, row = camera.pixel(0.4, -0.2, (0.0, -0.3))
    nose = frames[0][int(row), int(column + camera.radius) : int(column + camera.radius + 3)]
    assert (nose[:, 0] > 150).sum() >= 2


def test_the_controlled_player_has_a_ring_that_changes_when_sprinting() -> None:
    camera = PitchCamera((84, 84), "half")

    def count(frame: np.ndarray, colour: tuple[int, int, int]) -> int:
        return int((np.abs(frame.astype(int) - colour).max(axis=2) < 70).sum())

    walk, nobody = draw(camera), draw(camera, active=-1)
    sprint = draw(camera, extra={(0, 1): SPRINTING})
    assert count(walk, sprites.ACTIVE) >= 15 and count(walk, sprites.SPRINTING) == 0
    assert count(sprint, sprites.SPRINTING) >= 10 and count(sprint, sprites.ACTIVE) == 0
    assert count(nobody, sprites.ACTIVE) == count(nobody, sprites.SPRINTING) == 0


def test_the_hud_follows_score_and_clock() -> None:
    camera = PitchCamera((224, 336), "pitch")
    strip = camera.strip
    boards = [(0, 0, 0, 0, 0), (1, 0, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 0, 2, 0), (0, 0, 0, 0, 5), (0, 0, 0, 0, 6)]
    frames = [draw(camera, board=board) for board in boards]
    for one, other in itertools.combinations(frames, 2):
        assert (one[:strip] != other[:strip]).any() and np.array_equal(one[strip:], other[strip:])


def test_a_word_for_which_there_is_no_room_is_left_out() -> None:
    narrow = PitchCamera((160, 90))
    assert np.array_equal(draw(narrow, board=(0, 0, 0, 0, 5)), draw(narrow))


def test_the_hud_is_there_from_160_rows_on() -> None:
    assert PitchCamera((159, 200)).strip == 0
    assert PitchCamera((160, 200)).strip > 0
    assert PitchCamera((84, 84), hud=True).strip > 0
    assert PitchCamera((480, 720), hud=False).strip == 0


def test_frames_are_fresh_and_repeatable() -> None:
    camera = PitchCamera((84, 84), "ball")
    first = draw(camera)
    copy = first.copy()
    second = draw(camera, ball=(0.9, 0.3, 1.0))
    assert first.dtype == np.uint8 and first.shape == (84, 84, 3) and first.flags.c_contiguous
    assert np.array_equal(first, copy)
    second[:] = 0
    assert np.array_equal(draw(camera), copy)
    assert np.array_equal(draw(PitchCamera((84, 84), "ball")), copy)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("camera_name", football.CAMERAS)
def test_draw_of_many_matches_equals_each_match_alone(size: tuple[int, int], camera_name: str) -> None:
    camera, scenes = PitchCamera(size, camera_name), crowd(6)
    frames = camera.draw(scenes)
    each = [PitchCamera(size, camera_name).draw(alone(scenes, match)) for match in range(6)]
    assert np.array_equal(frames, np.concatenate(each))


def test_absent_players_are_not_drawn() -> None:
    camera = PitchCamera((84, 84))
    away = scene()
    away.marks[0, 0, 2] = 0
    two = draw(camera, left=((-0.95, 0.0), (0.2, 0.1)))
    assert np.array_equal(camera.draw(away)[0], two)
    assert (draw(camera) != two).any()


def test_companions_have_a_thin_ring_and_the_right_team_s_players_have_rings_too() -> None:
    camera = PitchCamera((224, 336))

    def changed(extra: dict[tuple[int, int], int]) -> int:
        return int((draw(camera, extra=extra) != draw(camera)).any(axis=2).sum())

    assert 0 < changed({(1, 1): COMPANION}) < changed({(1, 1): CONTROLLED})


def test_large_frames_show_yellow_cards() -> None:
    small, large = PitchCamera((84, 84)), PitchCamera((480, 720))
    assert np.array_equal(draw(small, extra={(0, 2): BOOKED}), draw(small))
    frame = draw(large, extra={(0, 2): BOOKED})
    column, row = large.pixel(0.4, -0.2)
    card = frame[int(row - 0.85 * large.radius), int(column + 0.85 * large.radius)].tolist()
    assert near(card, sprites.CARD)


@pytest.mark.parametrize(("size", "camera_name"), [((84, 84), "ball"), ((224, 336), "pitch")])
def test_frames_equal_the_golden_images(size: tuple[int, int], camera_name: str) -> None:
    marks = {(0, 0): KEEPER, (1, 1): BOOKED, (0, 2): COMPANION}
    frame = draw(PitchCamera(size, camera_name), extra=marks, ball=(0.32, 0.05, 1.5), board=(2, 1, 75, 2, 4))
    golden = Path(__file__).parents[2] / "golden" / f"football_{size[0]}x{size[1]}_{camera_name}.png"
    assert np.array_equal(frame, np.asarray(Image.open(golden)))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(-1.3, 1.3), st.floats(-0.6, 0.6), st.floats(-7, 7)), max_size=11),
    st.tuples(st.floats(-1.3, 1.3), st.floats(-0.6, 0.6), st.floats(0, 40)),
    st.sampled_from(football.CAMERAS),
    st.sampled_from([(84, 84), (61, 173), (97, 33)]),
)
def test_any_scene_can_be_drawn(
    players: list[tuple[float, float, float]], ball: tuple[float, float, float], name: str, size: tuple[int, int]
) -> None:
    places = [player[:2] for player in players]
    angles = [player[2] for player in players]
    drawn = draw(
        PitchCamera(size, name),
        left=places,
        right=places[:2],
        turns=angles,
        active=len(players) - 1,
        ball=ball,
        board=(3, 12, 10_000, 2, 6),
    )
    assert drawn.shape == (*size, 3)


def test_refusals_say_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="camera 'tv' is unknown: choose one of pitch, half, ball"):
        PitchCamera((84, 84), "tv")
    with pytest.raises(ValueError, match="size 20x84 is too small"):
        PitchCamera((20, 84))
