"""Where hands, feet and hips have been."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.space.colours import SceneColours, of_person
from app.space.drawing import Floats, Strokes
from app.space.people import side_of
from models.skeleton import Skeleton

LENGTH: Final = 45
"""Instants remembered: a second and a half of a live session."""
_JUMP_MM: Final = 500.0
"""A joint moves at most 300 mm between pictures of a 30 Hz camera (9 m/s, a fast hand): more is a jump to
another time or person, across which no line is drawn."""
_RADIUS_MM: Final = 9.0
"""At the joint; nothing at the oldest end."""
_LEAST_PX: Final = 0.6
_JOINTS: Final = ("left_wrist", "right_wrist", "left_ankle", "right_ankle", "pelvis")


class Trails:
    """Remembers chosen joints of everybody who is present."""

    def __init__(self) -> None:
        self._past: dict[int, deque[Floats]] = {}
        self._names: tuple[str, ...] = ()

    def clear(self) -> None:
        """Forget everything."""
        self._past.clear()

    def add(self, joints: Floats, skeleton: Skeleton, person: NDArray[np.int64]) -> None:
        """One more instant of (P, J, 3) joints in mm; people who are not in it are forgotten."""
        names = tuple(name for name in _JOINTS if name in skeleton.joints)
        if names != self._names:
            self.clear()
            self._names = names
        chosen = [skeleton.index(name) for name in names]
        present = {int(who) for who in person}
        for who in set(self._past) - present:
            del self._past[who]
        for who, body in zip(person, joints, strict=True):
            self._past.setdefault(int(who), deque(maxlen=LENGTH)).append(body[chosen])

    def strokes(self, colours: SceneColours, px_mm: float = 0.0) -> Strokes:
        """Lines that fade into the floor with age.

        Args:
            colours: Of the theme.
            px_mm: Size of a pixel where the people are; thinner lines would break into dots.
        """
        ends, shades, radii = [], [], []
        ground = np.array(colours.floor)
        several = len(self._past) > 1
        for who, past in self._past.items():
            if len(past) < 2:
                continue
            path = np.stack(past)  # (T, joints, 3)
            pieces = np.stack([path[:-1], path[1:]], axis=2)
            with np.errstate(invalid="ignore"):
                whole = np.linalg.norm(path[1:] - path[:-1], axis=2) < _JUMP_MM  # False where NaN
            kept = np.linspace(0.0, 0.9, LENGTH - 1)[-len(pieces) :, None, None]
            own = np.array([of_person(colours, side_of(name), who, several) for name in self._names])
            colour = ground + (own[None] - ground) * kept
            thickness = np.stack([kept[:, :, 0], kept[:, :, 0] + 0.9 / (LENGTH - 2)], axis=2) * _RADIUS_MM
            thickness = np.maximum(thickness, _LEAST_PX * px_mm)
            ends.append(pieces[whole])
            radii.append(np.broadcast_to(thickness, pieces.shape[:3])[whole])
            shades.append(colour[whole])
        if not ends:
            return Strokes()
        return Strokes(np.concatenate(ends), np.concatenate(shades), 2.0, radii=np.concatenate(radii))
