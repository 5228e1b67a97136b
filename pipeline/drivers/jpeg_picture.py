"""A JPEG as a picture, drawn where it is wanted."""

from __future__ import annotations

import simplejpeg

from pipeline.frames.frame import Image


def decode_bgr(data: bytes, canvas: Image | None = None) -> Image:
    """Decode.

    Args:
        data: The JPEG; look at the size in its header before.
        canvas: (H, W, 3) memory of its size to draw into; None: new memory.

    Returns:
        (H, W, 3) BGR; ``canvas`` itself where there is one. What is in it after an error is undefined.

    Raises:
        ValueError: The data are damaged.
    """
    if canvas is None:
        picture: Image = simplejpeg.decode_jpeg(data, colorspace="BGR")
        return picture
    simplejpeg.decode_jpeg(data, colorspace="BGR", buffer=canvas)
    return canvas
