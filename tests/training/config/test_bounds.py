"""Bounds and choices of all keys: a value outside is refused with one line, and the schemas of the files have them."""

import dataclasses
import json
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest

from agents.demonstrate import DemonstrateOptions
from agents.play.session import PlayOptions
from agents.pretrained import PretrainedOptions
from agents.untrained import UntrainedOptions
from configs.cli import read_options
from configs.errors import UserError
from configs.files import load_yaml
from configs.schema import describe_type, field_types, keys
from envs.task.config import TaskConfig
from render.watch import WatchOptions
from training.baseline.config import BaselineConfig
from training.compare.command import EvaluateOptions
from training.config.algo import AlgoConfig
from training.config.compose import load
from training.config.recipe import CONFIGS, GROUPS, file_schema
from training.config.run import Config
from training.config.stages import StageConfig
from training.run import main


def outside(kind: Any) -> Iterator[Any]:
    """Values just outside the bounds or choices of a type."""
    if typing.get_origin(kind) is Literal:
        yield "nonsense"
    elif typing.get_origin(kind) is Annotated:
        for mark in kind.__metadata__:
            yield from [mark.ge - 1] if hasattr(mark, "ge") else []
            yield from [mark.gt] if hasattr(mark, "gt") else []
            yield from [mark.le + 1] if hasattr(mark, "le") else []
            yield from [mark.lt] if hasattr(mark, "lt") else []
    elif typing.get_origin(kind) is not dict:
        for part in typing.get_args(kind):
            yield from outside(part)


RUN = {**field_types(Config), "env": TaskConfig, "algo": AlgoConfig, "stages.fre": StageConfig}
OF_RUN = [(key, kind, value) for key, kind in keys(RUN).items() for value in outside(kind)]
OTHERS = [BaselineConfig, DemonstrateOptions, EvaluateOptions, PlayOptions, PretrainedOptions, UntrainedOptions]
OTHERS += [WatchOptions]
OF_OTHERS = [(cls, *rest) for cls in OTHERS for rest in field_types(cls).items()]


def test_every_number_but_plain_flags_has_a_bound() -> None:
    unbounded = [key for key, kind in keys(RUN).items() if kind in (int, float)]
    unbounded += [key for _, key, kind in OF_OTHERS if kind in (int, float)]
    assert unbounded == [] and len(OF_RUN) > 90


def test_every_bounded_key_of_a_run_refuses_a_value_outside() -> None:
    for key, kind, value in OF_RUN:
        if typing.get_origin(kind) is tuple or "tuple" in str(kind):
            value = [value, value]
        elif typing.get_origin(kind) not in (Literal, Annotated) and "dict" in str(kind):
            continue  # weights: tests of the stages
        with pytest.raises(UserError) as caught:
            load([f"{key}={value}"])
        assert str(caught.value) == f"{key}={value}: {describe_type(kind)} is expected"


@pytest.mark.parametrize(("cls", "key", "kind"), OF_OTHERS)
def test_every_bounded_key_of_a_command_refuses_a_value_outside(cls: type, key: str, kind: Any) -> None:
    for value in outside(kind):
        with pytest.raises(UserError) as caught:
            read_options(cls, {key: str(value)})
        assert str(caught.value) == f"{key}={value}: {describe_type(kind)} is expected"
        with pytest.raises(ValueError, match=f"^{key}="):
            cls(**{key: value})


def test_defaults_are_inside_their_bounds() -> None:
    for cls in (Config, TaskConfig, AlgoConfig, StageConfig, *OTHERS):
        assert dataclasses.is_dataclass(cls()), cls


def test_stage_weights_are_positive() -> None:
    with pytest.raises(ValueError, match=r"^tasks=\{'football': 0\}: a list \[text, …\] or a mapping"):
        StageConfig(tasks={"football": 0})


@pytest.mark.parametrize("group", GROUPS)
def test_schema_of_a_group_accepts_its_files(group: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(file_schema(group))
    for path in (CONFIGS / group).glob("*.yaml"):
        jsonschema.validate(load_yaml(path), schema)


def test_schema_states_bounds_and_refuses_unknown_keys() -> None:
    task, recipe = (json.loads(file_schema(group)) for group in ("env", "recipe"))
    assert task["additionalProperties"] is False and task["properties"]["like"]["type"] == "string"
    assert task["properties"]["max_turns"]["minimum"] == 1
    assert recipe["$defs"]["AlgoConfig"]["properties"]["lr"]["exclusiveMinimum"] == 0
    assert recipe["$defs"]["AlgoConfig"]["properties"]["lr"]["description"] == "Peak learning rate of AdamW."


def test_schema_option_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--schema", "model"])
    assert list(json.loads(capsys.readouterr().out)["properties"]) == ["path"]
    with pytest.raises(UserError, match=r"^unknown group of files 'modle'; did you mean 'model'\? Known: cluster, env"):
        main(["--schema", "modle"])
    with pytest.raises(UserError, match=r"^unknown group of files ''\. Known: "):
        main(["--schema"])


def test_stage_of_teachers_replies_learns_without_importance_ratios() -> None:
    algo = AlgoConfig(loss="gspo", correction="tis", kl="unbiased", lr=0.5)
    learned = StageConfig(kind="distill", algo=algo).learned
    assert learned == dataclasses.replace(algo, loss="cross_entropy", correction="none", kl="k3")
    assert StageConfig(algo=algo).learned == algo
