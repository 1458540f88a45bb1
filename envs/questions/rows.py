"""Rows of question files: the accepted columns, and the question of a row.

A row is either plain or a chat. A plain row is `{"problem": …, "answer": …}` with an optional `image` or list `images`.
`question` and `prompt` are accepted for `problem`, so the columns of MATH-500, EasyR1 and TRL can be read directly.

In a chat, `message` (LMM-R1, https://github.com/TideDra/lmm-r1), `messages` or `prompt` (TRL) holds chat messages with
text and image parts, as a list or a JSON string. An image part without a picture is the place of the next one of
`images`. System messages are dropped in favour of the task's instructions. `answer` is a separate column.

`<image>` in a text marks the place of an image. There is either no mark, or one for each image. The first of `kind`,
`topic`, `subject` and `level` gives the question's category, by which results are split.
"""

import json
from typing import Any, NamedTuple

from envs.questions.answers import Formula, gold_from_text
from envs.questions.places import IMAGE

PICTURES = ("image", "images")
CHATS = ("message", "messages", "prompt")
TEXTS = ("problem", "question", "prompt")
KINDS = ("kind", "topic", "subject", "level")
"""Columns that may name the category of a question. The first non-empty one is used."""
COLUMNS = (*dict.fromkeys((*TEXTS, *CHATS)), "answer", *KINDS, *PICTURES)


class BrokenRow(ValueError):  # noqa: N818  names a row, not an event
    """A row that is not a valid question. The message gives the reason."""


class Row(NamedTuple):
    """A question as stored in a file."""

    text: str
    """The question. With several images, it has one `<image>` for each of them, or none."""
    answer: Formula | str
    pictures: tuple[Any, ...]
    """Images in a form accepted by `envs.questions.pictures.decode`."""
    kind: str = ""
    """Category of the question."""


def read_row(row: Any) -> Row:
    """Return the question of a row, or raise BrokenRow with the reason."""
    text, pictures = asked(row)
    if not isinstance(text, str) or not text.strip():
        raise BrokenRow(
            f"no question: problem or message is required, the row has {', '.join(sorted(row)) or 'nothing'}"
        )
    answer = row.get("answer")
    if isinstance(answer, bool) or not isinstance(answer, str | int | float):
        raise BrokenRow(f"answer must be a text or a number, got {answer!r}")
    try:
        return Row(_placed(text, len(pictures)), gold_from_text(str(answer)), pictures, _kind(row))
    except ValueError as error:
        raise BrokenRow(str(error)) from None


def asked(row: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the text, which may be missing, and the images of a row, or raise BrokenRow with the reason."""
    if isinstance(row, BrokenRow):
        raise row
    if not isinstance(row, dict):
        raise BrokenRow(f"a row must be an object with problem and answer, got {type(row).__name__}")
    text: Any = next((row[name] for name in TEXTS if row.get(name) and not isinstance(row[name], list)), None)
    pictures = _listed(row.get("image")) or _listed(row.get("images"))
    chat = next((row[name] for name in CHATS if row.get(name) and (name != "prompt" or not text)), None)
    if chat is not None:
        return _message(chat, pictures)
    return text, pictures


def _listed(pictures: Any) -> tuple[Any, ...]:
    """Return the images of a column as a tuple."""
    if pictures is None:
        return ()
    return tuple(pictures) if isinstance(pictures, list) else (pictures,)


def _placed(text: str, images: int) -> str:
    """Return the text, with its `<image>` marks only if there are several images."""
    marks = text.count(IMAGE)
    if marks and marks != images:
        raise BrokenRow(f"the text has {marks} {IMAGE}, but the row has {images} image{'' if images == 1 else 's'}")
    return (text if images > 1 else text.replace(IMAGE, "")).strip()


def _kind(row: dict[str, Any]) -> str:
    """Return the first non-empty column of `KINDS`. A number is prefixed with its column's name: `level 3`."""
    for column in KINDS:
        said = row.get(column)
        if isinstance(said, int | float):
            return f"{column} {said:g}"
        if isinstance(said, str) and said.strip():
            return said.strip()
    return ""


def _message(message: Any, listed: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return the text and the images of a chat. `listed` are the images of a separate column."""
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
    texts: list[str] = []
    own: list[Any] = []
    for part in parts:
        kind = part.get("type")
        if kind == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif kind in ("image", "image_url"):
            texts.append(IMAGE)
            picture = part.get(kind)
            if picture is not None:
                own.append(picture["url"] if isinstance(picture, dict) and "url" in picture else picture)
        else:
            raise BrokenRow(f"a part of content must be a text or an image, got type {kind!r}")
    pictures = tuple(own) or listed
    if own and listed:
        raise BrokenRow("images are both in the message and in their own column")
    if len(pictures) > 1:
        return _joined(texts), pictures
    words = "\n".join(text.strip() for text in texts if text != IMAGE)
    places = texts.count(IMAGE)
    return IMAGE * places + (words.replace(IMAGE, "") if places else words), pictures


def _joined(texts: list[str]) -> str:
    """Return the parts of a message as one text, with a line break between two texts."""
    pairs = zip(texts, [*texts[1:], IMAGE], strict=True)
    return "".join(text if IMAGE in (text, after) else f"{text}\n" for text, after in pairs)
