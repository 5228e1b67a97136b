"""What a model promises that makes a 3D pose from what one camera sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from models.monocular.uncertainty import Uncertainty
from models.skeleton import Skeleton

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

TRUNK: Final = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
"""Their mean is where a person is."""


@dataclass(frozen=True)
class MonocularPose:
    """One person, as one camera sees them.

    Attributes:
        joints: (J, 3) mm in the camera's axes, from the camera; NaN where missing.
        scores: (J,) in [0, 1], 0 where missing or made up by the network alone.
        seen: (J,) whether the joint lies on the line of sight of a keypoint.
    """

    joints: Floats
    scores: Floats
    seen: NDArray[np.bool_]

    @property
    def known(self) -> NDArray[np.bool_]:
        """(J,) which joints have a position."""
        return np.asarray(np.isfinite(self.joints).all(axis=1))

    @classmethod
    def nobody(cls, joints: int) -> MonocularPose:
        """Nothing could be said."""
        return cls(np.full((joints, 3), np.nan), np.zeros(joints), np.zeros(joints, np.bool_))


class MonocularModel(Protocol):
    """Built as ``Model(config, skeleton, source=...)``: its own config class, the skeleton of its keypoints.

    Stateless between calls.
    """

    skeleton: Skeleton
    """Of the poses."""
    name: str
    """What is written into the take."""
    hashes: dict[str, str]
    """SHA-256 of every weights file in use, by file name; empty when there are none."""
    device: str
    needs_image: bool
    """Whether it looks at the picture; else at the keypoints only."""
    uncertainty: Uncertainty
    """How wrong its poses are."""

    def __call__(
        self, image: Image | None, camera: Camera, keypoints: Floats, scores: Floats
    ) -> MonocularPose:
        """Estimate one person.

        Args:
            image: (H, W, 3) BGR, needed where ``needs_image``.
            camera: Which took it.
            keypoints: (J', 2) distorted px, NaN where missing.
            scores: (J',).
        """
        ...


def on_lines_of_sight(pose: MonocularPose, directions: Floats) -> MonocularPose:
    """Keep the depth of every joint, and move it sideways to where its keypoint says it is.

    A network says depth better than anything else does, and the place in the picture worse than the keypoint
    that it was given.

    Args:
        pose: Of the network.
        directions: (J, 2) of the lines of sight: x / z and y / z in the camera's axes; NaN where there is no
            keypoint.
    """
    seen = np.isfinite(directions).all(axis=1) & pose.known & (pose.joints[:, 2] > 0.0)
    rays = np.column_stack([directions, np.ones(len(directions))])
    joints = np.where(seen[:, None], rays * pose.joints[:, 2:], pose.joints)
    return MonocularPose(joints, pose.scores, seen)
