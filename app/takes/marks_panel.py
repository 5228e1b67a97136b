"""Marks and events of a take as a list: go there, rename, delete."""

from __future__ import annotations

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.takes.words import clock_words
from app.widgets.buttons import button
from pipeline.take.events import Event
from pipeline.take.marks import Mark

_KIND_WORDS = {
    "mark": "Mark",
    "warning": "Warning",
    "restart": "Restart",
    "disconnect": "Disconnected",
    "reconnect": "Connected again",
}
_TIME_COLUMN, _KIND_COLUMN, _TEXT_COLUMN = range(3)


class MarksPanel(QWidget):
    """All marks and events by time. A mark is renamed by a double click or F2."""

    sought = pyqtSignal(object)
    """Monotonic time of the chosen row, ns; too large for the integers of signals."""
    renamed = pyqtSignal(int, str)
    removed = pyqtSignal(int)
    add_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("marksPanel")
        self._rows: list[Mark | Event] = []
        self.table = QTableWidget(0, 3)
        self.table.setObjectName("marksTable")
        self.table.setHorizontalHeaderLabels(["Time", "Kind", "Text"])
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.setStyleSheet("QTableView::item { padding: 0 4px; }")  # as the headers have
        vertical, horizontal = self.table.verticalHeader(), self.table.horizontalHeader()
        assert vertical is not None
        assert horizontal is not None
        vertical.hide()
        horizontal.setSectionResizeMode(_TEXT_COLUMN, QHeaderView.ResizeMode.Stretch)
        horizontal.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.setColumnWidth(_KIND_COLUMN, 14 * theme.SPACE)
        self.table.itemChanged.connect(self._edited)
        self.table.itemSelectionChanged.connect(self._selected)
        self.add = button(
            "Mark this instant", "markAdd", self.add_wanted.emit, icon="mark", tip="Mark this instant (M)"
        )
        self.edit = button("Rename", "markRename", self._edit, icon="edit", tip="Rename the mark (F2)")
        self.delete = button("Delete mark", "markDelete", self._delete, icon="trash")
        self.hint = QLabel("M marks the present instant. Marks are kept in the take.")
        self.hint.setProperty("role", "quiet")
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE)
        for item in (self.add, self.edit, self.delete):
            buttons.addWidget(item)
        buttons.addStretch(1)
        buttons.addWidget(self.hint)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.SPACE, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addLayout(buttons)
        column.addWidget(self.table, 1)
        self._selected()

    def show_rows(self, marks: list[Mark], events: list[Event], origin_ns: int) -> None:
        """Show other marks and events."""
        chosen = self._chosen()
        self._rows = sorted([*marks, *events], key=lambda row: row.t_ns)
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(self._rows))
            for number, row in enumerate(self._rows):
                is_mark = isinstance(row, Mark)
                kind = "mark" if isinstance(row, Mark) else row.kind
                words = _KIND_WORDS.get(kind, kind.replace("_", " ").capitalize())
                text = row.text if isinstance(row, Mark) else row.message
                cells = (clock_words((row.t_ns - origin_ns) / 1e9), words, text)
                for column, cell in enumerate(cells):
                    item = QTableWidgetItem(cell)
                    flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
                    if is_mark and column == _TEXT_COLUMN:
                        flags |= Qt.ItemFlag.ItemIsEditable
                    item.setFlags(flags)
                    item.setToolTip(cell)
                    self.table.setItem(number, column, item)
            again = [place for place, row in enumerate(self._rows) if _same(row, chosen)]
            if again:
                self.table.selectRow(again[0])
            else:
                self.table.clearSelection()
        self._enable()

    def _chosen(self) -> Mark | Event | None:
        row = self.table.currentRow() if self.table.selectedItems() else -1
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def _enable(self) -> None:
        is_mark = isinstance(self._chosen(), Mark)
        self.edit.setEnabled(is_mark)
        self.delete.setEnabled(is_mark)

    def _selected(self) -> None:
        self._enable()
        chosen = self._chosen()
        if chosen is not None:
            self.sought.emit(chosen.t_ns)

    def _edit(self) -> None:
        item = self.table.item(self.table.currentRow(), _TEXT_COLUMN)
        if item is not None:
            self.table.editItem(item)

    def _edited(self, item: QTableWidgetItem) -> None:
        mark = self._rows[item.row()] if item.row() < len(self._rows) else None
        if isinstance(mark, Mark) and item.column() == _TEXT_COLUMN:
            text = item.text().strip()
            with QSignalBlocker(self.table):
                item.setText(mark.text)  # until the take has the new one
            if text and text != mark.text:
                self.renamed.emit(mark.number, text)

    def _delete(self) -> None:
        mark = self._chosen()
        if isinstance(mark, Mark):
            self.removed.emit(mark.number)


def _same(first: Mark | Event, second: Mark | Event | None) -> bool:
    """Whether two rows are about the same thing; a mark stays itself when it is renamed."""
    if isinstance(first, Mark) and isinstance(second, Mark):
        return first.number == second.number
    return first == second
