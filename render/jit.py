"""numba's `njit` with a disk cache that is thrown away when *any* compiled file nearby changes.

numba itself looks only at the file of the function: a changed constant or callee in another file would silently
keep the old machine code. Here the cache hangs on every compiled file of the function's own folder and of `render`.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

_F = TypeVar("_F", bound=Callable[..., Any])


@cache
def _fingerprint(folder: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in [*sorted(folder.glob("*.py")), *sorted(Path(__file__).parent.glob("*.py"))]:
        source = path.read_bytes()
        if b"njit" in source:
            digest.update(source)
    return digest.hexdigest()


def njit(function: _F) -> _F:
    """Compile on first use and keep the machine code on disk."""
    compiled = numba.njit(cache=True, error_model="numpy", no_cfunc_wrapper=True)(function)
    compiled._cache._cache_file._source_stamp = _fingerprint(Path(function.__code__.co_filename).resolve().parent)
    return compiled  # type: ignore[no-any-return]
