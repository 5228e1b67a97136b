"""Messages over the page: news goes by itself, trouble stays until it is read."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app import icons, theme
from app.widgets.buttons import icon_button

_WIDTH: Final = 400
_GOES_AFTER_MS: Final = 6000
_MOST: Final = 4
_ABOVE_BUTTONS: Final = 9 * theme.SPACE
"""Rows of buttons at the foot of a page stay free."""
_ICONS: Final = {"info": "info", "good": "check", "warning": "warning", "bad": "warning"}


class Toast(QFrame):
    """One message."""

    gone = pyqtSignal()

    def __init__(self, level: str, text: str) -> None:
        super().__init__()
        self.setObjectName("toast")
        self.level, self.text = level, text
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(theme.SPACE)
        colour = getattr(theme.palette(), "accent" if level == "info" else level)
        mark = QLabel()
        mark.setPixmap(icons.icon(_ICONS[level], colour, 20).pixmap(20, 20))
        label = QLabel(text)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(label, 1)
        close = icon_button("close", "closeToast", "Close this message", self.gone.emit)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        if level in {"info", "good"}:
            clock = QTimer(self)
            clock.setSingleShot(True)
            clock.timeout.connect(self.gone)
            clock.start(_GOES_AFTER_MS)


class Toasts(QWidget):
    """The messages that are shown, lower right over its parent; newest last."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedWidth(_WIDTH)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(theme.SPACE)
        self.shown: list[Toast] = []
        parent.installEventFilter(self)
        self.hide()

    def show_message(self, level: str, text: str) -> None:
        """Show one; the same one twice only once, and the oldest makes room."""
        if any(toast.text == text for toast in self.shown):
            return
        toast = Toast(level, text)
        toast.gone.connect(lambda: self._remove(toast))
        self._layout.addWidget(toast)
        self.shown.append(toast)
        if len(self.shown) > _MOST:
            self._remove(self.shown[0])
        self._place()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Stay in the corner when the window changes its size."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _remove(self, toast: Toast) -> None:
        if toast in self.shown:
            self.shown.remove(toast)
            self._layout.removeWidget(toast)
            toast.hide()
            toast.deleteLater()
            self._place()

    def _place(self) -> None:
        self.setVisible(bool(self.shown))
        parent = self.parentWidget()
        if parent is None or not self.shown:
            return
        height = sum(toast.heightForWidth(_WIDTH) for toast in self.shown) + theme.SPACE * (
            len(self.shown) - 1
        )
        self.setGeometry(
            parent.width() - _WIDTH - 2 * theme.SPACE,
            parent.height() - height - _ABOVE_BUTTONS,
            _WIDTH,
            height,
        )
        self.raise_()
