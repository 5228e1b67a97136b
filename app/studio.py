"""What all pages share: rig, calibration, pipeline, where takes go. Decides nothing about any page."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from app.preferences import Preferences
from configs.errors import PosestageError

if TYPE_CHECKING:
    from app.background_job import BackgroundJob
    from app.cameras.rig_reading import ReadRig
    from app.session.live_session import LiveSession
    from calibration.rig import Rig
    from pipeline.rigs.rig_config import RigConfig

log = logging.getLogger(__name__)


class Studio(QObject):
    """The state of the application that is not a page's own.

    Attributes:
        preferences: What is remembered.
        rig: The devices, None before any were chosen.
        rig_path: Their file, None while it is not saved.
        calibration: Geometry of the rig's cameras, None while not calibrated.
        calibration_path: Its file.
        pipeline: Name in ``configs/pipelines``, a yaml file of one's own, "none", or "auto": the best ready.
        pipeline_settings: Pipeline to settings over its file, from the command line.
        takes_folder: Where recordings go.
        take_to_show: What the takes page shall play when it is shown next.
        live_wanted: Whether the live page shall start the cameras when it is shown next.
    """

    rig_changed = pyqtSignal()
    calibration_changed = pyqtSignal()
    pipeline_changed = pyqtSignal()
    takes_changed = pyqtSignal()
    go_to = pyqtSignal(str)
    message = pyqtSignal(str, str)

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self.preferences = preferences
        self.rig: RigConfig | None = None
        self.rig_path: Path | None = None
        self.calibration: Rig | None = None
        self.calibration_path: Path | None = None
        self.pipeline = preferences.pipeline
        self.pipeline_settings: dict[str, tuple[str, ...]] = {}
        self.take_to_show: Path | None = None
        self.live_wanted = False
        self._reopening: BackgroundJob | None = None
        self._session: LiveSession | None = None

    @property
    def session(self) -> LiveSession:
        """The running cameras; one for all pages."""
        if self._session is None:
            from app.session.live_session import LiveSession

            self._session = LiveSession(self)
        return self._session

    @property
    def has_session(self) -> bool:
        """Whether anybody has asked for the session yet."""
        return self._session is not None

    @property
    def takes_folder(self) -> Path:
        """Where recordings go."""
        return self.preferences.takes_folder

    def use_takes_folder(self, folder: Path) -> None:
        """Record into another folder from now on."""
        self.preferences.takes_folder = folder
        self.preferences.save()
        self.takes_changed.emit()

    def use_rig(self, rig: RigConfig, path: Path | None) -> None:
        """Work with these devices; a calibration that their file names is read too.

        Raises:
            BadInputError: That calibration cannot be used; the rig is in use all the same, without it.
        """
        self.rig, self.rig_path = rig, path
        self.calibration = self.calibration_path = None
        if path is not None:
            self.preferences.remember_rig(path)
        else:
            self.preferences.rig_path = None
            self.preferences.save()
        try:
            if rig.calibration is not None:
                self._read_calibration(Path(rig.calibration))
        finally:
            self.rig_changed.emit()
            self.calibration_changed.emit()

    def change_rig(
        self,
        rig: RigConfig | None,
        path: Path | None,
        calibration: Rig | None,
        calibration_path: Path | None,
    ) -> None:
        """Work with the rig as it was edited, with a calibration that is known already; None: no cameras."""
        self.rig, self.rig_path = rig, path
        self.calibration, self.calibration_path = calibration, calibration_path
        if path is None and self.preferences.rig_path is not None:
            self.preferences.rig_path = None
            self.preferences.save()
        elif path is not None and path != self.preferences.rig_path:
            self.preferences.remember_rig(path)
        self.rig_changed.emit()
        self.calibration_changed.emit()

    def use_simulated(self, cameras: int = 4) -> None:
        """Work with the simulated studio; not calibrated yet."""
        from pipeline.rigs.simulated_rig import simulated_rig

        self.use_rig(simulated_rig(cameras, (640, 480), 30.0, 0), None)

    def open_rig(self, path: Path, overrides: tuple[str, ...] = ()) -> None:
        """Work with the rig of a file.

        Args:
            path: The file.
            overrides: Settings over it.

        Raises:
            BadInputError: The file or the calibration that it names cannot be used.
        """
        from pipeline.rigs.rig_config import load_rig

        self.use_rig(load_rig(path, overrides), path)

    def use_calibration(self, path: Path) -> None:
        """Take the geometry of the rig's cameras from a file of any supported format.

        Raises:
            BadInputError: It cannot be read or does not fit the rig.
        """
        self._read_calibration(path)
        self.calibration_changed.emit()

    def hold_calibration(self, calibration: Rig | None) -> None:
        """Use a geometry that is in no file yet, or none."""
        self.calibration, self.calibration_path = calibration, None
        self.calibration_changed.emit()

    def use_pipeline(self, name: str) -> None:
        """Turn frames into poses this way."""
        if name != self.pipeline:
            self.pipeline = name
            self.preferences.pipeline = name
            self.preferences.save()
            self.pipeline_changed.emit()

    def say(self, level: str, text: str) -> None:
        """Show a sentence to the user; level: info, good, warning or bad."""
        self.message.emit(level, text)

    def reopen_last(self) -> None:
        """The rig of last time, when it can still be read; says why when not.

        Returns at once: a process reads it, as checking its drivers loads their packages.
        """
        from app.background_job import BackgroundJob
        from app.cameras.rig_reading import read_rig

        path = self.preferences.rig_path
        if path is None:
            return
        job = self._reopening = BackgroundJob(read_rig, path, parent=self)
        job.done.connect(self._reopened)
        job.failed.connect(self._not_reopened)
        job.ended.connect(self._reopening_ended)
        job.start()

    @property
    def reopening(self) -> bool:
        """Whether the rig of last time is being read."""
        return self._reopening is not None

    def shutdown(self) -> None:
        """End the session and save what is remembered."""
        if self._reopening is not None:
            self._reopening.cancel()
            self._reopening.wait()
        if self._session is not None:
            self._session.shutdown()
        self.preferences.save()

    def _reopened(self, read: ReadRig) -> None:
        if self.rig is not None:
            return  # somebody was quicker
        try:
            self.use_rig(read.rig, read.path)
        except PosestageError as error:
            self._not_reopened(str(error))
        if read.note:
            self._not_reopened(read.note)

    def _not_reopened(self, why: str) -> None:
        log.warning("%s", why)
        self.say("warning", f"The last rig could not be opened completely. {why}")

    def _reopening_ended(self) -> None:
        self._reopening = None

    def _read_calibration(self, path: Path) -> None:
        from calibration.rig_file import read_calibration
        from pipeline.rigs.footage import fit_rig_to_devices

        calibration = read_calibration(path)
        if self.rig is not None:
            calibration = fit_rig_to_devices(self.rig, calibration)
        self.calibration, self.calibration_path = calibration, path
