"""GridConv: lifting on a grid of joints.

Kang et al., 3D Human Pose Lifting with Grid Convolution, AAAI 2023. Names of parameters are those of the
published weights. Coordinates: 2D is ``(p - 500) / 500`` of a 1000 x 1000 picture, 3D is metres in the
camera's axes from the pelvis; joints are those of ``human36m_17``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from configs.loading import Config
from models.lifting.grid_convolution import (
    TAPS,
    DynamicGridConvolution,
    GridAttention,
    Padding,
    PlainGridConvolution,
)
from models.lifting.learnable_layout import InitialLayout, LayoutTraining, LearnableLayout
from models.lifting.semantic_grid import JOINTS, GridLayout

RELEASED_TEMPERATURE: Final = 30.0
"""A published network evaluates its weights at this attention temperature, whatever they were trained at."""
PADDING_BY_NAME: Final[dict[str, tuple[Padding, Padding]]] = {"hrnet_": ("c", "z"), "gt_": ("c", "r")}
"""Padding of the released weights by the start of the file's name; nothing else tells it."""


class GridConvConfig(Config):
    """What the network looks like, with all that its weights do not say."""

    convolution: Literal["plain", "dynamic"] = "dynamic"
    layout: Literal["handcrafted", "learnable"] = "handcrafted"
    grid_shape: tuple[int, int] = (5, 5)
    """Rows and columns."""
    channels: int = Field(256, ge=1)
    blocks: int = Field(2, ge=0)
    joints: int = Field(JOINTS, ge=1)
    padding: tuple[Padding, Padding] | None = None
    """Of the two branches of a dynamic convolution: c circular, z zeros, r nearest."""
    attention_temperature: float = Field(RELEASED_TEMPERATURE, gt=0.0)
    dropout: float = Field(0.25, ge=0.0, lt=1.0)
    """Share of channels set to zero in training."""
    assignment: tuple[tuple[int, ...], ...] | None = None
    """Joint of each cell of an own fixed layout; None is the published 5 x 5 one."""
    initial_layout: InitialLayout = "standard"
    layout_training: LayoutTraining = "straight_through"
    fills_missing: bool = False
    """Whether it has learnt from poses whose gaps were filled as ``missing_keypoints`` does."""

    @model_validator(mode="after")
    def _complete(self) -> GridConvConfig:
        if min(self.grid_shape) < 2:
            raise ValueError("grid_shape must be 2 x 2 at least")
        if self.convolution == "dynamic" and self.padding is None:
            raise ValueError(
                "dynamic weights fit every padding and do not say theirs; set padding, published are "
                "padding=[c,z] for HRNet keypoints and padding=[c,r] for ground truth"
            )
        if self.convolution == "plain" and self.layout == "learnable":
            raise ValueError("a learnable layout needs dynamic convolutions")
        published = self.grid_shape == (5, 5) and self.joints == JOINTS
        if self.layout == "handcrafted" and self.assignment is None and not published:
            raise ValueError("the published layout is for 17 joints on 5 x 5 cells; give an assignment")
        if self.layout == "learnable" and self.initial_layout != "random_prob" and not published:
            raise ValueError(
                "published layouts are for 17 joints on 5 x 5 cells; start with initial_layout=random_prob"
            )
        if (
            self.assignment is not None
            and GridLayout.of(self.assignment, self.joints).shape != self.grid_shape
        ):
            raise ValueError("assignment and grid_shape differ")
        return self


class GridBlock(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, config: GridConvConfig) -> None:
        super().__init__()
        self.w1 = _convolution(config, config.channels, config.channels)
        self.batch_norm1 = nn.BatchNorm2d(config.channels)
        self.w2 = _convolution(config, config.channels, config.channels)
        self.batch_norm2 = nn.BatchNorm2d(config.channels)
        if config.convolution == "dynamic":
            self.atten_conv1 = _attention(config, config.channels)
            self.atten_conv2 = _attention(config, config.channels)
        self.dropout = nn.Dropout2d(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H, W)."""
        y = _convolve(self.w1, x, getattr(self, "atten_conv1", None))
        y = self.dropout(functional.relu(self.batch_norm1(y)))
        y = _convolve(self.w2, y, getattr(self, "atten_conv2", None))
        out: Tensor = x + self.dropout(functional.relu(self.batch_norm2(y)))
        return out


class GridConv(nn.Module):
    """Keypoints to joints by convolutions on a grid."""

    to_grid: Tensor
    to_joints: Tensor

    def __init__(self, config: GridConvConfig) -> None:
        super().__init__()
        self.config = config
        dynamic = config.convolution == "dynamic"
        self.w1 = _convolution(config, 2, config.channels)
        self.batch_norm1 = nn.BatchNorm2d(config.channels)
        if dynamic:
            self.atten_conv1 = _attention(config, 2)
        self.linear_stages = nn.ModuleList(GridBlock(config) for _ in range(config.blocks))
        self.w2 = _convolution(config, config.channels, 3, bias=False)
        if dynamic:
            self.atten_conv2 = _attention(config, config.channels)
        self.dropout = nn.Dropout2d(config.dropout)
        if config.layout == "learnable":
            self.sgt_layer = LearnableLayout(
                config.grid_shape, config.joints, config.initial_layout, config.layout_training
            )
        else:
            fixed = GridLayout.handcrafted()
            if config.assignment is not None:
                fixed = GridLayout.of(config.assignment, config.joints)
            self.register_buffer("to_grid", torch.from_numpy(fixed.to_grid).float(), persistent=False)
            self.register_buffer("to_joints", torch.from_numpy(fixed.to_joints).float(), persistent=False)

    def forward(self, keypoints: Tensor, on_grid: bool = False) -> Tensor:
        """Lift poses.

        Args:
            keypoints: (B, J, 2) in units of half a picture from its middle.
            on_grid: They are (B, 2, H, W) already and the answer is (B, 3, H, W), as training compares it.

        Returns:
            (B, J, 3) metres; zero for a joint that has no cell.
        """
        if on_grid:
            return self.convolve(keypoints)
        if self.config.layout == "learnable":
            shares = self.sgt_layer.shares()
            return self.sgt_layer.read(shares, self.convolve(self.sgt_layer.grids(shares, keypoints)))
        return self.read(self.convolve(self.grids(keypoints)))

    def grids(self, joints: Tensor) -> Tensor:
        """(B, J, C) to (B, C, H, W) by the fixed layout; what is trained on it compares grids."""
        cells = (self.to_grid @ joints).mT
        return cells.reshape(*cells.shape[:2], *self.config.grid_shape)

    def read(self, grids: Tensor) -> Tensor:
        """(B, C, H, W) to (B, J, C) by the fixed layout."""
        return self.to_joints @ grids.flatten(2).mT

    def convolve(self, x: Tensor) -> Tensor:
        """The network on the grid: (B, 2, H, W) to (B, 3, H, W)."""
        y = _convolve(self.w1, x, getattr(self, "atten_conv1", None))
        y = self.dropout(functional.relu(self.batch_norm1(y)))
        for block in self.linear_stages:
            y = block(y)
        return _convolve(self.w2, y, getattr(self, "atten_conv2", None))

    def set_attention_temperature(self, temperature: float) -> None:
        """Of all attention maps."""
        for module in self.modules():
            if isinstance(module, GridAttention):
                module.temperature = temperature


def _convolution(config: GridConvConfig, inputs: int, outputs: int, bias: bool = True) -> nn.Module:
    if config.convolution == "plain":
        return PlainGridConvolution(inputs, outputs, bias)
    assert config.padding is not None
    return DynamicGridConvolution(inputs, outputs, config.grid_shape, config.padding, bias)


def _attention(config: GridConvConfig, inputs: int) -> GridAttention:
    return GridAttention(inputs, config.grid_shape, config.attention_temperature)


def _convolve(convolution: nn.Module, x: Tensor, attention: GridAttention | None) -> Tensor:
    out: Tensor = convolution(x) if attention is None else convolution(x, attention(x))
    return out


def settings_in(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Kind, layout and sizes that names and shapes in a file tell; nothing where they do not fit."""
    found: dict[str, Any] = {
        "layout": "learnable" if "sgt_layer.sgt_trans_mat" in state else "handcrafted",
        "blocks": len({name.split(".")[1] for name in state if name.startswith("linear_stages.")}),
    }
    for convolution, name in (("plain", "w1.donut_conv.weight"), ("dynamic", "w1.branch1_weight")):
        if name in state:
            found |= {"convolution": convolution, "channels": len(state[name])}
    scores = state.get("sgt_layer.sgt_trans_mat")
    if scores is not None and scores.ndim == 3:
        found["joints"] = scores.shape[2]
        if tuple(scores.shape[1:]) != (25, JOINTS):
            found["initial_layout"] = "random_prob"
    cells = len(state.get("atten_conv1.position_fc.bias", ())) // TAPS
    if cells == 25:
        found["grid_shape"] = (5, 5)
    return found if "convolution" in found else {}


def settings_by_name(stem: str) -> dict[str, Any]:
    """Padding of a released file by its name; nothing for any other."""
    for start, padding in PADDING_BY_NAME.items():
        if stem.startswith(f"{start}d-gridconv"):
            return {"padding": padding}
    return {}
