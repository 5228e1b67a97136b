"""Everything estimated for one instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.skeleton import Skeleton


@dataclass(frozen=True)
class PoseFrame:
    """3D poses of all people at one instant, with the 2D evidence they come from.

    P people, V views in the order of ``cameras``, J joints of ``skeleton``.

    Attributes:
        time_ns: Instant of the poses, monotonic clock of the take.
        skeleton: What the joints are.
        cameras: View names.
        view_times_ns: (V,) capture time of each view's picture, -1 where the view has none.
        person: (P,) identity numbers.
        joints: (P, J, 3) mm in world, raw (unfiltered); NaN where missing.
        scores: (P, J) in [0, 1], 0 where missing.
        covariance: (P, J, 3, 3) mm^2, NaN where missing.
        keypoints: (P, V, J, 3) u, v (distorted px), score; left/right repaired, NaN and 0 where missing.
        used: (P, V, J) whether the view took part in the joint.
        smoothed: (P, J, 3) mm in world after the live filter; equals ``joints`` when there is none.
        swapped: (P, V) whether left and right of the whole person were exchanged to repair this view.
        stage_ms: Time spent per stage, for telemetry.
    """

    time_ns: int
    skeleton: Skeleton
    cameras: tuple[str, ...]
    view_times_ns: NDArray[np.int64]
    person: NDArray[np.int64]
    joints: NDArray[np.float64]
    scores: NDArray[np.float64]
    covariance: NDArray[np.float64]
    keypoints: NDArray[np.float64]
    used: NDArray[np.bool_]
    smoothed: NDArray[np.float64]
    swapped: NDArray[np.bool_]
    stage_ms: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        people, views, joints = len(self.person), len(self.cameras), len(self.skeleton)
        assert self.view_times_ns.shape == (views,)
        assert self.joints.shape == self.smoothed.shape == (people, joints, 3)
        assert self.scores.shape == (people, joints)
        assert self.covariance.shape == (people, joints, 3, 3)
        assert self.keypoints.shape == (people, views, joints, 3)
        assert self.used.shape == (people, views, joints)
        assert self.swapped.shape == (people, views)

    @property
    def one_camera(self) -> NDArray[np.bool_]:
        """(P, J) which joints a single camera saw: right where it looks, rough along its line of sight."""
        return single_view(self.used, self.joints)

    @classmethod
    def nobody(
        cls,
        time_ns: int,
        skeleton: Skeleton,
        cameras: tuple[str, ...],
        view_times_ns: Sequence[int],
        stage_ms: dict[str, float],
    ) -> PoseFrame:
        """An instant at which no person was found."""
        views, joints = len(cameras), len(skeleton)
        return cls(
            time_ns=time_ns,
            skeleton=skeleton,
            cameras=cameras,
            view_times_ns=np.asarray(view_times_ns, np.int64),
            person=np.zeros(0, np.int64),
            joints=np.zeros((0, joints, 3)),
            scores=np.zeros((0, joints)),
            covariance=np.zeros((0, joints, 3, 3)),
            keypoints=np.zeros((0, views, joints, 3)),
            used=np.zeros((0, views, joints), bool),
            smoothed=np.zeros((0, joints, 3)),
            swapped=np.zeros((0, views), bool),
            stage_ms=stage_ms,
        )


def single_view(used: NDArray[np.bool_], joints: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which joints come from one camera.

    Args:
        used: (..., V, J) whether the view took part in the joint.
        joints: (..., J, 3) NaN where missing.

    Returns:
        (..., J).
    """
    return np.asarray((used.sum(axis=-2) == 1) & np.isfinite(joints).all(axis=-1))
