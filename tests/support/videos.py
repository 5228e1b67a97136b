"""Small videos whose every frame says which one it is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

Codec = Literal["h264", "vp9", "mpeg4", "mjpeg", "hevc"]

_ENCODERS = {
    "h264": ("libx264", {"preset": "veryfast", "crf": "16"}),
    "hevc": ("libx265", {"preset": "ultrafast", "crf": "16", "x265-params": "log-level=none"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "crf": "16", "b": "0"}),
    "mpeg4": ("mpeg4", {"qscale": "2"}),
    "mjpeg": ("mjpeg", {"qscale": "2"}),
}
_BITS = 8


def numbered_picture(number: int, size: tuple[int, int] = (320, 240)) -> NDArray[np.uint8]:
    """A (H, W, 3) BGR picture that shows ``number`` modulo 256 in eight bars, which survive any codec."""
    width, height = size
    picture = np.full((height, width, 3), (90, 120, 160), np.uint8)
    picture[: height // 8] = (40, 200, 60)
    edges = np.linspace(0, width, _BITS + 1).round().astype(int)
    for bit in range(_BITS):
        value = 235 if number >> bit & 1 else 20
        picture[height // 4 : 3 * height // 4, edges[bit] : edges[bit + 1]] = value
    return picture


def read_number(picture: NDArray[np.uint8]) -> int:
    """The number that ``numbered_picture`` drew."""
    height, width = picture.shape[:2]
    edges = np.linspace(0, width, _BITS + 1).round().astype(int)
    bars = picture[2 * height // 5 : 3 * height // 5]
    middles = [bars[:, (edges[bit] + edges[bit + 1]) // 2].mean() for bit in range(_BITS)]
    return sum(1 << bit for bit, level in enumerate(middles) if level > 128)


def write_video(
    path: Path,
    codec: Codec = "h264",
    *,
    frames: int = 30,
    size: tuple[int, int] = (320, 240),
    fps: int = 30,
    keyframe_every: int = 250,
    b_frames: int = 2,
    times_ms: Sequence[int] | None = None,
    rotation: int = 0,
    grain: bool = False,
    container_options: dict[str, str] | None = None,
    format: str | None = None,
) -> Path:
    """Encode ``numbered_picture`` 0, 1, 2, …; ``times_ms`` gives each frame its own time.

    ``grain`` fills the lowest quarter with noise, which makes the file larger than any read-ahead buffer.
    """
    encoder, options = _ENCODERS[codec]
    options = dict(options)
    if codec == "h264":
        # Without scene cuts and adaptive placement the B-frames lie where we ask for them.
        options["x264-params"] = f"bframes={b_frames}:b-adapt=0:scenecut=0:keyint={keyframe_every}:no-info=1"
    with av.open(str(path), "w", format=format, container_options=container_options or {}) as container:
        stream = container.add_stream(encoder, rate=fps, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.gop_size = keyframe_every
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(frames):
            image = numbered_picture(number, size)
            if grain:
                low = image[3 * size[1] // 4 :]
                low[...] = np.random.default_rng(number).integers(0, 256, low.shape, np.uint8)
            picture = av.VideoFrame.from_ndarray(image, format="bgr24")
            if times_ms is not None:
                picture.pts = times_ms[number]
                picture.time_base = Fraction(1, 1000)
            else:
                picture.pts = number
                picture.time_base = Fraction(1, fps)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path
