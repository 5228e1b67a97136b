"""Who knows the settings of drivers, as the pages see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from PyQt6.QtCore import pyqtBoundSignal

from app.cameras.driver_forms import DriverForm


class Desk(Protocol):
    """What is needed of ``FormDesk``; tests put one in its place that answers at once."""

    forms: dict[str, DriverForm]
    described: pyqtBoundSignal
    checked: pyqtBoundSignal
    failed: pyqtBoundSignal

    def start(self) -> None:
        """Describe all drivers."""

    def shutdown(self) -> None:
        """End."""

    def check(self, key: int, driver: str, settings: Mapping[str, Any]) -> None:
        """Look at settings; ``checked`` answers."""
