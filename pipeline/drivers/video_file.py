"""A video file in the place of a camera: paced like a live one, or as fast as it is consumed."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from configs.errors import bad_input
from configs.loading import Config
from pipeline.drivers.base import CameraDriver, CameraError, CameraInfo, CameraSettings, EndOfStream
from pipeline.drivers.pacing import Pace, Schedule
from pipeline.drivers.packet_decoder import PASSTHROUGH_CODECS, BgrConverter, PacketDecoder, Picture
from pipeline.frames.frame import EncodedPacket, Frame, Image, VideoFormat

log = logging.getLogger(__name__)


_SEEKABLE = ("mp4", "matroska", "avi")
"""Containers with an index, where seeking to the start finds the first packet."""


class VideoFileConfig(Config):
    """Settings of the ``video_file`` driver.

    Attributes:
        path: The file; relative to the rig file.
        pace: Speed relative to the file's own times, or ``free``: no waiting, the file's own times.
        loop: Start again at the end, with times going on.
        max_late_s: From this lateness on nothing is decoded until the next key frame, as a live camera
            does not fall behind without end. Every frame is still recorded.
    """

    path: str
    pace: Pace = 1.0
    loop: bool = False
    max_late_s: float = 1.0


class VideoFileDriver(CameraDriver):
    """Hands out every frame of a file once, with its compressed packet as it is in the file.

    Under load pictures are left out, never frames: first the BGR conversion, then pictures no other picture
    needs, then decoding altogether. Where a plain copy of the packets would not show the same pictures
    (rotated videos, edit lists, unusual codecs) the driver is a raw source and rather gets late.
    """

    Config = VideoFileConfig
    config: VideoFileConfig

    def __init__(self, config: VideoFileConfig, settings: CameraSettings) -> None:
        super().__init__(config, settings)
        self._path = Path(config.path).expanduser()
        self._container: InputContainer | None = None
        self._shown: Picture | None = None
        self._image: Image | None = None
        self._last_pts: int | None = None

    def open(self) -> CameraInfo:
        """Open the file and decode its first picture."""
        self.close()
        if self._path.is_dir():
            raise bad_input("is a folder, not a video", file=self._path, hint="use driver image_folder")
        if not self._path.is_file():
            raise bad_input("no such video file", file=self._path)
        try:
            container = av.open(str(self._path), metadata_errors="replace")
        except av.FFmpegError as error:
            raise bad_input(
                f"is not a video, or is cut short before its table of contents ({_reason(error)})",
                file=self._path,
            ) from error
        self._container = container
        try:
            return self._prepare(container)
        except BaseException:
            self.close()
            raise

    def start(self, origin_ns: int) -> None:
        """Let frame 0 be due at ``origin_ns``."""
        super().start(origin_ns)
        if self._container is not None:
            self._schedule.origin_ns = origin_ns

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame in order of presentation, when it is due."""
        if self._container is None:
            raise CameraError(f'camera "{self.settings.name}" is not open')
        while not self._decoder.ready:
            if self._ended:
                raise self._failure or EndOfStream
            self._advance()
        picture = self._decoder.ready[0]
        t_ns = self._time_of(picture.pts)
        if picture is not self._shown:
            self._shown = picture
            self._image = self._convert(picture, t_ns)
        if not self._schedule.wait(t_ns, timeout_s):
            return None
        self._decoder.ready.popleft()
        self._last_pts = picture.pts
        return self._frame(t_ns, self._image, self._take_packets())

    def finish(self) -> list[Frame]:
        """Frames read ahead for decoding, whose packets were handed out already."""
        if self._container is None:
            return []
        try:
            pictures = self._decoder.unreturned()
        except av.FFmpegError as error:
            log.warning("%s: decoding the last frames failed: %s", self._path, _reason(error))
            pictures = []
        self._ended = True
        frames = []
        for picture in pictures:
            t_ns = self._time_of(picture.pts)
            frames.append(self._frame(t_ns, self._convert(picture, t_ns), ()))
        return frames

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _prepare(self, container: InputContainer) -> CameraInfo:
        if not container.streams.video:
            raise bad_input("has no video stream", file=self._path)
        stream = container.streams.video[0]
        context = stream.codec_context
        if context is None:
            raise bad_input("has a video stream of an unknown kind", file=self._path)
        rate = stream.average_rate or stream.guessed_rate
        if rate is None or rate <= 0 or stream.time_base is None or context.pix_fmt is None:
            raise bad_input("has a video stream without pictures or frame rate", file=self._path)
        context.thread_count = 1
        self._reordered = context.has_b_frames
        self._stream: VideoStream = stream
        self._tick = Fraction(stream.time_base)
        self._period_ticks = max(1, round(1 / (rate * self._tick)))
        self._packets = container.demux(stream)
        self._first_pts = stream.start_time or 0
        self._schedule = Schedule(self.config.pace, self.settings.origin_ns, 1)
        self._schedule.period_ns = round(1_000_000_000 / (rate * self._schedule.scale))
        # AVI knows no presentation times, so the order of pictures is the decoder's secret there.
        guessed_times = "avi" in container.format.name and self._reordered > 0
        passthrough = context.name in PASSTHROUGH_CODECS and not guessed_times
        self._decoder = PacketDecoder(context, passthrough=passthrough)
        if guessed_times:
            self._decoder.count_times(self._first_pts, self._period_ticks)
        self._converter = BgrConverter()
        self._next_index = 0
        self._packets_read = 0
        self._pass_offset = 0
        self._pass_end = self._first_pts
        self._last_pts = None
        self._last_t_ns: int | None = None
        self._last_dts_ns: int | None = None
        self._shown = self._image = None
        self._ended = False
        self._failure: CameraError | None = None
        size = self._look_at_first_picture(context.width, context.height)
        if self.settings.size is not None and tuple(self.settings.size) != size:
            raise bad_input(
                f"the rig asks for {self.settings.size[0]}x{self.settings.size[1]}, "
                f"but this video is {size[0]}x{size[1]}",
                file=self._path,
                key=f"cameras.{self.settings.name}.size",
                hint="leave size out to take the video's own",
            )
        fps = float(rate * self._schedule.scale)
        if self.settings.fps is not None and abs(self.settings.fps - fps) > 0.01 * fps:
            log.warning(
                "camera %s: %s plays at %.2f fps, not the %.2f fps asked for",
                self.settings.name,
                self._path.name,
                fps,
                self.settings.fps,
            )
        stored = None
        if self._decoder.passthrough:
            stored = VideoFormat(context.name, size, fps, bytes(context.extradata or b""), context.pix_fmt)
        return CameraInfo(size, fps, str(self._path), stored)

    def _look_at_first_picture(self, width: int, height: int) -> tuple[int, int]:
        """Decode up to the first picture; settle rotation and whether packets can be passed through."""
        while not any(picture.frame for picture in self._decoder.ready) and not self._ended:
            self._advance()
        first = next((picture.frame for picture in self._decoder.ready if picture.frame), None)
        if first is None:
            raise self._failure or bad_input("has no picture that can be decoded", file=self._path)
        rotation = int(first.rotation)
        if rotation % 90:
            raise bad_input(
                f"is to be shown rotated by {rotation} degrees; only quarter turns are supported",
                file=self._path,
            )
        if rotation:
            self._decoder.reset_to_raw()
            self._converter = BgrConverter(rotation)
        return (height, width) if rotation % 180 else (width, height)

    def _advance(self) -> None:
        """Push one more packet through the decoder."""
        try:
            self._spare_work()
            packet = next(self._packets, None)
            if packet is None or packet.size == 0:
                self._end_of_pass()
            elif self._prepare_packet(packet):
                self._decoder.push(packet)
        except av.FFmpegError as error:
            self._fail(f"cannot be read or decoded ({_reason(error)})")

    def _spare_work(self) -> None:
        """Leave out as much decoding as it takes to keep up."""
        if self._schedule.free or not self._decoder.passthrough or self._last_pts is None:
            return
        late_ns = self._schedule.lateness_ns(self._time_of(self._last_pts + self._period_ticks))
        self._decoder.set_skipping(self._schedule.behind)
        self._decoder.set_suspended(late_ns > self.config.max_late_s * 1e9)

    def _prepare_packet(self, packet: av.Packet[VideoStream]) -> bool:
        """Put the packet's times on a scale that goes on rising when the file starts again."""
        if packet.is_corrupt:
            self._fail("is cut short or damaged")
            return False
        first = self._packets_read == 0 and self._pass_offset == 0
        if first and (packet.pts is None or packet.is_discard):
            # Without times of their own, or with a trimmed start, the packets alone would play differently.
            self._decoder.reset_to_raw()
            if packet.pts is None:
                self._decoder.count_times(self._first_pts, self._period_ticks)
        if packet.pts is None and self._decoder.passthrough:
            self._fail("has a packet without a time stamp")
            return False
        self._packets_read += 1
        if packet.pts is not None:
            self._pass_end = max(self._pass_end, packet.pts + (packet.duration or self._period_ticks))
            packet.pts += self._pass_offset
        if packet.dts is not None:
            packet.dts += self._pass_offset
        return True

    def _end_of_pass(self) -> None:
        self._decoder.drain()
        missing = self._what_is_missing()
        if missing is not None:
            self._fail(f"is cut short: {missing}")
        elif self.config.loop and self._pass_end > self._first_pts:
            self._rewind()
        else:
            self._ended = True

    def _rewind(self) -> None:
        """Go back to the first packet; times go on."""
        assert self._container is not None
        self._pass_offset += self._pass_end - self._first_pts
        self._packets_read = 0
        if any(name in self._container.format.name for name in _SEEKABLE):
            self._container.seek(self._first_pts, stream=self._stream)
        else:
            self._container.close()
            self._container = av.open(str(self._path), metadata_errors="replace")
            self._stream = self._container.streams.video[0]
            self._stream.codec_context.thread_count = 1
            self._decoder.replace_context(self._stream.codec_context)
        self._packets = self._container.demux(self._stream)

    def _what_is_missing(self) -> str | None:
        """What the file's own table of contents announces beyond what was there."""
        container = self._container
        assert container is not None
        if "mp4" in container.format.name and self._packets_read < self._stream.frames:
            return f"it announces {self._stream.frames} frames"
        if "matroska" in container.format.name and container.duration and len(container.streams) == 1:
            announced_s = container.duration / av.time_base
            found_s = float((self._pass_end - self._first_pts) * self._tick)
            if found_s < announced_s - 0.5:  # writers round the duration to a frame or a cluster
                return f"it announces {announced_s:.1f} s and ends after {found_s:.1f} s"
        return None

    def _fail(self, problem: str) -> None:
        if self._failure is not None:
            return
        self._ended = True
        self._failure = CameraError(
            f'camera "{self.settings.name}": {self._path} {problem}, near frame {self._packets_read}; '
            "check the file or copy it again"
        )
        try:
            self._decoder.drain()
        except av.FFmpegError as error:
            log.warning("%s: decoding the last frames failed too: %s", self._path, _reason(error))

    def _time_of(self, pts: int) -> int:
        return self._schedule.time_of((pts - self._first_pts) * self._tick)

    def _convert(self, picture: Picture, t_ns: int) -> Image | None:
        if picture.frame is None:
            return None
        if self._decoder.passthrough and not self._schedule.wants_picture(t_ns):
            return None
        return self._converter(picture.frame)

    def _take_packets(self) -> tuple[EncodedPacket, ...]:
        packets = []
        for packet in self._decoder.take_packets():
            assert packet.pts is not None
            pts_ns = self._time_of(packet.pts)
            dts_ns = self._dts_of(packet)
            self._last_dts_ns = dts_ns
            packets.append(EncodedPacket(bytes(packet), pts_ns, dts_ns, packet.is_keyframe))
        return tuple(packets)

    def _dts_of(self, packet: av.Packet[VideoStream]) -> int:
        """Decoding time in ns, strictly above the last one."""
        last_ns = self._last_dts_ns
        if packet.dts is not None:
            dts_ns = self._time_of(packet.dts)
            return dts_ns if last_ns is None else max(dts_ns, last_ns + 1)
        # Matroska leaves out the first ones: start early enough to stay below all presentation times.
        if last_ns is None:
            return self._time_of(self._first_pts) - (self._reordered + 1) * self._schedule.period_ns
        return last_ns + self._schedule.period_ns // 2

    def _frame(self, t_ns: int, image: Image | None, packets: tuple[EncodedPacket, ...]) -> Frame:
        if self._last_t_ns is not None and t_ns <= self._last_t_ns:
            t_ns = self._last_t_ns + 1
        self._last_t_ns = t_ns
        frame = Frame(self.settings.name, self._next_index, t_ns, image, packets)
        self._next_index += 1
        return frame


def _reason(error: av.FFmpegError) -> str:
    return (error.strerror or str(error)).lower()
