"""Films of episodes: every frame, with what was thought and done as captions."""

from collections.abc import Sequence

from agents.episodes import Episode
from render.canvas import Frame
from render.video import captioned

LAST_FRAMES = 8
"""So many times is an episode's last frame shown, with how it ended."""


def film(episode: Episode, label: str, number: int) -> list[Frame]:
    """The frames of a filmed episode, uint8 [H + band, W, 3]: none where it was not filmed.

    Args:
        episode: played with `film`.
        label: who played.
        number: the episode's place among the held-out ones, from 0.
    """
    frames: list[Frame] = []
    shown = 0
    title = f"{label} · held-out episode {number + 1}"
    for turn, count in zip(episode.turns, episode.frames_a_turn, strict=False):
        thought = f"thinks: {turn.reply.thinking}" if turn.reply.thinking else ""
        action = f"plays: {turn.reply.answer}" if turn.reply.valid else f"invalid: {turn.words}"
        # An invalid reply moves nothing, and is shown all the same.
        moved = episode.frames[shown : shown + count] or episode.frames[shown - 1 : shown]
        frames += [captioned(frame, title, [action, thought], rows=2) for frame in moved]
        shown += count
    if frames:
        outcome = "success" if episode.success else f"no success ({episode.ended})"
        frames += [captioned(episode.frames[-1], title, [outcome], rows=2)] * LAST_FRAMES
    return frames


def films(episodes: Sequence[Episode], label: str) -> list[Frame]:
    """The films of all filmed episodes, one after another."""
    return [frame for number, episode in enumerate(episodes) for frame in film(episode, label, number)]
