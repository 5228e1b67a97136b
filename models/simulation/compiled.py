"""How this package compiles its inner loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])


def compiled(function: AnyFunction) -> AnyFunction:
    """Compile to machine code at the first call, kept on disk for the next process.

    The code on disk is renewed when the file of ``function`` changes, and only then: a compiled function must
    therefore take everything it calls, and every constant, from its own file.

    Division by zero gives infinity or NaN, as in numpy. Reordered float arithmetic is allowed: the same
    machine gives the same picture every time, but another kind of processor may differ by one grey level.
    Single-threaded, because one process serves one camera.
    """
    return cast(AnyFunction, numba.njit(cache=True, fastmath=True, error_model="numpy")(function))
