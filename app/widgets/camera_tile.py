"""One camera's picture with the keypoints found in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QWidget

from app import theme
from models.skeleton import Skeleton

_SHOWN_FROM = 0.3
"""Keypoints below this score are not drawn: the model itself calls them invisible."""


class CameraTile(QWidget):
    """Draws the newest picture, scaled into the tile, with skeletons and a caption."""

    def __init__(self, camera: str) -> None:
        super().__init__()
        self.camera = camera
        self.caption = ""
        self._image: NDArray[np.uint8] | None = None
        self._keypoints: NDArray[np.float64] | None = None
        self._skeleton: Skeleton | None = None
        self.setMinimumSize(200, 150)

    def show_picture(self, image: NDArray[np.uint8]) -> None:
        """Take a (H, W, 3) BGR picture; it must stay unchanged while shown."""
        self._image = image
        self.update()

    def show_keypoints(self, keypoints: NDArray[np.float64] | None, skeleton: Skeleton | None) -> None:
        """Take (P, J, 3) keypoints: u, v in px of the picture, score; None shows none."""
        self._keypoints, self._skeleton = keypoints, skeleton

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Picture, bones, caption."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.PANEL)
        if self._image is not None:
            height, width = self._image.shape[:2]
            scale = min(self.width() / width, self.height() / height)
            left, top = (self.width() - width * scale) / 2, (self.height() - height * scale) / 2
            picture = QImage(self._image.tobytes(), width, height, 3 * width, QImage.Format.Format_BGR888)
            painter.drawImage(QRectF(left, top, width * scale, height * scale), picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_people(painter, scale, left, top)
        self._draw_caption(painter)
        painter.end()

    def _draw_people(self, painter: QPainter, scale: float, left: float, top: float) -> None:
        if self._keypoints is None or self._skeleton is None:
            return
        for person in self._keypoints:
            # A pixel's centre has whole coordinates, a painter's half ones.
            points = [QPointF(left + (u + 0.5) * scale, top + (v + 0.5) * scale) for u, v, _ in person]
            shown = np.isfinite(person[:, 0]) & (person[:, 2] >= _SHOWN_FROM)
            for a, b in self._skeleton.bones:
                if shown[a] and shown[b]:
                    painter.setPen(QPen(theme.side_colour(self._skeleton.joints[b]), 2))
                    painter.drawLine(points[a], points[b])

    def _draw_caption(self, painter: QPainter) -> None:
        box = QRectF(0, self.height() - 24, self.width(), 24)
        painter.fillRect(box, theme.PANEL)
        painter.setPen(theme.TEXT)
        inner = box.adjusted(8, 0, -8, 0)
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.camera)
        painter.setPen(theme.QUIET_TEXT)
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self.caption)
