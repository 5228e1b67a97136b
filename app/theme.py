"""Colours, in one place."""

from __future__ import annotations

from typing import Final

from PyQt6.QtGui import QColor

BACKGROUND: Final = QColor(24, 26, 30)
PANEL: Final = QColor(33, 36, 42)
TEXT: Final = QColor(226, 229, 234)
QUIET_TEXT: Final = QColor(143, 150, 161)
GRID: Final = QColor(58, 63, 72)
CAMERA: Final = QColor(110, 120, 135)
LEFT: Final = QColor(74, 163, 255)
RIGHT: Final = QColor(255, 138, 76)
MIDDLE: Final = QColor(214, 219, 226)
WARNING: Final = QColor(255, 193, 79)
GOOD: Final = QColor(98, 201, 128)

STYLE: Final = f"""
QWidget {{ background: {BACKGROUND.name()}; color: {TEXT.name()}; font-size: 13px; }}
QLabel#banner {{ background: {WARNING.name()}; color: #1b1b1b; padding: 6px 12px; font-weight: 600; }}
QLabel#status {{ background: {PANEL.name()}; color: {TEXT.name()}; padding: 6px 12px; }}
"""


def side_colour(name: str) -> QColor:
    """Colour of a joint by its side of the body."""
    if name.startswith("left_"):
        return LEFT
    if name.startswith("right_"):
        return RIGHT
    return MIDDLE
