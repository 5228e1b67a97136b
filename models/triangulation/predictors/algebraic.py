"""Networks that find 2D joints in every view and triangulate them: algebraic and RANSAC."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.crops.cropper import Crops
from models.skeleton import Skeleton
from models.triangulation.dlt import LinearSolution, project
from models.triangulation.linear_covariance import linear_covariance
from models.triangulation.predictors.base import Floats, MultiviewPoses, NetworkConfig
from models.triangulation.predictors.loaded_network import LoadedNetwork, batched
from models.triangulation.soft_argmax import soft_argmax_2d

AGREEMENT = 0.05
"""Median distance between 2D joints and the projected pose, as a share of the crop, up to which a pose is
followed: some 10 cm of a body that fills its crop."""
SCORE_SCALE_MM = 100.0
"""Uncertainty that halves the score of a joint, as for all other triangulations."""
SHARPNESS = 100.0
"""Heatmaps are multiplied by this before a peak's probability is read, as the algebraic network does."""


class AlgebraicPredictor:
    """Soft-argmax and confidence-weighted linear triangulation, see ``AlgebraicTriangulation``.

    The score of a 2D joint is the probability of the heatmap's peak; that of a joint the mean over its views,
    lowered by its uncertainty.
    """

    Config = NetworkConfig
    kind = "algebraic"
    needs_centre = False

    def __init__(self, config: NetworkConfig, *, source: str = "network") -> None:
        self.config = config
        self._loaded = LoadedNetwork(config, self.kind, source=source)
        self.skeleton: Skeleton = self._loaded.skeleton
        self.name, self.hashes, self.device = self._loaded.name, self._loaded.hashes, self._loaded.device

    def __call__(self, crops: Crops, present: NDArray[np.bool_], centres: Floats | None) -> MultiviewPoses:
        """See ``MultiviewPredictor``; ``centres`` are not needed."""
        images, projections, shown = batched(crops, present)
        joints, points, peaks, weights, determined = self._loaded.run(
            self._joints, images, projections, shown
        )
        solution = LinearSolution(joints.double(), determined)
        projections = projections.to(joints.device)
        covariance = linear_covariance(solution, points, projections, weights, shown)
        return poses_from_points(solution, points, peaks, covariance, projections, shown, self.config.crop_px)

    def _joints(
        self, images: Tensor, projections: Tensor, present: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor]:
        """Joints, their points, the points' scores, the weights of views and which joints are determined."""
        out = self._loaded.network(images, projections, present)
        peaks = out.heatmaps.float().flatten(-2).amax(dim=-1)
        return out.keypoints_3d, out.keypoints_2d, peaks, out.confidences, out.determined


class RansacPredictor(AlgebraicPredictor):
    """Heatmap peaks, triangulated from the views that agree, see ``RansacTriangulation``."""

    kind = "ransac"

    def _joints(
        self, images: Tensor, projections: Tensor, present: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor]:
        out = self._loaded.network(images, projections, present)
        peaks = soft_argmax_2d(out.heatmaps.float() * SHARPNESS).maps.flatten(-2).amax(dim=-1)
        return out.keypoints_3d, out.keypoints_2d.float(), peaks, out.inliers.float(), out.determined


def poses_from_points(
    solution: LinearSolution,
    points: Tensor,
    peaks: Tensor,
    covariance: Tensor,
    projections: Tensor,
    present: Tensor,
    crop_px: int,
) -> MultiviewPoses:
    """Central types from what a network said; all tensors travel to the CPU here, in one go.

    Args:
        solution: P people's joints.
        points: (P, V, J, 2) px of the crops.
        peaks: (P, V, J) in [0, 1].
        covariance: (P, J, 3, 3) mm^2.
        projections: (P, V, 3, 4).
        present: (P, V).
        crop_px: Width of the crops.
    """
    seen, _ = project(projections, solution.points)
    distance = torch.where(present.unsqueeze(-1), (seen - points).norm(dim=-1), torch.nan)
    median = distance.flatten(1).nanmedian(dim=1).values
    trusted = (median < AGREEMENT * crop_px).cpu().numpy() & solution.determined.all(dim=1).cpu().numpy()
    shown = present.cpu().numpy()
    found = solution.determined.cpu().numpy()
    at = points.double().cpu().numpy().copy()
    at[~shown] = np.nan
    point_scores = np.clip(peaks.double().cpu().numpy(), 0.0, 1.0) * shown[..., None]
    joints = np.where(found[..., None], solution.points.cpu().numpy(), np.nan)
    spread = np.where(found[..., None, None], covariance.cpu().numpy(), np.nan)
    trace = np.where(found, np.trace(spread, axis1=2, axis2=3), 0.0)
    mean = point_scores.sum(axis=1) / np.maximum(shown.sum(axis=1), 1)[:, None]
    scores = np.where(found, mean / (1.0 + trace / SCORE_SCALE_MM**2), 0.0)
    return MultiviewPoses(joints, scores, spread, at, point_scores, trusted, {})
