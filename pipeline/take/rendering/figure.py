"""How the bones and joints of a skeleton are coloured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.skeleton import Skeleton
from pipeline.take.rendering.theme import LEFT, MIDDLE, RIGHT, Colour


@dataclass(frozen=True)
class FigureStyle:
    """Colours of one skeleton.

    Attributes:
        bones: (B, 2) joint indices.
        bone_colours: B colours.
        joint_colours: J colours.
        small: (J,) joints of face and hands, drawn smaller.
    """

    bones: NDArray[np.intp]
    bone_colours: tuple[Colour, ...]
    joint_colours: tuple[Colour, ...]
    small: NDArray[np.bool_]

    @cached_property
    def bones_by_colour(self) -> tuple[tuple[Colour, NDArray[np.bool_]], ...]:
        """Each colour with a (B,) mask of its bones, so that they are drawn in one go."""
        colours = dict.fromkeys(self.bone_colours)
        return tuple(
            (colour, np.array([own == colour for own in self.bone_colours], bool)) for colour in colours
        )


_SMALL_PARTS = ("eye", "ear", "mouth", "nose", "pinky", "index", "thumb", "toe", "heel")


def figure_style(skeleton: Skeleton) -> FigureStyle:
    """Left blue, right orange, the middle and what crosses it light grey."""
    side = np.zeros(len(skeleton), int)
    for left, right in skeleton.pairs:
        side[left], side[right] = 1, 2
    palette = (MIDDLE, LEFT, RIGHT)
    bone_colours = []
    for first, second in skeleton.bones:
        # From the trunk's middle outward a bone belongs to its side; across the body it is neutral.
        sides = {int(side[first]), int(side[second])} - {0}
        bone_colours.append(palette[sides.pop()] if len(sides) == 1 else MIDDLE)
    return FigureStyle(
        bones=np.array(skeleton.bones, np.intp).reshape(-1, 2),
        bone_colours=tuple(bone_colours),
        joint_colours=tuple(palette[int(s)] for s in side),
        small=np.array([any(part in name for part in _SMALL_PARTS) for name in skeleton.joints], bool),
    )
