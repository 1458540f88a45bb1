"""Servers for one test: a small OpenEnv server in a thread that counts, and that misbehaves as it is told."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any

import gymnasium
import numpy as np
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

SCHEMA = {"action": {"properties": {"metadata": {"type": "object"}, "message": {"type": "string"}}}}
"""Schema of an action with one string field."""


class Answer:
    """What a server answers: one observation, and the reward 0.25. The third step ends an episode."""

    def __init__(self, **observation: Any) -> None:
        self.observation = {"text": "look", **observation}
        self.log: list[dict[str, Any]] = []
        """Messages that arrived."""
        self._steps = threading.local()  # each session has its own thread

    def __call__(self, message: dict[str, Any]) -> str | None:
        """The answer to a message, or None to close the session."""
        self.log.append(message)
        if message["type"] == "close":
            return None
        begins = message["type"] == "reset"
        self._steps.count = 0 if begins else self._steps.count + 1
        return told(self.observation, reward=None if begins else 0.25, done=self._steps.count >= 3)


def told(observation: Any, kind: str = "observation", **data: Any) -> str:
    """A message with an observation."""
    return json.dumps({"type": kind, "data": {"observation": observation, "reward": None, "done": False} | data})


def error(code: str, message: str, **data: Any) -> str:
    """An error message."""
    return json.dumps({"type": "error", "data": {"message": message, "code": code} | data})


@contextmanager
def server(
    answer: Callable[[dict[str, Any]], str | bytes | None],
    http: Mapping[str, Any] | None = None,
    sessions: int = 1000,
    port: int = 0,
) -> Iterator[str]:
    """The address of a server. An answer of None closes the socket; `http` has the JSON of the other paths."""
    pages = {"/schema": SCHEMA} if http is None else http
    places = threading.BoundedSemaphore(sessions)

    def page(connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/ws":
            return None
        if request.path not in pages:
            return connection.respond(HTTPStatus.NOT_FOUND, "nothing")
        response = connection.respond(HTTPStatus.OK, json.dumps(pages[request.path]))
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response

    def session(socket: ServerConnection) -> None:
        if not places.acquire(blocking=False):
            socket.send(error("CAPACITY_REACHED", "full", max_sessions=sessions))
            return
        try:
            for text in socket:
                found = answer(json.loads(text))
                if found is None:
                    return
                with suppress(ConnectionClosed):  # the client may not have waited
                    socket.send(found)
        finally:
            places.release()

    with serve(session, "127.0.0.1", port, process_request=page, max_size=None) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.socket.getsockname()[1]}"
        finally:
            running.shutdown()
            thread.join()


def slowly(seconds: float, answer: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """The same answers, later. Those to a reset come at once."""

    def slow(message: dict[str, Any]) -> Any:
        if message["type"] == "step":
            time.sleep(seconds)
        return answer(message)

    return slow


def make(address: str, **kwargs: Any) -> Any:
    """An env on a server."""
    return gymnasium.make("kickoff/OpenEnv-v0", address=address, **kwargs)


def picture(height: int = 20, width: int = 30, seed: int = 0) -> np.ndarray:
    """A random image."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def base64_of(image: np.ndarray, form: str = "PNG") -> str:
    """An image file in base64."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, form)
    return base64.b64encode(file.getvalue()).decode()
