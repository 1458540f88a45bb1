"""`kickoff/Sokoban-v0`: a thin Gymnasium shell around the rules."""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from configs.errors import suggest
from envs.sokoban import rules
from envs.sokoban.expert import Expert, step
from envs.sokoban.games import Games, Settings, pair
from render.draw.window import Window
from render.sokoban import RoomView

Frame = NDArray[np.uint8]


class SokobanEnv(gymnasium.Env[Any, Any]):
    """Push every box onto a target.

    ## Description
    gym-sokoban's rules and rewards (github.com/mpSchrader/gym-sokoban), on new levels, Boxoban's
    (github.com/google-deepmind/boxoban-levels) or a map of one's own. A box is pushed by walking against it, one at a
    time, and never pulled.

    ## Action Space
    `Discrete(4)`: 0 up, 1 down, 2 left, 3 right; a box ahead is pushed. With `actions=9` gym-sokoban's nine: 0 wait,
    1-4 push up, down, left, right (a move where there is nothing to push), 5-8 move the same ways, never pushing.

    ## Observation Space
    `observation="pixels"`: `Box` uint8 [H, W, 3] (`image_size`). `"text"`: the map in Boxoban's symbols (`#` wall, `@`
    player, `+` player on target, `$` box, `*` box on target, `.` target), which is also `info["text"]`.

    ## Rewards
    −0.1 a step, +1 a box onto a target, −1 a box off its target, +10 when all boxes are on targets.

    ## Starting State
    A level under `reset(seed=…)`: a new one, one of the files, or always the map.

    ## Episode End
    Terminated when solved (or dead-locked, with `end_on_deadlock`). Truncated after `max_steps`.

    ## Arguments
    - `room`: (rows, columns), 6 to 13 each. `boxes`: 1 to 5. `preset`: one of gym-sokoban's names, such as
      "Sokoban-small-v0", instead of both.
    - `levels`: None for new levels; a Boxoban text file, or a folder of them (any split); or a map (text of several
      lines). With levels, `room` is what they must fit into; `boxes` and `difficulty` are not used.
    - `difficulty`: of new levels, 0 to 1, by the fewest pushes that solve them.
    - `observation`, `image_size` (height, width), `actions`: see above. `max_steps`, `end_on_deadlock`: see above.
    - `render_mode`: "rgb_array", "rgb_array_list" (frames since the last call) or "human". `render_size`:
      (height, width) of rendered frames.

    `info` has `success`, `kind` (the size: `10x10, 4 boxes`), `text`, `legal_actions` (those that change something),
    `state_hash` (of the map), `feedback`, `deadlock` (certainly lost: a box can no longer reach a target),
    `optimal_pushes` and `optimal_moves` of the level (−1 where the solver met its limit, which happens to given levels
    only), and `score`, Sokoban-Global's (MageBench, arXiv 2412.04531) so far: 100 + 5 · (highest sum of rewards in the
    first 50 actions, at least 0, − that of the optimal plan); NaN where that is unknown.

    ## Version History
    v0: first version.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array", "rgb_array_list", "human"], "render_fps": 8}

    def __init__(
        self,
        room: tuple[int, int] = (10, 10),
        boxes: int = 4,
        levels: str | None = None,
        preset: str | None = None,
        observation: str = "pixels",
        image_size: tuple[int, int] = (160, 160),
        actions: int = 4,
        difficulty: float = 0.5,
        max_steps: int = 120,
        end_on_deadlock: bool = False,
        render_mode: str | None = None,
        render_size: tuple[int, int] = (480, 480),
    ) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(suggest("render_mode", render_mode, self.metadata["render_modes"]))
        settings = Settings(
            room, boxes, levels, preset, observation, image_size, actions, difficulty, max_steps, end_on_deadlock
        )
        self.games = Games(settings, 1)
        self.observation_space, self.action_space = settings.spaces()
        self.render_mode = render_mode
        self._actions = actions
        self._going = np.ones(1, np.bool_)
        self._played = np.zeros(1, np.int64)
        self._expert = Expert()
        self._picture = (
            None if render_mode is None else RoomView(1, *self.games.source.room, pair("render_size", render_size))
        )
        self._frames: list[Frame] = []
        self._window = Window(self.metadata["render_fps"])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode; see the class docstring."""
        super().reset(seed=seed)
        self.games.begin(0, self.np_random)
        self._frames = []
        self._film()
        info = {key: values[0] for key, values in self.games.tell().items()}
        return self._observation(info), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Make one move."""
        games = self.games
        if not 0 <= action < self._actions:
            raise ValueError(f"action must be one of 0 to {self._actions - 1}, got {action!r}")
        self._played[0] = action
        games.play(self._played, self._going)
        if self._picture is not None:
            self._film()
        terminated, truncated = games.ends()
        info = {key: values[0] for key, values in games.tell().items()}
        reward = int(games.state[0, rules.TENTHS]) / 10
        return self._observation(info), reward, bool(terminated[0]), bool(truncated[0]), info

    def render(self) -> Any:
        """The frame, or the list of frames since the last call, as `render_mode` says."""
        if self._picture is None:
            gymnasium.logger.warn("render() needs a render_mode: gymnasium.make(id, render_mode='rgb_array')")
            return None
        if self.render_mode == "rgb_array_list":
            frames, self._frames = self._frames, []
            return frames
        if self.render_mode == "rgb_array":
            return self._picture.draw(self.games.boards)[0].copy()
        return None

    def close(self) -> None:
        """Close the window, if it is open."""
        self._window.close()

    def expert_plan(self, most: int) -> list[int]:
        """The expert's next actions, `most` at most; never none."""
        plan = self._expert.plan(self.games.boards[0])[:most]
        return (plan if self._actions == 4 else [way + 1 for way in plan]) or [0]

    def expert_action(self) -> int:
        """The first move of a plan with the fewest moves; 0 in a position that is lost."""
        return self.expert_plan(1)[0]

    def expert_thought(self) -> str:
        """What the expert is about, in a word."""
        board = self.games.boards[0]
        plan = self._expert.plan(board)
        if not plan:
            return "lost"
        return "push" if step(board.copy(), plan[0]) else "walk"

    def _observation(self, info: dict[str, Any]) -> Any:
        view = self.games.view
        return info["text"] if view is None else view.draw(self.games.boards)[0].copy()

    def _film(self) -> None:
        if self._picture is None or self.render_mode == "rgb_array":
            return
        frame = self._picture.draw(self.games.boards)[0].copy()
        if self.render_mode == "rgb_array_list":
            self._frames.append(frame)
            return
        self._window.show(frame)
