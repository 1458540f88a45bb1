"""Protection of the server: host names, origins, the token, and connections that never send a request."""

import hmac
import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected

SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
"""Headers of every response."""
PATIENCE = 10.0
"""Seconds in which a new connection must send its request."""


class Guard:
    """ASGI middleware that refuses requests of other sites and requests without the token.

    A page of another site can open sockets to this machine, so a request with an `Origin` must come from the server's
    own page. On a loopback address, the host name must be one of this machine, which prevents DNS rebinding. `/health`
    needs no token.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str] | None, token: str | None) -> None:
        """Wrap an application.

        Args:
            app: Application.
            hosts: Allowed host names, or None for all.
            token: Token that each request must have, as `Authorization: Bearer TOKEN` or `?token=TOKEN`. None for no
                token.
        """
        self._app = app
        self._hosts = hosts
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] in ("http", "websocket"):
            refusal = self._refusal(scope)
            if refusal is not None:
                await _refuse(scope, send, *refusal)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        try:
            name = urlsplit(f"//{host}").hostname
            origin = urlsplit(headers[b"origin"]).netloc if b"origin" in headers else host
        except ValueError:
            return 400, "invalid host name or origin"
        if self._hosts is not None and name not in self._hosts:
            return 400, f"host {str(name)[:80]!r} is not one of {', '.join(self._hosts)}"
        if origin != host:
            return 403, "requests of other sites are refused"
        if self._token is None or (scope["type"] == "http" and scope["path"] == "/health"):
            return None
        scheme, _, given = headers.get(b"authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not given:
            return 401, "a token is missing; send the header Authorization: Bearer TOKEN"
        if not hmac.compare_digest(given.strip().encode(), self._token.encode()):
            return 403, "the token is wrong"
        return None


async def _refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    """Answer a request with an error, before a socket is accepted."""
    kind = scope["type"]
    start = "http.response" if kind == "http" else "websocket.http.response"
    if kind == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": text[:120]})
        return
    body = json.dumps({"detail": text}).encode()
    headers = {**SAFE, "Content-Type": "application/json", "Content-Length": str(len(body))}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": f"{start}.start", "status": status, "headers": raw})
    await send({"type": f"{start}.body", "body": body})
    if kind == "websocket":
        raise ClientDisconnected  # uvicorn logs an error if an application returns before it accepts a socket


class ImpatientProtocol(H11Protocol):
    """HTTP protocol that closes a connection without a request after `PATIENCE` seconds."""

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        super().connection_made(transport)
        self.loop.call_later(PATIENCE, self._close_if_silent)

    def _close_if_silent(self) -> None:
        cycle: Any = self.cycle  # uvicorn's annotation omits None
        if cycle is None and self.transport.get_protocol() is self and not self.transport.is_closing():
            self.transport.close()
