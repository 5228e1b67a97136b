"""OpenCV's FileStorage yaml, read by a yaml reader.

OpenCV's own parser waits for ever on some damaged numbers, so what people hand us does not get near it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from configs.errors import BadInputError, bad_input, nearest
from configs.loading import StrictLoader, read_text

Floats = NDArray[np.float64]

_LARGEST_BYTES: Final = 8_000_000
_SPECIAL: Final = {".nan": math.nan, ".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf}
"""In lower case; OpenCV spells them ``.Nan`` and ``.Inf``."""


class _Loader(StrictLoader):
    """Our safe loader, which also knows OpenCV's matrices."""


def _matrix(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    return {str(key): value for key, value in loader.construct_mapping(node, deep=True).items()}


_Loader.add_constructor("tag:yaml.org,2002:opencv-matrix", _matrix)


class OpenCvStorage:
    """A file whose every shortcoming is one sentence.

    Args:
        path: The yaml file.

    Raises:
        BadInputError: Missing, too large, or not OpenCV's yaml.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_file() and path.stat().st_size > _LARGEST_BYTES:
            raise bad_input("is too large for a calibration", file=path)
        # The directive "%YAML:1.0" has a colon that only OpenCV writes.
        lines = ["" if line.startswith("%") else line for line in read_text(path).splitlines()]
        try:
            content = yaml.load("\n".join(lines), Loader=_Loader)
        except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
            raise bad_input("is not valid OpenCV yaml", file=path) from error
        if not isinstance(content, dict):
            raise bad_input("is not valid OpenCV yaml", file=path)
        self._content: dict[str, Any] = {str(key): value for key, value in content.items()}

    def matrix(self, key: str, shape: tuple[int, int] | None = None) -> Floats:
        """A matrix as float64; flat when no shape is asked for.

        Raises:
            BadInputError: Missing, no matrix, cut short, or of another shape.
        """
        stored = self._node(key)
        if not isinstance(stored, dict) or not {"rows", "cols", "data"} <= set(stored):
            raise bad_input("must be an !!opencv-matrix", file=self.path, key=key)
        rows, cols, data = stored["rows"], stored["cols"], stored["data"]
        numbers = [_number(value) for value in data] if isinstance(data, list) else []
        whole = type(rows) is int and type(cols) is int and min(rows, cols) >= 0
        if not whole or len(numbers) != rows * cols or None in numbers:
            raise bad_input("is not a whole matrix", file=self.path, key=key)
        array = np.array(numbers, np.float64).reshape(rows, cols)
        if shape is None:
            return array.ravel()
        if array.size != shape[0] * shape[1] or (min(shape) > 1 and array.shape != shape):
            raise bad_input(
                f"must have {shape[0]} x {shape[1]} numbers, not {' x '.join(map(str, array.shape))}",
                file=self.path,
                key=key,
            )
        return array.reshape(shape)

    def number(self, key: str) -> float | None:
        """A number; None where there is none."""
        if key not in self._content:
            return None
        number = _number(self._content[key])
        if number is None:
            raise bad_input("must be a number", file=self.path, key=key, value=self._content[key])
        return number

    def text(self, key: str) -> str | None:
        """A text; None where there is none."""
        return str(self._content[key]) if key in self._content else None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of names.

        Raises:
            BadInputError: Missing, empty, or something else.
        """
        items = self._node(key)
        if not isinstance(items, list) or not items or not all(isinstance(item, str | int) for item in items):
            raise bad_input("must be a list of camera names", file=self.path, key=key)
        return tuple(map(str, items))

    def has(self, key: str) -> bool:
        """Whether there is such a key."""
        return key in self._content

    def missing(self, key: str) -> BadInputError:
        """The error for a key that is not there, with the nearest one that is."""
        near = nearest(key, self._content)
        hint = f'the file has "{near}"' if near else None
        return bad_input("this key is required but missing", file=self.path, key=key, hint=hint)

    def _node(self, key: str) -> Any:
        if key not in self._content:
            raise self.missing(key)
        return self._content[key]


def _number(value: Any) -> float | None:
    """As float; None where it is none. ``1e-05`` is text to yaml and a number to OpenCV."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return (
            _SPECIAL[value.lower()] if isinstance(value, str) and value.lower() in _SPECIAL else float(value)
        )
    except (ValueError, OverflowError):
        return None
