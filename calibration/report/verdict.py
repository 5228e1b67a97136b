"""What a verdict says; plain data that screens show without loading a solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Colour = Literal["green", "amber", "red"]
COLOURS: tuple[Colour, ...] = ("green", "amber", "red")


@dataclass(frozen=True)
class Verdict:
    """One figure, what it means, and whether that is good.

    Attributes:
        title: What was judged.
        colour: Green: fine. Amber: usable, could be better. Red: do not rely on it.
        value: The figure.
        words: What it means here.
        rule: Where the limits are, and why.
    """

    title: str
    colour: Colour
    value: str
    words: str
    rule: str


@dataclass(frozen=True)
class Headline:
    """All verdicts in one sentence."""

    colour: Colour
    title: str
    words: str
