"""The `python -m render.watch runs/football` command, which serves the page of a run on this machine."""

from __future__ import annotations

import difflib
import socket
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from annotated_types import Ge, Le

from configs.cli import command, parse_words, read_options
from configs.errors import UserError
from configs.schema import Settings
from render.viewer.folder import empty
from render.viewer.records import find_places
from render.viewer.run import Watched
from render.viewer.server import server

HOST: Final = "127.0.0.1"
PORTS_TRIED: Final = 50
MARKS: Final = ("config.yaml", "baseline.yaml", "results.json", "metrics.jsonl", "summary.json")
"""Files that mark a folder as watchable. A folder with episode records is watchable without them."""
USAGE: Final = """\
python -m render.watch FOLDER… [port=8765] [open=true]

  FOLDER      a run (runs/football, also during or before training), a baseline, saved evaluation results or
              recorded play; several folders share one page, which compares their curves and episodes
  port=N      port of the page, on this machine only; 0 takes any free port (default 8765)
  open=true   open the page in a browser"""


@dataclass
class WatchOptions(Settings):
    """Keys of the command."""

    port: Annotated[int, Ge(0), Le(65535)] = 8765
    """Port of the page, on this machine only; 0 takes any free port."""
    open: bool = False
    """Open the page in a browser."""


def main(words: Sequence[str]) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        UserError: an argument is invalid, a folder cannot be watched, or no port is free.
        OSError: the page cannot be served.
    """
    names, overrides = parse_words(words)
    for name in names:
        if name.startswith("-"):
            raise UserError(f"unknown option {name!r}; keys are given like port=8765")
    options, folders = read_options(WatchOptions, overrides), [Path(name) for name in names]
    if not folders:
        print(overview(Path("runs")))
        return
    waiting = [folder for folder in folders if check_folder(folder)]
    listening = bind(options.port)
    port = listening.getsockname()[1]
    if options.port not in (0, port):
        print(f"port {options.port} is in use; using {port}")
    address = f"http://{HOST}:{port}/"
    for folder in waiting:
        print(f"{folder} has no run yet: waiting for one{hint(folder)}")
    print(f"watching {', '.join(map(str, folders))} at {address} (Ctrl-C to stop)", flush=True)
    if options.open:
        webbrowser.open(address)
    server(Watched(folders)).run(sockets=[listening])
    raise KeyboardInterrupt  # it ends by Ctrl-C alone, whether or not asyncio has passed that on


def check_folder(folder: Path) -> bool:
    """Return True if a folder is missing or empty, so that the page waits for its run.

    Raises:
        UserError: the folder holds something else, or its name is that of a run in runs/.
    """
    if folder.is_file():
        raise UserError(f"{folder} is a file; give its folder: {folder.parent}")
    if not folder.exists():
        run = Path("runs") / folder
        if len(folder.parts) == 1 and is_watchable(run):
            raise UserError(f"{folder} is not there; did you mean {run}?")
        return True
    if not (is_watchable(folder) or empty(folder)):
        raise UserError(f"{folder} holds no run: none of {', '.join(MARKS)}, and no episodes")
    return not is_watchable(folder)


def hint(folder: Path) -> str:
    """Return a hint on the run that a missing folder may mean, or an empty text."""
    names = [str(path) for path in watchable(folder.parent)]
    close = difflib.get_close_matches(str(folder), names, 1)
    return f" (there is {close[0]})" if close else ""


def is_watchable(folder: Path) -> bool:
    """Return True if the folder is a run or a baseline, or has saved results or episode records."""
    return any((folder / mark).is_file() for mark in MARKS) or any(True for _ in find_places(folder))


def watchable(folder: Path) -> list[Path]:
    """Return the watchable subfolders of a folder, most recently changed first."""
    try:
        found = [path for path in folder.iterdir() if path.is_dir() and is_watchable(path)]
    except OSError:
        return []
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def overview(folder: Path) -> str:
    """Return the usage text followed by the existing runs and the command that opens each."""
    found = watchable(folder)
    if not found:
        return f"{USAGE}\n\nThere are no runs in {folder}/ yet: python -m training.run env=football creates one."
    lines = [f"  python -m render.watch {path}" for path in found]
    return f"{USAGE}\n\nRuns in {folder}/:\n" + "\n".join(lines)


def bind(port: int) -> socket.socket:
    """Return a socket that listens on this machine at `port` or at the next free port.

    Raises:
        UserError: none of the ports is free.
    """
    for wanted in [0] if port == 0 else range(port, min(port + PORTS_TRIED, 65536)):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((HOST, wanted))
            listening.listen(64)
            return listening
        except OSError:
            listening.close()
    raise UserError(f"the ports {port} to {port + PORTS_TRIED - 1} cannot be used; port=0 takes any free one")


if __name__ == "__main__":
    command(main, lambda _: USAGE)
