"""`kickoff/Football-v0`: a thin Gymnasium shell around the rules."""

import hashlib
from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.football import expert
from envs.football.match import (
    HALF_LENGTH,
    LEFT_GOAL,
    MAX_PLAYERS,
    METRES_X,
    METRES_Y,
    RIGHT_GOAL,
    RUNNING,
    TIME_UP,
    Action,
    Matches,
)
from envs.football.rules import advance
from envs.football.scenarios import find, start
from envs.football.scene import see
from envs.football.words import describe
from envs.names import suggest
from render.football import PitchCamera

Frame = NDArray[np.uint8]

OBSERVATIONS: Final = ("pixels", "text")
REWARDS: Final = ("scoring", "scoring,checkpoints")
CHECKPOINTS: Final = 10
CHECKPOINT_REWARD: Final = 0.1
LONGEST_TEXT: Final = 2000


class FootballEnv(gymnasium.Env[Any, Any]):
    """Football against rule-following players, seen from above.

    ## Description
    Google Research Football's academy scenarios with its pitch, actions, step and rewards (GRF,
    github.com/google-research/football), on an engine of our own. You control one player of the left team, which
    attacks to the right; a pass hands control to its receiver, who meets the ball by himself, as the controlled player
    does with a free ball within 3 m. Shots and passes leave along the direction in which the player *faces*, with a
    little help and error: line up before you shoot. Opponents chase and tackle; the keeper covers the goal, comes out
    and dives.

    ## Action Space
    `Discrete(19)`, `envs.football.match.Action`: 0 idle, 1-8 left, top_left, top, top_right, right, bottom_right,
    bottom, bottom_left, 9 long_pass, 10 high_pass, 11 short_pass, 12 shot, 13 sprint, 14 release_direction,
    15 release_sprint, 16 sliding, 17 dribble, 18 release_dribble. Directions, sprint and dribble stay on until they are
    replaced or released.

    ## Observation Space
    `observation="pixels"`: `Box` uint8 [H, W, 3] (`image_size`, `camera`). `"text"`: the state in words, which is also
    `info["text"]`.

    ## Rewards
    `"scoring"`: +1 a goal, −1 a goal against. `"scoring,checkpoints"`: also ten of 0.1, once an episode, while the
    controlled player has the ball: the k-th at d ≤ 0.99 − (0.8 / 9) k, k = 0…9, d the ball's distance from (1, 0) in
    GRF's units; a goal pays the rest.

    ## Starting State
    The scenario's places, shifted by uniform noise within ±`start_noise` (GRF's units): ball and field players
    together, and each field player alone by 0.3 of it. The right keeper is up to 2 m off the middle of its goal and
    leans to that side from then on. All of it is drawn under `reset(seed=…)`.

    ## Episode End
    Terminated by a goal, the ball out of play, or the right team winning the ball. Truncated after 400 steps of 0.1 s.

    ## Arguments
    - `scenario`: a name of `envs.football.scenarios.SCENARIOS`.
    - `observation`: "pixels" or "text". `image_size`: (height, width). `camera`: "pitch", "half" or "ball".
    - `frame_skip`: steps an action is held (a kick is not repeated); their rewards are summed.
    - `difficulty`: of the opponents, 0 to 1 (GRF's default for them is 0.6). `start_noise`, `rewards`: see above.
    - `render_mode`: "rgb_array", "rgb_array_list" (one frame every 0.1 s, skipped steps too; `render()` hands them out
      once) or "human". `render_size`: (height, width) of rendered frames.

    `info` has `success` (left has scored), `text`, `legal_actions`, `state_hash` (of the whole match record), `score`,
    `ball_owned_team` (−1 nobody, 0 left, 1 right), `active`, `steps_left`, `game_mode` (0, normal play).

    ## Version History
    v0: academy scenarios.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array", "rgb_array_list", "human"], "render_fps": 10}

    def __init__(
        self,
        scenario: str = "academy_run_to_score_with_keeper",
        observation: str = "pixels",
        image_size: tuple[int, int] = (224, 336),
        camera: str = "pitch",
        frame_skip: int = 1,
        difficulty: float = 0.6,
        start_noise: float = 0.06,
        rewards: str = "scoring",
        render_mode: str | None = None,
        render_size: tuple[int, int] = (480, 720),
    ) -> None:
        if observation not in OBSERVATIONS:
            raise ValueError(suggest("observation", observation, OBSERVATIONS))
        if rewards not in REWARDS:
            raise ValueError(f"unknown rewards {rewards!r}. Known: {' | '.join(REWARDS)}")
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(suggest("render_mode", render_mode, self.metadata["render_modes"]))
        if not isinstance(frame_skip, int) or frame_skip < 1:
            raise ValueError(f"frame_skip must be at least 1 and a whole number, got {frame_skip!r}")
        if not 0.0 <= difficulty <= 1.0:
            raise ValueError(f"difficulty must be between 0 and 1, got {difficulty}")
        if not 0.0 <= start_noise <= 0.5:
            raise ValueError(f"start_noise must be between 0 and 0.5, got {start_noise}")
        self.scenario = find(scenario)
        self.frame_skip = frame_skip
        self.difficulty = difficulty
        self.start_noise = start_noise
        self.render_mode = render_mode
        self._checkpoints = "checkpoints" in rewards
        self._camera: PitchCamera | None = None
        if observation == "pixels":
            height, width = _size("image_size", image_size)
            self._camera = PitchCamera((height, width), camera)
            self.observation_space = spaces.Box(0, 255, (height, width, 3), np.uint8)
        else:
            self.observation_space = spaces.Text(LONGEST_TEXT, charset=_CHARSET)
        self.action_space = spaces.Discrete(len(Action))
        self._render_camera = None if render_mode is None else PitchCamera(_size("render_size", render_size), camera)
        self._frames: list[Frame] = []
        self._window: Any = None
        self._decided = b"", 0
        self.matches: Matches = start(self.scenario, np.random.default_rng(0), 0.0, difficulty)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode; see the class docstring."""
        super().reset(seed=seed)
        self.matches = start(self.scenario, self.np_random, self.start_noise, self.difficulty)
        self._frames = []
        self._film()
        info = self._info()
        return self._observation(info), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Hold an action for `frame_skip` steps of 0.1 s, or until the episode ends."""
        held = int(action)
        if not 0 <= held < len(Action):
            raise ValueError(f"action must be one of 0 to {len(Action) - 1}, got {action!r}")
        m = self.matches[0]
        reward = 0.0
        actions = np.zeros((1, 2, MAX_PLAYERS), np.int64)
        for _ in range(self.frame_skip):
            actions[0, 0, 0] = held
            advance(self.matches, actions, 1, _GOING)
            if m["kicked"][0, 0]:
                held = 0
            reward += self._reward(m)
            self._film()
            if m["ended"] != RUNNING:
                break
        ended = int(m["ended"])
        info = self._info()
        return self._observation(info), reward, ended not in (RUNNING, TIME_UP), ended == TIME_UP, info

    def render(self) -> Any:
        """The frame, or the list of frames since the last call, as `render_mode` says."""
        if self._render_camera is None:
            gymnasium.logger.warn("render() needs a render_mode: gymnasium.make(id, render_mode='rgb_array')")
            return None
        if self.render_mode == "rgb_array_list":
            frames, self._frames = self._frames, []
            return frames
        if self.render_mode == "rgb_array":
            return self._render_camera.draw(see(self.matches))[0]
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def expert_action(self) -> int:
        """The expert's action in the current state, which it leaves as it is."""
        state = self.matches.tobytes()
        if self._decided[0] != state:
            self._decided = state, expert.decide(self.matches, self.frame_skip)
        return self._decided[1]

    def expert_thought(self) -> str:
        """What the expert is about, in a word or two."""
        return expert.thought(self.matches[0], self.expert_action())

    def _reward(self, m: np.void) -> float:
        ended = int(m["ended"])
        reward = 1.0 if ended == LEFT_GOAL else -1.0 if ended == RIGHT_GOAL else 0.0
        if self._checkpoints:
            reward += CHECKPOINT_REWARD * self._new_checkpoints(m)
        return reward

    def _new_checkpoints(self, m: np.void) -> int:
        """How many checkpoints the last step earned; they are marked as paid."""
        paid = int(m["checkpoints"])
        earned = paid
        if m["ended"] == LEFT_GOAL:
            earned = CHECKPOINTS
        elif m["ball_owned_team"] == 0 and m["ball_owned_player"] == m["active"]:
            x, y, _ = m["ball"].tolist()
            distance = float(np.hypot((x - HALF_LENGTH) / METRES_X, y / METRES_Y))
            while earned < CHECKPOINTS and distance <= 0.99 - 0.8 / (CHECKPOINTS - 1) * earned:
                earned += 1
        m["checkpoints"] = earned
        return earned - paid

    def _observation(self, info: dict[str, Any]) -> Any:
        return info["text"] if self._camera is None else self._camera.draw(see(self.matches))[0]

    def _info(self) -> dict[str, Any]:
        m = self.matches[0]
        left_score, right_score = m["score"].tolist()
        return {
            "success": left_score > 0,
            "text": describe(m),
            "legal_actions": list(range(len(Action))),
            "state_hash": hashlib.blake2b(self.matches.tobytes(), digest_size=16).hexdigest(),
            "score": (left_score, right_score),
            "ball_owned_team": int(m["ball_owned_team"]),
            "active": int(m["active"]),
            "steps_left": int(m["steps_left"]),
            "game_mode": int(m["game_mode"]),
        }

    def _film(self) -> None:
        if self._render_camera is None or self.render_mode == "rgb_array":
            return
        frame = self._render_camera.draw(see(self.matches))[0]
        if self.render_mode == "rgb_array_list":
            self._frames.append(frame)
        else:
            self._show(frame)

    def _show(self, frame: Frame) -> None:
        if self._window is None:
            from render.window import Window

            self._window = Window((frame.shape[0], frame.shape[1]), "Kickoff", self.metadata["render_fps"])
        self._window.show(frame)


def _size(name: str, size: Any) -> tuple[int, int]:
    """(height, width), also from a YAML list."""
    if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(isinstance(side, int) for side in size):
        raise ValueError(f"{name} must be two whole numbers, (height, width), got {size!r}")
    return size[0], size[1]


_GOING: Final = np.ones(1, np.bool_)
_CHARSET: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;:()'/-")
