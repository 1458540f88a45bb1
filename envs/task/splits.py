"""Splits of items by content: training, validation and test seeds never give the same item.

Where an env has few distinct items, held-out seeds alone can repeat items of training. Such an env draws items until
one belongs to the split of the seed. A hash of the item's content decides its split.
"""

import hashlib
from collections.abc import Callable
from typing import Final, Literal, TypeVar

T = TypeVar("T")

Split = Literal["train", "validation", "test"]

VALIDATION_FIRST: Final = 2**30
"""First env seed of the validation split. Training seeds are below."""
TEST_FIRST: Final = 2**30 + 2**29
"""First env seed of the test split."""
DRAWS: Final = 1000
"""Maximum number of draws for an item of a split."""


def split_of_seed(seed: int) -> Split:
    """Return the split that an env seed belongs to."""
    if seed < VALIDATION_FIRST:
        return "train"
    return "validation" if seed < TEST_FIRST else "test"


def split_of_item(content: str | bytes) -> Split:
    """Return the split that an item belongs to: 70% of all items train, 10% validate, 20% test."""
    content = content.encode() if isinstance(content, str) else content
    tenth = hashlib.blake2b(content, digest_size=8).digest()[0] * 10 // 256
    return "train" if tenth < 7 else "validation" if tenth < 8 else "test"


def draw_of_split(draw: Callable[[], T], content: Callable[[T], str | bytes], split: Split, settings: str) -> T:
    """Draw items until one belongs to a split.

    Args:
        draw: Returns the next item of the env's seeded generator.
        content: Returns the content of an item. Items of equal content belong to the same split.
        split: Split of the item.
        settings: Env arguments that limit the items, as `key=value`, for the error.

    Returns:
        The first item of the split.

    Raises:
        ValueError: None of `DRAWS` items belongs to the split.
    """
    for _ in range(DRAWS):
        item = draw()
        if split_of_item(content(item)) == split:
            return item
    raise ValueError(
        f"{settings}: {DRAWS} draws gave no {split} item; change these settings so that there are more distinct items"
    )
