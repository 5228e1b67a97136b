"""A session and jobs that only say what a test tells them to, for presenters and views."""

from __future__ import annotations

from typing import Any, ClassVar

from PyQt6.QtCore import QObject, pyqtSignal

from app.session.live_session import LiveSession


class PlayedSession(LiveSession):
    """Starts nothing: orders are noted in ``orders``, news come from ``play``."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.orders: list[tuple[Any, ...]] = []

    def start(self, rig: Any, calibration: Any, pipeline: str, *, overrides: tuple[str, ...] = ()) -> None:
        self.orders.append(("start", pipeline, overrides))
        self.rig, self.calibration = rig, calibration
        self._set_state("starting")

    def stop(self) -> None:
        self.orders.append(("stop",))
        self._set_state("stopping")

    def record(self, folder: Any) -> None:
        self.orders.append(("record", folder))

    def stop_recording(self) -> None:
        self.orders.append(("stop_recording",))
        self.play("closing", None)

    def mark(self, text: str) -> None:
        self.orders.append(("mark", text))

    def set_pipeline(self, name: str, overrides: tuple[str, ...] = ()) -> None:
        self.orders.append(("set_pipeline", name, overrides))

    def play(self, kind: str, content: Any = None) -> None:
        """Let the session's thread have said something."""
        self._hear(None, kind, content)  # type: ignore[arg-type]  # no thread runs


class PlayedJob(QObject):
    """Notes what it was made for; a test emits its signals."""

    progress = pyqtSignal(float, str)
    done = pyqtSignal(object)
    failed = pyqtSignal(str)
    cancelled = pyqtSignal()
    ended = pyqtSignal()
    made: ClassVar[list[PlayedJob]] = []

    def __init__(self, function: Any, *args: Any) -> None:
        super().__init__()
        self.work = (function, *args)
        self.running = False
        self.was_cancelled = False
        PlayedJob.made.append(self)

    def start(self) -> None:
        self.running = True

    def cancel(self) -> None:
        self.was_cancelled = True
        self.cancelled.emit()

    def wait(self, timeout_s: float = 10.0) -> bool:
        return True
