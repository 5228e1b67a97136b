"""The list of takes, and what there is to know and to do about the chosen one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PyQt6.QtCore import QItemSelectionModel, QModelIndex, QRectF, QSignalBlocker, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPainterPath, QPaintEvent, QPixmap
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import icons, theme
from app.takes.presenter import TakesPresenter
from app.takes.quality_card import QualityCard
from app.takes.take_entry import TakeEntry
from app.takes.take_list import TakeDelegate, TakeListModel
from app.takes.take_order import SORTS
from app.takes.words import STATE_WORDS, date_words, duration_words, pipeline_words
from app.widgets.buttons import button, icon_button
from app.widgets.card import Card
from app.widgets.empty_state import EmptyState

_DETAILS_WIDTH: Final = 46 * theme.SPACE


class Picture(QWidget):
    """A thumbnail, as wide as there is room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("takePicture")
        self._pixmap: QPixmap | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        self.setFixedHeight(24 * theme.SPACE)

    def show_pixmap(self, pixmap: QPixmap | None) -> None:
        """Show another picture, None for none."""
        self._pixmap = pixmap
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The picture, as large as it fits."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(self.rect())
        path = QPainterPath()
        path.addRoundedRect(area, theme.RADIUS, theme.RADIUS)
        painter.fillPath(path, theme.palette().background)
        if self._pixmap is None or self._pixmap.isNull():
            icon = icons.icon("takes", theme.palette().quiet_text, 40).pixmap(40, 40)
            painter.drawPixmap(round(area.center().x() - 20), round(area.center().y() - 20), icon)
        else:
            painter.setClipPath(path)
            scale = min(area.width() / self._pixmap.width(), area.height() / self._pixmap.height())
            place = QRectF(0, 0, self._pixmap.width() * scale, self._pixmap.height() * scale)
            place.moveCenter(area.center())
            painter.drawPixmap(place, self._pixmap, QRectF(self._pixmap.rect()))
        painter.end()


class LibraryView(QWidget):
    """Search, sort, choose."""

    open_folder_wanted = pyqtSignal()
    play_wanted = pyqtSignal(object)
    repair_wanted = pyqtSignal(object)
    process_wanted = pyqtSignal(object)
    export_wanted = pyqtSignal(object)
    report_wanted = pyqtSignal(object)
    rename_wanted = pyqtSignal(object)
    delete_wanted = pyqtSignal(object)
    show_folder_wanted = pyqtSignal(object)

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
        self.split.addWidget(self._details())
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 0)
        self.split.setSizes([10_000, _DETAILS_WIDTH])
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
        presenter.work.tasks.changed.connect(self._show_entry)
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

    def _details(self) -> QWidget:
        panel = QWidget()
        panel.setObjectName("takeDetails")
        panel.setMinimumWidth(_DETAILS_WIDTH)
        panel.setMaximumWidth(70 * theme.SPACE)
        column = QVBoxLayout(panel)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        self.picture = Picture()
        self.name = QLabel()
        self.name.setObjectName("takeName")
        self.name.setProperty("role", "heading")
        self.name.setTextFormat(Qt.TextFormat.PlainText)
        self.name.setWordWrap(True)
        self.label = QLabel()
        self.label.setProperty("role", "warning")
        self.label.setWordWrap(True)
        self.facts = QGridLayout()
        self.facts.setHorizontalSpacing(2 * theme.SPACE)
        self.facts.setVerticalSpacing(4)
        self.facts.setColumnStretch(1, 1)
        self._fact_labels: dict[str, QLabel] = {}
        for row, (key, words) in enumerate(
            {
                "recorded": "Recorded",
                "length": "Length",
                "cameras": "Cameras",
                "frames": "Frames",
                "pipeline": "Pipeline",
                "state": "State",
            }.items()
        ):
            title = QLabel(words)
            title.setProperty("role", "quiet")
            value = QLabel()
            value.setObjectName(f"fact_{key}")
            value.setTextFormat(Qt.TextFormat.PlainText)
            value.setWordWrap(True)
            self._fact_labels[key] = value
            self.facts.addWidget(title, row, 0, Qt.AlignmentFlag.AlignTop)
            self.facts.addWidget(value, row, 1)
        self.quality = QualityCard()
        scrolled = QWidget()
        scrolled.setObjectName("scrolled")
        inside = QVBoxLayout(scrolled)
        inside.setContentsMargins(0, 0, theme.SPACE, 0)
        inside.setSpacing(theme.SPACE)
        inside.addWidget(self.picture)
        inside.addLayout(self._heading())
        inside.addWidget(self.label)
        inside.addLayout(self.facts)
        inside.addSpacing(theme.SPACE)
        inside.addWidget(self.quality)
        inside.addStretch(1)
        scroll = QScrollArea()
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a stop of the Tab key that shows nothing
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(scrolled)
        column.addWidget(scroll, 1)
        column.addWidget(self._actions())
        return panel

    def _heading(self) -> QHBoxLayout:
        self.show_folder = icon_button(
            "folder", "takeShowFolder", "Show in folder", lambda: self._tell(self.show_folder_wanted)
        )
        self.rename = icon_button("edit", "takeRename", "Rename (F2)", lambda: self._tell(self.rename_wanted))
        self.delete = icon_button(
            "trash", "takeDelete", "Move to the trash (Del)", lambda: self._tell(self.delete_wanted)
        )
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.name, 1)
        for item in (self.show_folder, self.rename, self.delete):
            row.addWidget(item)
        return row

    def _actions(self) -> Card:
        card = Card()
        self.play = button(
            "Play", "takePlay", lambda: self._tell(self.play_wanted), kind="primary", icon="play"
        )
        self.repair = button(
            "Repair", "takeRepair", lambda: self._tell(self.repair_wanted), kind="primary", icon="repair"
        )
        self.process = button(
            "Process again…", "takeProcess", lambda: self._tell(self.process_wanted), icon="repeat"
        )
        self.export = button("Export…", "takeExport", lambda: self._tell(self.export_wanted), icon="export")
        self.report = button("Report", "takeReport", lambda: self._tell(self.report_wanted), icon="report")
        rows: tuple[tuple[QWidget, ...], ...] = (
            (self.play, self.repair, self.report),
            (self.process, self.export),
        )
        for widgets in rows:
            row = QHBoxLayout()
            row.setSpacing(theme.SPACE)
            for widget in widgets:
                row.addWidget(widget, 1)
            card.body.addLayout(row)
        return card

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
        self._show_entry()

    def _digested(self, folder: Path) -> None:
        self.model.update_one(folder)
        if folder == self.presenter.selected:
            self._show_entry()

    def _show_entry(self) -> None:
        entry = self.presenter.entry()
        if entry is None:
            return
        digest = self.presenter.digest(entry)
        self.picture.show_pixmap(self.model.picture(digest))
        self.name.setText(entry.name)
        self.label.setText(entry.label)
        self.label.setVisible(bool(entry.label))
        for key, words in _facts(entry).items():
            self._fact_labels[key].setText(words)
        theme.set_role(self._fact_labels["state"], STATE_WORDS[entry.state][1].replace("quiet", ""))
        self.quality.show_digest(digest if entry.is_usable else None, self._otherwise(entry))
        busy = bool(self.presenter.work.tasks.active(entry.folder))
        is_interrupted = entry.state == "interrupted"
        self.play.setVisible(not is_interrupted)
        self.play.setEnabled(entry.is_usable)
        self.repair.setVisible(is_interrupted)
        self.repair.setEnabled(not busy)
        self.process.setEnabled(entry.is_usable)
        self.export.setEnabled(entry.is_usable and entry.has_poses)
        self.export.setToolTip("" if entry.has_poses else "This take has no poses to export")
        self.report.setEnabled(entry.is_usable)
        self.rename.setEnabled(entry.is_usable and not busy)
        self.delete.setEnabled(entry.state != "recording" and not busy)

    def _otherwise(self, entry: TakeEntry) -> str:
        if entry.state == "recording":
            return "Known when the recording has ended."
        if entry.state == "interrupted":
            return "Known after the repair."
        if entry.state == "unreadable":
            return entry.problem
        return "Being computed."

    # Hands

    def _chosen(self, current: QModelIndex, _previous: QModelIndex) -> None:
        entry = self.model.entry(current)
        if entry is not None:
            self.presenter.select(entry.folder)

    def _double_clicked(self, index: QModelIndex) -> None:
        entry = self.model.entry(index)
        if entry is not None and entry.is_usable:
            self.play_wanted.emit(entry.folder)

    def _tell(self, signal: object) -> None:
        entry = self.presenter.entry()
        if entry is not None:
            signal.emit(entry.folder)  # type: ignore[attr-defined]  # a bound signal

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


def _facts(entry: TakeEntry) -> dict[str, str]:
    names = ", ".join(entry.cameras)
    cameras = f"{len(entry.cameras)} ({names})" if entry.cameras else "–"
    frames = f"{entry.frames} per camera" if entry.frames else "–"
    if entry.dropped:
        frames += f", {entry.dropped} lost"
    return {
        "recorded": date_words(entry.recorded),
        "length": duration_words(entry.seconds),
        "cameras": cameras,
        "frames": frames,
        "pipeline": pipeline_words(entry),
        "state": STATE_WORDS[entry.state][0],
    }
