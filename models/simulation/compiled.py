"""How this package compiles its inner loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])


def compiled(function: AnyFunction) -> AnyFunction:
    """Compile to machine code at the first call, kept on disk for the next process.

    Reordered float arithmetic is allowed: the same machine gives the same picture every time, but another
    kind of processor may differ by one grey level. Single-threaded, because one process serves one camera.
    """
    return cast(AnyFunction, numba.njit(cache=True, fastmath=True)(function))


def inlined(function: AnyFunction) -> AnyFunction:
    """Compile as a part of the compiled functions that call it."""
    return cast(AnyFunction, numba.njit(inline="always", fastmath=True)(function))
