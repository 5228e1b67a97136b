"""Training triangulation networks end to end, with the published losses.

Iskakov et al., Learnable Triangulation of Human Pose, ICCV 2019, section 3; Ma et al., Context Modeling in 3D
Human Pose Estimation, CVPR 2021, for the attention.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from configs.errors import bad_input
from configs.loading import Config, parse_config
from models.training.losses import absolute_error, joint_distance, smooth_squared_error, squared_error
from models.training.tasks.base import Batch, network_input, total_and_count
from models.triangulation.cuboid import Kind, vertical_rotation
from models.triangulation.volumetric_losses import attention_loss, attention_target, volumetric_cross_entropy

Criterion = Literal["MSE", "MSESmooth", "MAE"]


class CriterionSettings(Config):
    """How joints are compared."""

    criterion: Criterion = "MSESmooth"
    scale: float = Field(0.1, gt=0.0)
    """Factor on mm first."""
    smooth_from: float = Field(400.0, gt=0.0)
    """Of ``MSESmooth``: squared error in scaled units from which it flattens."""
    pelvis: tuple[int, ...] = Field((6,), min_length=1)
    """Joints whose mean is the pelvis."""


class VolumetricSettings(CriterionSettings):
    """What volumes are held against."""

    criterion: Criterion = "MAE"
    cross_entropy_weight: float = Field(0.01, ge=0.0)
    attention_weight: float = Field(0.0, ge=0.0)
    """Of ContextPose, whose authors take a million."""
    centre: Literal["predicted", "truth"] = "predicted"
    """Where the volume stands: round the pelvis of a first stage, or the true one."""
    centre_noise_mm: float = Field(0.0, ge=0.0)
    """Standard deviation of random shifts in training, against trust in a perfect first stage."""
    vertical: Kind = "mpii"
    """Which axis points up; volumes are turned about it at random in training."""


class AlgebraicTask:
    """Data: ``images``, ``projections``, ``present``, ``keypoints``, ``validity``."""

    monitor = "mpjpe_mm"

    def __init__(self, settings: Mapping[str, Any], *, source: str) -> None:
        self.settings = parse_config(CriterionSettings, settings, source=source)

    def losses(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """See ``Task``."""
        del progress
        found = network(network_input(batch["images"]), batch["projections"], batch["present"])
        validity = batch["validity"] * found.determined[..., None]
        loss = compare(found.keypoints_3d.float(), batch["keypoints"], validity, self.settings)
        return {"loss": loss, **_watched(found.keypoints_3d.float(), batch["keypoints"], validity)}

    def measure(self, network: nn.Module, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """See ``Task``: mean joint error, absolute and relative to the pelvis."""
        found = network(network_input(batch["images"]), batch["projections"], batch["present"])
        counted = (batch["validity"][..., 0] > 0) & found.determined
        return _errors(found.keypoints_3d.float(), batch["keypoints"], counted, self.settings.pelvis)


class VolumetricTask:
    """Volumetric triangulation and ContextPose.

    Data: as ``AlgebraicTask``, ``turn``, and ``predicted`` unless centres are true.
    """

    monitor = "mpjpe_mm"

    def __init__(self, settings: Mapping[str, Any], *, source: str) -> None:
        self.settings = parse_config(VolumetricSettings, settings, source=source)
        self._source = source

    def losses(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """See ``Task``."""
        del progress
        settings = self.settings
        centres = self._centres(batch)
        if settings.centre_noise_mm:
            centres = centres + settings.centre_noise_mm * torch.randn_like(centres)
        found = network(
            network_input(batch["images"]),
            batch["projections"],
            centres,
            batch["present"],
            vertical_rotation(settings.vertical, batch["turn"]),
            keep_volumes=True,
        )
        truth, validity = batch["keypoints"], batch["validity"]
        joints = found.joints.float()
        loss = compare(joints, truth, validity, settings)
        losses = _watched(joints, truth, validity)
        if settings.cross_entropy_weight:
            cross = volumetric_cross_entropy(found.volumes.float(), found.cuboid, truth, validity)
            losses["cross_entropy"] = cross
            loss = loss + settings.cross_entropy_weight * cross
        if settings.attention_weight:
            if not hasattr(found, "attention"):
                raise bad_input(
                    "only contextpose has an attention", file=self._source, key="attention_weight"
                )
            target = attention_target(found.attention_cuboid, truth)
            losses["attention"] = attention_loss(found.attention.float(), target)
            loss = loss + settings.attention_weight * losses["attention"]
        return {"loss": loss, **losses}

    def measure(self, network: nn.Module, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """See ``Task``: mean joint error, absolute and relative to the pelvis."""
        images = network_input(batch["images"])
        found = network(images, batch["projections"], self._centres(batch), batch["present"])
        counted = batch["validity"][..., 0] > 0
        return _errors(found.joints.float(), batch["keypoints"], counted, self.settings.pelvis)

    def _centres(self, batch: Batch) -> Tensor:
        """(B, 3) mm."""
        settings = self.settings
        if settings.centre == "predicted" and "predicted" not in batch:
            raise bad_input(
                "the data have no joints of a first stage",
                file=self._source,
                key="centre",
                value="predicted",
                hint="give the data a results.pkl under predictions, or take the truth",
            )
        joints = batch["predicted" if settings.centre == "predicted" else "keypoints"]
        return joints[:, list(settings.pelvis)].mean(dim=1)


def compare(prediction: Tensor, truth: Tensor, validity: Tensor, settings: CriterionSettings) -> Tensor:
    """The criterion on joints (B, J, 3) in mm."""
    scaled = prediction * settings.scale, truth * settings.scale, validity
    match settings.criterion:
        case "MSE":
            return squared_error(*scaled)
        case "MSESmooth":
            return smooth_squared_error(*scaled, threshold=settings.smooth_from)
        case "MAE":
            return absolute_error(*scaled)


@torch.no_grad()
def _watched(prediction: Tensor, truth: Tensor, validity: Tensor) -> dict[str, Tensor]:
    return {"mpjpe_mm": joint_distance(prediction, truth, validity)}


def _errors(
    prediction: Tensor, truth: Tensor, counted: Tensor, pelvis: tuple[int, ...]
) -> dict[str, tuple[Tensor, Tensor]]:
    middle = list(pelvis)
    shift = (prediction[:, middle] - truth[:, middle]).mean(dim=1, keepdim=True)
    return {
        "mpjpe_mm": total_and_count((prediction - truth).norm(dim=-1), counted),
        "relative_mm": total_and_count((prediction - shift - truth).norm(dim=-1), counted),
    }
