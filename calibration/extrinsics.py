"""From board views to a rig: where the cameras are, how late their pictures are, and how sure that is."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from calibration.board_path import plan_path
from calibration.board_pose import BoardPoses, estimate_board_poses
from calibration.bundle_adjustment import BundleProblem, BundleSolution, BundleState, adjust
from calibration.bundle_covariance import NORMAL_95, camera_covariance
from calibration.bundle_kernel import CAMERA, DRIFT, JITTER, LAG, project, unpacked_intrinsics
from calibration.camera import Camera
from calibration.errors import TooFewViewsError
from calibration.extrinsics_result import (
    BoardTrack,
    CameraUncertainty,
    ExtrinsicsResult,
    LagEstimate,
    ViewResiduals,
)
from calibration.observations import BoardObservations
from calibration.prepared_views import LensIntrinsics, PreparedViews, Rejection, prepare_views
from calibration.rig import Rig
from calibration.rotation import quaternion_from_matrix, rotation_from_vector
from calibration.view_graph import LEVER_MM, ViewGraph, chain_cameras, check_linked, link_pairs, shared_moments
from configs.errors import bad_input, did_you_mean
from configs.loading import Config

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_LOG = logging.getLogger(__name__)

START_SIGMA_PX = 2.0
SMALLEST_SIGMA_PX = 0.02
"""The best corners known; keeps perfect simulated data from dividing by nothing."""
MAD_TO_SIGMA = 1.4826
WINSOR = 5.0
"""Robust standard deviations at which errors are clipped before their mean square is taken."""
UNKNOWN_LAG_MS = 20.0
"""A lag whose standard deviation exceeds this is not known: the board hardly moved, or not continuously."""
PNP_LIMIT = (4.0, 3.0)
"""px, and multiples of the median: a view whose own pose leaves more than both does not show this board."""
FARTHEST_MM = 300.0
"""Disagreement of two views about the board that counts as complete."""


MOST_REJECTIONS = 3
START_JITTER_S = 0.01
SHORT_S = 1e-3
COARSE = 0.07
STEADIEST = 0.4
SMALLEST_JITTER_S = 1e-5
JITTER_ROUNDS = 4
MOST_EXTENSIONS = 4
LAG_MARGIN = (1.5, 0.05)
"""The board's path reaches beyond its ends by this many times the largest lag so far, and so many seconds more."""

Stage = tuple[BundleProblem, BundleSolution]
"""An adjustment and where it ended."""


class ExtrinsicsConfig(Config):
    """Settings of the solve."""

    reference: str | None = Field(None, description="Camera whose frame is the world; None: the first.")
    min_corners: int = Field(4, ge=4, description="Fewest corners of a view.")
    min_views: int = Field(5, ge=3, description="Fewest views of a camera.")
    min_shared_views: int = Field(3, ge=1, description="Fewest shared moments that link a pair of cameras.")
    max_skew_ms: float | None = Field(None, ge=0, description="Views within this are one moment; None: by rate.")
    estimate_lags: bool = Field(True, description="Estimate how late each camera's pictures are.")
    estimate_jitter: bool = Field(True, description="Allow for time errors of single pictures.")
    estimate_drifts: bool = Field(False, description="And how that changes with time.")
    refine_intrinsics: Literal["none", "focal", "all"] = Field("none", description="What of the lenses is free.")
    outlier_sigmas: float = Field(6.0, ge=3, description="Corners further off than this are left out.")


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
    data = prepare_views(
        observations, intrinsics, cameras, min_corners=config.min_corners, max_skew_ms=config.max_skew_ms
    )
    data, poses = _with_poses(data, config)
    clock.lap("poses")
    solver = _Solver(data, config, cameras.index(reference))
    graph = solver.guess(poses)
    clock.lap("graph")
    without = solver.solve_without_lags()
    clock.lap("without lags")
    final = solver.solve_with_lags(without) if config.estimate_lags else without
    clock.lap("with lags")
    constant = final
    if config.estimate_lags and config.estimate_jitter:
        final = solver.solve_with_jitter(final)
    clock.lap("jitter")
    final = solver.reject_outliers(final)
    clock.lap("outliers")
    result = solver.result(final, without, graph, intrinsics, observations)
    clock.lap("uncertainty")
    return replace(result, seconds=clock.seconds)


def _with_poses(data: PreparedViews, config: ExtrinsicsConfig) -> tuple[PreparedViews, BoardPoses]:
    """Poses of single views; without those views that do not show the board."""
    _check_counts(data, config)
    poses = estimate_board_poses(
        data.starts, data.camera, list(data.lenses), data.intrinsics, data.points, data.pixels
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


class _Solver:
    """The stages of one solve, which share the flat arrays."""

    def __init__(self, data: PreparedViews, config: ExtrinsicsConfig, reference: int) -> None:
        self.data = data
        self.config = config
        self.reference = reference
        self.used = np.ones(len(data.points), dtype=bool)
        self.iterations = 0
        self.jitter = np.zeros(len(data.cameras))
        self.rejected: list[Rejection] = list(data.rejected)

    def guess(self, poses: BoardPoses) -> ViewGraph:
        """Cameras along the best tree, and the board at each moment by majority."""
        data = self.data
        count = len(data.cameras)
        shared = shared_moments(data.camera, data.instant, count)
        check_linked(data.cameras, shared, self.config.min_shared_views)
        links = link_pairs(
            data.camera, data.instant, poses.R, poses.t, count, self.config.min_shared_views
        )
        self.camera_R, self.camera_t, graph = chain_cameras(data.cameras, links, shared, self.reference)
        self.board_R, self.board_t = _agreed_boards(data, poses, self.camera_R, self.camera_t)
        return graph

    def solve_without_lags(self) -> Stage:
        """The best rig if all time stamps were right."""
        count = len(self.data.cameras)
        problem = self._problem(path_reach=0.0, lags=False)
        nothing, still = np.zeros(count), np.zeros(len(self.data.views))
        cameras = (self.camera_R, self.camera_t, self.data.intrinsics.copy(), nothing, nothing)
        state = BundleState(*cameras, *self._knots(problem, self.board_R, self.board_t), still)
        rough = self._adjust(problem, state, np.full(count, START_SIGMA_PX), 1e-3)
        return problem, self._adjust(problem, rough.state, self._noise(problem, rough), 1e-5)

    def solve_with_lags(self, without: Stage) -> Stage:
        """Free the lags, and extend the board's path as far as they reach."""
        problem, solution = without
        for _ in range(MOST_EXTENSIONS):
            reach = LAG_MARGIN[0] * float(np.abs(solution.state.lags).max()) + LAG_MARGIN[1]
            boards = board_poses(problem, solution.state, self.data)
            sigma = self._noise(problem, solution)
            problem = self._problem(path_reach=reach, lags=True)
            quaternions, positions = self._knots(problem, *boards)
            state = replace(solution.state, quaternions=quaternions, positions=positions)
            solution = self._adjust(problem, state, sigma, 1e-4)
            if np.abs(solution.state.lags).max() <= reach:
                break
        return problem, self._adjust(problem, solution.state, self._noise(problem, solution), 1e-5)

    def solve_with_jitter(self, stage: Stage) -> Stage:
        """Let each picture have a time error of its own, as large as those of its camera turn out to be.

        Cheap cameras hand out whatever picture they have. Whoever takes their times as exact trusts most in
        the views where the board moves fastest, which are the worst.
        """
        problem, solution = stage
        boards = board_poses(problem, solution.state, self.data)
        reach = LAG_MARGIN[0] * float(np.abs(solution.state.lags).max()) + LAG_MARGIN[1]
        coarse = self._problem(path_reach=reach, lags=True, step=COARSE)
        quaternions, positions = self._knots(coarse, *boards)
        start = replace(solution.state, quaternions=quaternions, positions=positions)
        solution = self._adjust(coarse, start, self._noise(problem, solution), 1e-3)
        problem = coarse
        spread = np.full(len(self.data.cameras), START_JITTER_S)
        for _ in range(JITTER_ROUNDS):
            velocity = corner_velocities(problem, solution)
            problem = replace(problem, jitter=spread[self.data.camera], velocity=velocity)
            solution = self._adjust(problem, solution.state, self._noise(problem, solution), 1e-3)
            spread = self._jitter_spread(solution)
        self.jitter = spread
        return problem, self._adjust(problem, solution.state, self._noise(problem, solution), 1e-5)

    def _jitter_spread(self, solution: BundleSolution) -> Floats:
        """(C,) s: root mean square of the time errors and of what is not known of them (one step of EM).

        No camera counts as much steadier than all together: otherwise the path may follow one of them in every
        twitch, which makes that one look perfect and shifts the lags of the others.
        """
        cameras = len(self.data.cameras)
        squares = solution.state.jitter**2 + 1.0 / solution.at.H[:, JITTER, JITTER]
        count = np.maximum(np.bincount(self.data.camera, minlength=cameras), 1)
        mean = np.bincount(self.data.camera, weights=squares, minlength=cameras) / count
        least = max(STEADIEST**2 * float(squares.mean()), SMALLEST_JITTER_S**2)
        return np.asarray(np.sqrt(np.maximum(mean, least)))

    def _knots(self, problem: BundleProblem, R: Floats, t: Floats) -> tuple[Floats, Floats]:
        """Quaternions and positions of the knots, each as at the nearest moment of its part of the path."""
        path, data = problem.path, self.data
        nearest = np.zeros(len(path), np.int64)
        for part in range(int(path.part_of_instant.max()) + 1):
            knots, members = np.flatnonzero(path.part == part), np.flatnonzero(path.part_of_instant == part)
            apart = np.abs(path.times[knots, None] - data.instant_time[members])
            nearest[knots] = members[apart.argmin(axis=1)]
        quaternions = quaternion_from_matrix(R)[nearest]
        # q and -q are the same pose but not the same number to interpolate: keep neighbours on one side.
        same = np.einsum("ni,ni->n", quaternions[1:], quaternions[:-1]) >= 0.0
        signs = np.cumprod(np.concatenate([[1.0], np.where(same, 1.0, -1.0)]))
        return quaternions * signs[:, None], t[nearest]

    def _problem(self, *, path_reach: float, lags: bool, step: float = 0.0) -> BundleProblem:
        data, count = self.data, len(self.data.cameras)
        path = plan_path(data.instant_time, path_reach, step)
        free = np.zeros((count, CAMERA), dtype=bool)
        free[:, :6] = True
        free[:, LAG] = lags
        free[:, DRIFT] = lags and self.config.estimate_drifts
        free[self.reference] = False
        if self.config.refine_intrinsics != "none":
            free[:, 6:8] = True
        if self.config.refine_intrinsics == "all":
            free[:, 8:10] = True
            for camera, lens in enumerate(data.lenses):
                free[camera, 10 : 10 + len(lens.coefficients)] = True
        return BundleProblem(
            starts=data.starts,
            view_camera=data.camera,
            view_time=data.time,
            view_part=path.part_of_instant[data.instant],
            points=data.points,
            pixels=data.pixels,
            used=self.used,
            fisheye=data.fisheye,
            path=path,
            middle_s=0.5 * float(data.time.min() + data.time.max()),
            reference=self.reference,
            free=free,
            start_intrinsics=data.intrinsics,
            start_lags=np.zeros(count),
            jitter=np.zeros(len(data.views)),
            velocity=np.zeros_like(data.pixels),
        )

    def _adjust(
        self, problem: BundleProblem, state: BundleState, sigma: Floats, tolerance: float
    ) -> BundleSolution:
        solution = adjust(problem, state, sigma, tolerance=tolerance)
        self.iterations += solution.iterations
        return solution

    def _noise(self, problem: BundleProblem, solution: BundleSolution) -> Floats:
        return np.full(len(self.data.cameras), self._pooled_noise(problem, solution))

    def _pooled_noise(self, problem: BundleProblem, solution: BundleSolution) -> float:
        """px of one coordinate, robust, corrected for the parameters that were fitted."""
        residuals = solution.residuals[problem.used]
        residuals = residuals[np.isfinite(residuals[:, 0])]
        fitted = int(problem.free.sum()) + 6 * len(self.data.instant_time)
        freedom = max(residuals.size - fitted, 1) / residuals.size
        core = MAD_TO_SIGMA * float(np.median(np.abs(residuals)))
        # The root mean square sees the tails that the median hides; only gross errors shall not count.
        noise = float(np.sqrt((np.clip(residuals, -WINSOR * core, WINSOR * core) ** 2).mean() / freedom))
        return max(noise, SMALLEST_SIGMA_PX)

    def reject_outliers(self, stage: Stage) -> Stage:
        """Leave out corners that are impossibly far off, and views of which most are."""
        problem, solution = stage
        for _ in range(MOST_REJECTIONS):
            limit = self.config.outlier_sigmas * np.sqrt(2.0) * self._pooled_noise(problem, solution)
            distance = np.linalg.norm(solution.residuals, axis=1)
            bad = self.used & ~(distance <= limit)
            if not bad.any():
                break
            self._reject(bad, distance, limit)
            problem = replace(problem, used=self.used)
            solution = self._adjust(problem, solution.state, solution.sigma, 1e-5)
        return problem, solution

    def _reject(self, bad: Bools, distance: Floats, limit: float) -> None:
        data = self.data
        total = np.diff(data.starts)
        lost = np.bincount(data.view_of_corner, weights=bad, minlength=len(total))
        left = np.bincount(data.view_of_corner, weights=self.used & ~bad, minlength=len(total))
        used = self.used & ~bad
        for view in np.flatnonzero(lost):
            seen = data.views[view]
            mine = data.view_of_corner == view
            worst = float(np.nanmax(distance[mine & bad], initial=0.0))
            if left[view] < max(self.config.min_corners, total[view] / 2):
                used &= ~mine
                reason = f"disagrees with the other views by up to {worst:.1f} px"
                self.rejected.append(Rejection(seen.camera, seen.frame, (), reason))
            else:
                ids = tuple(data.ids[mine & bad].tolist())
                reason = f"up to {worst:.1f} px off, where {limit:.1f} px is the limit"
                self.rejected.append(Rejection(seen.camera, seen.frame, ids, reason))
        self.used = used

    def result(
        self,
        final: Stage,
        without: Stage,
        graph: ViewGraph,
        intrinsics: Mapping[str, LensIntrinsics],
        observations: BoardObservations,
    ) -> ExtrinsicsResult:
        """Everything in terms of cameras and views."""
        data = self.data
        problem, solution = final
        state = solution.state
        noise = self._pooled_noise(problem, solution)
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
                    name, size, given.model, K, distortion, state.camera_R[k], state.camera_t[k], lags[name].ms
                )
            )
        rms = {
            name: _rms(solution.residuals[problem.used & (data.camera[data.view_of_corner] == k)])
            for k, name in enumerate(data.cameras)
        }
        return ExtrinsicsResult(
            rig=Rig(tuple(cameras), board=observations.board.as_dict()),
            reference=data.cameras[self.reference],
            board=BoardTrack(data.origin_ns + np.round(data.instant_time * 1e9).astype(np.int64), R, t),
            views=tuple(self._view_residuals(solution, problem.used)),
            rejected=tuple(self.rejected),
            graph=graph,
            uncertainty={
                name: _uncertainty(covariance[k * CAMERA : (k + 1) * CAMERA, k * CAMERA : (k + 1) * CAMERA], camera)
                for k, (name, camera) in enumerate(zip(data.cameras, cameras, strict=True))
            },
            lags=lags,
            rms_px=_rms(solution.residuals[problem.used]),
            rms_without_lags_px=_rms(without[1].residuals[problem.used]),
            sigma_px=noise,
            camera_rms_px=rms,
            warnings=(),
            iterations=self.iterations,
            seconds={},
        )

    def _lags(self, problem: BundleProblem, state: BundleState, covariance: Floats) -> dict[str, LagEstimate]:
        spread = np.sqrt(np.diag(covariance)).reshape(-1, CAMERA)
        result = {}
        for k, name in enumerate(self.data.cameras):
            if k == self.reference:
                result[name] = LagEstimate(0.0, 0.0, 0.0, 0.0)
            elif not problem.free[k, LAG]:
                result[name] = LagEstimate(0.0, float("inf"))
            else:
                drifting = bool(problem.free[k, DRIFT])
                result[name] = LagEstimate(
                    1e3 * float(state.lags[k]),
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
                view.camera, view.frame, view.time_ns, int(data.instant[k]), data.ids[part], data.pixels[part],
                -solution.residuals[part], used[part],
            )  # fmt: skip


def board_poses(problem: BundleProblem, state: BundleState, data: PreparedViews) -> tuple[Floats, Floats]:
    """World from board at the moments: R (M, 3, 3) and t (M, 3) mm."""
    windows = problem.path.windows(data.instant_time, problem.path.part_of_instant)
    poses = windows.poses(state.quaternions, state.positions)
    return poses.R, poses.t


def corner_velocities(problem: BundleProblem, solution: BundleSolution) -> Floats:
    """(O, 2) px/s: how corners move in their pictures along the path of the board."""
    state, poses = solution.state, solution.at.poses
    view = problem.view_of_corner
    camera = problem.view_camera[view]
    ahead = []
    for sign in (-0.5, 0.5):
        # Moving the board by its speed for a millisecond changes the image linearly to 1e-3 px.
        R = rotation_from_vector(sign * SHORT_S * poses.speed[:, :3]) @ poses.R
        t = poses.t + sign * SHORT_S * poses.speed[:, 3:]
        world = np.einsum("oij,oj->oi", R[view], problem.points) + t[view]
        ahead.append(project(problem.fisheye, state.intrinsics, state.camera_R, state.camera_t, camera, world))
    return np.nan_to_num((ahead[1] - ahead[0]) / SHORT_S)


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


def _agreed_boards(
    data: PreparedViews, poses: BoardPoses, camera_R: Floats, camera_t: Floats
) -> tuple[Floats, Floats]:
    """World from board at each moment: of all candidates of all views, the one with which most views agree."""
    count, moments = len(data.cameras), len(data.instant_time)
    turned = camera_R[data.camera].transpose(0, 2, 1)[:, None]
    R = np.full((moments, count, 2, 3, 3), np.nan)
    t = np.full((moments, count, 2, 3), np.nan)
    R[data.instant, data.camera] = turned @ poses.R
    shifted = poses.t - camera_t[data.camera][:, None]
    t[data.instant, data.camera] = np.einsum("vpij,vpj->vpi", np.broadcast_to(turned, poses.R.shape), shifted)
    fit = np.full((moments, count, 2), np.inf)
    fit[data.instant, data.camera] = poses.rms_px
    flat_R, flat_t = R.reshape(moments, 2 * count, 9), t.reshape(moments, 2 * count, 3)
    trace = np.einsum("mai,mbi->mab", flat_R, flat_R)
    apart = LEVER_MM * np.sqrt(np.maximum(3.0 - trace, 0.0))
    apart += np.linalg.norm(flat_t[:, :, None] - flat_t[:, None], axis=3)
    apart = np.minimum(np.nan_to_num(apart, nan=FARTHEST_MM), FARTHEST_MM)
    votes = apart.reshape(moments, 2 * count, count, 2).min(axis=3).sum(axis=2)
    # Among candidates that agree equally well, such as those of a lone view, the better fit decides.
    best = np.argmin(votes + np.minimum(fit.reshape(moments, -1), 1e6), axis=1)
    rows = np.arange(moments)
    return flat_R[rows, best].reshape(-1, 3, 3), flat_t[rows, best]
