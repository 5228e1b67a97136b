"""What the home page shows and does, without a window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PyQt6.QtCore import QObject, pyqtSignal

from app.background_job import BackgroundJob, Report
from app.cameras.rig_reading import ReadRig, read_rig
from app.session.running import Running, running
from app.studio import Studio
from app.takes.digest import Digest
from app.takes.digest_store import DigestStore
from app.takes.take_entry import TakeEntry
from app.takes.take_finder import TakeFinder
from app.takes.take_order import in_order
from app.takes.thread_job import ThreadJob
from app.welcome.rig_state import Line, calibration_line, cameras_line, missing_cameras
from configs.errors import PosestageError
from pipeline.rigs.rig_config import RigConfig

if TYPE_CHECKING:
    from calibration.rig import Rig

MOST_TAKES: Final = 4


def exact_calibration(report: Report, rig: RigConfig) -> Rig:
    """Where the cameras of the simulated studio really stand; body of a ``BackgroundJob``.

    Raises:
        BadInputError: The cameras stand in different studios.
        PosestageError: Not all of them are simulated.
    """
    from pipeline.rigs.studio_rig import board_studio_of, studio_calibration, studio_of

    report(-1.0, "asking the simulated studio")
    studio = studio_of(rig) or board_studio_of(rig)
    if studio is None:
        raise PosestageError("Only simulated cameras know where they stand.")
    return studio_calibration(rig, studio)


class WelcomePresenter(QObject):
    """The state of the home page.

    Attributes:
        takes: The newest ones.
        interrupted: How many takes wait for repair.
        busy: What is being done; empty: nothing.
    """

    changed = pyqtSignal()

    def __init__(self, studio: Studio, cache: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.studio = studio
        self.takes: list[TakeEntry] = []
        self.interrupted = 0
        self.busy = ""
        self._missing: tuple[str, ...] | None = None
        self._missing_of: RigConfig | None = None
        self._jobs: set[BackgroundJob | ThreadJob] = set()
        self._finder = TakeFinder(lambda: [studio.takes_folder], self)
        self._finder.found.connect(self._take_takes)
        self._finder.failed.connect(lambda text: studio.say("warning", text))
        self._digests = DigestStore(cache, self)
        self._digests.made.connect(lambda _: self.changed.emit())
        self._digests.finished.connect(self.changed)
        self._after_live: Callable[[], object] | None = None
        self._watched = False
        self._closed = False
        studio.rig_changed.connect(self._rig_changed)
        studio.calibration_changed.connect(self.changed)
        studio.takes_changed.connect(self._finder.look)

    # What there is

    @property
    def first_start(self) -> bool:
        """Whether there is nothing yet to go on with."""
        return self.studio.rig is None and not self.recent_rigs and not self.takes and not self.interrupted

    @property
    def recent_rigs(self) -> list[Path]:
        """Rigs that were open lately, without the present one."""
        return [path for path in self.studio.preferences.recent_rigs if path != self.studio.rig_path]

    @property
    def simulated(self) -> bool:
        """Whether all cameras of the present rig are simulated."""
        rig = self.studio.rig
        return rig is not None and all(camera.driver_type == "simulated" for camera in rig.cameras)

    @property
    def calibrated(self) -> bool:
        """Whether the present rig is calibrated."""
        return self.studio.calibration is not None

    @property
    def rig_lines(self) -> list[Line]:
        """How the present rig is doing."""
        rig = self.studio.rig
        if rig is None:
            return []
        missing = self._missing if self._missing_of is rig else None
        if self.simulated and self.calibrated and self.studio.calibration_path is None:
            calibration = Line("good", "The studio's own exact calibration, until this program is closed")
        else:
            calibration = calibration_line(self.studio.calibration)
        return [cameras_line(rig, missing), calibration]

    @property
    def running(self) -> Running:
        """What another rig would interrupt."""
        return running(self.studio)

    def digest(self, entry: TakeEntry) -> Digest | None:
        """Thumbnail and quality of a take; None while they are not known."""
        return self._digests.digest(entry)

    # What can be done

    def try_simulated(self) -> None:
        """Use the simulated studio; what comes next is then offered."""
        self.in_peace(self.studio.use_simulated)

    def set_up_cameras(self) -> None:
        """On to the cameras page."""
        self.studio.go_to.emit("cameras")

    def open_recordings(self) -> None:
        """On to the takes page."""
        self.studio.go_to.emit("takes")

    def repair(self) -> None:
        """On to the takes page, which repairs."""
        self.studio.go_to.emit("takes")

    def calibrate(self) -> None:
        """On to the wizard."""
        self.studio.go_to.emit("calibrate")

    def go_live(self) -> None:
        """On to the live page, which starts the cameras."""
        self.studio.live_wanted = True
        self.studio.go_to.emit("live")

    def show_take(self, folder: Path) -> None:
        """Play a take on the takes page."""
        self.studio.take_to_show = folder
        self.studio.go_to.emit("takes")

    def use_exact_calibration(self) -> None:
        """Let the simulated studio say where its cameras stand, then go live."""
        rig = self.studio.rig
        if rig is None or self.busy:
            return
        job = BackgroundJob(exact_calibration, rig, parent=self)
        job.done.connect(partial(self._take_exact, rig))
        job.failed.connect(lambda text: self.studio.say("bad", text))
        self._start(job, "Asking the simulated studio …")

    def open_rig(self, path: Path) -> None:
        """Open one of the recent rigs."""
        if not self.busy:
            self.in_peace(partial(self._read_rig, path))

    def in_peace(self, action: Callable[[], object]) -> None:
        """Do something that changes the cameras; live pictures stop before, a recording is never touched.

        The page asks before it calls this while cameras are live.
        """
        if self.running == "recording":
            self.studio.say("warning", "A take is being recorded. Stop the recording first.")
        elif self.running:
            self._after_live = action
            self._watch_session()
            self.studio.session.stop()
        else:
            action()

    # Looking

    def enter(self) -> None:
        """The page is shown: look at everything again."""
        self._look_for_cameras()
        self._finder.look()

    def shutdown(self) -> None:
        """End everything that is under way."""
        self._closed = True
        self._finder.close()
        self._digests.cancel()
        for job in list(self._jobs):
            if isinstance(job, BackgroundJob):
                job.cancel()
        for job in list(self._jobs):
            job.wait()
        self._digests.shutdown()
        self._finder.wait()

    def _take_takes(self, _: bool) -> None:
        entries = self._finder.entries
        self.interrupted = sum(entry.state == "interrupted" for entry in entries)
        self.takes = [entry for entry in in_order(entries, "newest") if entry.is_usable][:MOST_TAKES]
        if not self._closed:
            self._digests.make_missing(self.takes)
        self.changed.emit()

    def _look_for_cameras(self) -> None:
        rig = self.studio.rig
        if rig is None or self.simulated or self._closed:
            return
        job = ThreadJob(partial(missing_cameras, rig), self)
        job.done.connect(partial(self._take_missing, rig))
        job.failed.connect(lambda text: self.studio.say("warning", text))
        self._keep(job)

    def _take_missing(self, rig: RigConfig, missing: tuple[str, ...]) -> None:
        self._missing_of, self._missing = rig, missing
        self.changed.emit()

    def _rig_changed(self) -> None:
        self._look_for_cameras()
        self.changed.emit()

    def _read_rig(self, path: Path) -> None:
        job = BackgroundJob(read_rig, path, parent=self)
        job.done.connect(self._take_rig)
        job.failed.connect(lambda text: self.studio.say("bad", f"The rig cannot be opened. {text}"))
        self._start(job, f"Opening {path.name} …")

    def _take_rig(self, read: ReadRig) -> None:
        try:
            self.studio.use_rig(read.rig, read.path)
        except PosestageError as error:
            self.studio.say("warning", f"The rig is open, but without its calibration. {error}")
        if read.note:
            self.studio.say("warning", read.note)

    def _take_exact(self, rig: RigConfig, calibration: Rig) -> None:
        if self.studio.rig is rig:
            self.studio.hold_calibration(calibration)
            self.studio.say("info", "The studio's exact calibration is in use. Real cameras need the wizard.")
            self.go_live()

    def _start(self, job: BackgroundJob, what: str) -> None:
        self.busy = what
        job.ended.connect(self._idle)
        self._keep(job)
        self.changed.emit()

    def _idle(self) -> None:
        self.busy = ""
        self.changed.emit()

    def _keep(self, job: BackgroundJob | ThreadJob) -> None:
        self._jobs.add(job)
        job.ended.connect(lambda: self._jobs.discard(job))
        job.start()

    def _watch_session(self) -> None:
        if not self._watched:
            self._watched = True
            self.studio.session.state_changed.connect(self._session_changed)

    def _session_changed(self, _: str) -> None:
        if not self.running and self._after_live is not None:
            action, self._after_live = self._after_live, None
            action()
