"""Waiting and light work (files, one array) in a thread, so that the window goes on."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from configs.errors import PosestageError

log = logging.getLogger(__name__)


class ThreadJob(QObject):
    """Runs a function in a thread of its own; signals arrive in the thread that made the job.

    Args:
        function: What to do; takes no arguments.
        parent: Owner.
    """

    done = pyqtSignal(object)
    failed = pyqtSignal(str)
    ended = pyqtSignal()

    def __init__(self, function: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = threading.Thread(target=self._run, args=(function,), name="take-work", daemon=True)

    def start(self) -> ThreadJob:
        """Begin; once."""
        self._thread.start()
        return self

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait for the end; whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self, function: Callable[[], object]) -> None:
        try:
            result = function()
        except PosestageError as error:
            self._tell("failed", str(error))
        except Exception as error:
            log.exception("work in the background failed")
            self._tell("failed", f"Unexpected problem: {type(error).__name__}: {error}")
        else:
            self._tell("done", result)
        self._tell("ended")

    def _tell(self, signal: str, *words: object) -> None:
        with contextlib.suppress(RuntimeError):  # the window is gone, and this object with it
            getattr(self, signal).emit(*words)


class ThreadJobs:
    """Work of one owner in threads, to be waited for at the end.

    Args:
        owner: Lives in the thread that hears of results.
    """

    def __init__(self, owner: QObject) -> None:
        self._owner = owner
        self._jobs: set[ThreadJob] = set()

    def run(
        self,
        function: Callable[[], object],
        done: Callable[[Any], None],
        failed: Callable[[str], None],
        ended: Callable[[], None] = lambda: None,
    ) -> ThreadJob:
        """Begin a job; ``ended`` is called after one of the other two."""
        job = ThreadJob(function, self._owner)
        self._jobs.add(job)
        job.done.connect(done)
        job.failed.connect(failed)
        job.ended.connect(lambda: self._jobs.discard(job))
        job.ended.connect(ended)
        job.ended.connect(job.deleteLater)
        return job.start()

    def wait(self) -> None:
        """Wait for all that go on."""
        for job in list(self._jobs):
            job.wait()
