"""One thread for every test: steady times and steady sums, however many cores are there.

Hypothesis draws the same examples every time; HYPOTHESIS_PROFILE=default lets it look for others.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

settings.register_profile("repeatable", derandomize=True, deadline=None)  # a busy machine is no fault
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


BEGIN = (
    "envs/football/test_env.py",  # these two compile the games, which all others then find compiled
    "envs/sokoban/test_env.py",
    "training/cluster/test_ray.py",  # and these take longest
    "training/test_run.py",
    "training/baseline/test_train.py",
    "agents/engines/test_vllm.py",
    "training/learner/test_fsdp.py",
    "training/test_trainer.py",
    "docs/test_notebook.py",
    "render/viewer/test_viewer.py",
)
"""Files that come first, so that workers side by side (pytest -n 2 --dist loadfile) end at about the same time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files of `BEGIN`, then the others as they come."""
    order = {name: place for place, name in enumerate(BEGIN)}
    root = Path(__file__).parent
    items.sort(key=lambda item: order.get(item.path.relative_to(root).as_posix(), len(order)))


@pytest.fixture(scope="session")
def needs() -> Callable[[str], str]:
    """Where a program of the system's is; the test is skipped without it, or fails where KICKOFF_NO_SKIP is set."""

    def find(program: str) -> str:
        path = shutil.which(program)
        if path is None:
            missing = f"{program} is not installed (apt-get install {program.lower()})"
            (pytest.fail if os.environ.get("KICKOFF_NO_SKIP") else pytest.skip)(missing)
        return path

    return find


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
