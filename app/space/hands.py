"""Mouse, wheel and keys of the 3D view.

Left drag orbits; right or middle drag, or shift and left drag, pans; the wheel zooms to the pointer; a double
click resets. Keys: R resets, F follows the people, 1 to 4 look from the front, the left, the top and between
them, arrows orbit, plus and minus zoom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent

if TYPE_CHECKING:
    from app.space.space_view import SpaceView

_DEG_PER_PX: Final = 0.4
_DEG_PER_KEY: Final = 5.0
_ZOOM_PER_KEY: Final = 1.15
_VIEW_KEYS: Final = {
    Qt.Key.Key_1: "front",
    Qt.Key.Key_2: "left",
    Qt.Key.Key_3: "top",
    Qt.Key.Key_4: "three-quarter",
}
_ARROWS: Final = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, 1.0),
    Qt.Key.Key_Down: (0.0, -1.0),
}


class Hands:
    """Moves a view as hands say.

    Attributes:
        seen: Whether a hand has touched the view yet.
    """

    def __init__(self, view: SpaceView) -> None:
        self._view = view
        self._at: QPointF | None = None
        self._pans = False  # what the drag does was decided when it began
        self.seen = False

    def press(self, event: QMouseEvent) -> None:
        """Start a drag."""
        self._view.stay()
        self.seen = True
        self._at = event.position()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._pans = event.button() != Qt.MouseButton.LeftButton or shift
        self._view.setCursor(Qt.CursorShape.ClosedHandCursor)

    def release(self) -> None:
        """End a drag."""
        self._at = None
        self._view.setCursor(Qt.CursorShape.OpenHandCursor)

    def move(self, event: QMouseEvent) -> None:
        """Orbit with the left button; pan with the right or middle one, or with shift."""
        if self._at is None:
            return
        view = self._view
        moved = event.position() - self._at
        self._at = event.position()
        if self._pans:
            view.set_option("follow", False)  # whoever pans wants to stay there
            view.look(view.camera.panned(moved.x(), moved.y(), (view.width(), view.height())))
        else:
            view.look(view.camera.orbited(-_DEG_PER_PX * moved.x(), _DEG_PER_PX * moved.y()))

    def wheel(self, event: QWheelEvent) -> None:
        """Zoom to the pointer."""
        view = self._view
        self.seen = True
        place = event.position()
        view.stay()
        size = (view.width(), view.height())
        view.look(view.camera.zoomed(0.999 ** event.angleDelta().y(), (place.x(), place.y()), size))
        event.accept()

    def key(self, event: QKeyEvent) -> bool:
        """The keys of the module's description; whether it was one."""
        view = self._view
        key = Qt.Key(event.key())
        if event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier):
            return False
        if key == Qt.Key.Key_R:
            view.reset()
        elif key == Qt.Key.Key_F:
            view.set_option("follow", not view.options["follow"])
        elif key in _VIEW_KEYS:
            view.look_from(_VIEW_KEYS[key])
        elif key in _ARROWS:
            right, up = _ARROWS[key]
            view.look(view.camera.orbited(_DEG_PER_KEY * right, _DEG_PER_KEY * up))
        elif key in {Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus}:
            size = (view.width(), view.height())
            factor = _ZOOM_PER_KEY if key == Qt.Key.Key_Minus else 1 / _ZOOM_PER_KEY
            view.look(view.camera.zoomed(factor, (size[0] / 2, size[1] / 2), size))
        else:
            return False
        return True
