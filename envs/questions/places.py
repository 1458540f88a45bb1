"""Places of several images in the text of one turn."""

IMAGE = "<image>"
"""Mark in a text for the place of an image."""


def places(text: str, images: int) -> list[str | None]:
    """Return the parts of a turn in order: texts, and None for each image.

    A single image is in front of the text. Several images are at the last marks of the text, or all in front of it if
    it has fewer marks than images. Instructions, which may mention `<image>`, come before the question.

    Args:
        text: Text of the turn.
        images: Number of images.
    """
    if images < 2 or text.count(IMAGE) < images:
        return [*[None] * images, *[text] * bool(text)]
    first, *others = text.rsplit(IMAGE, images)
    parts: list[str | None] = [first]
    for part in others:
        parts += [None, part]
    return [part for part in parts if part != ""]
