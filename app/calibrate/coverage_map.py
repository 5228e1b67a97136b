"""How often the board was seen where in a camera's picture."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app import theme

_CAPTION: Final = 24


class CoverageMap(QWidget):
    """Cells in the accent's colour, the fuller the more corners.

    Args:
        camera: Its name.
        size: (width, height) px of its picture.
        counts: (rows, columns) corners.
    """

    def __init__(
        self, camera: str, size: tuple[int, int], counts: NDArray[np.int64], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._camera, self._size, self._counts = camera, size, counts
        share = 100 * float((counts > 0).mean()) if counts.size else 0.0
        self._caption = f"{camera}: {share:.0f} %"
        self.setAccessibleName(self._caption)
        self.setMinimumSize(120, 90 + _CAPTION)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Of a quarter of a row."""
        return QSize(200, 150 + _CAPTION)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Cells and caption."""
        painter = QPainter(self)
        colours = theme.palette()
        width, height = self._size
        room_w, room_h = self.width(), self.height() - _CAPTION
        scale = min(room_w / width, room_h / height)
        box = QRectF((room_w - scale * width) / 2, 0, scale * width, scale * height)
        painter.fillRect(box, colours.raised)
        rows, columns = self._counts.shape
        across, down = box.width() / columns, box.height() / rows
        most = max(1.0, float(np.percentile(self._counts, 90))) if self._counts.size else 1.0
        tint = QColor(colours.accent)
        for row in range(rows):
            for column in range(columns):
                count = float(self._counts[row, column])
                if count:
                    tint.setAlphaF(0.2 + 0.8 * min(1.0, count / most))
                    left, top = box.left() + column * across, box.top() + row * down
                    painter.fillRect(QRectF(left + 0.5, top + 0.5, across - 1, down - 1), tint)
        painter.setPen(colours.quiet_text)
        caption = QRectF(0, box.bottom(), self.width(), _CAPTION)
        painter.drawText(caption, Qt.AlignmentFlag.AlignCenter, self._caption)
        painter.end()
