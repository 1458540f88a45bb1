"""A real server in a thread, and clients for it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from websockets.sync.client import ClientConnection, connect

from envs.serve.app import Limits, Service
from envs.serve.workers import bind, server
from envs.serve.worlds import Worlds


@contextmanager
def serving(
    *names: str, overrides: dict[str, Any] | None = None, token: str | None = None, **limits: Any
) -> Iterator[tuple[str, Service]]:
    """The address `127.0.0.1:PORT` of a server for these tasks, and its service."""
    service = Service(Worlds(names, overrides), Limits(**limits))
    running = server(service, token=token)
    listening = bind("127.0.0.1", 0)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}", service
    finally:
        running.should_exit = True
        thread.join()
        listening.close()
        service.close()


def opened(place: str, query: str = "", **options: Any) -> ClientConnection:
    """A socket of the server."""
    return connect(f"ws://{place}/ws{query}", compression=None, **options)


def ask(socket: ClientConnection, kind: str, **data: Any) -> dict[str, Any]:
    """The answer to a message."""
    socket.send(json.dumps({"type": kind, "data": data}))
    answer: dict[str, Any] = json.loads(socket.recv(timeout=60))
    return answer


def reply(answer: str) -> dict[str, str]:
    """The data of a step."""
    return {"message": f"<think></think><answer>{answer}</answer>"}


def problem(answer: dict[str, Any]) -> tuple[str, str]:
    """The code and the text of an error message."""
    assert answer["type"] == "error"
    return answer["data"]["code"], answer["data"]["message"]


def http(place: str, method: str, path: str, value: Any = None, **options: Any) -> tuple[int, Any]:
    """The status and the JSON value of an HTTP response."""
    with httpx2.Client(timeout=60) as client:
        found = client.request(method, f"http://{place}{path}", json=value, **options)
    return found.status_code, found.json()


def until(check: Any, seconds: float = 30) -> bool:
    """True as soon as a check holds, False if it does not hold in time."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
