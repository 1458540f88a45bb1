"""HTTP server for the page and the data of a run, on this machine only.

The server answers GET requests to the routes below and only for host names of this machine, which prevents DNS
rebinding by other sites. Files are looked up among those found in the run folder. No path is built from a URL. The only
request that writes has tags and a note of an episode. It must come from the page itself.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from render.viewer import page
from render.viewer.marks import FILE as NOTES
from render.viewer.run import Watched

HOSTS: Final = ["127.0.0.1", "localhost"]
SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
"""Headers of every response."""
LONGEST_SEARCH: Final = 200
"""Maximum number of characters of a search."""
LONGEST_BODY: Final = 64_000
"""Maximum number of bytes of a request with tags and a note."""
VIDEOS: Final = {".mp4": "video/mp4", ".gif": "image/gif"}


class ShortInteger(IntegerConvertor):
    """A URL parameter of 1 to 12 digits. Longer numbers match no route."""

    regex = "[0-9]{1,12}"


register_url_convertor("short", ShortInteger())


def server(watched: Watched) -> uvicorn.Server:
    """Return the server, not yet started. Its `run` method takes the listening socket."""
    config = uvicorn.Config(
        application(watched), log_level="warning", server_header=False, lifespan="off", ws="none",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    return uvicorn.Server(config)


def application(watched: Watched) -> Starlette:
    """Return the web application. A lock allows one request at a time to use `watched`."""
    lock = threading.Lock()

    def index(request: Request) -> Response:
        nonce = page.new_nonce()
        policy = page.policy(nonce, in_file=False) + "; frame-ancestors 'none'"
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
        return _answer("".join(page.parts(nonce)), "text/html; charset=utf-8", headers)

    def run(request: Request) -> Response:
        with lock:
            body = _json(watched.run())
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=SAFE | headers)
        return _answer(body, "application/json", headers)

    def episodes(request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 12):
            return _problem(400, f"after={after[:40]} is not an episode id: it must be 0 or more")
        with lock:
            return _answer(_json(watched.episodes(int(after))), "application/json", {"Cache-Control": "no-store"})

    def episode(request: Request) -> Response:
        number = request.path_params["number"]
        try:
            with lock:
                generation = str(watched.records.generation)
                if request.query_params.get("generation", generation) != generation:
                    raise ValueError("the episodes have changed since the page loaded their list")
                record = watched.episode(number)
        except IndexError:
            return _problem(404, f"there is no episode {number}")
        except (ValueError, OSError) as error:
            return _problem(410, str(error))
        return _answer(_json(record), "application/json", {"Cache-Control": "no-store"})

    def search(request: Request) -> Response:
        with lock:
            found = watched.search(request.query_params.get("q", "")[:LONGEST_SEARCH])
        return _answer(_json(found), "application/json", {"Cache-Control": "no-store"})

    async def mark(request: Request) -> Response:
        own = f"http://{request.headers.get('host')}"
        if request.headers.get("origin", own) != own or request.headers.get("content-type") != "application/json":
            return _problem(403, "tags and notes can be written from the page only")
        asked = await _body(request)
        if asked is None:
            return _problem(400, 'expected {"generation": number, "tags": [text], "note": text}')

        def save() -> Response:
            with lock:
                if asked["generation"] != watched.records.generation:
                    return _problem(410, "the episodes have changed since the page loaded their list")
                try:
                    watched.records.mark(request.path_params["number"], asked["tags"], asked["note"])
                except IndexError:
                    return _problem(404, "there is no such episode")
                except ValueError as error:
                    return _problem(400, str(error))
                except OSError as error:
                    return _problem(409, f"{NOTES} cannot be written: {error.strerror or error}")
            return _answer(_json({}), "application/json", {"Cache-Control": "no-store"})

        return await run_in_threadpool(save)

    def frame(request: Request) -> Response:
        with lock:
            data = watched.records.frame(request.path_params["place"], request.path_params["name"])
        if data is None:
            return _problem(404, "there is no such frame")
        return _answer(data, "image/png", {"Cache-Control": "max-age=31536000, immutable"})

    def video(request: Request) -> Response:
        with lock:
            path = watched.video(request.path_params["run"], request.path_params["name"])
        if path is None:
            return _problem(404, "there is no such video")
        return FileResponse(path, media_type=VIDEOS[path.suffix], headers=SAFE | {"Cache-Control": "no-cache"})

    def nothing(request: Request, error: Exception) -> Response:
        return _problem(getattr(error, "status_code", 404), "not found")

    def failed(request: Request, error: Exception) -> Response:
        return _problem(500, f"the server failed ({type(error).__name__}): see its terminal for details")

    handlers: dict[Any, Callable[[Request, Exception], Response]] = {404: nothing, 405: nothing, 500: failed}
    return Starlette(
        routes=[
            Route("/", index),
            Route("/api/run", run),
            Route("/api/episodes", episodes),
            Route("/api/episodes/{number:short}", episode),
            Route("/api/episodes/{number:short}/mark", mark, methods=["POST"]),
            Route("/api/search", search),
            Route("/frames/{place:short}/{name}.png", frame),
            Route("/videos/{run:short}/{name}", video),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)],
        exception_handlers=handlers,
    )


async def _body(request: Request) -> dict[str, Any] | None:
    """Return the generation, tags and note of a request, or None if it has another form or is too long."""
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > LONGEST_BODY:
            return None
    try:
        asked = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(asked, dict) or not isinstance(asked.get("note"), str):
        return None
    tags = asked.get("tags")
    fits = isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
    return asked if fits and isinstance(asked.get("generation"), int) else None


def _json(data: Any) -> bytes:
    """Encode data as JSON. NaN and infinities become null."""
    return json.dumps(page.finite(data), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        errors="replace"
    )


def _answer(body: str | bytes, kind: str, headers: dict[str, str]) -> Response:
    """Return a response with the security headers, such as no content sniffing."""
    return Response(body, media_type=kind, headers=SAFE | headers)


def _problem(status: int, text: str) -> Response:
    """Return an error response with a one-line JSON message."""
    return Response(_json({"error": text}), status, SAFE | {"Cache-Control": "no-store"}, "application/json")
