"""MPI-INF-3DHP (Mehta et al. 2017): share of joints within 150 mm (PCK) and the area under that curve (AUC).

Seventeen joints: head top, neck, right shoulder, elbow, wrist, left shoulder, elbow, wrist, right hip, knee,
ankle, left hip, knee, ankle, pelvis, spine, head. Prediction and truth are compared with their pelvis at the
origin; fourteen joints count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input

PELVIS: Final = 14
THRESHOLD_MM: Final = 150.0
AUC_THRESHOLDS_MM: Final = tuple(float(value) for value in range(0, 151, 5))

GROUPS: Final[dict[str, tuple[int, ...]]] = {
    "head": (0,),
    "neck": (1,),
    "shoulders": (2, 5),
    "elbows": (3, 6),
    "wrists": (4, 7),
    "hips": (8, 11),
    "knees": (9, 12),
    "ankles": (10, 13),
}
COUNTED: Final = tuple(joint for group in GROUPS.values() for joint in group)

FROM_HUMAN36M: Final = (9, 8, 12, 11, 10, 13, 14, 15, 2, 1, 0, 3, 4, 5, 6, 7, 16)
"""Joint of ``human36m_lt17`` that stands for each of the 17 here.

Our choice (the published one is not documented): head top, neck, limbs, pelvis and spine by name, and the
nose for the head, which is not counted.
"""


@dataclass(frozen=True)
class PckResult:
    """Scores in per cent.

    Attributes:
        pck: Share of (joint, frame) pairs with an error strictly below 150 mm.
        auc: Mean of the same for the thresholds 0, 5, ..., 150 mm; the first is always 0.
        mpjpe: Mean error of the counted joints with a prediction, mm.
        groups: ``pck`` by group of joints.
        frames: Number of frames.
        missing_joints: Counted joints without a prediction; they count as wrong.
    """

    pck: float
    auc: float
    mpjpe: float
    groups: dict[str, float]
    frames: int
    missing_joints: int


def joint_errors(prediction: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, 17) mm of pelvis-relative poses (N, 17, 3); NaN where prediction or its pelvis is missing.

    Raises:
        BadInputError: Shapes are not (N, 17, 3), or differ.
    """
    if prediction.shape != truth.shape or prediction.ndim != 3 or prediction.shape[1:] != (17, 3):
        raise bad_input(
            f"poses have the shapes {prediction.shape} and {truth.shape}, expected the same (N, 17, 3)"
        )
    p, t = (poses.astype(np.float64) for poses in (prediction, truth))
    p, t = (poses - poses[:, PELVIS : PELVIS + 1] for poses in (p, t))
    errors: NDArray[np.float64] = np.linalg.norm(p - t, axis=2)
    return errors


def pck_and_auc(errors: NDArray[np.float64]) -> PckResult:
    """Scores of errors (N, 17) mm of the valid frames.

    Raises:
        BadInputError: There is no frame.
    """
    if not len(errors):
        raise bad_input("no valid frame to evaluate")
    counted = errors[:, COUNTED]

    # A comparison with NaN is false: what was not predicted is wrong at every threshold.
    def share(values: NDArray[np.float64], threshold: float) -> float:
        return 100.0 * float((values < threshold).mean())

    known = counted[np.isfinite(counted)]
    return PckResult(
        pck=share(counted, THRESHOLD_MM),
        auc=float(np.mean([share(counted, threshold) for threshold in AUC_THRESHOLDS_MM])),
        mpjpe=float(known.mean()) if len(known) else float("nan"),
        groups={name: share(errors[:, joints], THRESHOLD_MM) for name, joints in GROUPS.items()},
        frames=len(errors),
        missing_joints=int((~np.isfinite(counted)).sum()),
    )


def evaluate_3dhp(
    prediction: NDArray[np.floating],
    truth: NDArray[np.floating],
    valid: NDArray[np.bool_],
    sequence: Sequence[str],
    activity: Sequence[int],
) -> dict[str, dict[str, PckResult]]:
    """Scores of the official protocol.

    Args:
        prediction: (N, 17, 3) mm.
        truth: (N, 17, 3) mm.
        valid: (N,) flag of the data set; other frames are not evaluated.
        sequence: (N,) TS1 to TS6.
        activity: (N,) 1 to 7.

    Returns:
        ``all``, ``sequences`` and ``activities``; in each the scores by name.
    """
    errors = joint_errors(prediction, truth)
    lengths = {len(errors), len(valid), len(sequence), len(activity)}
    if len(lengths) != 1:
        raise bad_input(f"poses, flags, sequences and activities have different lengths {sorted(lengths)}")
    names, kinds = np.array(sequence), np.array(activity)
    result: dict[str, dict[str, PckResult]] = {"all": {"all": pck_and_auc(errors[valid])}}
    for title, values in (("sequences", names), ("activities", kinds)):
        result[title] = {
            str(value): pck_and_auc(errors[valid & (values == value)]) for value in np.unique(values[valid])
        }
    return result
