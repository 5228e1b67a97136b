"""A network camera (RTSP, or any stream address that FFmpeg reads): reconnects, never shows its password."""

from __future__ import annotations

import logging
import time
from fractions import Fraction
from typing import Final, Literal

import av
from pydantic import Field

from configs.errors import bad_input
from configs.loading import Config
from pipeline.drivers.arrival_clock import ArrivalClock
from pipeline.drivers.base import CameraDriver, CameraError, CameraInfo, CameraSettings
from pipeline.drivers.pacing import Schedule
from pipeline.drivers.packet_decoder import PASSTHROUGH_CODECS, BgrConverter, PacketDecoder, Picture
from pipeline.drivers.safe_url import safe_url
from pipeline.drivers.stream_connection import Arrived, Lost, Opened, StreamConnection
from pipeline.frames.frame import EncodedPacket, Frame, VideoFormat

log = logging.getLogger(__name__)

SCHEMES: Final = ("rtsp", "rtsps", "rtmp", "http", "https", "srt", "tcp", "udp", "rtp")
_LATE_NS: Final = 1_000_000_000
_LONGEST_BACK_OFF: Final = 16
"""Times ``reconnect_s``: the waits double up to this."""

_HIGHEST_RATE: Final = 500
"""Above this a stream's frame rate is its clock rate, which some cameras state instead."""


class RtspConfig(Config):
    """Settings of the ``rtsp`` driver.

    Attributes:
        url: Address with user name and password as the camera wants it; messages leave these out.
        transport: How RTSP sends the pictures; ``tcp`` loses none.
        timeout_s: Silence after which the connection counts as lost.
        reconnect_s: Wait before the first new attempt; doubled for each further one, up to 16 times.
        give_up_s: Time without a connection after which the camera counts as failed; None never gives up.
    """

    url: str = Field(repr=False)
    transport: Literal["tcp", "udp"] = "tcp"
    timeout_s: float = Field(default=5.0, gt=0, le=60)
    reconnect_s: float = Field(default=0.5, gt=0, le=60)
    give_up_s: float | None = Field(default=None, gt=0)


class RtspDriver(CameraDriver):
    """Hands out a stream's packets as they come, with capture times by ``ArrivalClock``.

    FFmpeg knows that a frame is complete when the next one begins, so times lie one frame period (two with
    MPEG-TS) and the network's delay after the true ones, the same for every frame; the calibration's
    ``lag_ms`` takes care of such constants.
    """

    Config = RtspConfig
    config: RtspConfig

    def __init__(self, config: RtspConfig, settings: CameraSettings) -> None:
        super().__init__(config, settings)
        self._label = safe_url(config.url)
        self._connection: StreamConnection | None = None
        self._opened = False

    def open(self) -> CameraInfo:
        """Connect and learn what the stream is."""
        self.close()
        scheme = self.config.url.partition("://")[0].lower()
        if "://" not in self.config.url or scheme not in SCHEMES:
            raise bad_input(
                "is not the address of a stream",
                key=f"cameras.{self.settings.name}.driver.url",
                allowed=", ".join(f"{scheme}://" for scheme in SCHEMES),
            )
        self._connection = self._connect()
        event = self._connection.next_event(2 * self.config.timeout_s + 1)
        if not isinstance(event, Opened):
            self.close()
            reason = event.reason if isinstance(event, Lost) else "no answer in time"
            raise CameraError(self._message(f"cannot be reached: {reason}", _advice(reason)))
        try:
            info = self._begin(event)
        except BaseException:
            self.close()
            raise
        self._opened = True
        return info

    def start(self, origin_ns: int) -> None:
        """Note the session's origin; frames are handed out from the first key frame on."""
        super().start(origin_ns)
        if self._opened:
            self._schedule.origin_ns = origin_ns

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame; None also while the connection is being made again."""
        if not self._opened:
            raise CameraError(f'camera "{self.settings.name}" is not open')
        deadline_s = time.monotonic() + timeout_s
        while not self._decoder.ready:
            left_s = deadline_s - time.monotonic()
            if self._connection is None and not self._reconnect(left_s):
                return None
            assert self._connection is not None
            event = self._connection.next_event(left_s)
            if event is None:
                self._check_patience()
                return None
            self._handle(event)
        return self._frame(self._decoder.ready.popleft())

    def finish(self) -> list[Frame]:
        """Frames that the decoder holds back and whose packets were handed out already."""
        if not self._opened:
            return []
        try:
            return [self._frame(picture, with_packets=False) for picture in self._decoder.unreturned()]
        except av.FFmpegError as error:
            log.warning(
                "camera %s: the last frames cannot be decoded: %s", self.settings.name, error.strerror
            )
            return []

    def close(self) -> None:
        """Disconnect."""
        self._opened = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> StreamConnection:
        # Four frames tell the rate well enough; by default FFmpeg would listen for a second.
        options = {"fflags": "nobuffer", "flags": "low_delay", "fpsprobesize": "4"}
        if self.config.url.lower().startswith("rtsp"):
            options["rtsp_transport"] = self.config.transport
        return StreamConnection(self.config.url, options, self.config.timeout_s)

    def _begin(self, opened: Opened) -> CameraInfo:
        """Take up the first connection."""
        stream = opened.stream
        context = stream.codec_context
        size = (context.width, context.height)
        if 0 in size or context.pix_fmt is None:
            raise CameraError(
                self._message("sends no picture that can be decoded", "check the camera's settings")
            )
        if self.settings.size is not None and tuple(self.settings.size) != size:
            raise bad_input(
                f"the rig asks for {self.settings.size[0]}x{self.settings.size[1]}, "
                f"but {self._label} sends {size[0]}x{size[1]}",
                key=f"cameras.{self.settings.name}.size",
                hint="leave size out, or change it in the camera",
            )
        rate = stream.average_rate or stream.guessed_rate
        if rate is None or not 0 < rate <= _HIGHEST_RATE:
            rate = Fraction(self.settings.fps or 25).limit_denominator(1000)
        self._period_ns = round(1_000_000_000 / rate)
        self._schedule = Schedule(1.0, self.settings.origin_ns, self._period_ns)
        self._converter = BgrConverter()
        self._passthrough = context.name in PASSTHROUGH_CODECS
        self._kind = (context.name, size)
        self._next_index = 0
        self._last_t_ns: int | None = None
        self._last_dts_ns = 0
        self._attempts = 0
        self._next_attempt_s = 0.0
        self._alone_since_s = time.monotonic()
        self._arrivals_lost = 0
        self._reason = ""
        self._gap = False
        self._take_up(opened)
        stored = None
        if self._passthrough:
            extradata = bytes(context.extradata or b"")
            stored = VideoFormat(context.name, size, float(rate), extradata, context.pix_fmt)
        return CameraInfo(size, float(rate), self._label, stored)

    def _take_up(self, opened: Opened) -> None:
        context = opened.stream.codec_context
        kind = (context.name, (context.width, context.height))
        if kind != self._kind:
            raise CameraError(
                self._message(
                    f"came back with {kind[0]} {kind[1][0]}x{kind[1][1]} instead of "
                    f"{self._kind[0]} {self._kind[1][0]}x{self._kind[1][1]}",
                    "stop and start again to go on with the new format",
                )
            )
        context.thread_count = 1
        assert opened.stream.time_base is not None
        self._tick_ns = Fraction(opened.stream.time_base) * 1_000_000_000
        self._clock = ArrivalClock()
        self._decoder = PacketDecoder(context, passthrough=self._passthrough)
        self._times: dict[int, tuple[int, int]] = {}
        self._seen_keyframe = False

    def _handle(self, event: Opened | Arrived | Lost) -> None:
        if isinstance(event, Opened):
            self._take_up(event)
            log.info("camera %s: %s is connected again", self.settings.name, self._label)
        elif isinstance(event, Arrived):
            self._attempts = 0
            self._alone_since_s = time.monotonic()
            self._take_packet(event)
        else:
            self._part(event.reason)

    def _take_packet(self, arrived: Arrived) -> None:
        packet = arrived.packet
        if arrived.lost:
            self._arrivals_lost += arrived.lost
            self._seen_keyframe = False
        if packet.pts is None:
            packet.pts = packet.dts
        if packet.pts is None or (not self._seen_keyframe and not packet.is_keyframe):
            return
        self._seen_keyframe = True
        if packet.dts is None:
            packet.dts = packet.pts
        dts = packet.dts
        dts_ns = max(
            self._clock.time_of(round(dts * self._tick_ns), arrived.arrival_ns), self._last_dts_ns + 1
        )
        self._last_dts_ns = dts_ns
        self._times[packet.pts] = (dts_ns + round((packet.pts - dts) * self._tick_ns), dts_ns)
        late_ns = self._schedule.lateness_ns(arrived.arrival_ns)
        self._decoder.set_skipping(self._schedule.behind)
        try:
            self._decoder.set_suspended(late_ns > _LATE_NS)
            self._decoder.push(packet)
        except av.FFmpegError as error:
            # A packet damaged on the way is a frame lost by the source; the next ones may be good.
            self._arrivals_lost += 1
            log.debug("camera %s: a packet cannot be decoded: %s", self.settings.name, error.strerror)

    def _part(self, reason: str) -> None:
        """The connection is gone: bring out what is left, and plan the next attempt."""
        try:
            self._decoder.drain()
        except av.FFmpegError as error:
            log.debug("camera %s: the last frames cannot be decoded: %s", self.settings.name, error.strerror)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        wait_s = self.config.reconnect_s * min(2**self._attempts, _LONGEST_BACK_OFF)
        self._attempts += 1
        self._next_attempt_s = time.monotonic() + wait_s
        log.warning(
            "camera %s: lost %s (%s); trying again in %.1f s",
            self.settings.name,
            self._label,
            reason,
            wait_s,
        )
        self._reason = reason
        self._gap = True

    def _reconnect(self, left_s: float) -> bool:
        """Start the next attempt when its time has come within ``left_s``."""
        self._check_patience()
        wait_s = self._next_attempt_s - time.monotonic()
        if wait_s > 0:
            time.sleep(max(0.0, min(wait_s, left_s)))
            if wait_s > left_s:
                return False
        self._connection = self._connect()
        return True

    def _check_patience(self) -> None:
        alone_s = time.monotonic() - self._alone_since_s
        if self.config.give_up_s is not None and alone_s > self.config.give_up_s:
            reason = self._reason or "no answer in time"
            raise CameraError(self._message(f"is gone for {alone_s:.0f} s: {reason}", _advice(reason)))

    def _frame(self, picture: Picture, *, with_packets: bool = True) -> Frame:
        times = self._times
        t_ns = times[picture.pts][0]
        packets = []
        if with_packets:
            for packet in self._decoder.take_packets():
                assert packet.pts is not None
                pts_ns, dts_ns = times[packet.pts]
                packets.append(EncodedPacket(bytes(packet), pts_ns, dts_ns, packet.is_keyframe))
        if self._last_t_ns is not None:
            t_ns = max(t_ns, self._last_t_ns + 1)
        self._next_index += self._missing(t_ns)
        image = None
        if picture.frame is not None and (not self._passthrough or self._schedule.wants_picture(t_ns)):
            image = self._converter(picture.frame)
        frame = Frame(self.settings.name, self._next_index, t_ns, image, tuple(packets))
        self._next_index += 1
        self._last_t_ns = t_ns
        for pts in [pts for pts in times if pts <= picture.pts]:
            del times[pts]
        return frame

    def _missing(self, t_ns: int) -> int:
        """Frames that the camera made and that never came here."""
        missing = self._arrivals_lost
        self._arrivals_lost = 0
        if self._gap and self._last_t_ns is not None:
            missing = max(missing, 1, round((t_ns - self._last_t_ns) / self._period_ns) - 1)
        self._gap = False
        return missing

    def _message(self, problem: str, advice: str) -> str:
        return f'camera "{self.settings.name}": {self._label} {problem}; {advice}'


def _advice(reason: str) -> str:
    if "401" in reason or "403" in reason or "unauthorized" in reason:
        return "check user name and password in url"
    if "404" in reason:
        return "check the path in url against the camera's manual"
    return "check that the camera is on and url is right"
