"""Robust triangulation of single keypoints by consensus, the classical baseline.

Joints are triangulated from two views at a time; the largest set of views that agrees with one of these
points is triangulated again and, on request, refined (Fischler and Bolles, Random Sample Consensus, 1981; as
the baseline of Iskakov et al., ICCV 2019). With up to eight views all pairs are tried, so nothing is random;
beyond that a fixed selection, so that the time grows with the number of views only. Errors are **half** pixel
distances, as in the original.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from models.backbones.choice import BackboneKind, build_backbone
from models.backbones.residual_blocks import Style
from models.triangulation.dlt import adjugate, as_array, project, runs_compiled, solve_rows, taking_part
from models.triangulation.ransac_kernel import (
    DAMPING_DOWN,
    DAMPING_START,
    DAMPING_UP,
    refine_all,
    select_all,
)

ALL_PAIRS_UP_TO = 8
"""Views up to which every pair is tried: 28 pairs."""
MOST_PAIRS = 28
"""Pairs tried beyond, unless there are more views than that."""
REFINEMENTS = 25
"""Levenberg-Marquardt steps on an accelerator, where looking whether it has converged would cost more."""


class Consensus(NamedTuple):
    """Robustly triangulated joints.

    Attributes:
        points: (B, J, 3) float64, finite.
        inliers: (B, V, J) views that were used.
        determined: (B, J) whether two views with different rays saw the joint.
    """

    points: Tensor
    inliers: Tensor
    determined: Tensor


@cache
def view_pairs(views: int) -> tuple[tuple[int, int], ...]:
    """Pairs of views to try, spread evenly over views and distances between them when they are not all."""
    if views <= ALL_PAIRS_UP_TO:
        return tuple(combinations(range(views), 2))
    chosen: dict[tuple[int, int], None] = {}
    # Neighbours in a circle of cameras have short baselines and opposite ones rays that nearly coincide.
    distances = sorted(range(1, views // 2 + 1), key=lambda distance: abs(distance - views / 4))
    for distance in distances:
        for view in range(views):
            other = (view + distance) % views
            chosen.setdefault((min(view, other), max(view, other)))
            if len(chosen) >= max(MOST_PAIRS, views):
                return tuple(chosen)
    return tuple(chosen)


def triangulate_consensus(
    points: Tensor,
    projections: Tensor,
    present: Tensor | None = None,
    *,
    pairs: Tensor | None = None,
    epsilon: float = 15.0,
    refine: bool = True,
) -> Consensus:
    """Triangulate every joint from the views that agree; no gradients.

    Args:
        points: (B, V, J, 2) px, without lens distortion; NaN where a view has none.
        projections: (B, V, 3, 4) world to px.
        present: (B, V) or (B, V, J) bool; all by default.
        pairs: (B, J, n, 2) views to try. Among equally good ones the first wins, as in the original. By
            default ``view_pairs``, and the smallest errors win.
        epsilon: Half distance in px up to which a view agrees.
        refine: Minimise the reprojection errors of the agreeing views by Huber's function with the scale of 1
            half px.
    """
    with torch.no_grad():
        seen = taking_part(points, present)
        if runs_compiled(points):
            return _compiled(points, projections, seen, pairs, epsilon, refine)
        return consensus_in_torch(points.double(), projections.double(), seen, pairs, epsilon, refine)


def _compiled(
    points: Tensor, projections: Tensor, seen: Tensor, pairs: Tensor | None, epsilon: float, refine: bool
) -> Consensus:
    samples, views, joints = seen.shape
    tries = np.array(view_pairs(views), np.int64).reshape(1, 1, -1, 2)
    if pairs is not None:
        tries = np.ascontiguousarray(pairs.numpy(), np.int64)
    out = np.empty((samples, joints, 3))
    inliers = np.empty((samples, views, joints), np.bool_)
    determined = np.empty((samples, joints), np.bool_)
    xy, matrices, mask = as_array(points), as_array(projections), np.ascontiguousarray(seen.numpy())
    select_all(xy, matrices, mask, tries, epsilon, pairs is not None, out, inliers, determined)
    if refine:
        refine_all(xy, matrices, inliers, determined, out)
    return Consensus(torch.from_numpy(out), torch.from_numpy(inliers), torch.from_numpy(determined))


def consensus_in_torch(
    points: Tensor, projections: Tensor, seen: Tensor, pairs: Tensor | None, epsilon: float, refine: bool
) -> Consensus:
    """The same in plain torch: all pairs of all joints at once, without a look at the values.

    Args:
        points: (B, V, J, 2) float64 px.
        projections: (B, V, 3, 4) float64.
        seen: (B, V, J) bool, see ``taking_part``.
        pairs: As ``triangulate_consensus``.
        epsilon: As ``triangulate_consensus``.
        refine: As ``triangulate_consensus``.
    """
    samples, views, joints = seen.shape
    points = torch.where(seen.unsqueeze(-1), points, 0.0)
    third = projections[:, :, None, 2:3, :]
    rows = (points.unsqueeze(-1) * third - projections[:, :, None, :2, :]).transpose(1, 2)  # (B, J, V, 2, 4)
    if pairs is None:
        tries = torch.tensor(view_pairs(views), device=points.device).reshape(-1, 2)
        tries = tries.expand(samples, joints, -1, 2)
    else:
        tries = pairs.to(points.device, torch.int64)
    drawn = nn.functional.one_hot(tries, views).amax(dim=-2).bool()  # (B, J, n, V)
    index = tries.flatten(2)[..., None, None].expand(-1, -1, -1, 2, 4)
    of_pairs = rows.gather(2, index).reshape(samples, joints, -1, 4, 4)
    candidates, _, regular = solve_rows(of_pairs)  # (B, J, n, 3)
    count = tries.shape[2]
    errors = half_distances(points, projections, candidates.flatten(1, 2), count)  # (B, V, J, n)
    errors = errors.permute(0, 2, 3, 1)
    visible = seen.transpose(1, 2).unsqueeze(2)
    agree = ((errors < epsilon) | drawn) & visible
    possible = regular & (drawn & visible).sum(-1).eq(2)
    size = agree.sum(-1).double()
    if pairs is None:
        # The mean of the errors, cut off, is less than the limit: it decides only among equal sizes.
        cost = torch.where(visible, errors.clamp(max=epsilon), 0.0).sum(-1)
        rank = size - cost / (epsilon * (views + 1))
    else:
        rank = size - torch.arange(count, device=size.device) / (count + 1)
    rank = torch.where(possible, rank, -1.0)
    best = rank.argmax(dim=-1, keepdim=True)
    found = possible.gather(-1, best)
    inliers = agree.gather(2, best.unsqueeze(-1).expand(-1, -1, 1, views)).squeeze(2) & found
    used = rows * inliers[..., None, None]
    point, _, determined = solve_rows(used.flatten(2, 3))
    views_used = inliers.transpose(1, 2)
    if refine:
        refined = _refine(points, projections, views_used, point)
        point = torch.where(determined.unsqueeze(-1), refined, point)
    return Consensus(point, views_used, determined)


def half_distances(points: Tensor, projections: Tensor, joints: Tensor, repeat: int = 1) -> Tensor:
    """Half the distance in px between keypoints (B, V, J, 2) and ``repeat`` candidates for each joint.

    Returns:
        (B, V, J, repeat), for candidates (B, J * repeat, 3).
    """
    seen_at, _ = project(projections, joints)
    difference = seen_at.reshape(*points.shape[:3], repeat, 2) - points.unsqueeze(3)
    return difference.square().sum(-1).sqrt() / 2


def _refine(points: Tensor, projections: Tensor, inliers: Tensor, start: Tensor) -> Tensor:
    """The twin of ``ransac_kernel.refine_all`` with a fixed number of steps."""

    def cost(at: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        place, depth = project(projections, at)
        error = torch.where(inliers.unsqueeze(-1), place - points, 0.0)
        half = error.square().sum(-1).sqrt() / 2
        huber = torch.where(half <= 1.0, half.square(), 2 * half - 1.0)
        return torch.where(inliers, huber, 0.0).sum(dim=1), error, half, depth

    point = start
    damping = torch.full_like(start[..., 0], DAMPING_START)
    now, error, half, depth = cost(point)
    eye = torch.eye(3, dtype=start.dtype, device=start.device)
    for _ in range(REFINEMENTS):
        place = error + points
        weight = torch.where(inliers, 0.25 / half.clamp(min=1.0), 0.0)
        jacobian = projections[:, :, None, :2, :3] - place.unsqueeze(-1) * projections[:, :, None, 2:, :3]
        jacobian = jacobian / torch.where(inliers, depth, 1.0)[..., None, None]
        weighted = jacobian * weight[..., None, None]
        normal = torch.einsum("bvjrk,bvjrl->bjkl", weighted, jacobian)
        gradient = torch.einsum("bvjrk,bvjr->bjk", weighted, error)
        trace = normal.diagonal(dim1=-2, dim2=-1).sum(-1)
        matrix, determinant = adjugate(normal + (damping * trace)[..., None, None] * eye)
        step = -(matrix @ gradient.unsqueeze(-1)).squeeze(-1) / determinant.unsqueeze(-1)
        tried = cost(point + step)
        better = tried[0] <= now
        point = torch.where(better.unsqueeze(-1), point + step, point)
        now = torch.where(better, tried[0], now)
        error = torch.where(better[:, None, :, None], tried[1], error)
        half = torch.where(better.unsqueeze(1), tried[2], half)
        depth = torch.where(better.unsqueeze(1), tried[3], depth)
        damping = damping * torch.where(better, DAMPING_DOWN, DAMPING_UP)
    return point


class RansacResult(NamedTuple):
    """Joints of B people seen in V views.

    Attributes:
        keypoints_3d: (B, J, 3) mm, finite; meaningful where ``determined``.
        keypoints_2d: (B, V, J, 2) whole px of the network's input.
        heatmaps: (B, V, J, h, w) raw.
        inliers: (B, V, J) views that were used.
        determined: (B, J) whether at least two views with different rays saw the joint.
    """

    keypoints_3d: Tensor
    keypoints_2d: Tensor
    heatmaps: Tensor
    inliers: Tensor
    determined: Tensor


class RansacTriangulation(nn.Module):
    """Backbone, the largest cell of each heatmap, robust triangulation. Not differentiable.

    Args:
        depth: Of the backbone, see ``PoseResNet``.
        joints: Joints.
        style: Of the backbone.
        direct_optimization: Refine the joints by their reprojection errors.
        epsilon: Half px, see ``triangulate_consensus``.
        backbone: Which network looks at the pictures.
    """

    def __init__(
        self,
        depth: int = 152,
        joints: int = 17,
        style: Style = "simple",
        direct_optimization: bool = True,
        epsilon: float = 15.0,
        backbone: BackboneKind = "pose_resnet",
    ) -> None:
        super().__init__()
        self.direct_optimization = direct_optimization
        self.epsilon = epsilon
        self.backbone = build_backbone(backbone, depth, joints, style)

    def forward(
        self,
        images: Tensor,
        projections: Tensor,
        present: Tensor | None = None,
        pairs: Tensor | None = None,
    ) -> RansacResult:
        """Triangulate the people in a batch.

        Args:
            images: (B, V, 3, H, W) normalised crops, undistorted.
            projections: (B, V, 3, 4) world to px of the crops.
            present: (B, V) bool; all views by default.
            pairs: (B, J, n, 2) views to try instead of the default selection.
        """
        heatmaps = self.backbone(images.flatten(0, 1)).heatmaps
        heatmaps = heatmaps.reshape(*images.shape[:2], *heatmaps.shape[1:])
        keypoints_2d = arg_max(heatmaps, (images.shape[-2], images.shape[-1]))
        found = triangulate_consensus(
            keypoints_2d,
            projections,
            present,
            pairs=pairs,
            epsilon=self.epsilon,
            refine=self.direct_optimization,
        )
        return RansacResult(
            found.points.to(keypoints_2d.dtype), keypoints_2d, heatmaps, found.inliers, found.determined
        )


def arg_max(heatmaps: Tensor, image_shape: tuple[int, int]) -> Tensor:
    """(..., h, w) to (..., 2): x and y of the largest cell in px of the picture, whole numbers as float32."""
    rows, columns = heatmaps.shape[-2:]
    index = heatmaps.flatten(-2).argmax(dim=-1)
    cell = torch.stack((index % columns, index // columns), dim=-1).float()
    scale = cell.new_tensor([image_shape[1] / columns, image_shape[0] / rows])
    return torch.floor(cell * scale)
