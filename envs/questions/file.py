"""Question files in JSONL or Parquet. Opening a file checks every row and decodes every image once."""

import hashlib
import json
import logging
import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

from envs.questions.pictures import LONGEST_NAME, check, find, source
from envs.questions.rows import COLUMNS, BrokenRow, Row, asked, read_row

SUFFIXES = (".jsonl", ".parquet")

MAX_LINE = 64 << 20
"""Maximum size of a row in bytes, including its image."""

BATCH = 64
"""Number of rows read together. Their images are in memory at the same time."""


class Jsonl:
    """Rows of a JSONL file. The place of a row is its byte offset."""

    unit = "line"

    def __init__(self, path: Path) -> None:
        self._path = path

    def rows(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (number from 1, place, row or BrokenRow), skipping empty lines."""
        with self._path.open("rb") as file:
            number = place = 0
            while line := file.readline(MAX_LINE):
                number += 1
                if line.strip():
                    yield number, place, self._parsed(line)
                place += len(line)

    def row(self, place: int) -> Any:
        """Return the row at a place."""
        with self._path.open("rb") as file:
            file.seek(place)
            return self._parsed(file.readline(MAX_LINE))

    @staticmethod
    def _parsed(line: bytes) -> Any:
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            return BrokenRow(f"not valid JSON: {error}")


class Parquet:
    """Rows of a Parquet file. The place of a row is its index. Requires pyarrow."""

    unit = "row"

    def __init__(self, path: Path, columns: Sequence[str] = COLUMNS) -> None:
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import ParquetFile

        try:
            self._file = ParquetFile(path, memory_map=True)
        except ArrowInvalid as error:
            raise ValueError(f"{path} is not a Parquet file: {error}") from None
        self._columns = [name for name in self._file.schema_arrow.names if name in columns]
        groups = (self._file.metadata.row_group(index).num_rows for index in range(self._file.num_row_groups))
        self._starts = [0, *accumulate(groups)]
        self._group: tuple[int, Any] = (-1, None)

    def rows(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (number from 1, place, row)."""
        place = 0
        for batch in self._file.iter_batches(BATCH, columns=self._columns):
            for row in batch.to_pylist():
                yield place + 1, place, row
                place += 1

    def row(self, place: int) -> Any:
        """Return the row at a place. Its row group stays in memory until a row of another group is read."""
        group = bisect_right(self._starts, place) - 1
        kept, table = self._group
        if kept != group:
            table = self._file.read_row_group(group, columns=self._columns)
            self._group = (group, table)
        return table.slice(place - self._starts[group], 1).to_pylist()[0]


def reader(path: Path, columns: Sequence[str] = COLUMNS) -> Jsonl | Parquet:
    """Return the reader of a file; raise ValueError if a Parquet file is invalid. Parquet reads only `columns`."""
    return Parquet(path, columns) if path.suffix == ".parquet" else Jsonl(path)


class QuestionFile:
    """Valid rows of a file. Only their places are kept in memory, and a row is read again when needed.

    Args:
        path: File ending in .jsonl or .parquet.
        on_broken: "error" or "skip", for invalid rows.
        folder: Folder of the images. None does not check them.

    Raises:
        ValueError: The file has no valid row, or an invalid one and `on_broken` is "error".
    """

    def __init__(self, path: Path, on_broken: str = "error", folder: Path | None = None) -> None:
        self.path = path
        self.longest = 0
        self.most_pictures = 0
        """Largest number of images of a question."""
        self._reader = reader(path)
        self._numbers, self._places, self._tenths = array("q"), array("q"), array("b")
        broken: list[tuple[int, str]] = []
        for number, place, question in self._questions(folder):
            if isinstance(question, BrokenRow):
                broken.append((number, str(question)))
                continue
            self._numbers.append(number)
            self._places.append(place)
            self._tenths.append(hashlib.sha256(question.text.encode("utf-8", "replace")).digest()[0] * 10 // 256)
            self.longest = max(self.longest, len(question.text))
            self.most_pictures = max(self.most_pictures, len(question.pictures))
        first = f"{path}, {self._reader.unit} {broken[0][0]}: {broken[0][1]}" if broken else ""
        if broken and on_broken == "error":
            others = ", ".join(str(number) for number, _ in broken[1:8]) + ", …" * (len(broken) > 8)
            more = f"; further broken rows: {others}" if len(broken) > 1 else ""
            raise ValueError(f"{first}{more}; set on_broken=skip to skip such rows")
        if not self._numbers:
            raise ValueError(f"{path} has no questions{f'; {first}' * bool(broken)}")
        if broken:
            logging.getLogger(__name__).warning(
                "skipped %d of %d rows as broken; the first: %s", len(broken), len(broken) + len(self._numbers), first
            )

    def _questions(self, folder: Path | None) -> Iterator[tuple[int, int, Row | BrokenRow]]:
        """Yield (number, place, question or its problem) of all rows. Images are decoded in parallel."""

        def checked(question: Row | BrokenRow) -> Row | BrokenRow:
            try:
                if folder is not None and isinstance(question, Row):
                    _check_pictures(question.pictures, folder)
            except BrokenRow as error:
                return error
            return question

        rows = self._reader.rows()
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            while batch := list(islice(rows, BATCH)):
                questions = pool.map(checked, [_question(row) for _, _, row in batch])
                for (number, place, _), question in zip(batch, questions, strict=True):
                    yield number, place, question

    def indices(self, split: str) -> list[int]:
        """Return the rows of a split. A hash of the text assigns a tenth of the questions to `test`."""
        wanted = {"all": range(10), "test": range(1), "train": range(1, 10)}[split]
        return [index for index, tenth in enumerate(self._tenths) if tenth in wanted]

    def row(self, index: int) -> Row:
        """Read a row again and return its question."""
        return read_row(self._reader.row(self._places[index]))

    def name(self, index: int) -> str:
        """Return the name of a row for error messages: the file and the line or row number, from 1."""
        return f"{self.path}, {self._reader.unit} {self._numbers[index]}"


def _question(row: Any) -> Row | BrokenRow:
    """Return the question of a row, or its problem."""
    try:
        return read_row(row)
    except BrokenRow as error:
        return error


def _check_pictures(pictures: tuple[Any, ...], folder: Path) -> None:
    """Raise BrokenRow, naming the image if there are several, unless all images can be decoded."""
    for number, picture in enumerate(pictures, 1):
        try:
            check(picture, folder)
        except ValueError as error:
            raise BrokenRow(f"image {number}: {error}" if len(pictures) > 1 else str(error)) from None


def named_images(path: Path) -> list[Path]:
    """Return the image files that a question file names relative to its own folder. Invalid rows are ignored."""
    try:
        rows = reader(path)
    except ValueError:
        return []
    found = set()
    for _, _, row in rows.rows():
        try:
            _, pictures = asked(row)
        except BrokenRow:
            continue
        for picture in pictures:
            name = source(picture)
            if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME:
                try:
                    found.add(find(name, path.parent))
                except (ValueError, OSError):
                    continue
    return sorted(found)


def open_questions(path: str, on_broken: str, folder: Path | None = None, pictures: bool = False) -> QuestionFile:
    """Open a question file.

    Args:
        path: File, relative to the working directory.
        on_broken: "error" or "skip", for invalid rows.
        folder: Folder of the images. None selects the folder of the file.
        pictures: True to check the images.

    Raises:
        ValueError: The path is not a readable file, or see `QuestionFile`.
    """
    file = Path(path).expanduser()
    if file.suffix not in SUFFIXES:
        raise ValueError(f"path must end in .jsonl or .parquet, got {path!r}")
    if not file.is_file():
        raise ValueError(f"there is no file {path!r} in the working directory {Path.cwd()}")
    file = file.resolve()
    state = file.stat()
    images = (folder or file.parent).resolve() if pictures else None
    return _opened(file, on_broken, images, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _opened(path: Path, on_broken: str, folder: Path | None, *version: int) -> QuestionFile:
    """Share one index among all environments of the process until the file changes."""
    return QuestionFile(path, on_broken, folder)
