"""A take as a picture with its name and quality."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPainterPath, QPaintEvent, QPixmap
from PyQt6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app import icons, theme
from app.takes.digest import Digest
from app.takes.take_entry import TakeEntry
from app.takes.words import date_words, duration_words

_WIDTH: Final = 26 * theme.SPACE
_PICTURE: Final = _WIDTH * 9 // 16
_WORDS: Final = 8 * theme.SPACE


class TakeTile(QPushButton):
    """One take; a click plays it."""

    def __init__(self, entry: TakeEntry, place: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"recent_take_{place}")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedSize(_WIDTH, _PICTURE + _WORDS)
        self.setAccessibleName(f"Play the take {entry.name}")
        self.setToolTip(f"{entry.name}\n{entry.folder}")
        self._entry = entry
        self._digest: Digest | None = None
        self._picture: QPixmap | None = None
        theme.watcher().changed.connect(self.update)

    def show_digest(self, digest: Digest | None) -> None:
        """Show picture and quality once they are known."""
        if digest is None or digest == self._digest:
            return
        self._digest = digest
        if digest.thumbnail is not None:
            self._picture = QPixmap(str(digest.thumbnail))
        self.update()

    def sizeHint(self) -> QSize:
        """Picture and two lines."""
        return QSize(_WIDTH, _PICTURE + _WORDS)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Picture above, words below."""
        colours = theme.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        whole = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        outline = QPainterPath()
        outline.addRoundedRect(whole, theme.RADIUS, theme.RADIUS)
        painter.fillPath(outline, colours.raised if self.underMouse() else colours.panel)
        frame = QRectF(0, 0, self.width(), _PICTURE)
        painter.save()
        painter.setClipPath(outline)
        painter.fillRect(frame, colours.background)
        if self._picture is not None and not self._picture.isNull():
            scale = max(frame.width() / self._picture.width(), frame.height() / self._picture.height())
            shown = QRectF(0, 0, self._picture.width() * scale, self._picture.height() * scale)
            shown.moveCenter(frame.center())
            painter.setClipRect(frame, Qt.ClipOperation.IntersectClip)
            painter.drawPixmap(shown, self._picture, QRectF(self._picture.rect()))
        else:
            icons.icon("takes", colours.border, 40).paint(
                painter, frame.toRect().adjusted(_WIDTH // 2 - 20, _PICTURE // 2 - 20, 20 - _WIDTH // 2, 0)
            )
        painter.restore()
        self._words(painter)
        focused = self.hasFocus() or self.underMouse()
        painter.setPen(colours.accent if focused else colours.border)
        painter.drawPath(outline)
        painter.end()

    def _words(self, painter: QPainter) -> None:
        colours, entry = theme.palette(), self._entry
        width = self.width() - 3 * theme.SPACE
        left, top = 3 * theme.SPACE // 2, _PICTURE + theme.SPACE
        metrics = painter.fontMetrics()
        painter.setPen(colours.text)
        name = metrics.elidedText(entry.name, Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRectF(left, top, width, 20), Qt.AlignmentFlag.AlignVCenter, name)
        painter.setPen(colours.quiet_text)
        when = f"{date_words(entry.recorded)}, {duration_words(entry.seconds)}"
        when = metrics.elidedText(when, Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRectF(left, top + 18, width, 18), Qt.AlignmentFlag.AlignVCenter, when)
        if self._digest is not None:
            grade = self._digest.grade
            painter.setPen(colours.quiet_text if grade == "quiet" else getattr(colours, grade))
            words = metrics.elidedText(self._digest.words, Qt.TextElideMode.ElideRight, width)
            painter.drawText(QRectF(left, top + 35, width, 18), Qt.AlignmentFlag.AlignVCenter, words)
