"""How many joints land near their place in the network's picture.

The 2D check of ContextPose (Ma et al. 2021): prediction and truth are projected with the camera of the
network input; a joint counts as found if the distance is at most a share of a tenth of the picture's rows,
which stands for the head's size.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

THRESHOLDS: Final = (0.1, 0.2, 0.3, 0.4, 0.5)

LABELS: Final = {
    "root": 6,
    "rhip": 2,
    "rkne": 1,
    "rank": 0,
    "lhip": 3,
    "lkne": 4,
    "lank": 5,
    "belly": 7,
    "neck": 8,
    "nose": 16,
    "head": 9,
    "lsho": 13,
    "lelb": 14,
    "lwri": 15,
    "rsho": 12,
    "relb": 11,
    "rwri": 10,
}
"""Names in the result file, and the joint of ``human36m_lt17`` behind each."""


def pose_2d_metric(
    prediction: NDArray[np.floating],
    truth: NDArray[np.floating],
    projections: NDArray[np.floating],
    rows: int = 384,
) -> dict[str, dict[str, dict[str, object]]]:
    """Shares of found joints.

    Args:
        prediction: (N, 17, 3) world mm; a missing joint (NaN) is not found.
        truth: (N, 17, 3) world mm.
        projections: (N, 3, 4) or (N, 1, 3, 4), camera of each network input.
        rows: Height of the network input in px.

    Returns:
        ``per_joint_pckh[threshold]["all"][joint]`` and ``avg_joint_pckh[threshold]["all"]``, in 0 to 1.
    """
    cameras: Floats = projections.reshape(-1, 3, 4).astype(np.float64)
    distance = np.linalg.norm(_project(prediction, cameras) - _project(truth, cameras), axis=2)
    per_joint: dict[str, dict[str, object]] = {}
    average: dict[str, dict[str, object]] = {}
    for threshold in THRESHOLDS:
        share = (distance <= threshold * rows / 10.0).mean(axis=0)
        per_joint[str(threshold)] = {"all": {name: float(share[at]) for name, at in LABELS.items()}}
        average[str(threshold)] = {"all": float(share.mean())}
    return {"per_joint_pckh": per_joint, "avg_joint_pckh": average}


def _project(points: NDArray[np.floating], projections: Floats) -> Floats:
    homogeneous = np.concatenate([points, np.ones_like(points[..., :1])], axis=2).astype(np.float64)
    pixels = homogeneous @ projections.transpose(0, 2, 1)
    result: Floats = pixels[..., :2] / pixels[..., 2:]
    return result
