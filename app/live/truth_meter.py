"""Measures live poses of simulated cameras against the truth, in a process of its own."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import threading
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Final

from PyQt6.QtCore import QObject, pyqtSignal

from calibration.rig import Rig
from configs.log_setup import configure_logging
from pipeline.rigs.rig_config import RigConfig

if TYPE_CHECKING:
    from models.pose_frame import PoseFrame

log = logging.getLogger(__name__)

_EVERY_S: Final = 0.2
"""Between two poses that are measured: enough for a mean over a few seconds, next to no work."""
_GRACE_S: Final = 5.0


class TruthMeter(QObject):
    """Told poses, tells their errors. The truth needs compiled code, which would hold up the window.

    Args:
        rig: Simulated devices.
        calibration: Their geometry, in whose world poses are.
        origin_ns: Start of the session's clock.
    """

    measured = pyqtSignal(float, int)
    """Sum of the distances of body joints from the truth, mm, and their number, of one instant."""

    def __init__(
        self, rig: RigConfig, calibration: Rig, origin_ns: int, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._task = (rig, calibration, origin_ns)
        self._newest: PoseFrame | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="truth-meter", daemon=True)
        self._thread.start()

    def offer(self, frame: PoseFrame) -> None:
        """Measure this one, if it is the newest when the last has been measured."""
        self._newest = frame

    def end(self, wait: bool = False) -> None:
        """Measure no more."""
        self._ending.set()
        if wait:
            self._thread.join(_GRACE_S)

    def _serve(self) -> None:
        """Body of the thread: the process, and one instant after the other."""
        ours, theirs = multiprocessing.Pipe()
        level = logging.getLevelName(logging.getLogger().getEffectiveLevel()).lower()
        process = multiprocessing.get_context("spawn").Process(
            target=_measure, args=(theirs, level, self._task), name="truth-meter", daemon=True
        )
        try:
            process.start()
        except Exception:
            log.exception("the truth cannot be measured")
            return
        theirs.close()
        with contextlib.suppress(EOFError, OSError):  # the process has ended, and its log says why
            while not self._ending.wait(_EVERY_S):
                frame, self._newest = self._newest, None
                if frame is None:
                    continue
                ours.send((frame.time_ns, frame.joints, frame.skeleton.name))
                while not ours.poll(0.1):
                    if self._ending.is_set():
                        break
                else:
                    self._tell(*ours.recv())
        ours.close()
        process.join(_GRACE_S)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()

    def _tell(self, total_mm: float, count: int) -> None:
        with contextlib.suppress(RuntimeError):  # the window is gone, and Qt's half of this object with it
            self.measured.emit(total_mm, count)


def _measure(pipe: Connection, log_level: str, task: tuple[RigConfig, Rig, int]) -> None:
    """Body of the process: ends when nobody asks any more."""
    configure_logging(log_level, "truth")
    if hasattr(os, "nice"):
        os.nice(10)  # what is measured goes first
    from pipeline.session.live_truth import LiveTruth

    truth = LiveTruth.of(*task)
    assert truth is not None, "only simulated studios are measured"
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            asked: tuple[int, Any, str] = pipe.recv()
            errors = truth.errors(*asked)
            pipe.send((float(errors.sum()), len(errors)))
