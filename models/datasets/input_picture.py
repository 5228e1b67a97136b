"""From a picture to network input as published: crop, area resize, normalise."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.datasets.network_camera import Box

Picture = NDArray[np.uint8]

# Statistics of red, green, blue, applied to blue, green, red in that order: the released weights of
# Learnable Triangulation were trained so.
_MEAN: Final = np.array([0.485, 0.456, 0.406])
_STD: Final = np.array([0.229, 0.224, 0.225])


def read_picture(path: Path) -> Picture:
    """(H, W, 3) BGR.

    Raises:
        BadInputError: The file is missing or no picture.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except FileNotFoundError as error:
        raise bad_input("no such picture", file=path) from error
    except OSError as error:
        raise bad_input(f"cannot be read: {error.strerror}", file=path) from error
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if picture is None:
        raise bad_input("is not a picture that can be decoded", file=path)
    return np.asarray(picture, np.uint8)


def crop(picture: Picture, box: Box) -> Picture:
    """The part ``box`` (left, top, right, bottom), black outside the picture."""
    left, top, right, bottom = box
    part = np.zeros((bottom - top, right - left, picture.shape[2]), picture.dtype)
    height, width = picture.shape[:2]
    inner_left, inner_top = max(left, 0), max(top, 0)
    inner_right, inner_bottom = min(right, width), min(bottom, height)
    if inner_left < inner_right and inner_top < inner_bottom:
        part[inner_top - top : inner_bottom - top, inner_left - left : inner_right - left] = picture[
            inner_top:inner_bottom, inner_left:inner_right
        ]
    return part


def resize(picture: Picture, shape: tuple[int, int]) -> Picture:
    """Area interpolation to ``shape`` (rows, columns)."""
    return np.asarray(cv2.resize(picture, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), picture.dtype)


def normalise(picture: Picture) -> NDArray[np.float32]:
    """(H, W, 3) grey levels to the values the networks were trained on, channel by channel."""
    # A table of the 256 possible values per channel: exact float64 arithmetic at the price of a look-up.
    table = (((np.arange(256) / 255.0)[:, None] - _MEAN) / _STD).astype(np.float32)
    return np.stack([table[picture[..., channel], channel] for channel in range(3)], axis=-1)


def grey_levels(picture: NDArray[np.float32]) -> Picture:
    """(H, W, 3) as they were before ``normalise``."""
    levels = (picture.astype(np.float64) * _STD + _MEAN) * 255.0
    return np.asarray(np.rint(levels).clip(0, 255), np.uint8)
