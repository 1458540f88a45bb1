"""Bodies of HTTP requests and responses."""

import asyncio
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from envs.serve.access import PATIENCE, SAFE
from envs.serve.protocol import LARGEST_MESSAGE, Code, RequestError, decoded, encoded

STATUS = {
    Code.INVALID_JSON: 422,
    Code.VALIDATION_ERROR: 422,
    Code.EXECUTION_ERROR: 500,
    Code.CAPACITY_REACHED: 503,
    Code.SESSION_ERROR: 404,
}
"""HTTP status of each error code."""


async def body(request: Request, most: int = LARGEST_MESSAGE) -> Any:
    """Return the JSON value of a request's body, {} if the body is empty.

    Only `application/json` is read: a page of another site cannot send it without asking the server first.

    Args:
        request: Request.
        most: Maximum size of the body in bytes.

    Raises:
        RequestError: The body is no JSON, too large, or too slow.
    """
    data = b""
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                data += chunk
                if len(data) > most:
                    raise RequestError(Code.VALIDATION_ERROR, f"the body has more than {most} bytes")
    except (TimeoutError, ClientDisconnect):
        raise RequestError(Code.VALIDATION_ERROR, f"the body did not arrive within {PATIENCE:g} s") from None
    if not data:
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestError(Code.VALIDATION_ERROR, "send the body as Content-Type: application/json")
    return decoded(data)


def json_response(value: Any, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(encoded(value), status, SAFE, "application/json")


def http_error(request: Request, error: Exception) -> Response:
    """Return an error as {"detail": one line}."""
    if isinstance(error, RequestError):
        return json_response({"detail": str(error)}, STATUS.get(error.code, 400))
    status = getattr(error, "status_code", 500)
    text = getattr(error, "detail", f"the server failed ({type(error).__name__})")
    return json_response({"detail": text}, status)
