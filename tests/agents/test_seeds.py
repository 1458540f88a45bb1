"""Every random number is a hash of what it is for: the same ever after, and as good as a generator's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.seeds import mix, uniforms

integers = st.integers(-(2**70), 2**70)


def test_mix_and_uniforms_have_their_known_values() -> None:
    """Runs on disk depend on these: a changed hash is a changed run."""
    assert mix() == 0x9E3779B97F4A7C15
    # SplitMix64 of seed 0, as published: its first outputs are 0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4.
    numbers = uniforms(np.zeros(1, dtype=np.uint64), 0), uniforms(np.zeros(1, dtype=np.uint64), 1)
    assert numbers[0][0] == (0xE220A8397B1DCDAF >> 11) / 2**53
    assert numbers[1][0] == (0x6E789E6AA1B965F4 >> 11) / 2**53


@given(st.lists(integers, max_size=4))
def test_mix_is_64_bits(parts: list[int]) -> None:
    assert 0 <= mix(*parts) < 2**64
    assert mix(*parts) == mix(*(part % 2**64 for part in parts))


def test_mix_depends_on_every_part() -> None:
    hashes = {mix(a, b, c) for a in range(20) for b in range(20) for c in range(20)}
    assert len(hashes) == 8000
    assert len({mix(1, 2), mix(2, 1), mix(1, 2, 0), mix(0, 1, 2), mix(12)}) == 5


def test_mix_spreads_over_all_bits() -> None:
    bits = np.array([[mix(7, i) >> bit & 1 for bit in range(64)] for i in range(2000)])
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(2000)
    flips = np.mean([(mix(7, i) ^ mix(7, i ^ 1)).bit_count() for i in range(2000)])
    assert abs(flips - 32) < 1


def seeds(count: int) -> np.ndarray:
    return np.array([mix(3, i) for i in range(count)], dtype=np.uint64)


@pytest.mark.parametrize("position", [0, 1, 50])
def test_uniforms_are_uniform(position: int) -> None:
    numbers = uniforms(seeds(8000), position)
    assert 0 <= numbers.min() and numbers.max() < 1
    counts, _ = np.histogram(numbers, bins=20, range=(0, 1))
    assert np.abs(counts - 400).max() < 5 * np.sqrt(400 * 0.95)
    assert abs(numbers.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 8000)


def test_uniforms_of_positions_and_neighbours_are_unrelated() -> None:
    here, there = uniforms(seeds(8000), 3), uniforms(seeds(8000), 4)
    assert abs(np.corrcoef(here, there)[0, 1]) < 5 / np.sqrt(8000)
    plain = uniforms(np.arange(8000, dtype=np.uint64), 3)  # seeds that are close to each other
    assert abs(np.corrcoef(plain[1:], plain[:-1])[0, 1]) < 5 / np.sqrt(8000)


def test_uniforms_do_not_depend_on_the_rest_of_the_batch() -> None:
    together = uniforms(seeds(50), 9)
    for i in (0, 17, 49):
        assert uniforms(seeds(50)[i : i + 1], 9)[0] == together[i]
    np.testing.assert_array_equal(uniforms(seeds(50)[::-1], 9), together[::-1])
