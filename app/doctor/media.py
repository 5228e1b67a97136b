"""Video libraries, tried with real packets, and the weights for real people."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from importlib.util import find_spec
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.doctor.check import Finding

MOST_GREY_LEVELS_OFF = 8.0
"""Mean coding error of a ramp: a few levels with either codec, some 60 when planes or ranges are mixed up."""


def media() -> Iterator[Finding]:
    """Video and models."""
    yield video("mjpeg", "yuvj420p", needed=True)
    yield video("h264", "yuv420p", needed=False)
    yield people()
    yield onnx_people()


def video(codec: str, pixel_format: str, *, needed: bool) -> Finding:
    """Encode three pictures and decode them again.

    Args:
        codec: FFmpeg's name.
        pixel_format: What the encoder takes.
        needed: Whether recording depends on it.
    """
    name = f"video {codec}"
    bad: Literal["warn", "fail"] = "fail" if needed else "warn"
    step = "reinstall the video library: pip install --force-reinstall av"
    try:
        import av
    except ImportError as error:
        return Finding(name, "fail", str(error), step)
    found = f"PyAV {av.__version__}, libavcodec {'.'.join(map(str, av.library_versions['libavcodec']))}"
    ramp = np.tile(np.arange(0, 256, 2, dtype=np.uint8)[None, :, None], (96, 1, 3))
    try:
        pictures = _round_trip(ramp, codec, pixel_format)
    except (av.FFmpegError, ValueError) as error:
        return Finding(name, bad, f"{found}: {error}", step)
    off = max((float(np.abs(picture.astype(int) - ramp).mean()) for picture in pictures), default=255.0)
    if len(pictures) != 3 or off > MOST_GREY_LEVELS_OFF:
        return Finding(name, bad, f"{found}: {len(pictures)} of 3 pictures, {off:.1f} grey levels off", step)
    return Finding(name, "ok", f"encodes and decodes, {found}")


def _round_trip(picture: NDArray[np.uint8], codec: str, pixel_format: str) -> list[NDArray[np.uint8]]:
    import av

    encoder, decoder = av.CodecContext.create(codec, "w"), av.CodecContext.create(codec, "r")
    assert isinstance(encoder, av.VideoCodecContext)
    assert isinstance(decoder, av.VideoCodecContext)
    encoder.height, encoder.width = picture.shape[:2]
    encoder.pix_fmt = pixel_format
    encoder.time_base = Fraction(1, 30)
    packets = []
    for index in range(3):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixel_format)
        frame.pts = index
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    return [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in frames]


def people() -> Finding:
    """BlazePose: its interpreter and its two files, verified."""
    from models import zoo

    status = zoo.info("blazepose")
    fetch = "launch.py models fetch blazepose"
    if find_spec("ai_edge_litert") is None:
        step = 'pip install -e ".[people]"'
        return Finding("people (blazepose)", "warn", "the package ai-edge-litert is not installed", step)
    if status.ready:
        return Finding("people (blazepose)", "ok", f"verified, in {status.folder}")
    trouble = ", ".join(f"{file} {problem}" for file, problem in status.problems.items())
    return Finding("people (blazepose)", "warn", f"{trouble} (in {status.folder})", fetch)


def onnx_people() -> Finding:
    """RTMPose: ONNX Runtime, the devices it knows, and the networks that are here; nobody must have them."""
    name = "people (rtmpose)"
    if find_spec("onnxruntime") is None:
        return Finding(name, "ok", 'ONNX Runtime is not installed; for RTMPose: pip install -e ".[onnx]"')
    from models import zoo
    from models.runtimes.onnx_network import available_devices

    here = [s.name for s in zoo.list_models() if s.entry.network is not None and s.ready]
    devices = f"ONNX Runtime for {', '.join(available_devices())}"
    networks = f"verified: {', '.join(here)}" if here else "no network here (launch.py models list)"
    return Finding(name, "ok", f"{devices}; {networks}")
