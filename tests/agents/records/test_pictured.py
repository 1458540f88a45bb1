"""Failures keep their images first, in the order of the starts."""

from itertools import permutations

import numpy as np
import pytest

from agents.episodes.episode import Episode, Start, Turn
from agents.records.pictured import keep_images
from envs.task.reply import Reply
from envs.task.task import Observation

PICTURE = np.zeros((4, 4, 3), np.uint8)


def episodes(outcomes: str) -> list[Episode]:
    """One episode for each letter: + is a success."""
    turn = Turn(Observation(PICTURE, "", more=(PICTURE,)), "", "", Reply("", "", ()), 0.0, "")
    return [
        Episode(Start(0, 0, number), [turn], success=letter == "+", final=Observation(PICTURE, ""))
        for number, letter in enumerate(outcomes)
    ]


def pictured(played: list[Episode]) -> list[int]:
    return sorted(one.start.group for one in played if one.pictured)


@pytest.mark.parametrize(
    ("outcomes", "count", "kept"),
    [
        ("++-+-+--+-", 4, [0, 2, 4, 6]),  # three failures, and a quarter for successes
        ("++++-+++", 4, [0, 1, 2, 4]),  # successes take the places that failures leave
        ("--------", 4, [0, 1, 2, 3]),
        ("-+-", 9, [0, 1, 2]),
        ("-+-", 0, []),
        ("+-", 1, [1]),
    ],
)
def test_failures_keep_their_images_first(outcomes: str, count: int, kept: list[int]) -> None:
    played = episodes(outcomes)
    keep_images(played, count)
    assert pictured(played) == kept
    for one in played:
        images = [*one.turns[0].observation.images, *([one.final.image] if one.final else [])]
        assert len(images) == (3 if one.pictured else 0)


def test_the_choice_does_not_depend_on_the_order_of_ends() -> None:
    for order in permutations(range(5)):
        played = episodes("-+-+-")
        keep_images([played[number] for number in order], 3)
        assert pictured(played) == [0, 2, 4]
