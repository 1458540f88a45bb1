"""Random numbers derived from their purpose.

Every seed is a hash of its purpose. An episode therefore replays identically in any order, after any restart and next
to any other episodes. There is no generator state to save.
"""

import numpy as np
from numpy.typing import NDArray

_MASK = (1 << 64) - 1


def mix(*parts: int) -> int:
    """Return a 64-bit hash of integers (SplitMix64's finaliser over each part)."""
    state = 0x9E3779B97F4A7C15
    for part in parts:
        state = (state ^ (part & _MASK)) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def uniforms(seeds: NDArray[np.uint64], position: int) -> NDArray[np.float64]:
    """Return one number in [0, 1) for each seed [B] at a token position (SplitMix64; Steele et al., 2014)."""
    with np.errstate(over="ignore"):
        state = seeds + np.uint64((position + 1) * 0x9E3779B97F4A7C15 & _MASK)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
