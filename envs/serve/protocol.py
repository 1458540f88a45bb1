"""Messages of OpenEnv's protocol (version 1, as in openenv 0.10), without the openenv package.

A client sends `{"type": "reset" | "step" | "state" | "close", "data": {…}}` and receives one message per request:
`observation`, `state` or `error`. HTTP requests have the same data without the envelope.
"""

import json
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from configs.errors import suggest
from envs.task.splits import Split

VERSION = "1.0.0"
"""Version of OpenEnv's HTTP API that the server implements."""
LARGEST_MESSAGE = 256 * 1024
"""Maximum size of a request in bytes."""
LARGEST_SEED = 2**63 - 1
TYPES = ("reset", "step", "state", "close", "mcp")
"""Types of requests."""


class Code(StrEnum):
    """Error codes of the protocol."""

    INVALID_JSON = "INVALID_JSON"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    EXECUTION_ERROR = "EXECUTION_ERROR"
    CAPACITY_REACHED = "CAPACITY_REACHED"
    SESSION_ERROR = "SESSION_ERROR"


class RequestError(Exception):
    """A request that cannot be answered. The message is one line for the client."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(" ".join(message.split())[:500])
        self.code = code


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Reset(_Strict):
    """Data of a reset. `split` and `index` select a start of a split. Otherwise `seed` does, or chance."""

    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None
    episode_id: Annotated[str, Field(max_length=255)] | None = None
    task: str | None = None
    """Name of a served task. With several tasks, the seed selects one if no name is given."""
    split: Split | None = None
    index: Annotated[int, Field(ge=0)] | None = None


def _without_surrogates(text: str) -> str:
    text.encode()
    return text


class Action(_Strict):
    """A reply of the model."""

    message: Annotated[str, AfterValidator(_without_surrogates)] = Field(
        description="Whole reply of the model: <think>reasoning</think><answer>answer</answer>"
    )
    metadata: dict[str, Any] = Field(default_factory=dict, description="Ignored")


class Picture(_Strict):
    """An image of an observation."""

    type: Literal["image"]
    mime: Literal["image/png"]
    data: str = Field(description="PNG file in base64")


class Observation(_Strict):
    """Observation of one turn. `done` and `reward` stand next to it in a message."""

    text: str = Field(description="Text of the turn. The first turn begins with the instructions.")
    image: Picture | None = Field(description="Image of the turn, the first one if there are several")
    content: list[dict[str, Any]] = Field(description="Texts and images as content blocks of OpenAI's chat API")
    legal_actions: list[str | list[str]] = Field(
        description="Names that an answer may use now, or lists of names if an action has parts; empty for free text"
    )
    feedback: str = Field(description="Result of the last reply")
    done: bool = False
    reward: float | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class State(BaseModel):
    """State of a session."""

    model_config = ConfigDict(extra="allow")

    episode_id: str | None = None
    step_count: int = 0


class SplitRequest(_Strict):
    """Request about a split."""

    split: Split


class TaskRequest(SplitRequest):
    """Request for one start of a split."""

    index: int


class RangeRequest(SplitRequest):
    """Request for the starts `start` to `stop` − 1 of a split."""

    start: int | None = None
    stop: int | None = None


M = TypeVar("M", bound=BaseModel)


def checked(kind: type[M], data: Any) -> M:
    """Return validated data.

    Raises:
        RequestError: A field is missing, unknown or invalid (VALIDATION_ERROR).
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part)[:80] for part in first["loc"]) or "data"
        if first["type"] == "extra_forbidden":
            problem = suggest("field", field, kind.model_fields)
        else:
            problem = f"{field}: {first['msg']}"
        raise RequestError(Code.VALIDATION_ERROR, problem) from None


def decoded(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        RequestError: The text is no JSON (INVALID_JSON).
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # RecursionError: nested too deeply
        raise RequestError(Code.INVALID_JSON, f"invalid JSON: {error}") from None


def request(text: str) -> tuple[str, Any]:
    """Return the type and the data of a message.

    Raises:
        RequestError: The message is no JSON object, or its type or a key is unknown.
    """
    message = decoded(text)
    if not isinstance(message, dict):
        raise RequestError(Code.VALIDATION_ERROR, "a message must be an object {type, data}")
    kind = message.pop("type", None)
    if kind not in TYPES:
        raise RequestError(
            Code.UNKNOWN_TYPE,
            f"unknown message type {str(kind)[:80]!r}; version {VERSION} of the protocol has {', '.join(TYPES)}",
        )
    data = message.pop("data", {})
    if message:
        extra = str(next(iter(message)))[:80]
        raise RequestError(
            Code.VALIDATION_ERROR, f"unknown key {extra!r}; version {VERSION} of the protocol has type and data"
        )
    return str(kind), data


def encoded(value: Any) -> str:
    """Return a value as JSON text in ASCII.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def error_message(code: Code, text: str) -> str:
    """Return an error message."""
    return encoded({"type": "error", "data": {"message": text, "code": code}})


def schemas() -> dict[str, Any]:
    """Return the JSON schemas of actions, observations and states."""
    observation = Observation.model_json_schema()
    return {
        "action": Action.model_json_schema(),
        "observation": observation,
        "reset_observation": observation,
        "state": State.model_json_schema(),
    }


def no_tools(call: Any) -> dict[str, Any]:
    """Return the JSON-RPC answer to an MCP request. The tasks have no tools."""
    known = isinstance(call, dict)
    problem = {"code": -32601, "message": "no MCP tools; send reset and step"}
    if not known or not isinstance(call.get("method"), str):
        problem = {"code": -32600, "message": "not a JSON-RPC request"}
    number = call.get("id") if known and isinstance(call.get("id"), str | int) else None
    return {"jsonrpc": "2.0", "error": problem, "id": number}
