"""When the rig that is edited comes into use: at once, or when live pictures have stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from app.cameras.draft_file import DraftFile
from app.cameras.kept_calibration import KeptCalibration
from app.cameras.rig_checks import RigChecks
from app.cameras.rig_draft import RigDraft
from app.session.running import Running, running
from app.studio import Studio
from configs.errors import PosestageError
from pipeline.rigs.rig_config import RigConfig

_QUIET_MS: Final = 300
"""After the last key stroke, before a change comes into use."""


class RigUse(QObject):
    """Gives the studio the draft as soon as it is a correct rig and nothing is running.

    While cameras are live a change waits until they stop, because live pictures and recordings are never
    interrupted by an edit.

    Args:
        studio: Uses the rig.
        draft: Gives the rig as it is edited.
        file: Of that rig.
        calibration: What that rig keeps as its calibration.
        checks: Say whether it is correct.
        parent: Its owner.
    """

    changed = pyqtSignal()
    """What is running, or whether the draft waits."""
    rig_replaced = pyqtSignal()
    """Somebody else has given the studio another rig."""
    calibration_replaced = pyqtSignal()
    """Somebody else has given the studio another calibration."""

    def __init__(
        self,
        studio: Studio,
        draft: Callable[[], RigDraft],
        file: DraftFile,
        calibration: KeptCalibration,
        checks: RigChecks,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._draft = draft
        self._file = file
        self._calibration = calibration
        self._checks = checks
        self._applying = False
        self._session: QObject | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_QUIET_MS)
        self._timer.timeout.connect(self.apply)
        checks.answered.connect(self._checked)
        studio.rig_changed.connect(self._rig_changed)
        studio.calibration_changed.connect(self._calibration_changed)

    @property
    def running(self) -> Running:
        """What a change would interrupt."""
        return running(self._studio)

    @property
    def pending(self) -> bool:
        """Whether the draft differs from the rig in use."""
        rig = self._studio.rig
        if rig is None:
            return bool(self._draft().cameras)
        return not RigDraft.of(rig).same_as(self._draft()) or self._studio.rig_path != self._file.path

    def apply_soon(self) -> None:
        """Use these cameras when nothing has changed for a moment."""
        self._timer.start()

    def apply(self) -> None:
        """Use these cameras if they are a correct rig and nothing is running."""
        self._timer.stop()
        self._watch_session()
        if self._applying or self.running or not self.pending:
            return
        draft = self._draft()
        if not draft.cameras:
            self._put_into_use(None)
        elif self._checks.usable:
            self._put_into_use(draft.config(self._calibration.to_save(draft)))

    def stop_and_apply(self) -> None:
        """Stop the live pictures, then use these cameras; never while something is recorded."""
        if self.running == "recording":
            self._studio.say("warning", "A take is being recorded. Stop the recording first.")
        elif self.running:
            self._watch_session()
            self._studio.session.stop()
        else:
            self.apply()

    def _put_into_use(self, rig: RigConfig | None) -> None:
        with self._ourselves():
            kept, draft, path = self._calibration, self._draft(), self._file.path
            if rig is not None and kept.unread is not None and kept.rig is None:
                try:
                    self._studio.use_rig(rig.model_copy(update={"calibration": kept.unread}), path)
                except PosestageError as error:
                    self._studio.say("warning", f"The rig is in use, but without its calibration. {error}")
                kept.take(self._studio, draft)
            elif rig is not None and kept.rig is not None and kept.fits(draft):
                self._studio.change_rig(rig, path, kept.rig.subset(rig.names), kept.path)
            else:
                self._studio.change_rig(rig, path, None, None)
        self.changed.emit()

    @contextmanager
    def _ourselves(self) -> Iterator[None]:
        self._applying = True
        try:
            yield
        finally:
            self._applying = False

    def _checked(self) -> None:
        if not self._checks.going_on and self.pending:
            self._timer.start()
        self.changed.emit()

    def _rig_changed(self) -> None:
        if not self._applying:
            self.rig_replaced.emit()

    def _calibration_changed(self) -> None:
        if not self._applying:
            self.calibration_replaced.emit()

    def _watch_session(self) -> None:
        """Hear when the live pictures stop."""
        if self._session is None and self._studio.has_session:
            session = self._studio.session
            session.state_changed.connect(self._session_changed)
            session.recording_changed.connect(self._session_changed)
            self._session = session

    def _session_changed(self, _: object) -> None:
        if not self.running and self.pending:
            self._timer.start()
        self.changed.emit()
