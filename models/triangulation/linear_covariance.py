"""How certain linearly triangulated joints are: noise of the keypoints carried through the solution."""

from __future__ import annotations

import torch
from torch import Tensor

from models.triangulation.dlt import LinearSolution, adjugate, project, row_weights, taking_part


def linear_covariance(
    solution: LinearSolution,
    points: Tensor,
    projections: Tensor,
    confidences: Tensor | None = None,
    present: Tensor | None = None,
    *,
    noise_px: Tensor | float | None = None,
) -> Tensor:
    """Covariance of the joints that ``triangulate_linear`` found, to first order.

    Each row of the problem is off by ``confidence * depth * noise``; the solution passes that on by the
    inverse of its normal matrix (Hartley and Zisserman, Multiple View Geometry, sec. 5.2). Errors of the
    calibration, which all joints share, are not part of it.

    Args:
        solution: Of the same arguments.
        points: (B, V, J, 2) px.
        projections: (B, V, 3, 4) world to px.
        confidences: (B, V, J) or None.
        present: (B, V) or (B, V, J) bool, or None.
        noise_px: Standard deviation of the keypoints per axis, broadcast to (B, V, J). By default it is
            measured: the noise of a view is taken as inverse to its confidence, which must be comparable
            between joints then, and the size of it from the reprojection errors of all joints of a sample.

    Returns:
        (B, J, 3, 3) mm^2, float64; NaN for joints that are not determined.
    """
    seen = taking_part(points, present)
    weights = row_weights(seen, confidences)
    pixels = torch.where(seen.unsqueeze(-1), points.double(), 0.0)
    matrices = projections.double()
    place, depth = project(matrices, solution.points)
    if noise_px is None:
        # As they are given: divided by the largest of a joint they would not compare joints.
        beliefs = seen.double() if confidences is None else torch.where(seen, confidences.double(), 0.0)
        noise = measured_noise(pixels, place, beliefs, seen & solution.determined.unsqueeze(1))
    else:
        noise = torch.as_tensor(noise_px, dtype=torch.float64, device=points.device).expand(weights.shape)
    scale = torch.where(seen, weights * depth * noise, 0.0)
    rows = pixels.unsqueeze(-1) * matrices[:, :, None, 2:3] - matrices[:, :, None, :2]
    rows = (rows * weights[..., None, None]).transpose(1, 2).flatten(2, 3)
    ones = torch.ones_like(solution.points[..., :1])
    homogeneous = torch.cat((solution.points, ones), dim=-1)
    residual = (rows @ homogeneous.unsqueeze(-1)).squeeze(-1)
    smallest = residual.square().sum(-1) / homogeneous.square().sum(-1)
    columns = rows[..., :3]
    eye = torch.eye(3, dtype=rows.dtype, device=rows.device)
    cofactors, determinant = adjugate(columns.mT @ columns - smallest[..., None, None] * eye)
    inverse = cofactors / determinant[..., None, None]
    spread = scale.transpose(1, 2).repeat_interleave(2, dim=-1)
    root = inverse @ (columns * spread.unsqueeze(-1)).mT
    return torch.where(solution.determined[..., None, None], root @ root.mT, torch.nan)


def measured_noise(pixels: Tensor, place: Tensor, beliefs: Tensor, used: Tensor) -> Tensor:
    """Standard deviation of each keypoint per axis, (B, V, J) px.

    Args:
        pixels: (B, V, J, 2) keypoints.
        place: (B, V, J, 2) projected joints.
        beliefs: (B, V, J), inverse to the noise up to a factor.
        used: (B, V, J) which of them to measure by.
    """
    weighted = torch.where(used, (pixels - place).square().sum(-1) * beliefs.square(), 0.0)
    views = used.sum(dim=1)
    freedom = torch.where(views >= 2, 2 * views - 3, 0).sum(dim=-1)
    variance = weighted.sum(dim=(1, 2)) / freedom
    return variance.sqrt()[:, None, None] / torch.where(used & (beliefs > 0), beliefs, 1.0)
