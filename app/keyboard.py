"""What the keyboard does everywhere: Return presses, and the focus stays where somebody works."""

from __future__ import annotations

from typing import Final

from PyQt6 import sip
from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QApplication, QDialog, QPushButton, QToolButton, QWidget

from app.page import Page

_BUTTONS: Final = (QPushButton, QToolButton)
_RETURN: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Keyboard(QObject):
    """Watches the widget that has the focus, and no other: nothing else costs time.

    Outside of dialogs Qt lets only the space bar press a button. And when the focused button is switched off
    or hidden, as Record is while a recording starts, Qt gives the focus to whatever comes next in the window;
    here it waits in the page, and comes back when the button does.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._watched: QWidget | None = None
        self._waiting: QWidget | None = None
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._follow)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Return on the focused button, or the return of the one that was switched off."""
        assert event is not None
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            plain = event.modifiers() in (
                Qt.KeyboardModifier.NoModifier,
                Qt.KeyboardModifier.KeypadModifier,
            )
            if isinstance(watched, _BUTTONS) and event.key() in _RETURN and plain:
                if not event.isAutoRepeat():
                    watched.click()
                return True
        elif event.type() == QEvent.Type.EnabledChange and watched is self._waiting:
            self._give_back()
        return False

    def _follow(self, old: QWidget | None, new: QWidget | None) -> None:
        lost = isinstance(old, _BUTTONS) and not (old.isEnabled() and old.isVisible())
        page = _page_of(old) if lost else None
        if page is not None and page.isVisible() and new is not page and new is not old:
            self._wait_for(old)
            page.setFocus(Qt.FocusReason.OtherFocusReason)  # comes here again, with the page as new
            return
        if self._waiting is not None and (sip.isdeleted(self._waiting) or new is not _page_of(self._waiting)):
            self._wait_for(None)  # somebody went on
        if self._watched is not self._waiting:
            self._forget(self._watched)
        self._watched = new if isinstance(new, _BUTTONS) else None
        if self._watched is not None:
            self._watched.installEventFilter(self)

    def _wait_for(self, button: QWidget | None) -> None:
        if self._waiting is not self._watched:
            self._forget(self._waiting)
        self._waiting = button
        if button is not None:
            button.installEventFilter(self)

    def _forget(self, widget: QWidget | None) -> None:
        if widget is not None and not sip.isdeleted(widget):
            widget.removeEventFilter(self)

    def _give_back(self) -> None:
        button = self._waiting
        if button is not None and button.isEnabled() and button.isVisible():
            self._wait_for(None)
            button.setFocus(Qt.FocusReason.OtherFocusReason)


def _page_of(widget: QWidget | None) -> Page | None:
    """The page a widget is in; None in dialogs and outside of pages."""
    while widget is not None and not isinstance(widget, QDialog):
        if isinstance(widget, Page):
            return widget
        widget = widget.parentWidget()
    return None
