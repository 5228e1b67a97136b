"""Tests cameras by filming with them for some seconds, several at once as they will be used."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from PyQt6.QtCore import QObject, pyqtSignal

from app.cameras.camera_trial import Measured, Opened, Picture, Refused, film
from pipeline.rigs.rig_config import CameraConfig

log = logging.getLogger(__name__)

SECONDS: Final = 6.0
_ENOUGH: Final = 0.95
"""Of the rate asked for: what a camera loses beyond this is seen in the poses."""
_SILENCE_S: Final = 45.0
"""For opening: networks, and first compiling of the simulated studio."""

Verdict = Literal["running", "good", "slow", "bad", "stopped"]


@dataclass(frozen=True)
class Trial:
    """How the test of one camera stands.

    Attributes:
        verdict: In a word.
        words: In a sentence, with the next step where there is one.
        opened: What the driver promised, once open.
        measured: What came.
    """

    verdict: Verdict
    words: str
    opened: Opened | None = None
    measured: Measured | None = None


class CameraTrials(QObject):
    """Runs tests; one process and one waiting thread for each camera."""

    changed = pyqtSignal(int)
    """Key of the camera whose test has something new to tell."""
    pictured = pyqtSignal(int)
    """Key of the camera with a new picture."""

    _told = pyqtSignal(int, int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.trials: dict[int, Trial] = {}
        self.pictures: dict[int, Picture] = {}
        self._runs: dict[int, _Run] = {}
        self._asked: dict[int, CameraConfig] = {}
        self._number = 0
        self._told.connect(self._hear)

    @property
    def running(self) -> bool:
        """Whether any test is under way."""
        return bool(self._runs)

    def start(self, cameras: Sequence[tuple[int, CameraConfig]], seconds: float = SECONDS) -> None:
        """Test these cameras (key and settings), all at once."""
        for key, camera in cameras:
            if key in self._runs:
                continue
            self._number += 1
            self._asked[key] = camera
            self.pictures.pop(key, None)
            self.trials[key] = Trial("running", "Opening …")
            run = self._runs[key] = _Run(key, self._number, camera, seconds, self._told)
            run.start()
            self.changed.emit(key)

    def stop(self) -> None:
        """End all tests early; what was measured stays."""
        for run in self._runs.values():
            run.stop()

    def forget(self, key: int) -> None:
        """The camera was set otherwise: what was found holds no longer."""
        if key in self._runs:
            self._runs.pop(key).stop()
        if self.trials.pop(key, None) is not None:
            self.pictures.pop(key, None)
            self.changed.emit(key)

    def shutdown(self) -> None:
        """End everything and wait for it."""
        runs = list(self._runs.values())
        self.stop()
        for run in runs:
            run.join()
        self._runs.clear()

    def _hear(self, key: int, number: int, message: object) -> None:
        run = self._runs.get(key)
        if run is None or run.number != number:
            return
        before = self.trials[key]
        if isinstance(message, Picture):
            self.pictures[key] = message
            self.pictured.emit(key)
            return
        if isinstance(message, Opened):
            self.trials[key] = Trial("running", "Waiting for the first picture …", message)
        elif isinstance(message, Measured):
            words = f"{message.fps:.1f} pictures per second" if message.frames > 1 else "First picture"
            self.trials[key] = Trial("running", words, before.opened, message)
        elif isinstance(message, Refused):
            self._runs.pop(key)
            self.trials[key] = Trial("bad", _sentence(message.reason), before.opened, before.measured)
        else:  # the process has ended
            self._runs.pop(key)
            self.trials[key] = verdict(self._asked[key], before, stopped=run.stopped)
        self.changed.emit(key)


def verdict(camera: CameraConfig, trial: Trial, *, stopped: bool) -> Trial:
    """What a finished test says about a camera."""
    opened, measured = trial.opened, trial.measured
    if opened is None:
        if stopped:
            return Trial("stopped", "The test was stopped.")
        return Trial("bad", "The driver ended without a word; see the log.")
    if measured is None or not measured.frames:
        if stopped:
            return Trial("stopped", "The test was stopped before the first picture.", opened)
        return Trial(
            "bad",
            f"{opened.device} was opened but sent no picture. Check its cable and power, then test again.",
            opened,
        )
    size = f"{opened.size[0]} × {opened.size[1]}"
    asked = camera.fps or opened.fps
    if measured.ended:
        return Trial(
            "good",
            f"Plays {size}; the source ended after {measured.frames} pictures. Switch on Loop to repeat it.",
            opened,
            measured,
        )
    rate = f"{measured.fps:.1f} of {asked:g} pictures per second"
    if measured.seconds < 1.0:
        return Trial("stopped", f"Works at {size}; stopped before its rate was known.", opened, measured)
    if measured.fps >= _ENOUGH * asked:
        lost = f" {measured.lost} pictures were lost on the way." if measured.lost else ""
        return Trial("good", f"Works: {rate} at {size}.{lost}", opened, measured)
    return Trial("slow", f"Slow: {rate} at {size}. {_next_step(camera)}", opened, measured)


def _next_step(camera: CameraConfig) -> str:
    if camera.driver_type == "usb":
        return (
            "More light or a fixed, shorter exposure often helps; else a smaller size, the pixel format "
            "mjpeg, or a USB port of its own."
        )
    if camera.driver_type == "simulated":
        return "This computer draws no faster; use fewer simulated cameras, a smaller size or a lower rate."
    if camera.driver_type == "rtsp":
        return "Check the network and the frame rate set in the camera."
    return "Use a smaller size or a lower rate."


def _sentence(reason: str) -> str:
    reason = reason[:1].upper() + reason[1:]
    return reason if reason.endswith((".", "!", "?")) else reason + "."


class _Run:
    """One camera's process, and the thread that listens to it."""

    def __init__(self, key: int, number: int, camera: CameraConfig, seconds: float, told: object) -> None:
        self.key, self.number = key, number
        self.stopped = False
        self._camera, self._seconds, self._told = camera, seconds, told
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name=f"trial-{camera.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask for an early end."""
        self.stopped = True
        self._stop.set()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join(20.0)

    def _listen(self) -> None:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=film,
            args=(theirs, self._camera.model_dump(), self._seconds),
            name=f"trial-{self._camera.name}",
            daemon=True,
        )
        process.start()
        theirs.close()
        silent_s, asked = 0.0, False
        while silent_s < (2.0 if asked else _SILENCE_S):
            if self._stop.is_set() and not asked:
                asked, silent_s = True, 0.0
                with contextlib.suppress(OSError):
                    ours.send("stop")
            try:
                if not ours.poll(0.05):
                    silent_s += 0.05
                    continue
                message = ours.recv()
            except (EOFError, OSError):
                break
            silent_s = 0.0
            self._tell(message)
        else:
            if not asked:
                self._tell(
                    Refused(
                        f"The camera was not opened within {_SILENCE_S:.0f} s. Check its cable and power, "
                        "then test again."
                    )
                )
        ours.close()
        process.join(1.0)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()
        self._tell(None)

    def _tell(self, message: object) -> None:
        with contextlib.suppress(RuntimeError):  # the window is gone
            self._told.emit(self.key, self.number, message)  # type: ignore[attr-defined]
