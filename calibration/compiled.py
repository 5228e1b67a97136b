"""How this package compiles its loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


def compiled(function: AnyFunction) -> AnyFunction:
    """Machine code by numba, kept on disk. Division by zero gives inf, as in numpy."""
    return cast(AnyFunction, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
