"""The pixels of what Open3D draws, by the shortest way.

Open3D gives them as floats, at 16 ms for 1280x720 on a machine without a graphics card: more than drawing
takes. OpenGL itself gives them as bytes in 4 ms, from the context that Open3D leaves current in the thread
that draws. Whether that works, and from which buffer, is proved for every context by drawing plain colours.
"""

from __future__ import annotations

import ctypes
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
_FRONT: Final = 0x0404
_BACK: Final = 0x0405
_PROOFS: Final = ((0.2, 0.4, 0.6), (0.8, 0.2, 0.4), (0.4, 0.6, 0.0))
"""Several, because a buffer may lag behind by a picture or two."""
_ROUNDING: Final = 1
"""Of a colour to a byte."""


class PixelReader:
    """Draws and reads, by OpenGL where that has been proved to give what was drawn, otherwise by Open3D."""

    def __init__(self) -> None:
        self._library = _open_library()
        self._buffer: Pixels = np.zeros((0, 0, 4), np.uint8)
        self._source: int | None = None
        self.driver = "OpenGL"

    @property
    def direct(self) -> bool:
        """Whether OpenGL itself is asked."""
        return self._source is not None

    def begin(self, visualizer: Any, width: int, height: int) -> None:
        """Find the way for a new context, in which nothing is to be seen yet."""
        self._buffer = np.zeros((height, width, 4), np.uint8)
        self._source = None
        if self._library is None:
            return
        _draw(visualizer)  # makes the context current
        self._library.glGetString.restype = ctypes.c_char_p
        name = self._library.glGetString(_RENDERER)
        if not name:
            return
        self.driver = name.decode(errors="replace")
        if np.asarray(visualizer.capture_screen_float_buffer(True)).shape[:2] != (height, width):
            return  # screens with several dots per pixel, where windows are larger than was asked for
        self._source = next((source for source in (_FRONT, _BACK) if self._gives(visualizer, source)), None)
        if self._source is None:
            log.info("pixels are read by Open3D: OpenGL (%s) gives others than were drawn", self.driver)

    def read(self, visualizer: Any) -> Pixels:
        """Draw; (H, W, 4) blue, green, red, unused, first row on top. Valid until the next call."""
        if self._source is not None:
            _draw(visualizer)
            return self._read_bytes(self._source)
        floats = np.asarray(visualizer.capture_screen_float_buffer(True))
        height, width = self._buffer.shape[:2]
        dots = max(1, floats.shape[0] // height)
        floats = floats[dots // 2 :: dots, dots // 2 :: dots][:height, :width]
        np.multiply(floats[..., ::-1], 255.0, out=self._buffer[..., :3], casting="unsafe")
        return self._buffer

    def _gives(self, visualizer: Any, source: int) -> bool:
        """Whether a buffer holds, each time, what was drawn last."""
        options = visualizer.get_render_option()
        for colour in _PROOFS:
            options.background_color = np.array(colour)
            _draw(visualizer)
            wanted = np.array(colour[::-1]) * 255.0
            if np.abs(self._read_bytes(source)[..., :3] - wanted).max() > _ROUNDING:
                return False
        return True

    def _read_bytes(self, source: int) -> Pixels:
        assert self._library is not None
        height, width = self._buffer.shape[:2]
        self._library.glReadBuffer(source)
        self._library.glPixelStorei(_PACK_ALIGNMENT, 4)
        pointer = self._buffer.ctypes.data_as(ctypes.c_void_p)
        self._library.glReadPixels(0, 0, width, height, _BGRA, _UNSIGNED_BYTE, pointer)
        return self._buffer[::-1]


def _draw(visualizer: Any) -> None:
    visualizer.update_renderer()  # only marks the picture as outdated
    visualizer.poll_events()


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
