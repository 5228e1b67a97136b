"""Keypoints of one camera to a pose by a lifting network, placed in metres."""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from calibration.camera import Camera
from configs.loading import Config
from models.lifting.keypoint_order import TARGET, to_human36m
from models.lifting.predictor import UNTRAINED, LiftingConfig, LiftingPredictor
from models.lifting.virtual_camera import CENTRE_PX, FOCAL_PX, to_virtual
from models.monocular.base import MonocularPose, on_lines_of_sight
from models.monocular.uncertainty import Uncertainty
from models.skeleton import Skeleton

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]


_UNTRAINED_SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "simple_baseline": {
        "statistics": {
            "mean_2d": [CENTRE_PX] * 32,
            "std_2d": [100.0] * 32,
            "mean_3d": [0.0] * 48,
            "std_3d": [300.0] * 48,
        }
    },
    "gridconv": {"padding": ["c", "z"]},
}
"""What trained weights bring with them."""


class LifterConfig(Config):
    """Which weights, and how far to believe them."""

    weights: str = UNTRAINED
    """A file (.pth, .safetensors), the name of an imported or shipped network, or ``untrained``."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of the network, where neither a card nor the names in the file tell them."""
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    threads: int = Field(1, ge=1, le=64)
    """Of torch, in this process: one pose is too little work to share."""
    uncertainty: Uncertainty = Field(default_factory=Uncertainty)


class Lifter:
    """A lifting network for one person at a time.

    The network says the shape of the body. Where the body stands follows from its size: the place from which
    its joints are seen where the keypoints are, in the sense of least squares.

    Args:
        config: Settings.
        skeleton: Of the keypoints.
        source: Of the settings, for messages.

    Raises:
        BadInputError: See ``LiftingPredictor``.
    """

    Config: ClassVar[type[LifterConfig]] = LifterConfig
    kind: ClassVar[Literal["simple_baseline", "gridconv"]]
    needs_image = False

    def __init__(self, config: LifterConfig, skeleton: Skeleton, *, source: str = "monocular") -> None:
        import torch

        torch.set_num_threads(config.threads)
        settings = config.settings
        if config.weights == UNTRAINED:
            settings = {**_UNTRAINED_SETTINGS[self.kind], **settings}
        known = LiftingConfig(weights=config.weights, kind=self.kind, settings=settings, device=config.device)
        self._predictor = LiftingPredictor(known, source=source)
        self._keypoints = skeleton
        self.skeleton = TARGET
        self.name, self.hashes = self._predictor.name, self._predictor.hashes
        self.device = self._predictor.device
        self.uncertainty = config.uncertainty

    def __call__(
        self, image: Image | None, camera: Camera, keypoints: Floats, scores: Floats
    ) -> MonocularPose:
        """See ``MonocularModel``; the picture is not looked at."""
        virtual, trusted = to_human36m(to_virtual(camera, keypoints[None]), scores[None], self._keypoints)
        lifted = self._predictor.lift(virtual, trusted, camera)
        joints = lifted.joints[0] @ camera.R.T + camera.t
        pose = MonocularPose(joints, lifted.scores[0], np.zeros(len(joints), np.bool_))
        sights = np.where(trusted[0, :, None] > 0.0, (virtual[0] - CENTRE_PX) / FOCAL_PX, np.nan)
        return on_lines_of_sight(pose, sights)


class SimpleBaselineLifter(Lifter):
    """Martinez et al., A simple yet effective baseline for 3d human pose estimation, ICCV 2017."""

    kind = "simple_baseline"


class GridConvLifter(Lifter):
    """Kang et al., 3D Human Pose Lifting with Grid Convolution, AAAI 2023."""

    kind = "gridconv"
