"""Question files in JSONL or Parquet. Opening a file checks every row but decodes no image.

A row is either plain or in LMM-R1's message format (https://github.com/TideDra/lmm-r1). A plain row is `{"problem": …,
"answer": …}` with an optional `image`. `question` is accepted for `problem`, so the columns of MATH-500 can be read
directly. In the message format, `message` holds chat messages with text and image parts, as a list or a JSON string,
and `answer` is a separate column. System messages are dropped in favour of the task's instructions. The first of
`kind`, `topic`, `subject` and `level` gives the question's category, by which results are split.
"""

import hashlib
import json
import logging
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from envs.questions.answers import Formula, gold_from_text

MAX_LINE = 64 << 20
"""Maximum size of a row in bytes, including its image."""

PICTURES = ("image", "images")
KINDS = ("kind", "topic", "subject", "level")
"""Columns that may name the category of a question. The first non-empty one is used."""
COLUMNS = ("problem", "question", "message", "answer", *KINDS, *PICTURES)


class BrokenRow(ValueError):  # noqa: N818  names a row, not an event
    """A row that is not a valid question. The message gives the reason."""


class Row(NamedTuple):
    """A question as stored in a file."""

    text: str
    answer: Formula | str
    picture: Any
    """Image in a form accepted by `envs.questions.pictures.decode`, or None."""
    kind: str = ""
    """Category of the question."""


def read_row(row: Any) -> Row:
    """Return the question of a row, or raise BrokenRow with the reason."""
    if isinstance(row, BrokenRow):
        raise row
    if not isinstance(row, dict):
        raise BrokenRow(f"a row must be an object with problem and answer, got {type(row).__name__}")
    text: Any
    if row.get("message") is not None:
        text, picture = _message(row["message"])
    else:
        text, picture = row.get("problem") or row.get("question"), row.get("image")
        if picture is None and row.get("images") is not None:
            picture = _only(row["images"])
    if not isinstance(text, str) or not text.strip():
        raise BrokenRow(
            f"no question: problem or message is required, the row has {', '.join(sorted(row)) or 'nothing'}"
        )
    answer = row.get("answer")
    if isinstance(answer, bool) or not isinstance(answer, str | int | float):
        raise BrokenRow(f"answer must be a text or a number, got {answer!r}")
    try:
        return Row(text.replace("<image>", "").strip(), gold_from_text(str(answer)), picture, _kind(row))
    except ValueError as error:
        raise BrokenRow(str(error)) from None


def _kind(row: dict[str, Any]) -> str:
    """Return the first non-empty column of `KINDS`. A number is prefixed with its column's name: `level 3`."""
    for column in KINDS:
        said = row.get(column)
        if isinstance(said, int | float):
            return f"{column} {said:g}"
        if isinstance(said, str) and said.strip():
            return said.strip()
    return ""


def _message(message: Any) -> tuple[str, Any]:
    """Return the text and the image of LMM-R1's `message`."""
    if isinstance(message, str):
        try:
            message = json.loads(message)
        except ValueError as error:
            raise BrokenRow(f"message is not valid JSON: {error}") from None
    if not isinstance(message, list) or not all(isinstance(turn, dict) for turn in message):
        raise BrokenRow("message must be a list of chat messages")
    turns = [turn for turn in message if turn.get("role") != "system"]
    if len(turns) != 1 or turns[0].get("role") != "user":
        roles = ", ".join(str(turn.get("role")) for turn in turns) or "nothing"
        raise BrokenRow(f"message must hold one user turn, got {roles}")
    content = turns[0].get("content")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise BrokenRow("content must be a text or a list of parts")
    texts, pictures = [], []
    for part in parts:
        kind = part.get("type")
        if kind == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"].strip())
        elif kind in ("image", "image_url") and part.get(kind) is not None:
            pictures.append(part[kind]["url"] if isinstance(part[kind], dict) and "url" in part[kind] else part[kind])
        else:
            raise BrokenRow(f"a part of content must be a text or an image, got type {kind!r}")
    return "\n".join(texts), _only(pictures) if pictures else None


def _only(pictures: Any) -> Any:
    if not isinstance(pictures, list) or len(pictures) > 1:
        count = len(pictures) if isinstance(pictures, list) else 0
        raise BrokenRow(f"a question may have only one image, got {count}")
    return pictures[0] if pictures else None


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

    def __init__(self, path: Path) -> None:
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import ParquetFile

        try:
            self._file = ParquetFile(path, memory_map=True)
        except ArrowInvalid as error:
            raise ValueError(f"{path} is not a Parquet file: {error}") from None
        self._columns = [name for name in self._file.schema_arrow.names if name in COLUMNS]
        groups = (self._file.metadata.row_group(index).num_rows for index in range(self._file.num_row_groups))
        self._starts = [0, *accumulate(groups)]
        self._group: tuple[int, Any] = (-1, None)

    def rows(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (number from 1, place, row). Images are not read: a placeholder marks their column."""
        shown = [name for name in self._columns if name in PICTURES]
        read = [name for name in self._columns if name not in PICTURES]
        place = 0
        for batch in self._file.iter_batches(256, columns=read):
            for row in batch.to_pylist():
                yield place + 1, place, row | dict.fromkeys(shown[:1], [] if shown[:1] == ["images"] else "")
                place += 1

    def row(self, place: int) -> Any:
        """Return the row at a place. Its row group stays in memory until a row of another group is read."""
        group = bisect_right(self._starts, place) - 1
        kept, table = self._group
        if kept != group:
            table = self._file.read_row_group(group, columns=self._columns)
            self._group = (group, table)
        return table.slice(place - self._starts[group], 1).to_pylist()[0]


class QuestionFile:
    """Valid rows of a file. Only their places are kept in memory, and a row is read again when needed."""

    def __init__(self, path: Path, on_broken: str = "error") -> None:
        self.path = path
        self.longest = 0
        self.has_pictures = False
        self._reader = Parquet(path) if path.suffix == ".parquet" else Jsonl(path)
        self._numbers, self._places, self._tenths = array("q"), array("q"), array("b")
        broken: list[tuple[int, str]] = []
        for number, place, row in self._reader.rows():
            try:
                question = read_row(row)
            except BrokenRow as error:
                broken.append((number, str(error)))
                continue
            self._numbers.append(number)
            self._places.append(place)
            self._tenths.append(hashlib.sha256(question.text.encode("utf-8", "replace")).digest()[0] * 10 // 256)
            self.longest = max(self.longest, len(question.text))
            self.has_pictures |= question.picture is not None
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


def open_questions(path: str, on_broken: str) -> QuestionFile:
    """Open a question file. Raise ValueError if the path, relative to the working directory, is not a readable file."""
    file = Path(path).expanduser()
    if file.suffix not in (".jsonl", ".parquet"):
        raise ValueError(f"path must end in .jsonl or .parquet, got {path!r}")
    if not file.is_file():
        raise ValueError(f"there is no file {path!r} in the working directory {Path.cwd()}")
    file = file.resolve()
    state = file.stat()
    return _opened(file, on_broken, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _opened(path: Path, on_broken: str, *version: int) -> QuestionFile:
    """Share one index among all environments of the process until the file changes."""
    return QuestionFile(path, on_broken)
