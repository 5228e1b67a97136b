"""The calibration of a rig while it is edited: kept as long as it fits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.cameras.calibration_fit import Calibrated, Fit, fit
from app.cameras.rig_draft import RigDraft

if TYPE_CHECKING:
    from app.studio import Studio
    from calibration.rig import Rig


class KeptCalibration:
    """What was read, or the file that will be read when the rig comes into use.

    Attributes:
        rig: The geometry; None while none is there or it was not read.
        path: Its file.
        unread: Of a rig that is not in use yet, or one that could not be read.
    """

    def __init__(self) -> None:
        self.rig: Rig | None = None
        self.path: Path | None = None
        self.unread: str | None = None
        self._made_with: Calibrated | None = None

    def fit(self, draft: RigDraft) -> Fit:
        """How it fits these cameras."""
        return fit(self._made_with, draft)

    def fits(self, draft: RigDraft) -> bool:
        """Whether there is one that can be used."""
        return self.rig is not None and not self.fit(draft).misfits

    def forget(self, unread: str | None = None) -> None:
        """There is none, but perhaps a file that will be read later."""
        self.rig = self.path = self._made_with = None
        self.unread = unread

    def take(self, studio: Studio, draft: RigDraft) -> None:
        """Note the studio's calibration as the one that these cameras have."""
        self.rig, self.path, self._made_with = studio.calibration, studio.calibration_path, None
        if self.rig is not None:
            self.unread = None
            sizes = {camera.name: camera.size for camera in self.rig.cameras}
            self._made_with = Calibrated.with_draft(sizes, draft)

    def to_save(self, draft: RigDraft) -> str | None:
        """What the rig's file shall name."""
        if self.rig is None:
            return self.unread
        if self.path is None or not self.fits(draft):
            return None
        return str(self.path.absolute())
