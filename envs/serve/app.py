"""Web application: sessions over WebSocket and HTTP, the task API, and the page.

All sessions are played in the thread of the event loop. A thread of their own would not let two of them play at once,
because of the interpreter lock, and each handover between threads waits for the scheduler when the cores are busy.
"""

import asyncio
import logging
import multiprocessing
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from envs.serve import protocol
from envs.serve.access import SAFE
from envs.serve.http import body, http_error, json_response
from envs.serve.info import metadata, openapi
from envs.serve.page import page
from envs.serve.protocol import Code, RequestError, checked, encoded, error_message
from envs.serve.session import Session
from envs.serve.worlds import Worlds

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Limits of the server."""

    sessions: int = 256
    """Maximum number of sessions at once."""
    idle: float = 600.0
    """Seconds without a request after which a session is closed."""
    workers: int = 1
    """Number of processes that serve the port. Each connection has one, so episodes over HTTP need 1."""


@dataclass
class _HttpSession:
    session: Session
    last: float


class Service:
    """Sessions of all clients of a process."""

    def __init__(self, worlds: Worlds, limits: Limits, count: Any = None) -> None:
        """Serve tasks.

        Args:
            worlds: Tasks.
            limits: Limits.
            count: Number of sessions of all processes (`multiprocessing.Value`), if there are several.
        """
        self.worlds = worlds
        self.limits = limits
        self._count = multiprocessing.Value("i", 0) if count is None else count
        self._by_id: dict[str, _HttpSession] = {}

    @property
    def sessions(self) -> int:
        """Number of sessions of all processes."""
        return int(self._count.value)

    def _begin(self) -> Session:
        """Return a new session, which `_end` ends.

        Raises:
            RequestError: The maximum number of sessions is reached (CAPACITY_REACHED).
        """
        with self._count.get_lock():
            if self._count.value >= self.limits.sessions:
                raise RequestError(Code.CAPACITY_REACHED, f"all {self.limits.sessions} sessions are in use")
            self._count.value += 1
        return Session(self.worlds)

    def _end(self, session: Session) -> None:
        session.close()
        with self._count.get_lock():
            self._count.value -= 1

    # -- sockets -----------------------------------------------------------------------------------------------------

    async def socket(self, websocket: WebSocket) -> None:
        """Serve one session."""
        await websocket.accept()
        try:
            session = self._begin()
        except RequestError as error:
            await websocket.send_text(error_message(error.code, str(error)))
            await websocket.close(1013)
            return
        try:
            await self._converse(websocket, session)
        except (WebSocketDisconnect, TimeoutError):
            pass
        finally:
            self._end(session)

    async def _converse(self, websocket: WebSocket, session: Session) -> None:
        """Answer the requests of a session until it ends."""
        try:
            while True:
                async with asyncio.timeout(self.limits.idle):
                    message = await websocket.receive()
                    if message["type"] == "websocket.disconnect":
                        return
                    answer = self.answer(session, message.get("text"))
                    if answer is None:
                        break
                    await websocket.send_text(answer)
                    await asyncio.sleep(0)  # the turn of the other sessions, even if many messages wait in this one
        except TimeoutError:
            reason = f"closed after {self.limits.idle:g} s without a request"
            async with asyncio.timeout(5):  # the client may not read
                await websocket.send_text(error_message(Code.SESSION_ERROR, reason))
        await websocket.close()

    def answer(self, session: Session, text: str | None) -> str | None:
        """Return the answer to a message of a socket, or None to close it. Binary messages have no text."""
        try:
            if text is None:
                raise RequestError(Code.INVALID_JSON, "binary message; send JSON as text")
            kind, data = protocol.request(text)
            if kind == "close":
                return None
            if kind == "mcp":
                return encoded({"type": "mcp", "data": protocol.no_tools(data)})
            if kind == "state":
                return encoded({"type": "state", "data": session.state()})
            if kind == "reset":
                played = session.reset(checked(protocol.Reset, data))
            else:
                played = session.step(checked(protocol.Action, data).message)
            return encoded({"type": "observation", "data": played})
        except RequestError as error:
            return error_message(error.code, str(error))
        except Exception as error:
            log.exception("a request failed")
            return error_message(Code.EXECUTION_ERROR, f"the server failed ({type(error).__name__})")

    # -- HTTP --------------------------------------------------------------------------------------------------------

    async def reset(self, request: Request) -> Response:
        """Start an episode, which `step` and `state` find by its `episode_id`. It is forgotten when it ends."""
        if self.limits.workers > 1:
            raise RequestError(Code.VALIDATION_ERROR, "episodes over HTTP need a server with workers=1; use /ws")
        asked = checked(protocol.Reset, await body(request))
        name = asked.episode_id or str(uuid.uuid4())
        if name not in self._by_id:
            self._by_id[name] = _HttpSession(self._begin(), time.monotonic())
            self._expire(name)
        asked = asked.model_copy(update={"episode_id": name})
        return self._use(name, lambda session: session.reset(asked))

    async def step(self, request: Request) -> Response:
        """Play a reply in the episode `episode_id`."""
        data = await body(request)
        if not isinstance(data, dict) or not isinstance(data.get("episode_id"), str):
            raise RequestError(
                Code.VALIDATION_ERROR, "episode_id: send the one that POST /reset returned in metadata, or use /ws"
            )
        action = checked(protocol.Action, data.get("action"))
        return self._use(data["episode_id"], lambda session: session.step(action.message))

    async def state(self, request: Request) -> Response:
        """Return the state of the episode `?episode_id=`, or that of a new session."""
        name = request.query_params.get("episode_id")
        session = Session(self.worlds) if name is None else self._entry(name).session
        return json_response(session.state())

    def _entry(self, name: str) -> _HttpSession:
        entry = self._by_id.get(name)
        if entry is None:
            raise RequestError(Code.SESSION_ERROR, f"no episode {name[:80]!r} is in progress; POST /reset starts one")
        return entry

    def _use(self, name: str, play: Callable[[Session], dict[str, Any]]) -> Response:
        """Play in an episode. It is dropped when it ends or cannot start."""
        entry = self._entry(name)
        try:
            return json_response(play(entry.session))
        finally:
            entry.last = time.monotonic()
            if entry.session.done:
                self._drop(name)

    def _expire(self, name: str) -> None:
        """Drop an episode without requests, or look again later."""
        entry = self._by_id.get(name)
        if entry is not None:
            left = entry.last + self.limits.idle - time.monotonic()
            if left > 0:
                asyncio.get_running_loop().call_later(max(left, 1.0), self._expire, name)
            else:
                self._drop(name)

    def _drop(self, name: str) -> None:
        self._end(self._by_id.pop(name).session)

    # -- the task API ------------------------------------------------------------------------------------------------

    async def splits(self, request: Request) -> Response:
        """Return the splits of a task."""
        self.worlds.named(request.path_params["name"])
        return json_response([{"name": split, "type": split} for split in ("train", "validation", "test")])

    async def tasks(self, request: Request) -> Response:
        """Return all listed starts of a split."""
        world = self.worlds.named(request.path_params["name"])
        asked = checked(protocol.SplitRequest, await body(request))
        return json_response({"tasks": world.listing(asked.split, None, None), "env_name": world.name})

    async def num_tasks(self, request: Request) -> Response:
        """Return the number of listed starts of a split."""
        world = self.worlds.named(request.path_params["name"])
        asked = checked(protocol.SplitRequest, await body(request))
        return json_response({"num_tasks": len(world.listing(asked.split, None, None))})

    async def task(self, request: Request) -> Response:
        """Return one start of a split."""
        world = self.worlds.named(request.path_params["name"])
        asked = checked(protocol.TaskRequest, await body(request))
        return json_response({"task": world.description(asked.split, asked.index)})

    async def task_range(self, request: Request) -> Response:
        """Return some starts of a split."""
        world = self.worlds.named(request.path_params["name"])
        asked = checked(protocol.RangeRequest, await body(request))
        return json_response({"tasks": world.listing(asked.split, asked.start, asked.stop)})

    def close(self) -> None:
        """Close all environments."""
        self.worlds.close()


def application(service: Service) -> ASGIApp:
    """Return the web application of a service."""

    async def mcp(request: Request) -> Response:
        return json_response(protocol.no_tools(await body(request)))

    async def index(request: Request) -> Response:
        html, policy = page(list(service.worlds.by_name))
        return Response(html, headers=SAFE | {"Content-Security-Policy": policy}, media_type="text/html")

    def fixed(value: Any) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return json_response(value)

        return answer

    return Starlette(
        routes=[
            WebSocketRoute("/ws", service.socket),
            Route("/", index),
            Route("/health", fixed({"status": "healthy"})),
            Route("/metadata", fixed(metadata(service.worlds))),
            Route("/schema", fixed(protocol.schemas())),
            Route("/openapi.json", fixed(openapi())),
            Route("/state", service.state),
            Route("/reset", service.reset, methods=["POST"]),
            Route("/step", service.step, methods=["POST"]),
            Route("/mcp", mcp, methods=["POST"]),
            Route("/list_environments", fixed(list(service.worlds.by_name))),
            Route("/{name}/splits", service.splits),
            Route("/{name}/tasks", service.tasks, methods=["POST"]),
            Route("/{name}/num_tasks", service.num_tasks, methods=["POST"]),
            Route("/{name}/task", service.task, methods=["POST"]),
            Route("/{name}/task_range", service.task_range, methods=["POST"]),
        ],
        exception_handlers={RequestError: http_error, 404: http_error, 405: http_error, 500: http_error},
    )
