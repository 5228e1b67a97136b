"""Skeletons as round limbs, with joints as balls or, to show uncertainty, as ellipsoids."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.space.colours import SceneColours, of_person
from app.space.drawing import Floats, Solids
from models.skeleton import Skeleton

SIGMA: Final = 2.0
"""Semi-axes of an uncertainty ellipsoid in standard deviations: it holds the joint with 74 %."""
MOST_ELLIPSOIDS: Final = 120
"""The most uncertain ones are drawn when there are more."""
LARGEST_MM: Final = 600.0
"""Semi-axes end here: one joint far off must not fill the room."""
_FINE: Final = (
    "nose",
    "eye",
    "ear",
    "mouth",
    "toe",
    "heel",
    "foot",
    "index",
    "pinky",
    "thumb",
    "finger",
    "hand",
)
_BALL_MM: Final = 27.0
_FINE_BALL_MM: Final = 15.0
_LEAST_BALL_PX: Final = 2.0
_LEAST_TUBE_PX: Final = 0.9
_TUBE: Final = 0.68
"""Radius of a bone over the radius of the ball at its end."""
_THIN: Final = 0.32
"""The same where the balls are ellipsoids, which bones must not hide."""


def side_of(joint: str) -> str:
    """``left``, ``right`` or ``middle``."""
    side = joint.partition("_")[0]
    return side if side in {"left", "right"} else "middle"


@lru_cache(maxsize=16)
def ball_radii(joints: tuple[str, ...]) -> Floats:
    """(J,) mm by joint name: faces, hands and feet are finer than limbs."""
    return np.array([_FINE_BALL_MM if any(word in name for word in _FINE) else _BALL_MM for name in joints])


def solids(
    joints: Floats,
    skeleton: Skeleton,
    person: NDArray[np.int64],
    colours: SceneColours,
    covariance: Floats | None = None,
    px_mm: float = 0.0,
) -> Solids:
    """Bodies of all people.

    Args:
        joints: (P, J, 3) mm, NaN where missing.
        skeleton: What the joints are.
        person: (P,) identity numbers, which choose the hues.
        colours: Of the theme.
        covariance: (P, J, 3, 3) mm^2, NaN where unknown; draws ellipsoids of ``SIGMA`` instead of balls.
        px_mm: Size of a pixel where the people are: from afar, limbs stay thick enough to be seen. Ellipsoids
            keep their true size.
    """
    radii = np.maximum(ball_radii(skeleton.joints), _LEAST_BALL_PX * px_mm)
    several = len(joints) > 1
    everybody = tuple(int(who) for who in person)
    shades, bone_shades = _shades(skeleton, everybody, several, colours)
    present = np.asarray(np.isfinite(joints).all(axis=2))
    shapes = np.broadcast_to(np.eye(3) * radii[:, None, None], (*joints.shape, 3))
    thickness = _TUBE
    if covariance is not None:
        shapes, thickness = _ellipsoids(covariance, present), _THIN
    bones = np.array(skeleton.bones, dtype=int).reshape(-1, 2)
    whole = present[:, bones].all(axis=2)
    finer = np.minimum(radii[bones[:, 0]], radii[bones[:, 1]])
    tube_radii = thickness * (0.5 * finer[:, None] + 0.5 * radii[bones])
    tube_radii = np.maximum(tube_radii, _LEAST_TUBE_PX * px_mm)
    return Solids(
        tubes=joints[:, bones][whole],
        radii=np.broadcast_to(tube_radii, (len(joints), *tube_radii.shape))[whole],
        tube_colours=bone_shades[whole],
        balls=joints[present],
        shapes=shapes[present],
        ball_colours=shades[present],
        shadow=colours.shadow,
    )


@lru_cache(maxsize=64)
def _shades(
    skeleton: Skeleton, everybody: tuple[int, ...], several: bool, colours: SceneColours
) -> tuple[Floats, Floats]:
    """Colours of joints (P, J, 3) and bones (P, B, 3)."""
    sides = [side_of(name) for name in skeleton.joints]
    # A bone belongs to a side when it runs on it or leaves the trunk for it; those across are in the middle.
    bone_sides = []
    for a, b in skeleton.bones:
        ends = {sides[a], sides[b]} - {"middle"}
        bone_sides.append(ends.pop() if len(ends) == 1 else "middle")
    by_side = [
        {side: of_person(colours, side, who, several) for side in ("left", "right", "middle")}
        for who in everybody
    ]
    joints = np.array([[own[side] for side in sides] for own in by_side])
    bones = np.array([[own[side] for side in bone_sides] for own in by_side])
    return joints.reshape(-1, len(sides), 3), bones.reshape(-1, len(bone_sides), 3)


def _ellipsoids(covariance: Floats, present: NDArray[np.bool_]) -> Floats:
    """(P, J, 3, 3) mm, shapes of ``SIGMA``; dots where the covariance is unknown or beyond the cap."""
    shapes = np.broadcast_to(np.eye(3) * 4.0, covariance.shape).copy()
    known = present & np.isfinite(covariance).all(axis=(2, 3))
    size = np.where(known, np.trace(np.nan_to_num(covariance), axis1=2, axis2=3), -1.0)
    if known.sum() > MOST_ELLIPSOIDS:
        known &= size >= np.partition(size[known], -MOST_ELLIPSOIDS)[-MOST_ELLIPSOIDS]
    variances, axes = np.linalg.eigh(covariance[known])
    spans = np.clip(SIGMA * np.sqrt(np.maximum(variances, 0.0)), 1.0, LARGEST_MM)
    shapes[known] = axes * spans[:, None, :]
    return shapes


def middle_of(joints: Floats, skeleton: Skeleton) -> Floats | None:
    """(3,) mm, the hips of all people, or their joints' mean where hips are missing; None with nobody."""
    hips = [
        index for index, name in enumerate(skeleton.joints) if name in {"pelvis", "left_hip", "right_hip"}
    ]
    centres = []
    for body in joints:
        chosen = body[hips] if hips and np.isfinite(body[hips]).all(axis=1).any() else body
        chosen = chosen[np.isfinite(chosen).all(axis=1)]
        if len(chosen):
            centres.append(chosen.mean(axis=0))
    return np.mean(centres, axis=0) if centres else None
