"""Which cameras saw the board together: cameras on a circle, lines between those that share moments."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app import theme

NOTHING_SHARED: Final[NDArray[np.int64]] = np.zeros((0, 0), np.int64)

_NODE: Final = 9.0
_LONGEST: Final = 1.5
_MOST_NUMBERS: Final = 8
"""Cameras up to which every line carries its number."""


class GraphView(QWidget):
    """Draws the view graph; the weakest pair stands out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("viewGraph")
        self.setAccessibleName("Moments that cameras share")
        self.setMinimumSize(200, 140)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._names: tuple[str, ...] = ()
        self._shared: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._weak: frozenset[str] = frozenset()
        self._enough = 8
        self._seeing: frozenset[str] = frozenset()

    def sizeHint(self) -> QSize:
        """Of a graph of four."""
        return QSize(280, 150)

    def show_graph(
        self,
        names: Sequence[str],
        shared: NDArray[np.int64],
        *,
        weak: Sequence[str] = (),
        enough: int = 8,
        seeing: Sequence[str] = (),
    ) -> None:
        """Take the graph.

        Args:
            names: Of the cameras.
            shared: (C, C) moments that two share; on the diagonal those of one.
            weak: The pair to stand out; empty for none.
            enough: Moments that tie a pair.
            seeing: Cameras that see the board now.
        """
        present = tuple(names), frozenset(weak), enough, frozenset(seeing)
        if present == (self._names, self._weak, self._enough, self._seeing) and np.array_equal(
            shared, self._shared
        ):
            return
        self._shared = shared
        self._names, self._weak, self._enough, self._seeing = present
        self.update()

    def places(self) -> list[QPointF]:
        """Where the cameras are drawn."""
        count = len(self._names)
        metrics = QFontMetrics(self.font())
        label = max((metrics.horizontalAdvance(name) for name in self._names), default=0)
        across = max(20.0, self.width() / 2 - _NODE - label - 12)
        down = max(20.0, self.height() / 2 - _NODE - 26)
        # Not so long that the lines say something about distances.
        across, down = min(across, _LONGEST * down), min(down, _LONGEST * across)
        middle = QPointF(self.width() / 2, self.height() / 2)
        if count == 1:
            return [middle]
        start = pi if count == 2 else -pi / 2 - pi / count
        return [
            middle + QPointF(across * cos(start + 2 * pi * k / count), down * sin(start + 2 * pi * k / count))
            for k in range(count)
        ]

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Lines, then cameras."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = theme.palette()
        if len(self._shared) != len(self._names) or not self._names:
            painter.setPen(colours.quiet_text)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "No views yet")
            return
        places = self.places()
        count = len(places)
        pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
        most = max((int(self._shared[pair]) for pair in pairs), default=1) or 1
        for a, b in pairs:
            self._draw_line(painter, places[a], places[b], int(self._shared[a, b]), most, self._is_weak(a, b))
        for a, b in pairs:
            number = int(self._shared[a, b])
            if (number and count <= _MOST_NUMBERS) or self._is_weak(a, b):
                part = 0.5 if count <= 3 else 0.36 if (a + b) % 2 else 0.64
                self._draw_number(
                    painter, places[a] + (places[b] - places[a]) * part, number, self._is_weak(a, b)
                )
        for name, place, own in zip(self._names, places, np.diag(self._shared), strict=True):
            self._draw_camera(painter, name, place, int(own))
        painter.end()

    def _is_weak(self, a: int, b: int) -> bool:
        return self._weak == {self._names[a], self._names[b]}

    def _colour(self, shared: int, weak: bool) -> QColor:
        colours = theme.palette()
        if shared >= self._enough:
            return colours.good
        return colours.warning if weak or shared else colours.border

    def _draw_line(
        self, painter: QPainter, one: QPointF, other: QPointF, shared: int, most: int, weak: bool
    ) -> None:
        if not shared and not weak:
            return
        width = 1.5 + 4.5 * (shared / most) ** 0.5
        style = Qt.PenStyle.SolidLine if shared else Qt.PenStyle.DashLine
        painter.setPen(QPen(self._colour(shared, weak), width if shared else 1.5, style))
        painter.drawLine(one, other)

    def _draw_number(self, painter: QPainter, place: QPointF, shared: int, weak: bool) -> None:
        colours = theme.palette()
        text = str(shared)
        metrics = QFontMetrics(painter.font())
        box = QRectF(0, 0, metrics.horizontalAdvance(text) + 12, 20)
        box.moveCenter(place)
        painter.setPen(QPen(self._colour(shared, weak), 1.0))
        painter.setBrush(colours.panel)
        painter.drawRoundedRect(box, 10, 10)
        painter.setPen(colours.text)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _draw_camera(self, painter: QPainter, name: str, place: QPointF, own: int) -> None:
        colours = theme.palette()
        painter.setPen(QPen(colours.panel, 2))
        painter.setBrush(colours.accent if name in self._seeing else colours.camera)
        painter.drawEllipse(place, _NODE, _NODE)
        painter.setPen(colours.text)
        metrics = QFontMetrics(painter.font())
        width = metrics.horizontalAdvance(name) + 4
        left = place.x() < self.width() / 2 - 2
        if abs(place.x() - self.width() / 2) < 4:
            above = place.y() < self.height() / 2
            box = QRectF(place.x() - width / 2, place.y() + (-_NODE - 22 if above else _NODE + 4), width, 18)
        else:
            box = QRectF(
                place.x() - _NODE - 4 - width if left else place.x() + _NODE + 4, place.y() - 9, width, 18
            )
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)
