"""The `python -m render.watch runs/football` command, which serves the page of a run on this machine."""

from __future__ import annotations

import difflib
import socket
import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from render.viewer.records import find_places
from render.viewer.run import Watched
from render.viewer.server import server

HOST: Final = "127.0.0.1"
PORTS_TRIED: Final = 50
MARKS: Final = ("config.yaml", "baseline.yaml", "results.json", "metrics.jsonl", "summary.json")
"""Files that mark a folder as watchable. A folder with episode records is watchable without them."""
USAGE: Final = """\
python -m render.watch FOLDER… [port=8765] [open=true]

  FOLDER      a run (runs/football, also during training), a baseline, saved evaluation results or recorded play;
              several folders share one page, which compares their curves and episodes
  port=N      port of the page, on this machine only; 0 takes any free port (default 8765)
  open=true   open the page in a browser"""


class UsageError(Exception):
    """Invalid command-line arguments, described in one line."""


@dataclass
class Options:
    """Parsed command-line arguments."""

    folders: list[Path]
    port: int = 8765
    open: bool = False


def main(words: Sequence[str]) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        UsageError: an argument is invalid, a folder cannot be watched, or no port is free.
        OSError: the page cannot be served.
    """
    options = read_options(words)
    if not options.folders:
        print(overview(Path("runs")))
        return
    for folder in options.folders:
        check_folder(folder)
    listening = bind(options.port)
    port = listening.getsockname()[1]
    if options.port not in (0, port):
        print(f"port {options.port} is in use; using {port}")
    address = f"http://{HOST}:{port}/"
    print(f"watching {', '.join(map(str, options.folders))} at {address} (Ctrl-C to stop)", flush=True)
    if options.open:
        webbrowser.open(address)
    server(Watched(options.folders)).run(sockets=[listening])
    raise KeyboardInterrupt  # only Ctrl-C ends the server; asyncio may have swallowed the signal


def read_options(words: Sequence[str]) -> Options:
    """Parse folders and key=value arguments. Raise UsageError for an invalid argument."""
    options = Options([])
    for word in words:
        key, equals, text = word.partition("=")
        if word.startswith("-"):
            raise UsageError(f"unknown option {word!r}; write keys as in port=8765")
        if Path(word).is_dir() or not equals:
            options.folders.append(Path(word))
        elif key == "port":
            if not (text.isascii() and text.isdigit() and int(text) < 65536):
                raise UsageError(f"port={text}: not a port number; give 0 (any free port) to 65535")
            options.port = int(text)
        elif key == "open":
            if text not in ("true", "false"):
                raise UsageError(f"open={text}: not a boolean; give true or false")
            options.open = text == "true"
        else:
            close = difflib.get_close_matches(key, ["port", "open"], 1)
            hint = f"; did you mean {close[0]}=?" if close else "; the keys are port= and open="
            raise UsageError(f"unknown key {key!r}{hint}")
    return options


def check_folder(folder: Path) -> None:
    """Raise UsageError unless the folder can be watched."""
    if folder.is_file():
        raise UsageError(f"{folder} is a file; give its folder: {folder.parent}")
    if not folder.is_dir():
        names = [str(path) for path in watchable(folder.parent)]
        close = difflib.get_close_matches(str(folder), names, 1) or [
            name for name in map(str, watchable(Path("runs"))) if Path(name).name == folder.name
        ]
        if close:
            hint = f"did you mean {close[0]}?"
        elif names:
            hint = f"available: {', '.join(names[:6])}{' …' if len(names) > 6 else ''}"
        else:
            hint = "a run folder looks like runs/football (python -m training.run env=football creates it)"
        raise UsageError(f"{folder} does not exist; {hint}")
    if not is_watchable(folder):
        raise UsageError(f"{folder} is not a run folder: it has none of {', '.join(MARKS)} and no episodes")


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
        UsageError: none of the `PORTS_TRIED` ports is free.
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
    raise UsageError(f"no free port from {port} to {port + PORTS_TRIED - 1}; port=0 takes any free port")


def entry(words: Sequence[str]) -> int:
    """Run the command and return its exit status: 0 when done or stopped, 2 for a user error."""
    if {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    try:
        main(words)
    except (UsageError, OSError) as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(entry(sys.argv[1:]))
