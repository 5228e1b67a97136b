"""Settings of a calibration, all stages together; light to import, so that no search for boards waits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from calibration.extrinsics_config import ExtrinsicsConfig
from calibration.intrinsics_config import IntrinsicsConfig
from calibration.world_config import WorldConfig
from configs.loading import Config


class MeasuredDistance(Config):
    """With a tape, between two cameras."""

    cameras: tuple[str, str]
    mm: float = Field(gt=0.0)


class CalibrationConfig(Config):
    """How a rig is calibrated.

    Attributes:
        intrinsics: Of lenses that are not supplied.
        extrinsics: Of the solve for places and lags; its ``refine_intrinsics`` is replaced by ``refine``.
        refine: What of the lenses the joint solve may change. ``auto``: everything of lenses that were
            estimated from the same recording, which then use all views at once, and nothing of supplied ones.
        world: Where the world is.
        held_out: Share of the recording that is kept out of a second solve, which it then judges; 0 judges
            the solve by its own views. Lenses estimated from the recording have seen all of it.
        distances: Measured between the optical centres of two cameras: they tell a wrong square size.
    """

    intrinsics: IntrinsicsConfig = Field(default_factory=IntrinsicsConfig)
    extrinsics: ExtrinsicsConfig = Field(default_factory=ExtrinsicsConfig)
    refine: Literal["auto", "none", "focal", "all"] = "auto"
    world: WorldConfig = Field(default_factory=WorldConfig)
    held_out: float = Field(0.2, ge=0.0, le=0.5)
    distances: tuple[MeasuredDistance, ...] = ()
