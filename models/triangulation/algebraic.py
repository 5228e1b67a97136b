"""Algebraic triangulation: 2D joints by soft-argmax, joined by confidence-weighted linear triangulation."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.backbones.choice import BackboneKind, build_backbone
from models.backbones.residual_blocks import Style
from models.triangulation.dlt import triangulate_linear
from models.triangulation.soft_argmax import soft_argmax_2d

FLOOR = 1e-5
"""Added to every normalised confidence, so that a view is never switched off altogether."""


class AlgebraicResult(NamedTuple):
    """Joints of B people seen in V views.

    Attributes:
        keypoints_3d: (B, J, 3) mm, finite; meaningful where ``determined``.
        keypoints_2d: (B, V, J, 2) px of the network's input.
        heatmaps: (B, V, J, h, w) that the keypoints were read from, see ``SoftArgmax.maps``.
        confidences: (B, V, J) weights of the rows; over the views of a joint they sum to 1 + V * 1e-5,
            zero where a view is missing.
        determined: (B, J) whether at least two views with different rays saw the joint.
    """

    keypoints_3d: Tensor
    keypoints_2d: Tensor
    heatmaps: Tensor
    confidences: Tensor
    determined: Tensor


class AlgebraicTriangulation(nn.Module):
    """Iskakov et al., Learnable Triangulation of Human Pose, ICCV 2019, section 3.1.

    Parameters carry the names of the released weights. Samples may have different views: give the largest
    number and say with ``present`` which are there.

    Args:
        depth: Of the backbone, see ``PoseResNet``.
        joints: Joints.
        style: Of the backbone.
        use_confidences: Weigh views by what the network predicts, otherwise all alike.
        heatmap_softmax: Read maps with a softmax, otherwise by cutting off negative values.
        heatmap_multiplier: Sharpness; maps are multiplied by it first.
        backbone: Which network looks at the pictures.
    """

    def __init__(
        self,
        depth: int = 152,
        joints: int = 17,
        style: Style = "simple",
        use_confidences: bool = True,
        heatmap_softmax: bool = True,
        heatmap_multiplier: float = 100.0,
        backbone: BackboneKind = "pose_resnet",
    ) -> None:
        super().__init__()
        self.use_confidences = use_confidences
        self.heatmap_softmax = heatmap_softmax
        self.heatmap_multiplier = heatmap_multiplier
        self.backbone = build_backbone(backbone, depth, joints, style, alg_confidences=use_confidences)

    def forward(self, images: Tensor, projections: Tensor, present: Tensor | None = None) -> AlgebraicResult:
        """Triangulate the people in a batch.

        Args:
            images: (B, V, 3, H, W) normalised crops, undistorted.
            projections: (B, V, 3, 4) world to px of the crops.
            present: (B, V) bool, False for views that a sample does not have; their pictures are ignored.
        """
        samples, views = images.shape[:2]
        out = self.backbone(images.flatten(0, 1))
        confidences = out.alg_confidences
        return triangulate_heatmaps(
            out.heatmaps.reshape(samples, views, *out.heatmaps.shape[1:]),
            None if confidences is None else confidences.reshape(samples, views, -1),
            projections,
            present,
            image_shape=(images.shape[-2], images.shape[-1]),
            softmax=self.heatmap_softmax,
            multiplier=self.heatmap_multiplier,
        )


def triangulate_heatmaps(
    heatmaps: Tensor,
    confidences: Tensor | None,
    projections: Tensor,
    present: Tensor | None = None,
    *,
    image_shape: tuple[int, int],
    softmax: bool = True,
    multiplier: float = 100.0,
) -> AlgebraicResult:
    """What follows the backbone.

    Args:
        heatmaps: (B, V, J, h, w) raw.
        confidences: (B, V, J) in (0, 1), or None to believe all views alike.
        projections: (B, V, 3, 4) world to px of the pictures.
        present: (B, V) bool; all views by default.
        image_shape: Rows and columns of the pictures.
        softmax: See ``soft_argmax_2d``.
        multiplier: Sharpness of the maps.
    """
    # Half-precision backbones end here: positions and weights need single precision.
    read = soft_argmax_2d(heatmaps.float() * multiplier, softmax=softmax)
    rows, columns = heatmaps.shape[-2:]
    scale = read.coordinates.new_tensor([image_shape[1] / columns, image_shape[0] / rows])
    keypoints_2d = read.coordinates * scale
    weights = normalised(heatmaps.shape[:3], confidences, present, keypoints_2d)
    solution = triangulate_linear(keypoints_2d, projections, weights, present)
    return AlgebraicResult(
        solution.points.to(keypoints_2d.dtype), keypoints_2d, read.maps, weights, solution.determined
    )


def normalised(shape: torch.Size, confidences: Tensor | None, present: Tensor | None, like: Tensor) -> Tensor:
    """(B, V, J) confidences that sum to one over the views that are there, plus the floor."""
    weights = like.new_ones(shape) if confidences is None else confidences.to(like.dtype)
    if present is not None:
        weights = torch.where(present.unsqueeze(-1), weights, 0.0)
    total = weights.sum(dim=1, keepdim=True)
    weights = weights / total.clamp(min=torch.finfo(weights.dtype).tiny) + FLOOR
    return weights if present is None else torch.where(present.unsqueeze(-1), weights, 0.0)
