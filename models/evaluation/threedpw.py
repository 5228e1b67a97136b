"""3DPW (von Marcard et al., ECCV 2018): 24 joints of people in the street, and smoothing of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from models.evaluation.pose_scores import aligned, centred

Floats = NDArray[np.float64]

MAJOR: Final = (1, 2, 4, 5, 7, 8, *range(16, 22))
"""Hips, knees, ankles, shoulders, elbows, wrists."""
MINOR: Final = tuple(joint for joint in range(24) if joint not in MAJOR)
WORST_MM: Final = (50, 75, 100, 125, 150)

CAUSAL_2020: Final = (6.0, 2.0, 1.0)
"""Weights of this frame, the one before it, and so on."""
CAUSAL_2023: Final = (6.0, 2.0, 1.0, 1.0, 0.5)
SHORT: Final = (1.0, 2.0, 6.0, 2.0, 1.0)
"""Weights around this frame."""
LONG: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0)


def threedpw_scores(poses: Floats, truth: Floats) -> dict[str, float]:
    """Scores of (N, 24, 3) mm in the frame of the camera, mm and per cent.

    ``pck``, ``auc`` and ``pck_minor`` (50 mm, up to 200 mm) have the pelvis at the origin; ``ncps`` is the
    share of poses whose worst major joint, after alignment, is within a distance.
    """
    relative, relative_truth = centred(poses, 0), centred(truth, 0)
    errors = np.linalg.norm(relative - relative_truth, axis=-1)
    fitted = np.linalg.norm(aligned(relative, relative_truth) - relative_truth, axis=-1)
    absolute = np.linalg.norm(poses - truth, axis=-1)
    steps = np.floor(50.0 * errors[:, MAJOR] / 199.0)
    worst = fitted[:, MAJOR].max(axis=1)
    scores = {
        "mpjpe": errors.mean(),
        "mpjpe_pa": fitted.mean(),
        "pck": 100.0 * (errors[:, MAJOR] / 50.0 <= 1.0).mean(),
        "auc": 100.0 * np.maximum(0.0, 1.0 - (steps + 0.5) / 50.0).mean(),
        "ncps_auc": 100.0 * np.maximum(0.0, 1.0 - worst / 300.0).mean(),
        "apck150": 100.0 * (absolute[:, MAJOR] / 150.0 <= 1.0).mean(),
        "mpjpe_abs": absolute.mean(),
        "pck_minor": 100.0 * (errors[:, MINOR] / 50.0 <= 1.0).mean(),
    }
    scores |= {f"ncps{limit}": 100.0 * (worst <= limit).mean() for limit in WORST_MM}
    return {name: float(value) for name, value in scores.items()}


def smoothed(tracks: Floats, weights: Sequence[float], *, causal: bool, late: int = 0) -> Floats:
    """Weighted means of neighbouring frames; beyond the first and last frame the others are reflected.

    Args:
        tracks: (people, frames, J, 3).
        weights: Of this frame and those before it if ``causal``, otherwise around this frame; divided by
            their sum.
        causal: Use no frame that is yet to come.
        late: Frames by which causal weights are shifted into the future. The published filter of 2023 is
            shifted by one, which is for comparing numbers only.
    """
    kernel = np.asarray(weights, np.float64)
    if causal:
        reach = len(kernel) - 1
        kernel = np.concatenate([kernel[::-1], np.zeros(reach)])
        if late:
            kernel = np.concatenate([np.zeros(late), kernel[: len(kernel) - late]])
    result: Floats = correlate1d(tracks, kernel / kernel.sum(), axis=1, mode="reflect")
    return result
