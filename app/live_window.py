"""The window of a running session: camera tiles, the skeleton in space, and the figures that matter."""

from __future__ import annotations

import math
import os

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QKeyEvent
from PyQt6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app import theme
from app.widgets.camera_tile import CameraTile
from app.widgets.wireframe_view import WireframeView
from models.pose_frame import PoseFrame
from pipeline.frame_ring import FrameRingReader, RingError
from pipeline.session import Session, grabber_name


class LiveWindow(QWidget):
    """Shows a session; owns nothing of it. ``refresh`` is called some 30 times a second."""

    def __init__(self, session: Session, label: str = "") -> None:
        super().__init__()
        self.setWindowTitle(f"Posestage: {session.rig.name}")
        self.setStyleSheet(theme.STYLE)
        self.closed = False
        self._session = session
        self._rings: dict[str, FrameRingReader] = {}
        self._latest_ns: dict[str, int] = {}
        self.tiles = {name: CameraTile(name) for name in session.rig.names}
        self.space = WireframeView(session.calibration)
        self._status = QLabel("starting …")
        self._status.setObjectName("status")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        if label:
            banner = QLabel(label)
            banner.setObjectName("banner")
            banner.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(banner)
        middle = QHBoxLayout()
        middle.setContentsMargins(8, 8, 8, 8)
        middle.setSpacing(8)
        grid = QGridLayout()
        grid.setSpacing(8)
        columns = math.ceil(math.sqrt(len(self.tiles)))
        for place, tile in enumerate(self.tiles.values()):
            grid.addWidget(tile, place // columns, place % columns)
        middle.addLayout(grid, 3)
        middle.addWidget(self.space, 2)
        layout.addLayout(middle, 1)
        layout.addWidget(self._status)
        self.resize(1360, 720)

    def refresh(self, seconds: float, poses: PoseFrame | None) -> None:
        """Draw the newest pictures and poses, let Qt handle its events."""
        telemetry = self._session.telemetry()
        for view, (name, tile) in enumerate(self.tiles.items()):
            numbers = telemetry.get(grabber_name(name), {})
            tile.caption = f"{numbers.get('fps', 0):.1f} fps"
            if poses is not None:
                tile.show_keypoints(poses.keypoints[:, view], poses.skeleton)
            self._show_newest(name, tile)
        if poses is not None:
            self.space.show_people(poses.smoothed, poses.skeleton)
        self._status.setText(self._status_line(seconds, telemetry))
        QApplication.processEvents()

    def _show_newest(self, name: str, tile: CameraTile) -> None:
        ring_name = self._session.details(grabber_name(name)).get("ring")
        ring = self._rings.get(name)
        if ring is None or ring.name != ring_name:
            if ring is not None:
                ring.close()
            self._rings.pop(name, None)
            try:
                ring = self._rings[name] = FrameRingReader(str(ring_name))
            except RingError:
                return
        newest = ring.peek()
        if newest is not None and newest[0] != self._latest_ns.get(name):
            self._latest_ns[name] = newest[0]
            tile.show_picture(newest[1])

    def _status_line(self, seconds: float, telemetry: dict[str, dict[str, object]]) -> str:
        inference = telemetry.get("inference", {})
        parts = [f"{seconds:5.1f} s"]
        if inference.get("sets"):
            latency = inference.get("latency_recent_ms")
            parts.append(f"poses {inference['fps']} per second")
            if isinstance(latency, dict) and latency:
                parts.append(f"capture to skeleton {latency['p50']:.0f} ms (p95 {latency['p95']:.0f} ms)")
        recorder = telemetry.get("recorder", {})
        if recorder.get("recording"):
            parts.append(f"recording: {recorder['frames']} frames")
        return "    ".join(parts)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Escape and Q end."""
        if event is not None and event.key() in {Qt.Key.Key_Escape, Qt.Key.Key_Q}:
            self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Note that the user is done; the session saves everything and ends."""
        self.closed = True
        self.detach()

    def detach(self) -> None:
        """Let go of the cameras' memory; called before the session ends."""
        for ring in self._rings.values():
            ring.close()
        self._rings.clear()


def open_window(session: Session, label: str = "") -> LiveWindow:
    """Create the application if there is none, and show the window."""
    for variable in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
        os.environ.pop(
            variable, None
        )  # OpenCV wheels with windows bundle another Qt and point at its plug-ins
    if QApplication.instance() is None:
        open_window.application = QApplication([])  # type: ignore[attr-defined]  # lives as long as we do
    window = LiveWindow(session, label)
    window.show()
    return window
