"""What a learned triangulation promises to the pipeline: crops of several views in, poses in world out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.loading import Config
from models.crops.cropper import ChannelStatistics, Crops
from models.crops.view_crop import Alignment
from models.skeleton import Skeleton

Floats = NDArray[np.float64]

UNTRAINED = "untrained"
UNTRAINED_LABEL = "untrained network: positions mean nothing"


class NetworkConfig(Config):
    """Settings that all learned triangulations share."""

    weights: str = UNTRAINED
    """A file (.pth, .safetensors), the name of an imported network, or ``untrained``."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of the architecture (layers, style, ...), where neither a card nor the names in the file tell them."""
    crop_px: int = Field(384, ge=64, le=1024, multiple_of=32)
    """Width and height of a person's crop."""
    alignment: Alignment = "published"
    statistics: ChannelStatistics = "published"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` takes the GPU when torch sees one; ``cuda`` never falls back."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    runtime: Literal["torch", "openvino"] = "torch"
    """What runs the convolutions on a CPU."""


@dataclass(frozen=True)
class MultiviewPoses:
    """Poses of P people from V views.

    Attributes:
        joints: (P, J, 3) mm in world, NaN where missing.
        scores: (P, J) in [0, 1], 0 where missing.
        covariance: (P, J, 3, 3) mm^2 in world, NaN where missing.
        points: (P, V, J, 2) px of the crop, as its camera counts them; NaN where the view is missing.
        point_scores: (P, V, J) in [0, 1], 0 where the view is missing.
        trusted: (P,) whether the pose agrees with its own evidence well enough to be followed into the next
            picture without looking for the person again.
        stage_ms: Time per stage inside the network; empty on devices that would have to be waited for.
    """

    joints: Floats
    scores: Floats
    covariance: Floats
    points: Floats
    point_scores: Floats
    trusted: NDArray[np.bool_]
    stage_ms: dict[str, float]


class MultiviewPredictor(Protocol):
    """A network with its weights on a device. Stateless between calls."""

    config: Any
    """Its settings; a ``NetworkConfig``."""
    skeleton: Skeleton
    name: str
    """What is written into the take."""
    hashes: dict[str, str]
    """SHA-256 of every weights file in use, by file name; empty when there are none."""
    device: str
    needs_centre: bool
    """Whether it must be told where each person's pelvis is."""

    def __call__(self, crops: Crops, present: NDArray[np.bool_], centres: Floats | None) -> MultiviewPoses:
        """Estimate poses.

        Args:
            crops: One crop for each present view, people first, views in order.
            present: (P, V) which views show which person.
            centres: (P, 3) mm in world, the pelvis of each; needed where ``needs_centre``.
        """
        ...
