"""Our own yaml, version 1: millimetres, OpenCV axes, exact to the last bit.

::

    version: 1
    units: mm
    created: '2026-01-31T12:00:00+00:00'
    board: {type: charuco, columns: 7, rows: 5, square_mm: 40.0}
    cameras:
      cam1:
        size: [1280, 720]                                  # px
        model: pinhole                                     # or rational, fisheye
        K: [[900.0, 0.0, 639.5], [0.0, 900.0, 359.5], [0.0, 0.0, 1.0]]
        distortion: [-0.1, 0.02, 0.0, 0.0, 0.0]
        R: [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]   # camera from world
        t: [0.0, 1000.0, 3000.0]                           # mm
        lag_ms: 0.0
    quality: {}
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import Field, field_validator

from calibration.distortion import LensModel
from calibration.formats.base import CalibrationFormat, ReadOptions, build_camera, build_rig
from calibration.rig import Rig
from calibration.units import Units, agreed_units
from configs.atomic_file import write_atomic
from configs.errors import bad_input
from configs.loading import Config, parse_config, read_yaml

VERSION = 1

Row = tuple[float, float, float]
Matrix = tuple[Row, Row, Row]


class CameraEntry(Config):
    """One camera of the file, see the module."""

    size: tuple[int, int]
    model: LensModel
    K: Matrix
    distortion: tuple[float, ...]
    R: Matrix
    t: Row
    lag_ms: float = 0.0


class CalibrationFile(Config):
    """The whole file, see the module."""

    version: int
    units: Literal["mm"]
    created: str = ""
    board: dict[str, Any] | None = None
    cameras: dict[str, CameraEntry] = Field(min_length=1)
    quality: dict[str, Any] = Field(default_factory=dict)

    @field_validator("version")
    @classmethod
    def _is_ours(cls, version: int) -> int:
        if version != VERSION:
            raise ValueError(
                f"this Posestage reads version {VERSION} of the calibration file"
                + ("; the file was written by a newer one" if version > VERSION else "")
            )
        return version

    @field_validator("created", mode="before")
    @classmethod
    def _time_as_text(cls, created: object) -> object:
        return created.isoformat() if isinstance(created, datetime) else created

    @field_validator("cameras", mode="before")
    @classmethod
    def _names_are_texts(cls, cameras: object) -> object:
        for name in cameras if isinstance(cameras, Mapping) else ():
            if not isinstance(name, str):
                raise ValueError(f'the camera name {name!r} is not a text; put it in quotes: "{name}"')
        return cameras


class PosestageFormat(CalibrationFormat):
    """Calibration files of this program."""

    title = "Posestage yaml"
    default_units = "mm"

    def recognises(self, path: Path, text: str) -> bool:
        """Any yaml by its name, so that its errors are reported as ours."""
        return bool(text) and path.suffix.lower() in (".yaml", ".yml")

    def read(self, path: Path, options: ReadOptions) -> Rig:
        """See the base class; every float comes back bit by bit as it was written."""
        content = parse_config(CalibrationFile, read_yaml(path), source=path)
        agreed_units(options.units, content.units, file=path, key="units")
        cameras = [
            build_camera(path, f"cameras.{name}", {"name": name, **entry.model_dump()})
            for name, entry in content.cameras.items()
        ]
        return build_rig(
            path, cameras, created=content.created, board=content.board, quality=dict(content.quality)
        )

    def write(self, path: Path, rig: Rig, units: Units) -> None:
        """See the base class; the lengths are always mm."""
        if units != "mm":
            raise bad_input("our own calibration files are in mm", file=path, key="units", value=units)
        content = {
            "version": VERSION,
            "units": "mm",
            "created": rig.created,
            "board": rig.board,
            "cameras": {
                camera.name: {
                    "size": camera.size,
                    "model": camera.model,
                    "K": camera.K,
                    "distortion": camera.distortion,
                    "R": camera.R,
                    "t": camera.t,
                    "lag_ms": camera.lag_ms,
                }
                for camera in rig.cameras
            },
            "quality": rig.quality,
        }
        text = yaml.safe_dump(
            _plain(content), sort_keys=False, default_flow_style=None, width=120, allow_unicode=True
        )
        write_atomic(path, text)


def _plain(value: Any) -> Any:
    """Arrays and tuples as the plain types that yaml knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
