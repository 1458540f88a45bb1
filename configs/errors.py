"""User errors: one-line messages that suggest the closest valid name."""

import difflib
from collections.abc import Iterable
from pathlib import Path


class UserError(ValueError):
    """A request that cannot be satisfied. The message is one line for the user."""


def suggest(kind: str, name: str, known: Iterable[str], also: Iterable[str] = ()) -> str:
    """Return an error text such as: unknown env 'footbal'; did you mean 'football'? Known: algebra, football.

    Args:
        kind: description of the name, such as env.
        name: unknown name.
        known: valid names.
        also: valid names that are suggested, but not listed.
    """
    names = sorted(set(known) - set(also))
    close = difflib.get_close_matches(str(name), [*names, *also], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    listed = ", ".join(names) if len(names) <= 40 else f"{len(names)} names"
    return f"unknown {kind} {name!r}{hint} Known: {listed}"


def install_command(extra: str) -> str:
    """Return the command that installs an extra: from the checkout if the package runs from one, else by name."""
    root = Path(__file__).resolve().parents[1]
    if not (root / "pyproject.toml").is_file():
        return f"pip install 'kickoff-rl[{extra}]'"
    return f"pip install -e '{'.' if root == Path.cwd() else root}[{extra}]'"
