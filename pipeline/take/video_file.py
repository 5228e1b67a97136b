"""Reads a recorded video, whole or cut short by a kill, and says which picture belongs to which capture."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Container, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.frames.frame import INTRA_ONLY, Image
from pipeline.take.errors import TakeError

_log = logging.getLogger(__name__)

_ROUNDED_MS: Final = 0.6
"""The file counts whole milliseconds: a picture's time is up to half of one from that in the ledger."""


class RecordedVideo:
    """One camera's ``.mkv``.

    Attributes:
        times_ms: (F,) presentation time of each picture in order, ms since the take's origin. The file
            counts whole milliseconds. Negative ones are of a lead-in: see ``span``.
        keyframes: (F,) whether the picture is a key frame, at which decoding can begin.
        codec: FFmpeg's name of the codec.
        size: (width, height) px.

    Raises:
        TakeError: The file holds no readable video.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with av.open(str(path), metadata_errors="replace") as container:
                stream: Any = container.streams.video[0]
                if stream.codec_context is None or not stream.time_base:
                    raise TakeError(f"{path}: holds a video of an unknown kind")
                self.codec = str(stream.codec_context.name)
                self.size = (int(stream.codec_context.width), int(stream.codec_context.height))
                tick_ms = float(stream.time_base * 1000)
                found = [(packet.pts * tick_ms, packet.is_keyframe) for packet in _packets(container, path)]
        except (av.FFmpegError, IndexError) as error:
            raise TakeError(f"{path}: holds no readable video: {error}") from error
        times_ms = np.array([time_ms for time_ms, _ in found], np.float64)
        order = np.argsort(times_ms, kind="stable")
        self.times_ms: NDArray[np.float64] = times_ms[order]
        self.keyframes: NDArray[np.bool_] = np.array([is_key for _, is_key in found], np.bool_)[order]

    def __len__(self) -> int:
        return len(self.times_ms)

    def span(self, capture_ns: Sequence[int], origin_ns: int) -> slice:
        """Which of the pictures may be frames of the take.

        A camera whose pictures build on one another may begin with a lead-in, the pictures since its last key
        frame, and when pictures are sent in another order than shown may end with some that were shown only
        after the recording. Neither are frames of the take.

        Args:
            capture_ns: (N,) capture times of the recorded rows of its ledger, rising.
            origin_ns: Time 0 of the video.
        """
        if self.codec in INTRA_ONLY:
            return slice(0, len(self))
        first_ms = (capture_ns[0] - origin_ns) / 1e6 if len(capture_ns) else 0.0
        begin = int(np.searchsorted(self.times_ms, first_ms - _ROUNDED_MS))
        end = len(self)
        if len(capture_ns) and end - begin > len(capture_ns):
            last_ms = (capture_ns[-1] - origin_ns) / 1e6
            end = int(np.searchsorted(self.times_ms, last_ms + _ROUNDED_MS, "right"))
        return slice(begin, max(begin, end))

    def rows(self, capture_ns: Sequence[int], origin_ns: int) -> NDArray[np.intp]:
        """Which recorded row of the ledger each picture belongs to.

        Args:
            capture_ns: (N,) capture times of the recorded rows, rising.
            origin_ns: Time 0 of the video.

        Returns:
            (F,) row numbers, -1 for a picture that no row knows.
        """
        rows = np.full(len(self), -1, np.intp)
        span = self.span(capture_ns, origin_ns)
        rows[span] = match_pictures(self.times_ms[span], capture_ns, origin_ns)
        return rows

    def pictures(self, wanted: Container[int] | None = None) -> Iterator[tuple[int, Image]]:
        """Decoded pictures in order of presentation.

        A damaged picture is left out and does not shift the others.

        Args:
            wanted: Which places in the order to decode; None for all.

        Yields:
            Place in the order of presentation (an index into ``times_ms``), and the (H, W, 3) BGR picture.
        """
        # Two pictures may share a millisecond: they keep their order.
        places: dict[int, deque[int]] = {}
        for place, time_ms in enumerate(self.times_ms):
            places.setdefault(round(time_ms), deque()).append(place)
        skips = self.codec in INTRA_ONLY and wanted is not None
        with av.open(str(self.path), metadata_errors="replace") as container:
            stream: Any = container.streams.video[0]
            stream.thread_type = "AUTO"
            tick_ms = float(stream.time_base * 1000)
            for packet in chain(_packets(container, self.path), [None]):  # None: give out what is held back
                if packet is not None and skips and wanted is not None:
                    waiting = places.get(round(packet.pts * tick_ms))
                    if waiting and waiting[0] not in wanted:
                        waiting.popleft()
                        continue
                try:
                    frames = stream.decode(packet)
                except av.FFmpegError as error:
                    _log.warning("%s: a damaged picture is left out: %s", self.path, error)
                    continue
                for frame in frames:
                    waiting = places.get(round(frame.pts * tick_ms))
                    if not waiting:
                        continue
                    place = waiting.popleft()
                    if wanted is None or place in wanted:
                        yield place, frame.to_ndarray(format="bgr24")


def video_codec(path: Path) -> str:
    """FFmpeg's name of a video's codec, without reading the whole file; empty where it cannot be told."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            context: Any = container.streams.video[0].codec_context
            return str(context.name) if context is not None else ""
    except (av.FFmpegError, IndexError):
        return ""


def _packets(container: Any, path: Path) -> Iterator[Any]:
    """Packets with a time, up to the file's end or to where a kill cut it."""
    try:
        for packet in container.demux(video=0):
            if packet.pts is not None:
                yield packet
    except av.FFmpegError as error:
        _log.warning("%s: ends before its time: %s", path, error)


def match_pictures(
    times_ms: NDArray[np.float64], capture_ns: Sequence[int], origin_ns: int
) -> NDArray[np.intp]:
    """Which recorded ledger row each picture of a video belongs to.

    A complete take has one picture per recorded row, in order. After a kill the end of the video or of the
    ledger is missing, and time decides.

    Args:
        times_ms: (F,) presentation times in order, ms since the origin.
        capture_ns: (N,) capture times of the recorded rows, rising.
        origin_ns: Time 0 of the video.

    Returns:
        (F,) row numbers, -1 for a picture that no row knows.
    """
    if len(times_ms) == len(capture_ns):
        return np.arange(len(times_ms), dtype=np.intp)
    rows = np.full(len(times_ms), -1, np.intp)
    if len(capture_ns) == 0 or len(times_ms) == 0:
        return rows
    expected_ms = (np.asarray(capture_ns, np.int64) - origin_ns) / 1e6
    # Half an interval decides between neighbours; at least the file's rounding to a millisecond.
    tolerance_ms = max(1.0, 0.5 * float(np.median(np.diff(expected_ms)))) if len(expected_ms) > 1 else 1.0
    previous = -1
    for picture, time_ms in enumerate(times_ms):
        first = int(np.searchsorted(expected_ms, time_ms - tolerance_ms))
        row = max(first, previous + 1)
        if row >= len(expected_ms):
            break
        while row + 1 < len(expected_ms) and abs(expected_ms[row + 1] - time_ms) < abs(
            expected_ms[row] - time_ms
        ):
            row += 1
        if abs(expected_ms[row] - time_ms) <= tolerance_ms:
            rows[picture] = previous = row
    return rows
