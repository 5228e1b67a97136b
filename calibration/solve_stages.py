"""The stages of one solve: first guess, lags, time errors of single pictures, outliers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calibration.board_path import plan_path
from calibration.board_pose import BoardPoses, agreed_boards
from calibration.bundle_adjustment import BundleProblem, BundleSolution, BundleState, adjust
from calibration.bundle_covariance import camera_covariance
from calibration.bundle_kernel import CAMERA, DRIFT, JITTER, LAG
from calibration.extrinsics_config import ExtrinsicsConfig
from calibration.prepared_views import PreparedViews, Rejection
from calibration.projection_kernel import project
from calibration.rig import Rig
from calibration.rotation import quaternion_from_matrix, rotation_from_vector
from calibration.view_graph import ViewGraph, chain_cameras, check_linked, link_pairs, shared_moments

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

START_SIGMA_PX = 2.0
SMALLEST_SIGMA_PX = 0.02
"""The best corners known; keeps perfect simulated data from dividing by nothing."""
MAD_TO_SIGMA = 1.4826
WINSOR = 5.0
"""Robust standard deviations at which errors are clipped before their mean square is taken."""
UNKNOWN_LAG_S = 0.02
"""A lag whose standard deviation exceeds this is not known: the board hardly moved, or not continuously."""
MOST_REJECTIONS = 3
MOST_EXTENSIONS = 4
LAG_MARGIN = (1.5, 0.05)
"""The board's path reaches beyond its ends by this many times the largest lag so far, and so many seconds
more."""
START_JITTER_S = 0.01
NO_JITTER_S = 1e-3
"""Time errors below a millisecond are not told apart from errors of the corners."""
SMALLEST_JITTER_S = 1e-5
JITTER_ROUNDS = 4
STEADIEST = 0.4
"""No camera's time errors count as smaller than this part of those of all cameras."""
STEADY_STEP_S = 0.07
"""Shortest distance of knots where pictures have time errors. With a knot per picture the path would follow
the errors of every one, and lags would be drawn to whole frames; a hand moves smoothly over two frames of 30
Hz."""
SHORT_S = 1e-3

Stage = tuple[BundleProblem, BundleSolution]
"""An adjustment and where it ended."""


class Stages:
    """The stages of one solve, which share the flat arrays."""

    def __init__(self, data: PreparedViews, config: ExtrinsicsConfig, reference: int) -> None:
        self.data = data
        self.config = config
        self.reference = reference
        self.used = np.ones(len(data.points), dtype=bool)
        self.iterations = 0
        self.jitter = np.zeros(len(data.cameras))
        self.unknown_lags = np.zeros(len(data.cameras), dtype=bool)
        self.rejected: list[Rejection] = list(data.rejected)

    def guess(self, poses: BoardPoses) -> ViewGraph:
        """Cameras along the best tree, and the board at each moment by majority."""
        data = self.data
        count = len(data.cameras)
        shared = shared_moments(data.camera, data.instant, count)
        check_linked(data.cameras, shared, self.config.min_shared_views)
        links = link_pairs(data.camera, data.instant, poses.R, poses.t, count, self.config.min_shared_views)
        self.camera_R, self.camera_t, graph = chain_cameras(data.cameras, links, shared, self.reference)
        self.board_R, self.board_t = agreed_boards(
            poses, data.camera, data.instant, len(data.instant_time), self.camera_R, self.camera_t
        )
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
        stage = without
        for _ in range(MOST_EXTENSIONS):
            reached = float(np.abs(stage[1].state.lags).max())
            stage = self._on_new_path(stage)
            if np.abs(stage[1].state.lags).max() <= LAG_MARGIN[0] * reached + LAG_MARGIN[1]:
                break
        problem, solution = stage
        solution = self._adjust(problem, solution.state, self._noise(problem, solution), 1e-5)
        return self._without_unknown_lags(problem, solution)

    def _without_unknown_lags(self, problem: BundleProblem, solution: BundleSolution) -> Stage:
        """Keep those lags at 0 that the motion of the board does not tell."""
        covariance = camera_covariance(problem, solution, self.data.instant)
        spread = np.sqrt(np.diag(covariance)).reshape(-1, CAMERA)[:, LAG]
        unknown = spread > UNKNOWN_LAG_S
        if not unknown.any():
            return problem, solution
        self.unknown_lags = unknown
        free = problem.free.copy()
        free[unknown, LAG] = free[unknown, DRIFT] = False
        problem = replace(problem, free=free)
        state = replace(solution.state, lags=np.where(unknown, 0.0, solution.state.lags))
        return problem, self._adjust(problem, state, solution.sigma, 1e-5)

    def fit_path(self, poses: BoardPoses, rig: Rig) -> Stage:
        """The path of the board by cameras that stay where they are."""
        data = self.data
        self.camera_R = np.stack([camera.R for camera in rig.cameras])
        self.camera_t = np.stack([camera.t for camera in rig.cameras])
        self.board_R, self.board_t = agreed_boards(
            poses, data.camera, data.instant, len(data.instant_time), self.camera_R, self.camera_t
        )
        lags = np.array([1e-3 * camera.lag_ms for camera in rig.cameras])
        problem = self._problem(path_reach=0.0, lags=False)
        problem = replace(problem, free=np.zeros_like(problem.free))
        cameras = (
            self.camera_R,
            self.camera_t,
            data.intrinsics.copy(),
            np.zeros_like(lags),
            np.zeros_like(lags),
        )
        state = BundleState(
            *cameras, *self._knots(problem, self.board_R, self.board_t), np.zeros(len(data.views))
        )
        rough = self._adjust(problem, state, np.full(len(lags), START_SIGMA_PX), 1e-3)
        if lags.any():
            rough = replace(rough, state=replace(rough.state, lags=lags))
            problem, rough = self._on_new_path((problem, rough))
        return problem, self._adjust(problem, rough.state, self._noise(problem, rough), 1e-5)

    def solve_with_jitter(self, stage: Stage) -> Stage:
        """Let each picture have a time error of its own, as large as those of its camera turn out to be.

        Cheap cameras hand out whatever picture they have. Whoever takes their times as exact trusts most in
        the views where the board moves fastest, which are the worst.
        """
        problem, solution = self._on_new_path(stage, step=STEADY_STEP_S)
        spread = np.full(len(self.data.cameras), START_JITTER_S)
        velocity = corner_velocities(problem, solution)
        for _ in range(JITTER_ROUNDS):
            # Half way only: lags and velocities answer each other, and would swing around their solution.
            velocity = 0.5 * (velocity + corner_velocities(problem, solution))
            problem = replace(problem, jitter=spread[self.data.camera], velocity=velocity)
            solution = self._adjust(problem, solution.state, self._noise(problem, solution), 1e-3)
            spread = self._jitter_spread(solution)
            if spread.max() < NO_JITTER_S:
                return stage
        solution = self._adjust(problem, solution.state, self._noise(problem, solution), 1e-5)
        if self.noise(problem, solution) > self.noise(*stage):
            # A board that moves faster than the steady path follows looks like time errors, too. They would
            # draw lags away by milliseconds, and explain less than the path with a knot per picture.
            return stage
        self.jitter = spread
        return problem, solution

    def mean_lags(self, state: BundleState) -> Floats:
        """(C,) s: by how much the pictures of each camera are late on average, relative to the reference.

        That is the lag and the mean of the time errors of single pictures. Only their sum is well known: the
        lag alone may be exchanged against all time errors of its camera at little cost (four webcams: 10 ms
        from start to start, their sum 0.5 ms).
        """
        cameras = len(self.data.cameras)
        count = np.maximum(np.bincount(self.data.camera, minlength=cameras), 1)
        late = state.lags + np.bincount(self.data.camera, weights=state.jitter, minlength=cameras) / count
        return np.where(self.unknown_lags, 0.0, late - late[self.reference])

    def _on_new_path(self, stage: Stage, *, step: float = 0.0) -> Stage:
        """The same estimate with freed lags, on a path that reaches as far as they may go."""
        problem, solution = stage
        boards = board_poses(problem, solution.state, self.data)
        sigma = self._noise(problem, solution)
        reach = LAG_MARGIN[0] * float(np.abs(solution.state.lags).max()) + LAG_MARGIN[1]
        longer = self._problem(path_reach=reach, lags=bool(problem.free.any()), step=step)
        if not problem.free.any():
            longer = replace(longer, free=problem.free)
        quaternions, positions = self._knots(longer, *boards)
        state = replace(solution.state, quaternions=quaternions, positions=positions)
        return longer, self._adjust(longer, state, sigma, 1e-4)

    def _jitter_spread(self, solution: BundleSolution) -> Floats:
        """(C,) s: root mean square of the time errors and of what is not known of them (one step of EM).

        No camera counts as much steadier than all together: otherwise the path may follow one of them in
        every twitch, which makes that one look perfect and shifts the lags of the others.
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
        free[:, LAG] = lags & ~self.unknown_lags
        free[:, DRIFT] = free[:, LAG] & self.config.estimate_drifts
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
        return np.full(len(self.data.cameras), self.noise(problem, solution))

    def noise(self, problem: BundleProblem, solution: BundleSolution) -> float:
        """Px of one coordinate, robust, corrected for the parameters that were fitted."""
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
            limit = self.config.outlier_sigmas * np.sqrt(2.0) * self.noise(problem, solution)
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
        ahead.append(
            project(problem.fisheye, state.intrinsics, state.camera_R, state.camera_t, camera, world)
        )
    return np.nan_to_num((ahead[1] - ahead[0]) / SHORT_S)
