"""The cameras page: which devices film, how they are set, and whether they work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.cameras.add_menu import AddMenu
from app.cameras.camera_list import CameraList, Entry
from app.cameras.camera_panel import CameraPanel
from app.cameras.desk import Desk
from app.cameras.device_list import DeviceList
from app.cameras.device_search import look_for_devices
from app.cameras.field_row import TitleLine
from app.cameras.presenter import CamerasPresenter, Notice
from app.cameras.rig_files import RigFiles
from app.cameras.words import mode_words, source_words
from app.help.popover import help_button
from app.page import Page
from app.studio import Studio
from app.widgets.buttons import button, icon_button
from app.widgets.card import Card
from app.widgets.empty_state import EmptyState
from app.widgets.notice_bar import NoticeBar

_LEFT_WIDTH: Final = 48 * theme.SPACE
_MARGIN: Final = 3 * theme.SPACE


class CamerasPage(Page):
    """List on the left, the chosen camera on the right, the rig's file above."""

    name = "cameras"
    title = "Cameras"
    icon = "camera"

    def __init__(
        self, studio: Studio, look: Callable[..., Any] = look_for_devices, desk: Desk | None = None
    ) -> None:
        super().__init__(studio)
        self.presenter = CamerasPresenter(studio, look, desk, self)
        self.editor = self.presenter.editor
        self.files = RigFiles(self, self.presenter)
        self._notices_shown: list[Notice] = []
        self._looked = False
        self._compose()
        self._connect()
        self._add_keys()
        self.refresh()

    # What every page has

    def entered(self) -> None:
        """Look for devices the first time."""
        self.presenter.desk.start()
        if not self._looked:
            self._looked = True
            self.presenter.search.start()
        self.refresh()

    def left(self) -> None:
        """Changes come into use now, whatever is still being typed; tests end."""
        self.presenter.trials.stop()
        self.editor.use.apply()

    def reason_to_stay(self) -> str:
        """Unsaved changes."""
        if not self.editor.file.worth_asking:
            return ""
        return f"The cameras of “{self.editor.draft.name}” are not saved in a rig file."

    def shutdown(self) -> None:
        """End processes and threads."""
        self.presenter.shutdown()

    # Showing

    def refresh(self) -> None:
        """Show what is true now."""
        editor, presenter = self.editor, self.presenter
        draft = editor.draft
        self.rig_name.setEnabled(bool(draft.cameras))
        name = draft.name if draft.cameras else "Cameras"
        if self.rig_name.text() != name:
            self.rig_name.setText(name)
        self.file_words.setText(presenter.file_words)
        self.file_words.setToolTip(str(editor.file.path or ""))
        theme.set_role(self.file_words, "warning" if editor.file.state == "changed" else "quiet")
        self.save.setEnabled(editor.file.state in {"new", "changed"})
        self.save_as.setEnabled(bool(draft.cameras))
        self.open_button.setEnabled(not presenter.opening)
        self._show_history()
        self._show_notices()
        entries = []
        for camera in draft.cameras:
            mark = presenter.mark(camera)
            entries.append(
                Entry(
                    camera.key, camera.name, source_words(camera), mode_words(camera), mark.level, mark.words
                )
            )
        self.list.show_entries(entries, editor.selected)
        chosen = editor.camera
        place = draft.place(chosen.key) if chosen is not None else -1
        for control in (self.duplicate, self.remove):
            control.setEnabled(chosen is not None)
        self.move_up.setEnabled(place > 0)
        self.move_down.setEnabled(0 <= place < len(draft.cameras) - 1)
        self.test_all.setEnabled(
            bool(draft.cameras) and not presenter.why_no_test and not presenter.trials.running
        )
        self.test_all.setToolTip(presenter.why_no_test or "Film with all cameras at the same time (F6)")
        self.calibrate.setEnabled(bool(draft.cameras))
        self.calibrate.setText("Calibrate again …" if editor.calibrated else "&Calibrate …")
        self.calibration_words.setText(presenter.calibration_words)
        theme.set_role(self.calibration_words, "good" if editor.calibrated else "quiet")
        self.devices.show_devices(
            presenter.search.found,
            presenter.used_by,
            searching=presenter.search.searching,
            problem=presenter.search.problem,
        )
        self._listed.setVisible(bool(draft.cameras))
        # Without cameras the found ones are what matters; with many, the list is.
        self._column.setStretchFactor(self._list_card, 3 if draft.cameras else 0)
        self._column.setStretchFactor(self._found, 1)
        self._right.setCurrentIndex(0 if chosen is not None else 1)
        if chosen is not None:
            self.panel.show_camera(chosen)

    def _show_history(self) -> None:
        history = self.editor.history
        for control, verb, text, key in (
            (self.undo, "Undo", history.undo_text, "Ctrl+Z"),
            (self.redo, "Redo", history.redo_text, "Ctrl+Shift+Z"),
        ):
            control.setEnabled(bool(text))
            control.setToolTip(f"{verb}: {text} ({key})" if text else f"{verb} ({key})")

    def _show_notices(self) -> None:
        notices = self.presenter.notices
        if notices == self._notices_shown:
            return
        self._notices_shown = notices
        while (item := self._notices.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for notice in notices:
            actions = [
                (f"notice_{action}", label, partial(self.presenter.act, action))
                for action, label in notice.actions
            ]
            self._notices.addWidget(NoticeBar(notice.level, notice.text, actions))

    # Building

    def _compose(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        outer.setSpacing(2 * theme.SPACE)
        outer.addLayout(self._header())
        self._notices = QVBoxLayout()
        self._notices.setSpacing(theme.SPACE)
        outer.addLayout(self._notices)
        body = QHBoxLayout()
        body.setSpacing(2 * theme.SPACE)
        body.addWidget(self._left())
        body.addWidget(self._right_side(), 1)
        outer.addLayout(body, 1)

    def _header(self) -> QHBoxLayout:
        self.rig_name = TitleLine("rig_name", "Name of the rig")
        self.rig_name.textEdited.connect(self.editor.rename_rig)
        self.rig_name.left.connect(self.editor.rest)
        self.file_words = QLabel()
        self.file_words.setObjectName("file_words")
        titles = QVBoxLayout()
        titles.setSpacing(0)
        titles.addWidget(self.rig_name)
        titles.addWidget(self.file_words)
        self.undo = icon_button("undo", "undo", "Undo", self.editor.undo)
        self.redo = icon_button("redo", "redo", "Redo", self.editor.redo)
        self.simulated = button("Si&mulated studio", "simulated", self.files.use_simulated, icon="cube")
        self.simulated.setToolTip("Four simulated cameras; everything can be tried with them")
        self.simulated_more = icon_button(
            "settings", "simulated_more", "Choose how many simulated cameras", self.files.choose_simulated
        )
        self.open_button = button("&Open …", "open_rig", self.files.open_rig, icon="folder", tip="Ctrl+O")
        self._recent_menu = QMenu(self)
        self._recent_menu.setToolTipsVisible(True)
        self._recent_menu.aboutToShow.connect(partial(self.files.fill_recent_menu, self._recent_menu))
        self.recent = icon_button("down", "recent_rigs", "Recent rigs")
        self.recent.setMenu(self._recent_menu)
        self.recent.setPopupMode(self.recent.ToolButtonPopupMode.InstantPopup)
        self.recent.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.save = button(
            "&Save", "save_rig", self.files.save_rig, icon="save", kind="primary", tip="Ctrl+S"
        )
        self.save_as = button("Save &as …", "save_rig_as", self.files.save_rig_as, tip="Ctrl+Shift+S")
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addLayout(titles, 1)
        for widget in (
            self.undo,
            self.redo,
            self.simulated,
            self.simulated_more,
            self.open_button,
            self.recent,
            self.save_as,
            self.save,
        ):
            row.addWidget(widget)
        return row

    def _left(self) -> QWidget:
        self.list = CameraList()
        self._add_menu = AddMenu(self, self.presenter, self.files)
        self.add = button("A&dd camera", "add_camera", icon="plus")
        self.add.setMenu(self._add_menu)
        card = Card("In this rig")
        card.header.addWidget(help_button("order"))
        card.header.addWidget(self.add)
        self._listed = QWidget()
        listed = QVBoxLayout(self._listed)
        listed.setContentsMargins(0, 0, 0, 0)
        listed.setSpacing(theme.SPACE)
        listed.addWidget(self.list, 1)
        listed.addLayout(self._list_tools())
        listed.addLayout(self._calibration_line())
        card.body.addWidget(self._listed, 1)
        self.devices = DeviceList()
        self._found = QScrollArea()
        self._found.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a stop of the Tab key that shows nothing
        self._found.setWidgetResizable(True)
        self._found.setFrameShape(QFrame.Shape.NoFrame)
        self._found.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scrolled = QWidget()
        scrolled.setObjectName("scrolled")
        inside = QVBoxLayout(scrolled)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.devices)
        inside.addStretch(1)
        self._found.setWidget(scrolled)
        column = QWidget()
        column.setFixedWidth(_LEFT_WIDTH)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.SPACE)
        layout.addWidget(card)
        layout.addWidget(self._found)
        self._column, self._list_card = layout, card
        return column

    def _list_tools(self) -> QHBoxLayout:
        self.move_up = icon_button("up", "move_up", "Move up (Alt+Up)", partial(self._move, -1))
        self.move_down = icon_button("down", "move_down", "Move down (Alt+Down)", partial(self._move, 1))
        self.duplicate = icon_button("copy", "duplicate", "Duplicate (Ctrl+D)", self._duplicate)
        self.remove = icon_button("trash", "remove", "Remove (Delete)", self._remove)
        self.test_all = button("Test all", "test_all", self.presenter.test_all, icon="play")
        tools = QHBoxLayout()
        tools.setSpacing(theme.SPACE // 2)
        for widget in (self.move_up, self.move_down, self.duplicate, self.remove):
            tools.addWidget(widget)
        tools.addStretch(1)
        tools.addWidget(self.test_all)
        return tools

    def _calibration_line(self) -> QHBoxLayout:
        self.calibration_words = QLabel()
        self.calibration_words.setObjectName("calibration_words")
        self.calibrate = button("&Calibrate …", "calibrate", self.presenter.go_calibrate, icon="calibrate")
        line = QHBoxLayout()
        line.setSpacing(theme.SPACE)
        line.addWidget(self.calibration_words)
        line.addWidget(help_button("calibration_fits"))
        line.addStretch(1)
        line.addWidget(self.calibrate)
        return line

    def _right_side(self) -> QWidget:
        self.panel = CameraPanel(self.presenter)
        nothing = EmptyState(
            "camera",
            "No cameras yet",
            "Add cameras that are plugged in, network cameras or footage with Add camera, open a rig that "
            "was saved, or try everything with simulated cameras first.",
            (
                button("&Try simulated cameras", "empty_simulated", self.files.use_simulated, kind="primary"),
                button("Open a rig …", "empty_open", self.files.open_rig),
            ),
        )
        self._right = QStackedWidget()
        self._right.addWidget(self.panel)
        self._right.addWidget(nothing)
        return self._right

    def _connect(self) -> None:
        self.presenter.changed.connect(self.refresh)
        self.presenter.opening_changed.connect(self.refresh)
        self.list.chosen.connect(self.editor.select)
        self.list.moved.connect(self.editor.move)
        self.list.remove_wanted.connect(self.editor.remove)
        self.devices.look_wanted.connect(self.presenter.search.start)
        self.devices.add_wanted.connect(self.presenter.add_device)
        self._add_menu.found_wanted.connect(self.devices.focus_first)

    def _add_keys(self) -> None:
        self.add_action("Undo", "Ctrl+Z", self.editor.undo)
        self.add_action("Redo", "Ctrl+Shift+Z", self.editor.redo)
        self.add_action("Open a rig", "Ctrl+O", self.files.open_rig)
        self.add_action("Save the rig", "Ctrl+S", self.files.save_rig)
        self.add_action("Save the rig as", "Ctrl+Shift+S", self.files.save_rig_as)
        self.add_action("New, empty rig", "Ctrl+N", self.files.new_rig)
        self.add_action("Duplicate the camera", "Ctrl+D", self._duplicate)
        self.add_action("Test the camera", "F5", self._test)
        self.add_action("Test all cameras", "F6", self.presenter.test_all)
        self.add_action("Look for cameras", "Ctrl+R", self.presenter.search.start)

    def _move(self, step: int) -> None:
        if self.editor.selected is not None:
            place = self.editor.draft.place(self.editor.selected)
            self.editor.move(self.editor.selected, place + step)

    def _duplicate(self) -> None:
        if self.editor.selected is not None:
            self.editor.duplicate(self.editor.selected)

    def _remove(self) -> None:
        if self.editor.selected is not None:
            self.editor.remove(self.editor.selected)

    def _test(self) -> None:
        if self.editor.selected is not None:
            self.presenter.test(self.editor.selected)
