"""Readable lettering on pictures (OpenCV before 5 has stroke fonts only)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from pipeline.frames.frame import Image
from pipeline.take.rendering.theme import Colour

Anchor = Literal["left", "right", "centre"]
_FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"  # matplotlib brings DejaVu along


def draw_text(
    image: Image,
    text: str,
    position: tuple[int, int],
    colour: Colour,
    *,
    size: int = 14,
    bold: bool = False,
    anchor: Anchor = "left",
) -> int:
    """Blend a line of text into ``image``; parts outside are cut off.

    Args:
        image: (H, W, 3) BGR, changed.
        text: One line.
        position: x of the anchor and y of the vertical middle, px.
        colour: BGR.
        size: Font height, px.
        bold: Heavy face.
        anchor: Which end of the text is at x.

    Returns:
        Width of the text, px.
    """
    mask = _mask(text, size, bold)
    height, width = (int(side) for side in mask.shape)
    left = position[0] - {"left": 0, "right": width, "centre": width // 2}[anchor]
    top = position[1] - height // 2
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, image.shape[1]), min(top + height, image.shape[0])
    if x0 < x1 and y0 < y1:
        region = image[y0:y1, x0:x1]
        weight = mask[y0 - top : y1 - top, x0 - left : x1 - left, None].astype(np.uint16)
        ink = np.array(colour, np.uint16)
        region[...] = ((region * (255 - weight) + ink * weight + 127) // 255).astype(np.uint8)
    return width


def fit_text(text: str, width: int, *, size: int = 14, bold: bool = False) -> str:
    """``text``, shortened with an ellipsis so that it is at most ``width`` px wide."""
    if _mask(text, size, bold).shape[1] <= width:
        return text
    while text and _mask(text + "…", size, bold).shape[1] > width:
        text = text[:-1]
    return text + "…" if text else ""


@lru_cache(maxsize=2048)
def _mask(text: str, size: int, bold: bool) -> NDArray[np.uint8]:
    font = _font(size, bold)
    ascent, descent = font.getmetrics()
    width = max(1, int(np.ceil(font.getlength(text))) + 1)
    picture = PillowImage.new("L", (width, ascent + descent))
    ImageDraw.Draw(picture).text((0, 0), text, fill=255, font=font)
    return np.asarray(picture, np.uint8)


@lru_cache(maxsize=32)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    # Basic layout gives the same pixels whether or not the optional shaping library is installed.
    return ImageFont.truetype(str(_FONTS / name), size, layout_engine=ImageFont.Layout.BASIC)
