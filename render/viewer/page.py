"""The page as one file: styles and modules are in it, so that it needs no network and no folder beside it.

Modules import each other by bare names (`viewer/app`, `vendor/preact`), which an import map gives as data: URLs.
A policy of content (CSP) allows those scripts alone, by a nonce; whatever a run's texts hold, it cannot run.
"""

from __future__ import annotations

import base64
import json
import math
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).with_name("web")
HEAD: Final = "<!-- head -->"
"""Stands in page.html where policy, styles and modules go."""
DATA: Final = "<!-- data -->"
"""Stands in page.html where the data of a report goes, before the page starts."""


def policy(nonce: str, in_file: bool) -> str:
    """What the page may load: its own scripts and styles, and pictures and videos of its own place."""
    here = "'self' data: file:" if in_file else "'self' data:"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            f"style-src 'nonce-{nonce}'",
            f"img-src {here}",
            f"media-src {here}",
            "connect-src 'none'" if in_file else "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def new_nonce() -> str:
    """A word that nothing in a run can know."""
    return secrets.token_urlsafe(16)


def parts(nonce: str, in_file: bool = False) -> tuple[str, str]:
    """The page before and after the place of the data; the server sends both with nothing between."""
    html = (FOLDER / "page.html").read_text(encoding="utf-8")
    head = [
        f'<meta http-equiv="Content-Security-Policy" content="{policy(nonce, in_file)}">',
        *(f'<style nonce="{nonce}">{path.read_text(encoding="utf-8")}</style>' for path in _styles()),
        f'<script type="importmap" nonce="{nonce}">{embedded_json({"imports": _modules()})}</script>',
    ]
    before, _, rest = html.replace(HEAD, "\n".join(head)).partition(DATA)
    start = f'<script type="module" nonce="{nonce}">import "viewer/app";</script>'
    return before, start + rest


def script(kind: str, text: str, attributes: Mapping[str, str | int]) -> str:
    """An element of data, which the browser does not run; `text` must not be able to end it."""
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<script type="{kind}"{written}>{text}</script>\n'


def embedded_json(data: Any) -> str:
    """JSON for a script element: nothing in it can end the element, and numbers that JSON lacks become null."""
    text = json.dumps(finite(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text  # what is not ASCII, U+2028 among it, is escaped by ensure_ascii


def finite(data: Any) -> Any:
    """The same data with NaN and infinities as None."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {str(key): finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [finite(value) for value in data]
    return data


def _styles() -> Iterable[Path]:
    """The vendors' styles first, so that ours go over them."""
    return [*sorted((FOLDER / "vendor").glob("*.css")), *sorted(FOLDER.glob("*.css"))]


def _modules() -> dict[str, str]:
    """Every module by its bare name, as a data: URL."""
    found = {f"viewer/{path.stem}": path for path in sorted(FOLDER.glob("*.js"))}
    found |= {f"vendor/{path.stem}": path for path in sorted((FOLDER / "vendor").glob("*.js"))}
    return {
        name: "data:text/javascript;base64," + base64.b64encode(path.read_bytes()).decode()
        for name, path in found.items()
    }
