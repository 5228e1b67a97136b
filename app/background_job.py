"""Heavy work in a process of its own: with progress, with cancel, and the window goes on meanwhile."""

from __future__ import annotations

import _thread
import contextlib
import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final

from PyQt6.QtCore import QObject, pyqtSignal

from configs.errors import PosestageError
from configs.log_setup import configure_logging

log = logging.getLogger(__name__)

Report = Callable[[float, str], None]
"""Tell how far the work is: share in [0, 1], or below 0 for "who knows", and what is being done."""

_CANCEL: Final = "cancel"
_GRACE_S: Final = 5.0
"""A cancelled job gets this long to put its things in order."""


class BackgroundJob(QObject):
    """Runs ``function(report, *args, **kwargs)`` in a new process.

    The function stands at the top level of a module; what goes in and what comes back is pickled.
    Cancelling raises KeyboardInterrupt in it, so it can save what it has. Signals arrive in the thread of
    the job's owner.

    Args:
        function: What to do; its first argument is a ``Report``.
        args: For it.
        kwargs: For it.
    """

    progress = pyqtSignal(float, str)
    done = pyqtSignal(object)
    failed = pyqtSignal(str)
    cancelled = pyqtSignal()
    ended = pyqtSignal()
    """After any of the other three."""

    def __init__(
        self, function: Callable[..., object], *args: object, parent: QObject | None = None, **kwargs: object
    ) -> None:
        super().__init__(parent)
        self._work = (function, args, kwargs)
        self._cancel = threading.Event()
        self._thread: threading.Thread | None = None
        self.running = False

    def start(self) -> None:
        """Begin; once."""
        assert self._thread is None, "a job runs once"
        self.running = True
        name = getattr(self._work[0], "__name__", "job")
        self._thread = threading.Thread(target=self._watch, name=f"job-{name}", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Call it off; ``cancelled`` comes when it has ended."""
        self._cancel.set()

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait for the end, in tests and when the window closes; whether it came."""
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _watch(self) -> None:
        """Body of the thread: start the process (which takes some 20 ms), pass on what it says."""
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        level = logging.getLevelName(logging.getLogger().getEffectiveLevel()).lower()
        process = context.Process(
            target=_run, args=(theirs, level, self._work), name=threading.current_thread().name, daemon=False
        )
        try:
            process.start()
        except Exception as error:
            log.exception("a job could not be started")
            self._end("failed", f"Unexpected problem: {error}")
            return
        theirs.close()
        answer = self._listen(ours)
        ours.close()
        process.join(_GRACE_S)
        if process.is_alive():
            process.kill()
            process.join()
        code = process.exitcode
        process.close()
        if self._cancel.is_set() and (answer is None or answer[0] != "done"):
            self._end("cancelled")
        elif answer is None:
            self._end("failed", f"Unexpected problem: the work ended early (code {code}); see the log")
        else:
            kind, content = answer
            self._end("done" if kind == "done" else "failed", content)

    def _listen(self, pipe: Connection) -> tuple[str, Any] | None:
        """The final answer, or None where there is none: called off, or the process ended without a word."""
        waited_s, told = 0.0, False
        while waited_s < _GRACE_S:
            if self._cancel.is_set():
                if not told:
                    told = True
                    with contextlib.suppress(OSError):
                        pipe.send(_CANCEL)
                waited_s += 0.05
            try:
                if not pipe.poll(0.05):
                    continue
                kind, content = pipe.recv()
            except (EOFError, OSError):
                return None
            if kind != "progress":
                return kind, content
            if not told:
                self._tell("progress", *content)
        return None

    def _end(self, signal: str, *words: object) -> None:
        self.running = False
        self._tell(signal, *words)
        self._tell("ended")

    def _tell(self, signal: str, *words: object) -> None:
        with contextlib.suppress(RuntimeError):  # the window is gone, and Qt's half of this object with it
            getattr(self, signal).emit(*words)


def _run(pipe: Connection, log_level: str, work: tuple[Callable[..., object], Any, Any]) -> None:
    """Body of the process."""
    configure_logging(log_level, "job")
    # Who starts the window from a script in the background leaves its children deaf to interruptions.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    function, args, kwargs = work
    finished = threading.Event()

    def obey() -> None:
        """Interrupt when told to, or when nobody is left to listen."""
        while not finished.is_set():
            with contextlib.suppress(EOFError, OSError):
                if not pipe.poll(0.1):
                    continue
                pipe.recv()
            if not finished.is_set():
                _thread.interrupt_main()
            return

    threading.Thread(target=obey, name="obey", daemon=True).start()
    sending = threading.Lock()

    def report(share: float, what: str = "") -> None:
        with sending, contextlib.suppress(OSError):
            pipe.send(("progress", (float(share), what)))

    try:
        answer: tuple[str, Any] = ("done", function(report, *args, **kwargs))
    except KeyboardInterrupt:
        return
    except PosestageError as error:
        answer = ("failed", str(error))
    except Exception as error:
        log.exception("%s failed", getattr(function, "__name__", function))
        answer = ("failed", f"Unexpected problem: {type(error).__name__}: {error}")
    finally:
        finished.set()
    with sending, contextlib.suppress(OSError):
        pipe.send(answer)
