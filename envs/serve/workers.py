"""Processes that serve one port: each has its own environments, and the kernel distributes the connections."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

import uvicorn

from configs.errors import UserError
from envs.serve.access import Guard, ImpatientProtocol
from envs.serve.app import Limits, Service, application
from envs.serve.protocol import LARGEST_MESSAGE
from envs.serve.worlds import Worlds

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Host names of this machine."""


@dataclass(frozen=True)
class Plan:
    """Tasks to serve, and the settings of the server."""

    names: Sequence[str]
    """Tasks."""
    settings: Mapping[str, Any]
    """`env.k` overrides of all tasks."""
    limits: Limits
    host: str = "127.0.0.1"
    hosts: Sequence[str] | None = LOOPBACK
    """Accepted host names, or None for all."""
    token: str | None = None
    """Token that each client must send, or None."""


def serve(plan: Plan, port: int) -> None:
    """Serve until a signal ends the process.

    Raises:
        UserError: The address is invalid, the port is in use, a task is unknown, or a worker ended.
    """
    several = plan.limits.workers > 1
    with bind(plan.host, port, shared=several) as listening:
        port = listening.getsockname()[1]
        context = multiprocessing.get_context("spawn")
        count = context.Value("i", 0) if several else None
        service = Service(Worlds(plan.names, plan.settings), plan.limits, count)
        host = f"[{plan.host}]" if ":" in plan.host else plan.host
        print(f"serving {', '.join(service.worlds.by_name)} at http://{host}:{port}/ (Ctrl-C to stop)", flush=True)
        others = [
            context.Process(target=_work, args=(plan, port, count), daemon=True) for _ in range(1, plan.limits.workers)
        ]
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that `finally` ends the others
        try:
            for process in others:
                process.start()
            _run(service, plan, listening, [process.sentinel for process in others])
            ended = [process.exitcode for process in others if process.exitcode is not None]
        finally:
            for process in others:
                process.terminate()
                process.join()
    if ended:
        raise UserError(f"a worker process ended with exit code {ended[0]}, so the server was stopped")


def _work(plan: Plan, port: int, count: Any) -> None:
    """Serve as a further process until the first one ends."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    with suppress(KeyboardInterrupt):
        service = Service(Worlds(plan.names, plan.settings), plan.limits, count)
        with bind(plan.host, port, shared=True) as listening:
            _run(service, plan, listening, [parent.sentinel])


def _run(service: Service, plan: Plan, listening: socket.socket, sentinels: Sequence[Any]) -> None:
    """Serve until a signal arrives or one of the other processes ends."""
    running = server(service, plan.hosts, plan.token)

    def watch() -> None:
        connection.wait(sentinels)
        running.should_exit = True

    if sentinels:
        threading.Thread(target=watch, daemon=True).start()
    try:
        running.run(sockets=[listening])
    finally:
        service.close()


def server(service: Service, hosts: Sequence[str] | None = LOOPBACK, token: str | None = None) -> uvicorn.Server:
    """Return the server, not yet started. Its `run` method takes the listening socket.

    Args:
        service: Sessions.
        hosts: Accepted host names, or None for all.
        token: Token that each client must send, or None.
    """
    config = uvicorn.Config(
        Guard(application(service), hosts, token), log_level="warning", access_log=False, server_header=False,
        lifespan="off", http=ImpatientProtocol, ws="websockets-sansio", ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=False, proxy_headers=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    return uvicorn.Server(config)


def bind(host: str, port: int, shared: bool = False) -> socket.socket:
    """Return a listening socket.

    Args:
        host: Address.
        port: Port; 0 takes any free port.
        shared: Further processes will listen at the same port.

    Raises:
        UserError: The address is invalid, or the port is in use.
    """
    if shared and (not hasattr(socket, "SO_REUSEPORT") or os.name == "nt"):
        raise UserError("workers: this system cannot share a port between processes; use workers=1")
    if shared and multiprocessing.parent_process() is None and port:
        bind(host, port).close()  # a shared port would not refuse to be shared with another server
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError):
        raise UserError(f"host={host}: not an address of this machine") from None
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT if shared else socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise UserError(
            f"port={port}: cannot be used at {host} ({error.strerror}); port=0 takes any free one"
        ) from None
    return listening
