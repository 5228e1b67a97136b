"""A window's process that records until it is killed; here so that a spawned process can import it."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QCoreApplication

from app.session.live_session import LiveSession
from pipeline.rigs.simulated_rig import simulated_rig


def record_for_ever(folder: Path) -> None:
    """Start two small simulated cameras and record."""
    application = QCoreApplication([])
    session = LiveSession()
    session.state_changed.connect(lambda state: session.record(folder) if state == "live" else None)
    session.start(simulated_rig(2, (160, 120), 30.0, 0), None, "none")
    application.exec()
