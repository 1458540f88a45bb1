"""Reading of demonstrations: files of chats with images as token sequences."""

from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from agents.chat.types import Completion, TokenSequence
from agents.policies.chats import COLUMNS, chat_turns
from configs.errors import UserError
from envs.questions.file import SUFFIXES, reader
from envs.questions.pictures import decode
from envs.questions.rows import BrokenRow


def is_demonstration_file(name: str) -> bool:
    """Return True if a teacher is given as a file of demonstrations, or as a pattern of files."""
    return Path(name).suffix in SUFFIXES


def demonstration_files(name: str) -> list[Path]:
    """Return the file of a name, or the files of a pattern such as data/train-*.parquet, in order. Empty: none."""
    path = Path(name).expanduser()
    if path.is_file():
        return [path]
    return sorted(file for file in map(Path, glob(str(path), recursive=True)) if file.is_file())


def read_demonstrations(name: str, chat: Chat, every_reply: bool) -> list[TokenSequence]:
    """Return the token sequences of a file that `agents.demonstrate` wrote, or of a dataset of chats.

    `agents.policies.chats` describes the forms of rows.

    Args:
        name: File ending in .jsonl or .parquet, or a pattern of such files.
        chat: Chat template of the model.
        every_reply: Train every reply of a row, not only its last one.

    Raises:
        UserError: the file does not exist, is empty, or has an invalid row. The message names the row.
    """
    found = [one for path in _files(name) for row in _rows(path, chat, every_reply) for one in row]
    if not found:
        raise UserError(f"{name} has no demonstrations")
    return found


def check_demonstrations(name: str, chat: Chat) -> None:
    """Read the first row of each file; raise UserError as `read_demonstrations` does."""
    for path in _files(name):
        if next(_rows(path, chat, False), None) is None:
            raise UserError(f"{path} has no demonstrations")


def _files(name: str) -> list[Path]:
    """Return the files of a name or pattern; raise UserError if there are none."""
    files = demonstration_files(name)
    if not files:
        raise UserError(f"there is no file {name!r} in the working directory {Path.cwd()}")
    return files


def _rows(path: Path, chat: Chat, every_reply: bool) -> Iterator[list[TokenSequence]]:
    """Yield the token sequences of each row of a file."""
    try:
        rows = reader(path, COLUMNS)
    except ValueError as error:
        raise UserError(str(error)) from None
    for number, _, row in rows.rows():
        try:
            yield _sequences(row, path.parent, chat, every_reply)
        except ValueError as error:
            raise UserError(f"{path}, {rows.unit} {number}: {error}") from None


def completion(chat: Chat, words: str) -> Completion:
    """Return a reply given as text in the form of a sampled one."""
    tokens = chat.reply(words)
    versions = np.full(len(tokens), -1, dtype=np.int32)  # not sampled by any weights
    return Completion(tokens, np.zeros(len(tokens), dtype=np.float32), finished=True, versions=versions)


def _sequences(row: Any, folder: Path, chat: Chat, every_reply: bool) -> list[TokenSequence]:
    if isinstance(row, BrokenRow):
        raise row
    conversation = Conversation(chat, history=-1)
    for turn in chat_turns(row):
        images = [decode(image, folder) for image in turn.images]
        conversation.ask(turn.words, turn.words, images[0] if images else None, images[1:])
        conversation.answer(completion(chat, turn.reply))
    return conversation.sequences() if every_reply else [conversation.last_sequence()]
