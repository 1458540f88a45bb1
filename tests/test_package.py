"""What is installed is whole: the configs and models travel in the wheel and are found from any directory."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("agents", "configs", "envs", "render", "training")
DATA = (
    ".yaml",
    ".jinja",
    ".safetensors",
    ".json",
    ".jsonl",
    ".png",
    ".txt",
    ".html",
    ".css",
    ".js",
    ".md",
    ".pyi",
    ".typed",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that nothing is left behind in the checkout."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('.'))"
    done = subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, text=True, check=True)
    return source / done.stdout.split()[-1]


def test_wheel_holds_all_code_and_data(wheel: Path) -> None:
    there = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", *DATA) and "__pycache__" not in path.parts
    }
    assert "configs/env/football.yaml" in there
    assert there - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_wheel_works_from_another_directory(wheel: Path, tmp_path: Path) -> None:
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    zipfile.ZipFile(wheel).extractall(installed)
    (elsewhere / "configs" / "env").mkdir(parents=True)  # a user's own folder of that name is not mistaken for ours
    program = (
        f"import sys; sys.path.insert(1, {str(installed)!r})\n"
        "import envs, training.config.compose as c\n"
        "print(c.__file__); print(c.load(['env=arithmetic']).tasks['arithmetic'].id)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=elsewhere, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(installed / "training" / "config" / "compose.py"), "kickoff/Arithmetic-v0"]
