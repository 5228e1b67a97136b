"""The Simple 3D Pose Baseline: a small residual network of linear layers that lifts one 2D pose to 3D.

Martinez et al., A Simple yet Effective Baseline for 3D Human Pose Estimation, ICCV 2017. Names of
parameters are those of the published weights, names of settings are ours. The publication limits the norm
of every weight matrix to 1 (``weight_max_norm``); the weights most people have were trained without that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from configs.loading import Config
from models.lifting.statistics import PoseStatistics

ORIGINAL_EPSILON = 1e-3
"""Of batch normalisation in the authors' own release; everybody else uses 1e-5."""


class SimpleBaselineConfig(Config):
    """What the network looks like, and what its rows of numbers mean."""

    width: int = Field(1024, ge=1)
    stages: int = Field(2, ge=0)
    """Residual blocks of two layers each."""
    joints_in: int = Field(16, ge=1)
    """2D joints: 16 is human36m_17 without the nose, 17 is all of it."""
    joints_out: int = Field(16, ge=1)
    """3D joints: 16 is human36m_17 without the pelvis, which is the root, 17 is all of it."""
    dropout: float = Field(0.5, ge=0.0, lt=1.0)
    """Share of features set to zero in training."""
    weight_max_norm: bool = False
    """Scale every weight matrix down to the Frobenius norm 1 before it is used."""
    norm_epsilon: float = Field(1e-5, gt=0.0)
    """Of batch normalisation."""
    fills_missing: bool = False
    """Whether it has learnt from poses whose gaps were filled as ``missing_keypoints`` does."""
    statistics: PoseStatistics | None = None
    """What poses are normalised with. Weights do not contain it, and without it nobody can feed own poses."""


class ConstrainedLinear(nn.Linear):
    """A linear layer whose weights can be held at a norm of at most 1, in training and after."""

    def __init__(self, inputs: int, outputs: int, max_norm: bool) -> None:
        super().__init__(inputs, outputs)
        self.max_norm = max_norm
        nn.init.kaiming_normal_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) to (B, outputs)."""
        weight = self.weight
        if self.max_norm:
            weight = weight / weight.norm().clamp(min=1.0)
        return functional.linear(x, weight, self.bias)


class ResidualStage(nn.Module):
    """Two hidden layers and a way around them; nothing follows the sum."""

    def __init__(self, config: SimpleBaselineConfig) -> None:
        super().__init__()
        width = config.width
        self.w1 = ConstrainedLinear(width, width, config.weight_max_norm)
        self.batch_norm1 = nn.BatchNorm1d(width, config.norm_epsilon)
        self.w2 = ConstrainedLinear(width, width, config.weight_max_norm)
        self.batch_norm2 = nn.BatchNorm1d(width, config.norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width) to (B, width)."""
        y = self.dropout(functional.relu(self.batch_norm1(self.w1(x))))
        out: Tensor = x + self.dropout(functional.relu(self.batch_norm2(self.w2(y))))
        return out


class SimpleBaseline(nn.Module):
    """Normalised 2D coordinates to normalised 3D coordinates, see ``models.lifting.statistics``."""

    def __init__(self, config: SimpleBaselineConfig | None = None) -> None:
        super().__init__()
        self.config = config or SimpleBaselineConfig()
        width, limited = self.config.width, self.config.weight_max_norm
        self.w1 = ConstrainedLinear(2 * self.config.joints_in, width, limited)
        self.batch_norm1 = nn.BatchNorm1d(width, self.config.norm_epsilon)
        self.linear_stages = nn.ModuleList(ResidualStage(self.config) for _ in range(self.config.stages))
        self.w2 = ConstrainedLinear(width, 3 * self.config.joints_out, limited)
        self.dropout = nn.Dropout(self.config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Lift poses.

        Args:
            x: (B, 2 * joints_in) normalised, joint after joint.

        Returns:
            (B, 3 * joints_out) normalised.
        """
        y = self.dropout(functional.relu(self.batch_norm1(self.w1(x))))
        for stage in self.linear_stages:
            y = stage(y)
        out: Tensor = self.w2(y)
        return out


def settings_in(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Width, depth and joints that the shapes in a file tell; nothing where they do not fit."""
    first, last = state.get("w1.weight"), state.get("w2.weight")
    if first is None or last is None or first.ndim != 2 or last.ndim != 2:
        return {}
    stages = {name.split(".")[1] for name in state if name.startswith("linear_stages.")}
    return {
        "width": len(first),
        "stages": len(stages),
        "joints_in": first.shape[1] // 2,
        "joints_out": len(last) // 3,
    }
