"""Group-relative advantages: pure functions in one registry. G players a group, K turns an episode."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.imports import load_object
from training.config.algo import ESTIMATORS, AlgoConfig

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """What one episode earned."""

    reward: float
    """Of the whole episode."""
    turn_rewards: Sequence[float] = (0.0,)
    """[K], the same reward by turns."""
    state_hashes: Sequence[str] = ("",)
    """[K], the state in which each turn was played."""


Estimator = Callable[[Sequence[Sequence[Score]], AlgoConfig], list[list[Array]]]
"""The groups of a step → for each group and player the advantage of every turn [K]. Every turn of an episode has its
credit, also one without a reward of its own. Groups of equal episodes get zeros, but for what gigpo sees in turns."""

_EQUAL = 1e-8  # rewards closer than this are the same


def _outcome(advantages: Callable[[Array], Array]) -> Estimator:
    """An estimator from a function of a group's rewards [G]: every turn carries its episode's advantage."""

    def estimate(groups: Sequence[Sequence[Score]], config: AlgoConfig) -> list[list[Array]]:
        return [_spread(group, advantages(_rewards(group))) for group in groups]

    return estimate


def _rewards(group: Sequence[Score]) -> Array:
    return np.array([score.reward for score in group], dtype=np.float64)


def _spread(group: Sequence[Score], advantages: Array) -> list[Array]:
    """One number an episode → one a turn."""
    return [np.full(len(score.turn_rewards), a) for score, a in zip(group, advantages, strict=True)]


def normalised(values: Array) -> Array:
    """(v - mean) / std over [G]; zeros where all are equal."""
    if np.ptp(values) < _EQUAL:
        return np.zeros_like(values)
    result: Array = (values - values.mean()) / values.std()
    return result


def centred(values: Array) -> Array:
    """V - mean over [G]; exact zeros where all are equal."""
    if np.ptp(values) < _EQUAL:
        return np.zeros_like(values)
    result: Array = values - values.mean()
    return result


def leave_one_out(rewards: Array) -> Array:
    """A_i = R_i - mean of the others' rewards [G] (RLOO; Ahmadian et al., arXiv 2402.14740)."""
    return centred(rewards) * len(rewards) / (len(rewards) - 1)


def reinforce_pp(groups: Sequence[Sequence[Score]], config: AlgoConfig) -> list[list[Array]]:
    """A_i = (R_i - group mean) / std of these differences over the whole batch (REINFORCE++ baseline, 2501.03262)."""
    centred_groups = [centred(_rewards(group)) for group in groups]
    scale = float(np.concatenate(centred_groups).std()) if centred_groups else 0.0
    scale = scale if scale > _EQUAL else 1.0
    return [_spread(group, values / scale) for group, values in zip(groups, centred_groups, strict=True)]


def discounted_returns(rewards: Sequence[float], gamma: float) -> Array:
    """R_t = r_t + gamma R_(t+1) over [K] turns."""
    returns = np.zeros(len(rewards))
    following = 0.0
    for turn in range(len(rewards) - 1, -1, -1):
        following = rewards[turn] + gamma * following
        returns[turn] = following
    return returns


def gigpo(groups: Sequence[Sequence[Score]], config: AlgoConfig) -> list[list[Array]]:
    """A = A_episode + step_weight x A_step (GiGPO, arXiv 2505.10978).

    A_episode is that of `grpo`. A_step normalises the discounted return among all turns of the group that were played
    in the same state; a state that was met once gives 0.

    In training, groups whose episodes earned the same do not come here (`Group.varied`): a departure from the paper,
    which learns from their turns.
    """
    results = []
    for group in groups:
        advantages = _spread(group, normalised(_rewards(group)))
        returns = [discounted_returns(score.turn_rewards, config.gamma) for score in group]
        met: dict[str, list[tuple[int, int]]] = {}
        for player, score in enumerate(group):
            for turn, state in enumerate(score.state_hashes):
                met.setdefault(state, []).append((player, turn))
        for places in met.values():
            step = normalised(np.array([returns[player][turn] for player, turn in places]))
            for (player, turn), advantage in zip(places, step, strict=True):
                advantages[player][turn] += config.step_weight * advantage
        results.append(advantages)
    return results


grpo = _outcome(normalised)  # DeepSeekMath, arXiv 2402.03300
dr_grpo = _outcome(centred)  # Dr. GRPO, arXiv 2503.20783
rloo = _outcome(leave_one_out)


def estimator(name: str) -> Estimator:
    """Return the estimator of a name in `ESTIMATORS`, or of an import path; UserError if it cannot be imported."""
    found: Estimator = load_object(ESTIMATORS.get(name, name))
    return found
