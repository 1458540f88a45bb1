"""Connection to an OpenEnv server: a WebSocket session for one episode at a time, and HTTP requests."""

import contextlib
import http.client
import ipaddress
import json
import logging
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from configs.errors import UserError

LARGEST_MESSAGE: Final = 64 * 2**20
"""Maximum size of an answer in bytes."""
PAUSE: Final = 0.1
"""Seconds between two attempts to connect."""
FULL: Final = 1.0
"""Seconds in which a session is asked for again while all are in use."""
LINGER: Final = 0.5
"""Maximum time in seconds for the closing handshake."""
LONGEST_REASON: Final = 300
"""Maximum length of a server's own error message in a reason."""

log = logging.getLogger(__name__)
warned: set[tuple[str, str]] = set()
"""Addresses and kinds of the failures that were reported."""
_lock = threading.Lock()


class ServerError(Exception):
    """A server that is slow, closed, or gave an answer that is not of the protocol.

    `kind` is the reason without the details of the episode. Warnings are limited to one per kind.
    """

    def __init__(self, reason: str, kind: str = "") -> None:
        super().__init__(reason)
        self.kind = kind or reason


class FullError(ServerError):
    """A server without a free session."""

    def __init__(self, reason: str, sessions: int) -> None:
        super().__init__(reason, "full")
        self.sessions = sessions


class ActionError(Exception):
    """An action that the server rejected, or that has another type. The episode continues."""


class Address(NamedTuple):
    """Address of a server."""

    http: str
    """Base of its HTTP paths."""
    socket: str
    """Address of its WebSocket."""

    @property
    def local(self) -> bool:
        """True if the server runs on this machine."""
        host = urlsplit(self.http).hostname or ""
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(host).is_loopback
        return host == "localhost"


def parse_address(text: str) -> Address:
    """Return the address that a text such as `http://127.0.0.1:8000` or `ws://127.0.0.1:8000/ws` names.

    Raises:
        UserError: The text is no such address.
    """
    problem = UserError(f"openenv:{text}: expected an address such as openenv:http://127.0.0.1:8000")
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https", "ws", "wss") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise problem from None
    if not known or parts.query or parts.fragment or parts.username is not None or not text.isprintable():
        raise problem
    end = "s" if parts.scheme in ("https", "wss") else ""
    place = f"://{parts.netloc}{parts.path.rstrip('/').removesuffix('/ws')}"
    return Address(f"http{end}{place}", f"ws{end}{place}/ws")


@dataclass(frozen=True)
class Access:
    """Address of a server, time limits and token."""

    address: Address
    timeout: float
    """Maximum time in seconds for an answer."""
    connect_timeout: float
    """Time in seconds in which a connection is attempted again."""
    token_variable: str = ""
    """Environment variable with the server's token."""

    @property
    def headers(self) -> dict[str, str]:
        """Headers of a request.

        Raises:
            UserError: The environment variable is not set.
        """
        if not self.token_variable:
            return {}
        if self.token_variable not in os.environ:
            raise UserError(f"token_variable={self.token_variable}: the environment variable is not set")
        return {"Authorization": f"Bearer {os.environ[self.token_variable]}"}


class Session:
    """WebSocket of one session."""

    def __init__(self, access: Access) -> None:
        """Open the connection.

        Raises:
            ServerError: The server cannot be reached, or refuses the connection.
        """
        self._timeout = access.timeout
        self._open = contextlib.ExitStack()
        self._socket = _connected(access, self._open)

    def reset(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Start an episode and return the data of the first observation; raise ServerError."""
        return self._ask({"type": "reset", "data": dict(data)})

    def step(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Play an action and return the data of the next observation; raise ServerError or ActionError."""
        return self._ask({"type": "step", "data": dict(data)})

    def close(self) -> None:
        """Close the connection. Requests of other threads end with a ServerError."""
        with contextlib.suppress(WebSocketException, OSError):
            self._socket.send('{"type": "close"}')
        with contextlib.suppress(WebSocketException, OSError):
            self._open.close()

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            with contextlib.suppress(ConnectionClosed):  # the reason may have been sent before
                self._socket.send(json.dumps(message))
            text = self._socket.recv(self._timeout)
        except TimeoutError:
            reason = f"no answer within {self._timeout:g} s (env.kwargs.timeout)"
            raise ServerError(reason) from None
        except ConnectionClosed as closed:
            raise ServerError(_closed(closed), "closed") from None
        except OSError as error:
            raise ServerError(f"the connection is broken ({_reason(error)})", "closed") from None
        return _data(text, message["type"])


def _connected(access: Access, stack: contextlib.ExitStack) -> ClientConnection:
    """Return an open connection, which `stack` closes.

    While nothing listens at the address, try again until `connect_timeout`.
    """
    end = time.monotonic() + access.connect_timeout
    while True:
        left = max(PAUSE, end - time.monotonic())
        try:
            opened = connect(
                access.address.socket, additional_headers=access.headers, open_timeout=left, close_timeout=LINGER,
                ping_timeout=max(20.0, access.timeout), max_size=LARGEST_MESSAGE, compression=None,
                proxy=None if access.address.local else True,
            )  # fmt: skip
            return stack.enter_context(opened)
        except InvalidStatus as refused:
            body = printable((refused.response.body or b"").decode("utf-8", "replace"))
            reason = f"refused the connection (HTTP {refused.response.status_code}{f', {body}' if body else ''})"
            raise ServerError(reason, "refused") from None
        except TimeoutError:
            raise ServerError(
                f"no connection within {access.connect_timeout:g} s (env.kwargs.connect_timeout)", "unreachable"
            ) from None
        except (OSError, UnicodeError, WebSocketException) as error:  # UnicodeError: a host name
            if time.monotonic() + PAUSE > end:
                raise ServerError(f"no connection ({_reason(error)})", "unreachable") from None
            time.sleep(PAUSE)


def _data(text: str | bytes, asked: str) -> dict[str, Any]:
    """Return the data of an answer."""
    if isinstance(text, bytes):
        raise ServerError("a binary message instead of JSON text", "binary")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise ServerError(f"no JSON: {printable(text[:80])!r}", "no JSON") from None
    data = message.get("data") if isinstance(message, dict) else None
    if not isinstance(data, dict):
        raise ServerError(f"not a message of OpenEnv's protocol: {printable(text[:80])!r}", "no message")
    if message.get("type") == "error":
        code, said = (printable(str(data.get(key, ""))) for key in ("code", "message"))
        if code == "VALIDATION_ERROR" and asked == "step":
            raise ActionError(said)
        if code == "CAPACITY_REACHED":
            most = data.get("max_sessions")
            raise FullError(f"all sessions are in use ({said})", most if isinstance(most, int) else 0)
        raise ServerError(f"{code}: {said}", code)
    if message.get("type") != "observation" or not isinstance(data.get("observation"), dict):
        raise ServerError(f"no observation: {printable(text[:80])!r}", "no observation")
    return data


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow no redirection: the token is for this server only."""


def fetch(access: Access, path: str, data: Any = None) -> Any:
    """Return the JSON value of an HTTP answer: GET, or POST if there is data.

    Raises:
        ServerError: The server cannot be reached, or gives another answer.
    """
    proxies = [urllib.request.ProxyHandler({})] if access.address.local else []
    opener = urllib.request.build_opener(_NoRedirect, *proxies)
    body = None if data is None else json.dumps(data).encode()
    headers = access.headers | ({} if body is None else {"Content-Type": "application/json"})
    request = urllib.request.Request(f"{access.address.http}{path}", body, headers)
    try:
        with opener.open(request, timeout=access.connect_timeout) as answer:
            return json.loads(answer.read(LARGEST_MESSAGE))
    except urllib.error.HTTPError as error:
        with error:
            raise ServerError(f"HTTP {error.code} for {path}") from None
    except (ValueError, RecursionError):
        raise ServerError(f"no JSON for {path}") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise ServerError(f"no connection ({_reason(reason)})", "unreachable") from None


def warn_once(address: str, error: ServerError) -> None:
    """Log a failure, unless one of its kind was logged for this server."""
    with _lock:
        known = (address, error.kind) in warned
        warned.add((address, error.kind))
    if not known:
        log.warning("%s: %s. The episode ends; further failures of this kind are not reported.", address, error)


def _closed(closed: ConnectionClosed) -> str:
    if closed.sent is not None and closed.sent.code == 1009:
        return f"an answer of more than {LARGEST_MESSAGE >> 20} MB"
    code = f"code {closed.rcvd.code}" if closed.rcvd is not None else "without a closing message"
    said = printable(closed.rcvd.reason) if closed.rcvd is not None else ""
    return f"closed the connection ({code}{f', {said}' if said else ''})"


def _reason(error: object) -> str:
    return printable(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def printable(text: str) -> str:
    """Return a server's text as one line that is safe to print."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}…"
