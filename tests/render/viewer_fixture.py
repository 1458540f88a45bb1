"""The page in a real Chromium, for the tests of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
expect.set_options(timeout=15_000)


@contextmanager
def opened(page: Page, url: str, width: int = 1280, **media: Any) -> Iterator[None]:
    """Load the page anew; it must load nothing from elsewhere and write no error to the console."""
    errors: list[str] = []
    elsewhere: list[str] = []
    local = ("http://127.0.0.1:", "data:", "blob:", "file:")
    listeners: dict[Any, Any] = {
        "console": lambda message: errors.append(message.text) if message.type in ("error", "warning") else None,
        "pageerror": lambda error: errors.append(str(error)),
        "request": lambda request: None if request.url.startswith(local) else elsewhere.append(request.url),
    }
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(**{"color_scheme": "light", "reduced_motion": "reduce"} | media)
    same = page.url.partition("#")[0] == url.partition("#")[0]
    if not same:
        page.goto("about:blank")  # what was there may miss its server by now
    for event, listener in listeners.items():
        page.on(event, listener)
    page.goto(url)
    if same:  # only the place in the page was new
        page.reload()
    expect(page.locator("main")).to_be_visible()
    yield
    assert page.title().endswith("Kickoff")  # hostile text would have changed it
    assert (errors, elsewhere) == ([], [])
    page.evaluate("localStorage.clear()")
    for event, listener in listeners.items():
        page.remove_listener(event, listener)


def shows(page: Page, selector: str, words: list[str]) -> None:
    """The elements come to have these words, blanks aside."""
    expect(page.locator(selector)).to_have_text(words, use_inner_text=True)


def column(name: str) -> str:
    return f'td[data-column="{name}"]'


def no_sideways_scroll(page: Page) -> None:
    """Nothing is wider than the window, once everything has its new size."""
    for _ in range(50):
        if (beyond := page.evaluate("document.documentElement.scrollWidth - innerWidth")) <= 0:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"{page.url} is {beyond} pixels wider than the window")
