from .episode import Episode, EpisodeWriter, Turn, read_episodes
from .video import write_video

__all__ = [
    "Episode",
    "EpisodeWriter",
    "Turn",
    "read_episodes",
    "write_video",
]
