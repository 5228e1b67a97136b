"""A camera that may be unplugged and plugged in again, as one stream of frames."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from configs.errors import PosestageError
from pipeline.drivers.base import CameraDriver, CameraError, CameraInfo, CameraNote
from pipeline.frames.frame import Frame, Image

log = logging.getLogger(__name__)

AWAY: Final = "camera_away"
"""Cause of frames that a camera would have captured while it was unplugged."""
_LOOK_EVERY_S: Final = 0.25
_BURST: Final = 100
"""Frames that are missing are told so many at a time; others have a turn in between."""


class ReturningDriver(CameraDriver):
    """Goes on with a camera once it is back, where a new process would have to be started.

    While it is away, it is looked for four times a second under the name it was opened by, and ``read`` gives
    nothing. Frames that it would have captured are numbered by its rate and come with the cause
    ``camera_away`` when it is back, or when a recording ends.

    Args:
        camera: The driver; its ``open`` finds the camera by a name that stays the same.
    """

    def __init__(self, camera: CameraDriver) -> None:
        super().__init__(camera.config, camera.settings)
        self._camera = camera
        self._info: CameraInfo | None = None
        self._started = False
        self._away_since_s: float | None = None
        self._look_at_s = 0.0
        self._shift = 0
        self._renumber = False
        self._next_index = 0
        self._last_t_ns = 0
        self._missing = 0
        self._told = 0
        self._from_ns = 0
        self._step_ns = 0.0
        self._then: Frame | None = None
        self._notes: list[CameraNote] = []
        self._returns = 0

    def open(self) -> CameraInfo:
        """Open the camera; it has to be there."""
        self._info = self._camera.open()
        return self._info

    def start(self, origin_ns: int) -> None:
        """See ``CameraDriver``."""
        super().start(origin_ns)
        self._started = True
        self._shift = self._next_index = self._last_t_ns = 0
        self._camera.start(origin_ns)

    def draw_into(self, canvas: Callable[[], Image | None]) -> None:
        """See ``CameraDriver``."""
        self._camera.draw_into(canvas)

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame; None while the camera is away.

        Raises:
            CameraError: It came back as another one, of another size or format.
            EndOfStream: There will be no more frames.
        """
        if self._missing or self._then is not None:
            return self._owed()
        if self._away_since_s is not None and not self._back(timeout_s):
            return None
        try:
            frame = self._camera.read(timeout_s)
        except CameraError as error:
            self._gone(error)
            return None
        if frame is None:
            return None
        if self._renumber:  # it counts from 0 again, and goes on where its rate says
            self._renumber = False
            self._shift = self._next_index + self._owe(frame.t_capture_ns) - frame.index
            self._then = replace(frame, index=frame.index + self._shift)
            return self._owed()
        return self._given(replace(frame, index=frame.index + self._shift))

    def finish(self) -> list[Frame]:
        """See ``CameraDriver``."""
        if self._away_since_s is not None:
            return []
        return [replace(frame, index=frame.index + self._shift) for frame in self._camera.finish()]

    def missing(self, until_ns: int) -> list[Frame]:
        """What the camera would have captured until now, if it is away."""
        if self._away_since_s is None:
            return []
        return [self._lost() for _ in range(self._owe(until_ns))]

    def notes(self) -> list[CameraNote]:
        """That it went and came back."""
        notes, self._notes = self._notes, []
        return notes + self._camera.notes()

    def clock(self) -> CameraNote | None:
        """See ``CameraDriver``."""
        return self._camera.clock()

    def telemetry(self) -> dict[str, Any]:
        """Of the camera, and how often it came back."""
        return {**self._camera.telemetry(), "away": self._away_since_s is not None, "returns": self._returns}

    def close(self) -> None:
        """Release the camera."""
        self._camera.close()

    def _gone(self, error: CameraError) -> None:
        log.warning("%s", error)
        self._away_since_s = time.monotonic()
        self._look_at_s = 0.0
        self._notes.append(CameraNote("disconnect", str(error)))
        self._camera.close()

    def _back(self, timeout_s: float) -> bool:
        """Look for the camera when it is time to; True once it films again."""
        now_s = time.monotonic()
        if now_s < self._look_at_s:
            time.sleep(min(timeout_s, self._look_at_s - now_s))
            return False
        self._look_at_s = now_s + _LOOK_EVERY_S
        assert self._info is not None and self._away_since_s is not None
        try:
            info = self._camera.open()
        except PosestageError as error:
            log.debug("%s", error)
            self._camera.close()
            return False
        if (info.size, info.stream) != (self._info.size, self._info.stream):
            self._camera.close()
            raise CameraError(
                f'camera "{self.settings.name}": came back with pictures of another size or format'
            )
        if self._started:
            self._camera.start(self.settings.origin_ns)
        away_s = time.monotonic() - self._away_since_s
        self._away_since_s = None
        self._returns += 1
        self._renumber = True
        message = f'camera "{self.settings.name}": is back after {away_s:.1f} s'
        log.warning("%s", message)
        self._notes.append(CameraNote("reconnect", message, {"away_s": round(away_s, 3)}))
        return True

    def _owe(self, until_ns: int) -> int:
        """How many frames are missing between the last one and a time, by the camera's rate."""
        assert self._info is not None
        self._missing = self._told = 0
        if self._last_t_ns:
            self._step_ns = 1e9 / self._info.fps
            self._from_ns = self._last_t_ns
            self._missing = max(0, round((until_ns - self._last_t_ns) / self._step_ns) - 1)
        return self._missing

    def _owed(self) -> Frame | None:
        if self._missing:
            if self._told % _BURST == _BURST - 1:
                time.sleep(0.001)
            return self._lost()
        frame, self._then = self._then, None
        return self._given(frame) if frame is not None else None

    def _lost(self) -> Frame:
        self._told += 1
        self._missing -= 1
        t_ns = self._from_ns + round(self._told * self._step_ns)
        return self._given(Frame(self.settings.name, self._next_index, t_ns, None, cause=AWAY))

    def _given(self, frame: Frame) -> Frame:
        self._next_index, self._last_t_ns = frame.index + 1, frame.t_capture_ns
        return frame
