"""What every step's view is."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFrame, QLabel, QScrollArea, QWidget

from app import theme
from app.calibrate.wizard import Wizard


class StepView(QWidget):
    """A step: draws the wizard's state and tells it what the user does."""

    def __init__(self, wizard: Wizard) -> None:
        super().__init__()
        self.wizard = wizard

    def entered(self) -> None:
        """It became visible."""

    def left(self) -> None:
        """It is no longer visible: stop drawing."""

    def shutdown(self) -> None:
        """The window closes."""


def text(words: str = "", role: str = "", name: str = "") -> QLabel:
    """A label that wraps."""
    label = QLabel(words)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if role:
        label.setProperty("role", role)
    if name:
        label.setObjectName(name)
    return label


def say(label: QLabel, level: str, words: str) -> None:
    """Show a sentence in the colour of its level; hidden when there is none."""
    if label.text() != words:
        label.setText(words)
    theme.set_role(label, level)
    label.setVisible(bool(words))


def scrolled(content: QWidget) -> QScrollArea:
    """What is taller than the window."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    content.setObjectName(content.objectName() or "scrolled")
    area.setWidget(content)
    return area
