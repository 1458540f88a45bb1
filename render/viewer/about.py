"""Units and explanations of the charts and table columns of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

UNITS: Final = {
    "success": "% of episodes", "reward": "per episode", "valid": "% of replies", "transcript": "% of symbols",
    "live_groups": "% of groups", "clip_fraction": "% of tokens", "masked_fraction": "% of tokens",
    "retrieval_accuracy": "% of replies", "time/tokens_per_second": "tokens per second", "mismatch": "nats",
    "trained_tokens": "tokens", "updates": "updates", "skipped_updates": "updates", "time/step": "seconds",
    "time/env_steps_per_second": "decisions per second", "staleness": "weight versions",
    "groups": "groups", "turns": "turns",
}  # fmt: skip
"""Unit of a metric as text, for metrics without one in `PANELS` or with another one."""
CHARTS: Final = {
    "success": "Share of the step's episodes that succeeded, at T=1. Points: validation on held-out episodes, with "
    "their 95% interval. Dashed lines: reference policies on the test episodes.",
    "success/": "Success of each task of the step.",
    "reward": "Mean reward per episode: the outcome and the format together.",
    "reward/": "The parts of the reward, per episode.",
    "valid": "Share of replies with the required format and a known action.",
    "transcript": "Share of the transcript's symbols that agree with the true state.",
    "response_length": "Mean length of a reply. A sudden rise or fall often comes before a collapse.",
    "entropy": "Mean entropy of the next token. Near 0, the policy no longer explores.",
    "policy_kl": "KL divergence (k3 estimate) from the weights that sampled the replies to the updated weights. Large "
    "values mean steps that are too large.",
    "tokens_per_second": "Generated tokens divided by the duration of the whole step.",
    "env_steps_per_second": "Decisions played and trained on, divided by the duration of the whole update.",
    "grad_norm": "Norm of the gradient before clipping.",
    "live_groups": "Share of groups whose episodes have different rewards. Only these have a gradient.",
    "clip_fraction": "Share of tokens whose probability ratio the loss clips.",
    "masked_fraction": "Share of tokens that the off-policy correction leaves out.",
    "mismatch": "Mean absolute difference between the log-probs of engine and learner before the first update. It "
    "should stay below 0.01 or so.",
    "retrieval_accuracy": "Share of first replies that are most similar to another reply to the same start. Near "
    "chance, replies do not depend on the start.",
    "loss": "Value of the loss. Not comparable between methods, and no measure of success.",
    "nll": "Mean negative log-likelihood of the teacher's tokens.",
    "learning_rate": "Learning rate of the optimiser.",
    "staleness/": "Number of versions between the weights that sampled a token and the weights in training.",
    "groups/": "Groups left out or replaced: equal rewards (dropped), replacements (refilled), too old (stale).",
    "turns": "Mean number of turns per episode.",
    "updates": "Number of optimiser updates in the step.",
    "skipped_updates": "Number of updates that were skipped because a value was not finite.",
    "trained_tokens": "Number of tokens with a gradient.",
    "correction": "Mean weight of the off-policy correction. 1: no correction.",
    "value_loss": "Error of the predicted return, squared.",
    "explained_variance": "Share of the return's variance that the value function explains.",
    "step": "Duration of the whole step.",
}
"""Chart key → explanation."""
COLUMNS: Final = {
    "policy": "Policy that played the held-out episodes.",
    "success": "Share of held-out episodes that succeeded, sampled at T=1 unless stated, with its 95% Wilson interval.",
    "after rl": "Success on held-out episodes after training, with its 95% Wilson interval. Several seeds: mean and "
    "sample standard deviation.",
    "score": "The benchmark's own score, with its 95% Student interval.",
    "return": "Mean sum of the env rewards per episode.",
    "valid": "Share of replies with the required format and a known action.",
    "valid replies": "Share of replies with the required format and a known action.",
    "turns": "Mean number of turns per episode.",
    "n": "Number of episodes.",
    "episodes": "Number of episodes.",
    "greedy": "Success with the most probable token at every position (T=0).",
    "blind": "Success with the images of other episodes. High: the policy does not need the image.",
    "kind": "Size, scenario or family of the episode, named by the env.",
    "task": "Task of the episodes.",
    "run": "Name of the run.",
}
"""Column title in lower case → explanation."""


def about_columns(columns: Sequence[str]) -> list[str]:
    """Return the explanation of each column. Empty: the title says it all."""
    return [COLUMNS.get(column.lower(), "") for column in columns]
