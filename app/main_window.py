"""The window: a rail of pages, the page, the status line, messages. Knows no page's business."""

from __future__ import annotations

import base64
import logging
from datetime import datetime
from typing import Final

from PyQt6.QtCore import QByteArray, QSize, Qt
from PyQt6.QtGui import QAction, QCloseEvent, QKeySequence
from PyQt6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import icons, theme
from app.keyboard import Keyboard
from app.page import Page
from app.pages import PAGES, RAIL
from app.settings_dialog import MessagesDialog, SettingsDialog, ShortcutsDialog
from app.status_line import StatusLine
from app.studio import Studio
from app.widgets.toasts import Toasts

log = logging.getLogger(__name__)

_RAIL_WIDTH: Final = 10 * theme.SPACE
_MOST_MESSAGES: Final = 200


class MainWindow(QMainWindow):
    """Everything of Posestage in one window. Pages are built when they are first shown.

    Args:
        studio: What the pages share.
        asks: Before closing, where something would be lost.
    """

    def __init__(self, studio: Studio, *, asks: bool = True) -> None:
        super().__init__()
        self.setWindowTitle("Posestage")
        self.setMinimumSize(1024, 680)
        self.studio = studio
        self.pages: dict[str, Page] = {}
        self.messages: list[tuple[str, str, str]] = []
        self._shown: Page | None = None
        self._told_to_leave = not asks
        self._rail_buttons: dict[str, QToolButton] = {}
        self._keys: list[QAction] = []
        self._stack = QStackedWidget()
        self.status = StatusLine(studio)
        self.status.messages.clicked.connect(self.show_messages)
        self._compose()
        self._toasts = Toasts(self._stack)
        self._keyboard = Keyboard(self)
        self._add_keys()
        studio.go_to.connect(self.go_to)
        studio.message.connect(self._hear)
        studio.rig_changed.connect(self._tell_title)
        theme.watcher().changed.connect(self._draw_icons)
        self.status.watch_session()
        self._restore_geometry()

    def go_to(self, name: str) -> None:
        """Show a page."""
        page = self.pages.get(name)
        if page is None:
            page = self.pages[name] = PAGES.load(name)(self.studio)
            self._stack.addWidget(page)
        self._rail_buttons[name].setChecked(True)
        if page is self._shown:
            return
        if self._shown is not None:
            self._shown.left()
        self._shown = page
        self._stack.setCurrentWidget(page)
        page.entered()
        page.setFocus()
        self._toasts.raise_()

    @property
    def shown(self) -> str:
        """Name of the page that is shown."""
        return self._shown.name if self._shown is not None else ""

    def show_messages(self) -> None:
        """List what has been said."""
        MessagesDialog(self.messages, self).exec()

    def show_settings(self) -> None:
        """Open the settings."""
        SettingsDialog(self.studio, self).exec()

    def show_shortcuts(self) -> None:
        """List all keys: the window's own, then those of every page that was opened."""
        groups = {"Everywhere": self._keys}
        groups |= {RAIL[name][0]: page.shortcuts for name, page in self.pages.items()}
        ShortcutsDialog(groups, self).exec()

    def close_without_asking(self) -> None:
        """End everything in order, a recording too, whatever is going on."""
        self._told_to_leave = True
        self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Ask when something would be lost, then end everything in order."""
        assert event is not None
        reasons = [reason for page in self.pages.values() if (reason := page.reason_to_stay())]
        if reasons and not self._told_to_leave and not self._really_quit(reasons):
            event.ignore()
            return
        self.studio.preferences.geometry = base64.b64encode(self.saveGeometry().data()).decode()
        self.hide()  # what follows may take a moment
        for name, page in self.pages.items():
            try:
                page.shutdown()
            except Exception:
                log.exception("page %s did not end in order", name)
        self.studio.shutdown()
        event.accept()

    def _really_quit(self, reasons: list[str]) -> bool:
        box = QMessageBox(self)
        box.setObjectName("reallyQuit")
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Quit Posestage?")
        box.setText("\n\n".join(reasons))
        quit_button = box.addButton("Quit", QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        box.exec()
        return box.clickedButton() is quit_button

    def _compose(self) -> None:
        rail = QWidget()
        rail.setObjectName("rail")
        rail.setFixedWidth(_RAIL_WIDTH)
        column = QVBoxLayout(rail)
        column.setContentsMargins(4, theme.SPACE, 4, theme.SPACE)
        column.setSpacing(4)
        group = QButtonGroup(self)
        for place, (name, (title, _)) in enumerate(RAIL.items(), 1):
            entry = self._rail_button(title, f"{title} (Ctrl+{place})", f"rail_{name}")
            entry.setCheckable(True)
            entry.clicked.connect(lambda _checked, page=name: self.go_to(page))
            group.addButton(entry)
            self._rail_buttons[name] = entry
            column.addWidget(entry)
        column.addStretch(1)
        self._settings = self._rail_button("Settings", "Settings (Ctrl+,)", "rail_settings")
        self._settings.clicked.connect(self.show_settings)
        self._help = self._rail_button("Keys", "Keyboard shortcuts (F1)", "rail_keys")
        self._help.clicked.connect(self.show_shortcuts)
        column.addWidget(self._settings)
        column.addWidget(self._help)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self._stack, 1)
        right.addWidget(self.status)
        central = QWidget()
        row = QHBoxLayout(central)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(rail)
        row.addLayout(right, 1)
        self.setCentralWidget(central)
        self._draw_icons()

    def _rail_button(self, title: str, tip: str, name: str) -> QToolButton:
        entry = QToolButton()
        entry.setObjectName(name)
        entry.setText(title)
        entry.setToolTip(tip)
        entry.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        entry.setIconSize(QSize(24, 24))
        return entry

    def _draw_icons(self) -> None:
        colour = theme.palette().text
        for name, entry in self._rail_buttons.items():
            entry.setIcon(icons.icon(RAIL[name][1], colour, 24))
        self._settings.setIcon(icons.icon("settings", colour, 24))
        self._help.setIcon(icons.icon("help", colour, 24))

    def _add_keys(self) -> None:
        keys = {f"Go to {RAIL[name][0]}": (f"Ctrl+{place}", name) for place, name in enumerate(RAIL, 1)}
        for text, (key, name) in keys.items():
            self._add_key(text, key).triggered.connect(lambda _checked, page=name: self.go_to(page))
        self._add_key("Keyboard shortcuts", "F1").triggered.connect(self.show_shortcuts)
        self._add_key("Settings", "Ctrl+,").triggered.connect(self.show_settings)
        self._add_key("Messages", "Ctrl+M").triggered.connect(self.show_messages)
        self._add_key("Full screen", "F11").triggered.connect(self._toggle_full_screen)
        self._add_key("Quit", "Ctrl+Q").triggered.connect(self.close)

    def _add_key(self, text: str, key: str) -> QAction:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(key))
        self.addAction(action)
        self._keys.append(action)
        return action

    def _toggle_full_screen(self) -> None:
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def _hear(self, level: str, text: str) -> None:
        self.messages.append((f"{datetime.now():%H:%M:%S}", level, text))
        del self.messages[:-_MOST_MESSAGES]
        self.status.count_messages(len(self.messages))
        self._toasts.show_message(level, text)

    def _tell_title(self) -> None:
        rig = self.studio.rig
        self.setWindowTitle(f"{rig.name} – Posestage" if rig is not None else "Posestage")

    def _restore_geometry(self) -> None:
        self.resize(1360, 860)
        saved = self.studio.preferences.geometry
        if saved:
            self.restoreGeometry(QByteArray(base64.b64decode(saved)))
