"""Settings of the calibration of a lens."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from configs.loading import Config

FEWEST_VIEWS = 3
"""Two views of a plane leave focal lengths and principal point barely determined, whatever the noise."""


class IntrinsicsConfig(Config):
    """How intrinsics are estimated.

    Attributes:
        model: Lens model; ``auto`` takes the one that predicts views best that it was not fitted to.
        max_views: How many views to fit to; the others check the result.
        outlier_sigmas: A corner farther from its prediction than this many standard deviations is rejected.
        folds: In how many parts views are split to see how a model does on views it was not fitted to.
    """

    model: Literal["auto", "pinhole", "rational", "fisheye"] = "auto"
    max_views: int = Field(default=40, ge=FEWEST_VIEWS, le=1000)
    outlier_sigmas: float = Field(default=5.0, ge=3.0, le=20.0)
    folds: int = Field(default=5, ge=2, le=20)
