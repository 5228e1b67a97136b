"""From feature maps of several views to one volume: project every voxel, sample, merge the views.

``unproject`` is the reference in plain torch: batched, differentiable in features, projections and points.
Where no gradients are wanted it hands over to kernels that never store the sampled views
(``unprojection_kernel`` on the CPU, ``unprojection_triton`` on CUDA).

Source: Iskakov et al., "Learnable Triangulation of Human Pose", ICCV 2019, section 3.3. The ``n - 1``
sampling rule is that of Ma et al., "Context Modeling in 3D Human Pose Estimation", CVPR 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from configs.errors import bad_input

Aggregation = Literal["sum", "max", "softmax", "conf", "conf_norm"]
AGGREGATIONS: tuple[Aggregation, ...] = ("sum", "max", "softmax", "conf", "conf_norm")


@dataclass(frozen=True)
class SamplingRule:
    """How a projected point becomes a position in the map.

    The default is exact: pixel ``x`` is read at ``x``. The other settings repeat what published networks were
    trained with and should be used for their weights only.

    Attributes:
        stretched: Read pixel ``x`` of ``n`` at ``x (n - 1) / n``, up to one cell short at the far border.
        swapped: Divide x by the map's height and y by its width. Square maps do not notice.
    """

    stretched: bool = False
    swapped: bool = False

    def scale(self, height: int, width: int) -> tuple[float, float]:
        """Factors from projected x and y to positions in the map."""
        over = 0 if self.stretched else 1
        by_x, by_y = (height, width) if self.swapped else (width, height)
        return (width - 1) / (by_x - over), (height - 1) / (by_y - over)


EXACT = SamplingRule()
STRETCHED = SamplingRule(stretched=True)
"""The rule of the released weights of "Learnable Triangulation"."""


def map_projections(projections: Tensor, height: int, width: int, rule: SamplingRule) -> Tensor:
    """Fold the sampling rule into the projections: (..., 3, 4) to (..., 3, 4)."""
    scale_x, scale_y = rule.scale(height, width)
    if scale_x == scale_y == 1.0:
        return projections
    return projections * projections.new_tensor([scale_x, scale_y, 1.0])[:, None]


def normalised_confidences(confidences: Tensor, present: Tensor | None = None) -> Tensor:
    """Confidences that add up to one over the views.

    Args:
        confidences: (B, V, C), not negative.
        present: (B, V) bool; absent views get 0. None: all are present.

    Returns:
        (B, V, C); zeros where all views of a channel have no confidence.
    """
    if present is not None:
        confidences = confidences * present[:, :, None]
    total = confidences.sum(dim=1, keepdim=True)
    return confidences / total.clamp_min(torch.finfo(confidences.dtype).tiny)


def unproject(
    features: Tensor,
    projections: Tensor,
    points: Tensor,
    *,
    aggregation: Aggregation,
    confidences: Tensor | None = None,
    present: Tensor | None = None,
    rule: SamplingRule = EXACT,
    mask_unseen: bool = False,
) -> Tensor:
    """Sample every view at the projections of the points and merge the views.

    A point that is not in a view (behind the camera, outside the picture) has the value 0 there and takes
    part with it, unless ``mask_unseen``. Views that are not ``present`` never take part. Uses a kernel where
    there is one and no gradients are wanted.

    Args:
        features: (B, V, C, h, w).
        projections: (B, V, 3, 4) from points to pixels of the maps, pixel centres at integers.
        points: (N, 3) for all samples or (B, N, 3).
        aggregation: ``sum``; ``max``; ``softmax`` (weights by the views' own values, per point and channel);
            ``conf`` (sum weighted by ``confidences``); ``conf_norm`` (mean weighted by them).
        confidences: (B, V, C), for ``conf`` and ``conf_norm``.
        present: (B, V) bool, None for all.
        rule: How projections become positions in the map.
        mask_unseen: Leave views out in which the point is not visible.

    Returns:
        (B, C, N), float64 if the features are, else float32. Zero where no view takes part.

    Raises:
        BadInputError: Shapes that do not fit, or confidences missing where they are needed.
    """
    check_shapes(features, projections, points, aggregation, confidences, present)
    height, width = features.shape[3:]
    projections = map_projections(projections, height, width, rule)
    inputs = [features, projections, points, *([] if confidences is None else [confidences])]
    gradients = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs)
    with torch.autocast(features.device.type, enabled=False):  # coordinates need all their digits
        if not gradients and not torch.compiler.is_compiling() and features.dtype != torch.float64:
            if features.device.type == "cpu":
                from models.triangulation.unprojection_kernel import unproject_cpu

                return unproject_cpu(
                    features, projections, points, aggregation, confidences, present, mask_unseen
                )
            if features.device.type == "cuda":
                from models.triangulation import unprojection_triton

                if unprojection_triton.AVAILABLE:
                    return unprojection_triton.unproject_cuda(
                        features, projections, points, aggregation, confidences, present, mask_unseen
                    )
        values, visible = sample_views(features, projections, points)
        return merge_views(values, visible, aggregation, confidences, present, mask_unseen=mask_unseen)


def check_shapes(
    features: Tensor,
    projections: Tensor,
    points: Tensor,
    aggregation: str,
    confidences: Tensor | None,
    present: Tensor | None,
) -> None:
    """Raise BadInputError for what ``unproject`` cannot take."""
    if aggregation not in AGGREGATIONS:
        raise bad_input("unknown way to merge views", value=aggregation, allowed=", ".join(AGGREGATIONS))
    if features.ndim != 5:
        raise bad_input("feature maps of views are (B, V, C, h, w)", value=str(tuple(features.shape)))
    batch, views, channels = features.shape[:3]
    if projections.shape != (batch, views, 3, 4):
        raise bad_input(
            f"projections must be ({batch}, {views}, 3, 4), one per feature map",
            value=str(tuple(projections.shape)),
        )
    if points.shape[-1] != 3 or points.ndim not in (2, 3) or (points.ndim == 3 and points.shape[0] != batch):
        raise bad_input(f"points are (N, 3) or ({batch}, N, 3)", value=str(tuple(points.shape)))
    if aggregation.startswith("conf") and (
        confidences is None or confidences.shape != (batch, views, channels)
    ):
        raise bad_input(
            f"merging by {aggregation} needs confidences of shape ({batch}, {views}, {channels})",
            value=None if confidences is None else str(tuple(confidences.shape)),
        )
    if present is not None and present.shape != (batch, views):
        raise bad_input(
            f"present must be ({batch}, {views}), one per feature map", value=str(tuple(present.shape))
        )


def sample_views(features: Tensor, projections: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Values of every view at the projections of the points, by plain torch.

    Args:
        features: (B, V, C, h, w).
        projections: (B, V, 3, 4) from points to positions in the map.
        points: (N, 3) or (B, N, 3).

    Returns:
        Values (B, V, C, N), bilinear, 0 outside the map and behind the camera; and whether the point lies in
        front of the camera and within the map, (B, V, N).
    """
    batch, views, channels, height, width = features.shape
    dtype = torch.promote_types(features.dtype, torch.float32)
    projections, points = projections.to(dtype), points.to(dtype)
    columns = points.transpose(-1, -2)
    columns = columns if points.ndim == 2 else columns[:, None]
    x, y, depth = (projections[..., :3] @ columns + projections[..., 3:]).unbind(dim=2)  # (B, V, N) each
    in_front = depth > 0
    depth = torch.where(in_front, depth, torch.ones_like(depth))
    # Two cells outside the map every neighbour is zero already; farther away only integers overflow. Points
    # behind the camera go there too.
    outside = torch.full_like(depth, -2)
    x = torch.where(in_front, (x / depth).clamp(-2, width + 1), outside)
    y = torch.where(in_front, (y / depth).clamp(-2, height + 1), outside)
    grid = torch.stack([2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], dim=-1)
    values = functional.grid_sample(
        features.to(dtype).flatten(0, 1),
        grid.flatten(0, 1)[:, :, None],
        mode="bilinear",
        padding_mode="zeros",
        align_corners=True,
    )
    values = values.reshape(batch, views, channels, -1)
    visible = in_front & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return values, visible


def merge_views(
    values: Tensor,
    visible: Tensor,
    aggregation: Aggregation,
    confidences: Tensor | None,
    present: Tensor | None,
    *,
    mask_unseen: bool,
) -> Tensor:
    """Merge the views' values, (B, V, C, N) to (B, C, N); see ``unproject``."""
    mask = visible if mask_unseen else None
    if present is not None:
        mask = present[:, :, None] & (visible if mask_unseen else torch.ones_like(visible))
    taken = None if mask is None else mask[:, :, None]
    if taken is not None:
        values = torch.where(taken, values, 0.0)  # an absent view may hold anything, NaN included

    if aggregation == "max":
        if taken is None:
            return values.amax(dim=1)
        best = values.masked_fill(~taken, -torch.inf).amax(dim=1)
        return torch.where(taken.any(dim=1), best, torch.zeros_like(best))
    if aggregation == "softmax":
        if taken is None:
            return (values * values.softmax(dim=1)).sum(dim=1)
        logits = values.masked_fill(~taken, -torch.inf)
        highest = logits.amax(dim=1, keepdim=True)
        weights = (logits - torch.where(highest.isfinite(), highest, 0.0).detach()).exp()
        total = weights.sum(dim=1).clamp_min(torch.finfo(values.dtype).tiny)
        return (values * weights).sum(dim=1) / total

    if aggregation == "sum":
        return values.sum(dim=1)
    if confidences is None:
        raise bad_input(f"merging by {aggregation} needs confidences")
    weights = confidences.to(values.dtype)[..., None]
    if aggregation == "conf_norm" and taken is None:
        weights = normalised_confidences(weights[..., 0])[..., None]
    elif taken is not None:
        weights = weights * taken
        if aggregation == "conf_norm":
            total = weights.sum(dim=1, keepdim=True)
            weights = weights / total.clamp_min(torch.finfo(values.dtype).tiny)
    return (values * weights).sum(dim=1)
