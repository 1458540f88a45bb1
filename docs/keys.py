"""MkDocs hook that generates the page of config keys from the dataclasses.

`python docs/keys.py` prints the page.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from agents.demonstrate import DemonstrateOptions
from agents.play.session import PlayOptions
from configs.help import meanings
from configs.schema import describe_type, field_types
from envs.task.config import TaskConfig
from training.baseline.config import BaselineConfig
from training.compare.command import EvaluateOptions
from training.config.algo import AlgoConfig
from training.config.run import Config
from training.config.stages import StageConfig
from training.run import RunOptions

PAGE, MARK = "keys.md", "<!-- keys -->"

GROUPS: list[tuple[str, str, list[tuple[str, str, type]]]] = [
    (
        "training.run",
        "Trains a model. `env`, `model`, `recipe` and `cluster` name a file in `configs/` or a path ending in `.yaml`.",
        [
            ("The run", "", Config),
            ("Planning", "", RunOptions),
            ("A task", "env.", TaskConfig),
            ("The algorithm", "algo.", AlgoConfig),
            ("A stage", "stages.NAME.", StageConfig),
        ],
    ),
    (
        "training.evaluate",
        "Compares policies on held-out episodes. It also accepts the keys of `training.run`.",
        [("", "", EvaluateOptions)],
    ),
    ("training.baseline", "Trains RLlib's PPO on a task; `env.k` sets the task's keys.", [("", "", BaselineConfig)]),
    ("agents.play", "Lets a person play a task; `env.k` sets the task's keys.", [("", "", PlayOptions)]),
    (
        "agents.demonstrate",
        "Writes an expert's episodes as chats with images; `env.k` sets the task's keys.",
        [("", "", DemonstrateOptions)],
    ),
]
"""Commands with their description and their groups of keys (title, prefix, dataclass)."""

ELSEWHERE = {"envs", "tasks", "stages", "algo"}
"""Fields that are set by other keys or have a separate table."""


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace the mark with the tables. MkDocs calls this hook for every page."""
    return markdown.replace(MARK, "\n".join(lines())) if page.file.src_uri == PAGE else markdown


def lines() -> Iterator[str]:
    """Yield the lines of the page below its first paragraph."""
    for module, what, groups in GROUPS:
        yield from ("", f"## {module}", "", f"`python -m {module} key=value …` · {what}")
        for title, prefix, cls in groups:
            yield from _group(title, prefix, cls)


def _group(title: str, prefix: str, cls: type) -> Iterator[str]:
    """Yield the table of a dataclass, followed by the tables of nested dataclasses."""
    if title:
        yield from ("", f"### {title}")
    inner = []
    yield from ("", "| key | type | default | meaning |", "|---|---|---|---|")
    for field in dataclasses.fields(cls):
        kind = field_types(cls)[field.name]
        if field.name in ELSEWHERE and cls in (Config, StageConfig):
            continue
        if dataclasses.is_dataclass(kind):
            inner.append((meanings(cls).get(field.name, "").partition(";")[0], f"{prefix}{field.name}.", kind))
            continue
        default = field.default if field.default is not dataclasses.MISSING else field.default_factory()
        cells = (
            f"`{prefix}{field.name}`",
            describe_type(kind).removeprefix("a "),
            _shown(default),
            meanings(cls).get(field.name, ""),
        )
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    for meaning, below, kind in inner:
        yield from _group(meaning.rstrip("."), below, kind)


def _shown(value: Any) -> str:
    """Return a default value as Markdown, in the form used on the command line."""
    return (
        ""
        if value == ""
        else f"`{'null' if value is None else str(value).lower() if isinstance(value, bool) else value}`"
    )


if __name__ == "__main__":
    print("\n".join(lines()))
