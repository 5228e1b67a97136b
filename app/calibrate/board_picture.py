"""A page with a board, as it would be printed."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from app import theme
from calibration.board_sheet import Rectangle, Sheet

_MARGIN: Final = 2 * theme.SPACE
_PAPER: Final = QColor(255, 255, 255)
_INK: Final = QColor(16, 16, 16)


class BoardPicture(QWidget):
    """Draws a sheet to scale; grey when there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("boardPicture")
        self.setMinimumSize(240, 200)
        self._sheet: Sheet | None = None

    def sizeHint(self) -> QSize:
        """Large enough to see the squares."""
        return QSize(480, 360)

    def show_sheet(self, sheet: Sheet | None) -> None:
        """Take what would be printed."""
        self._sheet = sheet
        if sheet is not None:
            self.setAccessibleName(sheet.board.words())
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The page with its shadow, then ink."""
        painter = QPainter(self)
        colours = theme.palette()
        sheet = self._sheet
        if sheet is None:
            painter.setPen(colours.quiet_text)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "These figures make no board.")
            return
        width, height = sheet.size_mm
        scale = min((self.width() - 2 * _MARGIN) / width, (self.height() - 2 * _MARGIN) / height)
        left, top = (self.width() - scale * width) / 2, (self.height() - scale * height) / 2
        page = QRectF(left, top, scale * width, scale * height)
        painter.fillRect(page.translated(3, 3), colours.border)
        painter.fillRect(page, _PAPER)

        def fill(areas: tuple[Rectangle, ...], colour: QColor) -> None:
            for area in areas:
                # Edges on whole pixels, so that neighbours leave no hairline.
                x0, y0 = round(left + scale * area.x), round(top + scale * area.y)
                x1 = round(left + scale * (area.x + area.width))
                y1 = round(top + scale * (area.y + area.height))
                painter.fillRect(x0, y0, max(1, x1 - x0), max(1, y1 - y0), colour)

        if sheet.ground is not None:
            fill((sheet.ground,), _INK)
        fill(sheet.ink, _INK if sheet.ground is None else _PAPER)
        fill(sheet.ruler, _INK)
        painter.setPen(_INK)
        font = painter.font()
        for words in sheet.words:
            font.setPixelSize(max(1, round(words.height * scale)))
            painter.setFont(font)
            height = 1.4 * words.height * scale
            line = QRectF(
                left + words.x * scale, top + (words.y - words.height) * scale, page.width(), height
            )
            place = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(line, place, words.text)
        painter.end()
