"""A large button with an icon, a title and a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app import icons, theme

_ICON: Final = 56


class Choice(QPushButton):
    """All of it can be clicked; space or return press it.

    Args:
        icon: Name in ``app/icons.py``.
        title: What happens, in a few words; ``&`` marks the key.
        text: A sentence about it.
        name: Object name.
        clicked: What it does.
        small: In one row with the icon on the left, instead of tall with the icon above.
    """

    def __init__(
        self,
        icon: str,
        title: str,
        text: str,
        name: str,
        clicked: Callable[[], object],
        *,
        small: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title.replace("&", ""))
        self.setAccessibleDescription(text)
        self._icon = icon
        self._side = 24 if small else _ICON
        self._picture = QLabel()
        self._title = QLabel(title)
        self._title.setBuddy(self)
        self._title.setProperty("role", "heading")
        self._text = QLabel(text)
        self._text.setProperty("role", "quiet")
        self._text.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(theme.SPACE // 2 if small else theme.SPACE)
        layout: QHBoxLayout | QVBoxLayout
        if small:
            layout = QHBoxLayout(self)
            layout.setContentsMargins(2 * theme.SPACE, theme.SPACE, 2 * theme.SPACE, theme.SPACE)
            layout.setSpacing(2 * theme.SPACE)
            layout.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignVCenter)
        else:
            layout = QVBoxLayout(self)
            layout.setContentsMargins(3 * theme.SPACE, 3 * theme.SPACE, 3 * theme.SPACE, 3 * theme.SPACE)
            layout.setSpacing(2 * theme.SPACE)
            layout.addWidget(self._picture)
        words.addWidget(self._title)
        words.addWidget(self._text)
        if not small:
            words.addStretch(1)
        layout.addLayout(words, 1)
        for label in (self._picture, self._title, self._text):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        least = 0 if small else 26 * theme.SPACE
        self.setStyleSheet(f"QPushButton {{ padding: 0; min-height: {least}px; background: palette(base); }}")
        self.clicked.connect(lambda _checked: clicked())
        self._draw()
        theme.watcher().changed.connect(self._draw)

    def sizeHint(self) -> QSize:
        """As its contents want."""
        layout = self.layout()
        return layout.sizeHint() if layout is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        """The same."""
        layout = self.layout()
        return layout.minimumSize() if layout is not None else super().minimumSizeHint()

    def hasHeightForWidth(self) -> bool:
        """The sentence takes as many lines as it needs."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Of the contents."""
        layout = self.layout()
        return layout.heightForWidth(width) if layout is not None else super().heightForWidth(width)

    def _draw(self) -> None:
        side = self._side
        picture = icons.icon(self._icon, theme.palette().accent, side)
        self._picture.setPixmap(picture.pixmap(side, side))
