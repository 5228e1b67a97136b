"""The pixels of what Open3D has drawn, by the shortest way.

Open3D gives them as floats, at 16 ms for 1280x720 on a machine without a graphics card: more than drawing
takes. OpenGL itself gives them as bytes in 4 ms, from the context that Open3D leaves current in the thread
that draws. Whether that works is proved on the first picture of every context, by comparing both.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import logging
import sys
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]

_BGRA: Final = 0x80E1
_UNSIGNED_BYTE: Final = 0x1401
_RENDERER: Final = 0x1F01
_PACK_ALIGNMENT: Final = 0x0D05
_ROUNDING: Final = 1
"""Floats are cut to bytes, the driver may round them."""


class PixelReader:
    """Reads by OpenGL where that gives the same as Open3D, otherwise by Open3D."""

    def __init__(self) -> None:
        self._library = _open_library()
        self._buffer: Pixels = np.zeros((0, 0, 4), np.uint8)
        self.direct = False
        self.driver = "OpenGL"

    def begin(self, visualizer: Any, width: int, height: int) -> None:
        """Try both ways on the picture just drawn."""
        self._buffer = np.zeros((height, width, 4), np.uint8)
        self.direct = False
        if self._library is None:
            return
        self._library.glGetString.restype = ctypes.c_char_p
        name = self._library.glGetString(_RENDERER)
        if not name:  # no context is current here
            return
        self.driver = name.decode(errors="replace")
        expected = self._read_floats(visualizer)
        found = self._read_bytes()
        if found.shape == expected.shape:
            difference = np.abs(found[..., :3].astype(np.int16) - expected[..., :3])
            self.direct = bool(difference.max(initial=0) <= _ROUNDING)
        if not self.direct:
            log.info("pixels are read by Open3D: OpenGL (%s) gives others", self.driver)

    def read(self, visualizer: Any, width: int, height: int) -> Pixels:
        """(H, W, 4) blue, green, red, unused; first row on top. Valid until the next call."""
        assert self._buffer.shape[:2] == (height, width)
        return self._read_bytes() if self.direct else self._read_floats(visualizer)

    def _read_bytes(self) -> Pixels:
        assert self._library is not None
        height, width = self._buffer.shape[:2]
        self._library.glPixelStorei(_PACK_ALIGNMENT, 4)
        pointer = self._buffer.ctypes.data_as(ctypes.c_void_p)
        self._library.glReadPixels(0, 0, width, height, _BGRA, _UNSIGNED_BYTE, pointer)
        return self._buffer[::-1]

    def _read_floats(self, visualizer: Any) -> Pixels:
        floats = np.asarray(visualizer.capture_screen_float_buffer(False))
        picture = np.full((*floats.shape[:2], 4), 255, np.uint8)
        np.multiply(floats[..., ::-1], 255.0, out=picture[..., :3], casting="unsafe")
        return picture


def _open_library() -> Any:
    """The system's OpenGL; None where it has none by the usual names."""
    names = {"win32": ["opengl32"], "darwin": ["/System/Library/Frameworks/OpenGL.framework/OpenGL"]}
    for name in names.get(sys.platform, ["libGL.so.1", "libOpenGL.so.0"]):
        try:
            # Windows' own functions clean their stack up themselves, which only ``WinDLL`` knows.
            return getattr(ctypes, "WinDLL", ctypes.CDLL)(name)
        except OSError:
            continue
    return None
