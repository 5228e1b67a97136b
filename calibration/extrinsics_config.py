"""Settings of the solve for the cameras' places."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from configs.loading import Config

Refine = Literal["none", "focal", "all"]


class ExtrinsicsConfig(Config):
    """Settings of the solve."""

    reference: str | None = Field(None, description="Camera whose frame is the world; None: the first.")
    min_corners: int = Field(4, ge=4, description="Fewest corners of a view.")
    min_views: int = Field(5, ge=3, description="Fewest views of a camera.")
    min_shared_views: int = Field(3, ge=1, description="Fewest shared moments that link a pair of cameras.")
    max_skew_ms: float | None = Field(
        None, ge=0, description="Views within this are one moment; None: by rate."
    )
    estimate_lags: bool = Field(True, description="Estimate how late each camera's pictures are.")
    estimate_jitter: bool = Field(True, description="Allow for time errors of single pictures.")
    estimate_drifts: bool = Field(False, description="And how that changes with time.")
    refine_intrinsics: Refine = Field("none", description="What of the lenses is free.")
    outlier_sigmas: float = Field(6.0, ge=3, description="Corners further off than this are left out.")
