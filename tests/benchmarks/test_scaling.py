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


def test_learn_takes_six_flops_per_parameter_and_token_at_the_measured_mfu(scaling: Any) -> None:
    """As benchmarks/gpu.py measures it: forward and backward, without recomputation."""
    parts = scaling.Parts(mfu=0.25, prompt=100.0, nvlink=1e15, hop=0.0)
    sizes = shapes(parts.model)
    replies = np.full(4, 900.0)  # one update of 4,000 tokens
    text = sizes.parameters - sizes.vision_parameters
    assert scaling.learn(parts, sizes, replies, 1, 4) == pytest.approx(6 * text * 4000 / (0.25 * 989e12), rel=1e-6)
