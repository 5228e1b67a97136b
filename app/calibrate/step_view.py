"""What every step's view is."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QWidget

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


class Scrolled(QScrollArea):
    """What may be taller than the window, never wider than its place: the place is as wide as it needs."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content.setObjectName(content.objectName() or "scrolled")
        self.setWidget(content)
        content.installEventFilter(self)
        self._fit()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Grow with the content."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        content, bar = self.widget(), self.verticalScrollBar()
        if content is not None and bar is not None:
            self.setMinimumWidth(content.minimumSizeHint().width() + bar.sizeHint().width())


def scrolled(content: QWidget) -> Scrolled:
    """A scroll area around it."""
    return Scrolled(content)


def under(*widgets: QWidget) -> QHBoxLayout:
    """What belongs to a choice, indented below it; the first takes the free width."""
    row = QHBoxLayout()
    row.setContentsMargins(3 * theme.SPACE, 0, 0, 0)
    row.setSpacing(theme.SPACE)
    row.addWidget(widgets[0], 1)
    for one in widgets[1:]:
        row.addWidget(one)
    return row
