"""`python -m envs.serve env=sokoban port=8000` serves tasks by OpenEnv's protocol until Ctrl-C."""

import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import uvicorn
from annotated_types import Ge, Gt, Le

from configs.cli import command, parse_overrides, read_options, split
from configs.errors import UserError
from configs.schema import Settings
from envs.serve.access import Guard, ImpatientProtocol
from envs.serve.app import Limits, Service, application
from envs.serve.protocol import LARGEST_MESSAGE
from envs.serve.worlds import Worlds
from envs.task.suites import SUITES, weigh

TOKEN: Final = "KICKOFF_TOKEN"
"""Environment variable with the token."""
SHORTEST_TOKEN: Final = 16
USAGE: Final = """\
python -m envs.serve env=NAME[,NAME…] [port=8000] [env.k=v …]

  env=NAME     task, suite or YAML file; python -m envs lists them
  env.k=v      setting of the tasks, such as env.kwargs.image_size=[224,224]; env.rules is true unless given here
  port=N       port; 0 takes any free port (default 8000)
  host=ADDR    address (default 127.0.0.1, this machine only); another one needs a token
  token=TEXT   token that each client must send as Authorization: Bearer TEXT, at least 16 characters; the environment
               variable KICKOFF_TOKEN keeps it out of the list of processes; token=none lets everyone in
  sessions=N   maximum number of sessions at once (default 256)
  idle=S       seconds without a request after which a session is closed (default 600)"""


@dataclass
class ServeOptions(Settings):
    """Keys of the command."""

    env: str = ""
    """Tasks and suites, separated by commas."""
    port: Annotated[int, Ge(0), Le(65535)] = 8000
    """Port; 0 takes any free port."""
    host: str = "127.0.0.1"
    """Address."""
    token: str = ""
    """Token, or none. Empty: the environment variable KICKOFF_TOKEN."""
    sessions: Annotated[int, Ge(1), Le(100_000)] = 256
    """Maximum number of sessions at once."""
    idle: Annotated[float, Gt(0)] = 600.0
    """Seconds without a request after which a session is closed."""


def main(words: Sequence[str]) -> None:
    """Serve tasks until Ctrl-C.

    Raises:
        UserError: An argument is invalid, a task is unknown, the port is in use, or the token is missing.
    """
    settings, others = split(parse_overrides(words), "env")
    options = read_options(ServeOptions, others)
    if not options.env:
        raise UserError("env=NAME is missing, such as env=sokoban; python -m envs lists the tasks")
    token = checked_token(options)
    with bind(options.host, options.port) as listening:
        service = Service(Worlds(list(weigh(options.env, SUITES)), settings), Limits(options.sessions, options.idle))
        host = f"[{options.host}]" if ":" in options.host else options.host
        address = f"http://{host}:{listening.getsockname()[1]}/"
        print(f"serving {', '.join(service.worlds.by_name)} at {address} (Ctrl-C to stop)", flush=True)
        server(service, is_loopback(options.host), token).run(sockets=[listening])
        service.close()
    raise KeyboardInterrupt


def server(service: Service, loopback: bool = True, token: str | None = None) -> uvicorn.Server:
    """Return the server, not yet started. Its `run` method takes the listening socket.

    Args:
        service: Sessions.
        loopback: Accept only host names of this machine.
        token: Token that each client must send, or None.
    """
    hosts = ["127.0.0.1", "localhost", "::1"] if loopback else None
    config = uvicorn.Config(
        Guard(application(service), hosts, token), log_level="warning", access_log=False, server_header=False,
        lifespan="off", http=ImpatientProtocol, ws="websockets-sansio", ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=False, proxy_headers=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    return uvicorn.Server(config)


def is_loopback(host: str) -> bool:
    """Return True if an address is of this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_token(options: ServeOptions) -> str | None:
    """Return the token, or None if none is needed.

    Raises:
        UserError: The token is missing or too short.
    """
    token = options.token or os.environ.get(TOKEN, "")
    if token == "none" or (not token and is_loopback(options.host)):
        return None
    if not token:
        raise UserError(f"host={options.host} can be reached from other machines: set token=TEXT or {TOKEN}")
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise UserError(f"token: at least {SHORTEST_TOKEN} ASCII characters without spaces are expected")
    return token


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        UserError: The address is invalid, or the port is in use.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError):
        raise UserError(f"host={host}: not an address of this machine") from None
    listening: Any = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise UserError(
            f"port={port}: cannot be used at {host} ({error.strerror}); port=0 takes any free one"
        ) from None
    return listening


if __name__ == "__main__":
    command(main, lambda _: USAGE)
