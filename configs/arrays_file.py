"""``.npz`` files that somebody hands us: arrays, or one sentence."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input

DAMAGED: Final = (
    *(ValueError, TypeError, OSError, EOFError, SyntaxError, OverflowError, MemoryError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
"""What numpy and zipfile raise on damaged archives, by where the damage is. NotImplementedError, for unknown
ways of compression, is a RuntimeError; MemoryError comes from a shape that nobody can have meant."""


def read_arrays(
    path: Path, names: Iterable[str] | None = None, *, what: str = "is damaged"
) -> dict[str, NDArray[Any]]:
    """Arrays by name; nothing in the file can run.

    Args:
        path: The ``.npz``.
        names: Which; all when not given.
        what: Begins the sentence about a file that cannot be read.

    Raises:
        BadInputError: The file is missing, damaged, or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in (stored.files if names is None else names)}
    except FileNotFoundError as error:
        raise bad_input("no such file", file=path) from error
    except PermissionError as error:
        raise bad_input("cannot be read: permission denied", file=path) from error
    except KeyError as error:
        raise bad_input(f"has no array {error}", file=path) from error
    except AttributeError as error:  # a single array has no names
        raise bad_input(f"{what}: it holds one array without a name", file=path) from error
    except DAMAGED as error:
        raise bad_input(f"{what}: {error}", file=path) from error
