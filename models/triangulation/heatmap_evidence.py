"""What the heatmaps of all views say together about each voxel.

The softmax of a heatmap is the probability of the joint's pixel. Views that err independently of each other
multiply, so the logarithms, weighted by how far each view trusts itself, add up in the volume. Unlike the
triangulation of one point per view this keeps every peak of a map until the others have spoken: a left hand
that one view takes for the right one still has its second peak.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.triangulation.cuboid import Cuboid, unit_grid
from models.triangulation.unprojection import SamplingRule, unproject

FLOOR = 3.0
"""Less than ``exp(-3)`` of an even spread counts as that much, so that no view can forbid a voxel."""
START_SHARPNESS = 1.4
"""More than one, because the views' own probabilities are too modest; training moves it."""


class HeatmapEvidence(nn.Module):
    """Logits of every joint in a volume, from heatmaps alone.

    Heatmaps must be logits whose softmax, with a sharpness of one, is a probability, as those of
    ``StudioLite`` are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sharpness = nn.Parameter(torch.tensor(START_SHARPNESS))

    def forward(
        self,
        heatmaps: Tensor,
        confidences: Tensor | None,
        projections: Tensor,
        cuboid: Cuboid,
        present: Tensor | None,
        rule: SamplingRule,
    ) -> Tensor:
        """Add up the views.

        Args:
            heatmaps: (B, V, J, h, w) logits.
            confidences: (B, V, J) positive; only their ratios between the views of a joint matter. None: all
                views count alike.
            projections: (B, V, 3, 4) from world mm to px of the heatmaps.
            cuboid: B cuboids of S voxels per side.
            present: (B, V) bool, None for all.
            rule: How projections become positions in the maps.

        Returns:
            (B, J, S, S, S) logits, zero where no view can see, else not negative.
        """
        height, width = heatmaps.shape[3:]
        with torch.autocast(heatmaps.device.type, enabled=False):
            logs = heatmaps.float().flatten(3).log_softmax(dim=3) + math.log(height * width)
            votes = (logs.clamp_min(-FLOOR) + FLOOR).reshape(heatmaps.shape)
            if confidences is not None:
                votes = votes * _shares(confidences.float(), present)[..., None, None]
            volume = unproject(
                votes,
                cuboid.into_projections(projections),
                unit_grid(cuboid.size, heatmaps.device),
                aggregation="sum",
                present=present,
                rule=rule,
            )
            return self.sharpness * volume.view(*volume.shape[:2], cuboid.size, cuboid.size, cuboid.size)


def coarser(volume: Tensor, step: int) -> Tensor:
    """The strongest of ``step``^3 voxels: (B, J, S, S, S) to (B, J, S / step, ...)."""
    return volume if step == 1 else functional.max_pool3d(volume, step)


def finer(volume: Tensor, step: int) -> Tensor:
    """Back to the voxels that ``coarser`` had, linear in between."""
    if step == 1:
        return volume
    return functional.interpolate(volume, scale_factor=float(step), mode="trilinear", align_corners=False)


def begin_with_nothing(output: nn.Conv3d) -> None:
    """Let a network that adds to evidence add nothing before it is trained."""
    nn.init.zeros_(output.weight)
    assert output.bias is not None
    nn.init.zeros_(output.bias)


def _shares(confidences: Tensor, present: Tensor | None) -> Tensor:
    """Root of each view's confidence over that of the joint's best view."""
    if present is not None:
        confidences = confidences * present[..., None]
    best = confidences.amax(dim=1, keepdim=True).clamp_min(torch.finfo(confidences.dtype).tiny)
    # the root of zero has no slope
    return (confidences / best).clamp_min(1e-6).sqrt()
