"""Colours of every picture we draw, BGR because OpenCV draws them."""

from __future__ import annotations

Colour = tuple[int, int, int]


def bgr(hexadecimal: str) -> Colour:
    """``"#rrggbb"`` as OpenCV wants it."""
    red, green, blue = (int(hexadecimal[at : at + 2], 16) for at in (1, 3, 5))
    return blue, green, red


# Left and right differ in hue and in lightness, so that they differ for colour-blind eyes too.
LEFT_HEX, RIGHT_HEX, MIDDLE_HEX = "#38bdf8", "#fb923c", "#e2e8f0"
GOOD_HEX, FAIR_HEX, BAD_HEX = "#34d399", "#fbbf24", "#f87171"

BACKGROUND = bgr("#0b1016")
PANEL = bgr("#141b24")
LINE = bgr("#2b3644")
GRID = bgr("#33414f")
SHADOW = bgr("#070a0e")
TEXT = bgr("#e2e8f0")
DIM = bgr("#8b98a9")
LEFT, RIGHT, MIDDLE = bgr(LEFT_HEX), bgr(RIGHT_HEX), bgr(MIDDLE_HEX)
GOOD, FAIR, BAD = bgr(GOOD_HEX), bgr(FAIR_HEX), bgr(BAD_HEX)
CAMERA = bgr("#64809c")
OUTLINE = bgr("#05080b")


def mixed(first: Colour, second: Colour, part: float) -> Colour:
    """``first`` at 0, ``second`` at 1."""
    b, g, r = (round(a + (b - a) * part) for a, b in zip(first, second, strict=True))
    return b, g, r


def score_colour(score: float) -> Colour:
    """Green from 0.8, amber around 0.5, red below 0.3."""
    if score >= 0.55:
        return mixed(FAIR, GOOD, min(1.0, (score - 0.55) / 0.25))
    return mixed(BAD, FAIR, min(1.0, max(0.0, (score - 0.3) / 0.25)))
