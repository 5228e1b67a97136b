"""Asks drivers about their settings in a process of its own: their packages are heavy, and may be broken."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import queue
import signal
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

from PyQt6.QtCore import QObject, pyqtSignal

from app.cameras.driver_forms import check_settings, describe_drivers
from configs.log_setup import configure_logging

log = logging.getLogger(__name__)

_ANSWER_S: Final = 60.0
"""Importing all drivers on a slow disk; after this the process counts as stuck."""


class FormDesk(QObject):
    """Describes drivers and checks settings, one request after the other, never blocking.

    Attributes:
        forms: By driver, once described.
    """

    described = pyqtSignal()
    checked = pyqtSignal(int, object, object)
    """Key of the camera, (driver, settings) that were looked at, problems by dotted key."""

    failed = pyqtSignal(str)

    _answered = pyqtSignal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.forms: dict[str, Any] = {}
        self._requests: queue.Queue[tuple[Any, ...] | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._process: BaseProcess | None = None
        self._answered.connect(self._hear)

    def start(self) -> None:
        """Describe all drivers; safe to call again."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="form-desk", daemon=True)
            self._thread.start()
            self._requests.put(("describe",))

    def check(self, key: int, driver: str, settings: Mapping[str, Any]) -> None:
        """Look at a driver's settings; ``checked`` answers."""
        self.start()
        self._requests.put(("check", key, driver, dict(settings)))

    @property
    def process_id(self) -> int:
        """Of the process, 0 while there is none."""
        process = self._process
        return process.pid or 0 if process is not None and process.is_alive() else 0

    def shutdown(self) -> None:
        """End the process."""
        if self._thread is not None:
            self._requests.put(None)
            self._thread.join(10.0)
            self._thread = None

    def _hear(self, request: tuple[Any, ...], answer: Any) -> None:
        if request[0] == "describe":
            self.forms = answer
            self.described.emit()
        else:
            _, key, driver, settings = request
            self.checked.emit(key, (driver, settings), answer)

    def _work(self) -> None:
        """Body of the thread: owns the process, passes requests on and answers back."""
        process: BaseProcess | None = None
        pipe: Connection | None = None
        while (request := self._requests.get()) is not None:
            try:
                if process is None or pipe is None or not process.is_alive():
                    _end(process, pipe)
                    pipe, process = _start()
                    self._process = process
                pipe.send(request)
                answer = pipe.recv() if pipe.poll(_ANSWER_S) else None
            except (OSError, EOFError) as error:
                log.exception("the drivers' settings cannot be looked at")
                with contextlib.suppress(RuntimeError):
                    self.failed.emit(f"The settings of the drivers cannot be checked ({error}); see the log.")
                _end(process, pipe)
                process = pipe = None
                continue
            if answer is None:
                self.failed.emit("A driver does not say what settings it has; see the log.")
                _end(process, pipe)
                process = pipe = None
                continue
            with contextlib.suppress(RuntimeError):  # the window is gone
                self._answered.emit(request, answer)
        _end(process, pipe)


def _start() -> tuple[Connection, BaseProcess]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs,), name="form-desk", daemon=True
    )
    process.start()
    theirs.close()
    return ours, process


def _end(process: BaseProcess | None, pipe: Connection | None) -> None:
    if pipe is not None:
        pipe.close()
    if process is not None:
        process.join(5.0)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(pipe: Connection) -> None:
    """Body of the process; ends when the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logging("warning", "form-desk")
    while True:
        try:
            request = pipe.recv()
        except EOFError:
            return
        if request[0] == "describe":
            pipe.send(describe_drivers())
        else:
            _, _, driver, settings = request
            pipe.send(check_settings(driver, settings))
