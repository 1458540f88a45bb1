"""The page as one self-contained file with embedded styles and modules.

Modules import each other by bare names (`viewer/app`, `vendor/preact`), which an import map resolves to data: URLs.
The content security policy allows only these scripts, by a nonce, so that text from a run can never execute.
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
"""Placeholder in page.html for policy, styles and modules."""
DATA: Final = "<!-- data -->"
"""Placeholder in page.html for the data of a report, before the start script."""


def policy(nonce: str, in_file: bool) -> str:
    """Return the content security policy: own scripts and styles, and images and videos from the same origin."""
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
    """Return a random nonce that no text of a run can contain."""
    return secrets.token_urlsafe(16)


def parts(nonce: str, in_file: bool = False) -> tuple[str, str]:
    """Return the page before and after its data. The server sends both without data."""
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
    """Return a script element with data, which the browser does not execute.

    Args:
        kind: media type of the data.
        text: the data, which must not contain "</script".
        attributes: further HTML attributes by name.
    """
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<script type="{kind}"{written}>{text}</script>\n'


def embedded_json(data: Any) -> str:
    """Return JSON that cannot end a script element. NaN and infinities become null."""
    text = json.dumps(finite(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text  # ensure_ascii has escaped all non-ASCII characters, such as U+2028


def finite(data: Any) -> Any:
    """Return the data with NaN and infinities replaced by None."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {str(key): finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [finite(value) for value in data]
    return data


def _styles() -> Iterable[Path]:
    """Return the style sheets, vendor files first, so that ours override them."""
    return [*sorted((FOLDER / "vendor").glob("*.css")), *sorted(FOLDER.glob("*.css"))]


def _modules() -> dict[str, str]:
    """Return every module as a data: URL by bare name."""
    found = {f"viewer/{path.stem}": path for path in sorted(FOLDER.glob("*.js"))}
    found |= {f"vendor/{path.stem}": path for path in sorted((FOLDER / "vendor").glob("*.js"))}
    return {
        name: "data:text/javascript;base64," + base64.b64encode(path.read_bytes()).decode()
        for name, path in found.items()
    }
