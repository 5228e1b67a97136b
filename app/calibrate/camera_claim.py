"""Taking the cameras over from the live view: they can film for one only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

if TYPE_CHECKING:
    from app.studio import Studio


class CameraClaim(QObject):
    """Stops the live session and waits until it has let go.

    Args:
        studio: Whose session it is.

    Attributes:
        waiting: Whether it still holds the cameras that were claimed.
    """

    free = pyqtSignal()
    """What was waited for has come."""

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._watching = False
        self.waiting = False

    def claim(self) -> bool:
        """Whether the cameras are free at once; otherwise the session is stopped, and ``free`` comes."""
        if not self._studio.has_session or self._studio.session.state in ("off", "failed"):
            return True
        if not self._watching:
            self._watching = True
            self._studio.session.state_changed.connect(self._hear)
        self.waiting = True
        self._studio.session.stop()
        return False

    def drop(self) -> None:
        """They are not wanted any more."""
        self.waiting = False

    def _hear(self, state: str) -> None:
        if self.waiting and state in ("off", "failed"):
            self.waiting = False
            self.free.emit()
