"""Training MeTRAbs: the shape of a person in space, its place in the picture, and how far away it stands.

Sarandi et al., MeTRAbs: Metric-Scale Truncation-Robust Heatmaps for Absolute 3D Human Pose Estimation, T-BIOM
2020, and Sarandi et al., Learning 3D Human Pose Estimation from Dozens of Datasets, WACV 2023, whose losses
and schedule these are. One batch holds people known in space and people labelled in the picture only; the
network sees them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from configs.errors import bad_input
from configs.loading import Config, parse_config
from models.evaluation.lifting import procrustes
from models.metrabs.absolute import project
from models.metrabs.crop_model import MetrabsCropModel
from models.metrabs.losses import MetrabsLosses
from models.training.tasks.base import Batch, total_and_count

NEAR_MM: Final = 150.0
"""Of PCK."""
_ROWS: Final = ("joints", "valid", "labels", "labelled", "intrinsics")
FEWEST: Final = 3
"""Joints that determine a similarity."""


class MetrabsTaskSettings(Config):
    """Weights of the losses, and when they begin."""

    picture_factor: float = Field(0.2, ge=0.0)
    """Of people labelled in the picture only."""
    absolute_factor: float = Field(0.1, ge=0.0)
    """Of where people are."""
    absolute_from: float = Field(0.0125, ge=0.0, le=1.0)
    """Share of the training before that: until shapes are about right, it would only disturb (published: step
    5000 of 400,000)."""
    weak_until: float = Field(0.00125, ge=0.0, le=1.0)
    """Share of the training with distances from the size alone, which is stable for any shape (step 500)."""
    kernel_norm: float | None = Field(20.0, gt=0.0)
    """Filters that grow beyond are scaled back before every step."""
    settled_steps: int = Field(1000, ge=0)
    """At the end, with the statistics of batch normalisation as they are then in use."""


class MetrabsTask:
    """Data as ``MetrabsData`` makes them."""

    monitor = "mpjpe_mm"

    def __init__(self, settings: Mapping[str, Any], *, source: str) -> None:
        self.settings = parse_config(MetrabsTaskSettings, settings, source=source)
        self._source = source

    def losses(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """See ``Task``."""
        settings = self.settings
        images = crops(batch["images"])
        # How much of a joint is where its heatmap says and how much where the pose says is drawn at random,
        # so that both must be right.
        mix = torch.rand(len(images), 1, 1, device=images.device)
        poses, _ = network(images, batch["intrinsics"], mix=mix, weak=progress < settings.weak_until)
        terms = self._terms(network)
        known = batch["valid"].any(dim=1)
        flat = batch["labelled"].any(dim=1)
        # Of nobody both are zero.
        parts = [{name: batch[name][rows] for name in _ROWS} for rows in (known, flat)]
        if self._bare(network).config.scale_recovery == "metro":
            space = terms.of_shape(poses[known], parts[0]["joints"], parts[0]["valid"])
            picture = terms.aligned_in_picture(
                poses[flat], parts[1]["labels"], parts[1]["labelled"], batch["label_joints"][0]
            )
        else:
            space = terms.with_depth(
                poses[known],
                parts[0]["joints"],
                parts[0]["intrinsics"],
                parts[0]["valid"],
                absolute=progress >= settings.absolute_from,
            )
            picture = terms.in_picture(
                poses[flat],
                parts[1]["labels"],
                parts[1]["intrinsics"],
                parts[1]["labelled"],
                batch["label_joints"][0],
            )
        loss = space + settings.picture_factor * picture
        losses = {"space": space, "picture": picture}
        with torch.no_grad():
            apart = centred(poses - batch["joints"], batch["valid"])
            count = batch["valid"].sum().clamp(1)
            losses["error_mm"] = (apart.norm(dim=-1) * batch["valid"]).sum() / count
        return {"loss": loss} | losses

    def measure(self, network: nn.Module, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """See ``Task``: of people known in space, with half of each joint from its heatmap, as in use.

        ``mpjpe_mm`` relative to the mean of the joints, ``pa_mpjpe_mm`` after a similarity, ``absolute_mm``
        from the camera, ``pck`` and ``absolute_pck`` the share of joints nearer than 150 mm, ``pixels``.
        MeTRo has the relative ones.
        """
        poses, _ = network(crops(batch["images"]), batch["intrinsics"])
        valid, truth = batch["valid"], batch["joints"]
        relative = centred(poses - truth, valid).norm(dim=-1)
        aligned = aligned_distances(poses, truth, valid)
        absolute = (poses - truth).norm(dim=-1)
        ahead = valid & (poses[..., 2] > 1.0) & (truth[..., 2] > 1.0)
        pixels = (project(poses, batch["intrinsics"]) - project(truth, batch["intrinsics"])).norm(dim=-1)
        figures = {
            "mpjpe_mm": total_and_count(relative, valid),
            "pa_mpjpe_mm": total_and_count(aligned, valid & aligned.isfinite()),
            "pck": total_and_count((relative < NEAR_MM).float(), valid),
        }
        if self._bare(network).config.scale_recovery == "metro":
            return figures
        return figures | {
            "absolute_mm": total_and_count(absolute, valid),
            "absolute_pck": total_and_count((absolute < NEAR_MM).float(), valid),
            "pixels": total_and_count(pixels, ahead),
        }

    def begin_step(self, network: nn.Module, step: int, steps: int, steps_per_epoch: int) -> None:
        """See ``ChangesNetwork``."""
        del steps_per_epoch
        inner = self._bare(network)
        inner.frozen_statistics = step >= steps - self.settings.settled_steps
        limit = self.settings.kernel_norm
        if limit is None:
            return
        with torch.no_grad():
            for parameter in inner.parameters():
                if parameter.ndim == 4:
                    norm = parameter.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
                    parameter.mul_((limit / norm.clamp_min(limit)).clamp_max(1.0))

    def settings_now(self, network: nn.Module, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing changes."""
        del network
        return dict(settings)

    def _terms(self, network: nn.Module) -> MetrabsLosses:
        config = self._bare(network).config
        return MetrabsLosses(
            config.proc_side, config.box_size_mm, self.settings.absolute_factor, config.centered_stride
        )

    def _bare(self, network: nn.Module) -> MetrabsCropModel:
        """The network itself where several processes train a copy of it each."""
        inner = getattr(network, "module", network)
        if not isinstance(inner, MetrabsCropModel):
            raise bad_input(
                "trains a MetrabsCropModel", file=self._source, key="task.type", hint="change network.kind"
            )
        return inner


def crops(images: Tensor) -> Tensor:
    """(B, 3, P, P) in [0, 1] from (B, P, P, 3) uint8; channels last in memory, as convolutions like them."""
    return (images.float() * (1.0 / 255.0)).movedim(-1, 1)


def centred(values: Tensor, valid: Tensor) -> Tensor:
    """(B, J, 3) less its mean over the valid joints (B, J)."""
    weight = valid[..., None].to(values.dtype)
    mean = (values * weight).sum(dim=1, keepdim=True) / weight.sum(dim=1, keepdim=True).clamp_min(1.0)
    return values - mean


def aligned_distances(poses: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """(B, J) mm between poses and truth (B, J, 3) after the best similarity over the valid joints, else 0."""
    result = torch.zeros(valid.shape, dtype=torch.float64)
    for row in range(len(poses)):
        known = valid[row].cpu()
        if int(known.sum()) < FEWEST:
            result[row, known] = torch.nan
            continue
        found, wanted = (each[row].detach().double().cpu()[known].numpy()[None] for each in (poses, truth))
        apart = np.linalg.norm(procrustes(found, wanted).points - wanted, axis=-1)[0]
        result[row, known] = torch.from_numpy(apart)
    return result.to(poses.device)
