"""Every command line of the pages and the README is read by its own command: no key in them is stale."""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from agents.demonstrate import DemonstrateOptions
from agents.play.session import PlayOptions
from agents.pretrained import PretrainedOptions
from agents.untrained import UntrainedOptions
from configs.cli import parse_overrides, parse_words, read_options, split
from envs.adapters.nemo_gym import NemoGymOptions
from envs.serve.__main__ import ServeOptions
from envs.task.config import load_task
from envs.task.suites import SUITES, weigh
from render.watch import WatchOptions
from tests.envs.serve.serve_fixture import serving
from training import completion
from training.baseline import config as baseline_config
from training.compare.command import EvaluateOptions
from training.config.compose import compose
from training.config.recipe import file_schema
from training.run import RunOptions


def _run(words: Sequence[str]) -> None:
    if words[:1] == ["--schema"]:
        file_schema(words[1])
    else:
        compose(parse_overrides(words), RunOptions)


def _demonstrate(words: Sequence[str]) -> None:
    of_task, own = split(parse_overrides(words), "env")
    load_task(read_options(DemonstrateOptions, own).env, of_task)


def _check(words: Sequence[str]) -> None:
    names, overrides = parse_words(words)
    for name in names:
        load_task(name, overrides)


def _list(words: Sequence[str]) -> None:
    assert all(word.startswith(("sheet=", "size=")) for word in words)


def _play(words: Sequence[str]) -> None:
    of_task, own = split(parse_overrides(words), "env")
    load_task(read_options(PlayOptions, own).env, of_task)


def _serve(words: Sequence[str]) -> None:
    of_task, own = split(parse_overrides(words), "env")
    for name in weigh(read_options(ServeOptions, own).env, SUITES):
        load_task(name, of_task)


CommandsOf = Callable[[str], list[str]]


def _serve_nemo_gym(words: Sequence[str]) -> None:
    of_task, own = split(parse_overrides(words), "env")
    load_task(read_options(NemoGymOptions, own).env, of_task)


LOADERS: dict[str, Callable[[Sequence[str]], object]] = {
    "training.run": _run,
    "training.evaluate": lambda words: compose(parse_overrides(words), EvaluateOptions),
    "training.baseline": lambda words: baseline_config.from_overrides(parse_overrides(words)),
    "training.completion": completion.main,
    "agents.demonstrate": _demonstrate,
    "agents.play": _play,
    "agents.pretrained": lambda words: read_options(PretrainedOptions, parse_words(words)[1]),
    "agents.untrained": lambda words: read_options(UntrainedOptions, parse_overrides(words)),
    "envs": _list,
    "envs.adapters.nemo_gym": _serve_nemo_gym,
    "envs.check": _check,
    "envs.serve": _serve,
    "render.watch": lambda words: read_options(WatchOptions, parse_words(words)[1]),
}
"""What reads the words of each command."""


SERVED = "openenv:http://127.0.0.1:8000"
"""Server of the pages."""


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    with serving("sokoban") as (place, _):
        yield f"openenv:http://{place}"


def _asking(command: str, request: pytest.FixtureRequest) -> str:
    """The command with the address of a server that runs."""
    return command.replace(SERVED, request.getfixturevalue("served")) if SERVED in command else command


def test_commands_on_the_pages_are_valid(command: str, shell: Path, root: Path, request: pytest.FixtureRequest) -> None:
    first, *words = shlex.split(_asking(command, request))
    if first != "-m":
        assert (root / first).is_file() or (shell / first).is_file()
        return
    module, *words = words
    if module in LOADERS:
        LOADERS[module]([word for word in words if word != "--help"])
    else:
        assert module.startswith("benchmarks.") and (root / f"{module.replace('.', '/')}.py").is_file()


BEFORE = ["README.md", "index.md"]
"""What a reader of any page has read."""
AFTER = {"baseline.md": ["add_env.md"]}
"""Pages that say they go on from others."""


def _made(command: str) -> str:
    """The run folder that a command makes, if it does."""
    first, *words = shlex.split(command)
    module = words.pop(0) if first == "-m" else ""
    if module == "training.run" and not any(
        word.startswith(("resume=", "plan=", "--help", "--schema")) for word in words
    ):
        config = compose(parse_overrides(words), RunOptions).config
        return f"{config.out}/{config.name}"
    if module == "training.baseline" and not any(word.startswith("resume=") for word in words):
        return str(baseline_config.from_overrides(parse_overrides(words))[0].folder)
    return ""


def test_every_run_that_a_command_names_was_made_before(
    page: str, commands_of: CommandsOf, shell: Path, request: pytest.FixtureRequest
) -> None:
    made = {_made(command) for earlier in [*BEFORE, *AFTER.get(page, [])] for command in commands_of(earlier)}
    for command in commands_of(page):
        if command.startswith("-m "):
            for named in re.findall(r"(?<![\w/])runs/[\w-]{2,}", command):  # runs/a is any
                assert named in made, command
        made.add(_made(_asking(command, request)))


def test_pages_hold_commands_of_every_module(every_command: list[str]) -> None:
    assert len(every_command) > 60
    assert {command.split()[1] for command in every_command if command.startswith("-m")} >= set(LOADERS)


def test_make_targets_on_the_pages_exist(page: str, pages: dict[str, str], root: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (root / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:^|`| {4})make (\w+)", pages[page], re.M)) <= targets
