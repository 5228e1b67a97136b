"""The time of a take at a glance: where we are, what is repeated, marks, events, lost frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPolygonF,
)
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import theme
from app.takes.take_data import Drop
from app.takes.words import clock_words

_SIDE: Final = 2.0 * theme.SPACE
_FLAGS: Final = 16.0
"""px: lane of marks and events at the top; below it the track, the lost frames, and the times."""
_TRACK: Final = QRectF(0, 22, 0, 8)
_DROPS: Final = QRectF(0, 34, 0, 6)
_TIMES: Final = 54.0
_NEAR: Final = 5.0
_TICKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True)
class Flag:
    """A moment with a name.

    Attributes:
        seconds: When.
        text: What.
        is_mark: Whether somebody set it; else the system noted it.
    """

    seconds: float
    text: str
    is_mark: bool


class TimelineBar(QWidget):
    """Click or drag to go there; hover for what is there."""

    sought = pyqtSignal(float)
    """Time that was clicked or dragged to, s."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeline")
        self.setMinimumHeight(60)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._span = (0.0, 0.0)
        self._seconds = 0.0
        self._loop: tuple[float, float] | None = None
        self._flags: list[Flag] = []
        self._drops: Sequence[Drop] = ()

    def sizeHint(self) -> QSize:
        """As wide as possible."""
        return QSize(400, 60)

    def set_take(self, span: tuple[float, float], drops: Sequence[Drop]) -> None:
        """Show another take: its first and last instant, s, and its lost frames."""
        self._span, self._drops = span, drops
        self.update()

    def set_seconds(self, seconds: float) -> None:
        """Move the cursor."""
        if seconds != self._seconds:
            self._seconds = seconds
            self.update()

    def set_loop(self, loop: tuple[float, float] | None) -> None:
        """Show what is repeated."""
        self._loop = loop
        self.update()

    def set_flags(self, flags: list[Flag]) -> None:
        """Show marks and events."""
        self._flags = flags
        self.update()

    def x_of(self, seconds: float) -> float:
        """Where a time is, px; what lies before or after the take is at its ends."""
        first, last = self._span
        width = max(1.0, self.width() - 2 * _SIDE)
        part = (seconds - first) / (last - first) if last > first else 0.0
        return _SIDE + min(max(part, 0.0), 1.0) * width

    def seconds_at(self, x: float) -> float:
        """Which time is at a place."""
        first, last = self._span
        part = (x - _SIDE) / max(1.0, self.width() - 2 * _SIDE)
        return first + min(max(part, 0.0), 1.0) * (last - first)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Track, range, lost frames, flags, times, cursor."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = theme.palette()
        left, right = _SIDE, self.width() - _SIDE
        track = QRectF(left, _TRACK.top(), right - left, _TRACK.height())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.raised)
        painter.drawRoundedRect(track, 4, 4)
        start, end = self._loop or self._span
        if self._loop is not None:
            shade = QColor(colours.accent)
            shade.setAlpha(90)
            painter.setBrush(shade)
            painter.drawRect(QRectF(self.x_of(start), track.top(), self.x_of(end) - self.x_of(start), 8))
        cursor = self.x_of(self._seconds)
        painter.setBrush(colours.accent)
        begin = self.x_of(start)
        if cursor > begin:
            painter.drawRoundedRect(QRectF(begin, track.top(), cursor - begin, track.height()), 4, 4)
        if self._loop is not None:
            for x in (self.x_of(start), self.x_of(end)):
                painter.drawRect(QRectF(x - 1, track.top() - 4, 2, track.height() + 8))
        self._paint_times(painter)
        self._paint_drops(painter)
        self._paint_flags(painter)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.text)
        painter.fillRect(round(cursor) - 1, round(_FLAGS), 2, round(_DROPS.bottom() - _FLAGS), colours.text)
        painter.drawEllipse(QPointF(cursor, track.center().y()), 7, 7)
        painter.end()

    def _paint_drops(self, painter: QPainter) -> None:
        columns: set[int] = set()
        for drop in self._drops:
            columns |= {round(self.x_of(float(at))) for at in drop.seconds}
        for x in columns:
            # Whole pixels: so thin a line must not be watered down.
            painter.fillRect(x - 1, round(_DROPS.top()), 2, round(_DROPS.height()), theme.palette().bad)

    def _paint_times(self, painter: QPainter) -> None:
        colours = theme.palette()
        first, last = self._span
        if last <= first:
            return
        small = QFont(self.font())
        small.setPixelSize(11)
        painter.setFont(small)
        metrics = QFontMetricsF(small)
        room = metrics.horizontalAdvance("00:00.00") + 3 * theme.SPACE
        most = max(1.0, (self.width() - 2 * _SIDE) / room)
        step = next((tick for tick in _TICKS if (last - first) / tick <= most), _TICKS[-1])
        for number in range(int(np.ceil(first / step)), int(np.floor(last / step)) + 1):
            seconds = number * step
            text = _tick_words(seconds, step)
            x = self.x_of(seconds)
            painter.setPen(colours.border)
            painter.drawLine(QPointF(x, _TRACK.bottom() + 2), QPointF(x, _DROPS.bottom() + 2))
            painter.setPen(colours.quiet_text)
            half = metrics.horizontalAdvance(text) / 2
            x = min(max(x, half), self.width() - half)
            painter.drawText(QPointF(x - half, _TIMES), text)

    def _paint_flags(self, painter: QPainter) -> None:
        colours = theme.palette()
        painter.setPen(Qt.PenStyle.NoPen)
        for flag in self._flags:
            x = self.x_of(flag.seconds)
            if flag.is_mark:
                painter.setBrush(colours.accent)
                painter.fillRect(round(x) - 1, 4, 2, round(_TRACK.top()) - 4, colours.accent)
                pennant = [QPointF(x, 4), QPointF(x + 9, 7.5), QPointF(x, 11)]
                painter.drawPolygon(QPolygonF(pennant))
            else:
                painter.setBrush(colours.warning)
                triangle = [QPointF(x - 5, 16), QPointF(x + 5, 16), QPointF(x, 8)]
                painter.drawPolygon(QPolygonF(triangle))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Go there."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._seek(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag the cursor."""
        if event is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event.position().x())

    def event(self, event: QEvent | None) -> bool:
        """Say what is under the pointer."""
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.words_at(float(event.pos().x())), self)
            return True
        return super().event(event)

    def words_at(self, x: float) -> str:
        """What is at a place: time, marks, events, lost frames."""
        lines = [clock_words(self.seconds_at(x))]
        lines += [flag.text for flag in self._flags if abs(self.x_of(flag.seconds) - x) <= _NEAR]
        for drop in self._drops:
            near = sum(abs(self.x_of(float(at)) - x) <= _NEAR for at in drop.seconds)
            if near:
                frames = f"{near} frame{'s' if near != 1 else ''}"
                lines.append(f"{drop.camera}: {frames} not recorded ({', '.join(drop.causes)})")
        return "\n".join(lines)

    def _seek(self, x: float) -> None:
        if self._span[1] > self._span[0]:
            self.sought.emit(self.seconds_at(x))


def _tick_words(seconds: float, step: float) -> str:
    decimals = 2 if step < 0.1 else 1 if step < 1 else 0
    minutes = int(seconds // 60)
    rest = seconds - 60 * minutes
    width = 3 + decimals if decimals else 2
    return f"{minutes}:{rest:0{width}.{decimals}f}"
