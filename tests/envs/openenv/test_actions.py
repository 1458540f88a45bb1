"""Answers become the fields of a server's action, as its schema describes them."""

from typing import Any

import pytest

from envs.openenv.actions import WHOLE, ActionForm, named_values, proposed
from envs.openenv.session import ActionError, ServerError
from envs.serve.protocol import schemas


def schema(required: list[str] | None = None, definitions: Any = None, **fields: Any) -> dict[str, Any]:
    properties = {"metadata": {"type": "object"}} | fields
    return {"action": {"properties": properties, "required": required or [], "$defs": definitions}}


TEXT, WHOLE_NUMBER = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("found", "field", "kind"),
    [
        (schema(word=TEXT), "word", "string"),
        (schema(action=WHOLE_NUMBER), "action", "integer"),
        (schema(["move"], move=TEXT, comment=TEXT), "move", "string"),
        (schema(["a", "message"], a=TEXT, message=TEXT), "message", "string"),
        (
            schema(action_id=WHOLE_NUMBER, message={"anyOf": [{"type": "null"}, {"type": "number"}]}),
            "message",
            "number",
        ),
        (schema(values={"type": "array"}), "values", "json"),
        (schema(flag={"type": "boolean"}), "flag", "boolean"),
    ],
)
def test_the_field_is_the_required_or_a_usual_one(found: Any, field: str, kind: str) -> None:
    form = proposed(found)
    assert (form["action_field"], form["action_type"], form["action_form"]) == (field, kind, "{}")


def test_kickoffs_own_servers_take_a_whole_reply() -> None:
    form = proposed(schemas())
    assert form == {"action_field": "message", "action_type": "string", "action_form": WHOLE, "action_values": None}
    assert ActionForm("message", form=WHOLE).payload("up, left") == {
        "message": "<think></think><answer>up, left</answer>"
    }


def test_listed_values_are_names() -> None:
    moves = {"Move": {"enum": ["UP", "DOWN"], "type": "string"}}
    form = proposed(schema(["action"], moves, action={"$ref": "#/$defs/Move"}))
    assert form["action_values"] == {"UP": "UP", "DOWN": "DOWN"}
    assert proposed(schema(n={"enum": [0, 4], "type": "integer"}))["action_values"] == {"0": 0, "4": 4}


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (schema(x=TEXT, y=TEXT), "the action has x, y; set env.kwargs.action_field, and env.kwargs.action_data for"),
        (schema(), "the action has no fields; set"),
        ({"action": []}, "/schema has no properties of an action"),
        ([], "/schema has no properties of an action"),
    ],
)
def test_a_schema_without_one_field_is_one_line(found: Any, problem: str) -> None:
    with pytest.raises(ServerError) as raised:
        proposed(found)
    assert str(raised.value).startswith(problem)


@pytest.mark.parametrize(
    ("kind", "answer", "value"),
    [
        ("string", " hi ", "hi"),
        ("string", "\ud800", "?"),
        ("integer", "-3", -3),
        ("number", "0.5", 0.5),
        ("boolean", "True", True),
        ("json", "[0.5, -1]", [0.5, -1]),
    ],
)
def test_an_answer_has_the_type_of_the_field(kind: str, answer: str, value: Any) -> None:
    found = ActionForm("action", kind).payload(answer)["action"]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("integer", "up"), ("integer", "1.5"), ("number", "nan"), ("boolean", "1"), ("json", "[1"), ("json", "NaN")],
)
def test_an_answer_of_another_type_is_rejected(kind: str, answer: str) -> None:
    with pytest.raises(ActionError, match=f"is no {kind}"):
        ActionForm("action", kind).payload(answer)


def test_values_paths_and_other_fields() -> None:
    form = ActionForm("arguments.move", "integer", values=named_values(["up", "down"]), data={"tool": "play"})
    assert form.payload("down") == {"tool": "play", "arguments": {"move": 1}}
    assert form.payload("up") == {"tool": "play", "arguments": {"move": 0}}  # no trace of the last action
    with pytest.raises(ActionError, match="'left' is none of up, down"):
        form.payload("left")
    assert named_values({"up": 3}) == {"up": 3} and named_values(None) == {}
