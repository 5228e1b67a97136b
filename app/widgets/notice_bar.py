"""A sentence above a page with what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from app import icons, theme
from app.widgets.buttons import button

_ICONS = {"info": "info", "good": "check", "warning": "warning", "bad": "warning"}


class NoticeBar(QFrame):
    """One notice.

    Args:
        level: info, good, warning or bad.
        text: The sentence.
        actions: (object name, words, what it does) of each button.
        parent: Its owner.
    """

    def __init__(
        self,
        level: str,
        text: str,
        actions: Sequence[tuple[str, str, Callable[[], object]]] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self.setProperty("card", True)
        self._level = level
        self._mark = QLabel()
        words = QLabel(text)
        words.setObjectName("notice_text")
        words.setWordWrap(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(words, 1)
        for name, label, clicked in actions:
            layout.addWidget(button(label, name, clicked))
        self._draw()
        theme.watcher().changed.connect(self._draw)

    def _draw(self) -> None:
        colour = getattr(theme.palette(), "accent" if self._level == "info" else self._level)
        self._mark.setPixmap(icons.icon(_ICONS[self._level], colour, 20).pixmap(20, 20))
