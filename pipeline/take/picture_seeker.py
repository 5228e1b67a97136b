"""Any recorded picture of one camera, quickly: for players that jump about in a video."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.frames.frame import INTRA_ONLY, Image
from pipeline.take.errors import TakeError
from pipeline.take.video_file import RecordedVideo

_log = logging.getLogger(__name__)

_READ_ON_MS: Final = 600.0
"""So near ahead, reading on is cheaper than seeking: about a group of pictures of a live stream."""


class PictureSeeker:
    """Decodes single pictures out of a camera's video. Used by one thread at a time.

    Opening reads no more than the file's header: pictures are found by the capture times of the ledger. Only
    where those do not fit the file are its packets counted first.

    Args:
        path: The video.
        times_ns: (N,) capture times of the recorded frames, rising.
        origin_ns: Time 0 of the video.

    Raises:
        TakeError: The file holds no readable video.
    """

    def __init__(self, path: Path, times_ns: NDArray[np.int64], origin_ns: int) -> None:
        self.path = path
        self._capture_ns = times_ns
        self._origin_ns = origin_ns
        try:
            self._container: Any = av.open(str(path), metadata_errors="replace")
            self._stream: Any = self._container.streams.video[0]
        except (av.FFmpegError, IndexError) as error:
            raise TakeError(f"{path}: holds no readable video: {error}") from error
        codec: Any = self._stream.codec_context
        if codec is None:
            self._container.close()
            raise TakeError(f"{path}: holds a video of an unknown kind")
        self._stream.codec_context.thread_count = 1  # cameras are decoded side by side already
        self.size = (int(self._stream.codec_context.width), int(self._stream.codec_context.height))
        self._intra_only = str(self._stream.codec_context.name) in INTRA_ONLY
        self._tick_ms = float((self._stream.time_base or 0) * 1000)
        # What the file shows, in order: which recorded frame, and when in whole milliseconds.
        self._rows: NDArray[np.intp] = np.arange(len(times_ns), dtype=np.intp)
        self._shown_ms: NDArray[np.float64] = np.round((times_ns - origin_ns) / 1e6)
        self._counted = False
        self._frames: Iterator[Any] | None = None
        self._wanted_ms = -np.inf
        self._place = -1
        self._frame: Any = None

    def picture(self, row: int, size: tuple[int, int] | None = None) -> Image | None:
        """The picture of one recorded frame.

        Args:
            row: Place among the recorded frames.
            size: (width, height) to shrink it to while converting; None for its own.

        Returns:
            (H, W, 3) BGR, or None where the file has no such picture.
        """
        found = self._find(row)
        if found is None and not self._counted:
            self._count()
            found = self._find(row)
        if found is None:
            return None
        width, height = size or (found.width, found.height)
        shrunk = found.reformat(width, height, "bgr24", interpolation="AREA" if size else None)
        return np.asarray(shrunk.to_ndarray())

    def close(self) -> None:
        """Close the file."""
        self._frames = None
        self._frame = None
        self._container.close()

    def _find(self, row: int) -> Any:
        place = int(np.searchsorted(self._rows, row))
        if place >= len(self._rows) or self._rows[place] != row:
            return None
        if place == self._place:
            return self._frame
        ahead_ms = self._shown_ms[place] - self._shown_ms[max(self._place, 0)]
        if self._frames is None or place < self._place or ahead_ms > _READ_ON_MS:
            self._seek(place)
        assert self._frames is not None
        self._wanted_ms = self._shown_ms[place]
        for frame in self._frames:
            shown = self._place_of(frame.pts * self._tick_ms)
            if shown < 0:
                continue
            self._place, self._frame = shown, frame
            if shown >= place:
                return frame if shown == place else None
        self._frames = None  # at its end
        return None

    def _seek(self, place: int) -> None:
        self._place, self._frame = -1, None
        # A millisecond earlier: the file's own rounding must not hide the picture that is wanted.
        target_ms = max(0.0, float(self._shown_ms[place]) - 1.0)
        try:
            self._container.seek(int(target_ms / self._tick_ms), stream=self._stream, backward=True)
        except av.FFmpegError as error:
            _log.warning("%s: seeking failed, reading from the start: %s", self.path, error)
            self._container.close()
            self._container = av.open(str(self.path), metadata_errors="replace")
            self._stream = self._container.streams.video[0]
            self._stream.codec_context.thread_count = 1
        self._frames = self._decode()

    def _decode(self) -> Iterator[Any]:
        """Pictures from here on; of videos whose every packet is one, those before the wanted are skipped."""
        for packet in chain(self._packets(), [None]):  # None: give out what is held back
            if (
                packet is not None
                and self._intra_only
                and packet.pts * self._tick_ms < self._wanted_ms - 0.75
            ):
                continue
            try:
                yield from self._stream.decode(packet)
            except av.FFmpegError as error:
                _log.warning("%s: a damaged picture is left out: %s", self.path, error)

    def _packets(self) -> Iterator[Any]:
        try:
            for packet in self._container.demux(self._stream):
                if packet.pts is not None:
                    yield packet
        except av.FFmpegError as error:
            _log.warning("%s: ends before its time: %s", self.path, error)

    def _place_of(self, time_ms: float) -> int:
        """Which of the pictures one is; -1 for none. Pictures of one millisecond come in order."""
        after = int(np.searchsorted(self._shown_ms, time_ms))
        near = [at for at in (after - 1, after) if 0 <= at < len(self._shown_ms)]
        place = min(near, key=lambda at: abs(self._shown_ms[at] - time_ms), default=-1)
        following = self._place + 1
        if 0 <= place <= self._place and following < len(self._shown_ms):
            place = following
        # The file and we may round the same time differently.
        return place if place >= 0 and abs(self._shown_ms[place] - time_ms) <= 1.0 else -1

    def _count(self) -> None:
        """Learn from the file itself which pictures it has, and when."""
        self._counted = True
        video = RecordedVideo(self.path)
        row_of = video.rows(self._capture_ns.tolist(), self._origin_ns)
        self._rows = row_of[row_of >= 0]
        self._shown_ms = np.round(video.times_ms[row_of >= 0])
        self._frames = None
        self._place, self._frame = -1, None
