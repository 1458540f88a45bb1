"""The config: what wins over what, what is refused and how, and that it survives the disk."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import UserError
from configs.help import meanings
from configs.schema import build, check, merge, parse
from envs.task.config import variants
from envs.task.suites import SUITES
from training.config.compose import compose, load
from training.config.help import help_text
from training.config.recipe import CONFIGS, group_file, names
from training.config.run import DEFAULTS, read, save

GROUP_FILES = [(group, name) for group in DEFAULTS for name in names(group)]


@dataclass
class Extra:
    policy: str = "expert"
    """Who plays."""
    episodes: int = 256
    """How many."""


@pytest.mark.parametrize(("group", "name"), GROUP_FILES)
def test_load_accepts_every_shipped_file(group: str, name: str) -> None:
    assert load([f"{group}={name}"])


def test_every_shipped_file_is_in_a_group() -> None:
    assert len(GROUP_FILES) == len(list(CONFIGS.rglob("*.yaml"))) >= 6


def test_load_without_overrides_is_the_football_run() -> None:
    config = load([])
    assert config.env == config.name == "football"
    assert list(config.stages) == ["fre", "mgt"]
    assert config.stages["mgt"].tasks == {"football": 1}
    assert set(config.tasks) >= {"football", *config.stages["fre"].tasks}
    assert config.tasks["football"].id == "kickoff/Football-v0"


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text("algo: {groups: 3, eps: 0.5}\nstages: {a: {steps: 1, algo: {groups: 5}}, b: {steps: 2}}\n")
    return f"recipe={path}"


def test_load_lets_the_narrower_and_later_layer_win(recipe: str) -> None:
    def groups(*words: str) -> list[int]:
        return [stage.algo.groups for stage in load([recipe, *words]).stages.values()]

    assert groups() == [5, 3]  # the stage over the recipe
    assert groups("algo.groups=7") == [7, 7]  # the user over both
    assert groups("stages.a.algo.groups=9", "algo.groups=7") == [9, 7]  # the narrower word, whatever the order
    assert groups("stages.b.algo.groups=9") == [5, 9]
    assert load([recipe]).stages["a"].algo.eps == 0.5
    assert load([recipe]).stages["a"].algo.beta1 == 0.9  # the dataclass's own default


def test_env_keys_are_short_for_keys_of_the_task() -> None:
    config = load(["env=algebra", "env.kwargs.difficulty=1", "env.max_reply_tokens=40", "tasks.arithmetic.history=2"])
    assert config.tasks["algebra"].kwargs == {"difficulty": 1}
    assert config.tasks["algebra"].max_reply_tokens == 40
    assert config.tasks["arithmetic"].history == 2
    assert config.stages["mgt"].tasks == {"algebra": 1}


def test_env_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "hard_sums.yaml"
    path.write_text("id: kickoff/Arithmetic-v0\nkwargs: {digits: 5}\nimage: false\ncaption: true\n")
    config = load([f"env={path}"])
    assert config.env == config.name == "hard_sums"
    assert config.tasks["hard_sums"].kwargs == {"digits": 5}
    assert load([f"stages.fre.tasks=[env, {path}]"]).stages["fre"].weights == {"football": 1, "hard_sums": 1}
    with pytest.raises(UserError, match=r"'a\.b\.yaml' is no env name"):
        load(["env=a.b.yaml"])


def test_env_may_name_several_tasks_or_a_suite() -> None:
    for words in ("env=football,sokoban", "env=[football, sokoban]", "env=games"):
        config = load([words, "env.history=2", "tasks.sokoban.history=1"])
        assert config.envs == ["football", "sokoban"] and config.env == "football"
        assert config.stages["mgt"].tasks == {"football": 1, "sokoban": 1}
        assert config.stages["fre"].tasks == {"arithmetic": 1, "algebra": 1}
        assert config.tasks["football"].history == 2  # env.k: every task that env= names
        assert config.tasks["sokoban"].history == 1  # the narrower word
        assert config.tasks["arithmetic"].history == 0
    assert load(["env=games"]).name == "games"
    assert load(["env=football,sokoban"]).name == "football-sokoban"
    assert load(["env=games,algebra,arithmetic"]).name == "football-and-3-more"
    assert load([f"env={','.join(SUITES['third_party'])}"]).name == "frozen_lake-and-3-more"


def test_env_with_weights_sets_the_weights_of_stages() -> None:
    config = load(["env={games: 3, algebra: 1}", "stages.mgt.tasks={env: 2, arithmetic: 0.5}"])
    assert config.stages["mgt"].tasks == {"football": 6, "sokoban": 6, "algebra": 2, "arithmetic": 0.5}
    assert load(["env={games: 3, sokoban: 1}"]).stages["mgt"].tasks == {"football": 3, "sokoban": 1}
    assert load(["stages.mgt.tasks=games,algebra"]).stages["mgt"].tasks == {"football": 1, "sokoban": 1, "algebra": 1}


def test_stage_with_other_tasks_keeps_the_recipes_teachers_of_these() -> None:
    def teachers(*words: str) -> dict[str, str]:
        return load(["recipe=warmup", *words]).stages["warmup"].teachers

    assert list(teachers()) == ["frozen_lake", "cliff_walking", "minigrid", "freeway"]
    assert teachers("stages.warmup.tasks=[football, minigrid]") == {"minigrid": "random"}
    kept = teachers("stages.warmup.tasks=[football]", "stages.warmup.teachers={footbal: random}")
    assert kept == {"footbal": "random"}  # refused when the run starts


def test_env_with_two_tasks_of_one_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "football.yaml").write_text("id: kickoff/Arithmetic-v0\nimage: false\ncaption: true\n")
    with pytest.raises(UserError, match=r"two tasks have the name football: football and .*football\.yaml"):
        load([f"env=football,{tmp_path / 'football.yaml'}"])


def test_stages_override_keeps_only_the_named_stages() -> None:
    config = load(["stages=mgt", "model=runs/football/checkpoint"])
    assert list(config.stages) == ["mgt"] and list(config.tasks) == ["football"]
    assert config.model.path == "runs/football/checkpoint"
    assert list(load(["stages=mgt,fre"]).stages) == ["fre", "mgt"]  # the recipe's order
    assert load(["model=Qwen/Qwen2.5-VL-3B-Instruct"]).model.path == "Qwen/Qwen2.5-VL-3B-Instruct"


RECIPE = """
env: {football: 2, arithmetic: 1}
suites: {all: [arithmetic, algebra]}
tasks: {football: {max_turns: 7}, sokoban: {history: 3}}
stages:
  a: {tasks: [algebra], steps: 1, max_reply_tokens: 99}
  b: {steps: 2, max_reply_tokens: 55, learning_progress: 0.5}
"""


def test_recipe_may_set_env_suites_tasks_and_stages(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE)
    config = load([f"recipe={path}"])
    assert config.envs == ["football", "arithmetic"] and config.name == "mine"
    assert config.stages["b"].tasks == {"football": 2, "arithmetic": 1}
    lengths = {name: task.max_reply_tokens for name, task in config.tasks.items()}
    assert lengths == {"football": 55, "arithmetic": 55, "algebra": 99}
    assert config.tasks["football"].max_turns == 7
    assert load([f"recipe={path}", "env.max_turns=9"]).tasks["football"].max_turns == 9
    assert load([f"recipe={path}", "env=all"]).envs == ["arithmetic", "algebra"]
    assert load([f"recipe={path}", "stages.b.max_reply_tokens=5"]).tasks["football"].max_reply_tokens == 5
    assert load([f"recipe={path}", "env=algebra"]).tasks["algebra"].max_reply_tokens == 99  # the longest of its stages


def test_recipe_with_base_inherits_its_settings(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: tiny\nstages: {fre: {steps: 0}}\n")
    ours, base = load([f"recipe={path}"]), load([])
    assert ours.stages["fre"].steps == 0 and ours.stages["mgt"] == base.stages["mgt"]
    path.write_text("base: tinny\n")
    with pytest.raises(UserError, match=r"mine\.yaml: unknown base 'tinny'; did you mean 'tiny'\?"):
        load([f"recipe={path}"])
    path.write_text("tasks: {fotball: {history: 1}}\nstages: {a: {steps: 1}}\n")
    with pytest.raises(UserError, match="unknown task 'fotball'; did you mean 'football'"):
        load([f"recipe={path}"])


def test_recipe_lmm_r1_has_the_numbers_of_the_paper() -> None:
    """LMM-R1's Table A7: FRE-Text and MGT-PerceReason."""
    config = load(["recipe=lmm_r1"])
    assert config.name == "lmm_r1" and config.model.path == "Qwen/Qwen2.5-VL-3B-Instruct"
    assert config.cluster.gpus == 8 and config.cluster.colocate
    assert list(config.stages) == ["fre", "mgt"]
    assert config.envs == ["football", "sokoban", "geometry", "visual"]
    fre, mgt = (stage.algo for stage in config.stages.values())
    assert (fre.groups, fre.minibatch, fre.lr, fre.kl_coef) == (128, 128, 1e-6, 1e-3)
    assert (mgt.groups, mgt.minibatch, mgt.lr, mgt.kl_coef) == (256, 256, 4e-7, 1e-3)
    assert [stage.steps for stage in config.stages.values()] == [40_300 // 128 + 1, 2 * 65_000 // 256 + 1]
    for stage in config.stages.values():
        algo = stage.algo
        assert (algo.group_size, algo.temperature, algo.clip_low, algo.clip_high) == (16, 1.0, 0.2, 0.2)
        assert (algo.beta1, algo.beta2, algo.max_grad_norm) == (0.9, 0.95, 1.0)
        updates = stage.steps * algo.groups * algo.group_size / algo.minibatch
        assert algo.warmup_updates == round(0.03 * updates)
        assert stage.max_reply_tokens == 8192
    assert config.engine.max_context == 4096 + 8192 and config.learner.dtype == "bfloat16"
    assert all(task.format_reward == 0.5 for task in config.tasks.values())


def test_control_recipes_differ_from_lmm_r1_in_one_stage() -> None:
    whole, direct, fre = (load([f"recipe={name}"]) for name in ("lmm_r1", "direct_mgt", "fre"))
    assert {name: stage.steps for name, stage in direct.stages.items()} == {"fre": 0, "mgt": 508}
    assert {name: stage.steps for name, stage in fre.stages.items()} == {"fre": 315, "mgt": 0}
    for control in (direct, fre):
        assert (control.tasks, control.envs, control.learner) == (whole.tasks, whole.envs, whole.learner)
    assert direct.stages["mgt"] == whole.stages["mgt"] and fre.stages["fre"] == whole.stages["fre"]


def test_recipe_tiny_has_a_suite_with_every_family() -> None:
    config = load(["env=all"])
    assert config.name == "all"
    assert config.envs == ["football", "sokoban", "tiny_geometry", "tiny_visual", "tiny_reasoning"]
    for task in config.tasks.values():
        size = task.kwargs.get("image_size", task.image_size)
        assert not task.image or size == [84, 84]  # what the tiny model sees


def test_stage_tasks_override_replaces_the_stages_tasks() -> None:
    config = load(["stages.mgt.tasks=[env, algebra]", "tasks.algebra.max_turns=1"])
    assert config.stages["mgt"].tasks == {"football": 1, "algebra": 1}
    assert "algebra" in config.tasks


def test_compose_with_options_returns_config_and_options() -> None:
    composed = compose({"env": "algebra", "policy": "random", "seed": "3"}, Extra)
    assert (composed.config.env, composed.config.seed) == ("algebra", 3)
    assert composed.options == Extra("random", 256)
    with pytest.raises(UserError, match="unknown key polic; did you mean policy"):
        compose({"polic": "random"}, Extra)


def test_text_values_are_kept_verbatim() -> None:
    assert load(["name=007"]).name == "007"
    assert load(["name=true"]).name == "true"
    assert load(["name="]).name == "football"
    assert load(["env.instructions=a = b"]).tasks["football"].instructions == "a = b"


def test_read_returns_the_saved_config(tmp_path: Path) -> None:
    config = load(["name=1e-6", "algo.lr=1e-6", "env.instructions=null: ${a}\n é '"])
    save(config, tmp_path / "config.yaml")
    assert read(tmp_path / "config.yaml") == config


def test_read_of_an_invalid_file_names_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("sed: 1\n")
    with pytest.raises(UserError, match=r"config\.yaml: unknown key sed; did you mean seed\?"):
        read(tmp_path / "config.yaml")
    with pytest.raises(UserError, match=r"gone\.yaml: No such file"):
        read(tmp_path / "gone.yaml")


ERRORS = {
    "algo.lrr=1": "unknown key algo.lrr; did you mean algo.lr?",
    "lr=1": "unknown key lr; did you mean algo.lr?",
    "xyzzy=1": "unknown key xyzzy; --help lists all keys",
    "env.max_turn=1": "unknown key env.max_turn; did you mean env.max_turns?",
    "tasks.fotball.max_turns=1": "unknown key tasks.fotball.max_turns; did you mean tasks.football.max_turns?",
    "stages.mgtt.steps=1": "unknown key stages.mgtt.steps; did you mean stages.mgt.steps?",
    "stages.mgt=1": "unknown key stages.mgt; did you mean stages.mgt.swap?",
    "algo.lr.x=1": "unknown key algo.lr.x; did you mean algo.lr?",
    "model=tinny": f"unknown model 'tinny'; did you mean 'tiny'? Known: {', '.join(names('model'))}",
    "recipe=../tiny": f"unknown recipe '../tiny'; did you mean 'tiny'? Known: {', '.join(names('recipe'))}",
    "algo.lr=fast": "algo.lr=fast: a number greater than 0 is expected",
    "algo.lr=nan": "algo.lr=nan: a number greater than 0 is expected",
    "algo.lr=": "algo.lr=null: a number greater than 0 is expected",
    "seed=1.5": "seed=1.5: a whole number of at least 0 is expected",
    "seed=true": "seed=true: a whole number of at least 0 is expected",
    "env.image=1": "env.image=1: true or false is expected",
    "env.actions=left": "env.actions=left: a list [text or a list [text, …], …] is expected",
    "env.actions=[a, 1]": "env.actions[1]=1: text or a list [text, …] is expected",
    "env.kwargs=[a": "env.kwargs=[a: a mapping {name: value} is expected",
    "envs=football": "unknown key envs; did you mean env?",
    "stages=mgtt": "unknown stage 'mgtt'; did you mean 'mgt'? Known: fre, mgt",
    "env=": "env: at least one task must be named, such as football, or football,sokoban",
    "env={football: 0}": "env: weights must be greater than 0, got {'football': 0.0}",
    "env=[football, 1]": "env=['football', 1]: a list [text, …] or a mapping {name: value} is expected",
    "algo.lr=-1": "algo.lr=-1: a number greater than 0 is expected",
    "stages.fre.algo.lr=-1": "stages.fre.algo.lr=-1: a number greater than 0 is expected",
    "env.max_turns=0": "env.max_turns=0: a whole number of at least 1 is expected",
    "seed=-1": "seed=-1: a whole number of at least 0 is expected",
    "name=a/b": "name may contain only letters, digits and . _ - (it names a folder), got 'a/b'",
    "name=..": "name may contain only letters, digits and . _ - (it names a folder), got '..'",
    "football": "'football' is not of the form key=value (such as env=football); --help lists all keys",
    "=3": "'=3' is not of the form key=value (such as env=football); --help lists all keys",
    "env=gone.yaml": "gone.yaml: No such file or directory",
}


@pytest.mark.parametrize("word", ERRORS)
def test_load_with_an_invalid_override_has_this_error(word: str) -> None:
    with pytest.raises(UserError) as caught:
        load([word])
    assert str(caught.value) == ERRORS[word]


def test_load_with_an_unknown_env_suggests_a_known_one() -> None:
    with pytest.raises(UserError, match=r"unknown env 'footbal'; did you mean 'football'\? Known: .*arithmetic"):
        load(["env=footbal"])
    with pytest.raises(UserError, match="unknown env 'gamess'; did you mean 'games'"):
        load(["env=gamess"])
    with pytest.raises(UserError, match=r"engine=vllm: a group of keys \(kind, "):
        load(["engine=vllm"])
    with pytest.raises(UserError, match=r"unknown env 'footbal'; did you mean 'football'\?"):
        load(["stages.mgt.tasks=[footbal]"])


def test_load_with_contradicting_overrides_is_refused() -> None:
    with pytest.raises(UserError, match="seed is given twice: '1' and '2'"):
        load(["seed=1", "seed=2"])
    for words in (["env.kwargs.a=1", "env.kwargs.a.b=2"], ["algo.lr=1", "algo={eps: 2}"]):
        with pytest.raises(UserError, match="conflicts with another override"):
            load(words)


BAD_FILES = {
    "id: a\nid: b\n": r"bad\.yaml:2: .*duplicate",
    "id: [a\nhistory: 1\n": r"bad\.yaml:2: ",
    "- id\n": r"bad\.yaml: a mapping",
    "max_turns: many\n": r"bad\.yaml: max_turns=many: a whole number of at least 1 is expected",
    "max_turn: 3\n": r"bad\.yaml: unknown key max_turn; did you mean max_turns\?",
    "id: &a [*a]\n": r"bad\.yaml:1: found unconstructable recursive node",
    "id: !!int x\n": r"bad\.yaml: not a YAML file of settings",
}


@pytest.mark.parametrize("text", BAD_FILES)
def test_load_with_an_invalid_file_names_file_and_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=BAD_FILES[text]) as caught:
        load([f"env={path}"])
    assert "\n" not in str(caught.value)


def test_group_file_with_binary_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(b"\x00\xff\xfe")
    with pytest.raises(UserError, match="not a YAML file of settings"):
        group_file("env", str(tmp_path / "bad.yaml"))


PROGRAM = """
from configs.cli import command
from training.config.compose import load
from training.config.run import save
from training.config.help import help_text
from pathlib import Path
command(lambda argv: save(load(argv), Path("{target}")), help_text)
"""


def run(target: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(target=target)
    return subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_command_returns_exit_status_and_one_line_errors(tmp_path: Path) -> None:
    done = run(tmp_path / "config.yaml", "env=arithmetic", "seed=5")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert read(tmp_path / "config.yaml").seed == 5

    done = run(tmp_path / "no.yaml", "algo.lr=fast")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: algo.lr=fast: a number greater than 0 is expected\n"

    done = run(tmp_path / "missing" / "config.yaml")
    assert done.returncode == 2
    assert done.stderr == f"error: No such file or directory: {tmp_path}/missing/config.yaml\n"

    done = run(tmp_path / "no.yaml", "--help", "env=arithmetic")
    assert done.returncode == 0
    assert "env.kwargs" in done.stdout


@pytest.mark.slow
def test_training_run_with_an_unknown_key_prints_one_line() -> None:
    root = Path(__file__).resolve().parents[3]
    words = [sys.executable, "-m", "training.run", "env=football", "algo.lrr=1"]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: unknown key algo.lrr; did you mean algo.lr?\n"


def test_compose_does_not_import_torch() -> None:
    program = "import sys, training.config.compose, training.config.help; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_help_lists_every_key_with_its_meaning() -> None:
    text = help_text(["algo.lr=0.125"], Extra, width=80)
    assert max(len(line) for line in text.splitlines()) <= 80
    for key in (
        "policy",
        "seed",
        "env.max_turns",
        "model.path",
        "engine.kind",
        "engine.vllm.dtype",
        "learner.dtype",
        "cluster.kind",
    ):
        assert f"  {key} (" in text
    assert "algo.lr (number greater than 0) = 0.125\n      Peak learning rate" in text
    assert "stages.fre.steps (whole number of at least 0)" in text
    for name in names("env"):
        assert f"  {name} " in text or name in variants()
    for name in variants():
        assert f" {name}," in text or f" {name}\n" in text  # in its suite's line


def test_every_field_has_a_docstring() -> None:
    config = load([])
    stage = config.stages["mgt"]
    groups = (config.model, config.engine, config.learner, config.evaluation, config.cluster)
    parts: list[Any] = [config, *groups, config.tasks["football"], stage, stage.algo]
    for part in parts:
        known = meanings(type(part))  # type: ignore[arg-type]  # mypy takes a type for unhashable
        for field in vars(part):
            assert known.get(field), f"{type(part).__name__}.{field}"


@dataclass
class Kinds:
    needed: int
    pair: tuple[int, float] = (1, 2.0)
    maybe: int | None = None


def test_schema_checks_types_of_nested_values() -> None:
    assert build(Kinds, check(Kinds, {"needed": 1, "pair": [3, 4]}, "k"), "k") == Kinds(1, (3, 4.0), None)
    assert parse(int | None, "null", "k.maybe") is None
    with pytest.raises(UserError, match=r"k\.needed is missing: a whole number is expected"):
        build(Kinds, {}, "k")
    with pytest.raises(UserError, match=r"k\.pair=\[1\]: a list \[a whole number, a number\] is expected"):
        check(Kinds, {"pair": [1]}, "k")
    with pytest.raises(UserError, match=r"k\.maybe=x: a whole number or null is expected"):
        check(Kinds, {"maybe": "x"}, "k")


def test_merge_merges_groups_key_by_key() -> None:
    assert merge({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}, "d": 3}) == {"a": {"b": 1, "c": [2]}, "d": 3}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=3))
def test_load_of_any_words_returns_a_config_or_a_user_error(words: list[str]) -> None:
    try:
        load(words)
    except UserError as error:
        assert str(error)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.text(alphabet="[]{}:,-&*!|>'\"%@`#?$a1.\n ", max_size=12))
def test_load_of_any_value_returns_a_config_or_a_user_error(text: str) -> None:
    for key in ("algo.lr", "env.kwargs.x", "env.actions", "name", "engine"):
        try:
            load([f"{key}={text}"])
        except UserError as error:
            assert str(error)
