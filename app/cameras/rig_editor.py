"""The rig of the studio while it is edited: its cameras, its file, its calibration and its use together."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from app.cameras.calibration_fit import Fit
from app.cameras.desk import Desk
from app.cameras.draft_file import DraftFile
from app.cameras.kept_calibration import KeptCalibration
from app.cameras.rig_checks import RigChecks
from app.cameras.rig_document import RigDocument
from app.cameras.rig_draft import RigDraft, Size
from app.cameras.rig_use import RigUse
from app.studio import Studio
from configs.errors import PosestageError
from pipeline.rigs.rig_config import RigConfig


class RigEditor(RigDocument):
    """The document that the cameras page edits.

    A change that leaves a correct rig comes into use by itself.

    Attributes:
        checks: What is wrong with it.
        file: Where it is saved.
        use: When it comes into use.
    """

    opened = pyqtSignal()
    """Another rig is being edited; ``changed`` follows."""

    def __init__(self, studio: Studio, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(desk, parent)
        self._studio = studio
        self._calibration = KeptCalibration()
        self.checks = RigChecks(desk, lambda: self.draft, self)
        self.file = DraftFile(lambda: self.draft, self._calibration)
        self.use = RigUse(studio, lambda: self.draft, self.file, self._calibration, self.checks, self)
        self.edited.connect(self._after_change)
        self.use.changed.connect(self.changed)
        self.use.rig_replaced.connect(self._adopt)
        self.use.calibration_replaced.connect(self._take_calibration)
        self._adopt()

    @property
    def fit(self) -> Fit:
        """How the calibration fits these cameras."""
        return self._calibration.fit(self.draft)

    @property
    def calibrated(self) -> bool:
        """Whether there is a calibration that fits."""
        return self._calibration.fits(self.draft)

    def save(self, path: Path | None = None) -> None:
        """Write the rig to its file or another one.

        Raises:
            PosestageError: It is not correct yet, or the file cannot be written.
        """
        if self.checks.going_on:
            raise PosestageError("The settings are still being checked; try again in a moment.")
        if self.checks.why_not_usable:
            raise PosestageError(f"The rig cannot be saved yet. {self.checks.why_not_usable}")
        target = path or self.file.path
        assert target is not None, "the page asks for a file first"
        self.file.write(target)
        self._studio.preferences.remember_rig(target)
        if not self.use.running:
            self.use.apply()
        self.changed.emit()

    # Other rigs

    def use_simulated(self, cameras: int = 4, size: Size = (640, 480), fps: float = 30.0) -> None:
        """Edit a new rig of simulated cameras."""
        from pipeline.rigs.simulated_rig import simulated_rig

        self._edit(simulated_rig(cameras, size, fps, 0), None)

    def open(self, rig: RigConfig, path: Path) -> None:
        """Edit a rig that was read from a file."""
        self._edit(rig, path)

    def new_rig(self) -> None:
        """Edit an empty rig."""
        self._load(RigDraft(), None, None)
        self.opened.emit()
        self._after_change()

    def discard(self) -> None:
        """Back to the rig that is in use."""
        self._adopt()

    def _edit(self, rig: RigConfig, path: Path | None) -> None:
        if self.use.running:
            # It waits like any other change; its calibration is read when it comes into use.
            self._load(RigDraft.of(rig), path, rig.calibration)
            self._calibration.forget(unread=rig.calibration)
            self.opened.emit()
            self._after_change()
            return
        try:
            self._studio.use_rig(rig, path)  # then it is adopted like any rig that the studio uses
        except PosestageError as error:
            self._studio.say("warning", f"The rig is open, but without its calibration. {error}")

    def _adopt(self) -> None:
        """Edit the rig that the studio uses."""
        rig = self._studio.rig
        draft = RigDraft.of(rig) if rig is not None else RigDraft()
        self._load(draft, self._studio.rig_path, rig.calibration if rig is not None else None)
        self._calibration.take(self._studio, draft)
        if rig is not None and self._calibration.rig is None:
            self._calibration.unread = rig.calibration
        self.opened.emit()
        self._after_change()

    def _load(self, draft: RigDraft, path: Path | None, calibration: str | None) -> None:
        self.begin(draft)
        self.file.begin(path, draft, calibration)
        self._calibration.forget()
        self.checks.start_afresh()

    def _after_change(self) -> None:
        self.checks.look()
        self.use.apply_soon()
        self.changed.emit()

    def _take_calibration(self) -> None:
        self._calibration.take(self._studio, self.draft)
        self.file.notice_calibration(self._studio.rig)
        self.changed.emit()
