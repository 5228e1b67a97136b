"""Pickles of other people's results, read without running anything that they name.

The files of published methods are pickles; an ordinary unpickler runs whatever code such a file asks for.
Here only plain containers, numbers, text and numpy arrays can be built.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.lib import format as npy_format

from configs.errors import bad_input
from models.datasets.pickled_arrays import (
    NdarrayName,
    PickledType,
    frombuffer,
    plain,
    reconstruct,
    scalar,
)


def _latin1(text: str, encoding: str) -> bytes:
    """Bytes that a Python 2 protocol stores as text."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"the encoding {encoding} is not expected")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """How Python 3 says in a Python 2 protocol that there are none."""
    return b""


ALLOWED: Final[dict[tuple[str, str], Any]] = {
    ("numpy", "ndarray"): NdarrayName,
    ("numpy", "dtype"): PickledType,
    ("_codecs", "encode"): _latin1,
    ("__builtin__", "bytes"): _no_bytes,
    ("collections", "OrderedDict"): OrderedDict,
} | {
    (f"numpy.{core}.{module}", name): function
    for core in ("core", "_core")
    for module, name, function in (
        ("multiarray", "_reconstruct", reconstruct),
        ("multiarray", "scalar", scalar),
        ("numeric", "_frombuffer", frombuffer),
    )
}
"""What a pickle may name, and what it gets; whoever unpickles applies ``plain`` to the result."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ALLOWED:
            return ALLOWED[module, name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is neither an array nor plain data")


def read_pickle(path: Path, *, encoding: str = "ASCII") -> Any:
    """What a pickle of plain data and arrays holds.

    Args:
        path: Of the file.
        encoding: Of text that Python 2 wrote; its arrays need ``latin1``.

    Raises:
        BadInputError: The file is missing, damaged, or holds anything else.
    """
    with _opened(path) as stream:
        return _load(stream, path, encoding)


def read_object_array(path: Path) -> Any:
    """What a ``.npy`` file that stores one Python object (a 0-d object array) holds.

    Raises:
        BadInputError: The file is missing, damaged, or of another kind.
    """
    with _opened(path) as stream:
        try:
            version = npy_format.read_magic(stream)
            read_header = {
                (1, 0): npy_format.read_array_header_1_0,
                (2, 0): npy_format.read_array_header_2_0,
            }.get(version)
            if read_header is None:
                raise bad_input(f"is a .npy file of the unknown version {version}", file=path)
            shape, _, dtype = read_header(stream)
        except (ValueError, TypeError, SyntaxError, OverflowError, TokenError) as error:
            raise bad_input(f"is not a .npy file: {error}", file=path) from error
        if dtype != np.dtype(object) or shape != ():
            raise bad_input(
                f"holds an array of {dtype} and shape {shape}, expected one stored dictionary", file=path
            )
        stored = _load(stream, path)
    return stored.item() if isinstance(stored, np.ndarray) and stored.shape == () else stored


def _opened(path: Path) -> BinaryIO:
    try:
        return io.BytesIO(path.read_bytes())
    except FileNotFoundError as error:
        raise bad_input("no such file", file=path) from error
    except OSError as error:
        raise bad_input(f"cannot be read: {error.strerror}", file=path) from error


def _load(stream: BinaryIO, path: Path, encoding: str = "ASCII") -> Any:
    try:
        return plain(_Unpickler(stream, encoding=encoding).load())
    except pickle.UnpicklingError as error:
        raise bad_input(f"cannot be read: {error}", file=path) from error
    # A damaged pickle fails in whatever step its bytes happen to stand for.
    except Exception as error:
        raise bad_input(f"is damaged or not a pickle ({type(error).__name__}: {error})", file=path) from error
