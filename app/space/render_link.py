"""The window's end of the render process: starts it, asks for pictures, starts it again when it dies.

All waiting happens in a thread of its own. At most one request is on its way; what is wanted meanwhile
replaces what was wanted before, so pictures are never older than drawing takes, and nothing queues up.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QObject, pyqtSignal

from app.space.canvas import Canvas
from app.space.drawing import Part
from app.space.orbit_camera import OrbitCamera, focal
from app.space.render_process import serve
from app.space.request import Drawn, Request, Started, Unable

log = logging.getLogger(__name__)

_START_S: Final = 60.0
"""Importing Open3D takes 1 s, on a cold disk with other programs starting many times that."""
_ANSWER_S: Final = 10.0
"""A picture in software takes 20 ms; who has not answered by then hangs in its driver."""
_MOST_FAILURES: Final = 3
_PAUSE_S: Final = 0.4
"""Before the second start; doubled before each further one."""
_FORGIVEN_S: Final = 60.0
"""After so long without trouble earlier failures are forgotten."""
_STILL_S: Final = 0.35
"""When nothing has changed for so long, the picture is drawn once more, smoothly."""
_STILL_SAMPLES: Final = 8


@dataclass(frozen=True)
class Wanted:
    """What the widget shows.

    Attributes:
        number: Grows with every change.
        camera: Where to look from.
        size: (width, height) of the widget, px.
        dots: Pixels to render per px.
        background: Red, green, blue in [0, 1].
        parts: (version, part) by name.
        asked_s: ``time.perf_counter`` when it was asked for.
    """

    number: int
    camera: OrbitCamera
    size: tuple[int, int]
    dots: float
    background: tuple[float, float, float]
    parts: dict[str, tuple[int, Part]]
    asked_s: float


@dataclass(frozen=True)
class Picture:
    """One picture that came back.

    Attributes:
        wanted: What it shows.
        pixels: (H, W, 4) uint8 blue, green, red, unused; nobody else's memory.
        drawn: What the render process said about it.
    """

    wanted: Wanted
    pixels: NDArray[np.uint8]
    drawn: Drawn


class RenderLink(QObject):
    """Emits from its thread; connected slots run in the thread of their object."""

    pictured = pyqtSignal(object)
    """A ``Picture``."""
    gave_up = pyqtSignal(str)
    """It will draw no more, for this reason."""
    restarted = pyqtSignal()
    """The process died and is being started again."""

    def __init__(self, entry: Callable[[Connection], None] = serve) -> None:
        super().__init__()
        self._entry = entry
        self._changed = threading.Condition()
        self._wanted: Wanted | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: BaseProcess | None = None
        self._process_id: int | None = None
        self._connection: Connection | None = None
        self._canvas: Canvas | None = None
        self._sequence = 0
        self._sent: dict[str, int] = {}
        self.driver = ""

    @property
    def process_id(self) -> int | None:
        """Of the render process; None while there is none."""
        return self._process_id

    def want(self, wanted: Wanted) -> None:
        """Ask for a picture; returns at once. The first call starts the process."""
        with self._changed:
            if self._stop.is_set():
                return
            self._wanted = wanted
            canvas = self._canvas
            if canvas is not None:
                canvas.wanted = self._sequence + 1  # whatever is being smoothed can stop
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="space view", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End process and thread, free the memory; nothing is emitted after it returns."""
        with self._changed:
            self._stop.set()
            if self._process is not None:
                self._process.kill()  # it holds nothing that could be lost, and its end wakes our thread
            self._changed.notify()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        failures, pause_s = 0, _PAUSE_S
        while not self._stop.is_set():
            started_s = time.monotonic()
            try:
                self._start()
                self._serve()
            except _UnableError as error:
                self._end()
                self._say(self.gave_up, str(error))
                return
            except (EOFError, OSError, TimeoutError) as error:
                self._end()
                if self._stop.is_set():
                    return
                failures = 1 if time.monotonic() - started_s > _FORGIVEN_S else failures + 1
                log.warning("the 3D view's render process ended (%s)", error or type(error).__name__)
                if failures >= _MOST_FAILURES:
                    self._say(self.gave_up, "its drawing process kept failing")
                    return
                self._say(self.restarted)
                with self._changed:
                    self._changed.wait_for(self._stop.is_set, pause_s * 2 ** (failures - 1))
            except Exception:
                log.exception("the 3D view's link failed")
                self._end()
                self._say(self.gave_up, "of an unexpected problem; the log has it")
                return
        self._end()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=self._entry, args=(theirs,), name="space view", daemon=True)
        process.start()
        theirs.close()
        with self._changed:  # held for a moment only: the window takes it, too
            self._process, self._connection = process, ours
            self._process_id = process.pid
        if self._stop.is_set():  # ``stop`` may have come before there was anything to kill
            raise EOFError("stopping")
        self._sent.clear()
        answer = self._answer(_START_S)
        if isinstance(answer, Started):
            self.driver = answer.driver
            log.info("the 3D view is drawn by Open3D on %s", answer.driver)

    def _serve(self) -> None:
        done: Wanted | None = None
        smooth = True
        while True:
            with self._changed:
                came = self._wait(done, None if smooth else _STILL_S)
                if self._stop.is_set():
                    return
                wanted = self._wanted
                assert wanted is not None
                self._sequence += 1
            smooth = not came
            picture = self._draw(wanted, _STILL_SAMPLES if smooth else 0)
            done = wanted
            if picture is not None:
                smooth = smooth or picture.drawn.samples >= _STILL_SAMPLES
                self._say(self.pictured, picture)

    def _wait(self, done: Wanted | None, timeout_s: float | None) -> bool:
        """Wait, holding the condition, until something other than ``done`` is wanted or all is to stop."""
        return self._changed.wait_for(lambda: self._stop.is_set() or self._wanted is not done, timeout_s)

    def _draw(self, wanted: Wanted, samples: int) -> Picture | None:
        width, height = (max(16, round(side * wanted.dots)) for side in wanted.size)
        if self._canvas is None or not self._canvas.holds(width, height):
            canvas, old = Canvas.create(width, height), self._canvas
            with self._changed:
                self._canvas = canvas
            if old is not None:
                old.close()
        canvas = self._canvas
        assert canvas is not None
        assert self._connection is not None
        request = Request(
            sequence=self._sequence,
            canvas=canvas.name,
            size=(width, height),
            dots=wanted.dots,
            eye_from_world=wanted.camera.eye_from_world,
            focal=focal(wanted.size) * wanted.dots,
            near_mm=wanted.camera.near_mm,
            background=wanted.background,
            changed={
                name: part
                for name, (version, part) in wanted.parts.items()
                if self._sent.get(name) != version
            },
            order=tuple(wanted.parts),
            samples=samples,
        )
        with self._changed:
            if canvas.wanted < request.sequence and self._wanted is wanted:
                canvas.wanted = request.sequence
        self._connection.send(request)
        self._sent = {name: version for name, (version, _) in wanted.parts.items()}
        answer = self._answer(_ANSWER_S)
        if not isinstance(answer, Drawn) or answer.samples == 0:
            return None
        pixels = canvas.read(answer.sequence)
        return Picture(wanted, pixels, answer) if pixels is not None else None

    def _answer(self, within_s: float) -> object:
        connection, process = self._connection, self._process
        assert connection is not None
        assert process is not None
        deadline_s = time.monotonic() + within_s
        while not connection.poll(min(1.0, max(0.0, deadline_s - time.monotonic()))):
            if self._stop.is_set():
                raise EOFError("stopping")
            if time.monotonic() >= deadline_s:
                raise TimeoutError(f"no answer within {within_s:.0f} s")
        answer: object = connection.recv()
        if isinstance(answer, Unable):
            raise _UnableError(answer.reason)
        return answer

    def _end(self) -> None:
        with self._changed:
            process, connection, canvas = self._process, self._connection, self._canvas
            self._process = self._connection = self._canvas = self._process_id = None
        if process is not None:
            process.kill()
            process.join()
            process.close()
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()
        if canvas is not None:
            canvas.close()

    def _say(self, signal: object, *words: object) -> None:
        """Emit unless we are being stopped; the object may be gone with its window."""
        if not self._stop.is_set():
            with contextlib.suppress(RuntimeError):
                signal.emit(*words)  # type: ignore[attr-defined]


class _UnableError(Exception):
    """The process said that it cannot draw here."""
