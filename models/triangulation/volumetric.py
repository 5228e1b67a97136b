"""Volumetric triangulation: features of all views meet in a volume around the person.

Source: Iskakov et al., "Learnable Triangulation of Human Pose", ICCV 2019, section 3.3. Parameters carry the
names of the released checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from configs.errors import bad_input
from configs.loading import Config
from models.backbones.choice import Backbone, BackboneKind, build_backbone, freeze_final_layer
from models.backbones.pose_resnet import VOLUME_CHANNELS
from models.triangulation.cuboid import Cuboid, Kind, unit_grid
from models.triangulation.heatmap_evidence import HeatmapEvidence, begin_with_nothing, coarser, finer
from models.triangulation.unprojection import (
    Aggregation,
    SamplingRule,
    normalised_confidences,
    unproject,
)
from models.triangulation.v2v import SMALL_KERNEL, SMALL_WIDTHS, V2VModel
from models.triangulation.volume_readout import read_joints

RULES = {
    "exact": SamplingRule(),
    "released": SamplingRule(stretched=True),
    "exact_swapped": SamplingRule(swapped=True),
    "released_swapped": SamplingRule(stretched=True, swapped=True),
}
"""Sampling rules by the name a configuration uses."""


class VolumeConfig(Config):
    """The volume and what happens in it, for every network that has one."""

    backbone: BackboneKind = "pose_resnet"
    layers: Literal[18, 34, 50, 101, 152] = 152
    """Depth of a ``pose_resnet``."""
    style: Literal["simple", "caffe"] = "simple"
    joints: int = Field(17, ge=1)
    aggregation: Aggregation = "softmax"
    """How the views are merged."""
    kind: Kind = "mpii"
    """Joint order and vertical axis of the world the network was trained in."""
    voxels: int = Field(64, ge=32, multiple_of=32)
    """Per side of the volume."""
    side_mm: float = Field(2500.0, gt=0.0)
    multiplier: float = 1.0
    """Sharpness: factor on the logits before the soft-argmax."""
    softmax: bool = True
    """False cuts negative logits off instead and divides by nothing, as the original does on request."""
    transfer: bool = False
    """Lay the volume's y along the world's z, for weights from a world where y is up."""
    sampling: Literal["exact", "released", "exact_swapped", "released_swapped"]
    """``released`` reads the maps up to one cell short, as the released weights were trained."""
    mask_unseen: bool = False
    """Leave views out where a voxel is not in their picture; released weights were trained without."""
    evidence: bool = False
    """Unproject what the heatmaps say instead of features, see ``HeatmapEvidence``; the 3D network says what
    to add to it. Not published; needs the backbone ``studio_lite``."""
    coarser: Literal[1, 2] = 1
    """With ``evidence``: the 3D network sees every so many voxels of a side as one, which costs an eighth."""

    @model_validator(mode="after")
    def _evidence_fits(self) -> VolumeConfig:
        if self.evidence and self.backbone != "studio_lite":
            raise ValueError("evidence needs heatmaps that are probabilities: set backbone to studio_lite")
        if self.evidence and (self.aggregation != "softmax" or self.mask_unseen):
            raise ValueError("evidence adds the views up by itself: leave aggregation and mask_unseen out")
        if self.coarser != 1 and not self.evidence:
            raise ValueError("only a volume of evidence can be coarser: set evidence to true")
        return self


class VolumetricConfig(VolumeConfig):
    """Settings of volumetric triangulation; the defaults are those of the released weights."""

    sampling: Literal["exact", "released", "exact_swapped", "released_swapped"] = "released"
    small: bool = False
    """Take a 3D network of a few percent of the size."""


@dataclass(frozen=True)
class VolumetricResult:
    """What volumetric triangulation says about B people.

    Attributes:
        joints: (B, J, 3) mm in world.
        covariance: (B, J, 3, 3) mm^2 in world: second moment of the joint's volume about its mean. It
            contains the width that training gave the volumes, so it orders joints by certainty; it is not a
            calibrated error.
        features: (B, V, C, h, w), what went into the volume.
        heatmaps: (B, V, J, h, w) raw maps of the backbone.
        volumes: (B, J, S, S, S) probabilities, None unless asked for.
        vol_confidences: (B, V, C) of the ``conf`` rules (for ``conf_norm`` adding up to one over the present
            views), else None.
        cuboid: Where the voxels are.
    """

    joints: Tensor
    covariance: Tensor
    features: Tensor
    heatmaps: Tensor
    volumes: Tensor | None
    vol_confidences: Tensor | None
    cuboid: Cuboid


@dataclass(frozen=True)
class ViewFeatures:
    """What the backbone says about B x V pictures; see ``VolumetricResult``."""

    heatmaps: Tensor
    features: Tensor
    vol_confidences: Tensor | None
    alg_confidences: Tensor | None


def build_volume_backbone(config: VolumeConfig) -> Backbone:
    """With the heads that the volume wants."""
    return build_backbone(
        config.backbone,
        config.layers,
        config.joints,
        config.style,
        alg_confidences=config.evidence,
        vol_confidences=config.aggregation.startswith("conf"),
    )


def look_at_views(backbone: nn.Module, images: Tensor, present: Tensor | None) -> ViewFeatures:
    """Run the backbone on all pictures at once.

    In training, and on a CPU, absent views are left out: they would spoil the batch statistics, or cost time.
    On a GPU in evaluation they run along, because leaving them out would make the host wait, and so they do
    while the network is compiled or exported: how many there are is not known then.

    Args:
        backbone: Returns a ``BackboneOutput``.
        images: (B, V, 3, H, W).
        present: (B, V) bool, None for all.

    Returns:
        Maps (B, V, ...), features with 256 channels; zero in absent views that were left out.
    """
    batch, views = images.shape[:2]
    chosen = None
    waits = images.device.type == "cpu" and not torch.compiler.is_compiling()
    if present is not None and (backbone.training or waits):
        chosen = present.flatten()
    flat = images.flatten(0, 1)
    output = backbone(flat if chosen is None else flat[chosen])

    def per_view(tensor: Tensor) -> Tensor:
        if chosen is not None:
            full = tensor.new_zeros(batch * views, *tensor.shape[1:])
            full[chosen] = tensor
            tensor = full
        return tensor.reshape(batch, views, *tensor.shape[1:])

    return ViewFeatures(
        per_view(output.heatmaps),
        per_view(output.features),
        None if output.vol_confidences is None else per_view(output.vol_confidences),
        None if output.alg_confidences is None else per_view(output.alg_confidences),
    )


def reduce_features(reduction: nn.Module, features: Tensor) -> Tensor:
    """Fewer channels for the volume: (B, V, 256, h, w) to (B, V, C, h, w)."""
    reduced: Tensor = reduction(features.flatten(0, 1))
    return reduced.reshape(*features.shape[:2], *reduced.shape[1:])


def heatmap_projections(projections: Tensor, image: tuple[int, int], heatmap: tuple[int, int]) -> Tensor:
    """Projections of the network input to those of the heatmap grid, pixel centres at integers in both.

    Args:
        projections: (..., 3, 4).
        image: Rows and columns of the network input.
        heatmap: Rows and columns of the heatmap.
    """
    scale = projections.new_tensor([heatmap[1] / image[1], heatmap[0] / image[0], 1.0])
    return projections * scale[:, None]


def build_volume(
    features: Tensor,
    projections: Tensor,
    cuboid: Cuboid,
    config: VolumeConfig,
    confidences: Tensor | None,
    present: Tensor | None,
) -> Tensor:
    """Unproject features into the cuboids.

    Args:
        features: (B, V, C, h, w).
        projections: (B, V, 3, 4) from world to the feature maps.
        cuboid: B cuboids.
        config: Says how views are merged and maps sampled.
        confidences: (B, V, C) or None.
        present: (B, V) bool, None for all.

    Returns:
        (B, C, S, S, S).
    """
    volume = unproject(
        features,
        cuboid.into_projections(projections),
        unit_grid(cuboid.size, features.device),
        aggregation=config.aggregation,
        confidences=confidences,
        present=present,
        rule=RULES[config.sampling],
        mask_unseen=config.mask_unseen,
    )
    return volume.view(*volume.shape[:2], cuboid.size, cuboid.size, cuboid.size)


def check_views(images: Tensor, projections: Tensor, centres: Tensor, present: Tensor | None) -> None:
    """Raise BadInputError where the inputs of a volumetric network do not fit together."""
    if images.ndim != 5 or images.shape[2] != 3:
        raise bad_input("pictures of views are (B, V, 3, H, W)", value=str(tuple(images.shape)))
    batch, views = images.shape[:2]
    for what, tensor, shape in (
        ("projections", projections, (batch, views, 3, 4)),
        ("centres", centres, (batch, 3)),
        ("present", present, (batch, views)),
    ):
        if tensor is not None and tensor.shape != shape:
            raise bad_input(f"{what} must be {shape} for these pictures", value=str(tuple(tensor.shape)))


class VolumetricTriangulation(nn.Module):
    """Backbone, unprojection, V2V, soft-argmax.

    Several people are several samples. Each sample may have its own set of views (``present``). The last
    layer of the backbone is frozen, because only drawings use its output.

    Args:
        config: The architecture; the weights are random until a checkpoint is loaded.
    """

    def __init__(self, config: VolumetricConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = build_volume_backbone(config)
        channels = VOLUME_CHANNELS
        if config.evidence:
            channels = config.joints
            self.evidence = HeatmapEvidence()
        else:
            freeze_final_layer(self.backbone)
            features = self.backbone.feature_channels
            self.process_features = nn.Sequential(nn.Conv2d(features, VOLUME_CHANNELS, 1))
        if config.small:
            self.volume_net = V2VModel(channels, config.joints, SMALL_WIDTHS, SMALL_KERNEL)
        else:
            self.volume_net = V2VModel(channels, config.joints)
        if config.evidence:
            begin_with_nothing(self.volume_net.output_layer)

    def forward(
        self,
        images: Tensor,
        projections: Tensor,
        centres: Tensor,
        present: Tensor | None = None,
        rotation: Tensor | None = None,
        *,
        keep_volumes: bool = False,
    ) -> VolumetricResult:
        """Estimate B poses.

        Args:
            images: (B, V, 3, H, W) normalised pictures without lens distortion; H and W multiples of 32.
            projections: (B, V, 3, 4) px of those pictures from world mm.
            centres: (B, 3) mm in world, the pelvis of each person as known so far.
            present: (B, V) bool, False where a sample lacks a view; None for all.
            rotation: (B, 3, 3) by which each cuboid is turned, see ``vertical_rotation``; None in evaluation.
            keep_volumes: Hand out the probability volumes; the cross-entropy needs them.

        Raises:
            BadInputError: Shapes that do not fit.
        """
        check_views(images, projections, centres, present)
        config = self.config
        seen = look_at_views(self.backbone, images, present)
        cuboid = Cuboid.around(
            centres, config.side_mm, config.voxels, rotation=rotation, transfer=config.transfer
        )
        maps = heatmap_projections(projections, _sides(images), _sides(seen.heatmaps))
        confidences = None
        if config.evidence:
            features = seen.heatmaps
            evidence = self.evidence(
                features, seen.alg_confidences, maps, cuboid, present, RULES[config.sampling]
            )
            logits = evidence + finer(self.volume_net(coarser(evidence, config.coarser)), config.coarser)
        else:
            features = reduce_features(self.process_features, seen.features)
            confidences = seen.vol_confidences
            if confidences is not None and config.aggregation == "conf_norm":
                confidences = normalised_confidences(confidences, present)
            logits = self.volume_net(build_volume(features, maps, cuboid, config, confidences, present))
        read = read_joints(logits * config.multiplier, cuboid, softmax=config.softmax)
        return VolumetricResult(
            read.joints,
            read.covariance,
            features,
            seen.heatmaps,
            read.volumes if keep_volumes else None,
            confidences,
            cuboid,
        )


def _sides(maps: Tensor) -> tuple[int, int]:
    """Rows and columns of pictures or maps."""
    return maps.shape[-2], maps.shape[-1]
