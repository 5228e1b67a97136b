"""Colours, distances and the look of plain widgets, in one place; dark and light.

Widgets that paint themselves ask ``palette()`` while painting; those that keep colours listen to
``watcher().changed``. Roles of plain widgets are dynamic properties that the style sheet knows:
``QPushButton`` kind = primary, danger, quiet; ``QLabel`` role = title, heading, quiet, good, warning, bad,
number, label; ``QFrame`` card = true.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Final, Literal

from PyQt6.QtCore import QObject, QPoint, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPalette, QPen, QPixmap, QPolygon
from PyQt6.QtWidgets import QApplication, QWidget

ThemeName = Literal["dark", "light", "system"]

SPACE: Final = 8
"""px: every distance is a multiple of it."""
RADIUS: Final = 6


@dataclass(frozen=True)
class Palette:
    """Colours by role. Text on each ground it is used on has a contrast of at least 4.5 to 1."""

    background: QColor
    panel: QColor
    raised: QColor
    border: QColor
    text: QColor
    quiet_text: QColor
    accent: QColor
    on_accent: QColor
    good: QColor
    warning: QColor
    bad: QColor
    grid: QColor
    camera: QColor
    left: QColor
    right: QColor
    middle: QColor

    @property
    def is_dark(self) -> bool:
        """Whether text is lighter than its ground."""
        return self.background.lightness() < 128


DARK: Final = Palette(
    background=QColor(21, 23, 27),
    panel=QColor(30, 33, 39),
    raised=QColor(43, 47, 55),
    border=QColor(58, 63, 73),
    text=QColor(230, 233, 238),
    quiet_text=QColor(154, 161, 173),
    accent=QColor(77, 155, 255),
    on_accent=QColor(8, 20, 38),
    good=QColor(98, 201, 128),
    warning=QColor(255, 193, 79),
    bad=QColor(255, 112, 106),
    grid=QColor(58, 63, 72),
    camera=QColor(124, 134, 150),
    left=QColor(74, 163, 255),
    right=QColor(255, 138, 76),
    middle=QColor(214, 219, 226),
)

LIGHT: Final = Palette(
    background=QColor(243, 244, 247),
    panel=QColor(255, 255, 255),
    raised=QColor(232, 235, 240),
    border=QColor(205, 210, 218),
    text=QColor(27, 31, 38),
    quiet_text=QColor(91, 99, 112),
    accent=QColor(22, 98, 208),
    on_accent=QColor(255, 255, 255),
    good=QColor(24, 122, 60),
    warning=QColor(146, 92, 0),
    bad=QColor(190, 38, 38),
    grid=QColor(203, 208, 216),
    camera=QColor(120, 129, 144),
    left=QColor(22, 104, 214),
    right=QColor(206, 84, 14),
    middle=QColor(70, 78, 90),
)


class Watcher(QObject):
    """Tells when the colours have changed."""

    changed = pyqtSignal()


class _Current:
    palette: Palette = DARK


@cache
def watcher() -> Watcher:
    """The one that all widgets listen to."""
    return Watcher()


def palette() -> Palette:
    """Colours of the present theme."""
    return _Current.palette


def chosen(name: ThemeName) -> Palette:
    """Colours of a theme; ``system`` follows the desktop's own setting."""
    if name == "system":
        hints = QApplication.styleHints()
        light = hints is not None and hints.colorScheme() == Qt.ColorScheme.Light
        return LIGHT if light else DARK
    return LIGHT if name == "light" else DARK


def apply(application: QApplication, name: ThemeName) -> None:
    """Give the whole application a theme."""
    _Current.palette = colours = chosen(name)
    application.setStyle("Fusion")  # the same on every system, and it honours all of the style sheet
    application.setPalette(_qt_palette(colours))
    application.setStyleSheet(style_sheet(colours))
    watcher().changed.emit()


def style_sheet(colours: Palette) -> str:
    """The style sheet in these colours."""
    template = Template((Path(__file__).parent / "theme.qss").read_text(encoding="utf-8"))
    names = {name: getattr(colours, name).name() for name in Palette.__dataclass_fields__}
    accent = colours.accent
    hover = accent.lighter(112) if colours.is_dark else accent.darker(112)
    names |= {f"arrow_{way}": _stroke(way, colours.quiet_text) for way in ("up", "down")}
    names |= {shape: _stroke(shape, colours.on_accent) for shape in ("check", "dot")}
    return template.substitute(names, accent_hover=hover.name(), radius=RADIUS, space=SPACE)


@cache
def _pictures() -> tempfile.TemporaryDirectory[str]:
    """Style sheets take pictures from files only."""
    return tempfile.TemporaryDirectory(prefix="posestage-theme-")


_STROKES: Final = {
    "up": ((9, 32), (24, 17), (39, 32)),
    "down": ((9, 17), (24, 32), (39, 17)),
    "check": ((10, 25), (20, 36), (38, 13)),
    "dot": ((23, 24), (25, 24)),
}
"""Arrows of combo and spin boxes, ticks of check boxes, dots of radio buttons, on a grid of 48 by 48."""


def _stroke(shape: str, colour: QColor) -> str:
    """A file with one of these in this colour."""
    path = Path(_pictures().name) / f"{shape}-{colour.name()[1:]}.png"
    if not path.exists():
        picture = QPixmap(48, 48)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = 20.0 if shape == "dot" else 6.0
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPolyline(QPolygon([QPoint(x, y) for x, y in _STROKES[shape]]))
        painter.end()
        picture.save(str(path))
    return path.as_posix()


def side_colour(name: str) -> QColor:
    """Colour of a joint by its side of the body."""
    if name.startswith("left_"):
        return palette().left
    if name.startswith("right_"):
        return palette().right
    return palette().middle


def repolish(widget: QWidget) -> None:
    """Let the style sheet see that a dynamic property has changed."""
    style = widget.style()
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)
    widget.update()


def set_role(widget: QWidget, role: str) -> None:
    """Give a label its role (see the module) and show it."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        repolish(widget)


def _qt_palette(colours: Palette) -> QPalette:
    """For what the style sheet does not reach: plots, dialogs of Qt's own, text cursors."""
    roles = QPalette.ColorRole
    result = QPalette()
    for role, colour in {
        roles.Window: colours.background,
        roles.WindowText: colours.text,
        roles.Base: colours.panel,
        roles.AlternateBase: colours.raised,
        roles.Text: colours.text,
        roles.PlaceholderText: colours.quiet_text,
        roles.Button: colours.raised,
        roles.ButtonText: colours.text,
        roles.Highlight: colours.accent,
        roles.HighlightedText: colours.on_accent,
        roles.ToolTipBase: colours.raised,
        roles.ToolTipText: colours.text,
        roles.Link: colours.accent,
    }.items():
        result.setColor(role, colour)
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, colours.quiet_text)
    return result
