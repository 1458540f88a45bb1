"""Objects named by an import path, `module:name`."""

import functools
import importlib
from typing import Any

from configs.errors import UserError


def is_import_path(text: str) -> bool:
    """Return True if a text has the form `module:name`."""
    module, colon, name = text.partition(":")
    return bool(colon) and all(part.isidentifier() for part in [*module.split("."), *name.split(".")])


@functools.cache
def load_object(path: str) -> Any:
    """Return the object that an import path names, importing its module if necessary.

    Args:
        path: `module:name`, such as `my_package.losses:my_loss`.

    Raises:
        UserError: the path is malformed, the module cannot be imported, or it has no such name.
    """
    module, _, name = path.partition(":")
    if not is_import_path(path):
        raise UserError(f"{path!r} is not an import path; it has the form module:name")
    try:
        found: Any = importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"{path}: {module} cannot be imported ({error}); is its folder on PYTHONPATH?") from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise UserError(f"{path}: module {module} has no {name}")
        found = getattr(found, part)
    return found
