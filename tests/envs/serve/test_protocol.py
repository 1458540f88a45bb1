"""Messages: what is read, and that nothing else gets through."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.serve.protocol import (
    Action,
    Code,
    RequestError,
    Reset,
    checked,
    decoded,
    encoded,
    no_tools,
    request,
    schemas,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def refused(text: str) -> tuple[Code, str]:
    """The code and the text of the error for a message."""
    with pytest.raises(RequestError) as error:
        request(text)
    return error.value.code, str(error.value)


def test_a_request_has_a_type_and_data() -> None:
    assert request('{"type": "reset", "data": {"seed": 1}}') == ("reset", {"seed": 1})
    assert request('{"type": "state"}') == ("state", {})


def test_a_newer_protocol_is_one_clear_line() -> None:
    assert refused('{"type": "reset_many"}') == (
        Code.UNKNOWN_TYPE,
        "unknown message type 'reset_many'; version 1.0.0 of the protocol has reset, step, state, close, mcp",
    )
    assert refused('{"type": "reset", "data": {}, "version": 2}') == (
        Code.VALIDATION_ERROR,
        "unknown key 'version'; version 1.0.0 of the protocol has type and data",
    )


@pytest.mark.parametrize("text", ["", "{", "nul", "[" * 100_000, '{"type": "step", "n": ' + "9" * 5000 + "}"])
def test_a_text_that_is_no_json_is_refused(text: str) -> None:
    assert refused(text)[0] == Code.INVALID_JSON


@pytest.mark.parametrize("text", ["1", "[]", '"reset"', "null"])
def test_a_message_is_an_object(text: str) -> None:
    assert refused(text) == (Code.VALIDATION_ERROR, "a message must be an object {type, data}")


@pytest.mark.parametrize("kind", ["1", "null", "[]", '{"a": 1}'])
def test_a_type_is_a_name(kind: str) -> None:
    assert refused('{"type": ' + kind + "}")[0] == Code.UNKNOWN_TYPE


@settings(max_examples=40)
@given(JSON)
def test_any_json_is_read_or_refused_in_one_line(value: Any) -> None:
    for kind in ("reset", "step", value):
        for read in (
            lambda kind=kind: checked(Reset, request(json.dumps({"type": kind, "data": value}))[1]),
            lambda: checked(Action, value),
            lambda: request(json.dumps(value)),
        ):
            try:
                read()
            except RequestError as error:
                assert "\n" not in str(error) and len(str(error)) <= 500
    assert no_tools(value)["jsonrpc"] == "2.0"


@settings(max_examples=40)
@given(st.text() | st.binary())
def test_any_text_is_json_or_refused(text: str | bytes) -> None:
    try:
        decoded(text)
    except RequestError as error:
        assert error.code == Code.INVALID_JSON


def test_an_action_is_one_string() -> None:
    assert checked(Action, {"message": "<think></think>", "metadata": {"a": 1}}).message == "<think></think>"
    wrong: list[Any] = [{}, {"message": 1}, {"message": None}, [], "up", {"message": "\ud800"}]
    for data in wrong:
        with pytest.raises(RequestError, match=r"message|data"):
            checked(Action, data)
    assert schemas()["action"]["required"] == ["message"]


def test_answers_are_ascii_and_finite() -> None:
    assert encoded({"text": "é\ud800"}) == '{"text":"\\u00e9\\ud800"}'
    with pytest.raises(ValueError):
        encoded(float("nan"))
