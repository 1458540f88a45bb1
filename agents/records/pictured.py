"""Choice of the held-out episodes that keep their images for the record: failures first, then successes."""

from collections.abc import Iterable

from agents.episodes.episode import Episode

SUCCESSES = 1 / 4
"""Fraction of the places for successes, to compare with. Either kind takes the places that the other leaves."""


class Pictured:
    """Collector of finished episodes that drops the images of those beyond its number of places.

    Of each kind, the first starts keep their images, in whatever order the episodes end.

    Args:
        count: Number of episodes that keep their images.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._failed: list[Episode] = []
        self._solved: list[Episode] = []

    def add(self, episode: Episode) -> None:
        """Add a finished episode. It or an earlier one loses its images if no place is left."""
        (self._solved if episode.success else self._failed).append(episode)
        if len(self._failed) + len(self._solved) <= self.count:
            return
        reserved = int(self.count * SUCCESSES)
        full = self._solved if len(self._solved) > reserved else self._failed
        full.sort(key=lambda one: one.start.group)
        full.pop().drop_images()


def keep_images(episodes: Iterable[Episode], count: int) -> None:
    """Drop the images of all but `count` episodes."""
    places = Pictured(count)
    for episode in episodes:
        places.add(episode)
