"""What lens, sensor and compression do to a picture, drawn at random for training."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.simulation.renderer import Image

_GRAIN = 1 << 20


def expose_at_random(random: Generator, picture: Image) -> Image:
    """Blur, motion, light, colour, noise and JPEG; returns a new (H, W, 3) BGR picture."""
    if random.random() < 0.7:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(random.uniform(0.3, 1.3))), np.uint8)
    if random.random() < 0.12:
        picture = _moved(random, picture)
    if random.random() < 0.2:
        picture = _coarser(random, picture)
    picture = np.asarray(cv2.LUT(picture, _response(random)), np.uint8)
    noise = float(random.uniform(0.0, 9.0)) * random.random()
    picture = _grainy(picture, noise, int(random.integers(_GRAIN)))
    if random.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(35, 96))]
        picture = np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], cv2.IMREAD_COLOR))
    return picture


def expose_as_studio(random: Generator, picture: Image) -> Image:
    """Blur and noise of the studio's own cameras."""
    soft = np.asarray(cv2.GaussianBlur(picture, (3, 3), 0.55), np.uint8)
    return _grainy(soft, 2.0, int(random.integers(_GRAIN)))


def _response(random: Generator) -> NDArray[np.uint8]:
    """(1, 256, 3) grey levels after gain, gamma, haze and white balance."""
    gamma = float(np.exp(random.normal(0.0, 0.22)))
    gain = float(np.exp(random.normal(0.0, 0.18))) * np.exp(random.normal(0.0, 0.06, 3))
    haze = max(0.0, float(random.normal(0.0, 0.06)))
    level = (np.arange(256) / 255.0) ** gamma
    return np.clip(255.0 * (haze + (gain - haze) * level[:, None]), 0, 255).astype(np.uint8)[None]


def _moved(random: Generator, picture: Image) -> Image:
    length = int(random.integers(3, 9))
    kernel = np.zeros((length, length), np.float32)
    angle = random.uniform(0.0, np.pi)
    middle, reach = (length - 1) / 2, length / 2
    step = np.array([np.cos(angle), np.sin(angle)]) * reach
    first, last = np.rint(middle - step).astype(int), np.rint(middle + step).astype(int)
    cv2.line(kernel, tuple(first.tolist()), tuple(last.tolist()), 1.0)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)


def _coarser(random: Generator, picture: Image) -> Image:
    height, width = picture.shape[:2]
    factor = float(random.uniform(0.4, 0.9))
    small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _grainy(picture: Image, noise: float, first: int) -> Image:
    if noise < 0.3:  # vanishes in rounding
        return picture
    grain = _grain()[first : first + picture.size].reshape(picture.shape)
    return np.asarray(np.clip(picture + np.float32(noise) * grain, 0, 255).astype(np.uint8))


@cache
def _grain() -> NDArray[np.float32]:
    """Normal noise to read from at a random place: cheaper than new numbers for every picture."""
    spare = 1024 * 1024 * 3
    return np.random.default_rng(0).standard_normal(_GRAIN + spare, np.float32)
