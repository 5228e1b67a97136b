"""ContextPose: volumetric estimation, mostly from one view, with attention along the limbs.

Source: Ma et al., "Context Modeling in 3D Human Pose Estimation: A Unified Perspective", CVPR 2021.
Parameters carry the names of the released checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from configs.errors import bad_input
from models.backbones.choice import freeze_final_layer
from models.backbones.pose_resnet import VOLUME_CHANNELS
from models.triangulation.cuboid import Cuboid
from models.triangulation.heatmap_evidence import HeatmapEvidence, begin_with_nothing, coarser, finer
from models.triangulation.limb_attention import LimbAttention
from models.triangulation.limb_prior import LimbPrior
from models.triangulation.unprojection import normalised_confidences
from models.triangulation.volume_blocks import (
    BasicBlock,
    ResidualBlock,
    UpsamplingBlock,
    halve,
)
from models.triangulation.volume_readout import read_joints
from models.triangulation.volumetric import (
    RULES,
    VolumeConfig,
    VolumetricResult,
    build_volume,
    build_volume_backbone,
    check_views,
    heatmap_projections,
    look_at_views,
    reduce_features,
)

STEP = 4
"""The attention's grid takes every fourth voxel: the network halves its volume twice, or once where that is
coarser by half already."""
FRONT = 17
WIDTH = 34
"""Channels of the first layers."""
COARSE_FRONT = COARSE_WIDTH = 16
"""The same where the network sees a coarser volume; not published."""


class ContextPoseConfig(VolumeConfig):
    """Settings of ContextPose; the defaults are those of the released weights."""

    sampling: Literal["exact", "released", "exact_swapped", "released_swapped"] = "exact"
    from_heatmaps: bool = False
    """Unproject raw heatmaps instead of features."""
    attention_channels: int = Field(51, ge=1)
    """A multiple of ``joints``."""
    temperature: float = Field(1500.0, gt=0.0)
    """Widens the limb kernels."""

    @model_validator(mode="after")
    def _one_source(self) -> ContextPoseConfig:
        if self.evidence and self.from_heatmaps:
            raise ValueError("a volume is of evidence or of raw heatmaps: leave from_heatmaps out")
        return self


class AttentionBlock(nn.Module):
    """Limb-aware attention and one convolution beside a skip connection."""

    def __init__(self, attention: LimbAttention, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.atten_conv = attention
        self.res_branch = nn.Sequential(
            nn.BatchNorm3d(channels_out),
            nn.ReLU(inplace=False),
            nn.Conv3d(channels_out, channels_out, 3, padding=1),
            nn.BatchNorm3d(channels_out),
        )
        self.skip_con = nn.Sequential()
        if channels_in != channels_out:
            self.skip_con = nn.Sequential(
                nn.Conv3d(channels_in, channels_out, 1), nn.BatchNorm3d(channels_out)
            )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, channels_in, s, s, s) to (B, channels_out, s, s, s) and attention (B, J, s^3)."""
        mixed, attention = self.atten_conv(x)
        return functional.relu(self.res_branch(mixed) + self.skip_con(x)), attention


class AttentionEncoderDecoder(nn.Module):
    """Levels down and up, two as published, the attention in the middle.

    Args:
        width: Channels at full size.
        channels: On all other levels.
        attention: For the middle.
        levels: Halvings.
    """

    def __init__(self, width: int, channels: int, attention: LimbAttention, levels: int) -> None:
        super().__init__()
        self._levels = levels
        widths = (width, *[channels] * levels)
        # Assigned in the order of the released checkpoints.
        for level in range(1, levels + 1):
            self.add_module(f"encoder_res{level}", ResidualBlock(widths[level - 1], channels))
        self.mid_res = AttentionBlock(attention, channels, channels)
        for level in range(levels, 0, -1):
            self.add_module(f"decoder_res{level}", ResidualBlock(channels, channels))
            self.add_module(f"decoder_upsample{level}", UpsamplingBlock(channels, widths[level - 1]))
        for level in range(1, levels + 1):
            self.add_module(f"skip_res{level}", ResidualBlock(widths[level - 1], widths[level - 1]))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, width, S, S, S) to the same shape, and attention (B, J, s^3) of the coarsest level."""
        across = []
        for level in range(1, self._levels + 1):
            across.append(self.get_submodule(f"skip_res{level}")(x))
            x = self.get_submodule(f"encoder_res{level}")(halve(x))
        x, attention = self.mid_res(x)
        for level in range(self._levels, 0, -1):
            x = self.get_submodule(f"decoder_res{level}")(x)
            x = self.get_submodule(f"decoder_upsample{level}")(x) + across.pop()
        return x, attention


class V2VNet(nn.Module):
    """From a volume to one logit volume and one attention map per joint.

    Args:
        channels_in: Channels of the volume.
        joints: Number of joints.
        channels: Width in the middle, a multiple of ``joints``.
        attention: The attention of the middle.
        coarse: Take the widths for coarser volumes, and halve once instead of twice.
    """

    def __init__(
        self, channels_in: int, joints: int, channels: int, attention: LimbAttention, *, coarse: bool = False
    ) -> None:
        super().__init__()
        front, width, levels = (COARSE_FRONT, COARSE_WIDTH, 1) if coarse else (FRONT, WIDTH, 2)
        self.front_layers = nn.Sequential(BasicBlock(channels_in, front, 3), ResidualBlock(front, width))
        self.encoder_decoder = AttentionEncoderDecoder(width, channels, attention, levels)
        self.output_layer = nn.Conv3d(width, joints, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Small normal weights and zero bias for every convolution, as the published training starts."""
        for module in self.modules():
            if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
                nn.init.normal_(module.weight, std=0.001)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, volume: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and attention.

        Args:
            volume: (B, channels_in, S, S, S).

        Returns:
            (B, joints, S, S, S) and (B, joints, s^3).
        """
        x, attention = self.encoder_decoder(self.front_layers(volume))
        return cast(Tensor, self.output_layer(x)), attention


@dataclass(frozen=True)
class ContextPoseResult(VolumetricResult):
    """What ContextPose says about B people; see ``VolumetricResult``.

    Attributes:
        attention: (B, J, (S/4)^3), adds up to one over the coarse grid.
        attention_cuboid: Where the coarse grid is; ``attention_target`` takes it.
    """

    attention: Tensor
    attention_cuboid: Cuboid


class ContextPose(nn.Module):
    """Backbone, unprojection, 3D network with limb-aware attention, soft-argmax.

    Args:
        config: The architecture; the weights are random until a checkpoint is loaded.
        prior: Lengths of the limbs, which checkpoints do not contain.
    """

    def __init__(self, config: ContextPoseConfig, prior: LimbPrior) -> None:
        super().__init__()
        if config.joints != prior.joints:
            raise bad_input(f"the limb prior is of {prior.joints} joints", key="joints", value=config.joints)
        self.config = config
        self.backbone = build_volume_backbone(config)
        channels = config.joints
        if config.evidence:
            self.evidence = HeatmapEvidence()
        elif not config.from_heatmaps:
            freeze_final_layer(self.backbone)
            features = self.backbone.feature_channels
            self.process_features = nn.Sequential(nn.Conv2d(features, VOLUME_CHANNELS, 1))
            channels = VOLUME_CHANNELS
        wide = config.attention_channels
        attention = LimbAttention(
            wide,
            wide,
            prior,
            size=config.voxels // STEP,
            side_mm=config.side_mm,
            temperature=config.temperature,
        )
        self.volume_net = V2VNet(channels, config.joints, wide, attention, coarse=config.coarser > 1)
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
    ) -> ContextPoseResult:
        """Estimate B poses; arguments and errors as ``VolumetricTriangulation.forward``.

        The true pose is not among the arguments: the attention's target is ``attention_target`` of the
        result's ``attention_cuboid``.
        """
        check_views(images, projections, centres, present)
        config = self.config
        seen = look_at_views(self.backbone, images, present)
        cuboid = Cuboid.around(
            centres, config.side_mm, config.voxels, rotation=rotation, transfer=config.transfer
        )
        source, confidences = seen.heatmaps, None
        image, maps = images.shape[-2:], source.shape[-2:]
        projections = heatmap_projections(projections, (image[0], image[1]), (maps[0], maps[1]))
        if config.evidence:
            evidence = self.evidence(
                source, seen.alg_confidences, projections, cuboid, present, RULES[config.sampling]
            )
            change, attention = self.volume_net(coarser(evidence, config.coarser))
            logits = evidence + finer(change, config.coarser)
        else:
            if not config.from_heatmaps:
                source = reduce_features(self.process_features, seen.features)
            confidences = seen.vol_confidences
            if confidences is not None and config.aggregation == "conf_norm":
                confidences = normalised_confidences(confidences, present)
            volume = build_volume(source, projections, cuboid, config, confidences, present)
            logits, attention = self.volume_net(volume)
        read = read_joints(logits * config.multiplier, cuboid, softmax=config.softmax)
        return ContextPoseResult(
            read.joints,
            read.covariance,
            source,
            seen.heatmaps,
            read.volumes if keep_volumes else None,
            confidences,
            cuboid,
            attention,
            cuboid.coarse(STEP),
        )
