"""Errors name what to do."""

from pathlib import Path

import pytest

from configs import errors
from configs.errors import install_command

ROOT = Path(__file__).parents[2]


def test_install_command_fits_the_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    assert install_command("ray") == "pip install -e '.[ray]'"
    monkeypatch.chdir(tmp_path)
    assert install_command("ray") == f"pip install -e '{ROOT}[ray]'"
    monkeypatch.setattr(errors, "__file__", str(tmp_path / "site-packages" / "configs" / "errors.py"))
    assert install_command("ray") == "pip install 'kickoff-rl[ray]'"


def test_no_message_names_the_package_on_the_index() -> None:
    """Only `install_command` knows how Kickoff is installed."""
    folders = [ROOT / name for name in ("agents", "configs", "envs", "render", "training")]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".yaml")]
    found = [path.relative_to(ROOT).as_posix() for path in files if "kickoff-rl[" in path.read_text(encoding="utf-8")]
    assert found == ["configs/errors.py"]
