"""The TOML of anipose, which Caliscope, FreeMoCap and Pose2Sim also read and write.

One table per camera: ``name``, ``size`` px, ``matrix`` (K), ``distortions``, ``rotation`` (Rodrigues vector)
and ``translation``, camera from world, ``fisheye``; then ``[metadata]``. Camera axes are OpenCV's. Pose2Sim
names the tables freely; Caliscope's own file has ``[cameras.N]`` instead of ``[cam_N]``.

The format does not store units: FreeMoCap writes mm, Pose2Sim and Caliscope metres. We write ``units`` into
``[metadata]`` (other programs ignore it) and, reading files without it, take what the caller says or else
what is plausible, with a warning.
"""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.camera import Camera
from calibration.formats.base import (
    CalibrationFormat,
    ForeignTable,
    ReadOptions,
    build_camera,
    build_rig,
    drop_zero_tail,
    parse_table,
)
from calibration.rig import Rig
from calibration.units import MM_PER, Units, agreed_units
from configs.atomic_file import write_atomic
from configs.errors import bad_input
from configs.loading import read_text

_LOG = logging.getLogger(__name__)

_Row = tuple[float, float, float]

_FILE_KEYS = {"K": "matrix", "distortion": "distortions", "R": "rotation", "t": "translation"}
_HOW_TO_STATE = 'state it with a line units = "mm" (or "m") under [metadata] in the file'


class CameraTable(ForeignTable):
    """What we need of a camera's table."""

    name: str | None = None
    size: tuple[float, float]
    matrix: tuple[_Row, _Row, _Row]
    distortions: tuple[float, ...]
    rotation: _Row
    translation: _Row
    fisheye: bool = False
    lag_ms: float = 0.0


class TomlFormat(CalibrationFormat):
    """Calibrations of anipose, Caliscope, FreeMoCap and Pose2Sim."""

    title = "TOML of anipose, Caliscope, FreeMoCap or Pose2Sim"
    default_units = "m"

    def recognises(self, path: Path, text: str) -> bool:
        """A ``.toml``, or any text with tables that hold a camera matrix."""
        has_cameras = re.search(r"(?m)^\s*\[[^\[\]]+\]\s*$", text) and re.search(r"(?m)^\s*matrix\s*=", text)
        return bool(text) and (path.suffix.lower() == ".toml" or bool(has_cameras))

    def read(self, path: Path, options: ReadOptions) -> Rig:
        """See the base class; lengths are taken as the module says."""
        try:
            document = tomllib.loads(read_text(path))
        except (ValueError, RecursionError) as error:  # no TOML; a number of 5000 digits; a thousand brackets
            raise bad_input(f"is not valid TOML: {error}", file=path) from error
        metadata = document.pop("metadata", {})
        if not isinstance(metadata, Mapping):
            raise bad_input("must be a table", file=path, key="metadata")
        tables = _camera_tables(document)
        if not tables:
            raise bad_input(
                "holds no camera", file=path, hint="each camera is a table such as [cam_0] with a key matrix"
            )
        parsed = {key: parse_table(CameraTable, table, f"{path}: [{key}]") for key, table in tables.items()}
        units = agreed_units(options.units, metadata.get("units"), file=path, key="metadata.units")
        if units is None:
            units = "m" if "cameras" in document else _plausible_units(path, parsed)
        cameras = [_camera(path, key, table, MM_PER[units]) for key, table in parsed.items()]
        return build_rig(
            path,
            cameras,
            created=str(
                metadata.get("created") or metadata.get("date_time_calibrated") or f"from {path.name}"
            ),
            quality=_quality(metadata),
        )

    def write(self, path: Path, rig: Rig, units: Units) -> None:
        """See the base class; ``lag_ms`` is written where it is not 0, board and quality are not."""
        lines: list[str] = []
        for index, camera in enumerate(rig.cameras):
            coefficients = camera.distortion.tolist()
            if camera.model == "pinhole":
                coefficients += [0.0] * (5 - len(coefficients))  # Caliscope insists on five
            table = {
                "name": camera.name,
                "size": list(camera.size),
                "matrix": camera.K.tolist(),
                "distortions": coefficients,
                "rotation": cv2.Rodrigues(camera.R)[0].ravel().tolist(),
                "translation": (camera.t / MM_PER[units]).tolist(),
                "fisheye": camera.model == "fisheye",
            }
            if camera.lag_ms:
                table["lag_ms"] = camera.lag_ms
            lines += [f"[cam_{index}]", *_assignments(table), ""]
        metadata = {"adjusted": False, "error": 0.0, "units": units, "created": rig.created}
        error = rig.quality.get("error_px")
        if isinstance(error, int | float):
            metadata["error"] = float(error)
        write_atomic(path, "\n".join([*lines, "[metadata]", *_assignments(metadata), ""]))


def _camera_tables(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    nested = document.get("cameras")
    if isinstance(nested, Mapping):
        return {
            f"cameras.{key}": {"name": f"cam_{key}", **table}
            for key, table in nested.items()
            if isinstance(table, Mapping)
        }
    return {
        key: table
        for key, table in document.items()
        if isinstance(table, Mapping) and ("matrix" in table or key.startswith("cam"))
    }


def _camera(path: Path, key: str, table: CameraTable, mm: float) -> Camera:
    coefficients = table.distortions
    if table.fisheye:
        model, coefficients = "fisheye", drop_zero_tail(coefficients, (4,))
    else:
        coefficients = drop_zero_tail(
            coefficients, (len(coefficients),) if len(coefficients) <= 8 else (5, 8)
        )
        model = "rational" if len(coefficients) == 8 else "pinhole"
    fields = {
        "name": table.name or key,
        "size": table.size,
        "model": model,
        "K": table.matrix,
        "distortion": coefficients,
        "R": cv2.Rodrigues(np.array(table.rotation))[0],
        "t": np.array(table.translation) * mm,
        "lag_ms": table.lag_ms,
    }
    return build_camera(path, f"[{key}]", fields, keys=_FILE_KEYS)


def _plausible_units(path: Path, tables: Mapping[str, CameraTable]) -> Units:
    """Metres or millimetres from how far the cameras are apart, with a warning; refuses an unclear case."""
    positions = np.array(
        [
            -cv2.Rodrigues(np.array(table.rotation))[0].T @ np.array(table.translation)
            for table in tables.values()
        ]
    )
    # A single camera is judged by its distance from the world's origin.
    span = positions if len(positions) > 1 else np.vstack([positions, np.zeros(3)])
    extent = float(np.linalg.norm(span[:, None] - span[None], axis=-1).max())
    if extent == 0:
        return "mm"  # all lengths are zero, in any unit
    # A rig of more than 50 m is as unlikely as one of less than 30 cm. In between, nothing is certain.
    if 50 <= extent < 300:
        raise bad_input(
            f"the unit of length is not stored and the cameras are up to {extent:.4g} of it apart, "
            "which fits no usual unit",
            file=path,
            hint=_HOW_TO_STATE,
        )
    units: Units = "m" if extent < 50 else "mm"
    _LOG.warning(
        "%s: the unit of length is not stored; taken as %s because the cameras are up to %.4g apart; %s",
        path,
        units,
        extent,
        _HOW_TO_STATE,
    )
    return units


def _quality(metadata: Mapping[str, Any]) -> dict[str, Any]:
    error = metadata.get("error")
    known = isinstance(error, int | float) and not isinstance(error, bool) and 0 < error < 1e9
    return {"error_px": float(error)} if known and error is not None else {}


def _assignments(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in table.items()]


def _toml(value: str | bool | float | Sequence[Any]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return '"' + "".join(_toml_character(character) for character in value) + '"'
    return f"[ {', '.join(_toml(item) for item in value)},]"


def _toml_character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08x}"
