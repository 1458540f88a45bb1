from .episode import Episode, Turn
from .reading import read_episodes
from .video import write_video
from .writing import EpisodeWriter

__all__ = [
    "Episode",
    "EpisodeWriter",
    "Turn",
    "read_episodes",
    "write_video",
]
