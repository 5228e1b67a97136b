"""Buttons with a role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from PyQt6.QtCore import QObject, QSize
from PyQt6.QtWidgets import QPushButton, QToolButton, QWidget

from app import icons, theme

Kind = Literal["plain", "primary", "danger", "quiet"]

_ICON_SIDE: Final = 18


def button(
    text: str,
    name: str,
    clicked: Callable[[], object] | None = None,
    *,
    kind: Kind = "plain",
    icon: str = "",
    tip: str = "",
    parent: QWidget | None = None,
) -> QPushButton:
    """A push button.

    Args:
        text: On it; ``&`` marks the key.
        name: Object name, for tests and styles.
        clicked: What it does.
        kind: At most one primary button per view.
        icon: Name in ``app/icons.py``.
        tip: Shown while the pointer rests on it.
        parent: Its owner.
    """
    result = QPushButton(text, parent)
    result.setObjectName(name)
    result.setProperty("kind", kind)
    result.setToolTip(tip)
    if icon:
        _IconKeeper(result, icon, kind)
    if clicked is not None:
        result.clicked.connect(lambda _checked: clicked())
    return result


def icon_button(
    icon: str,
    name: str,
    tip: str,
    clicked: Callable[[], object] | None = None,
    *,
    parent: QWidget | None = None,
) -> QToolButton:
    """A button that is only an icon; its tip is its name for screen readers too."""
    result = QToolButton(parent)
    result.setObjectName(name)
    result.setProperty("kind", "quiet")
    result.setToolTip(tip)
    result.setAccessibleName(tip)
    _IconKeeper(result, icon, "quiet")
    if clicked is not None:
        result.clicked.connect(lambda _checked: clicked())
    return result


class _IconKeeper(QObject):
    """Draws a button's icon in the theme's colours, again whenever they change; goes with the button."""

    def __init__(self, owner: QPushButton | QToolButton, icon: str, kind: Kind) -> None:
        super().__init__(owner)
        self._owner, self._icon, self._kind = owner, icon, kind
        owner.setIconSize(QSize(_ICON_SIDE, _ICON_SIDE))
        theme.watcher().changed.connect(self.draw)
        self.draw()

    def draw(self) -> None:
        colours = theme.palette()
        colour = {"primary": colours.on_accent, "danger": colours.bad}.get(self._kind, colours.text)
        self._owner.setIcon(icons.icon(self._icon, colour, _ICON_SIDE))
