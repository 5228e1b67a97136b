"""The demo in the desktop: the live page films the simulated studio and records, then everything closes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PyQt6.QtCore import QObject, QTimer

from app.application import prepare_desktop, run_window
from app.live.page import LivePage
from app.main_window import MainWindow
from app.preferences import Preferences, default_file
from app.studio import Studio
from calibration.rig import Rig
from configs.errors import PosestageError
from pipeline.rigs.rig_config import RigConfig
from pipeline.session.current_take import RecordingSummary
from pipeline.session.live import LiveResult
from pipeline.take.take import Take

_LAST_NUMBERS_MS: Final = 1200
"""Nodes tell their numbers once a second."""


@dataclass(frozen=True)
class DemoTask:
    """What is shown.

    Attributes:
        rig: Simulated devices.
        calibration: Their true geometry.
        pipeline: Name or yaml file.
        overrides: Settings over it.
        folder: Of the take; new.
        seconds: How long to record.
    """

    rig: RigConfig
    calibration: Rig
    pipeline: str
    overrides: tuple[str, ...]
    folder: Path
    seconds: float


@dataclass(frozen=True)
class DemoResult:
    """What came of it.

    Attributes:
        live: The session's figures.
        origin_ns: Start of its clock.
        label: What must be said before the poses are believed.
    """

    live: LiveResult
    origin_ns: int
    label: str


class Demo(QObject):
    """Presses Live and Record in a window, and closes it when the take is complete.

    Args:
        window: Shows the live page with the demo's rig, and remembers its take's name and length.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        page = window.pages["live"]
        assert isinstance(page, LivePage)
        self._window = window
        self._session = session = window.studio.session
        self._recorder = page.recorder
        self.problem = ""
        self.folder: Path | None = None
        self.label = ""
        self.telemetry: dict[str, dict[str, Any]] = {}
        self.events: list[str] = []
        self.poses_seen = 0
        self._since_s: float | None = None
        self._recorded_s: float | None = None
        session.poses.connect(self._hear_poses)
        session.news.connect(self._hear_news)
        session.telemetry.connect(self._hear_numbers)
        session.pipeline_state_changed.connect(self._hear_pipeline)
        session.recording_changed.connect(self._hear_recording)
        session.take_closed.connect(lambda _: QTimer.singleShot(_LAST_NUMBERS_MS, self._close))
        session.failed.connect(self._give_up)
        session.recording_failed.connect(self._give_up)
        session.recording_lost.connect(
            lambda folder, why: self._give_up(f"{folder} was not completed: {why}")
        )
        page.presenter.start()

    def _hear_poses(self, _frame: object) -> None:
        self.poses_seen += 1

    def _hear_news(self, level: str, text: str) -> None:
        if level in {"warning", "bad"}:
            self.events.append(text)

    def _hear_numbers(self, telemetry: Mapping[str, dict[str, Any]]) -> None:
        self.telemetry = dict(telemetry)

    def _hear_pipeline(self, state: str, why: str) -> None:
        if state == "failed":
            self._give_up(why)
        elif state == "ready" and self.folder is None:
            self.label = self._session.label
            self._recorder.press()

    def _hear_recording(self, recording: bool) -> None:
        if recording and self.folder is None:
            self.folder, self._since_s = self._session.take, time.monotonic()
        if self._session.closing and self._recorded_s is None:
            self._recorded_s = self.seconds

    @property
    def seconds(self) -> float:
        """How long was recorded, or has been so far."""
        if self._recorded_s is not None:
            return self._recorded_s
        return time.monotonic() - self._since_s if self._since_s is not None else 0.0

    def _give_up(self, why: str) -> None:
        self.problem = self.problem or why
        self._close()

    def _close(self) -> None:
        self._window.close_without_asking()


def show_demo(task: DemoTask) -> DemoResult:
    """Open the desktop, let it film and record, and close it; closing the window earlier is fine too.

    The user's settings are read but not changed.

    Raises:
        PosestageError: Cameras, poses or the recording failed, or nothing was recorded before the end.
    """
    preferences = Preferences.load(default_file()).for_once()
    preferences.takes_folder = task.folder.parent.absolute()
    preferences.pages = {"live": {"next_name": task.folder.name, "limit_s": task.seconds}}
    application = prepare_desktop(preferences)
    studio = Studio(preferences)
    studio.change_rig(task.rig, None, task.calibration, None)
    studio.pipeline = task.pipeline
    studio.pipeline_settings[task.pipeline] = task.overrides
    window = MainWindow(studio, asks=False)
    window.go_to("live")
    window.show()
    demo = Demo(window)
    interrupted = run_window(application, window)
    if demo.problem:
        raise PosestageError(demo.problem)
    if demo.folder is None:
        raise PosestageError("the window was closed before anything was recorded")
    take = Take.open(demo.folder)
    poses = take.poses()
    totals = {
        name: {"captured": one.captured, "recorded": one.recorded, "dropped": dict(one.dropped)}
        for name, one in take.header.totals.items()
    }
    summary = RecordingSummary(demo.folder, totals, len(poses) if poses is not None else 0)
    return DemoResult(
        LiveResult(
            summary,
            demo.seconds,
            demo.telemetry,
            demo.poses_seen,
            interrupted,
            str(demo.telemetry.get("session", {}).get("address", "")),
            demo.events,
        ),
        window.studio.session.origin_ns,
        demo.label,
    )
