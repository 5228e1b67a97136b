"""Training the lifting networks as their publications did.

Martinez et al., A Simple yet Effective Baseline for 3D Human Pose Estimation, ICCV 2017: mean squared error
of normalised coordinates. Kang et al., 3D Human Pose Lifting with Grid Convolution, AAAI 2023: an error over
the cells of the grid, with an attention that starts out even.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from configs.errors import bad_input
from configs.loading import Config, parse_config
from models.datasets.lifting_samples import MM_PER_M, PICTURE_HALF_PX
from models.evaluation.lifting import procrustes
from models.lifting.gridconv import GridConv
from models.lifting.keypoint_order import TARGET
from models.lifting.simple_baseline import SimpleBaseline
from models.lifting.statistics import WITHOUT_NOSE, WITHOUT_PELVIS
from models.training.lifting_losses import LIFTING_LOSSES
from models.training.schedules import attention_temperature, gumbel_temperature
from models.training.tasks.base import Batch

Network = TypeVar("Network", bound=nn.Module)


class BaselineSettings(Config):
    """None: the loss of the publication has no numbers."""


class GridSettings(Config):
    """How grids are compared, and what changes by the epoch."""

    loss: Literal["l2", "l1", "sqrtl2"] = "l2"
    highest_temperature: float = Field(30.0, ge=1.0)
    """Of the attention at the start; 1 keeps it at 1."""
    temperature_epochs: int = Field(10, ge=1)
    """How long it falls."""
    frozen_layout_epochs: int = Field(0, ge=0)
    """First epochs during which a learnable layout stays as it is."""
    scarcity_weight: float = Field(0.0, ge=0.0)
    """Of the penalty for joints that are about to lose their last cell."""


class SimpleBaselineTask:
    """Data: ``rows_2d`` (B, 32), ``rows_3d`` (B, 48) normalised, ``mean_3d`` and ``std_3d`` (B, 48) mm.

    Or ``keypoints`` and ``joints`` as ``GridConvTask``, where the network knows the statistics.
    """

    monitor = "mpjpe_mm"

    def __init__(self, settings: Mapping[str, Any], *, source: str) -> None:
        self.settings = parse_config(BaselineSettings, settings, source=source)
        self._source = source

    def losses(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """See ``Task``."""
        del progress
        given, wanted, _, _ = self._rows(network, batch)
        return {"loss": LIFTING_LOSSES["l2"](network(given).float(), wanted)}

    def measure(self, network: nn.Module, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """See ``Task``: Protocols #1 and #2 in mm over 17 joints, the pelvis of both at the origin."""
        given, wanted, mean, std = self._rows(network, batch)
        found = network(given).float() * std + mean
        return protocol_errors(_seventeen(found), _seventeen(wanted * std + mean))

    def _rows(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Normalised in (B, d) and out (B, e); mean and deviation of what comes out, mm."""
        if "rows_2d" in batch:
            return batch["rows_2d"], batch["rows_3d"], batch["mean_3d"], batch["std_3d"]
        config = _bare(network, SimpleBaseline, self._source).config
        statistics = config.statistics
        if statistics is None:
            raise bad_input(
                "the network must know what poses are normalised with",
                file=self._source,
                key="network.settings.statistics",
                hint="take data that tell it",
            )
        keypoints, joints = batch["keypoints"], batch["joints"]
        if config.joints_in == len(WITHOUT_NOSE):
            keypoints = keypoints[:, list(WITHOUT_NOSE)]
        if config.joints_out == len(WITHOUT_PELVIS):
            joints = joints[:, list(WITHOUT_PELVIS)]
        mean_2d, std_2d, mean_3d, std_3d = (
            keypoints.new_tensor(values)
            for values in (statistics.mean_2d, statistics.std_2d, statistics.mean_3d, statistics.std_3d)
        )
        pixels = (keypoints * PICTURE_HALF_PX + PICTURE_HALF_PX).flatten(1)
        given = (pixels - mean_2d) / std_2d
        return given, (joints.flatten(1) * MM_PER_M - mean_3d) / std_3d, mean_3d, std_3d


class GridConvTask:
    """Data: ``keypoints`` (B, 17, 2) halves of a picture from its middle, ``joints`` (B, 17, 3) metres."""

    monitor = "mpjpe_mm"

    def __init__(self, settings: Mapping[str, Any], *, source: str) -> None:
        self.settings = parse_config(GridSettings, settings, source=source)
        self._source = source

    def begin_step(self, network: nn.Module, step: int, steps: int, steps_per_epoch: int) -> None:
        """Temperatures of attention and layout, and whether the layout is still frozen."""
        settings, grid = self.settings, _bare(network, GridConv, self._source)
        # The published program leaves the temperature where the last falling step put it.
        falling = min(step, settings.temperature_epochs * steps_per_epoch - 1)
        grid.set_attention_temperature(
            attention_temperature(
                *divmod(falling, steps_per_epoch),
                steps_per_epoch,
                highest=settings.highest_temperature,
                epochs=settings.temperature_epochs,
            )
        )
        if grid.config.layout == "learnable":
            layout = grid.sgt_layer
            layout.frozen = step < settings.frozen_layout_epochs * steps_per_epoch
            layout.noise_temperature = gumbel_temperature(step / steps)
            if not layout.frozen and grid.config.layout_training != "frozen":
                layout.repair()

    def settings_now(self, network: nn.Module, settings: Mapping[str, Any]) -> dict[str, Any]:
        """With the temperature that evaluation needs, which weights do not contain."""
        grid = _bare(network, GridConv, self._source)
        if grid.config.convolution == "plain":
            return dict(settings)
        return {**settings, "attention_temperature": grid.atten_conv1.temperature}

    def losses(self, network: nn.Module, batch: Batch, progress: float) -> dict[str, Tensor]:
        """See ``Task``. A fixed layout is compared cell by cell, so that a joint counts once for each."""
        del progress
        grid = _bare(network, GridConv, self._source)
        compare = LIFTING_LOSSES[self.settings.loss]
        if grid.config.layout == "handcrafted":
            found = network(grid.grids(batch["keypoints"]), on_grid=True).float()
            return {"loss": compare(found, grid.grids(batch["joints"]))}
        loss = compare(network(batch["keypoints"]).float(), batch["joints"])
        if not self.settings.scarcity_weight:
            return {"loss": loss}
        scarcity = grid.sgt_layer.scarcity()
        return {"loss": loss + self.settings.scarcity_weight * scarcity, "scarcity": scarcity}

    def measure(self, network: nn.Module, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """See ``Task``: Protocols #1 and #2 in mm over 17 joints, as the network says them."""
        found = network(batch["keypoints"]).float()
        return protocol_errors(found * MM_PER_M, batch["joints"] * MM_PER_M)


def protocol_errors(found: Tensor, truth: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Sums and counts of ``mpjpe_mm`` and ``pa_mpjpe_mm`` over poses (B, 17, 3) in mm."""
    mm = [each.detach().double().cpu().numpy() for each in (found, truth)]
    distances = np.linalg.norm(mm[0] - mm[1], axis=2)
    aligned = np.linalg.norm(procrustes(mm[0], mm[1]).points - mm[1], axis=2)
    count = torch.tensor(float(distances.size), dtype=torch.float64)
    return {
        "mpjpe_mm": (torch.tensor(distances.sum()), count),
        "pa_mpjpe_mm": (torch.tensor(aligned.sum()), count),
    }


def _seventeen(rows: Tensor) -> Tensor:
    """(B, 17, 3) from rows of 16 or 17 joints; a pelvis that is not said is the origin."""
    joints = rows.view(len(rows), -1, 3)
    if joints.shape[1] == len(TARGET):
        return joints
    return torch.cat([torch.zeros_like(joints[:, :1]), joints], dim=1)


def _bare(network: nn.Module, kind: type[Network], source: str) -> Network:
    """The network itself where several processes train a copy of it each."""
    inner = getattr(network, "module", network)
    if not isinstance(inner, kind):
        raise bad_input(f"trains a {kind.__name__}", file=source, key="task.type", hint="change network.kind")
    return inner
