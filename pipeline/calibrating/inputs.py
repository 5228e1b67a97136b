"""What a calibration may be given beside views of the board: intrinsics that are known already."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from calibration.camera import Camera
from calibration.intrinsics import IntrinsicsResult, calibrate_intrinsics
from calibration.intrinsics_config import IntrinsicsConfig
from calibration.observations import BoardObservations
from calibration.picture_fit import fit_to_picture
from calibration.units import Units
from configs.errors import bad_input, did_you_mean

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KnownIntrinsics:
    """Lenses that the solve takes as they are.

    Attributes:
        cameras: By name, for the pictures at hand.
        notes: What had to be adapted, and what makes them doubtful, in sentences.
        results: How they were estimated, where that was done here.
    """

    cameras: Mapping[str, Camera]
    notes: tuple[str, ...] = ()
    results: Mapping[str, IntrinsicsResult] = field(default_factory=dict)


def intrinsics_from_file(
    path: Path, sizes: Mapping[str, tuple[int, int]], units: Units | None = None
) -> KnownIntrinsics:
    """Intrinsics of all cameras from a calibration in any supported format.

    Args:
        path: The file or folder.
        sizes: Camera to (width, height) px of its pictures.
        units: Of the file's lengths, where it does not state them.

    Raises:
        BadInputError: A camera is missing, or is calibrated for pictures of another shape.
    """
    from calibration.rig_file import read_calibration

    rig = read_calibration(path, units=units)
    cameras, notes = {}, []
    for name, size in sizes.items():
        if name not in rig.names:
            raise bad_input(
                f"holds no intrinsics of {name}",
                file=path,
                allowed=", ".join(rig.names),
                hint=did_you_mean(name, rig.names) or "name the cameras alike",
            )
        cameras[name], note = fit_to_picture(rig.camera(name), size, None)
        if note:
            notes.append(note)
    return KnownIntrinsics(cameras, tuple(notes))


def intrinsics_from_views(
    observations: BoardObservations,
    sizes: Mapping[str, tuple[int, int]],
    config: IntrinsicsConfig | None = None,
) -> KnownIntrinsics:
    """Intrinsics of all cameras from footage of their own.

    Args:
        observations: Views of a board, not necessarily the one the cameras are placed with.
        sizes: Camera to (width, height) px of the pictures they are for.
        config: How they are estimated.

    Raises:
        BadInputError: A camera has no footage, too few views, or films at another shape there.
    """
    cameras, results = {}, {}
    notes: list[str] = []
    absent = [name for name in sizes if name not in observations.sizes]
    if absent:
        raise bad_input(
            f"there is no footage of {', '.join(absent)} for its intrinsics",
            allowed=", ".join(observations.cameras),
            hint="name files or folders by camera",
        )
    for name, size in sizes.items():
        result = calibrate_intrinsics(observations, name, config)
        cameras[name], note = fit_to_picture(result.camera, size, None)
        results[name] = result
        notes += [note] if note else []
        notes += [f"{name}: {warning}" for warning in result.warnings]
    return KnownIntrinsics(cameras, tuple(notes), results)
