"""Facts of a run for its page: command, commit, date, device and number of parameters, in `facts.json`."""

import datetime
import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from render.records.files import write_whole

FILE = "facts.json"


def write(folder: Path, module: str, overrides: Mapping[str, Any], device: str, parameters: int | None = None) -> None:
    """Write the facts of a run.

    Args:
        folder: Run folder.
        module: Module of the command, such as `training.run`.
        overrides: Overrides of the user, by dotted key.
        device: Device of the training.
        parameters: Number of parameters of the model, or None if it is unknown.
    """
    words = [f"{key}={value}" for key, value in overrides.items()]
    found: dict[str, Any] = {
        "command": shlex.join(["python", "-m", module, *words]),
        "commit": commit(),
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "device": device,
    }
    if parameters is not None:
        found["parameters"] = parameters
    write_whole(folder / FILE, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def commit() -> str:
    """Return the commit of this checkout, with `-dirty` for changed files, or the version of the installed package."""
    checkout = Path(__file__).parents[2]
    if (checkout / ".git").exists():
        words = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=8", "--exclude=*"]
        try:
            return subprocess.run(words, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
        except (OSError, subprocess.SubprocessError):  # no git, or not its owner
            pass
    try:
        return f"version {importlib.metadata.version('kickoff-rl')}"
    except importlib.metadata.PackageNotFoundError:
        return ""


def device() -> str:
    """Return the device of this process: the name of its GPUs, or the number of CPU cores."""
    import torch

    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        return f"{f'{count} x ' if count > 1 else ''}{torch.cuda.get_device_name(0)}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"CPU, {cores} core{'s' if cores != 1 else ''} ({platform.machine()})"
