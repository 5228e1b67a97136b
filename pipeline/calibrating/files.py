"""What a calibration leaves on disk: everything it used, so that it can be repeated, and what came out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from calibration.calibration_config import CalibrationConfig
from calibration.camera import Camera
from calibration.observations import BoardObservations
from calibration.rig import Rig
from calibration.rig_file import write_calibration
from configs.atomic_file import write_atomic
from configs.errors import bad_input
from pipeline.calibrating.board_footage import OBSERVATIONS_FILE

if TYPE_CHECKING:
    from calibration.calibrator import Calibration

CONFIG_FILE: Final = "config.yaml"
INTRINSICS_FILE: Final = "intrinsics.yaml"

_EXPORT_ENDINGS: Final = {"toml": ".toml", "qualisys": ".qca.txt", "easymocap": "_easymocap"}
EXPORT_FORMATS: Final = tuple(_EXPORT_ENDINGS)


@dataclass(frozen=True)
class CalibrationFiles:
    """Where everything is.

    Attributes:
        calibration: The calibration.
        previous: The one that was there before, under its new name; None where there was none.
        exports: The same calibration in other formats.
    """

    calibration: Path
    previous: Path | None = None
    exports: tuple[Path, ...] = field(default=())


def report_folder(out: Path, report: Path | None) -> Path:
    """The folder for report and observations: as asked for, or beside the calibration.

    Raises:
        BadInputError: It cannot be made, or the calibration's own folder is missing.
    """
    if not out.parent.is_dir():
        raise bad_input("the folder does not exist", file=out.parent, key="--out")
    if out.is_dir():
        raise bad_input("is a folder, expected the name of a file", file=out, key="--out")
    folder = report if report is not None else out.with_name(f"{out.stem}_report")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise bad_input(f"cannot be used as a folder: {error.strerror}", file=folder) from error
    return folder


def save_inputs(
    folder: Path,
    observations: BoardObservations,
    config: CalibrationConfig,
    intrinsics: Mapping[str, Camera] | None,
) -> None:
    """Write all that a solve reads: the views, the settings, and the intrinsics that were supplied."""
    observations.save(folder / OBSERVATIONS_FILE)
    write_atomic(folder / CONFIG_FILE, yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    if intrinsics:
        write_calibration(folder / INTRINSICS_FILE, Rig(tuple(intrinsics.values())))


def forget_views(folder: Path, cameras: Collection[str]) -> None:
    """Take the views of some cameras out of those that are kept in a folder.

    Raises:
        BadInputError: There are none, or they cannot be written.
    """
    path = folder / OBSERVATIONS_FILE
    kept = BoardObservations.load(path)
    kept.chosen(view for view in kept.views if view.camera not in cameras).save(path)


def save_calibration(out: Path, calibration: Calibration, exports: Sequence[str] = ()) -> CalibrationFiles:
    """Write the calibration, atomically; one that is there already is kept under another name.

    Args:
        out: The file.
        calibration: What to write.
        exports: Names of ``EXPORT_FORMATS`` to write beside it.

    Raises:
        BadInputError: A place cannot be written, or a format cannot hold this rig.
    """
    previous = None
    if out.is_file():
        previous = out.with_name(f"{out.stem}.previous{out.suffix}")
        write_atomic(previous, out.read_bytes())
    write_calibration(out, calibration.rig)
    written = []
    for name in exports:
        path = out.with_name(f"{out.stem}{_EXPORT_ENDINGS[name]}")
        write_calibration(path, calibration.rig, format_name=name)
        written.append(path)
    return CalibrationFiles(out, previous, tuple(written))
