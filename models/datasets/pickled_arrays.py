"""Numpy arrays in pickles, rebuilt from what the pickle says without handing that to numpy's own hooks.

``numpy.dtype.__setstate__`` believes its pickle: told that a float is a reference to an object, it follows
the float's bits as a pointer. So types and arrays are collected in stand-ins that numpy knows nothing of,
checked, and built from bytes in the ordinary way; ``plain`` then puts the arrays where the stand-ins are.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from math import prod
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Order = Literal["C", "F"]

_CODE: Final = re.compile(r"[|<>=]?([biufcSUVO?])([0-9]{0,7})")
_NAMES: Final = {"bool": "?", "object": "O"}
_MOST_LEVELS: Final = 200
_MOST_AXES: Final = 32
_MOST_EMPTY: Final = 1 << 32
"""Longest side of an array that holds nothing."""


class NdarrayName:
    """Stands for the class ``numpy.ndarray`` where a pickle names it; cannot be called."""


class PickledType:
    """What a pickle says about a ``numpy.dtype``."""

    def __init__(self, code: Any, _align: Any = False, _copy: Any = False) -> None:
        self._code = _text(code)
        self._state: tuple[Any, ...] = ()

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or not 8 <= len(state) <= 9:
            raise pickle.UnpicklingError("it describes a type in an unknown way")
        self._state = state

    def resolved(self, level: int = 0) -> np.dtype[Any]:
        """The type.

        Raises:
            UnpicklingError: There is no such type, or a part of it is a reference.
        """
        if level > 8:
            raise pickle.UnpicklingError("its types lie too deep in each other")
        found = _CODE.fullmatch(_NAMES.get(self._code, self._code))
        if found is None:
            raise pickle.UnpicklingError(f"it asks for the type {self._code[:40]!r}")
        base, names, fields, itemsize = self._state[2:6] if self._state else (None, None, None, -1)
        if base is not None:
            inner, shape = base
            return np.dtype((_type_of(inner, level + 1), _shape_of(shape)))
        if names is not None:
            return self._structured(names, fields, itemsize, level)
        order = _text(self._state[1]) if self._state else "="
        kind, size = found.groups()
        if not size and self._state and kind in "SUV":  # the length is in the state
            size = str(int(itemsize) // (4 if kind == "U" else 1))
        dtype = np.dtype(kind + size)
        return dtype.newbyteorder(">") if order == ">" else dtype.newbyteorder("<") if order == "<" else dtype

    @staticmethod
    def _structured(names: Any, fields: Any, itemsize: Any, level: int) -> np.dtype[Any]:
        if not isinstance(fields, Mapping) or not isinstance(names, tuple):
            raise pickle.UnpicklingError("it describes a type in an unknown way")
        parts = [(_text(name), fields[name]) for name in names]
        formats = [_type_of(part[0], level + 1) for _, part in parts]
        if any(part.hasobject for part in formats):
            raise pickle.UnpicklingError("a column holds references")
        return np.dtype(
            {
                "names": [name for name, _ in parts],
                "formats": formats,
                "offsets": [int(part[1]) for _, part in parts],
                "itemsize": int(itemsize),
            }
        )


class PickledArray:
    """What a pickle says about a ``numpy.ndarray``."""

    def __init__(self) -> None:
        self._state: tuple[Any, ...] = ()

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise pickle.UnpicklingError("it describes an array in an unknown way")
        self._state = state

    def resolved(self, level: int) -> NDArray[Any]:
        """The array, with everything in it made plain.

        Raises:
            UnpicklingError: Its parts do not fit each other.
        """
        if not self._state:
            return np.zeros(0)
        _, shape, kind, fortran, data = self._state
        dtype = _type_of(kind)
        order: Order = "F" if fortran else "C"
        if not dtype.hasobject:
            return _from_bytes(_bytes(data), dtype, shape, order)
        if not isinstance(data, list) or prod(_shape_of(shape)) != len(data):
            raise pickle.UnpicklingError("an array's items do not fit its shape")
        flat = np.empty(len(data), object)
        for place, item in enumerate(data):
            flat[place] = plain(item, level + 1)
        return flat.reshape(_shape_of(shape), order=order)


def reconstruct(kind: Any, _shape: Any, _code: Any) -> PickledArray:
    """In place of ``numpy.core.multiarray._reconstruct``."""
    if kind is not NdarrayName:
        raise pickle.UnpicklingError("it builds an array of another class")
    return PickledArray()


def scalar(kind: Any, data: Any = b"") -> Any:
    """In place of ``numpy.core.multiarray.scalar``."""
    return _from_bytes(_bytes(data), _type_of(kind), (), "C")[()]


def frombuffer(data: Any, kind: Any, shape: Any, order: Any = "C") -> Any:
    """In place of ``numpy.core.numeric._frombuffer``."""
    return _from_bytes(_bytes(data), _type_of(kind), shape, "F" if order == "F" else "C")


def plain(value: Any, level: int = 0) -> Any:
    """Nested containers with arrays in place of their stand-ins; lists and dictionaries are changed in place.

    Raises:
        UnpicklingError: An array's parts do not fit, or containers lie too deep in each other.
    """
    if level > _MOST_LEVELS:
        raise pickle.UnpicklingError("its containers lie too deep in each other")
    if isinstance(value, PickledArray):
        return value.resolved(level)
    if isinstance(value, PickledType):
        return value.resolved()
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = plain(item, level + 1)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            value[place] = plain(item, level + 1)
    elif type(value) is tuple:
        return tuple(plain(item, level + 1) for item in value)
    return value


def _from_bytes(data: bytes, dtype: np.dtype[Any], shape: Any, order: Order) -> NDArray[Any]:
    sides = _shape_of(shape)
    if dtype.hasobject:
        raise pickle.UnpicklingError("an array of bytes claims to hold references")
    if prod(sides) * dtype.itemsize != len(data):
        raise pickle.UnpicklingError(f"an array of {sides} brings {len(data)} bytes")
    if not data:
        return np.zeros(sides, dtype)
    return np.frombuffer(data, dtype).reshape(sides, order=order).copy(order=order)


def _type_of(kind: Any, level: int = 0) -> np.dtype[Any]:
    if isinstance(kind, PickledType):
        return kind.resolved(level)
    raise pickle.UnpicklingError("an array has no type")


def _shape_of(shape: Any) -> tuple[int, ...]:
    sides = (shape,) if isinstance(shape, int) else shape
    good = isinstance(sides, tuple) and len(sides) <= _MOST_AXES
    if not good or not all(type(side) is int and 0 <= side <= _MOST_EMPTY for side in sides):
        raise pickle.UnpicklingError("an array has no shape")
    return tuple(sides)


def _bytes(data: Any) -> bytes:
    if isinstance(data, str):  # from Python 2, which knew no difference
        return data.encode("latin1")
    if isinstance(data, bytes | bytearray | memoryview | pickle.PickleBuffer):
        return bytes(data)
    raise pickle.UnpicklingError("an array has no bytes")


def _text(text: Any) -> str:
    if isinstance(text, bytes):
        return text.decode("latin1")
    if isinstance(text, str):
        return text
    raise pickle.UnpicklingError("a type has no name")
