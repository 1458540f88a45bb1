"""Fingerprints of what a config only names: files and folders of tasks, own modules, and a local model.

A run stores them in `inputs.json`, and resuming it compares them. Without that file, as in older runs, nothing is
compared. Models of the hub, installed packages and Kickoff itself have versions of their own and are left out.
"""

import hashlib
import importlib.util
import json
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.policies.demonstrations import demonstration_files, is_demonstration_file
from configs.errors import UserError
from configs.imports import is_import_path
from envs.questions.file import SUFFIXES, named_images
from render.records.files import write_whole

FILE = "inputs.json"
WHOLE = 64 << 20
"""Size in bytes up to which a file is read completely. Of a larger one, its size and three samples are read."""
SAMPLE = 1 << 20
FOLDER = 256 << 20
"""Number of bytes read in a folder. Of the remaining files, names and sizes count."""
FUNCTIONS = ("reward", "loss", "advantage")
"""Keys that may hold an import path."""
PATHS = ("path", "folder", "levels", "file")
"""Keyword arguments of envs that hold a path, also if it has no suffix."""
OWN = ("agents", "configs", "envs", "render", "training")


def fingerprints(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return `key=value` → fingerprint of every file, folder and module that settings name.

    Args:
        settings: Nested settings, as from `dataclasses.asdict`.
    """
    found = {}
    for key, value in _leaves(settings, ""):
        sources = _sources(key, value)
        if sources:
            files = [source for source in sources if source.suffix in SUFFIXES and source.is_file()]
            images = [image for file in files for image in named_images(file)]
            found[f"{key}={value}"] = fingerprint(sources[0], [*sources[1:], *images])
    return found


def fingerprint(path: Path, also: Sequence[Path] = ()) -> str:
    """Return a hash of a file, or of the visible files in a folder with their names.

    Args:
        path: File or folder. Hidden files and `__pycache__` are left out.
        also: Other files that belong to the file, such as images that it names.
    """
    digest = hashlib.sha256()
    files = [path, *also] if path.is_file() else sorted(file for file in path.rglob("*") if _counts(file, path))
    left = FOLDER
    for file in files:
        size = file.stat().st_size
        digest.update(json.dumps([os.path.relpath(file.resolve(), path.resolve()), size]).encode())
        places = [(0, size)] if size <= WHOLE else [(start, SAMPLE) for start in (0, size // 2, size - SAMPLE)]
        amount = sum(length for _, length in places)
        if amount > left:
            continue
        left -= amount
        with file.open("rb") as stream:
            for start, length in places:
                stream.seek(start)
                digest.update(stream.read(length))
    return digest.hexdigest()[:32]


def write(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write the fingerprints of settings into a run folder."""
    write_whole(folder / FILE, json.dumps(fingerprints(settings), indent=1) + "\n")


def compare(folder: Path, settings: Mapping[str, Any], accept: bool) -> None:
    """Compare what settings name with the fingerprints in a run folder.

    Args:
        folder: Folder of the run.
        settings: Nested settings of the run.
        accept: True to report changes instead of refusing them.

    Raises:
        UserError: Something has changed or is gone, or `inputs.json` is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return
    try:
        then = json.loads(path.read_text(encoding="utf-8"))
        assert isinstance(then, dict)
    except (ValueError, AssertionError):
        raise UserError(f"{path} is damaged; remove it to resume without a comparison") from None
    now = fingerprints(settings)
    changed = [f"{name} {'has changed' if name in now else 'is gone'}" for name in then if now.get(name) != then[name]]
    if not changed:
        return
    problem = f"resume={folder}: since the run began, {' and '.join(changed)}"
    if not accept:
        raise UserError(f"{problem}; restore the old content, or add resume_changed=true")
    print(f"{problem}; resuming with the new content", file=sys.stderr)


def _leaves(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Yield the dotted key and the value of each text."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(part, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part, key)
    elif isinstance(value, str) and value:
        yield key, value


def _sources(key: str, value: str) -> list[Path]:
    """Return the file or folder that a setting names, or the files of a teacher's pattern."""
    if "teachers" in key.split("."):
        return demonstration_files(value) if is_demonstration_file(value) else []
    source = _source(key, value)
    return [] if source is None else [source]


def _source(key: str, value: str) -> Path | None:
    """Return the file or folder that a setting names, or None."""
    *above, name = key.split(".")
    if name in FUNCTIONS and is_import_path(value):
        return _module(value.partition(":")[0])
    if name == "id" and ":" in value:
        return _module(value.partition(":")[0])
    path = Path(value).expanduser()
    if key == "model.path":
        return path if path.is_dir() and value != "tiny" else None  # tiny is the embedded model
    if "kwargs" in above and (name in PATHS or path.suffix or len(path.parts) > 1):
        try:
            return path if path.exists() else None
        except OSError:  # a long text
            return None
    return None


def _module(name: str) -> Path | None:
    """Return the file of a module, or the folder of its package. None for installed packages and Kickoff's own."""
    top = name.partition(".")[0]
    if top in OWN:
        return None
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None or not (spec.has_location or spec.submodule_search_locations):
        return None
    places = list(spec.submodule_search_locations or ()) or [str(spec.origin)]
    path = Path(places[0]).resolve()
    installed = [sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib")]
    return None if any(path.is_relative_to(Path(place).resolve()) for place in installed) else path


def _counts(file: Path, folder: Path) -> bool:
    """Return True if a file in a folder counts."""
    parts = file.relative_to(folder).parts
    return file.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts)
