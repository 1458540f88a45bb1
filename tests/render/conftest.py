from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.render.watch_fixture import make_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "my <run>")


@pytest.fixture(scope="module")
def browser(needs: Callable[[str], str]) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    from tests.render.viewer_fixture import ARGUMENTS

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=needs("chromium"), args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def page(browser: "Browser") -> "Page":
    """One for all tests, which load it anew: another would cost most of a second each."""
    return browser.new_page()
