"""Group-relative advantages: pure functions in one registry. G players a group."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Estimator = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def grpo(rewards: NDArray[np.float64]) -> NDArray[np.float64]:
    """A_i = (R_i - mean) / std over the group's rewards [G] (DeepSeekMath, arXiv 2402.03300).

    Zeros where all rewards are equal.
    """
    spread = rewards.std()
    if spread < 1e-8:
        return np.zeros_like(rewards)
    advantages: NDArray[np.float64] = (rewards - rewards.mean()) / spread
    return advantages


def dr_grpo(rewards: NDArray[np.float64]) -> NDArray[np.float64]:
    """A_i = R_i - mean over the group's rewards [G] (Dr. GRPO, arXiv 2503.20783)."""
    if np.ptp(rewards) < 1e-8:
        return np.zeros_like(rewards)
    advantages: NDArray[np.float64] = rewards - rewards.mean()
    return advantages


ESTIMATORS: dict[str, Estimator] = {"grpo": grpo, "dr_grpo": dr_grpo}
