"""Pictures for the screen, straight from the shared memory of the grabbers, no larger than they are shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import cv2
import numpy as np

from pipeline.frames.frame import Image
from pipeline.frames.ring import FrameRingReader, RingError

Size = tuple[int, int]
"""Width and height in px."""

_WORTH_SHRINKING: Final = 0.8
"""A picture that is hardly larger than its place is copied as it is; the painter scales it."""


class PictureFeed:
    """Reads newest pictures, or those of a certain time. Holds no credit: grabbers never wait for it.

    Args:
        ring_name: Camera to the name of its ring, None while it has none; asked again after a restart.
    """

    def __init__(self, ring_name: Callable[[str], str | None]) -> None:
        cv2.setNumThreads(1)  # on a busy machine waiting for helpers takes longer than such small work
        self._ring_name = ring_name
        self._rings: dict[str, FrameRingReader] = {}
        self._shown_ns: dict[str, int] = {}

    def newest(self, camera: str, size: Size) -> Image | None:
        """The newest (H, W, 3) BGR picture, shrunk to fit ``size``; None when there is no newer one."""
        ring = self._ring(camera)
        if ring is None or ring.newest_ns == self._shown_ns.get(camera):
            return None
        found = ring.peek(partial(shrunk, size=size))
        if found is None:
            return None
        self._shown_ns[camera] = found[0]
        return found[1]

    def peek(self, camera: str, size: Size) -> Image | None:
        """The newest picture, shrunk to fit ``size``, shown already or not; None when there is none."""
        ring = self._ring(camera)
        found = ring.peek(partial(shrunk, size=size)) if ring is not None else None
        return found[1] if found is not None else None

    def at(self, camera: str, t_capture_ns: int, size: Size) -> Image | None:
        """The picture of that capture time, shrunk to fit ``size``; None when it is gone."""
        ring = self._ring(camera)
        return ring.find(t_capture_ns, partial(shrunk, size=size)) if ring is not None else None

    def close(self) -> None:
        """Let go of the cameras' memory."""
        for ring in self._rings.values():
            ring.close()
        self._rings.clear()
        self._shown_ns.clear()

    def _ring(self, camera: str) -> FrameRingReader | None:
        name = self._ring_name(camera)
        ring = self._rings.get(camera)
        if ring is not None and ring.name == name:
            return ring
        if ring is not None:
            self._rings.pop(camera).close()  # its grabber was replaced
        if not name:
            return None
        try:
            ring = self._rings[camera] = FrameRingReader(name)
        except RingError:
            return None
        return ring


def shrunk(image: Image, size: Size) -> Image:
    """A copy of ``image`` that fits ``size``, averaged down; never enlarged.

    Halved while it is more than twice too large, then interpolated: a tenth of the time of averaging by any
    factor, and hardly to be told from it.
    """
    height, width = image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    if scale > _WORTH_SHRINKING:
        return np.copy(image)
    target = max(1, round(width * scale)), max(1, round(height * scale))
    result = image
    while result.shape[1] >= 2 * target[0] and result.shape[0] >= 2 * target[1]:
        rows, columns = result.shape[0] // 2, result.shape[1] // 2
        even = result[: 2 * rows, : 2 * columns]
        result = np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    if (result.shape[1], result.shape[0]) != target:
        result = np.asarray(cv2.resize(result, target, interpolation=cv2.INTER_LINEAR), np.uint8)
    return result
