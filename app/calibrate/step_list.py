"""The list of steps beside a wizard."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, TypeVar

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app import theme

AnyStep = TypeVar("AnyStep", bound=IntEnum)

_WIDTH: Final = 22 * theme.SPACE
_MARK: Final = 24
_SCALE: Final = 2


class StepList(QWidget):
    """Numbered steps: done ones carry a check, the present one the accent, later ones are grey.

    Args:
        titles: Step to its title, in order.
    """

    chosen = pyqtSignal(int)

    def __init__(self, titles: Mapping[AnyStep, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("stepList")
        self.setFixedWidth(_WIDTH)
        self.buttons: dict[int, QToolButton] = {}
        self._state: dict[int, str] = {}
        self._shown: tuple[int, frozenset[int], frozenset[int]] | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for step, title in titles.items():
            entry = QToolButton()
            entry.setObjectName(f"step_{step.name.lower()}")
            entry.setText(f"  {title}")
            entry.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            entry.setProperty("kind", "quiet")
            entry.setIconSize(QSize(_MARK, _MARK))
            entry.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            entry.setStyleSheet("text-align: left;")
            entry.clicked.connect(lambda _checked, number=int(step): self.chosen.emit(number))
            self.buttons[int(step)] = entry
            layout.addWidget(entry)
        layout.addStretch(1)
        theme.watcher().changed.connect(self._draw)

    def show_steps(self, present: int, reachable: frozenset[int], there: frozenset[int]) -> None:
        """Say where we are.

        Args:
            present: The step that is shown.
            reachable: Those that can be gone to.
            there: Those that this run of the wizard has at all.
        """
        if (present, reachable, there) == self._shown:
            return
        self._shown = present, reachable, there
        for number, entry in self.buttons.items():
            entry.setVisible(number in there)
            entry.setEnabled(number in reachable)
            self._state[number] = "done" if number < present else "now" if number == present else "later"
        self._draw()

    def _draw(self) -> None:
        numbers = [number for number, entry in self.buttons.items() if not entry.isHidden()]
        for place, number in enumerate(numbers, 1):
            state = self._state.get(number, "later")
            entry = self.buttons[number]
            entry.setIcon(_mark(place, state))
            font = entry.font()
            font.setBold(state == "now")
            entry.setFont(font)


def _mark(number: int, state: str) -> QIcon:
    """A disc with a number or a check."""
    colours = theme.palette()
    side = _MARK * _SCALE
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(_SCALE, _SCALE)
    disc = QRectF(1, 1, _MARK - 2, _MARK - 2)
    ground = {"done": colours.good, "now": colours.accent}.get(state)
    painter.setPen(QPen(ground or colours.border, 1.5))
    painter.setBrush(ground or QColor(Qt.GlobalColor.transparent))
    painter.drawEllipse(disc)
    if state == "done":
        painter.setPen(QPen(colours.panel, 2.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPolyline(QPolygonF([QPointF(7, 12.5), QPointF(10.5, 16), QPointF(17, 8.5)]))
    else:
        painter.setPen(colours.on_accent if state == "now" else colours.quiet_text)
        font = painter.font()
        font.setPixelSize(12)
        font.setBold(True)
        painter.setFont(font)
        painter.drawText(disc, Qt.AlignmentFlag.AlignCenter, str(number))
    painter.end()
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled):
        copy = QPixmap(pixmap)
        copy.setDevicePixelRatio(_SCALE)
        icon.addPixmap(copy, mode)
    return icon
