"""Packed frames are the frames, and small."""

import pickle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agents.episodes.footage import PackedFrames


@given(st.lists(arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5), st.just(3))), max_size=5))
def test_packed_frames_equal_the_originals(frames: list[np.ndarray]) -> None:
    footage = PackedFrames()
    footage.extend(iter(frames[:2]))
    footage.extend(frame[::-1] for frame in frames[2:])  # views are frames too
    kept = frames[:2] + [frame[::-1] for frame in frames[2:]]
    assert len(footage) == len(kept) and bool(footage) == bool(kept)
    for back in (footage, pickle.loads(pickle.dumps(footage))):
        assert all(np.array_equal(one, other) for one, other in zip(back, kept, strict=True))
        assert [frame.tolist() for frame in back[1:3]] == [frame.tolist() for frame in kept[1:3]]


def test_packed_frames_of_a_pitch_are_small() -> None:
    pitch = np.full((448, 672, 3), (24, 92, 58), np.uint8)
    pitch[::16, ::8] = 250
    footage = PackedFrames()
    footage.extend([pitch] * 20)
    assert len(pickle.dumps(footage)) < pitch.nbytes
    assert np.array_equal(footage[-1], pitch)
