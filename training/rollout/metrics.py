"""Metrics of the episodes of a training step."""

import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.algorithm.groups import Group

FEATURES = 1024
"""Number of features of a reply's text in `retrieval_accuracy`. Words with the same hash share a feature."""


def success_by_task(groups: Sequence[Group]) -> dict[str, float]:
    """Return task → mean success of its episodes."""
    found: dict[str, list[bool]] = {}
    for group in groups:
        found.setdefault(group.task, []).extend(episode.success for episode in group.episodes)
    return {task: float(np.mean(successes)) for task, successes in found.items()}


def describe(groups: Sequence[Group]) -> dict[str, Any]:
    """Return the metrics of a step's episodes: success, rewards, validity, transcript accuracy and lengths."""
    episodes = [episode for group in groups for episode in group.episodes]
    rewards = [rewards for group in groups for rewards in group.rewards]
    turns = [turn for episode in episodes for turn in episode.turns]
    tokens = sum(turn.reply_tokens for turn in turns)
    names = dict.fromkeys(name for one in rewards for name in one.parts)  # tasks differ in their parts
    parts = {name: float(np.mean([one.parts[name] for one in rewards if name in one.parts])) for name in names}
    by_task = success_by_task(groups)
    stated = [turn.transcript for turn in turns if turn.transcript is not None]
    retrieval = retrieval_accuracy(groups)
    return {
        "success": float(np.mean([episode.success for episode in episodes])),
        **({f"success/{task}": success for task, success in by_task.items()} if len(by_task) > 1 else {}),
        "reward": float(np.mean([one.total for one in rewards])),
        **{f"reward/{name}": value for name, value in parts.items()},
        "valid": sum(turn.reply.valid for turn in turns) / max(1, len(turns)),
        **({"transcript": sum(stated) / len(stated)} if stated else {}),
        "turns": len(turns) / len(episodes),
        "response_length": tokens / max(1, len(turns)),
        "reply_tokens": tokens,
        "live_groups": float(np.mean([group.varied for group in groups])),
        **({} if retrieval is None else {"retrieval_accuracy": retrieval}),
    }


def retrieval_accuracy(groups: Sequence[Group]) -> float | None:
    """Return the share of first replies that are most similar to another reply to the same start.

    This detects template collapse (RAGEN-2, arXiv 2604.06268): replies differ from each other, but do not depend on the
    prompt. Entropy does not show it. Only the first reply of an episode counts, since the episodes of a group share the
    first prompt.

    Let v_i be the tf-idf vector of reply i, and N_i the set of replies j ≠ i of the same task with the largest cosine
    of v_i and v_j. The result is the mean over i of the share of N_i with the start of i: 1 if every start has its
    own replies, and about (G - 1) / (B G - 1) for B groups of G episodes if replies do not depend on the start.

    Departure from the paper: it retrieves the prompt with the highest likelihood of the reply under the policy, which
    needs a forward pass for every pair of reply and prompt. This compares texts only.

    Args:
        groups: Groups of a step. A task with one start, or with one episode per start, is left out.

    Returns:
        The share, or None if no task is left.
    """
    hits: list[float] = []
    for task in dict.fromkeys(group.task for group in groups):
        replies = [
            (group.seed, episode.turns[0].words)
            for group in groups
            if group.task == task and len(group.episodes) > 1
            for episode in group.episodes
            if episode.turns
        ]
        starts = np.array([start for start, _ in replies])
        if len(set(starts.tolist())) > 1:
            hits += _hits(starts, _tf_idf([words for _, words in replies])).tolist()
    return float(np.mean(hits)) if hits else None


def _hits(starts: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return for each of N replies the share of its most similar replies that have its start.

    Args:
        starts: [N] env seeds.
        vectors: [N, F] unit vectors.
    """
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -1)
    nearest = similarity >= similarity.max(axis=1, keepdims=True) - 1e-5  # ties count in part
    result: NDArray[np.float64] = (nearest & (starts[:, None] == starts)).sum(axis=1) / nearest.sum(axis=1)
    return result


def _tf_idf(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return unit vectors [N, F] of texts: word counts times log(N / number of texts with the word)."""
    counts = np.zeros((len(texts), FEATURES), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in re.findall(r"\w+", text):
            counts[row, zlib.crc32(word.encode()) % FEATURES] += 1
    weighted = counts * np.log(len(texts) / np.maximum(1, (counts > 0).sum(axis=0)))
    vectors: NDArray[np.float32] = weighted / np.maximum(1e-9, np.linalg.norm(weighted, axis=1, keepdims=True))
    return vectors
