"""Films of episodes: every frame, with what was thought and done as captions."""

from collections.abc import Sequence

from agents.episodes import Episode
from render.canvas import Frame
from render.video import captioned, enlarged

HEIGHT = 480
"""Rows up to which small frames are enlarged, so that captions can be read."""
SHORT = 40
"""Characters of thinking that fit one line."""
LEAST_FRAMES = 5
"""So long is a turn shown at least: half a second, longer where there is more to read."""
MOST_FRAMES = 40
"""But not longer for its words' sake."""
LAST_FRAMES = 8
"""So many times is an episode's last frame shown, with how it ended."""


def film(episode: Episode, label: str, number: int, rows: int = 2) -> list[Frame]:
    """The frames of a filmed episode, uint8 [H + band, W, 3], small ones enlarged: none where it was not filmed.

    Args:
        episode: played with `film`.
        label: who played.
        number: the episode's place among the held-out ones, from 0.
        rows: lines of captions: one for the action, the others for the thinking.
    """
    frames: list[Frame] = []
    shown = 0
    title = f"{label} · held-out episode {number + 1}"
    for turn, count in zip(episode.turns, episode.frames_a_turn, strict=False):
        thought = f"thinks: {turn.reply.thinking}" if turn.reply.thinking else ""
        action = f"plays: {turn.reply.answer}" if turn.reply.valid else f"invalid: {turn.words}"
        # An invalid reply moves nothing, and is shown all the same.
        moved = episode.frames[shown : shown + count] or episode.frames[shown - 1 : shown]
        captions = [captioned(enlarged(frame, HEIGHT), title, [action, thought], rows) for frame in moved]
        least = min(max(LEAST_FRAMES, len(thought) // 8), MOST_FRAMES)
        frames += captions + captions[-1:] * (least - len(captions))
        shown += count
    if frames:
        outcome = "success" if episode.success else f"no success ({episode.ended})"
        frames += [captioned(enlarged(episode.frames[-1], HEIGHT), title, [outcome], rows)] * LAST_FRAMES
    return frames


def films(episodes: Sequence[Episode], label: str) -> list[Frame]:
    """The films of all filmed episodes, one after another; with more room where somebody thinks long."""
    thoughts = [len(turn.reply.thinking) for episode in episodes if episode.frames for turn in episode.turns]
    rows = 2 if max(thoughts, default=0) <= SHORT else 6
    return [frame for number, episode in enumerate(episodes) for frame in film(episode, label, number, rows)]
