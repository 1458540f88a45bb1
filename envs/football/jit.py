"""`render.jit.njit` for code of many small functions: a constant argument is a plain number.

numba would compile a callee anew for each constant that it is called with (`note(m, GOAL, …)`, `note(m, FOUL, …)`),
which made the first match five times as slow to begin.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from numba.core import types

from render import jit

_F = TypeVar("_F", bound=Callable[..., Any])


def njit(function: _F) -> _F:
    """Compile on first use, once for each set of argument types, and keep the machine code on disk."""
    compiled: Any = jit.njit(function)
    resolve = compiled.get_call_template

    def plain(args: Any, keywords: Any) -> Any:
        return resolve([types.unliteral(kind) for kind in args], {k: types.unliteral(v) for k, v in keywords.items()})

    compiled.get_call_template = plain
    return compiled  # type: ignore[no-any-return]
