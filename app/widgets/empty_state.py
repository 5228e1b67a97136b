"""What a view shows when there is nothing to show: why, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app import icons, theme

_TEXT_WIDTH = 440


class EmptyState(QWidget):
    """An icon, a title, a sentence and buttons, in the middle of the free space."""

    def __init__(
        self,
        icon: str,
        title: str,
        text: str,
        buttons: Sequence[QPushButton] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon_name = icon
        self._icon = QLabel()
        self.title = QLabel(title)
        self.title.setProperty("role", "title")
        self.text = QLabel(text)
        self.text.setProperty("role", "quiet")
        self.text.setWordWrap(True)
        self.text.setFixedWidth(_TEXT_WIDTH)
        self.text.setMinimumHeight(max(0, self.text.heightForWidth(_TEXT_WIDTH)))
        for label in (self._icon, self.title, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addStretch(1)
        for item in buttons:
            row.addWidget(item)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setSpacing(2 * theme.SPACE)
        layout.addStretch(2)
        layout.addWidget(self._icon)
        layout.addWidget(self.title)
        layout.addWidget(self.text, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addLayout(row)
        layout.addStretch(3)
        self._draw()
        theme.watcher().changed.connect(self._draw)

    def _draw(self) -> None:
        picture = icons.icon(self._icon_name, theme.palette().quiet_text, 48)
        self._icon.setPixmap(picture.pixmap(48, 48))
