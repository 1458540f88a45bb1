"""Rows of chat datasets, in the forms that trainers and the hub use, as turns of a user with their replies.

| columns | form |
|---|---|
| `messages`: `role`, and `content` as a text or as parts | OpenAI, TRL, `agents.demonstrate` |
| `conversations`: `from` (human, gpt, system) and `value` | ShareGPT, LLaMA-Factory |
| `prompt` and `completion`: texts or messages | TRL |
| `instruction`, `input`, `output`, `history` | Alpaca, LLaMA-Factory |

`images` (or `image`) has the images in the order of the image parts, or of the marks `<image>` in texts. A row of texts
without marks shows them before its first text. An image part may also hold its image itself. As in tasks, a turn's only
image is shown before its text. A system message, or the column `system`, is put before the first user's text, since
tasks have no system messages.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from envs.questions.places import IMAGE

COLUMNS = (
    "messages", "conversations", "prompt", "completion", "instruction", "input", "output", "history", "system",
    "images", "image",
)  # fmt: skip
"""Columns that are read."""
ROLES = {"human": "user", "gpt": "assistant"}
"""ShareGPT's names of the roles."""
THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Keys of a message that may hold the reasoning before its reply."""


class ChatTurn(NamedTuple):
    """A user's turn and its reply."""

    words: str
    """Text of the user, with an `<image>` for each image if there are several."""
    images: tuple[Any, ...]
    """Images in a form that `envs.questions.pictures.decode` accepts."""
    reply: str


class _Said(NamedTuple):
    role: str
    parts: list[Any]
    """Texts, and tuples (image or None) for image parts. None is the next image of the column."""


def chat_turns(row: Any) -> list[ChatTurn]:
    """Return the turns of a row; raise ValueError with the reason if it is not a chat."""
    if not isinstance(row, dict):
        raise ValueError(f"a row must be an object with messages, got {type(row).__name__}")
    column = row.get("images") or row.get("image") or []
    listed = list(column) if isinstance(column, list | tuple) else [column]
    said = [_said(message, bool(listed)) for message in _messages(row)]
    system = [_checked(row["system"], "system")] if row.get("system") else []
    while said and said[0].role == "system":
        system.append(_text(said.pop(0)))
    if not said or len(said) % 2:
        raise ValueError("the messages must be pairs of a user's and an assistant's message")
    if listed and not any(isinstance(part, tuple) for message in said for part in message.parts):
        said[0].parts[:0] = [(None,)] * len(listed)
    images = iter(listed)
    found = []
    for user, assistant in zip(said[::2], said[1::2], strict=True):
        if (user.role, assistant.role) != ("user", "assistant"):
            raise ValueError(f"a user's message and its reply are expected, got {user.role}, {assistant.role}")
        words, shown = _asked(user, images)
        found.append(ChatTurn("\n\n".join([*system, words] if words else system), shown, _text(assistant)))
        system = []
    if next(images, None) is not None:
        raise ValueError("there are more images than image parts or marks <image> in the messages")
    return found


def _messages(row: dict[str, Any]) -> list[Any]:
    """Return the messages of a row in any of the forms."""
    chat = row.get("messages") or row.get("conversations")
    if isinstance(chat, str):
        try:
            chat = json.loads(chat)
        except ValueError as error:
            raise ValueError(f"the messages are not valid JSON: {error}") from None
    if chat:
        return _listed(chat)
    if row.get("prompt") and row.get("completion"):
        return [*_as_messages("user", row["prompt"]), *_as_messages("assistant", row["completion"])]
    if row.get("instruction") and row.get("output"):
        asked = "\n".join(_checked(row[name], name) for name in ("instruction", "input") if row.get(name))
        pairs = [*(row.get("history") or ()), (asked, row["output"])]
        if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
            raise ValueError("history must be a list of pairs of an instruction and an output")
        return [message for user, assistant in pairs for message in _pair(user, assistant)]
    raise ValueError(
        "no chat: messages, conversations, prompt and completion, or instruction and output are required; the row has "
        f"{', '.join(sorted(name for name, value in row.items() if value)) or 'nothing'}"
    )


def _as_messages(role: str, content: Any) -> list[Any]:
    return [{"role": role, "content": content}] if isinstance(content, str) else _listed(content)


def _listed(messages: Any) -> list[Any]:
    if not isinstance(messages, list):
        raise ValueError(f"a list of messages is expected, got {type(messages).__name__}")
    return messages


def _pair(user: Any, assistant: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]


def _checked(text: Any, name: str) -> str:
    if not isinstance(text, str):
        raise ValueError(f"{name} must be a text, got {type(text).__name__}")
    return text


def _said(message: Any, marks: bool) -> _Said:
    """Return one message. With `marks`, each `<image>` in a user's text is the place of an image."""
    if not isinstance(message, dict):
        raise ValueError(f"a message must be an object with role and content, got {type(message).__name__}")
    role = str(message.get("role") or message.get("from"))
    role = ROLES.get(role, role)
    content = message.get("content") if message.get("value") is None else message["value"]
    if role not in ("system", "user", "assistant"):
        raise ValueError(f"a message of {role!r} cannot be learned; expected: system, user, assistant")
    parts = [_part(part) for part in content] if isinstance(content, list) else [_checked(content, "content")]
    if role == "user" and marks and all(isinstance(part, str) for part in parts):
        parts = [piece for text in parts for piece in _split(text)]
    thought = next((message[key] for key in THOUGHTS if message.get(key)), "")
    if role == "assistant" and thought and "<think>" not in "".join(map(str, parts)):
        parts.insert(0, f"<think>{thought}</think>")
    return _Said(role, parts)


def _split(text: str) -> list[Any]:
    """Return the parts of a text with an image part for each `<image>`."""
    first, *others = text.split(IMAGE)
    return [first, *(part for other in others for part in ((None,), other))]


def _part(part: Any) -> Any:
    """Return a part of a message's content."""
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return str(part.get("text") or "")
    if kind in ("image", "image_url"):
        own = part.get(kind)
        return (own.get("url", own) if isinstance(own, dict) else own,)
    raise ValueError(f"a part of a message must be a text or an image, got {kind!r}")


def _text(message: _Said) -> str:
    if not all(isinstance(part, str) for part in message.parts):
        raise ValueError(f"a message of the {message.role} has an image; only a user's can")
    return "".join(message.parts)


def _asked(message: _Said, listed: Iterator[Any]) -> tuple[str, tuple[Any, ...]]:
    """Return the text and the images of a user's message. `listed` are the images of the column."""
    images: list[Any] = []
    for part in message.parts:
        if images and isinstance(part, str) and IMAGE in part:
            raise ValueError("a text after an image part has the mark <image>")
        if isinstance(part, tuple):
            own = part[0] if part[0] is not None else next(listed, None)
            if own is None:
                raise ValueError("there are fewer images than image parts or marks <image> in the messages")
            images.append(own)
    if len(images) > 1:
        return "".join(part if isinstance(part, str) else IMAGE for part in message.parts), tuple(images)
    words = "".join(part for part in message.parts if isinstance(part, str))
    return words.strip("\n") if images else words, tuple(images)
