"""Calibration files in, calibration files out, whatever program they come from."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal, cast

import numpy as np

from calibration.formats.base import CalibrationFormat, ReadOptions
from calibration.formats.registry import FORMATS
from calibration.rig import Rig
from calibration.units import Units
from configs.errors import bad_input
from configs.loading import read_text

WorldUp = Literal["z", "y", "-y"]

_LOG = logging.getLogger(__name__)

# Right-handed turns about x that bring the named axis to +z: (x, y, z) of the file to (x, y, z) of our world.
_Z_UP_FROM: dict[WorldUp, tuple[tuple[float, ...], ...]] = {
    "z": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "y": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
    "-y": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
}

# Nobody films people with all cameras within a hand's width or spread over more than 200 m: wrong units.
_PLAUSIBLE_EXTENT_MM = (50.0, 200_000.0)
# A camera takes about a kilobyte in the wordiest format.
_LARGEST_BYTES = 8_000_000


def read_calibration(
    path: Path,
    *,
    units: Units | None = None,
    size: tuple[int, int] | None = None,
    world_up: WorldUp = "z",
) -> Rig:
    """Read a calibration in any supported format, told apart by content.

    Args:
        path: Our yaml, a TOML of the anipose family (anipose, Caliscope, FreeMoCap, Pose2Sim), an EasyMocap
            folder with ``intri.yml`` and ``extri.yml``, or a Qualisys ``.qca.txt``.
        units: Unit of the file's lengths, for formats that do not store it.
        size: (width, height) px of the pictures, for EasyMocap folders that do not tell.
        world_up: The file's upward axis; the world is turned so that Z points up. ``-y`` is the world of an
            upright OpenCV camera.

    Returns:
        The rig in mm with OpenCV camera axes.

    Raises:
        BadInputError: Names file, key, value and what is allowed.
    """
    path = Path(path)
    if path.is_file() and path.stat().st_size > _LARGEST_BYTES:
        raise bad_input("is too large for a calibration; is it a video?", file=path)
    text = "" if path.is_dir() else read_text(path)
    for name in FORMATS:
        reader = _load(name)
        if reader.recognises(path, text):
            rig = reader.read(path, ReadOptions(units=units, size=size))
            break
    else:
        known = ", ".join(f"{_load(name).title}" for name in FORMATS)
        what = (
            "is a folder without a calibration in it" if path.is_dir() else "is no calibration file we know"
        )
        raise bad_input(what, file=path, allowed=known)
    if world_up != "z":
        rig = rig.moved(_Z_UP_FROM[world_up])
    _warn_of_oddities(path, rig)
    return rig


def write_calibration(
    path: Path, rig: Rig, *, format_name: str = "posestage", units: Units | None = None
) -> None:
    """Write a calibration atomically.

    Args:
        path: File, or folder for ``easymocap``.
        rig: What to write.
        format_name: An entry of ``calibration.formats.registry``.
        units: Unit of the written lengths; None takes what most readers of the format expect.

    Raises:
        BadInputError: Unknown format, a rig the format cannot hold, or a place that cannot be written.
    """
    writer = _load(format_name)
    writer.write(Path(path), rig, units or writer.default_units)


def _load(name: str) -> CalibrationFormat:
    return cast(CalibrationFormat, FORMATS.load(name)())


def _warn_of_oddities(path: Path, rig: Rig) -> None:
    positions = np.stack([camera.position for camera in rig.cameras])
    extent = float(np.ptp(positions, axis=0).max())
    low, high = _PLAUSIBLE_EXTENT_MM
    if len(rig) > 1 and not low <= extent <= high:
        _LOG.warning("%s: the cameras are spread over %.3g mm; check the units of the file", path, extent)
    for camera in rig.cameras:
        width, height = camera.size
        corners = [[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]]
        lost = int(np.isnan(camera.undistort(corners)[:, 0]).sum())
        if lost:
            _LOG.warning(
                "%s: %s: the lens model does not reach %d of the picture's 4 corners; points there are lost",
                path,
                camera.name,
                lost,
            )
