"""How the loops of this room are compiled: once for one type each, kept on the disk.

Types are given and not inferred: numba would compile a function again for each constant that it is
called with, and for each layout of an array. Compiled functions call only those of their own file:
numba's files on the disk go by the date of one source file, and would not see that another changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

__all__ = ["compiled"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(signature: str) -> Callable[[_Function], _Function]:
    """Compile a function for numba's signature, to run without the interpreter's lock."""
    decorate = njit(signature, cache=True, nogil=True, error_model="numpy")
    return cast(Callable[[_Function], _Function], decorate)
