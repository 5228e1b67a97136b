"""Arrays as raw frames of a message: what the header announces is checked against what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.wire.bus import WireError
from pipeline.wire.messages import ArrayInfo

_TYPES: Final = frozenset({"<i8", "<f8", "|b1"})
_MAX_ARRAY_BYTES: Final = 64 << 20
_LONGEST_SIDE: Final = 1 << 20


def pack_arrays(arrays: Mapping[str, NDArray[Any]]) -> tuple[list[ArrayInfo], list[bytes]]:
    """Descriptions for the header, and the raw frames in the same order."""
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    infos = [ArrayInfo(name, array.dtype.str, list(array.shape)) for name, array in whole.items()]
    return infos, [array.tobytes() for array in whole.values()]


def unpack_arrays(
    infos: Sequence[ArrayInfo], frames: Sequence[memoryview], names: Sequence[str], what: str
) -> dict[str, NDArray[Any]]:
    """Read-only arrays by name.

    Args:
        infos: From the header.
        frames: As received.
        names: Which arrays there must be, in order.
        what: Kind of message, for errors.

    Raises:
        WireError: Arrays missing, of the wrong type, or shaped differently from what the header says.
    """
    if [info.name for info in infos] != list(names) or len(frames) != len(names):
        raise WireError(f"a {what} message does not hold the arrays of this version")
    return {info.name: _array(info, data) for info, data in zip(infos, frames, strict=True)}


def _array(info: ArrayInfo, data: memoryview) -> NDArray[Any]:
    if info.dtype not in _TYPES:
        raise WireError(f"array {info.name} has type {info.dtype[:20]}")
    dtype = np.dtype(info.dtype)
    size = dtype.itemsize
    for side in info.shape:
        if not 0 <= side <= _LONGEST_SIDE:
            raise WireError(f"array {info.name} has a side of {side}")
        size *= side
    if size != data.nbytes or size > _MAX_ARRAY_BYTES:
        raise WireError(f"array {info.name} announces {size} bytes and brings {data.nbytes}")
    if not size:
        return np.zeros(info.shape, dtype)  # of no bytes there can be no view
    return np.frombuffer(data, dtype).reshape(info.shape)
