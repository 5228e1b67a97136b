"""The short way from one view to another, so that the eye can follow."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QEasingCurve, QObject, QVariantAnimation, pyqtSignal

from app.space.orbit_camera import OrbitCamera, between

_MS: Final = 220


class Glide(QObject):
    """Tells the views on the way, the last of them the one that was wanted.

    Attributes:
        duration_ms: How long the way takes.
    """

    moved = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.duration_ms = _MS
        self._ends = (OrbitCamera(), OrbitCamera())
        self._clock = QVariantAnimation(self)
        self._clock.setEasingCurve(QEasingCurve.Type.Linear)
        self._clock.setStartValue(0.0)
        self._clock.setEndValue(1.0)
        self._clock.valueChanged.connect(self._tell)
        self._clock.finished.connect(lambda: self._tell(1.0))

    @property
    def running(self) -> bool:
        """Whether it is on its way."""
        return self._clock.state() == QVariantAnimation.State.Running

    def start(self, start: OrbitCamera, end: OrbitCamera) -> None:
        """Go from one to the other."""
        self._clock.stop()
        self._ends = (start, end)
        self._clock.setDuration(self.duration_ms)
        self._clock.start()

    def stop(self) -> None:
        """Stay where it is."""
        self._clock.stop()

    def _tell(self, part: float) -> None:
        self.moved.emit(between(*self._ends, float(part)))
