"""Group-relative advantage estimators as pure functions.

Shapes: G episodes per group, K turns per episode.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from configs.imports import load_object
from training.config.algo import ESTIMATORS, AlgoConfig

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """Rewards and states of one episode."""

    reward: float
    """Reward of the whole episode."""
    turn_rewards: Sequence[float] = (0.0,)
    """[K] reward of each turn. The sum is `reward`."""
    state_hashes: Sequence[str] = ("",)
    """[K] hash of the state before each turn."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """Part of the reward → reward of the whole episode. The sum is `reward`."""
    baseline: float | None = None
    """Running mean reward of the role, or None outside self-play."""


Estimator = Callable[[Sequence[Sequence[Score]], AlgoConfig], list[list[Array]]]
"""(groups of a step, config) → advantages [K] of the turns, for each group and episode.

Every turn gets an advantage, even if its own reward is 0 (except vpr). Groups with equal rewards get zeros, except
from gigpo, vpr, gagpo, gdpo and spiral."""

_EQUAL = 1e-8  # rewards that differ by less are equal
_FEWEST_TURNS = 4  # turns with the same number that vpr compares, as in the paper's code


def _outcome(advantages: Callable[[Array], Array]) -> Estimator:
    """Return an estimator that gives each turn the advantage of its episode.

    `advantages` maps the rewards [G] of a group to advantages [G].
    """

    def estimate(groups: Sequence[Sequence[Score]], config: AlgoConfig) -> list[list[Array]]:
        return [_spread(group, advantages(_rewards(group))) for group in groups]

    return estimate


def _rewards(group: Sequence[Score]) -> Array:
    return np.array([score.reward for score in group], dtype=np.float64)


def _spread(group: Sequence[Score], advantages: Array) -> list[Array]:
    """Repeat the advantage [G] of each episode for its turns."""
    return [np.full(len(score.turn_rewards), a) for score, a in zip(group, advantages, strict=True)]


def normalised(values: Array) -> Array:
    """Return (v - mean) / std over [G], or zeros if all values are equal."""
    return _scaled(values, values)


def centred(values: Array) -> Array:
    """Return v - mean over [G], or exact zeros if all values are equal."""
    if np.ptp(values) < _EQUAL:
        return np.zeros_like(values)
    result: Array = values - values.mean()
    return result


def leave_one_out(rewards: Array) -> Array:
    """Return A_i = R_i - mean of the other rewards in [G] (RLOO; Ahmadian et al., arXiv 2402.14740)."""
    return centred(rewards) * len(rewards) / (len(rewards) - 1)


def over_mean(rewards: Array) -> Array:
    """Return (R - mean) / mean over [G] (MaxRL, arXiv 2602.02710), or zeros if the mean is not positive.

    Rewards must not be negative.
    """
    mean = rewards.mean()
    return centred(rewards) / mean if mean > _EQUAL else np.zeros_like(rewards)


def reinforce_pp(groups: Sequence[Sequence[Score]], config: AlgoConfig) -> list[list[Array]]:
    """Return (R_i - group mean) / std of these differences over the batch (REINFORCE++ baseline, arXiv 2501.03262)."""
    centred_groups = [centred(_rewards(group)) for group in groups]
    scale = float(np.concatenate(centred_groups).std()) if centred_groups else 0.0
    scale = scale if scale > _EQUAL else 1.0
    return [_spread(group, values / scale) for group, values in zip(groups, centred_groups, strict=True)]


def discounted_returns(rewards: Sequence[float] | Array, gamma: float) -> Array:
    """Return R_t = r_t + gamma R_(t+1) over [K] turns."""
    returns = np.zeros(len(rewards))
    following = 0.0
    for turn in range(len(rewards) - 1, -1, -1):
        following = rewards[turn] + gamma * following
        returns[turn] = following
    return returns


def gigpo(groups: Sequence[Sequence[Score]], config: AlgoConfig) -> list[list[Array]]:
    """Return A_episode + step_weight x A_step (GiGPO, arXiv 2505.10978).

    A_episode is the advantage of `grpo`. A_step normalises the discounted returns of all turns in the group with the
    same state. A state that occurs once gives 0.

    Departure from the paper: training leaves out groups with equal rewards (`Group.varied`). The paper also learns from
    the turns of these groups.
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


def vpr(groups: Sequence[Sequence[Score]], config: AlgoConfig) -> list[list[Array]]:
    """Return (r_k - mean) / std of the turn rewards with the same turn number in the group (VPR, arXiv 2605.10325).

    A turn number that fewer than `_FEWEST_TURNS` episodes reached uses the mean and std of all turns of the group.
    Groups of tasks without a process reward get the advantages of `grpo`.

    Departures from the paper: it samples several replies in every state, compares these, and continues with a best one.
    Here, as in the turn-level estimator of its code, turns of whole episodes are compared, but within a group and not
    within the batch. Groups with equal rewards are left out, as for `gigpo`.
    """
    results = []
    for group in groups:
        if "process" not in group[0].parts:
            results.append(_spread(group, normalised(_rewards(group))))
            continue
        rewards = [np.array(score.turn_rewards, dtype=np.float64) for score in group]
        everything = np.concatenate(rewards)
        advantages = [_scaled(values, everything) for values in rewards]
        for turn in range(max(map(len, rewards))):
            there = [player for player, values in enumerate(rewards) if turn < len(values)]
            if len(there) >= _FEWEST_TURNS:
                same = normalised(np.array([rewards[player][turn] for player in there]))
                for player, advantage in zip(there, same, strict=True):
                    advantages[player][turn] = advantage
        results.append(advantages)
    return results


def _scaled(values: Array, among: Array) -> Array:
    """Return (v - mean) / std with the mean and std of `among`, or zeros if these are all equal."""
    if np.ptp(among) < _EQUAL:
        return np.zeros_like(values)
    result: Array = (values - among.mean()) / among.std()
    return result


def gdpo(groups: Sequence[Sequence[Score]], config: AlgoConfig) -> list[list[Array]]:
    """Return the sum of the reward parts, each normalised in its group, normalised over the batch.

    Source: GDPO, arXiv 2601.05242. All parts have the same weight: multiplying a part by a constant changes nothing.

    Departure from the paper: training leaves out groups with equal total rewards (`Group.varied`), even if the parts
    differ.
    """
    if not groups:
        return []
    sums = []
    for group in groups:
        parts = [score.parts or {"": score.reward} for score in group]
        sums.append(sum(normalised(np.array([one[name] for one in parts])) for name in parts[0]))
    batch = normalised(np.concatenate(sums))
    ends = np.cumsum([len(group) for group in groups])[:-1]
    return [_spread(group, values) for group, values in zip(groups, np.split(batch, ends), strict=True)]


def gagpo(groups: Sequence[Sequence[Score]], config: AlgoConfig) -> list[list[Array]]:
    """Return generalized advantage estimates over turns with values from the group (GAGPO, arXiv 2605.13217).

    V(s) is the mean discounted return of all turns of the group in state s. With d_t = r_t + gamma V(s_(t+1)) - V(s_t)
    and V = 0 after the last turn, A_t = d_t + gamma gae_lambda A_(t+1). The advantages of all turns of a group are then
    normalised.

    The paper uses the mean log-ratio of a turn's tokens in its loss. Use gspo for sequence ratios.

    Departure from the paper: training leaves out groups with equal rewards (`Group.varied`).
    """
    results = []
    for group in groups:
        returns: dict[str, list[float]] = {}
        for score in group:
            found = discounted_returns(score.turn_rewards, config.gamma).tolist()
            for state, value in zip(score.state_hashes, found, strict=True):
                returns.setdefault(state, []).append(value)
        means = {state: float(np.mean(values)) for state, values in returns.items()}
        estimates = []
        for score in group:
            baseline = np.array([*(means[state] for state in score.state_hashes), 0.0])
            errors = np.array(score.turn_rewards) + config.gamma * baseline[1:] - baseline[:-1]
            estimates.append(discounted_returns(errors, config.gamma * config.gae_lambda))
        ends = np.cumsum([len(one) for one in estimates])[:-1]
        results.append(np.split(normalised(np.concatenate(estimates)), ends))
    return results


def spiral(groups: Sequence[Sequence[Score]], config: AlgoConfig) -> list[list[Array]]:
    """Return R_i - b, where b is the running mean reward of the role: task, seat and kind of opponent.

    Source: role-conditioned advantage estimation (SPIRAL, arXiv 2506.24119). Without it, the head start of a seat, such
    as the first move, biases the gradient. Groups without a role get the advantages of `grpo`.

    Departures from the paper: the running mean is updated once per step, not after each match. Its roles are the seats
    of a game. Here, each kind of opponent (itself, past, scripted) also has its own mean.
    """
    results = []
    for group in groups:
        baseline = group[0].baseline
        rewards = _rewards(group)
        results.append(_spread(group, normalised(rewards) if baseline is None else rewards - baseline))
    return results


grpo = _outcome(normalised)  # DeepSeekMath, arXiv 2402.03300
dr_grpo = _outcome(centred)  # Dr. GRPO, arXiv 2503.20783
rloo = _outcome(leave_one_out)
max_rl = _outcome(over_mean)


def estimator(name: str) -> Estimator:
    """Return the estimator with a name in `ESTIMATORS` or with an import path.

    Raises:
        UserError: the estimator cannot be imported.
    """
    found: Estimator = load_object(ESTIMATORS.get(name, name))
    return found
