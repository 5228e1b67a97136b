"""MeTRAbs on crops of single people: backbone, heads, absolute reconstruction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from configs.loading import Config
from models.backbones.efficientnet_v2 import STAGES, STRIDE, Size, efficientnet_v2
from models.metrabs.absolute import absolute_pose, in_view, normalised_points
from models.metrabs.heads import HeatmapReading, HeatmapScale, MetrabsHeads


class MetrabsConfig(Config):
    """Settings of the crop network.

    Attributes:
        proc_side: Width and height of crops, px.
        efficientnet_size: Backbone.
        points: What the heads predict: joints, or latent points and perhaps joints behind them.
        depth: Cells of the volume along z.
        box_size_mm: Extent of the volume.
        centered_stride: See ``efficientnet_v2``.
        legacy_centered_stride_bug: See ``HeatmapScale.legacy_offset``.
        weak_perspective: Find the distance from the size alone.
        mix_3d_inside_fov: See ``absolute_pose``.
        scale_recovery: ``metrabs`` says where a person is; ``metro`` (MeTRo) the shape alone, about the mean
            of its joints, from the volume.
        joint_names: What the points are called, in networks of our own training; empty where a file beside
            the weights says it.
        edges: Bones between them.
    """

    proc_side: int = Field(256, ge=STRIDE, multiple_of=STRIDE)
    efficientnet_size: Size = "s"
    points: int = Field(24, ge=1)
    depth: int = Field(8, ge=1)
    box_size_mm: float = Field(2200.0, gt=0.0)
    centered_stride: bool = True
    legacy_centered_stride_bug: bool = False
    weak_perspective: bool = False
    mix_3d_inside_fov: float | None = Field(0.5, ge=0.0, le=1.0)
    scale_recovery: Literal["metrabs", "metro"] = "metrabs"
    joint_names: tuple[str, ...] = ()
    edges: tuple[tuple[int, int], ...] = ()

    @model_validator(mode="after")
    def _names_fit(self) -> MetrabsConfig:
        if self.joint_names and len(self.joint_names) != self.points:
            raise ValueError(f"{len(self.joint_names)} joint_names for {self.points} points")
        if any(not 0 <= joint < self.points for edge in self.edges for joint in edge):
            raise ValueError("an edge names a joint that is not there")
        return self


class MetrabsCropModel(nn.Module):
    """Crops to absolute poses in the frame of the crop's camera.

    Names, order and shapes of the parameters are those of the released PyTorch weights.

    Args:
        config: See there.
        decoder: (L, J) columns that sum to 1, for heads that predict L latent points first: joints are
            mixtures of these. None where heads predict joints.
    """

    decoder: Tensor | None

    def __init__(self, config: MetrabsConfig, decoder: Tensor | None = None) -> None:
        super().__init__()
        self.config = config
        self.backbone = efficientnet_v2(config.efficientnet_size, centered_stride=config.centered_stride)
        self.heatmap_heads = MetrabsHeads(config.points, config.depth)
        self.scale = HeatmapScale(
            config.proc_side,
            STRIDE,
            config.box_size_mm,
            config.centered_stride,
            config.legacy_centered_stride_bug,
        )
        # Not among the entries of a file: the released ones keep it beside the weights.
        self.register_buffer("decoder", decoder, persistent=False)
        self.frozen_statistics = False
        """Batch normalisation keeps its statistics in training, too."""

    @property
    def joints(self) -> int:
        """Joints of a pose."""
        return self.config.points if self.decoder is None else self.decoder.shape[1]

    def train(self, mode: bool = True) -> MetrabsCropModel:
        """See ``nn.Module``; mind ``frozen_statistics``."""
        super().train(mode)
        if mode and self.frozen_statistics:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def forward(
        self,
        images: Tensor,
        intrinsics: Tensor,
        mix: Tensor | None = None,
        weak: bool | None = None,
    ) -> tuple[Tensor, Tensor]:
        """(N, 3, P, P) RGB in [0, 1] and (N, 3, 3) intrinsics to (N, J, 3) mm and (N, J) confidences.

        The confidence is how peaked the flat heatmap is, see ``HeatmapReading``. It is no probability of
        being right.

        Args:
            images: See above.
            intrinsics: See above.
            mix: (N, 1, 1) instead of ``mix_3d_inside_fov``, for training.
            weak: Instead of ``weak_perspective``, for training.
        """
        reading = self.read(images)
        return self.absolute(reading, intrinsics, mix, weak), self.confidence(reading)

    def read(self, images: Tensor) -> HeatmapReading:
        """What the heads say."""
        reading: HeatmapReading = self.heatmap_heads(self.backbone(images), self.scale)
        return reading

    def in_view(self, pixels: Tensor) -> Tensor:
        """(..., 2) px of the crop to (...) bool: where the flat heatmap can be trusted."""
        side, centered = self.config.proc_side, self.config.centered_stride
        return in_view(pixels, side, STRIDE, centered=centered)

    def absolute(
        self,
        reading: HeatmapReading,
        intrinsics: Tensor,
        mix: Tensor | None = None,
        weak: bool | None = None,
    ) -> Tensor:
        """(N, J, 3) mm in the frame of the crop's camera; of MeTRo about the mean joint. See ``forward``."""
        config = self.config
        if config.scale_recovery == "metro":
            return reading.metric - reading.metric.mean(dim=1, keepdim=True)
        points = normalised_points(reading.pixels, intrinsics)
        seen = self.in_view(reading.pixels)
        share = config.mix_3d_inside_fov if mix is None else mix
        flat = config.weak_perspective if weak is None else weak
        poses = absolute_pose(points, reading.metric, seen, share, weak=flat)
        if self.decoder is None:
            return poses
        return torch.einsum("nlc,lj->njc", poses[:, : len(self.decoder)], self.decoder)

    def confidence(self, reading: HeatmapReading) -> Tensor:
        """(N, J); a joint of latent points has the mean of theirs, weighted by how much they matter."""
        if self.decoder is None:
            return reading.peak
        weight = self.decoder.abs()
        return reading.peak[:, : len(weight)] @ (weight / weight.sum(dim=0))


def settings_in(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """What names and shapes in a file of weights tell; nothing where they do not fit.

    Neither the side of the crops nor the kind of stride leaves a trace in the weights: those must be given.
    """
    found: dict[str, Any] = {}
    stem = state.get("backbone.1.0.0.weight")
    stages = {name.split(".")[2] for name in state if name.startswith("backbone.1.") and ".block." in name}
    sizes: dict[tuple[int, int], Size] = {
        (size_stages[0].outputs, len(size_stages)): size for size, size_stages in STAGES.items()
    }
    if stem is not None and (len(stem), len(stages)) in sizes:
        found["efficientnet_size"] = sizes[len(stem), len(stages)]
    final = state.get("heatmap_heads.conv_final.bias")
    maps = 1 + int(MetrabsConfig.model_fields["depth"].default)
    if final is not None and len(final) % maps == 0:
        found["points"] = len(final) // maps
    return found
