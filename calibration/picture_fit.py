"""A calibration for pictures of another size than the camera's videos have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from configs.errors import BadInputError, bad_input

# Mean brightness, of 255, up to which a row counts as black. Compression rings into the bars: in H.264 and
# VP9 files the row next to the picture has a mean of up to 13, single pixels go beyond 60.
_BLACK_MEAN = 20.0


def fit_to_picture(
    camera: Camera, size: tuple[int, int], picture: NDArray[np.uint8] | None
) -> tuple[Camera, str | None]:
    """The camera for pictures of ``size``, and a note on what had to be done.

    Three cases are certain: the calibrated size itself; the whole calibrated picture scaled uniformly; and
    the calibrated picture scaled uniformly and centred between two black bars, which is believed only when
    ``picture`` shows the bars. A crop or a stretch cannot be told from the size and is refused.

    Args:
        camera: As calibrated.
        size: (width, height) px of the pictures at hand.
        picture: (H, W, 3) uint8, one of them, as bright as possible.

    Returns:
        The adapted camera (``camera`` itself if nothing had to be done), and a sentence for the user or None.

    Raises:
        BadInputError: Names the camera, both sizes, and what to do.
    """
    if size == camera.size:
        return camera, None
    if min(size) <= 0:
        raise bad_input(f"the pictures of {camera.name} have no size: {size[0]} x {size[1]}")
    if picture is not None and (picture.shape[1], picture.shape[0]) != size:
        raise ValueError(f"the picture has shape {picture.shape}, expected ({size[1]}, {size[0]}, 3)")
    before, after = _text(camera.size), _text(size)
    (width, height), (old_width, old_height) = size, camera.size
    if abs(width - old_width) <= 1 and abs(height - old_height) <= 1:
        return (
            replace(camera, size=size),
            f"{camera.name}: calibrated at {before}, pictures of {after}: taken as the same picture, because "
            "some programs store the last pixel's index for the size",
        )
    # Encoders round to whole and even numbers, so the shorter side may be off by up to 2 px.
    if abs(width * old_height - height * old_width) <= 2 * min(old_width, old_height):
        scale = width / old_width if width >= height else height / old_height
        return (
            camera.resized(size),
            f"{camera.name}: calibrated at {before}, pictures of {after}: calibration scaled by {scale:.4g}",
        )
    return _letterboxed(camera, size, picture)


def _letterboxed(
    camera: Camera, size: tuple[int, int], picture: NDArray[np.uint8] | None
) -> tuple[Camera, str]:
    scale = min(size[0] / camera.size[0], size[1] / camera.size[1])
    bars = [(side - old * scale) / 2 for side, old in zip(size, camera.size, strict=True)]
    axis = int(bars[1] > bars[0])  # 0: bars left and right, 1: above and below
    if picture is None:
        raise _mismatch(camera, size, "no picture is at hand to look for black borders")
    dark = picture.mean(axis=(axis, 2)) <= _BLACK_MEAN
    if dark.all():
        raise _mismatch(camera, size, "the picture is black, so its borders cannot be seen")
    first, last = int(np.argmin(dark)), int(np.argmin(dark[::-1]))
    # The bar ends inside a pixel, which may look black or not, and compression smears one more.
    bar = bars[axis]
    if not all(max(1.0, bar - 2) <= found <= bar + 2 for found in (first, last)):
        raise _mismatch(
            camera,
            size,
            f"a scaled copy would leave black borders of {bar:.1f} px, found {first} and {last}",
        )
    K = camera.K.copy()
    K[[0, 1], [0, 1]] *= scale
    K[:2, 2] = (K[:2, 2] + 0.5) * scale - 0.5 + bars
    where = ("left and right", "above and below")[axis]
    return (
        replace(camera, size=size, K=K),
        f"{camera.name}: calibrated at {_text(camera.size)}, pictures of {_text(size)}: they are scaled by "
        f"{scale:.4g} between black borders of {bar:.1f} px {where}; calibration adapted",
    )


def _mismatch(camera: Camera, size: tuple[int, int], reason: str) -> BadInputError:
    hint = (
        "the pictures are turned by 90 degrees: turn them back"
        if size[::-1] == camera.size
        else "calibrate again at this size, or give the calibration that belongs to these pictures"
    )
    return bad_input(
        f"{camera.name} is calibrated for pictures of {_text(camera.size)}, "
        f"but they are {_text(size)} ({reason})",
        hint=hint,
    )


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]} px"
