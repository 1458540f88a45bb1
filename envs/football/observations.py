"""Observations: pixels, text, or Google Research Football's arrays.

Each observation is the view of a seat (team, slot). As in GRF, the right team sees the pitch rotated by 180 degrees, so
that every player attacks to the right. Sources: gfootball/env/{football_env,wrappers,observation_preprocessing,
observation_rotation}.py and third_party/gfootball_engine/src/onthepitch/match.cpp (`GetState`).
"""

from typing import Any, Final

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from configs.errors import suggest
from envs.football.engine.match import MAX_PLAYERS, METRES_X, METRES_Y, STEP, Matches
from envs.football.scene import Seats, see
from envs.football.words import describe
from envs.texts import SharedText
from render.draw.jit import njit
from render.football.camera import MODES, PitchCamera

OBSERVATIONS: Final = ("pixels", "raw", "simple115v2", "smm", "text")
LONGEST_TEXT: Final = 4000
"""Maximum length of a text observation, in characters."""
FEATURES: Final = 115
"""Length of a `simple115v2` observation."""
SMM: Final = (72, 96, 4)
"""Rows, columns and layers of the minimap. The layers are left team, right team, ball and active player."""
SMM_HALF_WIDTH: Final = 1.0 / 2.25
"""Largest |y| covered by the minimap, in GRF's units."""
FARTHEST: Final = 100.0
"""Bound on the absolute value of numbers in observations."""
_CHARSET: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;:()'/-")


class Observer:
    """Converter from matches to observations of one kind, for one or several seats."""

    def __init__(
        self,
        kind: str,
        seats: Seats,
        players: tuple[int, int],
        steps: int,
        image_size: tuple[int, int],
        camera: str,
    ) -> None:
        """Create an observer.

        Args:
            kind: One of `OBSERVATIONS`.
            seats: [K, 2] team and slot. If K > 1, observations have a leading axis K or are tuples of length K.
            players: Number of players of the left and of the right team.
            steps: Length of a match in steps.
            image_size: (height, width) of images, in pixels.
            camera: Camera mode of images.

        Raises:
            ValueError: If the kind or the camera is unknown, or if the image is too small.
        """
        if kind not in OBSERVATIONS:
            raise ValueError(suggest("observation", kind, OBSERVATIONS))
        self.kind = kind
        self.seats = seats
        self._camera = PitchCamera(image_size, camera) if kind == "pixels" else None
        several = () if len(seats) == 1 else (len(seats),)
        self.space: spaces.Space[Any]
        if kind == "pixels":
            self.space = spaces.Box(0, 255, (*several, *image_size, 3), np.uint8)
        elif kind == "smm":
            self.space = spaces.Box(0, 255, (*several, *SMM), np.uint8)
        elif kind == "simple115v2":
            self.space = spaces.Box(-FARTHEST, FARTHEST, (*several, FEATURES), np.float32)
        else:
            own = [players[::-1] if team else players for team in seats[:, 0]]
            each = [words_space() if kind == "text" else raw_space(*counts, steps) for counts in own]
            self.space = spaces.Tuple(each) if several else each[0]

    def look(self, matches: Matches) -> Any:
        """Return the observations of N matches: an array [N, …], or a list of length N for `text` and `raw`."""
        number, views = len(matches), len(self.seats)
        if self._camera is not None:
            seen: NDArray[Any] = self._camera.draw(see(matches, self.seats))
        elif self.kind == "smm":
            seen = np.zeros((number * views, *SMM), np.uint8)
            _minimaps(matches, self.seats, seen)
        elif self.kind == "simple115v2":
            seen = np.empty((number * views, FEATURES), np.float32)
            _features(matches, self.seats, seen)
        else:
            tell = describe if self.kind == "text" else raw
            told = [tuple(tell(m, team, slot) for team, slot in self.seats.tolist()) for m in matches]
            return [view if views > 1 else view[0] for view in told]
        return seen if views == 1 else seen.reshape(number, views, *seen.shape[1:])


def words_space() -> spaces.Text:
    """Return the space of `text` observations."""
    return SharedText(LONGEST_TEXT, charset=_CHARSET)


def raw_space(left: int, right: int, steps: int) -> spaces.Dict:
    """Return the space of `raw` observations.

    Args:
        left: Number of players of the observer's team, which is shown on the left.
        right: Number of players of the other team.
        steps: Length of a match in steps.
    """

    def numbers(*shape: int) -> spaces.Box:
        return spaces.Box(-FARTHEST, FARTHEST, shape, np.float64)

    def flags(length: int, kind: Any) -> spaces.Box:
        return spaces.Box(0, 1, (length,), kind)

    fields: dict[str, spaces.Space[Any]] = {}
    for team, count in (("left_team", left), ("right_team", right)):
        fields |= {
            team: numbers(count, 2),
            f"{team}_direction": numbers(count, 2),
            f"{team}_tired_factor": spaces.Box(0, 1, (count,), np.float64),
            f"{team}_yellow_card": flags(count, np.bool_),
            f"{team}_active": flags(count, np.bool_),
            f"{team}_roles": spaces.Box(0, 9, (count,), np.int64),
        }
    nobody: spaces.Discrete[Any] = spaces.Discrete(MAX_PLAYERS + 1, start=-1)
    return spaces.Dict(
        fields
        | {
            "ball": numbers(3),
            "ball_direction": numbers(3),
            "ball_rotation": numbers(3),
            "ball_owned_team": spaces.Discrete(3, start=-1),
            "ball_owned_player": nobody,
            "active": nobody,
            "designated": nobody,
            "sticky_actions": flags(10, np.uint8),
            "score": spaces.Box(0, 10_000, (2,), np.int64),
            "steps_left": spaces.Discrete(steps + 1),
            "game_mode": spaces.Discrete(len(MODES)),
        }
    )


def raw(m: np.void, team: int, slot: int) -> dict[str, Any]:
    """Return GRF's observation dictionary, with its dtypes.

    Positions are in GRF's units and the ball's height is in metres. Directions and rotation are per step.

    Args:
        m: Match record.
        team: Team of the observer, 0 for left, 1 for right.
        slot: Control slot of the observer.
    """
    sign = -1.0 if team else 1.0
    across = sign / np.array((METRES_X, METRES_Y))
    around = np.array((*across, 1.0))
    seen: dict[str, Any] = {}
    for name, side in (("left_team", team), ("right_team", 1 - team)):
        count = int(m["players"][side])
        seen |= {
            name: m["position"][side, :count] * across,
            f"{name}_direction": m["velocity"][side, :count] * (across * STEP),
            f"{name}_tired_factor": m["tired"][side, :count].astype(np.float64),
            f"{name}_yellow_card": m["yellow"][side, :count] > 0,
            f"{name}_active": m["present"][side, :count] > 0,
            f"{name}_roles": m["role"][side, :count].astype(np.int64),
        }
    owner = int(m["ball_owned_team"])
    sticky = m["sticky"][team, slot]
    return seen | {
        "ball": m["ball"] * around,
        "ball_direction": m["ball_velocity"] * (around * STEP),
        "ball_rotation": m["ball_rotation"].astype(np.float64),
        "ball_owned_team": owner if owner < 0 else owner ^ team,
        "ball_owned_player": int(m["ball_owned_player"]),
        "active": int(m["slot"][team, slot]),
        "designated": int(m["designated"][team]),
        "sticky_actions": (np.concatenate([np.roll(sticky[:8], 4 * team), sticky[8:]]) > 0).astype(np.uint8),
        "score": m["score"][[team, 1 - team]],
        "steps_left": int(m["steps_left"]),
        "game_mode": int(m["game_mode"]),
    }


@njit
def _features(matches: Matches, seats: Seats, out: NDArray[np.float32]) -> None:
    """Fill `out` [N · K, 115] with `simple115v2` observations.

    The layout is left positions 22 and directions 22, right positions 22 and directions 22 (-1 for unused players),
    ball position 3 and direction 3, owner of the ball 3 (none, left, right), active player 11, game mode 7.
    """
    for index in range(len(out)):
        m = matches[index // len(seats)]
        side, seat = seats[index % len(seats), 0], seats[index % len(seats), 1]
        sign = 1.0 - 2.0 * side
        row = out[index]
        for team in range(2):
            first = 44 * (team ^ side)
            count = m.players[team]
            for player in range(count):
                row[first + 2 * player] = sign * m.position[team, player, 0] / METRES_X
                row[first + 2 * player + 1] = sign * m.position[team, player, 1] / METRES_Y
                row[first + 22 + 2 * player] = sign * m.velocity[team, player, 0] * STEP / METRES_X
                row[first + 22 + 2 * player + 1] = sign * m.velocity[team, player, 1] * STEP / METRES_Y
            row[first + 2 * count : first + 22] = -1.0
            row[first + 22 + 2 * count : first + 44] = -1.0
        row[88] = sign * m.ball[0] / METRES_X
        row[89] = sign * m.ball[1] / METRES_Y
        row[90] = m.ball[2]
        row[91] = sign * m.ball_velocity[0] * STEP / METRES_X
        row[92] = sign * m.ball_velocity[1] * STEP / METRES_Y
        row[93] = m.ball_velocity[2] * STEP
        row[94:] = 0.0
        owner = m.ball_owned_team
        row[94 + (0 if owner < 0 else 1 + (owner ^ side))] = 1.0
        row[97 + m.slot[side, seat]] = 1.0
        row[108 + m.game_mode] = 1.0


@njit
def _mark(layer: NDArray[np.uint8], x: float, y: float) -> None:
    """Set the pixel at (x, y), in GRF's units, to 255. Points outside are moved to the edge."""
    column = int((x + 1.0) / 2.0 * SMM[1])  # truncated towards zero, as in GRF
    row = int((y + SMM_HALF_WIDTH) / (2.0 * SMM_HALF_WIDTH) * SMM[0])
    layer[max(0, min(SMM[0] - 1, row)), max(0, min(SMM[1] - 1, column))] = 255


@njit
def _minimaps(matches: Matches, seats: Seats, out: NDArray[np.uint8]) -> None:
    """Draw GRF's "super mini map" into `out` [N · K, 72, 96, 4], which must be zero."""
    for index in range(len(out)):
        m = matches[index // len(seats)]
        side, seat = seats[index % len(seats), 0], seats[index % len(seats), 1]
        sign = 1.0 - 2.0 * side
        for team in range(2):
            for player in range(m.players[team]):
                x, y = sign * m.position[team, player, 0] / METRES_X, sign * m.position[team, player, 1] / METRES_Y
                _mark(out[index, :, :, team ^ side], x, y)
        _mark(out[index, :, :, 2], sign * m.ball[0] / METRES_X, sign * m.ball[1] / METRES_Y)
        active = m.slot[side, seat]
        x, y = sign * m.position[side, active, 0] / METRES_X, sign * m.position[side, active, 1] / METRES_Y
        _mark(out[index, :, :, 3], x, y)


def mirrored(actions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return actions with directions rotated by 180 degrees, for the right team's view."""
    turned: NDArray[np.int64] = np.where((actions >= 1) & (actions <= 8), (actions + 3) % 8 + 1, actions)
    return turned
