"""What the solve for the cameras' places found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.moved_camera import MovedCamera
from calibration.prepared_views import Rejection
from calibration.rig import Rig
from calibration.view_graph import ViewGraph

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CameraUncertainty:
    """95 % intervals of one camera relative to the reference camera.

    Attributes:
        position_mm: (3,) half widths along the axes of the reference camera.
        rotation_deg: (3,) half widths about the axes of the camera.
        covariance: (20, 20) of all parameters, order as in ``bundle_kernel``; rad, mm, px, s.
        position_covariance: (3, 3) mm2 of the optical centre, axes of the reference camera.
    """

    position_mm: Floats
    rotation_deg: Floats
    covariance: Floats
    position_covariance: Floats


@dataclass(frozen=True)
class LagEstimate:
    """How much older a camera's pictures are than their time stamps say, relative to the reference camera.

    Attributes:
        ms: In the middle of the recording. The rig's ``lag_ms``.
        interval_ms: Half the width of the 95 % interval; infinite where the board's motion does not tell.
        drift_ppm: Change of the lag per time, millionths; 0 unless it was estimated.
        drift_interval_ppm: Half the width of its 95 % interval; infinite unless it was estimated.
    """

    ms: float
    interval_ms: float
    drift_ppm: float = 0.0
    drift_interval_ppm: float = float("inf")

    @property
    def known(self) -> bool:
        """Whether the recording tells the lag at all."""
        return bool(np.isfinite(self.interval_ms))


@dataclass(frozen=True, eq=False)
class BoardTrack:
    """Where the board was at M moments, by the pictures of the reference camera (lags taken out).

    Attributes:
        times_ns: (M,).
        R: (M, 3, 3) world from board.
        t: (M, 3) mm.
    """

    times_ns: Ints
    R: Floats
    t: Floats

    def __len__(self) -> int:
        return len(self.times_ns)


@dataclass(frozen=True, eq=False)
class ViewResiduals:
    """Image errors of one view.

    Attributes:
        camera: Name.
        frame: Number of the picture.
        time_ns: As stamped.
        moment: Index into the board's track.
        ids: (n,) corners.
        pixels: (n, 2) px as observed.
        residuals: (n, 2) px, observed minus predicted; NaN where the board is behind the camera.
        used: (n,) False for rejected corners.
    """

    camera: str
    frame: int
    time_ns: int
    moment: int
    ids: Ints
    pixels: Floats
    residuals: Floats
    used: NDArray[np.bool_]

    @property
    def rms_px(self) -> float:
        """Root mean square distance of the used corners; NaN where none is used."""
        squares = (self.residuals[self.used] ** 2).sum(axis=1)
        return float(np.sqrt(squares.mean())) if len(squares) else float("nan")


@dataclass(frozen=True, eq=False)
class ExtrinsicsResult:
    """The rig and everything that speaks for or against it.

    Attributes:
        rig: Cameras with ``lag_ms``; the world is the frame of the reference camera.
        reference: Name of that camera.
        board: Its track.
        views: Image errors, in order of time.
        rejected: What was left out, and why.
        graph: Which cameras saw the board together.
        uncertainty: By camera; zeros for the reference.
        covariance: (C * 20, C * 20) of the parameters of all cameras together, in the order of the rig.
        lags: By camera.
        rms_px: Root mean square distance of the used corners.
        rms_constant_lags_px: The same if each camera may only have one constant lag.
        rms_without_lags_px: The same for the best solution that takes the time stamps as they are.
        time_error_ms: By camera, standard deviation of the time errors of single pictures beyond the constant
            lag; 0 where there are none to speak of.
        sigma_px: Robust noise of one coordinate.
        camera_rms_px: By camera.
        moved: A camera that moved during the recording.
        warnings: Sentences.
        iterations: Steps of all adjustments.
        seconds: Wall time by stage.
    """

    rig: Rig
    reference: str
    board: BoardTrack
    views: tuple[ViewResiduals, ...]
    rejected: tuple[Rejection, ...]
    graph: ViewGraph
    uncertainty: Mapping[str, CameraUncertainty]
    covariance: Floats
    lags: Mapping[str, LagEstimate]
    rms_px: float
    rms_constant_lags_px: float
    rms_without_lags_px: float
    time_error_ms: Mapping[str, float]
    sigma_px: float
    camera_rms_px: Mapping[str, float]
    moved: MovedCamera | None
    warnings: tuple[str, ...]
    iterations: int
    seconds: Mapping[str, float]
