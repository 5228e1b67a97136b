"""Opens one camera through its driver, in a process of its own, and tells what it delivers."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

from configs.errors import PosestageError
from configs.log_setup import configure_logging
from pipeline.rigs.rig_config import CameraConfig

log = logging.getLogger(__name__)

_PICTURE_EVERY_S: Final = 0.1
_LARGEST_SIDE: Final = 640
_READ_S: Final = 0.1


@dataclass(frozen=True)
class Picture:
    """A picture, made small.

    Attributes:
        data: BGR bytes, row by row.
        size: (width, height) px.
    """

    data: bytes
    size: tuple[int, int]


@dataclass(frozen=True)
class Opened:
    """What the driver promises.

    Attributes:
        size: (width, height) px.
        fps: Frame rate.
        device: What was opened.
    """

    size: tuple[int, int]
    fps: float
    device: str


@dataclass(frozen=True)
class Measured:
    """What was delivered so far.

    Attributes:
        frames: Number of pictures.
        lost: Pictures that the camera itself lost.
        fps: By the pictures' own capture times; 0 with fewer than two.
        seconds: Since the first picture.
        ended: Whether the source came to its end.
    """

    frames: int
    lost: int
    fps: float
    seconds: float
    ended: bool = False


@dataclass(frozen=True)
class Refused:
    """Why there are no pictures, with the driver's reason and the next step."""

    reason: str


def film(pipe: Connection, camera: dict[str, Any], seconds: float) -> None:
    """Body of the process: sends Opened, then Picture and Measured, or Refused; ends when told, or alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logging("error", f"trial of {camera['name']}")
    try:
        _film(pipe, CameraConfig.model_validate(camera), seconds)
    except PosestageError as error:
        _send(pipe, Refused(str(error)))
    except (BrokenPipeError, EOFError):
        return
    except Exception as error:
        log.exception("the trial of a camera failed")
        _send(pipe, Refused(f"Unexpected problem: {type(error).__name__}: {error}"))


def _film(pipe: Connection, camera: CameraConfig, seconds: float) -> None:
    import cv2

    from pipeline.drivers.base import CameraDriver, CameraSettings, EndOfStream
    from pipeline.drivers.registry import DRIVERS

    cv2.setNumThreads(1)
    kind = DRIVERS.load(camera.driver_type)
    own = {key: value for key, value in camera.driver.items() if key != "type"}
    settings = CameraSettings(camera.name, camera.size, camera.fps, time.monotonic_ns())
    driver: CameraDriver = kind(kind.Config(**own), settings)
    try:
        info = driver.open()
        pipe.send(Opened((info.size[0], info.size[1]), info.fps, info.device))
        driver.start(time.monotonic_ns())
        meter = _Meter()
        next_picture_s, until_s = 0.0, time.monotonic() + seconds
        while time.monotonic() < until_s and not pipe.poll(0):
            try:
                frame = driver.read(_READ_S)
            except EndOfStream:
                meter.ended = True
                break
            if frame is None:
                continue
            meter.take(frame.index, frame.t_capture_ns)
            if frame.image is not None and time.monotonic() >= next_picture_s:
                next_picture_s = time.monotonic() + _PICTURE_EVERY_S
                pipe.send(_small(frame.image))
                pipe.send(meter.measured())
        pipe.send(meter.measured())
    finally:
        driver.close()


class _Meter:
    """Counts pictures by their own times and numbers."""

    def __init__(self) -> None:
        self.ended = False
        self._frames = 0
        self._first: tuple[int, int] | None = None
        self._last = (0, 0)

    def take(self, index: int, t_ns: int) -> None:
        """Count a picture."""
        self._frames += 1
        self._last = (index, t_ns)
        if self._first is None:
            self._first = self._last

    def measured(self) -> Measured:
        """What was counted."""
        if self._first is None:
            return Measured(0, 0, 0.0, 0.0, self.ended)
        seconds = (self._last[1] - self._first[1]) / 1e9
        lost = self._last[0] - self._first[0] + 1 - self._frames
        fps = (self._frames - 1) / seconds if seconds > 0 else 0.0
        return Measured(self._frames, lost, fps, seconds, self.ended)


def _small(image: Any) -> Picture:
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, _LARGEST_SIDE / max(width, height))
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return Picture(image.tobytes(), (image.shape[1], image.shape[0]))


def _send(pipe: Connection, message: object) -> None:
    """Tell, unless nobody listens any more."""
    with contextlib.suppress(OSError):
        pipe.send(message)
