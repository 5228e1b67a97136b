"""Saving what a window's calibration found, for its background."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from calibration.rig import Rig
from configs.errors import bad_input
from pipeline.calibrating.files import save_calibration
from pipeline.calibrating.host import make_folder
from pipeline.calibrating.judgement import open_archive
from pipeline.rigs.rig_config import RigConfig
from pipeline.rigs.rig_file import write_rig

Report = Callable[[float, str], None]


def save_outcome(
    report: Report,
    archive: bytes,
    rig: Rig,
    out: Path,
    formats: Sequence[str],
    devices: RigConfig | None,
    devices_path: Path | None,
) -> list[Path]:
    """Write the calibration, the other formats, and the rig file that refers to it.

    Args:
        report: Hears what is being written.
        archive: Of the outcome.
        rig: The cameras in the world that was chosen.
        out: Where the calibration goes.
        formats: Of ``EXPORT_FORMATS``.
        devices: The rig of devices that it belongs to; None for footage.
        devices_path: Its file; None where it has none, which then stays so.

    Returns:
        All files, the calibration first; the one that was there before is the last, where there was one.

    Raises:
        BadInputError: A place cannot be written, or a format cannot hold this rig.
    """
    if out.is_dir():
        raise bad_input("is a folder, expected the name of a file", file=out)
    make_folder(out.parent)
    report(0.1, "Writing the calibration")
    files = save_calibration(out, replace(open_archive(archive), rig=rig), formats)
    written = [files.calibration, *files.exports]
    if devices is not None and devices_path is not None:
        report(0.8, "Writing the rig file")
        write_rig(devices_path, devices.model_copy(update={"calibration": str(out.resolve())}))
        written.append(devices_path)
    if files.previous is not None:
        written.append(files.previous)
    report(1.0, "Saved")
    return written


def draw_report(report: Report, archive: bytes, rig: Rig, folder: Path) -> Path:
    """Write the report with all its plots.

    Args:
        report: Hears that it is being drawn.
        archive: Of the outcome.
        rig: The cameras in the world that was chosen.
        folder: Where it goes.
    """
    from calibration.report.page import write_report

    make_folder(folder)
    report(-1.0, "Drawing the report")
    return write_report(replace(open_archive(archive), rig=rig), folder)
