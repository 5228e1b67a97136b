"""A titled panel that groups what belongs together."""

from __future__ import annotations

from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app import theme


class Card(QFrame):
    """A rounded panel.

    Attributes:
        header: Row of the title; further widgets go to its right.
        body: Where its contents go.
    """

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * theme.SPACE, 2 * theme.SPACE, 2 * theme.SPACE, 2 * theme.SPACE)
        layout.setSpacing(theme.SPACE)
        self.header = QHBoxLayout()
        self.header.setSpacing(theme.SPACE)
        self.title = QLabel(title)
        self.title.setProperty("role", "heading")
        if not title:
            self.title.hide()  # showing what has no parent yet would open a window of its own
        self.header.addWidget(self.title)
        self.header.addStretch(1)
        layout.addLayout(self.header)
        self.body = QVBoxLayout()
        self.body.setSpacing(theme.SPACE)
        layout.addLayout(self.body, 1)
