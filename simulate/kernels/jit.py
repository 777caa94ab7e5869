"""The options of numba in one place, and where it keeps compiled code.

numba's disk cache notices a change of a kernel's own file but not of the functions it calls in
other files. The cache folder is therefore named by a hash of all of `simulate/`. No `fastmath`:
every operation is one IEEE 754 operation, so that bits do not depend on the vector width.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from numba import config, njit
from numba.extending import register_jitable

__all__ = ["cache_folder", "inlined", "kernel", "source_hash"]

F = TypeVar("F", bound=Callable[..., Any])
_SOURCES = Path(__file__).resolve().parents[1]


def source_hash() -> str:
    """SHA-256 over all Python files of `simulate/`, names and contents."""
    digest = hashlib.sha256()
    for path in sorted(_SOURCES.rglob("*.py")):
        digest.update(str(path.relative_to(_SOURCES)).encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def cache_folder() -> Path | None:
    """The folder for compiled kernels, or None where none can be written.

    `ACTLEN_CACHE_DIR` chooses another parent than the user's cache folder; empty means no cache.
    """
    chosen = os.environ.get("ACTLEN_CACHE_DIR")
    if chosen == "":
        return None
    parent = Path(chosen) if chosen else _user_cache()
    folder = parent / f"kernels-{source_hash()[:16]}-py{sys.version_info.major}{sys.version_info.minor}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "actlen"


_FOLDER = cache_folder()


def inlined(function: F) -> F:
    """A plain Python function that kernels inline; called from Python it stays plain Python."""
    result: F = register_jitable(forceinline=True, error_model="numpy")(function)
    return result


def kernel(function: Callable[..., Any]) -> Any:
    """Compile without the interpreter lock; `.py_func` is the Python twin."""
    if _FOLDER is None:
        return njit(nogil=True, error_model="numpy")(function)
    before = config.CACHE_DIR
    config.CACHE_DIR = str(_FOLDER)
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(function)
    finally:
        config.CACHE_DIR = before
