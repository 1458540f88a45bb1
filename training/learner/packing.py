"""Packing of trajectories into micro-batches: a pure function with the same result on every rank.

Sequences are never split. Sequences of similar length share a micro-batch, since attention over equal lengths is
fastest. The work is balanced over the ranks. All ranks get the same number of micro-batches, since FSDP gathers each
layer on all ranks together.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Size of a trajectory."""

    tokens: int
    patches: int
    """Number of vision patches of its images."""

    @property
    def work(self) -> int:
        """Cost used for balancing: tokens plus patches."""
        return self.tokens + self.patches


@dataclass(frozen=True)
class MicroBatch:
    """Trajectories of one forward pass on one rank."""

    items: tuple[int, ...]
    """Indices of the trajectories."""
    filler: int | None = None
    """Index of an extra trajectory that is computed but not learned from. It keeps the ranks in step if this one has no
    trajectory left, or only text while another rank has images (the vision tower is sharded too)."""


def plan(
    sizes: Sequence[Size], max_tokens: int, max_patches: int, ranks: int = 1, lanes: int = 1
) -> list[list[MicroBatch]]:
    """Return the micro-batches of each rank.

    Args:
        sizes: Sizes of the trajectories.
        max_tokens: Maximum number of tokens per micro-batch, without fillers. A longer trajectory is packed alone.
        max_patches: Maximum number of vision patches per micro-batch, in the same way.
        ranks: Number of ranks that share the work.
        lanes: Number of micro-batches that a rank computes in parallel.

    Returns:
        The same number of micro-batches for each rank. Every trajectory is in exactly one of them. The i-th
        micro-batches of all ranks have similar work, and either all or none have an image.
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
    """Split `order` into the fewest runs within the limits, rounded up to a multiple, as even as possible."""

    def runs(cap: int) -> list[list[int]]:
        """Return runs of at most `cap` work, each as long as possible."""
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
    while low < high:  # binary search for the smallest cap that needs at most `count` runs
        middle = (low + high) // 2
        if len(runs(middle)) <= count:
            high = middle
        else:
            low = middle + 1
    return runs(low)
