"""The live calibration as the window sees it: signals from a process of its own."""

from __future__ import annotations

import contextlib
import logging
import threading

from PyQt6.QtCore import QObject, pyqtSignal

from pipeline.calibrating.host import CalibrationHost, FilmTask, Wish
from pipeline.calibrating.outcome import CalibrationFailure

log = logging.getLogger(__name__)


class Filming(QObject):
    """Runs one live calibration. Signals arrive in the thread that made this.

    Args:
        task: What to do.
    """

    state = pyqtSignal(object)
    said = pyqtSignal(str)
    solving = pyqtSignal(str)
    done = pyqtSignal(object)
    failed = pyqtSignal(object)
    cancelled = pyqtSignal()
    ended = pyqtSignal()
    """After done, failed or cancelled, when every camera is free again."""

    def __init__(self, task: FilmTask, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._host = CalibrationHost(task)
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.running = False

    def start(self) -> None:
        """Begin; once."""
        assert self._thread is None, "a live calibration runs once"
        self.running = True
        self._thread = threading.Thread(target=self._listen, name="calibration-filming", daemon=True)
        self._thread.start()

    def wish(self, word: Wish) -> None:
        """Say what is wanted."""
        self._host.wish(word)

    def cancel(self) -> None:
        """Call it off; what was kept is saved, ``cancelled`` comes when cameras are free again."""
        self._host.wish("cancel")

    def shutdown(self, timeout_s: float = 20.0) -> None:
        """Call it off and wait for the end, when the window closes."""
        self._host.wish("cancel")
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _listen(self) -> None:
        """Body of the thread."""
        kind, content = (
            "failed",
            CalibrationFailure("Unexpected problem: the calibration did not start", False),
        )
        try:
            self._host.start()
            while True:
                message = self._host.next_message(0.1)
                if message is None:
                    continue
                if message[0] in ("done", "failed", "cancelled"):
                    kind, content = message
                    break
                signal = {"state": self.state, "event": self.said, "solving": self.solving}[message[0]]
                self._tell(signal, message[1])
        except Exception as error:
            log.exception("the live calibration could not be followed")
            content = CalibrationFailure(f"Unexpected problem: {type(error).__name__}: {error}", False)
        self._host.close()
        self.running = False
        if kind == "cancelled":
            self._tell(self.cancelled)
        else:
            self._tell(self.done if kind == "done" else self.failed, content)
        self._tell(self.ended)

    def _tell(self, signal: object, *words: object) -> None:
        with contextlib.suppress(RuntimeError):  # the window is gone, and this object with it
            signal.emit(*words)  # type: ignore[attr-defined]
