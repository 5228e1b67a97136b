"""One camera while the board is shown: its picture, the corners found in it, and where it has been seen."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.calibrate.advice import CameraState

Image = NDArray[np.uint8]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_FOOT: Final = 6 * theme.SPACE
_FULL: Final = 12
"""Corners in a cell from which its colour no longer changes."""
_BAR: Final = 4


class BoardTile(QWidget):
    """Draws what it is given. The coverage map lies over the picture: visited cells are tinted."""

    def __init__(self, camera: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"tile_{camera}")
        self.setAccessibleName(camera)
        self.setMinimumSize(200, 150 + _FOOT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.camera = camera
        self.show_map = True
        self.placeholder = "Waiting for a picture"
        self._image: QImage | None = None
        self._size = (4, 3)
        self._corners: Floats = np.zeros((0, 2))
        self._counts: Ints = np.zeros((0, 0), np.int64)
        self._covered = 0.0
        self._state = CameraState("quiet", "")
        self._views = 0

    def sizeHint(self) -> QSize:
        """Of a small picture."""
        return QSize(400, 300 + _FOOT)

    def show_picture(self, image: Image | None) -> None:
        """Take a (H, W, 3) BGR picture, perhaps shrunk."""
        if image is None:
            self._image = None
        else:
            # As large as it is painted and in the screen's own format, so that painting it is a copy.
            target = self.picture_size()
            if image.shape[1::-1] != target:
                image = np.asarray(cv2.resize(image, target, interpolation=cv2.INTER_LINEAR), np.uint8)
            data = np.ascontiguousarray(image).tobytes()
            picture = QImage(data, target[0], target[1], 3 * target[0], QImage.Format.Format_BGR888)
            self._image = picture.convertToFormat(QImage.Format.Format_RGB32)
            self._image.setDevicePixelRatio(self.devicePixelRatioF())
        self.update()

    def show_corners(self, corners: Floats, size: tuple[int, int]) -> None:
        """Take (N, 2) px in the full picture of (width, height)."""
        self._corners = corners
        if size[0] > 0:
            self._size = size

    def show_progress(self, state: CameraState, views: int, covered: float, counts: Ints) -> None:
        """Take how far this camera is."""
        if (state, views, covered) == (self._state, self._views, self._covered):
            return
        self._state, self._views, self._covered, self._counts = state, views, covered, counts
        self.setToolTip(state.trouble or state.detail)
        self.update()

    def set_map(self, on: bool) -> None:
        """Whether the coverage map is drawn."""
        self.show_map = on
        self.update()

    def picture_size(self) -> tuple[int, int]:
        """Width and height px that a picture is drawn with."""
        box = self._picture_box()
        ratio = self.devicePixelRatioF()
        return max(1, round(box.width() * ratio)), max(1, round(box.height() * ratio))

    def _picture_box(self) -> QRectF:
        width, height = self._size
        room_w, room_h = self.width() - 4, max(1, self.height() - _FOOT - 4)
        scale = min(room_w / width, room_h / height)
        # Picture and foot together in the middle of the tile.
        left, top = (self.width() - scale * width) / 2, (self.height() - _FOOT - scale * height) / 2
        return QRectF(round(left), round(top), round(scale * width), round(scale * height))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Picture, map, corners, words."""
        painter = QPainter(self)
        colours = theme.palette()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._edge(), 1.5))
        painter.setBrush(colours.panel)
        box = self._picture_box()
        frame = QRectF(box.left(), box.top(), box.width(), box.height() + _FOOT).adjusted(-1, -1, 1, 0)
        painter.drawRoundedRect(frame, theme.RADIUS, theme.RADIUS)
        painter.fillRect(box, colours.raised)
        if self._image is not None:
            painter.drawImage(box.topLeft(), self._image)
        elif not self._counts.any():
            painter.setPen(colours.quiet_text)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.placeholder)
        if self.show_map and self._counts.size:
            self._draw_map(painter, box)
        self._draw_corners(painter, box)
        self._draw_foot(painter, box)
        painter.end()

    def _edge(self) -> QColor:
        colours = theme.palette()
        return {"good": colours.good, "warning": colours.border, "bad": colours.bad}.get(
            self._state.level, colours.border
        )

    def _draw_map(self, painter: QPainter, box: QRectF) -> None:
        rows, columns = self._counts.shape
        width, height = box.width() / columns, box.height() / rows
        tint = QColor(theme.DARK.good)  # on a picture, whatever the theme
        for row, column in zip(*np.nonzero(self._counts), strict=True):
            tint.setAlphaF(0.12 + 0.30 * min(1.0, float(self._counts[row, column]) / _FULL))
            painter.fillRect(QRectF(box.left() + column * width + 0.5, box.top() + row * height + 0.5,
                                    width - 1, height - 1), tint)  # fmt: skip

    def _draw_corners(self, painter: QPainter, box: QRectF) -> None:
        if not len(self._corners):
            return
        scale = box.width() / self._size[0]
        for ring, width in ((QColor(0, 0, 0, 160), 3.5), (theme.DARK.warning, 1.8)):
            painter.setPen(QPen(ring, width))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for x, y in self._corners:
                painter.drawEllipse(
                    QPointF(box.left() + (x + 0.5) * scale, box.top() + (y + 0.5) * scale), 3.5, 3.5
                )

    def _draw_foot(self, painter: QPainter, box: QRectF) -> None:
        colours = theme.palette()
        inner = QRectF(box.left() + 12, box.bottom() + 4, box.width() - 24, 20)
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(colours.text)
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.camera)
        colour = {"good": colours.good, "warning": colours.warning, "bad": colours.bad}.get(
            self._state.level, colours.quiet_text
        )
        painter.setPen(colour)
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._state.word)
        font.setBold(False)
        painter.setFont(font)
        painter.setPen(colours.quiet_text)
        line = inner.translated(0, 18)
        metrics = QFontMetrics(font)
        trouble = self._state.trouble
        if trouble:
            painter.setPen(colours.warning)
            words = metrics.elidedText(trouble, Qt.TextElideMode.ElideRight, int(line.width()))
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        else:
            self._draw_figures(painter, line, metrics)
        bar = QRectF(line.left(), box.bottom() + _FOOT - _BAR - 3, line.width(), _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.raised)
        painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(colours.good if self._state.level == "good" else colours.accent)
        share = min(1.0, self._covered)
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * share, bar.height()), 2, 2)

    def _draw_figures(self, painter: QPainter, line: QRectF, metrics: QFontMetrics) -> None:
        left = f"{self._views} views, {100 * self._covered:.0f} % covered"
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, left)
        room = int(line.width()) - metrics.horizontalAdvance(left) - 16
        if metrics.horizontalAdvance(self._state.detail) <= room:
            place = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(line, place, self._state.detail)
