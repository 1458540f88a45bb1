"""Settings: what the constructor refuses, how bounds are stated, and the JSON schema of a file."""

import pickle
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le, Lt

from configs.errors import UserError
from configs.help import json_schema, key_lines
from configs.schema import Settings, build, check, describe_type
from configs.types import Fraction, PositiveFloat, PositiveInt


@dataclass
class Inner(Settings):
    lr: PositiveFloat = 1e-4
    """Learning rate."""


@dataclass
class Outer(Settings):
    steps: PositiveInt = 1
    """Number of steps."""
    kind: Literal["a", "b"] = "a"
    level: Annotated[int, Ge(0), Le(2)] = 0
    size: tuple[PositiveInt, PositiveInt] | None = None
    weights: dict[str, Fraction] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.level > self.steps:
            raise ValueError(f"level must be at most steps={self.steps}, got {self.level}")


WRONG: list[tuple[str, Any, str]] = [
    ("steps", 0, "steps=0: a whole number of at least 1 is expected"),
    ("steps", True, "steps=true: a whole number of at least 1 is expected"),
    ("steps", 1.0, "steps=1.0: a whole number of at least 1 is expected"),
    ("steps", "1", "steps=1: a whole number of at least 1 is expected"),
    ("kind", "c", "kind=c: one of a, b is expected"),
    ("kind", None, "kind=null: one of a, b is expected"),
    ("level", 3, "level=3: a whole number from 0 to 2 is expected"),
    ("level", True, "level=true: a whole number from 0 to 2 is expected"),
    ("size", (0, 1), "size=(0, 1): a list [a whole number of at least 1, a whole number of at least 1] or null is"),
    ("weights", {"x": 0.5, "y": 2}, "weights.y=2: a number from 0 to 1 is expected"),
    ("names", ["a", 1], "names[1]=1: text is expected"),
    ("names", "a", "names=a: a list [text, …] is expected"),
    ("inner", 3, "inner=3: a group of keys (lr) is expected"),
]


@pytest.mark.parametrize(("name", "value", "message"), WRONG)
def test_a_wrong_value_is_refused_by_the_constructor_and_from_a_file(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Outer(**{name: value})
    assert str(caught.value).startswith(message)
    with pytest.raises(UserError) as refused:
        check(Outer, {name: value}, "k")
    assert str(refused.value).startswith(f"k.{message}") and "\n" not in str(refused.value)
    with pytest.raises(ValueError):
        replace(Outer(), **{name: value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0, "1e-4", True, 10**400])
def test_a_float_is_a_finite_number_in_its_bounds(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^lr=.*: a number greater than 0 is expected$"):
        Inner(lr=value)


def test_check_gives_each_value_its_exact_type() -> None:
    checked = check(Outer, {"inner": {"lr": 1}, "size": [8, 9], "weights": {1: 1}}, "")
    assert checked == {"inner": {"lr": 1.0}, "size": (8, 9), "weights": {"1": 1.0}}
    assert type(checked["inner"]["lr"]) is type(checked["weights"]["1"]) is float
    assert build(Outer, checked) == Outer(inner=Inner(1.0), size=(8, 9), weights={"1": 1.0})


def test_a_rule_over_several_fields_names_its_group() -> None:
    with pytest.raises(UserError, match=r"^outer: level must be at most steps=1, got 2$"):
        build(Outer, {"level": 2}, "outer")


def test_settings_are_plain_dataclasses() -> None:
    outer = Outer(steps=3, inner=Inner(0.5))
    assert pickle.loads(pickle.dumps(outer)) == outer == replace(outer)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Annotated[int, Ge(2)], "a whole number of at least 2"),
        (Annotated[float, Gt(0), Le(1)], "a number greater than 0 and at most 1"),
        (Annotated[float, Ge(0), Lt(1)], "a number of at least 0 and less than 1"),
        (Fraction | None, "a number from 0 to 1 or null"),
        (list[PositiveInt], "a list [a whole number of at least 1, …]"),
    ],
)
def test_describe_type_states_the_bounds(kind: Any, text: str) -> None:
    assert describe_type(kind) == text


def test_help_states_bounds_and_choices() -> None:
    lines = list(key_lines(Outer, None, "k.", 100))
    assert "  k.steps (whole number of at least 1) = 1" in lines
    assert "  k.kind (one of a, b) = a" in lines


def test_json_schema_has_bounds_choices_and_meanings() -> None:
    schema = json_schema(Outer)
    fields = schema["properties"]
    assert schema["additionalProperties"] is False
    assert (fields["steps"]["minimum"], fields["steps"]["description"]) == (1, "Number of steps.")
    assert fields["kind"]["enum"] == ["a", "b"]
    assert (fields["level"]["minimum"], fields["level"]["maximum"]) == (0, 2)
    lr = schema["$defs"]["Inner"]["properties"]["lr"]
    assert (lr["exclusiveMinimum"], lr["default"], lr["description"]) == (0, 1e-4, "Learning rate.")
