"""Looks for cameras that are plugged in; opening each takes seconds, so a process does it."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, pyqtSignal

from app.background_job import BackgroundJob, Report
from app.cameras.rig_draft import CameraDraft
from pipeline.drivers.device_info import DeviceInfo


def look_for_devices(report: Report) -> list[DeviceInfo]:
    """Every camera of this machine with its modes, or why it cannot be used."""
    from pipeline.drivers.discovery import discover

    report(-1.0, "looking for cameras")
    return discover(probe=True)


class DeviceSearch(QObject):
    """The cameras of this machine.

    Args:
        look: What finds them, in a process.
        parent: Its owner.

    Attributes:
        found: What was found; None before the first search has ended.
        problem: Why the last search failed; else empty.
    """

    changed = pyqtSignal()

    def __init__(
        self,
        look: Callable[[Report], list[DeviceInfo]] = look_for_devices,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.found: list[DeviceInfo] | None = None
        self.problem = ""
        self._look = look
        self._job: BackgroundJob | None = None

    @property
    def searching(self) -> bool:
        """Whether it is looking now."""
        return self._job is not None

    def start(self) -> None:
        """Look again, unless it is looking already."""
        if self._job is not None:
            return
        self._job = BackgroundJob(self._look, parent=self)
        self._job.done.connect(self._take)
        self._job.failed.connect(self._fail)
        self._job.ended.connect(self._end)
        self._job.start()
        self.changed.emit()

    def shutdown(self) -> None:
        """End the search."""
        if self._job is not None:
            self._job.cancel()
            self._job.wait()

    def device_of(self, camera: CameraDraft) -> DeviceInfo | None:
        """The found device that a camera of the rig means."""
        wanted = str(camera.settings.get("device", "0"))
        if camera.driver != "usb" or self.found is None:
            return None
        names = {wanted, f"/dev/video{wanted}"} if wanted.isdigit() else {wanted}
        return next((one for one in self.found if names & {one.stable_id, one.path}), None)

    def _take(self, found: list[DeviceInfo]) -> None:
        self.found, self.problem = found, ""

    def _fail(self, problem: str) -> None:
        self.problem = problem

    def _end(self) -> None:
        self._job = None
        self.changed.emit()
