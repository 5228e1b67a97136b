"""What turns the pictures of one instant into poses, whichever models do it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from calibration.rig import Rig
from models.pose_frame import PoseFrame
from models.skeleton import Skeleton
from pipeline.estimation.pipeline_config import PipelineConfig
from pipeline.frames.frame import Image


class Estimator(Protocol):
    """The same object serves the live node and offline processing."""

    rig: Rig
    skeleton: Skeleton
    device: str
    """Where its networks run, such as ``cpu``."""
    instant_s: float
    """How long one instant takes on this machine, roughly."""
    origin_ns: int
    """Start of the session; models are told times since then."""

    def description(self) -> dict[str, Any]:
        """Name and weights of the models in use, for the take."""
        ...

    def estimate(self, images: Sequence[Image | None], times_ns: Sequence[int], time_ns: int) -> PoseFrame:
        """Estimate the poses of one instant.

        Args:
            images: One (H, W, 3) BGR picture per camera of the rig, None where there is none.
            times_ns: Capture time of each, -1 where there is none.
            time_ns: The instant.
        """
        ...

    def close(self) -> None:
        """Free the models."""
        ...


def build_estimator(config: PipelineConfig, rig: Rig) -> Estimator:
    """The estimator that a pipeline describes.

    Raises:
        BadInputError: Unknown model, wrong setting, missing weights, fewer than two cameras for a pipeline
            that needs them.
        MissingExtraError: A runtime is not installed.
    """
    if config.monocular is not None and (len(rig) == 1 or config.monocular.use == "always"):
        from pipeline.estimation.monocular_estimator import MonocularEstimator

        return MonocularEstimator(config, rig)
    if config.network is None:
        from pipeline.estimation.pose_estimator import PoseEstimator

        return PoseEstimator(config, rig)
    from pipeline.estimation.learned_estimator import LearnedEstimator

    return LearnedEstimator(config, rig)
