"""YAML files: what is written reads back equal, numbers and texts keep their types, and mistakes have a line."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from configs.errors import UserError
from configs.files import load_yaml, parse_yaml, to_yaml

NUMBERS = {"1e-5": 1e-5, "1E5": 1e5, "-2e+3": -2e3, ".5e1": 5.0, "1.e2": 100.0, "1.5": 1.5, "1_000": 1000, "7": 7}
TEXTS = [
    "1e-5",
    ".5e1",
    "on",
    "off",
    "yes",
    "null",
    "~",
    "007",
    "1.5",
    "2026-01-31",
    "1:30",
    "=",
    "",
    "a: b",
    "# c",
    "${a}",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_may_have_an_exponent_without_a_point(text: str) -> None:
    value = parse_yaml(text)
    assert value == NUMBERS[text] and type(value) is type(NUMBERS[text])


def test_dates_and_words_are_text() -> None:
    assert parse_yaml("[2026-01-31, e5, 1e, 1e5x, .e5]") == ["2026-01-31", "e5", "1e", "1e5x", ".e5"]


@pytest.mark.parametrize("text", TEXTS)
def test_texts_that_look_like_another_type_are_quoted(text: str) -> None:
    written = to_yaml({"key": text, text: 1})
    assert parse_yaml(written) == yaml.safe_load(written) == {"key": text, text: 1}


@given(VALUES)
@example("\x85")
@example("a\u2028 b\r\n")
def test_written_values_read_back_equal(value: Any) -> None:
    assert parse_yaml(to_yaml({"value": value})) == {"value": value}


def test_tuples_are_written_as_lists_and_order_is_kept() -> None:
    assert to_yaml({"size": (84, 96), "a": "ü"}) == "size:\n- 84\n- 96\na: ü\n"


def test_merge_keys_give_defaults() -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n"
    assert parse_yaml(text) == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}


def test_empty_file_is_an_empty_mapping(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")
    assert load_yaml(tmp_path / "empty.yaml") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {c: 1, c: 2}\n", ":2: duplicate key c"),
        ("a: &a\n  b: *a\n", ":1: found unconstructable recursive node"),
        ("a: [1\nb: 2\n", ":2: "),
        ("a: !!python/object:os.system 1\n", ":1: could not determine a constructor"),
        ("- a\n", ": a mapping (key: value) is expected"),
        ("a: !!int x\n", ": not a YAML file of settings: "),
    ],
)
def test_load_yaml_of_an_invalid_file_has_one_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load_yaml(path)
    assert str(caught.value).startswith(f"{path}{message}") and "\n" not in str(caught.value)
