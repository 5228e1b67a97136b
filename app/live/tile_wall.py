"""All cameras side by side, as large as the room allows; one alone after a double click."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from PyQt6.QtCore import QSize, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QWidget

from app import theme
from app.widgets.camera_tile import CameraTile

_CAPTION: Final = 3 * theme.SPACE


class TileWall(QWidget):
    """Places tiles so that the pictures together fill as much as possible."""

    zoom_changed = pyqtSignal(str)
    """The camera that is shown alone, or ""."""

    def __init__(self) -> None:
        super().__init__()
        self.tiles: dict[str, CameraTile] = {}
        self.zoomed = ""
        self._aspect = 4 / 3
        self.setMinimumSize(240, 180)
        self.setObjectName("tileWall")

    def show_cameras(self, names: Sequence[str], aspect: float = 4 / 3) -> None:
        """Make one tile per camera, in this order.

        Args:
            names: Camera names.
            aspect: Width by height of their pictures.
        """
        self._aspect = aspect
        for tile in self.tiles.values():
            tile.deleteLater()
        self.tiles = {}
        self.zoomed = ""
        for name in names:
            tile = CameraTile(name)
            tile.setParent(self)
            tile.zoomed.connect(self.toggle_zoom)
            tile.show()
            self.tiles[name] = tile
        self._place()

    def toggle_zoom(self, name: str) -> None:
        """Show one camera alone, or all again."""
        self.zoom("" if self.zoomed == name else name)

    def zoom(self, name: str) -> None:
        """Show one camera alone; "" shows all."""
        self.zoomed = name if name in self.tiles else ""
        self._place()
        self.zoom_changed.emit(self.zoomed)

    def visible_tiles(self) -> list[CameraTile]:
        """Those that are drawn now."""
        return [tile for name, tile in self.tiles.items() if not self.zoomed or name == self.zoomed]

    def sizeHint(self) -> QSize:
        """Of four small tiles."""
        return QSize(660, 540)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Place them anew."""
        self._place()

    def _place(self) -> None:
        shown = self.visible_tiles()
        for tile in self.tiles.values():
            tile.setVisible(tile in shown)
        if not shown:
            return
        columns = best_columns(len(shown), self.width(), self.height(), self._aspect)
        rows = math.ceil(len(shown) / columns)
        gap = theme.SPACE
        width = (self.width() - (columns - 1) * gap) // columns
        height = (self.height() - (rows - 1) * gap) // rows
        # No taller than the picture, no wider either; what is left of the room surrounds them all.
        height = min(height, round(width / self._aspect) + _CAPTION)
        width = min(width, round((height - _CAPTION) * self._aspect))
        left = (self.width() - columns * (width + gap) + gap) // 2
        top = (self.height() - rows * (height + gap) + gap) // 2
        for place, tile in enumerate(shown):
            column, row = place % columns, place // columns
            tile.setGeometry(left + column * (width + gap), top + row * (height + gap), width, height)


def best_columns(count: int, width: float, height: float, aspect: float) -> int:
    """Number of columns with which pictures become largest."""

    def side(columns: int) -> float:
        rows = math.ceil(count / columns)
        room = (height - (rows - 1) * theme.SPACE) / rows - _CAPTION
        return min((width - (columns - 1) * theme.SPACE) / columns, room * aspect)

    return max(range(1, count + 1), key=side)
