"""Videos of episodes: frames with thinking and actions as captions, generated lazily."""

from collections.abc import Iterator, Sequence

import numpy as np

from agents.episodes.episode import Episode
from agents.episodes.runner import FILM_FRAMES
from render.draw.canvas import Frame
from render.records.video import captioned, enlarged

HEIGHT = 480
"""Rows up to which small frames are enlarged, so that captions are readable."""
SHORT = 40
"""Maximum number of characters of thinking on one line."""
LEAST_FRAMES = 5
"""Minimum number of frames per turn: half a second. Turns with more text are longer."""
MOST_FRAMES = 40
"""Maximum number of frames added to a turn because of its text."""
LAST_FRAMES = 8
"""Number of repetitions of an episode's last frame, shown with the result."""


def film(episode: Episode, label: str, rows: int = 2) -> Iterator[Frame]:
    """Yield the frames of an episode's video, uint8 [H + band, W, 3], with small frames enlarged.

    Yields nothing if no video was recorded.

    Args:
        episode: episode played with `film`, from a held-out start.
        label: name of the policy.
        rows: number of caption lines: one for the action, the others for the thinking.
    """
    if not episode.frames:
        return
    shown = 0
    title = f"{label} · held-out episode {episode.start.group + 1}"
    room = max(1, FILM_FRAMES // max(1, len(episode.turns)))
    for turn, count in zip(episode.turns, episode.frames_a_turn, strict=True):
        thought = f"thinks: {turn.reply.thinking}" if turn.reply.thinking else ""
        action = f"plays: {turn.reply.answer}" if turn.reply.valid else f"invalid: {turn.words}"
        # An invalid reply changes nothing but is still shown.
        moved = episode.frames[shown : shown + count] or [episode.frames[max(shown - 1, 0)]]
        shown += count
        first = enlarged(moved[0], HEIGHT)
        band = captioned(first, title, [action, thought], rows)[len(first) :]
        least = min(max(LEAST_FRAMES, len(thought) // 8), MOST_FRAMES, room)
        for frame in moved + moved[-1:] * (least - len(moved)):
            yield np.concatenate([enlarged(frame, HEIGHT), band])
    outcome = "success" if episode.success else f"no success ({episode.ended})"
    last = captioned(enlarged(episode.frames[-1], HEIGHT), title, [outcome], rows)
    for _ in range(LAST_FRAMES):
        yield last


def films(episodes: Sequence[Episode], label: str) -> Iterator[Frame]:
    """Yield the videos of all recorded episodes, one after another, with more caption lines if any thinking is long."""
    thoughts = [len(turn.reply.thinking) for episode in episodes if episode.frames for turn in episode.turns]
    rows = 2 if max(thoughts, default=0) <= SHORT else 6
    for episode in episodes:
        yield from film(episode, label, rows)
