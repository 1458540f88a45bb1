"""Creates docs/worlds/*.gif: animations of the envs, played by their experts.

python docs/worlds.py
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

import envs  # noqa: F401
from render.draw.images import fit
from render.draw.page import page
from render.records.video import captioned, write_video

OUT = Path(__file__).with_name("worlds")
Frame = NDArray[np.uint8]


def football(scenario: str, camera: str, steps: int, seed: int = 0) -> Iterator[Frame]:
    """Yield the frames of a match, at 10 frames per second.

    Args:
        scenario: Name of the scenario.
        camera: Name of the camera.
        steps: Maximum number of steps.
        seed: Seed of the match.
    """
    env = gymnasium.make(
        "kickoff/Football-v0", scenario=scenario, image_size=(240, 360), camera=camera, observation="pixels"
    )
    frame, _ = env.reset(seed=seed)
    for _ in range(steps):
        yield frame
        player: Any = env.unwrapped
        frame, _, terminated, truncated, _ = env.step(player.expert_action())
        if terminated or truncated:
            break
    yield from [frame] * 8


def sokoban(**kwargs: Any) -> Iterator[Frame]:
    """Yield the frames of the solution of a level."""
    env = gymnasium.make("kickoff/Sokoban-v0", image_size=(240, 240), **kwargs)
    frame, _ = env.reset(seed=4)
    yield from [frame] * 4
    over = False
    while not over:
        player: Any = env.unwrapped
        frame, _, terminated, truncated, _ = env.step(player.expert_action())
        yield frame
        over = terminated or truncated
    yield from [frame] * 6


def questions(id: str, seeds: range, hold: int, **kwargs: Any) -> Iterator[Frame]:
    """Yield frames of questions with their images, if any, followed by the answers.

    Args:
        id: Gymnasium id of the env.
        seeds: Seeds of the questions.
        hold: Number of frames of each question.
        kwargs: Further arguments of the env.
    """
    env = gymnasium.make(id, **kwargs)
    for seed in seeds:
        observation, _ = env.reset(seed=seed)
        asked: Any = env.unwrapped
        if isinstance(observation, dict):
            picture, text = observation["image"], observation["text"]
        else:
            picture, text = page(observation, (200, 336)), ""
        answer = f"answer: {asked.expert_action()}"
        lines = wrap(text, 44)[:3]
        for said in [""] * hold + [answer] * (hold // 2 + 1):
            yield captioned(picture, said, lines, rows=3)


def wrap(text: str, width: int) -> list[str]:
    """Return the text as lines of at most `width` characters."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def foreign(id: str, actions: str, **kwargs: Any) -> Iterator[Frame]:
    """Yield frames of a third-party env.

    Args:
        id: Gymnasium id of the env.
        actions: Actions as digits.
        kwargs: Further arguments of the env.
    """
    env = gymnasium.make(id, render_mode="rgb_array", **kwargs)
    env.reset(seed=0)
    for action in [None, *actions]:
        if action is not None:
            env.step(int(action))
        frame: Any = env.render()
        yield from [fit(frame, (240, 240))] * 4
    env.close()


FILMS = {
    "football_11_vs_11": (lambda: football("11_vs_11_stochastic", "pitch", 260), 10),
    "football_academy": (lambda: football("academy_3_vs_1_with_keeper", "half", 120), 10),
    "sokoban": (lambda: sokoban(room=(10, 10), boxes=4), 8),
    "geometry": (lambda: questions("kickoff/Geometry-v0", range(8), 3, image_size=(240, 336), depth=2), 1.5),
    "visual": (lambda: questions("kickoff/Visual-v0", range(12), 3, image_size=(240, 336)), 1.5),
    "reasoning": (lambda: questions("kickoff/Reasoning-v0", range(8), 3), 1.5),
    "frozen_lake": (lambda: foreign("FrozenLake-v1", "112212", is_slippery=False), 8),
}


def main() -> None:
    """Write all animations."""
    for name, (frames, fps) in FILMS.items():
        path = write_video(OUT / f"{name}.gif", frames(), fps)
        print(f"{path.name}: {path.stat().st_size / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
