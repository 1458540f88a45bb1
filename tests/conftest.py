"""One thread for every test: steady times and steady sums, however many cores are there.

Hypothesis draws the same examples every time; HYPOTHESIS_PROFILE=default lets it look for others.
"""

import os
import shutil
from collections.abc import Callable

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

settings.register_profile("repeatable", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


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
