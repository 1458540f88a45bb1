"""Virtual environments for libraries that are tested against, each with one library: build/venv-NAME."""

import subprocess
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"


def library_python(requirement: str, shared: bool = True, alone: Sequence[str] = ()) -> str:
    """Return the interpreter of a library's virtual environment, which is created if it does not exist.

    Args:
        requirement: Library with its version, such as `trl==1.16.0`.
        shared: True if packages that the library does not replace are those of this interpreter.
        alone: Packages to install with it. If there are any, no others are installed and the library's demand for a
            Python version is ignored, for a part of the library that needs neither.

    Raises:
        subprocess.CalledProcessError: pip cannot install the library.
    """
    name = requirement.partition("==")[0]
    folder = BUILD / f"venv-{name}"
    python, done = folder / "bin" / "python", folder / requirement.replace("==", "-")
    BUILD.mkdir(exist_ok=True)
    with FileLock(BUILD / f"venv-{name}.lock"):
        if not done.exists():
            venv.create(folder, with_pip=True)
            if shared:
                (site,) = folder.glob("lib/python*/site-packages")
                (site / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            options = ["--no-deps", "--ignore-requires-python"] if alone else []
            subprocess.run([*pip, *options, requirement, *alone], check=True)
            done.touch()
    return str(python)
