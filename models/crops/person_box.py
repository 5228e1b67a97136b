"""Square regions around people, in the ideal (undistorted) pixels of a view.

Boxes live in ideal pixels because the networks see a pinhole picture: a square there stays a square whatever
the lens does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera

Floats = NDArray[np.float64]

MARGIN: Final = 1.25
"""Side of the square over the extent of the joints. Joints end at wrists, ankles and nose; hands, feet and
hair add about an eighth of the body on each side. Networks are trained on boxes that hold the silhouette."""

_LEAST_JOINTS: Final = 3
_LEAST_SIDE_PX: Final = 16.0


@dataclass(frozen=True)
class PersonBox:
    """A square in ideal pixels of one view.

    Attributes:
        left: x of the left border, px; the first pixel reaches from -0.5 to 0.5.
        top: y of the upper border, px.
        side: Length of a side, px.
    """

    left: float
    top: float
    side: float


def box_around(points: Floats, camera: Camera, margin: float = MARGIN) -> PersonBox | None:
    """The square that holds a person.

    Args:
        points: (J, 2) joints in ideal px of ``camera``; NaN where unknown.
        camera: The view.
        margin: Side of the square over the larger extent of the points.

    Returns:
        None where fewer than three points are known, where they are too small to show a person (16 px), or
        where the square does not touch the picture.
    """
    known = points[np.isfinite(points).all(axis=-1)]
    if len(known) < _LEAST_JOINTS:
        return None
    low, high = known.min(axis=0), known.max(axis=0)
    side = float((high - low).max()) * margin
    if side < _LEAST_SIDE_PX:
        return None
    left, top = ((low + high - side) / 2.0).tolist()
    width, height = camera.size
    if left > width or top > height or left + side < 0 or top + side < 0:
        return None
    return PersonBox(left, top, side)


def box_of_keypoints(keypoints: Floats, scores: Floats, camera: Camera, min_score: float) -> PersonBox | None:
    """The square round what a keypoint model saw.

    Args:
        keypoints: (J, 2) distorted px.
        scores: (J,) in [0, 1].
        camera: The view.
        min_score: Keypoints below do not count.
    """
    return box_around(camera.undistort(keypoints[scores >= min_score]), camera)


def box_of_joints(joints: Floats, camera: Camera, margin: float = MARGIN) -> PersonBox | None:
    """The square round a person known in 3D.

    Args:
        joints: (J, 3) mm in world; NaN where missing.
        camera: The view.
        margin: As in ``box_around``.
    """
    in_camera = joints @ camera.R.T + camera.t
    with np.errstate(invalid="ignore"):
        depth = np.where(in_camera[:, 2:] > 1.0, in_camera[:, 2:], np.nan)
    ideal = in_camera @ camera.K.T
    return box_around(ideal[:, :2] / depth, camera, margin)
