"""What draws all 3D views, as the settings say; views listen and change at once."""

from __future__ import annotations

from functools import cache
from typing import Literal

from PyQt6.QtCore import QObject, pyqtSignal

Engine = Literal["auto", "open3d", "wireframe"]


class EngineChoice(QObject):
    """The one choice of the application."""

    changed = pyqtSignal(str)
    engine: Engine = "auto"

    def choose(self, engine: Engine) -> None:
        """Let every view draw like this, the ones there are and the ones to come."""
        if engine != self.engine:
            self.engine = engine
            self.changed.emit(engine)


@cache
def engine_choice() -> EngineChoice:
    """The one that all views listen to."""
    return EngineChoice()
