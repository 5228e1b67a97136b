"""The cameras of the rig in order: choose, drag, remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PyQt6.QtCore import QModelIndex, QRect, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QDropEvent, QFont, QKeyEvent, QPainter
from PyQt6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate
from PyQt6.QtWidgets import QStyleOptionViewItem as Option

from app import icons, theme

_HEIGHT: Final = 7 * theme.SPACE
_ROLE: Final = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class Entry:
    """One camera as the list shows it.

    Attributes:
        key: Of the camera.
        name: Of the camera.
        source: Where its pictures come from.
        mode: What is asked for.
        level: "", "good", "warning", "bad" or "busy": the mark on the right.
        note: What the mark means.
    """

    key: int
    name: str
    source: str
    mode: str
    level: str
    note: str


class CameraList(QListWidget):
    """Emits what the user wants; shows what it is told."""

    chosen = pyqtSignal(int)
    moved = pyqtSignal(int, int)
    """Key and the new place."""
    remove_wanted = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("cameras")
        self.setAccessibleName("Cameras of this rig")
        self.setItemDelegate(_Delegate(self))
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._filling = False
        self.currentItemChanged.connect(self._choose)
        theme.watcher().changed.connect(self._redraw)

    def show_entries(self, entries: Sequence[Entry], selected: int | None) -> None:
        """Show these cameras."""
        self._filling = True
        while self.count() > len(entries):
            self.takeItem(self.count() - 1)
        while self.count() < len(entries):
            self.addItem(QListWidgetItem())
        for place, entry in enumerate(entries):
            item = self.item(place)
            assert item is not None
            if item.data(_ROLE) != entry:
                item.setData(_ROLE, entry)
                item.setText(f"{entry.name}, {entry.source}, {entry.mode}, {entry.note}")  # screen readers
                item.setToolTip(entry.note)
            if entry.key == selected and self.currentRow() != place:
                self.setCurrentRow(place)
        if selected is None:
            self.setCurrentRow(-1)
        self._filling = False

    @property
    def current_key(self) -> int | None:
        """The chosen camera."""
        item = self.currentItem()
        return item.data(_ROLE).key if item is not None else None

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Delete removes; Alt with the arrow keys moves."""
        key = self.current_key
        if event is None or key is None:
            super().keyPressEvent(event)
        elif event.key() in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}:
            self.remove_wanted.emit(key)
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier and event.key() in {
            Qt.Key.Key_Up,
            Qt.Key.Key_Down,
        }:
            step = -1 if event.key() == Qt.Key.Key_Up else 1
            if 0 <= self.currentRow() + step < self.count():
                self.moved.emit(key, self.currentRow() + step)
        else:
            super().keyPressEvent(event)

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Say where the dragged camera is to go; the list is then told its new order."""
        key = self.current_key
        if event is None or key is None or event.source() is not self:
            return
        at = event.position().toPoint()
        item = self.itemAt(at)
        place = self.count() if item is None else self.row(item)
        if item is not None and at.y() > self.visualItemRect(item).center().y():
            place += 1
        if place > self.currentRow():
            place -= 1  # it leaves its own place first
        event.setDropAction(Qt.DropAction.IgnoreAction)  # Qt is not to take the dragged row out by itself
        event.accept()
        self.moved.emit(key, place)

    def _choose(self, item: QListWidgetItem | None, _: QListWidgetItem | None) -> None:
        if not self._filling and item is not None:
            self.chosen.emit(item.data(_ROLE).key)

    def _redraw(self) -> None:
        viewport = self.viewport()
        if viewport is not None:
            viewport.update()


class _Delegate(QStyledItemDelegate):
    """Name, source and mode, and a mark."""

    def sizeHint(self, option: Option, index: QModelIndex) -> QSize:
        """As high as three lines."""
        del option, index
        return QSize(24 * theme.SPACE, _HEIGHT + theme.SPACE)

    def paint(self, painter: QPainter | None, option: Option, index: QModelIndex) -> None:
        """Draw one camera."""
        entry = index.data(_ROLE)
        if painter is None or not isinstance(entry, Entry):
            return
        colours = theme.palette()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = option.rect.adjusted(4, 2, -4, -2)
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.raised)
            painter.drawRoundedRect(ground, theme.RADIUS, theme.RADIUS)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(colours.accent)
            painter.drawRoundedRect(QRect(ground.left(), ground.top() + 8, 3, ground.height() - 16), 1.5, 1.5)
        icons.icon("camera", colours.quiet_text, 20).paint(
            painter, QRect(ground.left() + 16, ground.center().y() - 10, 20, 20)
        )
        left, right = ground.left() + 48, ground.right() - 16
        mark = self._mark(painter, entry, right, ground)
        self._line(
            painter, option, entry.name, colours.text, QRect(left, ground.top() + 4, mark - left, 20), True
        )
        below = QRect(left, ground.top() + 23, mark - left, 17)
        self._line(painter, option, entry.source, colours.quiet_text, below)
        self._line(painter, option, entry.mode, colours.quiet_text, below.translated(0, 16))
        painter.restore()

    def _mark(self, painter: QPainter, entry: Entry, right: int, ground: QRect) -> int:
        """Draw the mark; where the text has to end."""
        colours = theme.palette()
        marks = {
            "good": ("check", colours.good),
            "warning": ("warning", colours.warning),
            "bad": ("warning", colours.bad),
            "busy": ("repeat", colours.accent),
        }
        if entry.level not in marks:
            return right
        name, colour = marks[entry.level]
        icons.icon(name, colour, 18).paint(painter, QRect(right - 18, ground.center().y() - 9, 18, 18))
        return right - 26

    def _line(
        self, painter: QPainter, option: Option, text: str, colour: QColor, where: QRect, bold: bool = False
    ) -> None:
        font = QFont(option.font)
        font.setPixelSize(13 if bold else 12)
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        painter.setFont(font)
        painter.setPen(colour)
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, where.width())
        painter.drawText(where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
