"""What a calibration file format must be able to do, and what all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ConfigDict

from calibration.camera import ROTATION_TOLERANCE, Camera
from calibration.errors import InvalidCameraError
from calibration.rig import Rig
from calibration.units import Units
from configs.errors import bad_input, nearest
from configs.loading import AnyConfig, Config, parse_config

Floats = NDArray[np.float64]

# Files with three decimals leave at most this much in R R^T - I; more is a wrong matrix, not rounding.
_ROUNDED_ROTATION = 2e-3


@dataclass(frozen=True)
class ReadOptions:
    """What the reader of a file may have to be told because the format does not store it.

    Args:
        units: Unit of the lengths in the file.
        size: (width, height) px of the pictures.
    """

    units: Units | None = None
    size: tuple[int, int] | None = None


class CalibrationFormat(ABC):
    """One format, one file, one line in ``registry.py``."""

    title: ClassVar[str]
    """How people call it."""
    default_units: ClassVar[Units]
    """What ``write`` uses unless told otherwise: what most readers of the format expect."""

    @abstractmethod
    def recognises(self, path: Path, text: str) -> bool:
        """Whether this is the format of a file with this text (empty for a folder)."""

    @abstractmethod
    def read(self, path: Path, options: ReadOptions) -> Rig:
        """The rig in mm, OpenCV camera axes.

        Raises:
            BadInputError: Names file, key, value and what is allowed.
        """

    @abstractmethod
    def write(self, path: Path, rig: Rig, units: Units) -> None:
        """Write atomically.

        Raises:
            BadInputError: The format cannot hold this rig, or the place cannot be written.
        """


class ForeignTable(Config):
    """A table of another program's file: what we need is checked, what else it holds is left alone."""

    model_config = ConfigDict(extra="ignore")


def parse_table(kind: type[AnyConfig], data: Mapping[str, Any], source: str) -> AnyConfig:
    """Like ``parse_config``; a missing key is reported with the misspelt one that may stand for it."""
    spare = [key for key in data if key not in kind.model_fields]
    for key, field in kind.model_fields.items():
        if field.is_required() and key not in data:
            near = nearest(key, spare)
            hint = f'the file has "{near}", which may be meant' if near else None
            raise bad_input("this key is required but missing", file=source, key=key, hint=hint)
    return parse_config(kind, data, source=source)


def build_camera(
    file: Path | str, key: str, fields: Mapping[str, Any], *, keys: Mapping[str, str] | None = None
) -> Camera:
    """A Camera from ``fields``; an error names the file and its own key.

    Args:
        file: Where the numbers come from.
        key: The camera's place in the file.
        fields: Arguments of ``Camera``.
        keys: Field of ``Camera`` to the file's own name of it, where they differ.
    """
    try:
        return Camera(**fields)
    except InvalidCameraError as error:
        own = (keys or {}).get(error.field, error.field)
        raise bad_input(error.problem, file=file, key=f"{key}.{own}") from error


def build_rig(file: Path, cameras: Sequence[Camera], **fields: Any) -> Rig:
    """A Rig from cameras of ``file``; what is wrong with the collection is reported with the file."""
    try:
        return Rig(tuple(cameras), **fields)
    except ValueError as error:
        raise bad_input(str(error), file=file) from error


def tidy_rotation(values: ArrayLike) -> Floats:
    """The nearest rotation to a matrix written with few decimals; anything worse comes back as it is."""
    R = np.asarray(values, dtype=np.float64)
    if R.shape != (3, 3) or not np.isfinite(R).all():
        return R
    deviation = np.abs(R @ R.T - np.eye(3)).max()
    if not ROTATION_TOLERANCE < deviation <= _ROUNDED_ROTATION:
        return R
    left, _, right = np.linalg.svd(R)
    return np.asarray(left @ right)


def drop_zero_tail(coefficients: Sequence[float], lengths: Sequence[int]) -> tuple[float, ...]:
    """Shorten to the longest of ``lengths`` that only loses zeros; unchanged where none fits."""
    values = tuple(coefficients)
    for length in sorted(lengths, reverse=True):
        if len(values) >= length and not any(values[length:]):
            return values[:length]
    return values
