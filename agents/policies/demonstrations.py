"""Reading of demonstrations: files of chats with images as token sequences."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.chat.conversation import Conversation
from agents.chat.template import Chat
from agents.chat.types import Completion, TokenSequence
from configs.errors import UserError
from envs.questions.file import SUFFIXES, reader
from envs.questions.pictures import decode
from envs.questions.places import IMAGE
from envs.questions.rows import BrokenRow


def is_demonstration_file(name: str) -> bool:
    """Return True if a teacher is given as a file of demonstrations."""
    return Path(name).suffix in SUFFIXES


def read_demonstrations(name: str, chat: Chat, every_reply: bool) -> list[TokenSequence]:
    """Return the token sequences of a file that `agents.demonstrate` wrote, or of any chats in its form.

    A row has `messages` with the roles user and assistant, and `images` in the order of the image parts.

    Args:
        name: File ending in .jsonl or .parquet.
        chat: Chat template of the model.
        every_reply: Train every reply of a row, not only its last one.

    Raises:
        UserError: the file does not exist, is empty, or has an invalid row. The message names the row.
    """
    path = Path(name).expanduser()
    if not path.is_file():
        raise UserError(f"there is no file {name!r} in the working directory {Path.cwd()}")
    try:
        rows = reader(path)
    except ValueError as error:
        raise UserError(str(error)) from None
    found = []
    for number, _, row in rows.rows():
        try:
            found += _sequences(row, path.parent, chat, every_reply)
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{name}, {rows.unit} {number}: {error}") from None
    if not found:
        raise UserError(f"{name} has no demonstrations")
    return found


def completion(chat: Chat, words: str) -> Completion:
    """Return a reply given as text in the form of a sampled one."""
    tokens = chat.reply(words)
    versions = np.full(len(tokens), -1, dtype=np.int32)  # not sampled by any weights
    return Completion(tokens, np.zeros(len(tokens), dtype=np.float32), finished=True, versions=versions)


def _sequences(row: Any, folder: Path, chat: Chat, every_reply: bool) -> list[TokenSequence]:
    if isinstance(row, BrokenRow):
        raise row
    messages = row.get("messages") if isinstance(row, dict) else None
    if not messages or len(messages) % 2:
        raise ValueError("`messages` must be pairs of a user's and an assistant's message")
    images = iter([decode(image, folder) for image in row.get("images") or ()])
    conversation = Conversation(chat, history=-1)
    for user, assistant in zip(messages[::2], messages[1::2], strict=True):
        if (user["role"], assistant["role"]) != ("user", "assistant"):
            raise ValueError(f"a user's message and its reply are expected, got {user['role']}, {assistant['role']}")
        words, shown = _asked(user["content"], images)
        conversation.ask(words, words, shown[0] if shown else None, shown[1:])
        conversation.answer(completion(chat, _text(assistant["content"])))
    if next(images, None) is not None:
        raise ValueError("`images` has more images than the messages have image parts")
    return conversation.sequences() if every_reply else [conversation.last_sequence()]


def _asked(content: Any, images: Iterator[NDArray[np.uint8]]) -> tuple[str, Sequence[NDArray[np.uint8]]]:
    """Return the text of a user's message with `<image>` at the places of several images, and its images."""
    if isinstance(content, str):
        return content, []
    kinds = [part["type"] for part in content]
    several = kinds.count("image") > 1
    shown = []
    for _ in range(kinds.count("image")):
        image = next(images, None)
        if image is None:
            raise ValueError("`images` has fewer images than the messages have image parts")
        shown.append(image)
    words = [part["text"] if part["type"] == "text" else IMAGE * several for part in content]
    return "".join(words), shown


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)
