"""A small button with a question mark that opens a short text beside it."""

from __future__ import annotations

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QFrame, QLabel, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.help.texts import HelpText, help_texts
from app.widgets.buttons import icon_button

_WIDTH = 42 * theme.SPACE


class Popover(QFrame):
    """A text over the page; any key or click beside it closes it."""

    def __init__(self, text: HelpText, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("help_popover")
        self.setProperty("card", True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(_WIDTH)
        self.setAccessibleName(text.title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * theme.SPACE, 2 * theme.SPACE, 2 * theme.SPACE, 2 * theme.SPACE)
        layout.setSpacing(theme.SPACE)
        title = QLabel(text.title)
        title.setProperty("role", "heading")
        layout.addWidget(title)
        for paragraph in text.paragraphs:
            label = QLabel(paragraph)
            label.setWordWrap(True)
            label.setFixedWidth(_WIDTH - 4 * theme.SPACE)
            layout.addWidget(label)

    def show_beside(self, widget: QWidget) -> None:
        """Appear below a widget, inside the screen."""
        self.adjustSize()
        corner = widget.mapToGlobal(QPoint(0, widget.height() + theme.SPACE // 2))
        screen = widget.screen()
        if screen is not None:
            room = screen.availableGeometry()
            corner.setX(max(room.left(), min(corner.x(), room.right() - self.width())))
            if corner.y() + self.height() > room.bottom():
                corner.setY(widget.mapToGlobal(QPoint(0, 0)).y() - self.height() - theme.SPACE // 2)
        self.move(corner)
        self.show()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Close."""
        del event
        self.close()


def help_button(topic: str, parent: QWidget | None = None) -> QToolButton:
    """A button that explains ``topic``, one of ``help_texts()``.

    Raises:
        KeyError: Nobody has written about it.
    """
    text = help_texts()[topic]
    result = icon_button("help", f"help_{topic}", f"Help: {text.title}", parent=parent)

    def show(_: bool) -> None:
        window = result.window()
        Popover(text, window if window is not None else result).show_beside(result)

    result.clicked.connect(show)
    return result
