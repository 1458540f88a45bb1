"""The Gymnasium env `kickoff/Football-v0`, a thin wrapper around the rules."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from configs.errors import suggest
from envs.football import expert
from envs.football.engine.match import MATCH, RUNNING, TIME_UP, Matches
from envs.football.game import Game, frame_size
from envs.football.observations import mirrored
from envs.football.rewards import Ledgers
from envs.football.scene import see
from envs.football.transcript import transcribe
from render.draw.window import Window
from render.football.camera import PitchCamera

_GOING = np.ones(1, np.bool_)


class FootballEnv(gymnasium.Env[Any, Any]):
    """Football seen from above: Google Research Football's scenarios on a new, compiled engine.

    ## Description
    The env has the pitch, actions, step length, observations, rewards and scenarios of GRF
    (github.com/google-research/football), from academy drills to full games. The agent controls one player of the left
    team, which attacks to the right, or several players (`control`). A pass moves control to its receiver. The receiver
    runs to meet the pass automatically, as the player nearest to any free ball does (not while sprint and dribble are
    both held). All other players are rule-based.

    A kick leaves 3 to 6 steps after it is pressed, in the held direction, or else in the facing direction. Pressed
    without the ball, it is kept for up to 2 s and played at the first touch. As in GRF, a pass goes to a teammate near
    that direction, and a shot to the goal, nearer to a post the more the direction points away from its middle. Both
    have a random error, which grows with the angle that the player turns for them.

    ## Action Space
    `Discrete(19)`, `engine.match.Action`: 0 idle, 1-8 left, top_left, top, top_right, right, bottom_right,
    bottom, bottom_left, 9 long_pass, 10 high_pass, 11 short_pass, 12 shot, 13 sprint, 14 release_direction,
    15 release_sprint, 16 sliding, 17 dribble, 18 release_dribble. Directions, sprint and dribble are sticky: they last
    until replaced or released. Sprint has priority over dribble. With several players, the space is
    `MultiDiscrete([19] * n)`, left players first. For players of the right team, observations, actions and texts are
    rotated by 180 degrees, so that every player attacks to the right.

    ## Observation Space
    The observation is the view of the controlled player. With several players, it has a leading axis, or is a tuple for
    `"text"` and `"raw"`.

    - `"pixels"`: `Box` uint8 [H, W, 3] (`image_size`, `camera`). A ring marks the controlled player.
    - `"raw"`: GRF's `Dict`, with positions in GRF's units and directions per step.
    - `"simple115v2"`: `Box` float32 [115], in GRF's order.
    - `"smm"`: `Box` uint8 [72, 96, 4] with the layers left team, right team, ball and active player.
    - `"text"`: the state as text, which is also `info["text"]`.

    ## Rewards
    - `"scoring"`: +1 for a goal, −1 for a goal against.
    - `"scoring,checkpoints"`: also ten checkpoint rewards of 0.1, each at most once per episode, while the player has
      the ball. Checkpoint k = 0…9 requires d ≤ 0.99 − (0.8 / 9) k, where d is the ball's distance from (1, 0) in GRF's
      units. A goal earns all remaining checkpoints.
    - `"magebench"`: MageBench's Football-Online score (`envs.football.rewards`), for one left player only.

    With several players, the env reward is the mean over the left players, and `info["rewards"]` holds each player's
    reward.

    ## Starting State
    The scenario's positions, shifted by uniform noise within ±`start_noise` (GRF's units). One shift applies to the
    ball and all field players, and a further shift of 0.3 times this range to each field player. A kick-off has no
    noise, and the team that kicks off is random. `reset(seed=…)` determines the start.

    ## Episode End
    Academy drills terminate with a goal, with the ball out of play, or (except academy_corner) when the ball changes
    teams, in either direction. They are truncated after 400 steps of 0.1 s (3000 in academy_single_goal_versus_lazy).
    1_vs_1_easy is truncated after 500 steps, other games after 3000.

    ## Arguments
    - `scenario`: a name in `envs.football.scenarios.SCENARIOS`.
    - `observation`: see above. `image_size`: (height, width). `camera`: "pitch", "half" or "ball".
    - `frame_skip`: number of steps for which an action is held. A kick is not repeated. Rewards are summed.
    - `hold_until_changed`: hold a repeated direction for up to ten steps while the path is clear, as in MageBench.
    - `control`: number of controlled left players, or (left, right).
    - `difficulty`: difficulty of the right team, 0 to 1. None selects the scenario's own: 0.6 in the academy, and 0.05,
      0.6 and 0.95 in the easy, standard and hard full game.
    - `start_noise`, `rewards`: see above.
    - `render_mode`: "rgb_array", "rgb_array_list" or "human". The list has one frame per 0.1 s, including skipped
      steps, and `render()` returns each frame once. `render_size`: (height, width) of rendered frames.

    `info` holds `success` (the left team has scored, or has won a full game), `kind` (the scenario), `text`,
    `legal_actions`, `state_hash` (of the match and the reward ledger), `feedback` (text about the last event), `score`,
    `ball_owned_team` (−1 none, 0 left, 1 right), `active`, `steps_left`, `game_mode` (GRF's: 0 normal, 1 kick-off,
    2 goal kick, 3 free kick, 4 corner, 5 throw-in, 6 penalty) and `magebench` (MageBench's score so far). `text` and
    `active` are those of the first player.

    ## Version History
    v0: all scenarios of GRF, and `breakaway`.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array", "rgb_array_list", "human"], "render_fps": 10}

    def __init__(
        self,
        scenario: str = "academy_run_to_score_with_keeper",
        observation: str = "pixels",
        image_size: tuple[int, int] = (224, 336),
        camera: str = "pitch",
        frame_skip: int = 1,
        hold_until_changed: bool = False,
        control: int | Sequence[int] = 1,
        difficulty: float | None = None,
        start_noise: float = 0.06,
        rewards: str = "scoring",
        render_mode: str | None = None,
        render_size: tuple[int, int] = (480, 720),
    ) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(suggest("render_mode", render_mode, self.metadata["render_modes"]))
        self.game = Game(
            *(scenario, observation, image_size, camera, frame_skip, hold_until_changed),
            *(control, difficulty, start_noise, rewards),
        )
        self.render_mode = render_mode
        self.observation_space = self.game.observer.space
        self.action_space = self.game.action_space
        self._render_camera: PitchCamera | None = None
        if render_mode is not None:
            self._render_camera = PitchCamera(frame_size("render_size", render_size), camera)
        films = render_mode in ("rgb_array_list", "human")
        self._reel: Matches = np.zeros(self.game.longest if films else 0, MATCH)
        self._frames: list[NDArray[np.uint8]] = []
        self._window = Window(self.metadata["render_fps"])
        self._decided: tuple[bytes, list[int]] = b"", []
        self.matches: Matches
        self.ledgers: Ledgers
        self.matches, self.ledgers = self.game.start(np.random.default_rng(0))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode, as described in the class docstring."""
        super().reset(seed=seed)
        self.matches, self.ledgers = self.game.start(self.np_random)
        self._frames = []
        if len(self._reel):
            self._film(self.matches)
        rewards, played = np.zeros((1, len(self.game.seats))), np.zeros(1, np.int64)
        return self._observation(), self.game.info(self.matches, self.ledgers, rewards, played)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Hold an action for `frame_skip` steps of 0.1 s or until the episode ends."""
        keys = self.game.keys(action, 1)
        rewards, played = self.game.play(self.matches, self.ledgers, keys, _GOING, self._reel)
        if len(self._reel):
            self._film(self._reel[: played[0]])
        ended = int(self.matches[0]["ended"])
        info = self.game.info(self.matches, self.ledgers, rewards, played)
        reward = float(self.game.reward(rewards)[0])
        return self._observation(), reward, ended not in (RUNNING, TIME_UP), ended == TIME_UP, info

    def render(self) -> Any:
        """Return the frame, or the list of frames since the last call, depending on `render_mode`."""
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
        """Close the window if it is open."""
        self._window.close()

    def expert_action(self) -> Any:
        """Return the expert's action without changing the state. Return an array for several players."""
        state = self.matches.tobytes()
        if self._decided[0] != state:
            skip, seats = self.game.frame_skip, self.game.seats.tolist()
            self._decided = state, [expert.decide(self.matches, skip, team, slot) for team, slot in seats]
        actions = np.array(self._decided[1])
        right = self.game.seats[:, 0] == 1
        actions[right] = mirrored(actions[right])
        return int(actions[0]) if len(actions) == 1 else actions

    def expert_thought(self, form: str = "word") -> str:
        """Return the expert's reasoning in a form of `TaskConfig.think`, for the first player.

        - `word`: one or two words that name the intention: shoot, pass, chase, sprint, run or line up.
        - `transcript`: the picture in at most twelve digits (`envs.football.transcript`).
        - `work`: the transcript, a colon and the intention, such as `3555856551:run`.
        """
        team, slot = self.game.seats[0].tolist()
        transcript = transcribe(self.matches[0], team, slot)
        if form == "transcript":
            return transcript
        self.expert_action()
        word = expert.thought(self.matches[0], self._decided[1][0])
        return {"word": word, "work": f"{transcript}:{word}"}[form]

    def _observation(self) -> Any:
        return self.game.observer.look(self.matches)[0]

    def _film(self, moments: Matches) -> None:
        """Store or show a frame of each moment."""
        assert self._render_camera is not None
        for frame in self._render_camera.draw(see(moments)):
            if self.render_mode == "rgb_array_list":
                self._frames.append(frame)
            else:
                self._show(frame)

    def _show(self, frame: NDArray[np.uint8]) -> None:
        self._window.show(frame)
