"""From board views to a rig: where the cameras are, how late their pictures are, and how sure that is."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from calibration.board_pose import BoardPoses, PosesOnce, estimate_board_poses
from calibration.bundle_adjustment import BundleProblem, BundleSolution, BundleState
from calibration.bundle_covariance import NORMAL_95, camera_covariance
from calibration.bundle_kernel import CAMERA, DRIFT, LAG
from calibration.camera import Camera
from calibration.errors import TooFewViewsError, UnlinkedCamerasError
from calibration.extrinsics_config import ExtrinsicsConfig
from calibration.extrinsics_result import (
    BoardTrack,
    CameraUncertainty,
    ExtrinsicsResult,
    LagEstimate,
    ViewResiduals,
)
from calibration.moved_camera import find_moved_camera
from calibration.observations import BoardObservations
from calibration.prepared_views import LensIntrinsics, PreparedViews, Rejection, prepare_views
from calibration.projection_kernel import unpacked_intrinsics
from calibration.rig import Rig
from calibration.solve_stages import Stage, Stages, board_poses
from calibration.time_offset import coarse_lags
from calibration.view_graph import ViewGraph
from configs.errors import bad_input, did_you_mean

__all__ = ["ExtrinsicsConfig", "solve_extrinsics"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LOG = logging.getLogger(__name__)

PNP_LIMIT = (4.0, 3.0)
"""px, and multiples of the median: a view whose own pose leaves more than both does not show this board."""
SUSPECT_PX = 3.0
"""A rig that leaves more than this may have clocks that are far apart."""
UNEXPLAINED = 2.0
"""Errors of the rig over those of single views: less, and the lags that were found are the right ones."""
SUSPECT_RATIO = 0.8
"""Lags that bring the error below this part of what it is without are worth a warning where they are not
asked for."""


@dataclass
class _Clock:
    """Wall time by stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self.last
        self.last = now


def solve_extrinsics(
    observations: BoardObservations,
    intrinsics: Mapping[str, LensIntrinsics],
    config: ExtrinsicsConfig | None = None,
) -> ExtrinsicsResult:
    """Find the places of all cameras, and their lags.

    Args:
        observations: Views of one board. Lags need the board in motion and consecutive pictures of it.
        intrinsics: Lens of each camera.
        config: Settings.

    Raises:
        UnlinkedCamerasError: Not all cameras are tied together; names the pair that needs more views.
        TooFewViewsError: A camera saw the board too rarely.
        BadInputError: Intrinsics are missing or are for other pictures, or there is one camera only.
    """
    config = config or ExtrinsicsConfig()
    clock = _Clock()
    cameras = observations.cameras
    if len(cameras) < 2:
        raise bad_input("the places of cameras to each other need at least two cameras")
    reference = config.reference or cameras[0]
    if reference not in cameras:
        raise bad_input(
            f"the reference camera {reference} is not in the recording",
            allowed=", ".join(cameras),
            hint=did_you_mean(reference, cameras),
        )
    known = PosesOnce()
    result = _solve(observations, intrinsics, config, reference, clock, known)
    unexplained = result.rms_constant_lags_px > UNEXPLAINED * known.usual_px
    if config.estimate_lags and unexplained and result.rms_without_lags_px > SUSPECT_PX:
        coarse = _coarse_lags(observations, intrinsics, config, reference, known)
        again = None
        if coarse is not None:
            # Other time stamps make other moments, which may tie the cameras together no more.
            with contextlib.suppress(UnlinkedCamerasError, TooFewViewsError):
                again = _solve(_restamped(observations, coarse), intrinsics, config, reference, clock, known)
        if coarse is not None and again is not None and again.rms_px < result.rms_px:
            result = _with_stamps(again, coarse, result.rms_without_lags_px)
        clock.lap("large lags")
    return replace(result, seconds=clock.seconds)


def _solve(
    observations: BoardObservations,
    intrinsics: Mapping[str, LensIntrinsics],
    config: ExtrinsicsConfig,
    reference: str,
    clock: _Clock,
    known: PosesOnce,
) -> ExtrinsicsResult:
    data, poses = usable_views(observations, intrinsics, config, known=known)
    clock.lap("poses")
    stages = Stages(data, config, data.cameras.index(reference))
    graph = stages.guess(poses)
    clock.lap("graph")
    without = stages.solve_without_lags()
    clock.lap("without lags")
    constant = stages.solve_with_lags(without)
    clock.lap("with lags")
    warnings: list[str] = []
    if config.estimate_lags:
        final = stages.solve_with_jitter(constant) if config.estimate_jitter else constant
        clock.lap("jitter")
    else:
        final = without
        warnings += _lag_suspicion(data, without, constant)
        constant = without
    # A lag that is not allowed for looks like a camera that never stands still.
    moved = None if warnings else find_moved_camera(data, *final)
    if moved is not None:
        warnings.append(moved.sentence(1e-9 * (moved.time_ns - data.origin_ns)))
    clock.lap("moved camera")
    final = stages.reject_outliers(final)
    clock.lap("outliers")
    result = _Reporter(stages, final).result(without, constant, graph, intrinsics, observations)
    clock.lap("uncertainty")
    return replace(result, moved=moved, warnings=tuple(warnings))


def _lag_suspicion(data: PreparedViews, without: Stage, lagging: Stage) -> Iterator[str]:
    """Sentences for a solve that was told not to look for lags but should."""
    before, after = (_rms(stage[1].residuals[stage[0].used]) for stage in (without, lagging))
    if after < SUSPECT_RATIO * before:
        lags = 1e3 * lagging[1].state.lags
        worst = int(np.argmax(np.abs(lags)))
        age = "older" if lags[worst] > 0 else "newer"
        yield (
            f"the pictures of {data.cameras[worst]} seem to be {abs(lags[worst]):.0f} ms {age} than their "
            f"time stamps say; estimating lags brings the error from {before:.2f} to {after:.2f} px"
        )


def _coarse_lags(
    observations: BoardObservations,
    intrinsics: Mapping[str, LensIntrinsics],
    config: ExtrinsicsConfig,
    reference: str,
    known: PosesOnce,
) -> dict[str, float] | None:
    """Large lags by camera (s); None where there are none."""
    data, poses = usable_views(observations, intrinsics, config, known=known)
    lags = coarse_lags(
        data.camera, data.time, poses.R[:, 0], poses.t[:, 0], len(data.cameras), data.cameras.index(reference)
    )
    if lags is None or not lags.any():
        return None
    return dict(zip(data.cameras, lags.tolist(), strict=True))


def _restamped(observations: BoardObservations, lags: Mapping[str, float]) -> BoardObservations:
    """The recording with known lags taken out of its time stamps."""
    return observations.chosen(
        replace(view, time_ns=view.time_ns - round(1e9 * lags[view.camera])) for view in observations.views
    )


def _with_stamps(
    result: ExtrinsicsResult, lags: Mapping[str, float], rms_without_lags_px: float
) -> ExtrinsicsResult:
    """The result of a restamped recording in terms of the stamps as they were."""
    cameras = {
        camera.name: replace(camera, lag_ms=camera.lag_ms + 1e3 * lags[camera.name])
        for camera in result.rig.cameras
    }
    return replace(
        result,
        rig=result.rig.with_cameras(cameras),
        lags={name: replace(lag, ms=lag.ms + 1e3 * lags[name]) for name, lag in result.lags.items()},
        views=tuple(
            replace(view, time_ns=view.time_ns + round(1e9 * lags[view.camera])) for view in result.views
        ),
        rms_without_lags_px=rms_without_lags_px,
    )


def usable_views(
    observations: BoardObservations,
    intrinsics: Mapping[str, LensIntrinsics],
    config: ExtrinsicsConfig,
    *,
    complete: bool = True,
    known: PosesOnce | None = None,
) -> tuple[PreparedViews, BoardPoses]:
    """Views with the poses of the board in them; without those that do not show the board.

    Args:
        observations: All views.
        intrinsics: Lens of each camera.
        config: Which views are wanted.
        complete: Each camera must have enough of them.
        known: Remembers poses from call to call with the same intrinsics.
    """
    data = prepare_views(
        observations,
        intrinsics,
        observations.cameras,
        min_corners=config.min_corners,
        max_skew_ms=config.max_skew_ms,
    )
    if complete:
        _check_counts(data, config)
    poses = (known or PosesOnce()).of(
        [(view.camera, view.frame) for view in data.views],
        lambda: estimate_board_poses(
            data.starts, data.camera, list(data.lenses), data.intrinsics, data.points, data.pixels
        ),
    )
    rms = poses.rms_px[:, 0]
    limit = max(PNP_LIMIT[0], PNP_LIMIT[1] * float(np.nanmedian(rms)))
    good = rms <= limit
    if good.all():
        return data, poses
    rejected = []
    for view in np.flatnonzero(~good):
        seen = data.views[view]
        why = (
            f"its corners miss those of a flat board by {rms[view]:.1f} px"
            if np.isfinite(rms[view])
            else "its corners fit no pose of the board"
        )
        rejected.append(Rejection(seen.camera, seen.frame, (), why))
    data = _chosen(data, good, tuple(rejected))
    if complete:
        _check_counts(data, config)
    return data, BoardPoses(poses.R[good], poses.t[good], poses.rms_px[good])


def _chosen(data: PreparedViews, good: Bools, rejected: tuple[Rejection, ...]) -> PreparedViews:
    corners = good[data.view_of_corner]
    instants, instant = np.unique(data.instant[good], return_inverse=True)
    return replace(
        data,
        views=tuple(view for view, keep in zip(data.views, good, strict=True) if keep),
        starts=np.concatenate([[0], np.cumsum(np.diff(data.starts)[good])]).astype(np.int64),
        camera=data.camera[good],
        time=data.time[good],
        instant=instant.astype(np.int64),
        instant_time=data.instant_time[instants],
        points=data.points[corners],
        pixels=data.pixels[corners],
        rejected=data.rejected + rejected,
    )


def _check_counts(data: PreparedViews, config: ExtrinsicsConfig) -> None:
    counts = np.bincount(data.camera, minlength=len(data.cameras))
    for name, count in zip(data.cameras, counts.tolist(), strict=True):
        if count < config.min_views:
            lost = sum(1 for rejection in data.rejected if rejection.camera == name and not rejection.corners)
            why = f" ({lost} more could not be used)" if lost else ""
            raise TooFewViewsError(name, count, config.min_views, why)


class _Reporter:
    """Turns the arrays of a solve into cameras and views."""

    def __init__(self, stages: Stages, final: Stage) -> None:
        self.stages, self.data = stages, stages.data
        self.problem, self.solution = final

    def result(
        self,
        without: Stage,
        constant: Stage,
        graph: ViewGraph,
        intrinsics: Mapping[str, LensIntrinsics],
        observations: BoardObservations,
    ) -> ExtrinsicsResult:
        """Everything in terms of cameras and views."""
        data = self.data
        problem, solution = self.problem, self.solution
        state = solution.state
        noise = self.stages.noise(problem, solution)
        covariance = camera_covariance(
            problem, solution, data.instant, (noise / float(solution.sigma[0])) ** 2
        )
        lags = self._lags(problem, state, covariance)
        R, t = board_poses(problem, state, data)
        cameras = []
        for k, name in enumerate(data.cameras):
            given = intrinsics[name]
            K, distortion = unpacked_intrinsics(state.intrinsics[k], len(data.lenses[k].coefficients))
            size = (int(given.size[0]), int(given.size[1]))
            cameras.append(
                Camera(
                    name,
                    size,
                    given.model,
                    K,
                    distortion,
                    state.camera_R[k],
                    state.camera_t[k],
                    lags[name].ms,
                )
            )
        rms = {
            name: _rms(solution.residuals[problem.used & (data.camera[data.view_of_corner] == k)])
            for k, name in enumerate(data.cameras)
        }
        return ExtrinsicsResult(
            rig=Rig(tuple(cameras), board=observations.board.as_dict()),
            reference=data.cameras[self.stages.reference],
            board=BoardTrack(data.origin_ns + np.round(data.instant_time * 1e9).astype(np.int64), R, t),
            views=tuple(self._view_residuals(solution, problem.used)),
            rejected=tuple(self.stages.rejected),
            graph=graph,
            uncertainty={
                name: _uncertainty(
                    covariance[k * CAMERA : (k + 1) * CAMERA, k * CAMERA : (k + 1) * CAMERA], camera
                )
                for k, (name, camera) in enumerate(zip(data.cameras, cameras, strict=True))
            },
            covariance=covariance,
            lags=lags,
            rms_px=_rms(solution.residuals[problem.used]),
            rms_without_lags_px=_rms(without[1].residuals[problem.used]),
            rms_constant_lags_px=_rms(constant[1].residuals[problem.used]),
            time_error_ms={
                name: 1e3 * float(spread)
                for name, spread in zip(data.cameras, self.stages.jitter, strict=True)
            },
            sigma_px=noise,
            camera_rms_px=rms,
            moved=None,
            warnings=(),
            iterations=self.stages.iterations,
            seconds={},
        )

    def _lags(self, problem: BundleProblem, state: BundleState, covariance: Floats) -> dict[str, LagEstimate]:
        spread = np.sqrt(np.diag(covariance)).reshape(-1, CAMERA)
        late = self.stages.mean_lags(state)
        result = {}
        for k, name in enumerate(self.data.cameras):
            if k == self.stages.reference:
                result[name] = LagEstimate(0.0, 0.0, 0.0, 0.0)
            elif not problem.free[k, LAG]:
                result[name] = LagEstimate(0.0, float("inf"))
            else:
                drifting = bool(problem.free[k, DRIFT])
                result[name] = LagEstimate(
                    1e3 * float(late[k]),
                    1e3 * NORMAL_95 * float(spread[k, LAG]),
                    1e6 * float(state.drifts[k]),
                    1e6 * NORMAL_95 * float(spread[k, DRIFT]) if drifting else float("inf"),
                )
        return result

    def _view_residuals(self, solution: BundleSolution, used: Bools) -> Iterator[ViewResiduals]:
        data = self.data
        for k, view in enumerate(data.views):
            part = slice(int(data.starts[k]), int(data.starts[k + 1]))
            yield ViewResiduals(
                view.camera, view.frame, view.time_ns, int(data.instant[k]), data.ids[part],
                data.pixels[part], -solution.residuals[part], used[part],
            )  # fmt: skip


def _rms(residuals: Floats) -> float:
    return float(np.sqrt(np.nanmean((residuals**2).sum(axis=1)))) if len(residuals) else float("nan")


def _uncertainty(covariance: Floats, camera: Camera) -> CameraUncertainty:
    # centre = -R^T t; a turn a from the left changes R^T by -R^T [a]x, a shift adds.
    tx, ty, tz = camera.t.tolist()
    cross = np.array([[0.0, -tz, ty], [tz, 0.0, -tx], [-ty, tx, 0.0]])
    J = np.hstack([-camera.R.T @ cross, -camera.R.T])
    position = J @ covariance[:6, :6] @ J.T
    return CameraUncertainty(
        position_mm=NORMAL_95 * np.sqrt(np.diag(position)),
        rotation_deg=NORMAL_95 * np.degrees(np.sqrt(np.diag(covariance)[:3])),
        covariance=covariance,
        position_covariance=position,
    )
