"""The list of takes, with search, order and folders; the chosen one beside it."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QItemSelectionModel, QModelIndex, QSignalBlocker, QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.takes.presenter import TakesPresenter
from app.takes.take_details import WIDTH, TakeDetails
from app.takes.take_list import TakeDelegate, TakeListModel
from app.takes.take_order import SORTS
from app.widgets.buttons import button, icon_button
from app.widgets.empty_state import EmptyState


class LibraryView(QWidget):
    """Search, sort, choose."""

    open_folder_wanted = pyqtSignal()
    play_wanted = pyqtSignal(object)
    """The take in this folder was clicked twice."""

    def __init__(self, presenter: TakesPresenter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("libraryView")
        self.presenter = presenter
        self.model = TakeListModel(presenter, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * theme.SPACE, 2 * theme.SPACE, 2 * theme.SPACE, theme.SPACE)
        column.setSpacing(2 * theme.SPACE)
        column.addLayout(self._top())
        column.addWidget(self._interrupted())
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(2 * theme.SPACE)
        self.split.addWidget(self._list())
        self.details = TakeDetails(presenter, self.model.picture)
        self.split.addWidget(self.details)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 0)
        self.split.setSizes([10_000, WIDTH])
        self.empty = EmptyState(
            "takes",
            "No takes yet",
            "Recordings appear here.",
            [
                button(
                    "Record one", "takesGoLive", lambda: presenter.studio.go_to.emit("live"), kind="primary"
                ),
                button("Open a folder…", "takesEmptyOpen", self.open_folder_wanted.emit, icon="folder"),
            ],
        )
        self.empty.setObjectName("takesEmpty")
        self.nothing_found = EmptyState(
            "search",
            "No take matches",
            "Try fewer words. Names, dates, cameras, pipelines and states are searched.",
            [button("Clear the search", "takesClearSearch", self.search.clear)],
        )
        self.looking = EmptyState("takes", "Looking for takes", "Many takes need a moment.")
        self.stack = QStackedWidget()
        for page in (self.split, self.empty, self.nothing_found, self.looking):
            self.stack.addWidget(page)
        column.addWidget(self.stack, 1)
        presenter.changed.connect(self.update_list)
        presenter.digested.connect(self._digested)
        presenter.selection_changed.connect(self._select)
        presenter.work.tasks.changed.connect(self.details.show_take)
        self.update_list()

    # Composition

    def _top(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        title = QLabel("Takes")
        title.setProperty("role", "title")
        self.count = QLabel()
        self.count.setObjectName("takesCount")
        self.count.setProperty("role", "quiet")
        self.search = QLineEdit()
        self.search.setObjectName("takesSearch")
        self.search.setPlaceholderText("Search")
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(28 * theme.SPACE)
        self.search.textChanged.connect(self.presenter.set_search)
        self.sort = QComboBox()
        self.sort.setObjectName("takesSort")
        for key, words in SORTS.items():
            self.sort.addItem(words, key)
        self.sort.currentIndexChanged.connect(lambda: self.presenter.set_sort(self.sort.currentData()))
        self.undo = button("Undo delete", "takesUndo", self.presenter.work.undo_delete, icon="repeat")
        self.folders = button("Folders", "takesFolders", None, icon="folder")
        self.menu = QMenu(self.folders)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.folders.setMenu(self.menu)
        row.addWidget(title)
        row.addSpacing(theme.SPACE)
        row.addWidget(self.count)
        row.addStretch(1)
        for item in (self.undo, self.search, self.sort, self.folders):
            row.addWidget(item)
        row.addWidget(icon_button("repeat", "takesRefresh", "Look again (F5)", self.presenter.refresh))
        return row

    def _interrupted(self) -> QFrame:
        self.notice = QFrame()
        self.notice.setObjectName("interruptedNotice")
        self.notice.setProperty("card", True)
        row = QHBoxLayout(self.notice)
        row.setContentsMargins(2 * theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        row.setSpacing(2 * theme.SPACE)
        self.notice_words = QLabel()
        self.notice_words.setObjectName("interruptedWords")
        self.notice_words.setProperty("role", "warning")
        self.notice_words.setWordWrap(True)
        row.addWidget(self.notice_words, 1)
        self.repair_all = button("Repair", "repairAll", self.presenter.repair_all, icon="repair")
        row.addWidget(self.repair_all)
        return self.notice

    def _list(self) -> QListView:
        self.list = QListView()
        self.list.setObjectName("takeList")
        self.list.setModel(self.model)
        self.list.setItemDelegate(TakeDelegate(self.model, self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setMinimumWidth(320)
        self.list.setAccessibleName("Takes")
        selection = self.list.selectionModel()
        assert selection is not None
        selection.currentChanged.connect(self._chosen)
        self.list.doubleClicked.connect(self._double_clicked)
        return self.list

    # What is shown

    def update_list(self) -> None:
        """Show the takes that the presenter shows."""
        presenter = self.presenter
        with QSignalBlocker(self.list.selectionModel()):
            self.model.update()
        shown, total = len(presenter.shown), len(presenter.entries)
        self.count.setText(f"{shown} of {total}" if shown != total else f"{total}" if total else "")
        self.empty.text.setText(
            f"Recordings appear here. They go to {presenter.studio.takes_folder}. "
            "You can also open a folder with takes from elsewhere."
        )
        page: QWidget = self.split
        if not total:
            page = self.looking if presenter.loading else self.empty
        elif not shown:
            page = self.nothing_found
        first_look = page is self.split and self.stack.currentWidget() is not self.split
        self.stack.setCurrentWidget(page)
        self.undo.setVisible(presenter.work.last_deleted is not None)
        self._show_interrupted()
        self._select()
        if first_look and not self.search.text():
            self.list.setFocus()

    def _show_interrupted(self) -> None:
        interrupted = self.presenter.interrupted
        self.notice.setVisible(bool(interrupted))
        if len(interrupted) == 1:
            self.notice_words.setText(
                f"The recording of {interrupted[0].name} was interrupted. What was recorded is safe; "
                "repairing makes the take complete and says what is missing."
            )
            self.repair_all.setText("Repair")
        else:
            self.notice_words.setText(
                f"{len(interrupted)} recordings were interrupted. What was recorded is safe; repairing makes "
                "the takes complete and says what is missing."
            )
            self.repair_all.setText("Repair all")

    def _select(self) -> None:
        row = self.model.row_of(self.presenter.selected)
        selection = self.list.selectionModel()
        assert selection is not None
        if row >= 0 and selection.currentIndex().row() != row:
            with QSignalBlocker(selection):
                selection.setCurrentIndex(
                    self.model.index(row), QItemSelectionModel.SelectionFlag.ClearAndSelect
                )
            self.list.scrollTo(self.model.index(row))
            viewport = self.list.viewport()
            if viewport is not None:
                viewport.update()
        self.details.show_take()

    def _digested(self, folder: Path) -> None:
        self.model.update_one(folder)
        if folder == self.presenter.selected:
            self.details.show_take()

    # Hands

    def _chosen(self, current: QModelIndex, _previous: QModelIndex) -> None:
        entry = self.model.entry(current)
        if entry is not None:
            self.presenter.select(entry.folder)

    def _double_clicked(self, index: QModelIndex) -> None:
        entry = self.model.entry(index)
        if entry is not None and entry.is_usable:
            self.play_wanted.emit(entry.folder)

    def _fill_menu(self) -> None:
        """What can be opened and closed."""
        self.menu.clear()
        own = self.menu.addAction(f"Recordings go to {self.presenter.studio.takes_folder}")
        if own is not None:
            own.setEnabled(False)
        for folder in self.presenter.opened:
            self.menu.addAction(f"Close {folder}", lambda folder=folder: self.presenter.close_folder(folder))
        self.menu.addSeparator()
        self.menu.addAction("Open another folder…", self.open_folder_wanted.emit)

    def sizeHint(self) -> QSize:
        """Fits the smallest window."""
        return QSize(900, 600)
