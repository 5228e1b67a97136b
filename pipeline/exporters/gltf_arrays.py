"""Arrays in the buffer of a glTF document, and the accessors that say where they are."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pygltflib
from numpy.typing import NDArray

FLOAT: Final = 5126
SHORT: Final = 5123
"""Component types of the specification: single precision, unsigned 16 bit."""
ARRAY_BUFFER: Final = 34962
ELEMENT_BUFFER: Final = 34963
"""Targets of buffer views: vertices, indices."""

_KINDS: Final = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_NUMBERS: Final[dict[int, np.dtype[Any]]] = {FLOAT: np.dtype("<f4"), SHORT: np.dtype("<u2")}


class PackedArrays:
    """The document's buffer, and an accessor for every array in it."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self.data = bytearray()

    def add(
        self, values: NDArray[Any], *, kind: int = FLOAT, bounds: bool = False, target: int | None = None
    ) -> int:
        """Append an array (N, ...); gives the number of its accessor."""
        stored = np.ascontiguousarray(values, _NUMBERS[kind])
        self.data += bytes(-len(self.data) % 4)
        self._document.bufferViews.append(
            pygltflib.BufferView(buffer=0, byteOffset=len(self.data), byteLength=stored.nbytes, target=target)
        )
        self.data += stored.tobytes()
        flat = stored.reshape(len(stored), -1)
        self._document.accessors.append(
            pygltflib.Accessor(
                bufferView=len(self._document.bufferViews) - 1,
                componentType=kind,
                count=len(stored),
                type=_KINDS[stored.shape[1:]],
                min=[float(value) for value in flat.min(axis=0)] if bounds else None,
                max=[float(value) for value in flat.max(axis=0)] if bounds else None,
            )
        )
        return len(self._document.accessors) - 1


def read_array(document: Any, data: bytes, number: int) -> NDArray[np.float64]:
    """An accessor's array (count, ...)."""
    accessor = document.accessors[number]
    view = document.bufferViews[accessor.bufferView]
    shape = next(shape for shape, name in _KINDS.items() if name == accessor.type)
    kind = _NUMBERS[accessor.componentType]
    start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
    size = int(np.prod(shape, initial=1)) * accessor.count
    found = np.frombuffer(data, kind, count=size, offset=start).reshape(accessor.count, *shape)
    return np.asarray(found, np.float64)
