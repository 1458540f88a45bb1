"""The Gymnasium env `kickoff/Sokoban-v0`, a thin wrapper around the rules."""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from configs.errors import suggest
from envs.sokoban import rules
from envs.sokoban.board import UNKNOWN, text_of
from envs.sokoban.expert import Expert, up_to_push
from envs.sokoban.games import DIRECTIONS, Games, Settings, pair
from render.draw.window import Window
from render.sokoban import RoomView

Frame = NDArray[np.uint8]


class SokobanEnv(gymnasium.Env[Any, Any]):
    """Push every box onto a target.

    ## Description
    The env has the rules and rewards of gym-sokoban (github.com/mpSchrader/gym-sokoban). Levels are newly generated,
    Boxoban's (github.com/google-deepmind/boxoban-levels), or a given map. The player pushes a box by walking against
    it, one box at a time. Boxes cannot be pulled.

    ## Action Space
    `Discrete(4)`: 0 up, 1 down, 2 left, 3 right. A box ahead is pushed. With `actions=9`, the space is gym-sokoban's
    `Discrete(9)`: 0 wait, 1-4 push up, down, left, right (a move if there is no box), 5-8 move in the same directions
    without pushing.

    ## Observation Space
    `observation="pixels"`: `Box` uint8 [H, W, 3] (`image_size`). `"text"`: the map in Boxoban's symbols (`#` wall, `@`
    player, `+` player on target, `$` box, `*` box on target, `.` target), which is also `info["text"]`.

    ## Rewards
    −0.1 per step, +1 for a box pushed onto a target, −1 for a box pushed off its target, +10 when all boxes are on
    targets.

    ## Starting State
    `reset(seed=…)` determines the level: a new one, one from the files, or always the given map. In rooms of up to 64
    cells (8x8), training, validation and test seeds never give the same new level: levels are drawn until one belongs
    to the seed's split (`envs.task.splits`), and `reset()` without a seed gives a training level. Larger rooms have too
    many levels to repeat, and given levels have no splits.

    ## Episode End
    Terminated when solved (or deadlocked, with `end_on_deadlock`). Truncated after `max_steps`.

    ## Arguments
    - `room`: (rows, columns), 6 to 13 each. `boxes`: 1 to 5. `preset`: one of gym-sokoban's names, such as
      "Sokoban-small-v0", which replaces both.
    - `levels`: None for new levels, the path of a text file (Boxoban's or XSB) or of a folder of them (any split), or a
      map (text of several lines). Every level is checked when the file is opened. `boxes` and `difficulty` have no
      effect. `room` grows to the size of the largest level, and smaller levels are centred.
    - `in_order`: play the levels one after the other instead of at random. The seed modulo 2²⁹ selects the level,
      modulo the number of levels. `reset()` without a seed continues with the next level. A vector env continues with
      the next level that none of its games has begun.
    - `difficulty`: difficulty of new levels, 0 to 1, measured by the smallest number of pushes.
    - `observation`, `image_size` (height, width), `actions`, `end_on_deadlock`: see above.
    - `max_steps`: maximum number of steps, or a multiple of the level's fewest moves, such as "3x" (rounded up). It is
      then 120 for a level whose fewest moves are unknown.
    - `plan`: extent of `expert_plan`: "whole", or "push", which ends after the next push and further pushes in the same
      direction.
    - `render_mode`: "rgb_array", "rgb_array_list" (frames since the last call) or "human". `render_size`:
      (height, width) of rendered frames.

    `info` holds `success`, `kind` (the size: `10x10, 4 boxes`), `text`, `legal_actions` (those that change the state),
    `state_hash` (of the map), `feedback`, `deadlock` (provably unsolvable: a box can no longer reach a target),
    `level` (number among the given levels, from 0, or −1 for a new level), `optimal_pushes` and `optimal_moves` of the
    level, and `score`. The optimal numbers are −1 if the solver reached its limit, which happens only for given levels.
    `score` is the score so far of Sokoban-Global (MageBench, arXiv 2412.04531): 100 + 5 · (a − b), where a
    is the highest sum of rewards in the first 50 actions, at least 0, and b is the sum of the optimal plan. It is NaN
    if b is unknown.

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
        max_steps: int | str = 120,
        end_on_deadlock: bool = False,
        in_order: bool = False,
        plan: str = "whole",
        render_mode: str | None = None,
        render_size: tuple[int, int] = (480, 480),
    ) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(suggest("render_mode", render_mode, self.metadata["render_modes"]))
        settings = Settings(
            room, boxes, levels, preset, observation, image_size, actions, difficulty, max_steps, end_on_deadlock,
            in_order, plan,
        )  # fmt: skip
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
        """Start an episode, as described in the class docstring."""
        super().reset(seed=seed)
        self.games.begin(0, self.np_random, seed)
        self._frames = []
        self._film()
        info = self.games.info(0)
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
        info = games.info(0)
        reward = int(games.state[0, rules.TENTHS]) / 10
        return self._observation(info), reward, bool(terminated[0]), bool(truncated[0]), info

    def render(self) -> Any:
        """Return the frame, or the list of frames since the last call, depending on `render_mode`."""
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
        """Close the window if it is open."""
        self._window.close()

    def expert_plan(self, most: int) -> list[int]:
        """Return at most `most` of the expert's next actions, but always at least one."""
        board = self.games.boards[0]
        plan = self._expert.plan(board)
        plan = (plan if self.games.settings.plan == "whole" else up_to_push(board, plan, run=True))[:most]
        return (plan if self._actions == 4 else [way + 1 for way in plan]) or [0]

    def expert_action(self) -> int:
        """Return the first action of the expert's plan, or 0 if it found no plan."""
        return self.expert_plan(1)[0]

    def expert_progress(self) -> float | None:
        """Return 1 − the fewest remaining moves / the fewest moves of the level, or None for an unsolvable position.

        The progress is 0 at the start and 1 in a solved position. It is negative after a detour away from the solution,
        and always 0 in a given level whose fewest moves are unknown.
        """
        state, moves = self.games.state[0], int(self.games.levels[0, 2])
        if state[rules.COVERED] == state[rules.BOXES]:
            return 1.0
        if moves == UNKNOWN:
            return 0.0
        plan = [] if state[rules.DEADLOCK] else self._expert.plan(self.games.boards[0])
        return 1 - len(plan) / moves if plan else None

    def expert_thought(self, form: str = "word") -> str:
        """Return the expert's reasoning in a form of `TaskConfig.think`.

        - `word`: the intention, push or walk, or lost in an unsolvable position.
        - `transcript`: the map without its outer walls, such as `-@#-/--$./----/-#--`. A floor is `-`, and `/`
          separates rows.
        - `work`: the transcript, then the moves up to the next push, such as `:left down right`.
        """
        board = self.games.boards[0]
        rows = [row[1:-1] for row in text_of(board).splitlines()[1:-1]]
        transcript = "/".join(rows).replace(" ", "-")
        if form == "transcript":
            return transcript
        plan = self._expert.plan(board)
        moves = up_to_push(board, plan)
        word = "lost" if not plan else "push" if len(moves) == 1 else "walk"
        work = f"{transcript}:{' '.join(DIRECTIONS[way] for way in moves) or word}"
        return {"word": word, "work": work}[form]

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
