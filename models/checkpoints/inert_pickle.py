"""Files of ``torch.save`` that hold more than tensors, read without running anything they name.

Some training programs store their optimiser, or functions of their libraries, beside the weights. Tensors,
arrays and plain containers are built; everything else becomes an object that does nothing and remembers
nothing.
"""

from __future__ import annotations

import pickle
import types
import warnings
from pathlib import Path
from typing import Any, Final

import torch

from configs.errors import bad_input
from models.datasets.pickled_arrays import plain
from models.datasets.restricted_pickle import ALLOWED

_TENSORS: Final[dict[tuple[str, str], Any]] = {
    ("torch._utils", "_rebuild_tensor"): torch._utils._rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    ("torch", "Size"): torch.Size,
}


class Inert:
    """Stands for anything that is not data; takes whatever a pickle does to it and keeps nothing."""

    dump_patches = False  # asked for by the reader of files that store the source of classes

    def __new__(cls, *_args: Any, **_options: Any) -> Inert:
        """Made with whatever arguments."""
        return super().__new__(cls)

    def __init__(self, *_args: Any, **_options: Any) -> None:
        pass

    def __call__(self, *_args: Any, **_options: Any) -> Inert:
        """Of a function or a class."""
        return self

    def __setstate__(self, _state: Any) -> None:
        pass

    def __setitem__(self, _key: Any, _value: Any) -> None:
        pass

    def append(self, _value: Any) -> None:
        """Of a list."""

    def extend(self, _values: Any) -> None:
        """Of a list."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _TENSORS.get((module, name)) or ALLOWED.get((module, name)) or Inert


def _load(stream: Any, **options: Any) -> Any:
    return _Unpickler(stream, **options).load()


def read_inert(path: Path) -> Any:
    """What a file holds, with ``Inert`` in place of everything that is neither tensor, array nor plain data.

    Raises:
        BadInputError: The file is missing or damaged.
    """
    if not path.is_file():
        raise bad_input("no such file", file=path)
    reader = types.ModuleType("inert_pickle")
    reader.Unpickler, reader.load = _Unpickler, _load  # type: ignore[attr-defined]
    try:
        with warnings.catch_warnings():
            # Of classes whose source changed: none of them is used.
            warnings.simplefilter("ignore")
            # latin1: files of Python 2 store bytes as text. The weights-only reader refuses them.
            return plain(
                torch.load(
                    path, map_location="cpu", pickle_module=reader, weights_only=False, encoding="latin1"
                )
            )
    # A damaged pickle fails in whatever step its bytes happen to stand for.
    except Exception as error:
        raise bad_input(f"is damaged or no file of weights ({error})", file=path) from error
