"""`python -m envs.adapters.nemo_gym env=sokoban port=8001` serves a task to NeMo-Gym 0.7 until Ctrl-C.

It is a resources server for NeMo-Gym's `gymnasium_agent`, without the package nemo-gym. That agent shows images only in
the rows of a dataset and in results of tools. So `rows=FILE.jsonl` writes rows that hold the first observation, and the
model sends each reply by the tool `act`, whose result is the next observation.
"""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Final

import uvicorn
from annotated_types import Ge, Le
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from configs.cli import command, parse_overrides, read_options, split
from configs.errors import UserError
from configs.schema import Settings
from envs.adapters.game import Game, open_game
from envs.adapters.view import View
from envs.serve.access import Guard
from envs.serve.http import body, http_error, json_response
from envs.serve.protocol import Code, RequestError
from envs.serve.workers import LOOPBACK, bind
from envs.serve.worlds import FIRST
from envs.task.splits import Split

USAGE: Final = """\
python -m envs.adapters.nemo_gym env=NAME [port=8001] [env.k=v …]
python -m envs.adapters.nemo_gym env=NAME rows=FILE.jsonl [starts=100] [split=train] [env.k=v …]

  env=NAME     task or YAML file; python -m envs lists them
  env.k=v      setting of the task; env.rules is true unless given here
  port=N       port of this machine; 0 takes any free port (default 8001)
  rows=FILE    write a dataset for the same settings instead
  starts=N     number of rows (default 100)
  split=NAME   train, validation or test (default train)"""
COOKIE: Final = "kickoff_session"
SESSIONS: Final = 1024
"""Maximum number of episodes at once."""
IDLE: Final = 600.0
"""Seconds without a request after which an episode may be dropped."""
LARGEST: Final = 64 * 1024 * 1024
"""Maximum size of a request in bytes. The agent sends the row, with its images, in every step."""
TOOL: Final = {
    "type": "function",
    "name": "act",
    "description": "Send a reply and return the next observation.",
    "parameters": {
        "type": "object",
        "properties": {"reply": {"type": "string", "description": "<think>reasoning</think><answer>answer</answer>"}},
        "required": ["reply"],
        "additionalProperties": False,
    },
    "strict": True,
}


@dataclass
class NemoGymOptions(Settings):
    """Keys of the command."""

    env: str = ""
    """Task."""
    port: Annotated[int, Ge(0), Le(65535)] = 8001
    """Port; 0 takes any free port."""
    rows: str = ""
    """File to write, or empty to serve."""
    starts: Annotated[int, Ge(1)] = 100
    """Number of rows."""
    split: Split = "train"
    """Split of the rows."""


@dataclass
class _Open:
    game: Game
    last: float


class ResourcesServer:
    """Episodes of one task by cookie."""

    def __init__(self, env: str, settings: dict[str, Any]) -> None:
        self._env, self._settings = env, settings
        self._open: dict[str, _Open] = {}
        open_game(env, settings)

    async def reset(self, request: Request) -> Response:
        """Start the episode of a row. Its first observation is in the row."""
        row = _object(await body(request, LARGEST))
        seed = row.get("seed")
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise RequestError(Code.VALIDATION_ERROR, "seed: each row needs a whole number; rows=FILE writes rows")
        self._drop_idle()
        game = open_game(self._env, self._settings)
        try:
            (view,) = game.reset(seed=seed)
        except UserError as error:
            raise RequestError(Code.VALIDATION_ERROR, str(error)) from None
        name = str(uuid.uuid4())
        self._open[name] = _Open(game, time.monotonic())
        response = json_response({"observation": None, "info": view.facts | {"supports_explicit_close": True}})
        response.set_cookie(COOKIE, name, httponly=True)
        return response

    async def step(self, request: Request) -> Response:
        """Play the reply of a model's response."""
        data = _object(await body(request, LARGEST))
        name = request.cookies.get(COOKIE, "")
        if name not in self._open:
            raise RequestError(Code.SESSION_ERROR, "no episode is in progress; POST /reset starts one")
        reply, call = reply_of(data.get("response"))
        opened = self._open[name]
        opened.last = time.monotonic()
        try:
            (view,) = opened.game.step([reply])
        except UserError as error:
            self._close(name)
            raise RequestError(Code.EXECUTION_ERROR, str(error)) from None
        if view.done:
            self._close(name)
        return json_response(_step(view, call))

    async def close(self, request: Request) -> Response:
        """End an episode."""
        self._close(request.cookies.get(COOKIE, ""))
        return json_response({})

    async def aggregate_metrics(self, request: Request) -> Response:
        """Return the mean reward and success of a run."""
        given = _object(await body(request, LARGEST)).get("verify_responses") or []
        rewards = [float(one["reward"]) for one in given]
        successes = [float(bool((one.get("info") or {}).get("success"))) for one in given]
        means = {"mean/reward": fmean(rewards), "mean/success": fmean(successes)} if given else {}
        return json_response({"group_level_metrics": [], "agent_metrics": means, "key_metrics": means})

    def _close(self, name: str) -> None:
        opened = self._open.pop(name, None)
        if opened is not None:
            opened.game.close()

    def _drop_idle(self) -> None:
        """Drop episodes without requests, and refuse a new one if all places are taken."""
        for name in [name for name, one in self._open.items() if one.last + IDLE < time.monotonic()]:
            self._close(name)
        if len(self._open) >= SESSIONS:
            raise RequestError(Code.CAPACITY_REACHED, f"all {SESSIONS} sessions are in use")

    def application(self) -> Starlette:
        """Return the web application."""
        routes = {name: getattr(self, name) for name in ("reset", "step", "close", "aggregate_metrics")}
        places = ("", "/ng-rollout/{rollout}")  # the second if NeMo-Gym's observability is on
        return Starlette(
            routes=[
                Route(f"{place}/{name}", handler, methods=["POST"])
                for place in places
                for name, handler in routes.items()
            ],
            exception_handlers={RequestError: http_error, 404: http_error, 405: http_error, 500: http_error},
        )


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RequestError(Code.VALIDATION_ERROR, "the body must be an object")
    return value


def reply_of(response: Any) -> tuple[str, str]:
    """Return the reply in a response of OpenAI's Responses API, and the id of its call, or "" for a message.

    Raises:
        RequestError: The response is not an object with a list `output`.
    """
    output = response.get("output") if isinstance(response, dict) else None
    if not isinstance(output, list) or not all(isinstance(item, dict) for item in output):
        raise RequestError(Code.VALIDATION_ERROR, "response.output: a list of objects is expected")
    for item in output:
        if item.get("type") == "function_call":
            try:
                reply = json.loads(item["arguments"])["reply"]
            except (KeyError, TypeError, ValueError):
                reply = ""  # an invalid reply
            return reply if isinstance(reply, str) else "", str(item.get("call_id", ""))
    parts = [part for item in output if item.get("type") == "message" for part in item.get("content") or []]
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict)), ""


def _step(view: View, call: str) -> dict[str, Any]:
    """Return the answer to a step. The next observation is the result of the call, or the text of a user message."""
    info: dict[str, Any] = dict(view.facts)
    text = "\n".join(part["text"] for part in view.content if part["type"] == "text")
    if call and not view.done:
        info["tool_outputs"] = [{"call_id": call, "output": inputs(view)}]
    return {
        "observation": None if call or view.done else text,
        "reward": view.reward,
        "terminated": view.done and view.facts["ended"] != "truncated",
        "truncated": view.done and view.facts["ended"] == "truncated",
        "info": info,
    }


def inputs(view: View) -> list[dict[str, Any]]:
    """Return the content of a view in the form of OpenAI's Responses API."""
    return [
        {"type": "input_image", "image_url": part["image_url"]["url"], "detail": "auto"}
        if part["type"] == "image_url"
        else {"type": "input_text", "text": part["text"]}
        for part in view.content
    ]


def write_rows(options: NemoGymOptions, settings: dict[str, Any]) -> None:
    """Write a dataset: one row for each start, with its first observation and the tool.

    Raises:
        UserError: The file cannot be written, or the task is invalid.
    """
    game = open_game(options.env, settings)
    first = FIRST[options.split]
    try:
        with Path(options.rows).open("w", encoding="utf-8") as file:
            for seed in range(first, first + options.starts):
                (view,) = game.reset(seed=seed)
                message = {"role": "user", "content": inputs(view)}
                asked = {"input": [message], "tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False}
                file.write(json.dumps({"responses_create_params": asked, "seed": seed}) + "\n")
    except OSError as error:
        raise UserError(f"rows={options.rows}: {error.strerror}") from None
    game.close()
    print(f"{options.starts} rows in {options.rows}")


def main(words: Sequence[str]) -> None:
    """Serve a task, or write rows.

    Raises:
        UserError: An argument is invalid, the task is unknown, or the port is in use.
    """
    settings, others = split(parse_overrides(words), "env")
    options = read_options(NemoGymOptions, others)
    if not options.env:
        raise UserError("env=NAME is missing, such as env=sokoban; python -m envs lists the tasks")
    if open_game(options.env, settings).seats > 1:
        raise UserError(f"env={options.env}: NeMo-Gym's agent has one seat; env.kwargs.control must be 1")
    if options.rows:
        write_rows(options, settings)
        return
    with bind("127.0.0.1", options.port) as listening:
        app = Guard(ResourcesServer(options.env, settings).application(), LOOPBACK, None)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="off")
        print(f"serving {options.env} at http://127.0.0.1:{listening.getsockname()[1]}/ (Ctrl-C to stop)", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    command(main, lambda _: USAGE)
