"""Texts and images in the observations of OpenEnv servers, whose fields have any names.

A field is a path such as `image`, `messages.0.content` or `metadata.env_reward`.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from envs.openenv.session import ServerError, printable
from envs.questions.pictures import decode
from render.draw.images import as_frame

TEXT_FIELDS: Final = ("text", "messages", "message", "prompt", "question", "observation", "result", "output")
"""Fields with the text of an observation. The first one with a text is used."""
IMAGE_FIELDS: Final = ("content", "image", "images", "screenshot", "screen", "frame", "rgb", "pixels")
"""Fields that are searched for images before all others. The first one with images is used."""
HIDDEN: Final = ("metadata", "done", "reward")
"""Fields that are no part of what the model sees."""
LONGEST_TEXT: Final = 100_000
"""Maximum length of a text in characters. The rest is cut off."""
SIGNATURES: Final = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR")
"""First characters of PNG, JPEG, GIF and WebP files in base64."""
SMALLEST: Final = 16
"""Minimum side of an image without a name. Smaller arrays of numbers are boards."""

Frame = NDArray[np.uint8]


def info_of(metadata: dict[str, Any], observation: Mapping[str, Any] | None = None, text: str = "") -> dict[str, Any]:
    """Return the info of an answer. Entries that the server does not give are empty, and `success` is False."""
    observation = observation or {}
    legal = observation.get("legal_actions")
    feedback = observation.get("feedback")
    return {
        "success": metadata.get("success") is True,
        "kind": printable(str(metadata.get("kind") or "")),
        "text": text,
        "legal_actions": legal if isinstance(legal, list) else [],
        "feedback": clean(feedback) if isinstance(feedback, str) else "",
        "metadata": metadata,
    }


def limited(metadata: Mapping[str, Any]) -> bool:
    """Return True if a limit ended the episode, as Kickoff's servers and Gymnasium's wrappers report it."""
    flags = (metadata.get("truncated"), metadata.get("TimeLimit.truncated"))
    return metadata.get("ended") == "truncated" or any(flag is True for flag in flags)


def lookup(value: Any, field: str) -> Any:
    """Return the part of a JSON value at a path, or None."""
    for part in field.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def text_of(observation: Mapping[str, Any], fields: Sequence[str] = ()) -> str:
    """Return the text of an observation.

    Without `fields`, it is the first of `TEXT_FIELDS` with a text, or else all fields without images, one per line.

    Args:
        observation: Observation of the server.
        fields: Paths of the texts. `none` is no text.
    """
    if fields:
        found = [_as_text(lookup(observation, field)) for field in fields if field != "none"]
    else:
        found = [next(filter(None, (_as_text(observation.get(field)) for field in TEXT_FIELDS)), "")]
        if not found[0]:
            shown = {key: value for key, value in observation.items() if key not in HIDDEN and value is not None}
            found = [
                f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
                for key, value in shown.items()
                if not any(True for _ in _sources(value, shown.get(f"{key}_shape")))
            ]
    return clean("\n".join(part for part in found if part))


def clean(text: str) -> str:
    """Return a text within `LONGEST_TEXT` characters that can be encoded as UTF-8."""
    return text[:LONGEST_TEXT].encode("utf-8", "replace").decode()


def _as_text(value: Any) -> str:
    """Return a string, or the texts of a list of strings, messages or content blocks. Empty for all other values."""
    if isinstance(value, str):
        return "" if _encoded(value) is not None else value
    if isinstance(value, list):
        return "\n".join(filter(None, map(_as_text, value)))
    if isinstance(value, Mapping):
        return _as_text(value.get("content") or value.get("text"))
    return ""


def images_of(observation: Mapping[str, Any], field: str = "") -> list[Frame]:
    """Return the images of an observation.

    Images are base64 (also `data:` URLs and content blocks) or nested lists of numbers [H, W, 3]. A flat list has its
    shape in the field `NAME_shape`. Addresses of images are not followed.

    Args:
        observation: Observation of the server.
        field: Path of the images. Empty: the first of `IMAGE_FIELDS`, or of all fields, with images.

    Raises:
        ServerError: An image is broken, or `field` has none.
    """
    try:
        if field:
            found = [_frame(source) for source in _sources(*_with_shape(observation, field), named=True)]
            if not found:
                raise ServerError(f"no image in the field {field!r} (env.kwargs.image_field)")
            return found
        for name in dict.fromkeys((*IMAGE_FIELDS, *observation)):
            if found := [_frame(source) for source in _sources(*_with_shape(observation, name))]:
                return found
    except (ValueError, TypeError, RecursionError) as error:
        raise ServerError(f"a broken image: {error}", "broken image") from None
    return []


def _with_shape(observation: Mapping[str, Any], field: str) -> tuple[Any, Any]:
    return lookup(observation, field), lookup(observation, f"{field}_shape")


def _frame(source: bytes | NDArray[Any]) -> Frame:
    """Return an image as uint8 [H, W, 3]."""
    if isinstance(source, bytes):
        return decode(source, Path())
    if source.ndim == 2:
        source = source[..., None]
    if source.ndim == 3 and source.shape[2] in (1, 4):
        source = np.repeat(source, 3, axis=2) if source.shape[2] == 1 else source[..., :3]
    return as_frame(source)


def _sources(value: Any, shape: Any = None, named: bool = False) -> Iterator[bytes | NDArray[Any]]:
    """Yield the images in a value in order: encoded files, and arrays of numbers.

    Args:
        value: Value of a field.
        shape: Shape of a flat list.
        named: True if the field is known to have images: boards of any size and grey values are images, too.
    """
    if isinstance(value, str):
        if (data := _encoded(value)) is not None:
            yield data
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _sources(part, value.get(f"{key}_shape"), named)
    elif isinstance(value, list) and value:
        if isinstance(shape, list) and isinstance(value[0], int):
            if len(shape) in (2, 3):
                yield np.asarray(value).reshape(shape)
        elif _is_array(value, named):
            yield np.asarray(value)
        elif isinstance(value[0], Mapping | str):
            for part in value:
                yield from _sources(part, None, named)


def _is_array(value: list[Any], named: bool) -> bool:
    """Return True if a list is an image [H, W, C], or [H, W] if it is known to be an image."""
    row = value[0]
    if not isinstance(row, list) or not row:
        return False
    pixel = row[0]
    if not isinstance(pixel, list):
        return named and isinstance(pixel, int)
    large = min(len(value), len(row)) >= SMALLEST
    return (named or large) and len(pixel) in (1, 3, 4) and isinstance(pixel[0], int)


def _encoded(text: str) -> bytes | None:
    """Return the bytes of an image in base64, or None for any other text.

    Raises:
        ServerError: A `data:` URL of an image is not valid base64.
    """
    if text.startswith("data:image/"):
        text = text.partition(",")[2]
    elif not text.startswith(SIGNATURES) or len(text) < 40 or " " in text[:200]:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ServerError(f"a broken image: not valid base64 ({error})", "broken image") from None
