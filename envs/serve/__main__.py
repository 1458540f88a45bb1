"""`python -m envs.serve env=sokoban port=8000` serves tasks by OpenEnv's protocol until Ctrl-C."""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from annotated_types import Ge, Gt, Le

from configs.cli import command, parse_overrides, read_options, split
from configs.errors import UserError
from configs.schema import Settings
from envs.serve.app import Limits
from envs.serve.workers import LOOPBACK, Plan, serve
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
  idle=S       seconds without a request after which a session is closed (default 600)
  workers=N    processes that play; more than one use more cores and serve WebSockets only (default 1)"""


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
    workers: Annotated[int, Ge(1), Le(64)] = 1
    """Number of processes."""


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
    limits = Limits(options.sessions, options.idle, options.workers)
    hosts = LOOPBACK if is_loopback(options.host) else None
    serve(Plan(list(weigh(options.env, SUITES)), settings, limits, options.host, hosts, token), options.port)


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


if __name__ == "__main__":
    command(main, lambda _: USAGE)
