"""Opens a rig file, in a process: checking its drivers loads their packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.background_job import Report
from configs.loading import read_yaml
from pipeline.rigs.rig_config import RigConfig, load_rig


@dataclass(frozen=True)
class ReadRig:
    """A rig from a file.

    Attributes:
        rig: As ``load_rig`` gives it.
        path: Its file.
        note: What had to be left out; empty: nothing.
    """

    rig: RigConfig
    path: Path
    note: str = ""


def read_rig(report: Report, path: Path) -> ReadRig:
    """Read a rig file; one whose calibration is gone is read without it.

    Raises:
        BadInputError: The file is no correct rig.
    """
    report(-1.0, f"opening {path.name}")
    calibration = read_yaml(path).get("calibration")
    if isinstance(calibration, str) and not (path.parent / Path(calibration).expanduser()).is_file():
        note = (
            f"Its calibration file {calibration} does not exist any more, so the cameras are not calibrated."
        )
        return ReadRig(load_rig(path, ("calibration=null",)), path, note)
    return ReadRig(load_rig(path), path)
