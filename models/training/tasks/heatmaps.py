"""Training a backbone by itself: where each joint is in a crop, and how far off that may be.

Heatmaps are read by their softmax. It is held against a Gaussian at the true place by cross-entropy, and its
expectation against the place itself (Sun et al., Integral Human Pose Regression, ECCV 2018). Confidences
learn by the likelihood of the distance under a Laplace distribution whose width is ``nearest_px`` over the
confidence: rows of a linear triangulation should be weighted by the inverse of their error, and that is what
they become. The distance itself learns nothing from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from configs.loading import Config, parse_config
from models.checkpoints.architectures import SKELETONS_BY_JOINTS
from models.skeletons import get_skeleton
from models.training.tasks.base import Batch, network_input, projected, total_and_count
from models.triangulation.algebraic import triangulate_heatmaps
from models.triangulation.soft_argmax import soft_argmax_2d


class HeatmapSettings(Config):
    """Weights of the parts of the loss."""

    sharpness: float = Field(1.0, gt=0.0)
    """Heatmaps are multiplied by it before their softmax."""
    width_cells: float = Field(1.0, gt=0.0)
    """Standard deviation of the Gaussian, cells of the heatmap."""
    hidden_weight: float = Field(0.5, ge=0.0)
    """Of joints that cannot be seen but lie within the crop."""
    place_weight: float = Field(0.5, ge=0.0)
    confidence_weight: float = Field(0.1, ge=0.0)
    facing_weight: float = Field(1.0, ge=0.0)
    """Of the direction to a person's left, for networks that say it: left and right hang on it."""
    nearest_px: float = Field(1.0, gt=0.0)
    """Error in px of the crop of a joint that is believed fully."""


class HeatmapTask:
    """Data: ``images``, ``projections``, ``present``, ``keypoints``, ``validity``; ``visible`` if known.

    People whom ``flat`` (B,) marks are known in the picture only.
    """

    monitor = "error_px"

    def __init__(self, settings: Mapping[str, Any], *, source: str) -> None:
        self.settings = parse_config(HeatmapSettings, settings, source=source)

    def losses(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """See ``Task``."""
        del progress
        settings = self.settings
        images = network_input(batch["images"])
        truth, inside, weight = self._targets(batch, images.shape[-1])
        out = network(images.flatten(0, 1))
        heatmaps = out.heatmaps.float().unflatten(0, images.shape[:2]) * settings.sharpness
        cell = images.shape[-1] / heatmaps.shape[-1]
        log_probability = heatmaps.flatten(-2).log_softmax(dim=-1)
        target = gaussians(truth / cell, heatmaps.shape[-2], heatmaps.shape[-1], settings.width_cells)
        cross = -(target.flatten(-2) * log_probability).sum(dim=-1)
        place = soft_argmax_2d(heatmaps).coordinates
        apart = (place - truth / cell).abs().sum(dim=-1)
        # by the number of all joints, so that the halves of a batch average to the whole of it
        total = weight.numel()
        losses = {
            "heatmap": (cross * weight).sum() / total,
            "place": (apart * weight).sum() / total,
        }
        loss = losses["heatmap"] + settings.place_weight * losses["place"]
        if out.alg_confidences is not None:
            confidence = out.alg_confidences.float().unflatten(0, images.shape[:2])
            distance = (place.detach() * cell - truth).norm(dim=-1)
            surprise = confidence * distance / settings.nearest_px - confidence.clamp(min=1e-6).log()
            counted = inside | (batch["present"][..., None] & (batch["validity"][:, None, :, 0] > 0))
            losses["confidence"] = (surprise * counted).sum() / total
            loss = loss + settings.confidence_weight * losses["confidence"]
        if out.facing is not None and settings.facing_weight:
            facing, known = left_of_people(batch)
            missed = (out.facing.float().unflatten(0, images.shape[:2]) - facing).square().sum(dim=-1)
            losses["facing"] = (missed * known).sum() / known.numel()
            loss = loss + settings.facing_weight * losses["facing"]
        with torch.no_grad():
            losses["error_px"] = ((place * cell - truth).norm(dim=-1) * inside).sum() / inside.sum().clamp(1)
        return {"loss": loss} | losses

    def measure(self, network: nn.Module, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """See ``Task``: pixels of visible joints, and mm after triangulation with and without confidences."""
        images = network_input(batch["images"])
        truth, inside, _ = self._targets(batch, images.shape[-1])
        visible = inside & batch["visible"] if "visible" in batch else inside
        out = network(images.flatten(0, 1))
        heatmaps = out.heatmaps.float().unflatten(0, images.shape[:2])
        place = soft_argmax_2d(heatmaps * self.settings.sharpness).coordinates
        distance = (place * (images.shape[-1] / heatmaps.shape[-1]) - truth).norm(dim=-1)
        figures = {
            "error_px": total_and_count(distance, visible),
            "error_hidden_px": total_and_count(distance, inside & ~visible),
            "within_5_percent": total_and_count((distance < 0.05 * images.shape[-1]).float(), visible),
        }
        shape = (images.shape[-2], images.shape[-1])
        if images.shape[1] < 2:
            return figures
        confidences = out.alg_confidences
        if confidences is not None:
            confidences = confidences.float().unflatten(0, images.shape[:2])
        for name, trust in (("mpjpe_mm", confidences), ("mpjpe_unweighted_mm", None)):
            found = triangulate_heatmaps(
                heatmaps,
                trust,
                batch["projections"],
                batch["present"],
                image_shape=shape,
                multiplier=self.settings.sharpness,
            )
            apart = (found.keypoints_3d - batch["keypoints"]).norm(dim=-1)
            figures[name] = total_and_count(apart, found.determined & (batch["validity"][..., 0] > 0))
        return figures

    def _targets(self, batch: Batch, width: int) -> tuple[Tensor, Tensor, Tensor]:
        """True px (B, V, J, 2), which of them lie in the crop (B, V, J), and what each counts (B, V, J)."""
        truth, depth = projected(batch["keypoints"], batch["projections"])
        known = batch["present"][..., None] & (batch["validity"][:, None, :, 0] > 0) & (depth > 0)
        inside = known & ((truth > -0.5) & (truth < width - 0.5)).all(dim=-1)
        weight = inside.float()
        if "visible" in batch:
            weight = torch.where(batch["visible"], weight, weight * self.settings.hidden_weight)
        return truth, inside, weight


def left_of_people(batch: Batch) -> tuple[Tensor, Tensor]:
    """Where the left of each person is, seen by each camera.

    Args:
        batch: As ``HeatmapTask`` takes it, with the joints of a skeleton that has shoulders and hips.

    Returns:
        (B, V, 2) unit vectors from right shoulder and hip to the left ones: along the rows of the picture,
        and away from the camera; (B, V) whether all four are known and the view is there.
    """
    joints = get_skeleton(SKELETONS_BY_JOINTS[batch["keypoints"].shape[1]]).joints
    left, right = (
        [joints.index(f"{side}_{part}") for part in ("shoulder", "hip")] for side in ("left", "right")
    )
    points = batch["keypoints"].double()
    across = points[:, left].sum(dim=1) - points[:, right].sum(dim=1)
    matrix = batch["projections"].double()[..., :3]
    away = torch.nn.functional.normalize(matrix[..., 2, :], dim=-1)
    along_rows = matrix[..., 0, :] - (matrix[..., 0, :] * away).sum(dim=-1, keepdim=True) * away
    along = torch.nn.functional.normalize(along_rows, dim=-1)
    seen = torch.stack([(axis * across[:, None]).sum(dim=-1) for axis in (along, away)], dim=-1)
    validity = (batch["validity"][:, [*left, *right], 0] > 0).all(dim=1)
    if "flat" in batch:  # nobody knows who of them looks where
        validity = validity & ~batch["flat"]
    return torch.nn.functional.normalize(seen, dim=-1).float(), validity[:, None] & batch["present"]


def gaussians(places: Tensor, rows: int, columns: int, width: float) -> Tensor:
    """Maps (..., rows, columns) that add up to one, about ``places`` (..., 2) in cells; far outside, flat."""

    def along(position: Tensor, count: int) -> Tensor:
        steps = torch.arange(count, dtype=position.dtype, device=position.device)
        return (-((steps - position[..., None]) ** 2) / (2 * width**2)).softmax(dim=-1)

    return along(places[..., 1], rows)[..., :, None] * along(places[..., 0], columns)[..., None, :]
