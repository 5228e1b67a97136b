"""A remote camera's frames, from its driver into the outbox: one thread for as long as a host wants them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Literal

import simplejpeg

from configs.errors import PosestageError
from pipeline.drivers.base import CameraDriver, CameraInfo, CameraSettings, EndOfStream
from pipeline.drivers.registry import DRIVERS
from pipeline.frames.frame import Frame
from pipeline.processes.grabber import JPEG_QUALITY
from pipeline.remote.machine_clock import MachineClock
from pipeline.remote.outbox import Outbox
from pipeline.rigs.rig_config import CameraConfig

log = logging.getLogger(__name__)

State = Literal["opening", "ready", "running", "ended", "failed"]
_READ_TIMEOUT_S: Final = 0.1
_BACK_OFF_S: Final = (0.5, 1.0, 2.0, 5.0)


def make_driver(camera: CameraConfig) -> CameraDriver:
    """The camera's driver, not yet opened."""
    kind = DRIVERS.load(camera.driver_type)
    own = {key: value for key, value in camera.driver.items() if key != "type"}
    settings = CameraSettings(camera.name, camera.size, camera.fps, time.monotonic_ns())
    driver: CameraDriver = kind(kind.Config(**own), settings)
    return driver


class RemoteCapture:
    """Opens the camera at once; captures from ``start`` on, and again after it was unplugged.

    Args:
        camera: What to open.
        outbox: Where frames go; only touched with ``lock`` held.
        lock: Shared with whoever sends.
        clock: Maps capture times to the clock that the host is told.
        network: Tells the cause for pictures that find no room: what the network is doing.
        on_change: Called from the thread after every frame and change of state.
    """

    def __init__(
        self,
        camera: CameraConfig,
        outbox: Outbox,
        lock: threading.Lock,
        clock: MachineClock,
        network: Callable[[], str],
        on_change: Callable[[], None],
    ) -> None:
        self.camera = camera
        self.state: State = "opening"
        self.message = ""
        self.info: CameraInfo | None = None
        self._outbox = outbox
        self._lock = lock
        self._clock = clock
        self._network = network
        self._on_change = on_change
        self._origin_ns: int | None = None
        self._started = threading.Event()
        self._stop = threading.Event()
        self._last_ns = 0
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=f"capture {camera.name}", daemon=True)
        self._thread.start()

    def start(self, remote_ns: int) -> None:
        """Capture from this instant of the announced clock on; only the first call counts."""
        if self._origin_ns is None:
            self._origin_ns = self._clock.unstamp(remote_ns)
            self._started.set()

    def close(self) -> None:
        """Stop and release the camera."""
        self._stop.set()
        self._started.set()
        self._thread.join(15.0)
        if self._thread.is_alive():
            log.warning("camera %s does not end", self.camera.name)

    def _run(self) -> None:
        while not self._stop.is_set() and self.state != "ended":
            driver = make_driver(self.camera)
            try:
                self.info = driver.open()
                self._tell("ready", "")
                self._started.wait()
                if self._stop.is_set():
                    return
                assert self._origin_ns is not None
                driver.start(self._origin_ns)
                self._tell("running", "")
                self._film(driver)
            except PosestageError as error:
                log.warning("%s", error)
                self._tell("failed", str(error))
                self._stop.wait(_BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)])
                self._failures += 1
            except Exception as error:
                log.exception("camera %s failed", self.camera.name)
                self._tell("failed", f"{type(error).__name__}: {error}")
                self._stop.wait(_BACK_OFF_S[-1])
            finally:
                driver.close()

    def _film(self, driver: CameraDriver) -> None:
        assert self.info is not None
        self._next = 0
        self._returned = self._last_ns > 0
        while not self._stop.is_set():
            try:
                frame = driver.read(_READ_TIMEOUT_S)
            except EndOfStream:
                for last in driver.finish():
                    self._put(last)
                self._tell("ended", "")
                return
            if frame is not None:
                self._failures = 0
                self._put(frame)

    def _put(self, frame: Frame) -> None:
        t_ns = frame.t_capture_ns
        cause, data = frame.cause, None
        if not cause:
            data = self._jpeg(frame)
            cause = "" if data is not None else "not_decoded_in_time"
        with self._lock:
            self._put_missing(frame)
            if data is not None:
                self._outbox.add(self._clock.stamp(t_ns), data, self._network())
            else:
                self._outbox.lose(1, self._clock.stamp(t_ns), self._clock.stamp(t_ns), cause)
        self._next = frame.index + 1
        self._last_ns = t_ns
        self._on_change()

    def _put_missing(self, frame: Frame) -> None:
        """Frames that the camera lost itself, or made while it was unplugged, as many as its rate tells."""
        assert self.info is not None
        missing, cause = frame.index - self._next, "lost_by_camera"
        if self._returned:
            self._returned = False
            period_ns = 1e9 / self.info.fps
            away = round((frame.t_capture_ns - self._last_ns) / period_ns) - 1
            missing, cause = max(missing, away), "camera_away"
        if missing <= 0:
            return
        # Before the first frame there is no time to count from but the camera's own rate.
        before_ns = self._last_ns or frame.t_capture_ns - round((missing + 1) * 1e9 / self.info.fps)
        step_ns = (frame.t_capture_ns - before_ns) / (missing + 1)
        first, last = round(before_ns + step_ns), round(before_ns + missing * step_ns)
        self._outbox.lose(missing, self._clock.stamp(first), self._clock.stamp(last), cause)

    def _jpeg(self, frame: Frame) -> bytes | None:
        """The camera's own JPEG where it makes one per frame; None where there is no picture."""
        assert self.info is not None
        stream = self.info.stream
        if stream is not None and stream.codec == "mjpeg" and len(frame.packets) == 1:
            (packet,) = frame.packets
            if packet.pts_ns == frame.t_capture_ns:
                return packet.data
        if frame.image is None:
            return None
        data: bytes = simplejpeg.encode_jpeg(
            frame.image, quality=JPEG_QUALITY, colorspace="BGR", colorsubsampling="420"
        )
        return data

    def _tell(self, state: State, message: str) -> None:
        self.state, self.message = state, message
        self._on_change()
