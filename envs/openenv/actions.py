"""Actions of OpenEnv servers: from an answer to the fields of the server's action."""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from envs.openenv.reading import clean
from envs.openenv.session import ActionError, ServerError

USUAL: Final = ("message", "action", "answer", "text", "move", "command", "code")
"""Names of the field with the action, if the schema has several fields."""
KINDS: Final = ("string", "integer", "number", "boolean", "json")
"""Types of a field. `json` is any JSON value, such as a list of numbers."""
WHOLE: Final = "<think></think><answer>{}</answer>"
"""Form of an action that is a whole reply."""


@dataclass(frozen=True)
class ActionForm:
    """Form of an action: one field with the answer, and constant fields."""

    field: str
    """Path of the field, such as `message` or `arguments.message`."""
    kind: str = "string"
    """One of `KINDS`."""
    form: str = "{}"
    """Text with the answer at `{}`."""
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Answer → value of the field."""
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Other fields of the action."""

    def payload(self, answer: str) -> dict[str, Any]:
        """Return the action for an answer.

        Raises:
            ActionError: The answer is no value of the field.
        """
        value = self._value(answer.strip())
        *parents, last = self.field.split(".")
        action: dict[str, Any] = json.loads(json.dumps(dict(self.data)))
        place = action
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = value
        return action

    def _value(self, answer: str) -> Any:
        if answer in self.values:
            return self.values[answer]
        if self.values:
            raise ActionError(f"{answer[:80]!r} is none of {', '.join(self.values)}")
        if self.kind == "string":
            return clean(self.form.replace("{}", answer))
        if self.kind == "integer" and re.fullmatch(r"[+-]?[0-9]{1,18}", answer):
            return int(answer)
        if self.kind == "number" and re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?", answer):
            return float(answer)
        if self.kind == "boolean" and answer.lower() in ("true", "false"):
            return answer.lower() == "true"
        if self.kind == "json":
            try:
                return json.loads(answer, parse_constant=_no_number)
            except (ValueError, RecursionError):
                pass
        raise ActionError(f"{answer[:80]!r} is no {self.kind}")


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def named_values(given: Mapping[str, Any] | Sequence[Any] | None) -> dict[str, Any]:
    """Return answer → value. The values of a list of names are their indices."""
    if given is None:
        return {}
    pairs = given.items() if isinstance(given, Mapping) else ((name, index) for index, name in enumerate(given))
    return {str(name): value for name, value in pairs}


def proposed(schema: Any, chosen: str = "") -> dict[str, Any]:
    """Return the arguments `action_field`, `action_type`, `action_form` and `action_values` for a server's schema.

    The field is the required one if there is only one, or else the first of `USUAL`.

    Args:
        schema: Answer to `/schema`.
        chosen: Field, or empty to choose one.

    Raises:
        ServerError: The schema has no such field, or several fields and none of `USUAL`.
    """
    action = schema.get("action") if isinstance(schema, dict) else None
    fields = action.get("properties") if isinstance(action, dict) else None
    if not isinstance(action, dict) or not isinstance(fields, dict):
        raise ServerError("/schema has no properties of an action", "no schema")
    fields = {str(name): value for name, value in fields.items() if name != "metadata"}
    required = [name for name in fields if name in (action.get("required") or ())]
    one = required if len(required) == 1 else list(fields) if len(fields) == 1 else []
    found = [chosen] if chosen else one or [name for name in USUAL if name in (required or fields)]
    if not found:
        names = ", ".join(fields) or "no fields"
        raise ServerError(
            f"the action has {names}; set env.kwargs.action_field, and env.kwargs.action_data for the others", "action"
        )
    name = found[0]
    kind, choices = _type(fields.get(name, {}), action.get("$defs"))
    described = json.dumps(fields.get(name, {}))
    return {
        "action_field": name,
        "action_type": kind,
        "action_form": WHOLE if kind == "string" and "<answer>" in described else "{}",
        "action_values": {str(choice): choice for choice in choices} or None,
    }


def _type(schema: Any, definitions: Any) -> tuple[str, list[Any]]:
    """Return the type of a field and its allowed values, if they are listed."""
    for _ in range(8):  # references and alternatives
        if not isinstance(schema, dict):
            return "json", []
        if "$ref" in schema and isinstance(definitions, dict):
            schema = definitions.get(str(schema["$ref"]).rpartition("/")[2])
        elif isinstance(schema.get("anyOf"), list):
            kinds = [one for one in schema["anyOf"] if isinstance(one, dict) and one.get("type") != "null"]
            schema = kinds[0] if kinds else {}
        elif isinstance(schema.get("allOf"), list) and schema["allOf"]:
            schema = schema["allOf"][0]
        else:
            break
    if not isinstance(schema, dict):
        return "json", []
    choices = schema.get("enum")
    kind = schema.get("type")
    listed = [one for one in choices if isinstance(one, str | int)] if isinstance(choices, list) else []
    return kind if kind in KINDS else "string" if listed or kind is None else "json", listed
