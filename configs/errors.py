"""Errors that a user can mend: one clear line, with the nearest name that exists."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """What the user asked for cannot be: the text is one clear line."""


def suggest(kind: str, name: str, known: Iterable[str], also: Iterable[str] = ()) -> str:
    """An error text such as: unknown env 'footbal'; did you mean 'football'? Known: algebra, football.

    Names in `also` are suggested, but not listed.
    """
    names = sorted(set(known) - set(also))
    close = difflib.get_close_matches(str(name), [*names, *also], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    listed = ", ".join(names) if len(names) <= 40 else f"{len(names)} names"
    return f"unknown {kind} {name!r}{hint} Known: {listed}"
