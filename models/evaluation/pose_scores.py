"""Scores of whole sets of poses: shares of joints within a distance, areas under that curve, alignment.

All in mm and per cent. Sarandi et al., T-BIOM 2020 and WACV 2023, report these.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Reflection = Literal["never", "best"]

EXTENDED: Final = (
    *("mpjpe", "mpjpe_pa", "mpjpe_abs"),
    *("pck50", "pck100", "pck150"),
    *("auc50", "auc100", "auc150"),
    *("cps100", "cps150", "cps200"),
    *("cps_auc100", "cps_auc150", "cps_auc200"),
    *("apck150", "apck300"),
    *("aauc150", "aauc300"),
)
"""Names of the scores in ``extended_row``."""


def within(distances: Floats, threshold: float) -> float:
    """Per cent of distances strictly below a threshold (PCK); of the worst joints of poses it is CPS."""
    return 100.0 * float(np.mean(distances < threshold))


def linear_area(distances: Floats, threshold: float) -> float:
    """Per cent of the area under the curve of ``within`` up to a threshold, integrated exactly."""
    return 100.0 * float(np.mean(np.maximum(0.0, 1.0 - distances / threshold)))


def stepped_scores(distances: Floats) -> Floats:
    """Share, 0..1, of the 31 thresholds 0, 5, ..., 150 mm that each distance is strictly below."""
    scores: Floats = np.maximum(0.0, 1.0 - np.floor(30.0 * distances / 150.0 + 1.0) / 31.0)
    return scores


def stepped_area(distances: Floats) -> float:
    """Per cent of the area under the curve of ``within`` as MPI-INF-3DHP defines it."""
    return 100.0 * float(stepped_scores(distances).mean())


def centred(poses: Floats, root: int) -> Floats:
    """(..., J, 3) with joint ``root`` at the origin."""
    return poses - poses[..., root : root + 1, :]


def aligned(
    poses: Floats,
    truth: Floats,
    valid: NDArray[np.bool_] | None = None,
    *,
    scale: bool = True,
    reflection: Reflection = "never",
) -> Floats:
    """Poses moved onto their truth by the similarity with the least squared error (Umeyama 1991).

    Args:
        poses: (N, J, 3).
        truth: (N, J, 3).
        valid: (N, J) joints to fit; all are moved.
        scale: Change the size too.
        reflection: Whether a mirrored pose may be mirrored back.
    """
    weight = np.ones(poses.shape[:2]) if valid is None else valid.astype(np.float64)
    weight = (weight / weight.sum(axis=1, keepdims=True))[..., None]
    centre, target_centre = ((weight * points).sum(axis=1, keepdims=True) for points in (poses, truth))
    p, t = poses - centre, truth - target_centre
    u, singular, vt = np.linalg.svd((weight * p).swapaxes(1, 2) @ t)
    signs = np.ones_like(singular)
    if reflection == "never":
        signs[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * signs[:, None]) @ vt
    spread = (weight * p * p).sum(axis=(1, 2))
    factor = (singular * signs).sum(axis=1) / spread if scale else np.ones(len(p))
    result: Floats = factor[:, None, None] * (p @ rotation) + target_centre
    return result


def extended_row(poses: Floats, truth: Floats, root: int) -> dict[str, float]:
    """The scores named in ``EXTENDED`` of absolute poses (N, J, 3), all joints.

    Relative errors have joint ``root`` at the origin; ``cps`` is about the worst joint of each pose.
    """
    relative, relative_truth = centred(poses, root), centred(truth, root)
    errors = np.linalg.norm(relative - relative_truth, axis=-1)
    fitted = np.linalg.norm(aligned(relative, relative_truth) - relative_truth, axis=-1)
    absolute = np.linalg.norm(poses - truth, axis=-1)
    worst = errors.max(axis=-1)
    row = {"mpjpe": errors.mean(), "mpjpe_pa": fitted.mean(), "mpjpe_abs": absolute.mean()}
    for prefix, area, distances, thresholds in (
        ("pck", "auc", errors, (50, 100, 150)),
        ("cps", "cps_auc", worst, (100, 150, 200)),
        ("apck", "aauc", absolute, (150, 300)),
    ):
        row |= {f"{prefix}{threshold}": within(distances, threshold) for threshold in thresholds}
        row |= {f"{area}{threshold}": linear_area(distances, threshold) for threshold in thresholds}
    return {name: float(row[name]) for name in EXTENDED}
