"""Decides about the page as a whole: starting and stopping, what stands in the way, what is drawn."""

from __future__ import annotations

from typing import Literal

from PyQt6.QtCore import QObject, pyqtSignal

from app.live.health import CameraHealth, HealthWatch, Telemetry
from app.live.pipeline_presenter import PipelinePresenter
from app.session.pipelines import NONE
from app.studio import Studio

Scene = Literal["no_rig", "off", "starting", "live", "stopping", "failed"]


class LivePresenter(QObject):
    """What the page shows is read from here after every ``changed``.

    Attributes:
        health: Of every camera by name; empty while nothing runs.
        problem: Why the cameras could not be started or had to stop.
        shown: Whether the page is looked at, and with it what it says.
    """

    changed = pyqtSignal()
    judged = pyqtSignal()
    """``health`` is new."""
    cameras_changed = pyqtSignal()
    """Other cameras than before run from now on."""

    def __init__(self, studio: Studio, pipelines: PipelinePresenter, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._pipelines = pipelines
        self._watch: HealthWatch | None = None
        self.health: dict[str, CameraHealth] = {}
        self.problem = ""
        self.shown = False
        session = studio.session
        session.state_changed.connect(self._hear_state)
        session.doing_changed.connect(lambda _: self.changed.emit())
        session.failed.connect(self._hear_failure)
        session.telemetry.connect(self._hear_numbers)
        session.news.connect(studio.say)
        session.pipeline_state_changed.connect(lambda *_: self.changed.emit())
        session.recording_changed.connect(lambda _: self.changed.emit())
        studio.rig_changed.connect(self._hear_rig)
        studio.calibration_changed.connect(self._hear_calibration)

    @property
    def scene(self) -> Scene:
        """What the middle of the page shows."""
        state = self._studio.session.state
        if state in {"off", "failed"} and self._studio.rig is None:
            return "no_rig"
        return state

    @property
    def doing(self) -> str:
        """While starting: what is being done."""
        return self._studio.session.doing or "Starting …"

    @property
    def banner(self) -> str:
        """What a viewer must be told before believing the poses."""
        return self._studio.session.label

    @property
    def can_toggle(self) -> bool:
        """Whether the button of live can be pressed."""
        return self.scene not in {"no_rig", "stopping"}

    @property
    def toggle_text(self) -> str:
        """On the button of live."""
        return {"starting": "Cancel", "live": "Stop live", "stopping": "Stopping …"}.get(
            self.scene, "Start live"
        )

    @property
    def state_words(self) -> tuple[str, str]:
        """Level and words under the button."""
        session, rig = self._studio.session, self._studio.rig
        if self.scene == "no_rig":
            return "quiet", "No cameras are set up yet."
        if self.scene == "failed":
            return "bad", "Not running."
        if self.scene == "starting":
            return "quiet", self.doing
        if self.scene == "stopping":
            return "quiet", "Closing the take …" if session.recording else "Stopping …"
        if self.scene == "live":
            bad = [name for name, health in self.health.items() if health.level == "bad"]
            if bad:
                return "bad", f"{', '.join(bad)}: no pictures. The others go on."
            slow = [name for name, health in self.health.items() if health.level == "warning"]
            if len(slow) > 1 and len(slow) == len(self.health):
                return "warning", (
                    "All cameras are slow or lose pictures. Perhaps this computer is too busy: try fewer "
                    "cameras, smaller pictures, or no poses while recording."
                )
            if slow:
                return (
                    "warning",
                    f"{', '.join(slow)}: slow, late or losing pictures. Point at it for details.",
                )
            count = len(session.rig.cameras) if session.rig else 0
            return "good", f"{count} cameras deliver." if count != 1 else "The camera delivers."
        assert rig is not None
        count = len(rig.cameras)
        return "quiet", f"{rig.name}: {count} camera{'s' if count != 1 else ''}, not running."

    def toggle(self) -> None:
        """Start, or stop what runs; an open take is closed first."""
        session = self._studio.session
        if session.state in {"starting", "live"}:
            session.stop()
        elif session.state in {"off", "failed"} and self._studio.rig is not None:
            self.start()

    def start(self) -> None:
        """Start the cameras and the chosen pipeline."""
        rig = self._studio.rig
        if rig is None:
            return
        self.problem = ""
        name = NONE if self._pipelines.missing else self._pipelines.effective
        self._studio.session.start(
            rig, self._studio.calibration, name, overrides=self._pipelines.overrides if name != NONE else ()
        )

    def reason_to_stay(self) -> str:
        """What quitting would cut short."""
        session = self._studio.session
        if not session.recording:
            return ""
        name = session.take.name if session.take is not None else "a take"
        return f"Recording {name} is still running. Quitting ends and saves it."

    def _hear_state(self, state: str) -> None:
        session = self._studio.session
        if state == "starting" and session.rig is not None:
            self._watch = HealthWatch(session.rig)
            self.health = self._watch.judge({})
            self.cameras_changed.emit()
        elif state in {"off", "failed"}:
            self._watch, self.health = None, {}
        self.changed.emit()

    def _hear_failure(self, why: str) -> None:
        self.problem = why
        if not self.shown:
            self._studio.say("bad", f"Live stopped. {why}")
        self.changed.emit()

    def _hear_numbers(self, telemetry: Telemetry) -> None:
        if self._watch is not None:
            self.health = self._watch.judge(telemetry)
            self.judged.emit()

    def _hear_rig(self) -> None:
        """Other cameras were chosen: those that run are not what the other pages talk about any more."""
        session = self._studio.session
        if session.state in {"starting", "live"} and not self._same_cameras():
            if session.recording:
                self._studio.say("info", "Recording goes on with the cameras of before; stop to change them.")
            else:
                session.stop()
        self.changed.emit()

    def _hear_calibration(self) -> None:
        """The same cameras with a new geometry: poses need it, so start again."""
        session = self._studio.session
        new = session.calibration is not self._studio.calibration
        if session.state in {"starting", "live"} and self._same_cameras() and new:
            if session.recording:
                self._studio.say("info", "The new calibration is used from the next start of live on.")
            else:
                self.start()
        self.changed.emit()

    def _same_cameras(self) -> bool:
        running, chosen = self._studio.session.rig, self._studio.rig
        return running is not None and chosen is not None and running.cameras == chosen.cameras
