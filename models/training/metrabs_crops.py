"""What happens to a person before a network in training sees them: turned cameras, colours, holes.

Sarandi et al., T-BIOM 2020, with the numbers of the published programs. Objects cut out of Pascal VOC and
photos put behind people are not done: the simulated studio draws obstacles and backgrounds of its own.
"""

from __future__ import annotations

import math
from typing import Any, Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field

from configs.loading import Config
from models.metrabs.train_camera import TrainCamera, crop_camera

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

_BRIGHTER: Final = 0.125
_CONTRAST: Final = (0.5, 1.5)
_SATURATION: Final = (0.5, 1.5)
_HUE: Final = 72.0
"""Degrees."""


class CropAugmentation(Config):
    """How much is drawn at random."""

    turn_degrees: float = Field(20.0, ge=0.0, le=180.0)
    """``--rot-aug``: about the line of sight."""
    zoom: float = Field(0.25, ge=0.0, lt=1.0)
    """``--scale-aug-up``, ``--scale-aug-down``."""
    shift: float = Field(0.1, ge=0.0, lt=1.0)
    """``--shift-aug``: radius of a disc around the middle of the box, by its longer side."""
    mirrored: float = Field(0.5, ge=0.0, le=1.0)
    """Share of crops with left and right exchanged."""
    truncated: float = Field(0.0, ge=0.0, le=1.0)
    """``--partial-visibility``: share of crops that show a square part of the person's box only."""
    erased: float = Field(0.35, ge=0.0, le=1.0)
    """Share of crops with noise over a part: half of ``--occlude-aug-prob``, whose other half are objects."""
    erased_share: float = Field(0.8, ge=0.0, le=1.0)
    """``--occlude-aug-scale``: factor on the part, at most a third of the crop."""
    colour: bool = True
    """``--color-aug``."""


def draw_camera(
    random: Generator, augmentation: CropAugmentation, camera: TrainCamera, box: Floats, side: int, up: Floats
) -> TrainCamera:
    """A camera for a crop; arguments as in ``crop_camera``."""
    if random.random() < augmentation.truncated:
        box = draw_part(random, box)
    left, top, width, height = box
    away = augmentation.shift * max(width, height) * math.sqrt(random.random())
    angle = random.uniform(0.0, 2.0 * math.pi)
    moved = np.array([left + away * math.cos(angle), top + away * math.sin(angle), width, height])
    drawn = crop_camera(camera, moved, side, up)
    drawn = drawn.zoomed(float(random.uniform(1.0 - augmentation.zoom, 1.0 + augmentation.zoom)))
    most = math.radians(augmentation.turn_degrees)
    drawn = drawn.rolled(float(random.uniform(-most, most)))
    return drawn.mirrored() if random.random() < augmentation.mirrored else drawn


def draw_part(random: Generator, box: Floats) -> Floats:
    """A random square part of a box: people are often seen from the hips up, or without an arm."""
    left, top, width, height = box
    side = max(width, height)
    left, top = left + (width - side) / 2.0, top + (height - side) / 2.0
    while True:  # about a quarter of the draws will do
        begin = random.uniform(0.0, 0.5)
        end, bottom = random.uniform(0.5, 1.0, 2)
        part = end - begin
        if 0.5 < part < bottom:
            return np.array([left + begin * side, top + (bottom - part) * side, part * side, part * side])


def recoloured(random: Generator, picture: Image) -> Image:
    """(H, W, 3) RGB with brightness, contrast, hue and saturation changed in random order."""
    colours: NDArray[Any] = picture.astype(np.float32) / 255.0
    for step in random.permutation(4):
        if step == 0:
            colours = colours + np.float32(random.uniform(-_BRIGHTER, _BRIGHTER))
        elif step == 1:
            colours = (colours - 0.5) * np.float32(random.uniform(*_CONTRAST)) + 0.5
        else:
            hue, saturation, value = cv2.split(cv2.cvtColor(colours.clip(0.0, 1.0), cv2.COLOR_RGB2HSV))
            if step == 2:
                hue = (hue + np.float32(random.uniform(-_HUE, _HUE))) % 360.0
            else:
                saturation = (saturation * np.float32(random.uniform(*_SATURATION))).clip(0.0, 1.0)
            colours = cv2.cvtColor(cv2.merge([hue, saturation, value]), cv2.COLOR_HSV2RGB)
        colours = colours.clip(0.0, 1.0)
    return np.asarray(np.rint(colours * 255.0), np.uint8)


def erase(random: Generator, picture: Image, share: float) -> None:
    """Fill a rectangle within (S, S, 3) with noise, in place.

    Args:
        random: Generator.
        picture: See above.
        share: Factor on its area, which is at most a third of the picture.
    """
    size = len(picture)
    area = random.uniform(0.0, 1.0 / 3.0) * size * size * share
    aspect = random.uniform(0.3, 1.0 / 0.3)
    height, width = (min(size, round(math.sqrt(each))) for each in (area * aspect, area / aspect))
    top, left = int(random.integers(size - height + 1)), int(random.integers(size - width + 1))
    picture[top : top + height, left : left + width] = random.integers(0, 256, (height, width, 3), np.uint8)
