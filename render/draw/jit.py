"""numba's `njit` for small functions that call each other across files.

numba's disk cache checks only the file of the function. A changed constant or callee in another file would silently
keep the old machine code. This cache depends on every compiled file of the function's environment (such as
`envs/football` and its subfolders) and of `render`.

numba also recompiles a callee for each literal argument (`note(m, GOAL)`, `note(m, FOUL)`), which made the first
football match take five times as long to start. This version treats a literal argument as a plain number.
"""

import hashlib
import logging
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core import types

_F = TypeVar("_F", bound=Callable[..., Any])


def _world(folder: Path) -> Path:
    """Return the folder just below the top-level package: envs/football for envs/football/engine."""
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


@cache
def _warn_no_cache() -> None:
    """Log one line per process."""
    logging.getLogger(__name__).warning(
        "no folder for compiled code is writable: each start compiles again; set NUMBA_CACHE_DIR to a writable folder"
    )


def _interpreted(function: _F) -> _F:
    """Return a function that runs in Python as it would compiled: integers wrap, records have attributes."""

    @wraps(function)
    def run(*given: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*map(_with_attributes, given))

    return cast(_F, run)


def _with_attributes(value: Any) -> Any:
    """Return a structured array or one of its records as a view whose fields are attributes, and others unchanged."""
    if isinstance(value, np.record) or getattr(getattr(value, "dtype", None), "names", None) is None:
        return value
    array = value if isinstance(value, np.ndarray) else np.ndarray(1, value.dtype, value)
    records = array.view(np.recarray)
    return records if array is value else records[0]


def njit(function: _F) -> _F:
    """Compile a function on first use for each set of argument types and cache the machine code on disk.

    Without a folder for the cache, each process compiles for itself. With NUMBA_DISABLE_JIT=1, nothing is compiled.
    """
    if numba.config.DISABLE_JIT:
        return _interpreted(function)
    options = {"error_model": "numpy", "no_cfunc_wrapper": True}
    try:
        compiled: Any = numba.njit(cache=True, **options)(function)
        compiled._cache._cache_file._source_stamp = _fingerprint(Path(function.__code__.co_filename).resolve().parent)
    except RuntimeError:  # no folder that numba can write to
        _warn_no_cache()
        compiled = numba.njit(**options)(function)
    resolve = compiled.get_call_template

    def plain(args: Any, keywords: Any) -> Any:
        return resolve([types.unliteral(kind) for kind in args], {k: types.unliteral(v) for k, v in keywords.items()})

    compiled.get_call_template = plain
    return compiled  # type: ignore[no-any-return]
