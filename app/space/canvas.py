"""A piece of shared memory that pictures of the scene come back in.

One process writes, the other reads after it was told so. Numbers before and after the pixels prove that what
was read is one whole picture, the one that was announced.
"""

from __future__ import annotations

import itertools
import os
from multiprocessing.shared_memory import SharedMemory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.frames.ring import RingError, attach

Pixels = NDArray[np.uint8]

_PAGE: Final = 4096
_MAGIC: Final = 0x504F535643  # "POSVC"
_number = itertools.count(1)


class Canvas:
    """Header and (H, W, 4) blue, green, red, unused pixels.

    Args:
        memory: The segment; whoever created it unlinks it.
    """

    def __init__(self, memory: SharedMemory, *, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        assert memory.buf is not None
        self._header = np.frombuffer(memory.buf, np.int64, _PAGE // 8)
        self._pixels = np.frombuffer(memory.buf, np.uint8, memory.size - _PAGE, _PAGE)
        if owner:
            self._header[:] = 0
            self._header[0] = _MAGIC
        elif self._header[0] != _MAGIC:
            self.close()
            raise RingError(f"shared memory {memory.name} is not a canvas")

    @classmethod
    def create(cls, width: int, height: int) -> Canvas:
        """A new one for pictures of up to this many px; OSError when there is no memory for it."""
        name = f"posestage-{os.getpid()}-space{next(_number)}"
        return cls(SharedMemory(name, create=True, size=_PAGE + width * height * 4), owner=True)

    @classmethod
    def attach(cls, name: str) -> Canvas:
        """Somebody else's; RingError when it is gone."""
        return cls(attach(name), owner=False)

    @property
    def name(self) -> str:
        """To attach by."""
        return self._memory.name

    def holds(self, width: int, height: int) -> bool:
        """Whether a picture of this size fits in."""
        return width * height * 4 <= self._pixels.size

    @property
    def wanted(self) -> int:
        """Number of the newest picture that is wanted; the writer gives up what it does for older ones."""
        return int(self._header[1])

    @wanted.setter
    def wanted(self, sequence: int) -> None:
        self._header[1] = sequence

    def write(self, sequence: int, picture: Pixels) -> None:
        """Put a (H, W, 4) picture in."""
        self._header[2] = 0
        np.copyto(self._pixels[: picture.size].reshape(picture.shape), picture)
        self._header[3:5] = picture.shape[:2]
        self._header[2] = sequence

    def read(self, sequence: int) -> Pixels | None:
        """A copy of the picture with this number, (H, W, 4); None when it is not there as a whole."""
        if self._header[2] != sequence:
            return None
        height, width = int(self._header[3]), int(self._header[4])
        copy = self._pixels[: height * width * 4].reshape(height, width, 4).copy()
        return copy if self._header[2] == sequence else None

    def close(self) -> None:
        """Unmap; the owner also frees it."""
        del self._header, self._pixels
        self._memory.close()
        if self._owner:
            self._memory.unlink()
