"""Question files: JSONL or Parquet, every row checked when the file is opened, pictures left where they are.

A row is plain, `{"problem": …, "answer": …}` with an optional `image` (`question` is read as `problem`), or in LMM-R1's
message format (https://github.com/TideDra/lmm-r1): `message` holds chat messages, as a JSON string, with text and image
parts, beside `answer`. A system message is left out: the task's instructions take its place. MATH-500's columns are
read as they are; what `kind`, `topic`, `subject` or `level` says is the question's kind, by which results are split.
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
"""Bytes of a row, its picture included."""

PICTURES = ("image", "images")
KINDS = ("kind", "topic", "subject", "level")
"""Columns that may say what sort of question a row is; the first that has something counts."""
COLUMNS = ("problem", "question", "message", "answer", *KINDS, *PICTURES)


class BrokenRow(ValueError):  # noqa: N818  what it is, not an event
    """A row that is no question, with what is wrong."""


class Row(NamedTuple):
    """A question as it stands in a file."""

    text: str
    answer: Formula | str
    picture: Any
    """As `envs.questions.pictures.decode` takes it; None without a picture."""
    kind: str = ""
    """What sort of question it is."""


def read_row(row: Any) -> Row:
    """The question that a row asks; BrokenRow says what is wrong with it."""
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
        raise BrokenRow(f"no question: it needs problem or message, and has {', '.join(sorted(row)) or 'nothing'}")
    answer = row.get("answer")
    if isinstance(answer, bool) or not isinstance(answer, str | int | float):
        raise BrokenRow(f"answer must be a text or a number, got {answer!r}")
    try:
        return Row(text.replace("<image>", "").strip(), gold_from_text(str(answer)), picture, _kind(row))
    except ValueError as error:
        raise BrokenRow(str(error)) from None


def _kind(row: dict[str, Any]) -> str:
    """What the first of `KINDS` says that a row has; a bare number with its column's name: `level 3`."""
    for column in KINDS:
        said = row.get(column)
        if isinstance(said, int | float):
            return f"{column} {said:g}"
        if isinstance(said, str) and said.strip():
            return said.strip()
    return ""


def _message(message: Any) -> tuple[str, Any]:
    """The words and the picture of LMM-R1's `message`."""
    if isinstance(message, str):
        try:
            message = json.loads(message)
        except ValueError as error:
            raise BrokenRow(f"message is no JSON: {error}") from None
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
        raise BrokenRow(f"a question may have one picture, got {count}")
    return pictures[0] if pictures else None


class Jsonl:
    """The lines of a JSONL file; a row's place is its offset."""

    unit = "line"

    def __init__(self, path: Path) -> None:
        self._path = path

    def rows(self) -> Iterator[tuple[int, int, Any]]:
        """(number from 1, place, row or what broke it); empty lines are passed over."""
        with self._path.open("rb") as file:
            number = place = 0
            while line := file.readline(MAX_LINE):
                number += 1
                if line.strip():
                    yield number, place, self._parsed(line)
                place += len(line)

    def row(self, place: int) -> Any:
        """The row at a place."""
        with self._path.open("rb") as file:
            file.seek(place)
            return self._parsed(file.readline(MAX_LINE))

    @staticmethod
    def _parsed(line: bytes) -> Any:
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            return BrokenRow(f"no JSON: {error}")


class Parquet:
    """The rows of a Parquet file; a row's place is its number from 0. Needs pyarrow."""

    unit = "row"

    def __init__(self, path: Path) -> None:
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import ParquetFile

        try:
            self._file = ParquetFile(path, memory_map=True)
        except ArrowInvalid as error:
            raise ValueError(f"{path} is no Parquet file: {error}") from None
        self._columns = [name for name in self._file.schema_arrow.names if name in COLUMNS]
        groups = (self._file.metadata.row_group(index).num_rows for index in range(self._file.num_row_groups))
        self._starts = [0, *accumulate(groups)]
        self._group: tuple[int, Any] = (-1, None)

    def rows(self) -> Iterator[tuple[int, int, Any]]:
        """(number from 1, place, row); of a picture only whether there is a column for it."""
        shown = [name for name in self._columns if name in PICTURES]
        read = [name for name in self._columns if name not in PICTURES]
        place = 0
        for batch in self._file.iter_batches(256, columns=read):
            for row in batch.to_pylist():
                yield place + 1, place, row | dict.fromkeys(shown[:1], [] if shown[:1] == ["images"] else "")
                place += 1

    def row(self, place: int) -> Any:
        """The row at a place; its row group stays in memory until another is asked for."""
        group = bisect_right(self._starts, place) - 1
        kept, table = self._group
        if kept != group:
            table = self._file.read_row_group(group, columns=self._columns)
            self._group = (group, table)
        return table.slice(place - self._starts[group], 1).to_pylist()[0]


class QuestionFile:
    """The good rows of a file. Only their places are kept; a row is read again when it is asked for."""

    def __init__(self, path: Path, on_broken: str = "error") -> None:
        self.path = path
        self.longest = 0
        self.has_pictures = False
        self._reader = Parquet(path) if path.suffix == ".parquet" else Jsonl(path)
        self._numbers, self._places, self._tenths = array("q"), array("q"), array("b")
        broken: list[str] = []
        for number, place, row in self._reader.rows():
            try:
                question = read_row(row)
            except BrokenRow as error:
                broken.append(f"{path}, {self._reader.unit} {number}: {error}")
                if on_broken == "error":
                    raise ValueError(f"{broken[0]} (on_broken: skip leaves such rows out)") from None
                continue
            self._numbers.append(number)
            self._places.append(place)
            self._tenths.append(hashlib.sha256(question.text.encode("utf-8", "replace")).digest()[0] * 10 // 256)
            self.longest = max(self.longest, len(question.text))
            self.has_pictures |= question.picture is not None
        if not self._numbers:
            raise ValueError(f"{path} has no questions{''.join(f'; {problem}' for problem in broken[:1])}")
        if broken:
            total = len(broken) + len(self._numbers)
            logging.getLogger(__name__).warning(
                "%d of %d rows are broken and left out; the first: %s", len(broken), total, broken[0]
            )

    def indices(self, split: str) -> list[int]:
        """The rows of a split: `test` has the tenth of all question texts that a hash picks, `train` the others."""
        wanted = {"all": range(10), "test": range(1), "train": range(1, 10)}[split]
        return [index for index, tenth in enumerate(self._tenths) if tenth in wanted]

    def row(self, index: int) -> Row:
        """The question, read again."""
        return read_row(self._reader.row(self._places[index]))

    def name(self, index: int) -> str:
        """What a row is called in errors: file and line, or row, from 1."""
        return f"{self.path}, {self._reader.unit} {self._numbers[index]}"


def open_questions(path: str, on_broken: str) -> QuestionFile:
    """The file at a path (from the working directory); ValueError where there is none that can be read."""
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
    """One index for all envs of a process, until the file changes."""
    return QuestionFile(path, on_broken)
