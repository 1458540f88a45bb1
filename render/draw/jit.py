"""numba's `njit` for code of many small functions that call each other across files.

numba's disk cache looks only at the file of the function: a changed constant or callee in another file would silently
keep the old machine code. Here the cache hangs on every compiled file of the world that the function belongs to (such
as `envs/football`, with the folders in it) and of `render`.

numba would also compile a callee anew for each constant that it is called with (`note(m, GOAL)`, `note(m, FOUL)`),
which made a first football match five times as slow to begin. Here a constant argument is a plain number.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import types

_F = TypeVar("_F", bound=Callable[..., Any])


def _world(folder: Path) -> Path:
    """The folder just below the top-level package: envs/football for envs/football/engine."""
    while all((above / "__init__.py").is_file() for above in folder.parents[:2]):
        folder = folder.parent
    return folder


@cache
def _fingerprint(folder: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in [*sorted(_world(folder).rglob("*.py")), *sorted(Path(__file__).parents[1].rglob("*.py"))]:
        source = path.read_bytes()
        if b"njit" in source:
            digest.update(source)
    return digest.hexdigest()


def njit(function: _F) -> _F:
    """Compile on first use, once for each set of argument types, and keep the machine code on disk."""
    compiled: Any = numba.njit(cache=True, error_model="numpy", no_cfunc_wrapper=True)(function)
    compiled._cache._cache_file._source_stamp = _fingerprint(Path(function.__code__.co_filename).resolve().parent)
    resolve = compiled.get_call_template

    def plain(args: Any, keywords: Any) -> Any:
        return resolve([types.unliteral(kind) for kind in args], {k: types.unliteral(v) for k, v in keywords.items()})

    compiled.get_call_template = plain
    return compiled  # type: ignore[no-any-return]
