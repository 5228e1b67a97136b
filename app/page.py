"""What every page of the window is."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QWidget

from app.studio import Studio


class Page(QWidget):
    """A page: built once, shown when its name in the rail is chosen or ``studio.go_to`` names it.

    Attributes:
        name: For ``studio.go_to``.
        title: In the rail.
        icon: Name in ``app/icons.py``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    icon: ClassVar[str]

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.setObjectName("page")
        self.studio = studio
        self.shortcuts: list[QAction] = []

    def add_action(self, text: str, shortcut: str, slot: Callable[[], object]) -> QAction:
        """A key of this page, active while it is shown; the list of shortcuts (F1) shows ``text``."""
        action = QAction(text, self)
        action.setShortcut(QKeySequence(shortcut))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _checked: slot())
        self.addAction(action)
        self.shortcuts.append(action)
        return action

    def entered(self) -> None:
        """It became visible."""

    def left(self) -> None:
        """It is no longer visible: stop drawing, keep what must go on."""

    def reason_to_stay(self) -> str:
        """What would be lost by quitting now, as a sentence; empty: nothing."""
        return ""

    def shutdown(self) -> None:
        """The window closes: save, end processes and threads."""
