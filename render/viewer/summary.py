"""Columns of the index that explain failures: actions, causes of invalid replies, and transcripts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

SUMMARY: Final = ("actions", "causes", "seen", "misread")
"""Names of these columns."""
SHORT: Final = 40
"""Maximum number of characters of an action, a cause or a unit."""
MOST: Final = 400
"""Maximum number of actions and of misread units of an episode."""
INVALID: Final = "(invalid)"
"""Name of the action of an invalid reply."""
FORM: Final = re.compile(r"\s*<think>.*</think>\s*<answer>.*</answer>\s*", re.DOTALL)
CAUSES: Final = (
    ("cut off", "cut off at the maximum length"),
    ("not of the form", "not of the form <think>…</think><answer>…</answer>"),
    ("more than one", "more than one <think> or <answer>"),
    ("an empty answer", "empty answer"),
)
"""Beginning of a turn's `problem`, and its cause."""


def summary(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of an episode by name.

    - `actions`: every action that was played, in order.
    - `causes`: the cause of each invalid reply.
    - `seen`: share of the turns with a true transcript in which the reply stated it without a mistake. None if no turn
      has one.
    - `misread`: "true → stated" for each misread unit. A missing or surplus unit is "∅".
    """
    turns = record["turns"]
    actions: list[str] = []
    for turn in turns:
        actions += (turn["actions"] or [turn["action"]]) if turn["valid"] else [INVALID]
    told = [turn for turn in turns if turn["truth"] is not None]
    misread = [f"{short(true)} → {short(stated)}" for turn in told for true, stated in turn["misread"]]
    return {
        "actions": [short(action) for action in actions[:MOST]],
        "causes": [cause(turn) for turn in turns if not turn["valid"]],
        "seen": sum(turn["transcript"] == 1 for turn in told) / len(told) if told else None,
        "misread": misread[:MOST],
    }


def cause(turn: Mapping[str, Any]) -> str:
    """Return the cause of an invalid reply. Schemas before 3 have no `problem`, so the reply tells it."""
    problem = turn["problem"]
    for beginning, words in CAUSES:
        if problem.startswith(beginning):
            return words
    if problem.startswith("no action is named") or (not problem and FORM.fullmatch(turn["reply"])):
        action = turn["action"]
        return "unknown action in a list" if "," in action else f"unknown action: {short(action)}"
    if "at most" in problem:
        return "too many actions"
    return short(problem) if problem else CAUSES[1][1]


def short(text: str) -> str:
    """Return a text of at most `SHORT` characters, "∅" for an empty one."""
    return text if 0 < len(text) <= SHORT else f"{text[: SHORT - 1]}…" if text else "∅"
