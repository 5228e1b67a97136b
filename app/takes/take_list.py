"""The list of takes: one row per take with its picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from PyQt6.QtCore import QAbstractListModel, QModelIndex, QObject, QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPixmap
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app import icons, theme
from app.takes.digest import Digest
from app.takes.presenter import TakesPresenter
from app.takes.take_entry import TakeEntry
from app.takes.words import STATE_WORDS, cameras_words, date_words, duration_words, pipeline_words

ROW_HEIGHT: Final = 88
_PICTURE: Final = QSize(128, 72)
_PAD: Final = theme.SPACE
_MOST_PICTURES: Final = 400
"""Thumbnails held in memory: some 40 MB."""

ENTRY_ROLE: Final = int(Qt.ItemDataRole.UserRole)


class TakeListModel(QAbstractListModel):
    """The takes that are shown, in order."""

    def __init__(self, presenter: TakesPresenter, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._presenter = presenter
        self._entries: list[TakeEntry] = []
        self._pictures: dict[Path, QPixmap] = {}

    def update(self) -> None:
        """Take what is to be shown from the presenter."""
        entries = self._presenter.shown
        if [entry.folder for entry in entries] == [entry.folder for entry in self._entries]:
            self._entries = entries
            if entries:
                self.dataChanged.emit(self.index(0), self.index(len(entries) - 1))
            return
        self.beginResetModel()
        self._entries = entries
        self.endResetModel()

    def update_one(self, folder: Path) -> None:
        """Thumbnail or quality of one take have come."""
        for row, entry in enumerate(self._entries):
            if entry.folder == folder:
                self.dataChanged.emit(self.index(row), self.index(row))

    def row_of(self, folder: Path | None) -> int:
        """Row of a take; -1 when it is not shown."""
        return next((row for row, entry in enumerate(self._entries) if entry.folder == folder), -1)

    def entry(self, index: QModelIndex) -> TakeEntry | None:
        """The take of a row."""
        return self._entries[index.row()] if 0 <= index.row() < len(self._entries) else None

    def digest(self, entry: TakeEntry) -> Digest | None:
        """Its quality and thumbnail, when they are known."""
        return self._presenter.digest(entry)

    def picture(self, digest: Digest | None) -> QPixmap | None:
        """A thumbnail, loaded when it is first seen."""
        if digest is None or digest.thumbnail is None:
            return None
        path = digest.thumbnail
        if path not in self._pictures:
            while len(self._pictures) >= _MOST_PICTURES:
                del self._pictures[next(iter(self._pictures))]
            self._pictures[path] = QPixmap(str(path))
        return self._pictures[path]

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Number of takes."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: QModelIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Name for readers of the screen and tests, the entry for the delegate."""
        entry = self.entry(index)
        if entry is None:
            return None
        if role == ENTRY_ROLE:
            return entry
        if role in {int(Qt.ItemDataRole.DisplayRole), int(Qt.ItemDataRole.AccessibleTextRole)}:
            return entry.name
        if role == int(Qt.ItemDataRole.ToolTipRole):
            return entry.problem or str(entry.folder)
        return None


class TakeDelegate(QStyledItemDelegate):
    """Draws a row: picture, name, facts; state and quality at the right."""

    def __init__(self, model: TakeListModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """All rows are equally high."""
        return QSize(320, ROW_HEIGHT)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw one row."""
        entry = self._model.entry(index)
        if painter is None or entry is None:
            return
        colours = theme.palette()
        digest = self._model.digest(entry)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(option.rect)
        self._ground(painter, option, area)
        frame = QRectF(area.left() + _PAD, area.top() + _PAD, _PICTURE.width(), _PICTURE.height())
        self._picture(painter, frame, self._model.picture(digest))
        text = QRectF(area)
        text.setLeft(frame.right() + 1.5 * _PAD)
        text.setRight(area.right() - 1.5 * _PAD)
        word, role = STATE_WORDS[entry.state]
        badge = word if entry.state != "complete" else ""
        width = self._badge(painter, text, badge, role)
        bold = QFont(painter.font())
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(colours.text)
        name = QFontMetricsF(bold).elidedText(
            entry.name, Qt.TextElideMode.ElideRight, max(40.0, text.width() - width)
        )
        top = text.top() + 1.5 * _PAD
        painter.drawText(QPointF(text.left(), top + 12), name)
        bold.setBold(False)
        painter.setFont(bold)
        metrics = QFontMetricsF(bold)
        painter.setPen(colours.quiet_text)
        facts = [date_words(entry.recorded), duration_words(entry.seconds), cameras_words(len(entry.cameras))]
        if entry.state == "unreadable":
            facts = [entry.problem]
        line = metrics.elidedText(" · ".join(facts), Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(QPointF(text.left(), top + 34), line)
        if entry.state != "unreadable":
            self._quality(painter, QPointF(text.left(), top + 55), entry, digest, text.width())
        painter.restore()

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem, area: QRectF) -> None:
        colours = theme.palette()
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if selected or hovered:
            path = QPainterPath()
            path.addRoundedRect(area.adjusted(2, 2, -2, -2), theme.RADIUS, theme.RADIUS)
            ground = QColor(colours.raised)
            ground.setAlpha(255 if selected else 120)
            painter.fillPath(path, ground)
        if selected:
            painter.fillRect(QRectF(area.left() + 2, area.top() + 10, 3, area.height() - 20), colours.accent)

    def _picture(self, painter: QPainter, frame: QRectF, picture: QPixmap | None) -> None:
        colours = theme.palette()
        path = QPainterPath()
        path.addRoundedRect(frame, 4, 4)
        painter.fillPath(path, colours.background)
        if picture is None or picture.isNull():
            icon = icons.icon("takes", colours.quiet_text, 28).pixmap(28, 28)
            centre = frame.center()
            painter.drawPixmap(QPointF(centre.x() - 14, centre.y() - 14), icon)
            return
        painter.save()
        painter.setClipPath(path)
        scale = max(frame.width() / picture.width(), frame.height() / picture.height())
        size = QSize(round(picture.width() * scale), round(picture.height() * scale))
        place = QRectF(0, 0, size.width(), size.height())
        place.moveCenter(frame.center())
        painter.drawPixmap(place, picture, QRectF(picture.rect()))
        painter.restore()

    def _badge(self, painter: QPainter, text: QRectF, word: str, role: str) -> float:
        """The state as a pill at the right; returns the width it takes."""
        if not word:
            return 0.0
        colours = theme.palette()
        colour = {"bad": colours.bad, "warning": colours.warning}.get(role, colours.quiet_text)
        small = QFont(painter.font())
        small.setPixelSize(11)
        painter.save()
        painter.setFont(small)
        width = QFontMetricsF(small).horizontalAdvance(word) + 2 * _PAD
        pill = QRectF(text.right() - width, text.top() + 1.5 * _PAD - 2, width, 18)
        painter.setPen(colour)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(pill, 9, 9)
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, word)
        painter.restore()
        return width + _PAD

    def _quality(
        self, painter: QPainter, at: QPointF, entry: TakeEntry, digest: Digest | None, width: float
    ) -> None:
        colours = theme.palette()
        words = digest.words if digest is not None and entry.is_usable else ""
        metrics = QFontMetricsF(painter.font())
        left = at.x()
        if words:
            grade = digest.grade if digest is not None else "quiet"
            colour = {"good": colours.good, "warning": colours.warning, "bad": colours.bad}.get(
                grade, colours.quiet_text
            )
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(left + 4, at.y() - 4.5), 4, 4)
            painter.setPen(colours.text)
            painter.drawText(QPointF(left + 2 * _PAD, at.y()), words)
            left += 2 * _PAD + metrics.horizontalAdvance(words) + 2 * _PAD
        painter.setPen(colours.quiet_text)
        rest = metrics.elidedText(
            pipeline_words(entry), Qt.TextElideMode.ElideRight, max(0.0, at.x() + width - left)
        )
        painter.drawText(QPointF(left, at.y()), rest)
