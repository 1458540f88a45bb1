"""The model of step times."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.plan.shapes import shapes


@pytest.fixture(scope="module")
def scaling() -> Any:
    path = Path(__file__).parents[2] / "benchmarks" / "scaling.py"
    spec = importlib.util.spec_from_file_location("scaling", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scaling"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_forward_flops_of_a_sequence_agree_with_hand_computation(scaling: Any) -> None:
    """Qwen2.5-VL-3B: 36 layers of 77.1M, a head of 151,936 x 2,048, 32 vision layers of 19.7M."""
    parts = scaling.Parts(prompt=1000.0, image=256.0)
    flops = scaling.forward_flops(parts, shapes(parts.model), np.array([1000.0]))[0]
    decoder, head = 2 * 36 * 77.1e6 * 2000, 2 * 151_936 * 2048 * 1000
    attention, vision = 4 * 2048 * 1000 * 36 * 2000, 2 * 32 * 19.7e6 * 1024
    assert flops == pytest.approx(decoder + head + attention + vision, rel=0.01)


@pytest.mark.parametrize(("scores", "passes"), [(0, 3.0), (2, 4.5)])
def test_learn_takes_three_forward_passes_at_the_measured_mfu(scaling: Any, scores: int, passes: float) -> None:
    """As benchmarks/gpu.py measures it, without recomputation: a forward pass alone takes 3/4 of a third."""
    parts = scaling.Parts(mfu=0.25, scores=scores, nvlink=1e15, hop=0.0)
    sizes, replies = shapes(parts.model), np.full(4, 900.0)  # one update
    flops = scaling.forward_flops(parts, sizes, replies).sum()
    assert scaling.learn(parts, sizes, replies, 1, 4) == pytest.approx(passes * flops / (0.25 * 989e12), rel=1e-6)
    assert scaling.learn(parts, sizes, replies, 8, 4) == pytest.approx(passes * flops / 4 / (0.25 * 989e12), rel=1e-6)


def test_driver_receives_and_sends_the_frames(scaling: Any) -> None:
    parts = scaling.Parts(groups=1, group_size=10, driver=1e-3, frames=3e6, store=2e9)
    assert scaling.step(parts, shapes(parts.model), 8, True, 1).driver == pytest.approx(10 * (1e-3 + 3e-3))
