"""The cameras page: which devices film, how they are set, and whether they work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QMessageBox,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.cameras.camera_list import CameraList, Entry
from app.cameras.camera_panel import CameraPanel
from app.cameras.device_list import DeviceList
from app.cameras.device_search import look_for_devices
from app.cameras.dialogs import AddressDialog, SimulatedDialog
from app.cameras.presenter import CamerasPresenter, Notice
from app.cameras.words import driver_title, mode_words, source_words
from app.help.popover import help_button
from app.page import Page
from app.studio import Studio
from app.widgets.buttons import button, icon_button
from app.widgets.card import Card
from app.widgets.empty_state import EmptyState
from app.widgets.notice_bar import NoticeBar

_LEFT_WIDTH: Final = 48 * theme.SPACE
_MARGIN: Final = 3 * theme.SPACE
_RIG_FILES: Final = "Rig files (*.yaml *.yml)"
_VIDEOS: Final = "Videos (*.mp4 *.mkv *.avi *.mov *.m4v *.webm *.mpg *.mpeg *.ts);;All files (*)"


class CamerasPage(Page):
    """List on the left, the chosen camera on the right, the rig's file above."""

    name = "cameras"
    title = "Cameras"
    icon = "camera"

    def __init__(self, studio: Studio, look: Callable[..., Any] = look_for_devices) -> None:
        super().__init__(studio)
        self.presenter = CamerasPresenter(studio, look, self)
        self.editor = self.presenter.editor
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
        self.editor.apply()

    def reason_to_stay(self) -> str:
        """Unsaved changes."""
        if not self.editor.worth_asking:
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
        self.rig_name.setText(draft.name if draft.cameras else "Cameras")
        self.file_words.setText(presenter.file_words)
        self.file_words.setToolTip(str(editor.path or ""))
        theme.set_role(self.file_words, "warning" if editor.save_state == "changed" else "quiet")
        self.save.setEnabled(editor.save_state in {"new", "changed"})
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
        self.list_card.setVisible(bool(draft.cameras))
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

    # Files

    def open_rig(self) -> None:
        """Ask for a rig file and open it."""
        if not self._may_replace():
            return
        chosen, _ = QFileDialog.getOpenFileName(self, "Open a rig", str(self._folder()), _RIG_FILES)
        if chosen:
            self.presenter.open(Path(chosen))

    def open_recent(self, path: Path) -> None:
        """Open a rig that was open lately."""
        if self._may_replace():
            self.presenter.open(path)

    def save_rig(self) -> bool:
        """Save into the rig's file; the first time, ask which."""
        if self.editor.path is None:
            return self.save_rig_as()
        if not self._comments_may_go():
            return False
        return self.presenter.save()

    def save_rig_as(self) -> bool:
        """Ask for a file and save into it."""
        if self.editor.why_not_usable:
            self.studio.say("bad", f"The rig cannot be saved yet. {self.editor.why_not_usable}")
            return False
        suggested = self.editor.path or self._folder() / f"{self.editor.draft.name.replace(' ', '_')}.yaml"
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the rig as", str(suggested), _RIG_FILES)
        if not chosen:
            return False
        path = Path(chosen)
        return self.presenter.save(path if path.suffix else path.with_suffix(".yaml"))

    def new_rig(self) -> None:
        """Begin with no cameras."""
        if self._may_replace():
            self.editor.new_rig()

    def use_simulated(self) -> None:
        """One click: four simulated cameras."""
        if self._may_replace():
            self.editor.use_simulated()

    def choose_simulated(self) -> None:
        """Ask how many simulated cameras, then use them."""
        dialog = SimulatedDialog(parent=self)
        if dialog.exec() and self._may_replace():
            self.editor.use_simulated(*dialog.chosen)

    def _may_replace(self) -> bool:
        """Ask what shall become of unsaved changes; whether to go on."""
        if not self.editor.worth_asking:
            return True
        box = QMessageBox(self)
        box.setObjectName("unsaved")
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Save the cameras?")
        box.setText(f"The cameras of “{self.editor.draft.name}” are not saved.")
        box.setInformativeText("Without saving, the changes are lost.")
        save = box.addButton("&Save", QMessageBox.ButtonRole.AcceptRole)
        leave = box.addButton("&Don't save", QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(save)
        box.setEscapeButton(cancel)
        box.exec()
        if box.clickedButton() is save:
            return self.save_rig()
        return box.clickedButton() is leave

    def _comments_may_go(self) -> bool:
        count = self.editor.comments_lost
        if not count:
            return True
        many = "a comment" if count == 1 else f"{count} comments"
        box = QMessageBox(self)
        box.setObjectName("comments")
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Save over comments?")
        box.setText(f"The file has {many} that somebody wrote by hand.")
        box.setInformativeText("Saving keeps the lines above the first entry and loses the other comments.")
        save = box.addButton("&Save and lose them", QMessageBox.ButtonRole.AcceptRole)
        other = box.addButton("Save &as another file …", QMessageBox.ButtonRole.ActionRole)
        cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(other)
        box.setEscapeButton(cancel)
        box.exec()
        if box.clickedButton() is other:
            self.save_rig_as()
            return False
        return box.clickedButton() is save

    def _folder(self) -> Path:
        """Where file dialogs begin."""
        if self.editor.path is not None:
            return self.editor.path.parent
        recent = self.studio.preferences.recent_rigs
        return recent[0].parent if recent else Path.home()

    # Adding

    def add_stream(self) -> None:
        """Ask for an address."""
        dialog = AddressDialog(self)
        if dialog.exec():
            self.presenter.add_stream(dialog.chosen)

    def add_videos(self) -> None:
        """Ask for video files."""
        chosen, _ = QFileDialog.getOpenFileNames(self, "Add videos", str(self._footage()), _VIDEOS)
        if chosen:
            self.studio.preferences.remember_folder(Path(chosen[0]).parent)
            self.presenter.add_videos([Path(one) for one in chosen])

    def add_images(self) -> None:
        """Ask for a folder of images."""
        chosen = QFileDialog.getExistingDirectory(self, "Add a folder of images", str(self._footage()))
        if chosen:
            self.studio.preferences.remember_folder(Path(chosen))
            self.presenter.add_images(Path(chosen))

    def _footage(self) -> Path:
        recent = self.studio.preferences.recent_folders
        return recent[0] if recent else self._folder()

    def _fill_add_menu(self) -> None:
        """One entry for each driver there is; those with a way of their own to be asked first."""
        self._add_menu.clear()
        ways: dict[str, tuple[str, Callable[[], object]]] = {
            "usb": ("USB camera …", self._add_usb),
            "rtsp": ("Network camera …", self.add_stream),
            "video_file": ("Video files …", self.add_videos),
            "image_folder": ("Folder of images …", self.add_images),
            "simulated": ("Simulated camera", lambda: self.presenter.add_driver("simulated")),
        }
        for driver in [*ways, *(one for one in self.presenter.desk.forms if one not in ways)]:
            label, way = ways.get(driver) or (
                driver_title(driver),
                partial(self.presenter.add_driver, driver),
            )
            action = QAction(label, self._add_menu)
            action.setObjectName(f"add_{driver}")
            action.triggered.connect(lambda _checked, way=way: way())
            self._add_menu.addAction(action)

    def _add_usb(self) -> None:
        """Found ones are added from the list; where none is found, one that is not plugged in yet."""
        found = self.presenter.search.found or []
        free = [
            one
            for one, used in zip(found, self.presenter.used_by, strict=True)
            if not used and not one.reason
        ]
        if len(free) == 1:
            self.presenter.add_device(free[0])
        elif free:
            self.devices.setFocus()
            self.studio.say("info", "Choose a camera in the list “Found on this computer”.")
        else:
            self.presenter.add_driver("usb")
            self.studio.say(
                "info",
                "No free USB camera was found. One was added by number; choose its device in the settings.",
            )

    def _fill_recent_menu(self) -> None:
        self._recent_menu.clear()
        for path in self.studio.preferences.recent_rigs:
            action = QAction(path.stem, self._recent_menu)
            action.setToolTip(str(path))
            action.setObjectName(f"recent_{path.stem}")
            action.triggered.connect(lambda _checked, path=path: self.open_recent(path))
            self._recent_menu.addAction(action)
        if self._recent_menu.isEmpty():
            nothing = self._recent_menu.addAction("No rig was opened yet")
            assert nothing is not None
            nothing.setEnabled(False)

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
        self.rig_name = QLabel()
        self.rig_name.setObjectName("rig_name")
        self.rig_name.setProperty("role", "title")
        self.file_words = QLabel()
        self.file_words.setObjectName("file_words")
        titles = QVBoxLayout()
        titles.setSpacing(0)
        titles.addWidget(self.rig_name)
        titles.addWidget(self.file_words)
        self.undo = icon_button("back", "undo", "Undo", self.editor.undo)
        self.redo = icon_button("forward", "redo", "Redo", self.editor.redo)
        self.simulated = button("Si&mulated studio", "simulated", self.use_simulated, icon="cube")
        self.simulated.setToolTip("Four simulated cameras; everything can be tried with them")
        self.simulated_more = icon_button(
            "settings", "simulated_more", "Choose how many simulated cameras", self.choose_simulated
        )
        self.open_button = button("&Open …", "open_rig", self.open_rig, icon="folder", tip="Ctrl+O")
        self._recent_menu = QMenu(self)
        self._recent_menu.setToolTipsVisible(True)
        self._recent_menu.aboutToShow.connect(self._fill_recent_menu)
        self.recent = icon_button("down", "recent_rigs", "Recent rigs")
        self.recent.setMenu(self._recent_menu)
        self.recent.setPopupMode(self.recent.ToolButtonPopupMode.InstantPopup)
        self.recent.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.save = button("&Save", "save_rig", self.save_rig, icon="save", kind="primary", tip="Ctrl+S")
        self.save_as = button("Save &as …", "save_rig_as", self.save_rig_as, tip="Ctrl+Shift+S")
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
        self._add_menu = QMenu(self)
        self._add_menu.aboutToShow.connect(self._fill_add_menu)
        self.add = button("A&dd camera", "add_camera", icon="plus")
        self.add.setMenu(self._add_menu)
        self.list_card = Card("In this rig")
        self.list_card.header.addWidget(help_button("order"))
        self.list_card.body.addWidget(self.list, 1)
        tools = QHBoxLayout()
        tools.setSpacing(theme.SPACE // 2)
        self.move_up = icon_button("up", "move_up", "Move up (Alt+Up)", partial(self._move, -1))
        self.move_down = icon_button("down", "move_down", "Move down (Alt+Down)", partial(self._move, 1))
        self.duplicate = icon_button("plus", "duplicate", "Duplicate (Ctrl+D)", self._duplicate)
        self.remove = icon_button("trash", "remove", "Remove (Delete)", self._remove)
        self.test_all = button("Test all", "test_all", self.presenter.test_all, icon="play")
        for widget in (self.move_up, self.move_down, self.duplicate, self.remove):
            tools.addWidget(widget)
        tools.addStretch(1)
        tools.addWidget(self.test_all)
        self.list_card.body.addLayout(tools)
        calibrating = QHBoxLayout()
        self.calibration_words = QLabel()
        self.calibration_words.setObjectName("calibration_words")
        self.calibrate = button("&Calibrate …", "calibrate", self.presenter.go_calibrate, icon="calibrate")
        calibrating.addWidget(self.calibration_words)
        calibrating.addWidget(help_button("calibration_fits"))
        calibrating.addStretch(1)
        calibrating.addWidget(self.calibrate)
        self.list_card.body.addLayout(calibrating)
        self.devices = DeviceList()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scrolled = QWidget()
        scrolled.setObjectName("scrolled")
        inside = QVBoxLayout(scrolled)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.devices)
        inside.addStretch(1)
        scroll.setWidget(scrolled)
        column = QWidget()
        column.setFixedWidth(_LEFT_WIDTH)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.SPACE)
        layout.addWidget(self.add)
        layout.addWidget(self.list_card, 3)
        layout.addWidget(scroll, 2)
        return column

    def _right_side(self) -> QWidget:
        self.panel = CameraPanel(self.presenter)
        nothing = EmptyState(
            "camera",
            "No cameras yet",
            "Add cameras that are plugged in, network cameras or footage with Add camera, open a rig that "
            "was saved, or try everything with simulated cameras first.",
            (
                button("&Try simulated cameras", "empty_simulated", self.use_simulated, kind="primary"),
                button("Open a rig …", "empty_open", self.open_rig),
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

    def _add_keys(self) -> None:
        self.add_action("Undo", "Ctrl+Z", self.editor.undo)
        self.add_action("Redo", "Ctrl+Shift+Z", self.editor.redo)
        self.add_action("Open a rig", "Ctrl+O", self.open_rig)
        self.add_action("Save the rig", "Ctrl+S", self.save_rig)
        self.add_action("Save the rig as", "Ctrl+Shift+S", self.save_rig_as)
        self.add_action("New, empty rig", "Ctrl+N", self.new_rig)
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
