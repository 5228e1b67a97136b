"""The window of a running session: camera tiles, the skeleton in space, and the figures that matter."""

from __future__ import annotations

import math
import os
import time

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QKeyEvent
from PyQt6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app import theme
from app.space.space_view import make_space_view
from app.widgets.camera_tile import CameraTile
from models.pose_frame import PoseFrame
from pipeline.frame_ring import FrameRingReader, RingError
from pipeline.rig_nodes import grabber_name
from pipeline.session import Session

_SHORTEST_PAUSE_S = 0.02
_POSES_MISSING_AFTER_S = 0.5
"""Without new poses for this long the tiles show live pictures, without keypoints."""


class LiveWindow(QWidget):
    """Shows a session; owns nothing of it. ``refresh`` is called some 30 times a second."""

    def __init__(self, session: Session, label: str = "") -> None:
        super().__init__()
        self.setWindowTitle(f"Posestage: {session.rig.name}")
        self.setStyleSheet(theme.STYLE)
        self.closed = False
        self._next_drawing_s = 0.0
        self._drawn_poses_ns = -1
        self._drawn_poses_at_s = 0.0
        self._session = session
        self._rings: dict[str, FrameRingReader] = {}
        self._latest_ns: dict[str, int] = {}
        self.tiles = {name: CameraTile(name) for name in session.rig.names}
        self.space = make_space_view()
        self.space.set_rig(session.calibration)
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
        """Draw what is new, let Qt handle its events.

        Drawing takes at most a quarter of a core: a preview must not slow down what it shows.
        """
        started_s = time.monotonic()
        if started_s >= self._next_drawing_s:
            self._draw(seconds, poses)
            QApplication.processEvents()
            now_s = time.monotonic()
            self._next_drawing_s = now_s + max(_SHORTEST_PAUSE_S, 3 * (now_s - started_s))
        else:
            QApplication.processEvents()

    def _draw(self, seconds: float, poses: PoseFrame | None) -> None:
        telemetry = self._session.telemetry()
        now_s = time.monotonic()
        new_poses = poses is not None and poses.time_ns != self._drawn_poses_ns
        if new_poses and poses is not None:
            self._drawn_poses_ns, self._drawn_poses_at_s = poses.time_ns, now_s
            self.space.show_people(poses.smoothed, poses.skeleton, poses.person)
        live = now_s - self._drawn_poses_at_s > _POSES_MISSING_AFTER_S
        for view, (name, tile) in enumerate(self.tiles.items()):
            tile.caption = f"{telemetry.get(grabber_name(name), {}).get('fps', 0):.1f} fps"
            if new_poses and poses is not None:
                # The picture that the poses were found in, so that keypoints lie where the person is.
                self._show_picture(name, tile, int(poses.view_times_ns[view]))
                tile.show_keypoints(poses.keypoints[:, view], poses.skeleton)
            elif live:
                self._show_picture(name, tile, None)
                tile.show_keypoints(None, None)
        self._status.setText(self._status_line(seconds, telemetry))

    def _show_picture(self, name: str, tile: CameraTile, t_capture_ns: int | None) -> None:
        """Show the picture of that time, or the newest."""
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
        picture = ring.find(t_capture_ns) if t_capture_ns is not None else None
        if picture is None:
            newest = ring.peek()
            if newest is None or newest[0] == self._latest_ns.get(name):
                return
            self._latest_ns[name], picture = newest
        tile.show_picture(picture)

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
        """Let go of the cameras' memory and the drawing process; called before the session ends."""
        self.space.shutdown()
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
