"""Pictures of all cameras at one instant, decoded in threads; the newest wish wins."""

from __future__ import annotations

import contextlib
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from PyQt6.QtCore import QObject, pyqtSignal

from app.takes.take_data import TakeData
from pipeline.frames.frame import Image
from pipeline.take.errors import TakeError
from pipeline.take.picture_seeker import PictureSeeker

log = logging.getLogger(__name__)

Size = tuple[int, int]

_MOST_THREADS: Final = 8


class PictureServer(QObject):
    """Decodes what is wanted last, all cameras side by side.

    At any time one instant is being decoded and at most one is waiting: whoever scrubs quickly skips
    pictures, and memory holds one set of small pictures.

    Args:
        data: The take.
    """

    ready = pyqtSignal(int, object)
    """Instant, and dict of camera to picture (None where it has none)."""
    problem = pyqtSignal(str)

    def __init__(self, data: TakeData, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._data = data
        self._wanted: tuple[int, dict[str, Size]] | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._seekers: dict[str, PictureSeeker | None] = {}
        self._thread = threading.Thread(target=self._serve, name="take-pictures", daemon=True)
        self._thread.start()

    def want(self, instant: int, sizes: dict[str, Size]) -> None:
        """Ask for the pictures of one instant.

        Args:
            instant: Which.
            sizes: By camera, (width, height) px that its picture is to fit; cameras without are left out.
        """
        with self._changed:
            self._wanted = (instant, dict(sizes))
            self._changed.notify()

    def size(self, camera: str) -> Size | None:
        """(width, height) px of a camera's recorded pictures; None while its video was not opened."""
        seeker = self._seekers.get(camera)
        return seeker.size if seeker is not None else None

    def close(self, timeout_s: float = 5.0) -> None:
        """End the threads and close the files."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def _serve(self) -> None:
        cameras = self._data.cameras
        with ThreadPoolExecutor(
            max(1, min(len(cameras), _MOST_THREADS)), thread_name_prefix="take-decode"
        ) as pool:
            while True:
                with self._changed:
                    while self._wanted is None and not self._closing:
                        self._changed.wait()
                    if self._closing:
                        break
                    assert self._wanted is not None
                    (instant, sizes), self._wanted = self._wanted, None
                wanted = [camera for camera in cameras if camera in sizes]
                found = pool.map(lambda camera, at=instant, to=sizes: self._picture(camera, at, to), wanted)
                self._tell("ready", instant, dict(zip(wanted, found, strict=True)))
        for seeker in self._seekers.values():
            if seeker is not None:
                seeker.close()

    def _picture(self, camera: str, instant: int, sizes: dict[str, Size]) -> Image | None:
        row = int(self._data.timeline.rows[instant, self._data.cameras.index(camera)])
        if row < 0:
            return None
        try:
            seeker = self._seeker(camera)
            if seeker is None:
                return None
            return seeker.picture(row, _fitted(seeker.size, sizes[camera]))
        except Exception as error:  # the thread must live on; one camera less is shown, and said
            if not isinstance(error, TakeError):
                log.exception("%s: a picture could not be decoded", camera)
            self._seekers[camera] = None
            self._tell("problem", f"The video of {camera} cannot be shown. {error}")
            return None

    def _seeker(self, camera: str) -> PictureSeeker | None:
        if camera not in self._seekers:
            path = self._data.videos.get(camera)
            self._seekers[camera] = (
                PictureSeeker(path, self._data.captured_ns[camera], self._data.header.origin_ns)
                if path is not None
                else None
            )
        return self._seekers[camera]

    def _tell(self, signal: str, *words: object) -> None:
        with contextlib.suppress(RuntimeError):  # the window is gone, and this object with it
            getattr(self, signal).emit(*words)


def _fitted(size: Size, box: Size) -> Size | None:
    """The largest size of the same proportions inside a box; None where the picture is not larger."""
    scale = min(box[0] / size[0], box[1] / size[1])
    if scale >= 1.0:
        return None
    return max(2, round(size[0] * scale)), max(2, round(size[1] * scale))
