"""The colours of the theme as the scene uses them."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PyQt6.QtGui import QColor

from app.theme import Palette

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class SceneColours:
    """Red, green, blue in [0, 1] by role."""

    background: Colour
    floor: Colour
    grid: Colour
    grid_strong: Colour
    shadow: Colour
    text: Colour
    quiet_text: Colour
    accent: Colour
    camera: Colour
    left: Colour
    right: Colour
    middle: Colour
    x_axis: Colour
    y_axis: Colour
    z_axis: Colour


def scene_colours(palette: Palette) -> SceneColours:
    """Derive them: the floor a little off the background, its lines calm, its shadows soft."""
    background, grid = plain(palette.background), plain(palette.grid)
    dark = palette.is_dark
    floor = mixed(background, (1.0, 1.0, 1.0), 0.045) if dark else mixed(background, (1.0, 1.0, 1.0), 0.6)
    return SceneColours(
        background=background,
        floor=floor,
        grid=mixed(floor, grid, 0.85 if dark else 0.8),
        grid_strong=mixed(grid, plain(palette.quiet_text), 0.35),
        shadow=mixed(floor, (0.0, 0.0, 0.0), 0.42 if dark else 0.13),
        text=plain(palette.text),
        quiet_text=plain(palette.quiet_text),
        accent=plain(palette.accent),
        camera=plain(palette.camera),
        left=plain(palette.left),
        right=plain(palette.right),
        middle=plain(palette.middle),
        x_axis=plain(palette.bad),
        y_axis=plain(palette.good),
        z_axis=plain(palette.accent),
    )


def plain(colour: QColor) -> Colour:
    """Of a Qt colour."""
    return colour.redF(), colour.greenF(), colour.blueF()


def mixed(first: Colour, second: Colour, part: float) -> Colour:
    """``part`` of the second in the first."""
    red, green, blue = np.array(first) * (1.0 - part) + np.array(second) * part
    return float(red), float(green), float(blue)


@lru_cache(maxsize=256)
def of_person(colours: SceneColours, side: str, person: int, several: bool) -> Colour:
    """Colour of a joint or bone: its side of the body, and with several people whose it is.

    Left stays bluish and right reddish for everybody, a little turned and lightened from person to person;
    the trunk and head carry a hue of the person's own.
    """
    base: Colour = getattr(colours, side)
    if not several:
        return base
    # Steps of the golden angle keep the hues of any number of people apart.
    turn = (person * 0.381966) % 1.0
    hue, lightness, saturation = colorsys.rgb_to_hls(*base)
    if side == "middle":
        lightness = lightness * 0.92 if lightness > 0.5 else lightness + 0.1
        return colorsys.hls_to_rgb((0.13 + turn) % 1.0, lightness, max(saturation, 0.45))
    return colorsys.hls_to_rgb((hue + 0.12 * (turn - 0.3)) % 1.0, lightness, saturation)
