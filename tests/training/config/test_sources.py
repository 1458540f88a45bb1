"""The source of each value: in the composed config, and as a comment in config.yaml."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from configs.cli import parse_overrides
from configs.schema import leaves
from training.config.compose import NoOptions, compose, load
from training.config.run import annotated, read, save

RECIPE = """
base: tiny
algo: {groups: 3}
tasks: {football: {max_turns: 7, history: 1}}
stages: {fre: {steps: 1, max_reply_tokens: 20, algo: {group_size: 5}}, mgt: {steps: 4, algo: {minibatch: 64}}}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE)
    return str(path)


def sources(*words: str) -> dict[str, str]:
    return dict(compose(parse_overrides(words), NoOptions).sources)


def test_sources_name_the_layer_that_won(recipe: str) -> None:
    found = sources(
        f"recipe={recipe}", "algo.lr=1e-3", "stages.mgt.algo.groups=9", "env.max_turns=8", "env.kwargs.difficulty=0.5"
    )
    ours = f"recipe {recipe}"
    assert found["stages.fre.algo.lr"] == found["stages.mgt.algo.lr"] == "command line"  # algo.k sets every stage's
    assert (found["stages.mgt.algo.groups"], found["stages.fre.algo.groups"]) == ("command line", ours)
    assert (found["stages.fre.algo.group_size"], found["stages.mgt.algo.minibatch"]) == (ours, ours)
    assert (found["tasks.football.max_turns"], found["tasks.football.history"]) == ("command line", ours)
    assert found["tasks.football.kwargs.difficulty"] == "command line"
    assert found["tasks.football.kwargs.scenario"] == "configs/env/football.yaml"
    assert found["tasks.arithmetic.max_reply_tokens"] == ours  # from its stage
    assert (found["model.path"], found["cluster.kind"]) == ("model tiny", "cluster local")
    assert not {"envs", "seed", "out", "engine.kind", "stages.mgt.algo.beta1"} & set(found)  # defaults


def test_sources_of_what_is_played_follow_the_overrides(tmp_path: Path) -> None:
    (tmp_path / "sums.yaml").write_text("id: kickoff/Arithmetic-v0\nimage: false\ncaption: true\n")
    path = str(tmp_path / "sums.yaml")
    found = sources(f"env={path}", "stages.fre.tasks=algebra", "model=some/folder", "cluster=ray", "seed=3")
    assert (found["envs"], found["stages.fre.tasks"], found["seed"]) == ("command line",) * 3
    assert (found["tasks.sums.id"], found["tasks.algebra.id"]) == (path, "configs/env/algebra.yaml")
    assert (found["model.path"], found["cluster.kind"]) == ("model some/folder", "cluster ray")


def test_source_of_envs_is_the_layer_that_names_them(recipe: str, tmp_path: Path) -> None:
    assert "envs" not in sources()  # default
    assert sources("env=football")["envs"] == "command line"
    (tmp_path / "games.yaml").write_text("base: tiny\nenv: games\n")
    assert sources(f"recipe={tmp_path / 'games.yaml'}")["envs"] == f"recipe {tmp_path / 'games.yaml'}"


def test_overrides_from_python_are_arguments(tmp_path: Path) -> None:
    found = compose({"env": "arithmetic", "algo.lr": 1e-3, "env.max_turns": 2}, NoOptions, "argument").sources
    keys = ("envs", "stages.mgt.algo.lr", "tasks.arithmetic.max_turns")
    assert {found[key] for key in keys} == {"argument"} and "command line" not in found.values()


def comments(text: str) -> dict[str, str]:
    """Dotted key → the comment on its line, for keys that stand on a line of their own."""
    found: dict[str, str] = {}
    path: list[str] = []
    for line in text.splitlines():
        key, colon, rest = line.strip().partition(":")
        if not colon or not key.isidentifier():
            continue
        path = [*path[: (len(line) - len(line.lstrip())) // 2], key]
        if "  # " in rest:
            found[".".join(path)] = rest.rpartition("  # ")[2]
    return found


def test_save_with_sources_writes_a_comment_at_every_value(tmp_path: Path, recipe: str) -> None:
    composed = compose(parse_overrides([f"recipe={recipe}", "algo.lr=1e-3", "seed=3"]), NoOptions)
    save(composed.config, tmp_path / "config.yaml", composed.sources)
    text = (tmp_path / "config.yaml").read_text()
    assert "seed: 3  # command line\n" in text and "out: runs  # default\n" in text
    found = comments(text)
    assert found["stages.mgt.algo.lr"] == "command line"
    assert found["stages.mgt.algo.minibatch"] == found["tasks.football.max_turns"] == f"recipe {recipe}"
    assert found["tasks.football.kwargs.scenario"] == found["tasks.football.actions"] == "configs/env/football.yaml"
    assert found["stages.fre.algo.beta1"] == "default"
    assert text.count("  # ") == len(leaves(yaml.safe_load(text)))
    assert read(tmp_path / "config.yaml") == composed.config


def test_save_without_sources_writes_no_comments(tmp_path: Path) -> None:
    save(load([]), tmp_path / "config.yaml")
    assert "  # " not in (tmp_path / "config.yaml").read_text()


def test_annotated_with_a_source_of_several_lines_stays_yaml() -> None:
    text = annotated("a: 1\n", {"a": "recipe two\nlines.yaml"})
    assert text == "a: 1  # 'recipe two\\nlines.yaml'\n" and yaml.safe_load(text) == {"a": 1}


def test_annotated_with_the_source_of_a_group_uses_it_for_the_groups_values() -> None:
    assert annotated("a:\n  b:\n    c: 1\n  d: 2\n", {"a": "file", "a.d": "word"}) == (
        "a:\n  b:\n    c: 1  # file\n  d: 2  # word\n"
    )


PIECES = [
    "\n",
    "\r\n",
    "# ",
    " # no comment",
    "'",
    '"',
    ": ",
    "- ",
    "\t",
    "é",
    "→",
    "\u2028",
    "\x85",
    "\\",
    "${a}",
    "x" * 90,
]
AWKWARD = st.one_of(st.text(max_size=40), st.lists(st.sampled_from([*PIECES, "|", ">", "%"]), max_size=8).map("".join))
BASE = load(["env=arithmetic", "stages=mgt"])


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(AWKWARD, AWKWARD, st.lists(AWKWARD, max_size=3), st.dictionaries(AWKWARD, AWKWARD, max_size=2))
@example("several\n\n# lines\n  with 'quotes'", "x" * 200 + " # y", ["a\nb", "# c"], {"key # with\nlines": "value"})
def test_read_of_an_annotated_config_returns_the_same_config(
    tmp_path_factory: pytest.TempPathFactory, instructions: str, rules: str, names: list[str], kwargs: dict[str, str]
) -> None:
    task = replace(
        BASE.tasks["arithmetic"], instructions=instructions, rules_text=rules, kwargs={"x": kwargs, "y": names}
    )
    config = replace(BASE, tasks={"arithmetic": task})
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    save(config, path)
    plain = read(path)
    save(config, path, {"tasks.arithmetic.instructions": "command line"})
    assert read(path) == plain
    assert plain == config
