"""A 3D view that needs no OpenGL: floor, cameras and skeletons drawn as lines.

Left drag orbits, right drag pans, the wheel zooms, a double click resets.
"""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QLineF, QPointF, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PyQt6.QtWidgets import QWidget

from app import theme
from calibration.camera import Camera
from calibration.rig import Rig
from models.skeleton import Skeleton

_FLOOR_MM = 2500
_FLOOR_STEP_MM = 500
_FRUSTUM_MM = 300
_NEAR_MM = 50.0


class WireframeView(QWidget):
    """Orbit view on a rig and the people in it. World: mm, Z up."""

    def __init__(self, rig: Rig | None) -> None:
        super().__init__()
        self._floor = _grid()
        cameras = rig.cameras if rig is not None else ()
        self._frusta = np.concatenate([np.zeros((0, 2, 3)), *(_frustum(camera) for camera in cameras)])
        self._joints: NDArray[np.float64] | None = None
        self._skeleton: Skeleton | None = None
        self._pressed: QPointF | None = None
        self.setMinimumSize(320, 320)
        self.reset()

    def reset(self) -> None:
        """Look at the middle of the floor from the front."""
        self.azimuth_deg, self.elevation_deg, self.distance_mm = -60.0, 18.0, 5200.0
        self.target = np.array([0.0, 0.0, 850.0])
        self.update()

    def show_people(self, joints: NDArray[np.float64], skeleton: Skeleton) -> None:
        """Take (P, J, 3) joints in mm, NaN where missing."""
        self._joints, self._skeleton = joints, skeleton
        self.update()

    def project(self, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """World points (..., 3) mm to widget pixels (..., 2) and depth (...) mm."""
        azimuth, elevation = radians(self.azimuth_deg), radians(self.elevation_deg)
        forward = -np.array([cos(elevation) * cos(azimuth), cos(elevation) * sin(azimuth), sin(elevation)])
        right = np.array([-sin(azimuth), cos(azimuth), 0.0])
        down = np.cross(forward, right)
        eye = self.target - self.distance_mm * forward
        local = (points - eye) @ np.stack([right, down, forward], axis=1)
        depth = local[..., 2]
        focal = 1.1 * min(self.width(), self.height())
        with np.errstate(invalid="ignore", divide="ignore"):
            pixels = local[..., :2] * (focal / depth)[..., None]
        return pixels + np.array([self.width() / 2, self.height() / 2]), depth

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Floor, cameras, people."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.BACKGROUND)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._lines(painter, self._floor, theme.GRID, 1)
        self._lines(painter, self._frusta, theme.CAMERA, 1)
        if self._joints is not None and self._skeleton is not None:
            bones = np.array(self._skeleton.bones)
            for person in self._joints:
                for colour in (theme.MIDDLE, theme.LEFT, theme.RIGHT):
                    chosen = [theme.side_colour(self._skeleton.joints[b]) == colour for _, b in bones]
                    self._lines(painter, person[bones[chosen]], colour, 4)
        painter.end()

    def _lines(self, painter: QPainter, ends: NDArray[np.float64], colour: QColor, width: int) -> None:
        """Draw (L, 2, 3) lines in world mm; those that are missing or behind the eye are left out."""
        pixels, depth = self.project(ends)
        shown = np.isfinite(pixels).all(axis=(1, 2)) & (depth > _NEAR_MM).all(axis=1)
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        for (x1, y1), (x2, y2) in pixels[shown].tolist():
            painter.drawLine(QLineF(x1, y1, x2, y2))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Start a drag."""
        if event is not None:
            self._pressed = event.position()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Orbit with the left button, pan with the right one."""
        if event is None or self._pressed is None:
            return
        moved = event.position() - self._pressed
        self._pressed = event.position()
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.azimuth_deg -= moved.x() * 0.4
            self.elevation_deg = min(89.0, max(-10.0, self.elevation_deg + moved.y() * 0.4))
        elif event.buttons() & Qt.MouseButton.RightButton:
            azimuth = radians(self.azimuth_deg)
            scale = self.distance_mm / self.height()
            self.target -= moved.x() * scale * np.array([-sin(azimuth), cos(azimuth), 0.0])
            self.target[2] += moved.y() * scale
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Back to the first view."""
        self.reset()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom."""
        if event is not None:
            factor = 0.999 ** event.angleDelta().y()
            self.distance_mm = min(30_000.0, max(500.0, self.distance_mm * factor))
            self.update()


def _grid() -> NDArray[np.float64]:
    """(L, 2, 3) lines of the floor, mm."""
    lines = []
    for step in range(-_FLOOR_MM, _FLOOR_MM + 1, _FLOOR_STEP_MM):
        lines.append([[step, -_FLOOR_MM, 0], [step, _FLOOR_MM, 0]])
        lines.append([[-_FLOOR_MM, step, 0], [_FLOOR_MM, step, 0]])
    return np.array(lines, dtype=float)


def _frustum(camera: Camera) -> NDArray[np.float64]:
    """(8, 2, 3) edges of a camera's field of view, in world mm."""
    width, height = camera.size
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], dtype=float)
    apex, directions = camera.unproject(corners)
    far = apex + directions * _FRUSTUM_MM
    return np.stack([np.r_[far, far], np.r_[np.roll(far, 1, axis=0), np.tile(apex, (4, 1))]], axis=1)
