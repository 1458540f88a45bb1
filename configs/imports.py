"""Objects named by an import path, `module:name`."""

import functools
import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

from configs.errors import UserError


def is_import_path(text: str) -> bool:
    """Return True if a text has the form `module:name`."""
    module, colon, name = text.partition(":")
    return bool(colon) and all(part.isidentifier() for part in [*module.split("."), *name.split(".")])


def check_packages(*names: str) -> None:
    """Check that packages of the same name, such as one in the working directory, do not hide Kickoff's.

    Args:
        names: names of top-level packages.

    Raises:
        UserError: another package is found first. `python -m`, which has not started its module yet, exits with
            status 2 instead.
    """
    root = Path(__file__).resolve().parents[1]
    for name in names:
        found = importlib.util.find_spec(name)
        places = list(found.submodule_search_locations or ()) if found else []
        # a folder without __init__.py is harmless, unless it is called envs
        plain = found is not None and found.origin is None and name != "envs"
        if not places or plain or Path(places[0]).resolve() == root / name:
            continue
        problem = (
            f"{places[0]} hides Kickoff's package {name!r} ({root / name}); rename that folder, "
            "or run the command in another folder"
        )
        if sys.argv[:1] == ["-m"]:
            print("error:", problem, file=sys.stderr)
            sys.exit(2)
        raise UserError(problem)


@functools.cache
def load_object(path: str) -> Any:
    """Return the object that an import path names, importing its module if necessary.

    Args:
        path: `module:name`, such as `my_package.losses:my_loss`.

    Raises:
        UserError: the path is malformed, importing the module fails, or it has no such name.
    """
    module, _, name = path.partition(":")
    if not is_import_path(path):
        raise UserError(f"{path!r} is not an import path; it has the form module:name")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        hint = "; is its folder on PYTHONPATH?" if module.startswith(str(error.name)) else ""
        raise UserError(f"{path}: {module} cannot be imported ({error}){hint}") from error
    except Exception as error:  # the module's own code may raise anything
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = "" if isinstance(error, SyntaxError) else f" at {place.filename}:{place.lineno}"
        why = " ".join(f"{type(error).__name__}: {error}{where}".split())
        raise UserError(f"{path}: {module} cannot be imported ({why})") from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise UserError(f"{path}: module {module} has no {name}")
        found = getattr(found, part)
    return found
