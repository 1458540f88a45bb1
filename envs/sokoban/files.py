"""Text files of levels: Boxoban's format, and XSB with titles, comments and run lengths.

A level is a block of rows. It ends at an empty line, at a line `; …`, or at a title or comment. Rows consist of
`# wall, @ + player, $ * box, . target`, and space, `-` or `_` for floor. `5#|#@$.#|5#` is a row of run lengths.
"""

import logging
import re
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from envs.sokoban.board import BOX, LARGEST, MOST_BOXES, SMALLEST, SYMBOLS_ALLOWED, read_board

_ROW: Final = re.compile(r"[-_ #@+$*.]+")
_LENGTHS: Final = re.compile(r"(?:\d*[-_#@+$*.|])+")
_NUMBER: Final = re.compile(r"#+\s*\d+")
_CLOSED: Final = re.compile(r"[-_ ]*#[-_ #]*")
_PLAIN: Final = re.compile(r"#+\n(?:#[ #@+$*.]*#\n)+#+")
_FOREIGN: Final = 2  # a line with '#' and at most so many different other characters is a misspelt row, not a text
_SUFFIXES: Final = (".txt", ".xsb", ".sok")


class Map(NamedTuple):
    """A level of a file as text."""

    line: int
    """Line of the first row, from 1."""
    text: str
    plain: bool = False
    """True if the map is already known to be valid and rectangular."""


class LevelFile(NamedTuple):
    """A file with valid levels."""

    path: Path
    levels: int
    """Number of levels."""
    size: tuple[int, int]
    """Rows and columns of the largest level."""

    def maps(self) -> tuple[Map, ...]:
        """Return the levels. The most recent files are cached."""
        return _read(self.path, *_version(self.path))


def find_files(levels: str) -> list[LevelFile]:
    """Return the files of a path, after a check of every level.

    In a folder, files with other suffixes than .txt, .xsb and .sok, hidden files, and files without any row of a map,
    such as a licence, are left out.

    Args:
        levels: Path of a file or of a folder.

    Raises:
        ValueError: There is no level, or a level is not valid. The message names file, line and level.
    """
    place = Path(levels).expanduser()
    try:
        if place.is_file():
            found = _checked(place, *_version(place))
            if not found.levels:
                raise ValueError(
                    f"{place}: no level in this file; a level is '; 0', then rows of # wall, @ player, $ box, . target"
                )
            return [found]
        if not place.is_dir():
            raise ValueError(f"levels={levels!r}: no such file or folder")
        paths = sorted(
            path
            for path in place.rglob("*")
            if path.suffix.lower() in _SUFFIXES
            and path.is_file()
            and not any(part.startswith(".") for part in path.relative_to(place).parts)
        )
        if not paths:
            raise ValueError(f"levels={levels!r}: no .txt, .xsb or .sok file in this folder")
        files = [_checked(path, *_version(path)) for path in paths]
    except OSError as error:
        raise ValueError(f"levels={levels!r}: cannot be read: {error}") from None
    for file in files:
        if not file.levels:
            _leave_out(file.path)
    files = [file for file in files if file.levels]
    if not files:
        raise ValueError(f"levels={levels!r}: no level in the files of this folder, such as {paths[0].name}")
    return files


@lru_cache(maxsize=4096)
def _leave_out(path: Path) -> None:
    """Log that a file of a folder has no level, once."""
    logging.getLogger(__name__).warning("%s: no level in this file, left out", path)


def _version(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=4096)
def _checked(path: Path, *version: int) -> LevelFile:
    """Return a file with the number and the size of its levels, or raise ValueError. `version` is part of the key."""
    maps = _read(path, *version)
    rows = columns = 0
    for number, (line, text, plain) in enumerate(maps):
        if not plain:
            try:
                check_map(text)
            except ValueError as error:
                raise ValueError(f"{path}:{line}: level {number}: {error}") from None
            board = read_board(text)
            rows, columns = max(rows, board.shape[0]), max(columns, board.shape[1] - 1)
            continue
        rows, columns = max(rows, text.count("\n") + 1), max(columns, text.index("\n"))
    return LevelFile(path, len(maps), (rows, columns))


def check_map(text: str) -> None:
    """Raise a one-line ValueError unless a text is a valid level with a box off target."""
    if not (read_board(text) == BOX).any():
        raise ValueError("a map must have a box off target, in this one all boxes are on targets")


def _is_plain(text: str) -> bool:
    """Return True if a rectangular map with walls around it is valid. A fast test for files of many levels."""
    width = text.find("\n")
    boxes = text.count("$") + text.count("*")
    return (
        _PLAIN.fullmatch(text) is not None
        and SMALLEST <= width <= LARGEST
        and SMALLEST <= text.count("\n") + 1 <= LARGEST
        and not text[width :: width + 1].strip("\n")
        and len(text) == (width + 1) * (text.count("\n") + 1) - 1
        and text.count("@") + text.count("+") == 1
        and boxes == text.count(".") + text.count("*") + text.count("+")
        and 0 < boxes <= MOST_BOXES
        and "$" in text
    )


@lru_cache(maxsize=16)
def _read(path: Path, *version: int) -> tuple[Map, ...]:
    """Return the unchecked levels of a text file. `version` is part of the key."""
    text = path.read_bytes().decode("utf-8-sig", errors="replace")  # titles may have another encoding
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        return _blocks(text) or _lines(text)
    except ValueError as error:
        raise ValueError(f"{path}:{error}") from None


def _blocks(text: str) -> tuple[Map, ...]:
    """Return the levels of a file of `; n`, rows and an empty line each, or () for any other file. Much faster."""
    maps, line = [], 1
    for block in text.strip("\n").split("\n\n"):
        head, _, rows = block.partition("\n")
        if not head.startswith(";") or not _is_plain(rows):
            return ()
        maps.append(Map(line + 1, rows, plain=True))
        line += block.count("\n") + 2
    return tuple(maps) if not text.startswith("\n") else ()


def _lines(text: str) -> tuple[Map, ...]:
    """Return the levels of any file. Raise `LINE: problem` for a line that is neither a row nor a text."""
    maps: list[Map] = []
    rows: list[str] = []
    first = 0
    for number, line in enumerate([*map(str.rstrip, text.split("\n")), ""], start=1):
        added = _rows(line, bool(rows))
        if not added and line and not line.startswith(";"):
            _check_text(line, number, bool(rows) and not _CLOSED.fullmatch(rows[-1]))
        if not added and rows:
            maps.append(Map(first, "\n".join(rows)))
            rows = []
        elif added:
            first = first if rows else number
            rows.extend(added)
    return tuple(maps)


def _rows(line: str, within: bool) -> list[str]:
    """Return the rows of a line, [] if it is not a row. A row without a wall is one only `within` a map."""
    if _ROW.fullmatch(line) and ("#" in line or within):
        return [line]
    if "#" in line and _LENGTHS.fullmatch(line):
        return re.sub(r"(\d+)(.)", lambda run: run[2] * min(int(run[1]), 100), line).rstrip("|").split("|")
    return []


def _check_text(line: str, number: int, within: bool) -> None:
    """Raise ValueError if a line that is not a row stands `within` a map or has few other symbols than a row."""
    others = [symbol for symbol in dict.fromkeys(line) if not _ROW.fullmatch(symbol)]
    misspelt = "#" in line and len(others) <= _FOREIGN and not _NUMBER.fullmatch(line)
    if within or misspelt:
        raise ValueError(f"{number}: {others[0]!r} is not a symbol of a map; {SYMBOLS_ALLOWED}")
