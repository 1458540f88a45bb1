"""A task's instructions for a person: without reply tags, and without texts about things that are not shown."""

import re

from envs.task.config import TaskConfig

_THINKING = re.compile(r"Reason(?: step by step)? in <think>, then (\w)")
_ANSWER = re.compile(r"[Pp]ut nothing but (the final answer.*?),? into <answer>")
_EXAMPLE = re.compile(
    r"(?:,? such as|:|,? in the form|\.? (?:Answer|Reply) in the form)?\s*<think>[^<]*</think>\s*<answer>[^<]*</answer>"
)
_MAP = re.compile(r"In the map: .*?(?=Answer with|$)")
"""Explanation of the map that a model writes in its reply."""
_TAG = re.compile(r"</?(?:think|answer)>")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def for_person(config: TaskConfig, keys: bool) -> str:
    """Return the instructions and rules of a task as a person reads them.

    Args:
        config: settings of the task.
        keys: True if keys choose the actions, so that the text need not list them.
    """
    parts = [_plain(text, config, keys) for text in (config.instructions, config.rules_text)]
    text = "\n\n".join(part for part in parts if part)
    return text or ("" if config.actions else "Answer the question.")


def _plain(text: str, config: TaskConfig, keys: bool) -> str:
    text = _THINKING.sub(lambda found: found[1].upper(), text)
    text = _ANSWER.sub(r"Give only \1", text).replace("formula in LaTeX", "formula")
    text = _EXAMPLE.sub(".", text)
    text = text if config.caption else _MAP.sub("", text)
    about_keys = ("Answer with", "Give the whole plan") if keys else ()
    sentences = [re.sub(r"\.{2,}$", ".", sentence) for sentence in _SENTENCE.split(text.strip())]
    kept = [s for s in sentences if s.strip(" .") and not _TAG.search(s) and not s.startswith(about_keys)]
    return " ".join(kept)
