"""Creates docs/football.gif: held-out episodes before and after training, side by side.

python docs/picture.py runs/football/checkpoint
"""

import asyncio
import sys
from itertools import zip_longest
from pathlib import Path

import numpy as np
from PIL import Image

from agents.episodes.episode import Episode
from agents.episodes.runner import EpisodeRunner
from agents.episodes.starts import TEST_FIRST, held_out_starts
from agents.records.films import film
from envs.task.task import Task
from render.records.video import write_video
from training.compare.resolve import participants
from training.config.compose import load

EPISODES = 40
"""Number of held-out episodes to choose from."""


async def play(model: str) -> list[Episode]:
    """Play the first held-out episodes of football with frames for a video."""
    config = load(["env=football"])
    task = Task("football", config.tasks["football"])
    (player,) = participants([model], config)
    player.check(config.tasks)
    await player.open()
    try:
        return await EpisodeRunner(task).play(
            held_out_starts(TEST_FIRST, EPISODES), player.policy("football"), film=EPISODES
        )
    finally:
        await player.close()


def main(checkpoint: str) -> None:
    """Write a video of the first held-out episodes that only the trained model wins."""
    before, after = (asyncio.run(play(model)) for model in ("tiny", checkpoint))
    won = [number for number in range(EPISODES) if after[number].success and not before[number].success][:3]
    frames = []
    for number in won:
        films = [list(film(before[number], "before")), list(film(after[number], "after"))]
        last = [clip[-1] for clip in films]
        for pair in zip_longest(*films):
            shown = [frame if frame is not None else last[side] for side, frame in enumerate(pair)]
            small = [np.asarray(Image.fromarray(frame).resize((420, 338), Image.Resampling.LANCZOS)) for frame in shown]
            frames.append(np.concatenate(small, axis=1))
    write_video(Path(__file__).with_name("football.gif"), frames, fps=10)


if __name__ == "__main__":
    main(sys.argv[1])
