"""Buttons with a role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PyQt6.QtCore import QSize
from PyQt6.QtWidgets import QPushButton, QToolButton, QWidget

from app import icons, theme

Kind = Literal["plain", "primary", "danger", "quiet"]


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
        _keep_icon(result, icon, kind)
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
    _keep_icon(result, icon, "quiet")
    if clicked is not None:
        result.clicked.connect(lambda _checked: clicked())
    return result


def _keep_icon(widget: QPushButton | QToolButton, icon: str, kind: Kind) -> None:
    """Draw the icon in the theme's colours, again whenever they change."""
    widget.setIconSize(QSize(18, 18))

    def draw() -> None:
        colours = theme.palette()
        colour = {"primary": colours.on_accent, "danger": colours.bad}.get(kind, colours.text)
        widget.setIcon(icons.icon(icon, colour, 18))

    draw()
    connection = theme.watcher().changed.connect(draw)
    widget.destroyed.connect(lambda: theme.watcher().changed.disconnect(connection))
