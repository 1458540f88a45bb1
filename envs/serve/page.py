"""The page that shows a task and plays it, as one self-contained file."""

from pathlib import Path
from typing import Final

from render.viewer.page import embedded_json, new_nonce, policy, script

FILE: Final = Path(__file__).with_name("web") / "play.html"


def page(names: list[str]) -> tuple[str, str]:
    """Return the page for the served tasks, and its content security policy."""
    nonce = new_nonce()
    html = FILE.read_text(encoding="utf-8").replace("NONCE", nonce)
    data = script("application/json", embedded_json(names), {"id": "names", "nonce": nonce})
    return html.replace("<!-- names -->", data), policy(nonce, in_file=False) + "; frame-ancestors 'none'"
