import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from render import football, footballers
from render.football import PitchCamera, Scene
from render.pitch import METRES_X, METRES_Y

SIZES = [(84, 84), (224, 336), (480, 720)]


def unit(angle: float) -> list[float]:
    return [float(np.cos(angle)), float(np.sin(angle))]


def scene(**changes: object) -> Scene:
    basic = Scene(
        left=np.array([[-0.95, 0.0], [0.2, 0.1], [0.4, -0.2]]),
        left_direction=np.array([[1.0, 0.0]] * 3),
        right=np.array([[0.95, 0.0], [0.6, 0.15]]),
        right_direction=np.array([[-1.0, 0.0]] * 2),
        left_keeper=0,
        right_keeper=0,
        active=1,
        sprinting=False,
        ball=np.array([0.0, -0.3, 0.0]),
        score=(0, 0),
        seconds=0.0,
    )
    return basic._replace(**changes)  # type: ignore[arg-type]


def colour_at(camera: PitchCamera, frame: np.ndarray, x: float, y: float, ball: tuple[float, float]) -> list[int]:
    column, row = camera.pixel(x, y, ball)
    return [int(value) for value in frame[int(row), int(column)]]


def near(colour: list[int], wanted: tuple[int, int, int], most: int = 30) -> bool:
    return max(abs(a - b) for a, b in zip(colour, wanted, strict=True)) <= most


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("camera_name", football.CAMERAS)
def test_everybody_has_the_team_s_colour_in_the_right_place(size: tuple[int, int], camera_name: str) -> None:
    camera = PitchCamera(size, camera_name)
    for (x, y), changes, colour in (
        ((0.4, -0.2), {}, footballers.LEFT),
        ((0.6, 0.15), {}, footballers.RIGHT),
        ((0.95, 0.0), {}, footballers.RIGHT_KEEPER),
        ((0.4, -0.2), {"left_keeper": 2}, footballers.LEFT_KEEPER),
    ):
        ball = (x - 0.12, y)  # near, so that the camera that follows the ball sees the player
        frame = camera.draw(scene(ball=np.array([*ball, 0.0]), **changes))
        assert near(colour_at(camera, frame, x, y, ball), colour), (x, y, colour)


@pytest.mark.parametrize("size", SIZES)
def test_the_ball_is_white_with_a_dark_edge(size: tuple[int, int]) -> None:
    camera = PitchCamera(size, "pitch")
    frame = camera.draw(scene(ball=np.array([0.3, 0.2, 0.0])))
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
    empty = np.zeros((0, 2))
    bare = scene(left=empty, left_direction=empty, right=empty, right_direction=empty, active=-1, left_keeper=-1)
    bare = bare._replace(right_keeper=-1, ball=np.array([0.3, 0.15, 0.0]))
    places = []
    for x in np.linspace(0.3, 0.4, 6):
        frame = camera.draw(bare._replace(ball=np.array([x, 0.15, 0.0]))).astype(int)
        white = (frame.min(axis=2) > 200) * frame.min(axis=2)
        white[:, 80:] = 0  # the goal and the lines stay where they are
        white[:50] = 0
        white[55:] = 0
        places.append(float((white.sum(axis=0) * np.arange(84)).sum() / white.sum()))
    assert all(b > a for a, b in itertools.pairwise(places))  # sub-pixel motion shows


def test_height_lifts_the_ball_off_its_shadow() -> None:
    camera = PitchCamera((224, 336), "pitch")
    ground = camera.draw(scene(ball=np.array([0.0, 0.2, 0.0]))).astype(int)
    air = camera.draw(scene(ball=np.array([0.0, 0.2, 4.0]))).astype(int)
    column, row = (int(value) for value in camera.pixel(0.0, 0.2))
    assert ground[row, column].min() > 250
    assert air[row, column].max() < 110  # the shadow is left
    rise = round(0.8 * 4 * camera.scale)
    assert air[row - rise, column].min() > 250


@pytest.mark.parametrize("size", SIZES)
def test_facing_shows(size: tuple[int, int]) -> None:
    camera = PitchCamera(size, "half")
    frames = []
    for turn in range(8):
        directions = np.array([[1.0, 0.0], [1.0, 0.0], unit(turn * np.pi / 4)])
        frames.append(camera.draw(scene(left_direction=directions)).astype(int))
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

    walk, sprint, nobody = (camera.draw(scene(sprinting=s, active=a)) for s, a in ((False, 1), (True, 1), (False, -1)))
    assert count(walk, footballers.ACTIVE) >= 15 and count(walk, footballers.SPRINTING) == 0
    assert count(sprint, footballers.SPRINTING) >= 10 and count(sprint, footballers.ACTIVE) == 0
    assert count(nobody, footballers.ACTIVE) == count(nobody, footballers.SPRINTING) == 0


def test_the_hud_follows_score_and_clock() -> None:
    camera = PitchCamera((224, 336), "pitch")
    strip = camera.strip
    first = camera.draw(scene())
    goal = camera.draw(scene(score=(1, 0)))
    later = camera.draw(scene(seconds=1.0))
    assert np.array_equal(camera.draw(scene(seconds=0.9)), first)
    assert (goal[:strip] != first[:strip]).any() and np.array_equal(goal[strip:], first[strip:])
    assert (later[:strip] != goal[:strip]).any()


def test_the_hud_is_there_from_160_rows_on() -> None:
    assert PitchCamera((159, 200)).strip == 0
    assert PitchCamera((160, 200)).strip > 0
    assert PitchCamera((84, 84), hud=True).strip > 0
    assert PitchCamera((480, 720), hud=False).strip == 0


def test_frames_are_fresh_and_repeatable() -> None:
    camera = PitchCamera((84, 84), "ball")
    first = camera.draw(scene())
    copy = first.copy()
    second = camera.draw(scene(ball=np.array([0.9, 0.3, 1.0])))
    assert first.dtype == np.uint8 and first.shape == (84, 84, 3) and first.flags.c_contiguous
    assert np.array_equal(first, copy)
    second[:] = 0
    assert np.array_equal(camera.draw(scene()), copy)
    assert np.array_equal(PitchCamera((84, 84), "ball").draw(scene()), copy)


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
    positions = np.array([player[:2] for player in players]).reshape(-1, 2)
    facing = np.array([unit(player[2]) for player in players]).reshape(-1, 2)
    drawn = PitchCamera(size, name).draw(
        Scene(
            positions, facing, positions[:2], facing[:2], -1, -1, len(players) - 1, True, np.array(ball), (3, 12), 1e4
        )
    )
    assert drawn.shape == (*size, 3)


def test_refusals_say_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="camera 'tv' is unknown: choose one of pitch, half, ball"):
        PitchCamera((84, 84), "tv")
    with pytest.raises(ValueError, match="size 20x84 is too small"):
        PitchCamera((20, 84))


def test_drawing_is_fast() -> None:
    camera = PitchCamera((224, 336))
    frame = scene()
    camera.draw(frame)
    best = min(_seconds(camera, frame) for _ in range(5))
    assert 50 / best > 1000  # on a loaded machine; a quiet one draws some 8,000 frames a second


def _seconds(camera: PitchCamera, frame: Scene) -> float:
    start = time.perf_counter()
    for _ in range(50):
        camera.draw(frame)
    return time.perf_counter() - start
