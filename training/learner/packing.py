"""Trajectories → packed micro-batches for every rank: pure, and the same on every rank.

A sequence is never cut. Like lengths go together (attention over equal lengths is quickest), the work is spread evenly,
and every rank gets equally many micro-batches: FSDP's ranks gather each layer together, pass by pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """What a trajectory costs."""

    tokens: int
    patches: int
    """Vision patches of its images."""

    @property
    def work(self) -> int:
        """One number to balance by."""
        return self.tokens + self.patches


@dataclass(frozen=True)
class MicroBatch:
    """One forward pass of one rank."""

    items: tuple[int, ...]
    """Which trajectories."""
    filler: int | None = None
    """One more that is computed but not learned from, so that the rank keeps step: where it has nothing left, or only
    text while another rank has images (the vision tower is sharded too)."""


def plan(
    sizes: Sequence[Size], max_tokens: int, max_patches: int, ranks: int = 1, lanes: int = 1
) -> list[list[MicroBatch]]:
    """Micro-batches by rank.

    Args:
        sizes: of the trajectories.
        max_tokens: tokens in a micro-batch at most; a trajectory that has more is one of its own. Fillers come on top.
        max_patches: the same for vision patches.
        ranks: processes that share the work.
        lanes: micro-batches that a rank computes side by side.

    Returns:
        For each rank equally many micro-batches. Every trajectory is in exactly one of them. The i-th micro-batches of
        all ranks are of about equal work, and either all have an image or none has.
    """
    if not sizes:
        return [[] for _ in range(ranks)]
    order = sorted(range(len(sizes)), key=lambda i: (sizes[i].tokens, sizes[i].patches, i))
    chunks = _cut(order, sizes, max_tokens, max_patches, ranks * lanes)
    chunks.sort(key=lambda chunk: -_work(chunk, sizes))
    shortest = min(order, key=lambda i: sizes[i].work)
    pictured = min((i for i in order if sizes[i].patches), key=lambda i: sizes[i].work, default=None)
    result: list[list[MicroBatch]] = [[] for _ in range(ranks)]
    done = [0] * ranks
    for start in range(0, len(chunks), ranks):
        together = chunks[start : start + ranks] + [[]] * (start + ranks - len(chunks))
        images = [any(sizes[i].patches for i in chunk) for chunk in together]
        least_first = sorted(range(ranks), key=lambda rank: done[rank])
        for rank, chunk, has_image in zip(least_first, together, images, strict=True):
            filler = None
            if any(images) and not has_image:
                filler = pictured
            elif not chunk:
                filler = shortest
            result[rank].append(MicroBatch(tuple(chunk), filler))
            done[rank] += _work(chunk, sizes)
    return result


def _work(chunk: Sequence[int], sizes: Sequence[Size]) -> int:
    return sum(sizes[i].work for i in chunk)


def _cut(
    order: Sequence[int], sizes: Sequence[Size], max_tokens: int, max_patches: int, multiple: int
) -> list[list[int]]:
    """`order` in runs within the bounds: as few as there can be, but a multiple; of those, the most even ones."""

    def runs(cap: int) -> list[list[int]]:
        """Runs of at most `cap` work, each as long as it can be."""
        cut: list[list[int]] = []
        tokens = patches = 0
        for i in order:
            size = sizes[i]
            tokens, patches = tokens + size.tokens, patches + size.patches
            if not cut or tokens > max_tokens or patches > max_patches or tokens + patches > cap:
                cut.append([])
                tokens, patches = size.tokens, size.patches
            cut[-1].append(i)
        return cut

    low, high = max(size.work for size in sizes), _work(order, sizes)
    count = -(-len(runs(high)) // multiple) * multiple
    while low < high:  # the smallest cap that needs no more than `count` runs
        middle = (low + high) // 2
        if len(runs(middle)) <= count:
            high = middle
        else:
            low = middle + 1
    return runs(low)
