"""Backgrounds that teach a network what is no person: clutter of shapes, lines and textures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.simulation.renderer import Image


def draw_clutter(random: Generator, width: int) -> Image:
    """(width, width, 3) BGR: a shaded wall with textures, and shapes of every size and colour on it."""
    picture = _texture(random, width)
    for _ in range(int(random.integers(0, 28))):
        colour = tuple(random.uniform(0, 255, 3).tolist())
        centre = tuple(random.integers(0, width, 2).tolist())
        size = np.exp(random.uniform(np.log(0.02), np.log(0.5), 2)) * width
        kind = random.integers(4)
        if kind == 0:
            corner = (centre[0] + int(size[0]), centre[1] + int(size[1]))
            cv2.rectangle(picture, centre, corner, colour, -1 if random.random() < 0.6 else 3)
        elif kind == 1:
            axes = (int(size[0] / 2) + 1, int(size[1] / 2) + 1)
            cv2.ellipse(picture, centre, axes, float(random.uniform(0, 180)), 0, 360, colour, -1)
        elif kind == 2:  # limbs have two parallel edges, and so have posts and pipes
            end = tuple(random.integers(0, width, 2).tolist())
            cv2.line(picture, centre, end, colour, int(random.integers(1, max(2, width // 14))), cv2.LINE_AA)
        else:
            points = (np.array(centre) + random.normal(0.0, size.mean() / 2, (4, 2))).astype(np.int32)
            cv2.fillPoly(picture, [points], colour, cv2.LINE_AA)
    if random.random() < 0.6:
        blur = float(random.uniform(0.4, 3.0))
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.uint8)
    return picture


def recoloured(random: Generator, picture: Image) -> Image:
    """The same place under other light and paint: channels mixed at random."""
    mixing = np.eye(3) * random.uniform(0.5, 1.3, 3) + random.normal(0.0, 0.18, (3, 3))
    if random.random() < 0.4:
        mixing = mixing[random.permutation(3)]
    return np.asarray(cv2.transform(picture, mixing), np.uint8)


def _texture(random: Generator, width: int) -> Image:
    picture = np.full((width, width, 3), random.uniform(20, 235, 3), np.float32)
    grey = random.random()  # how little colour the textures have
    for cells in (3, 12, 48):
        strength = random.uniform(0.0, 45.0 if cells < 48 else 25.0)
        noise: NDArray[np.float32] = random.standard_normal((cells, cells, 3), np.float32)
        noise += np.float32(grey) * (noise.mean(axis=2, keepdims=True) - noise)
        picture += np.float32(strength) * cv2.resize(noise, (width, width), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.clip(picture, 0, 255), np.uint8)
