"""The line at the foot of the window: which rig, whether calibrated, what runs, what was said."""

from __future__ import annotations

import time

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app import theme
from app.studio import Studio
from app.widgets.buttons import button

_LIVE_WORDS = {
    "off": "cameras off",
    "starting": "starting cameras …",
    "live": "live",
    "stopping": "stopping …",
    "failed": "not running",
}


class StatusLine(QWidget):
    """What is true of the whole application, whichever page is shown."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.setObjectName("status")
        self.setFixedHeight(4 * theme.SPACE)
        self._studio = studio
        self._recording_since: float | None = None
        self.rig = QLabel()
        self.calibration = QLabel()
        self.live = QLabel("cameras off")
        self.live.setProperty("role", "quiet")
        self.recording = QLabel()
        self.recording.setObjectName("recordingIndicator")
        self.recording.setProperty("role", "bad")
        self.messages = button("No messages", "openMessages", kind="quiet", tip="What has been said so far")
        self.messages.setFixedHeight(3 * theme.SPACE)
        self.messages.setStyleSheet("padding: 0 8px; min-height: 0;")
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * theme.SPACE, 0, theme.SPACE, 0)
        row.setSpacing(3 * theme.SPACE)
        for label in (self.rig, self.calibration, self.live, self.recording):
            row.addWidget(label)
        row.addStretch(1)
        row.addWidget(self.messages)
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(self._tell_time)
        studio.rig_changed.connect(self._tell_rig)
        studio.calibration_changed.connect(self._tell_rig)
        self._tell_rig()

    def watch_session(self) -> None:
        """Follow the session, once there is one."""
        session = self._studio.session
        session.state_changed.connect(self._tell_live)
        session.recording_changed.connect(self._tell_recording)

    def count_messages(self, number: int) -> None:
        """Say how many there were."""
        self.messages.setText("No messages" if not number else f"Messages ({number})")

    def _tell_rig(self) -> None:
        rig = self._studio.rig
        if rig is None:
            self.rig.setText("No cameras set up")
            self.calibration.setText("")
            return
        cameras = len(rig.cameras)
        self.rig.setText(f"{rig.name}: {cameras} camera{'s' if cameras > 1 else ''}")
        calibrated = self._studio.calibration is not None
        self.calibration.setText("calibrated" if calibrated else "not calibrated")
        theme.set_role(self.calibration, "good" if calibrated else "warning")

    def _tell_live(self, state: str) -> None:
        self.live.setText(_LIVE_WORDS.get(state, state))
        theme.set_role(self.live, {"live": "good", "failed": "bad"}.get(state, "quiet"))

    def _tell_recording(self, recording: bool) -> None:
        self._recording_since = time.monotonic() if recording else None
        if recording:
            self._clock.start()
        else:
            self._clock.stop()
        self._tell_time()

    def _tell_time(self) -> None:
        if self._recording_since is None:
            self.recording.setText("")
            return
        seconds = int(time.monotonic() - self._recording_since)
        self.recording.setText(f"● recording {seconds // 60:02d}:{seconds % 60:02d}")
