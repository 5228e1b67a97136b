"""Bundle adjustment: cameras, lenses, lags and the path of the board, from all corners at once.

Minimises the image errors of all corners (Huber's loss) by Levenberg-Marquardt with exact derivatives.
Cameras are tied to each other only through the board, and a moment of the board only to its neighbours in
time, so the board's part of the normal equations is a narrow band: eliminating it (Schur complement) takes
time linear in the number of views.

The world is the frame of one camera, which stays where it is, with lag 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from calibration.band_solver import factorise_band, outer_products, substitute_backward, substitute_forward
from calibration.board_path import BoardPath, PathPoses, PathWindows
from calibration.board_path_kernel import WINDOW
from calibration.bundle_kernel import (
    BAND,
    CAMERA,
    DRIFT,
    JITTER,
    LAG,
    POSE,
    VIEW,
    add_views,
    eliminate_jitter,
    view_blocks,
)
from calibration.inertia_kernel import add_inertia
from calibration.projection_kernel import INTRINSICS
from calibration.rotation import multiply_quaternions, quaternion_from_vector, rotation_from_vector

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

HUBER = 2.5
"""In standard deviations of the distance, which 4.4 % of errors without outliers exceed."""
INERTIA = np.array([10.0, 2000.0, 200.0, 20000.0])
"""rad/s, mm/s, rad/s2, mm/s2: far more than a hand does with a board, so that the priors never argue with
pictures."""
LAG_PRIOR_S = 0.2
"""Lags of cameras are below this; it only keeps a lag in place that no picture tells."""
DRIFT_PRIOR = 1e-3
"""Clocks of cameras agree to 100 parts in a million; 30 Hz that are 29.97 are one in 1000."""
LENS_PRIOR = np.array([0.1, 0.1, 0.1, 0.1, 0.3, 0.3, 0.02, 0.02, 0.3, 0.3, 0.3, 0.3])
"""Standard deviations of the intrinsics around their start: focal lengths and centres relative to the focal
length, then coefficients. Wide; they matter where the board never came near the border of a picture."""
START_DAMPING = 1e-4
MOST_DAMPING = 1e12


@dataclass(frozen=True, eq=False)
class BundleProblem:
    """Observations and what is free. V views, O corners, C cameras, N knots.

    Attributes:
        starts: (V + 1,) first corner of each view.
        view_camera: (V,).
        view_time: (V,) s, as stamped.
        view_part: (V,) continuous part of the board's path.
        points: (O, 3) mm, board frame.
        pixels: (O, 2) distorted px.
        used: (O,).
        fisheye: (C,).
        path: Knots in time.
        middle_s: Time at which ``lags`` hold; drift counts from there.
        reference: The camera whose frame is the world.
        free: (C, CAMERA) which parameters are estimated.
        start_intrinsics: (C, 12) the centre of the prior of free intrinsics.
        start_lags: (C,) s, the centre of the prior of free lags.
        jitter: (V,) s, standard deviation of the time error of each view; 0 for none.
        velocity: (O, 2) px/s at which corners move in their pictures; decides what a time error does. Taken
            from an earlier estimate: were it free, the path would wriggle to make time errors cheap.
    """

    starts: Ints
    view_camera: Ints
    view_time: Floats
    view_part: Ints
    points: Floats
    pixels: Floats
    used: Bools
    fisheye: Bools
    path: BoardPath
    middle_s: float
    reference: int
    free: Bools
    start_intrinsics: Floats
    start_lags: Floats
    jitter: Floats
    velocity: Floats

    @cached_property
    def view_of_corner(self) -> Ints:
        """(O,) view of each corner."""
        return np.repeat(np.arange(len(self.view_camera)), np.diff(self.starts))

    @cached_property
    def lens_free(self) -> bool:
        """Whether any intrinsics are estimated."""
        return bool(self.free[:, 6 : 6 + INTRINSICS].any())


@dataclass(frozen=True, eq=False)
class BundleState:
    """The estimate.

    Attributes:
        camera_R: (C, 3, 3) camera from world.
        camera_t: (C, 3) mm.
        intrinsics: (C, 12), see ``projection_kernel``.
        lags: (C,) s.
        drifts: (C,) s per s.
        quaternions: (N, 4) world from board at the knots.
        positions: (N, 3) mm.
        jitter: (V,) s, lag of each view beyond that of its camera.
    """

    camera_R: Floats  # noqa: N815 (R is the field's name)
    camera_t: Floats
    intrinsics: Floats
    lags: Floats
    drifts: Floats
    quaternions: Floats
    positions: Floats
    jitter: Floats

    def scene_times(self, problem: BundleProblem) -> Floats:
        """(V,) s: when what each view shows happened."""
        c = problem.view_camera
        lag = self.lags[c] + self.drifts[c] * (problem.view_time - problem.middle_s)
        return np.asarray(problem.view_time - lag)


@dataclass(frozen=True, eq=False)
class Linearised:
    """The problem around a state.

    Attributes:
        cost: Half the sum of losses and priors.
        residuals: (O, 2) px, predicted minus observed; NaN without an image.
        windows: Of the views.
        poses: Of the views.
        H: (V, 25, 25) normal equations of each view: camera 6, intrinsics 12, board pose 6, jitter.
        g: (V, 25) gradient of each view.
        A: (C, CAMERA, CAMERA).
        a: (C, CAMERA) gradient.
        B: (6 N, C * CAMERA).
        band: (6 N, BAND), see ``band_solver``.
        b: (6 N,) gradient.
        gradients: (V, CAMERA) the part of each view in ``a``.
    """

    cost: float
    residuals: Floats
    windows: PathWindows
    poses: PathPoses
    H: Floats
    g: Floats
    A: Floats
    a: Floats
    B: Floats
    band: Floats
    b: Floats
    gradients: Floats


@dataclass(frozen=True, eq=False)
class BundleSolution:
    """Where the adjustment ended.

    Attributes:
        state: The estimate.
        at: The problem linearised there.
        sigma: (C,) px the noise of one coordinate that the weights assumed.
        iterations: Steps tried.
        converged: False where the steps ran out first.
    """

    state: BundleState
    at: Linearised
    sigma: Floats
    iterations: int
    converged: bool

    @property
    def residuals(self) -> Floats:
        """(O, 2) px, predicted minus observed; NaN without an image."""
        return self.at.residuals


def linearise(
    problem: BundleProblem, state: BundleState, sigma: Floats, *, blocks: bool = True
) -> Linearised:
    """Residuals, cost, and with ``blocks`` the normal equations."""
    views, corners = len(problem.view_camera), len(problem.points)
    cameras, knots = len(problem.fisheye), len(problem.path)
    windows = problem.path.windows(state.scene_times(problem), problem.view_part)
    poses = windows.poses(state.quaternions, state.positions)
    residuals = np.empty((corners, 2))
    H = np.empty((views if blocks else 0, VIEW, VIEW))
    g = np.empty((views if blocks else 0, VIEW))
    cost = view_blocks(
        problem.starts, problem.view_camera, problem.fisheye, state.intrinsics, state.camera_R,
        state.camera_t, poses.R, poses.t, problem.points, problem.pixels, problem.used,
        1.0 / sigma[problem.view_camera], problem.velocity, state.jitter, HUBER, problem.lens_free, blocks,
        residuals, H, g,
    )  # fmt: skip
    cost += eliminate_jitter(state.jitter, problem.jitter, H, g)
    rows = cameras * CAMERA if blocks else 0
    A, a = np.zeros((cameras, CAMERA, CAMERA)), np.zeros((cameras, CAMERA))
    B, band, b = np.zeros((6 * knots, rows)), np.zeros((6 * knots, BAND)), np.zeros(6 * knots)
    gradients = np.zeros((views, CAMERA))
    if blocks:
        since = problem.view_time - problem.middle_s
        add_views(
            problem.view_camera, windows.first, poses.turn, windows.weights, poses.speed, since, H, g,
            A, a, B, band, b, gradients,
        )  # fmt: skip
    cost += add_inertia(
        problem.path.times, problem.path.linked, state.quaternions,
        state.positions, INERTIA, band, b, blocks,
    )  # fmt: skip
    cost += _add_priors(problem, state, A, a)
    return Linearised(cost, residuals, windows, poses, H, g, A, a, B, band, b, gradients)


def _add_priors(problem: BundleProblem, state: BundleState, A: Floats, a: Floats) -> float:
    """Add the priors of lenses, lags and drifts; returns their cost."""
    deviation, spread = np.zeros(problem.free.shape), np.full(problem.free.shape, np.inf)
    lens = slice(6, 6 + INTRINSICS)
    deviation[:, lens] = state.intrinsics - problem.start_intrinsics
    spread[:, lens] = LENS_PRIOR
    spread[:, 6:10] *= problem.start_intrinsics[:, :1]
    deviation[:, LAG] = state.lags - problem.start_lags
    spread[:, LAG] = LAG_PRIOR_S
    deviation[:, DRIFT] = state.drifts
    spread[:, DRIFT] = DRIFT_PRIOR
    information = np.where(problem.free, 1.0 / spread**2, 0.0)
    A[:, np.arange(CAMERA), np.arange(CAMERA)] += information
    a += information * deviation
    return 0.5 * float((information * deviation**2).sum())


def adjust(
    problem: BundleProblem,
    start: BundleState,
    sigma: Floats,
    *,
    iterations: int = 50,
    tolerance: float = 1e-6,
) -> BundleSolution:
    """Levenberg-Marquardt.

    Args:
        problem: What is observed and what is free.
        start: Within some tens of px of the solution.
        sigma: (C,) px noise of one coordinate, for the weights.
        iterations: Steps that may be tried.
        tolerance: Relative decrease of the cost at which to stop; 1e-6 of 1000 corners is a hundredth of the
            uncertainty of any parameter.
    """
    state, at = start, linearise(problem, start, sigma)
    damping, growth = START_DAMPING, 2.0
    for tried in range(1, iterations + 1):
        step = _step(problem, at, damping)
        candidate = None if step is None else _moved(state, *step, _jitter_step(problem, at, *step))
        cost = np.inf if candidate is None else linearise(problem, candidate, sigma, blocks=False).cost
        if step is not None:
            # Half of what a quadratic model promises; a promise too small to matter is an end, kept or not.
            promised = -0.5 * float((at.a * step[0]).sum() + at.b @ step[1].ravel())
            done = promised <= tolerance * at.cost
        else:
            done = False
        if candidate is not None and cost <= at.cost:
            small = at.cost - cost <= tolerance * at.cost
            state, at = candidate, linearise(problem, candidate, sigma)
            damping, growth = max(damping / 5.0, 1e-12), 2.0
            if small or done:
                return BundleSolution(state, at, sigma, tried, True)
        else:
            damping, growth = damping * growth, growth * 2.0
            if done or damping > MOST_DAMPING:
                # No direction leads down: a minimum up to rounding.
                return BundleSolution(state, at, sigma, tried, True)
    return BundleSolution(state, at, sigma, iterations, False)


def _step(problem: BundleProblem, at: Linearised, damping: float) -> tuple[Floats, Floats] | None:
    """Parameters' change: cameras (C, CAMERA) and knots (N, 6); None where the system is singular."""
    system = eliminate_path(problem, at, damping)
    if system is None:
        return None
    cameras = np.zeros(len(system.free))
    if len(cameras):
        scale = 1.0 / np.sqrt(np.maximum(np.diag(system.S), 1e-300))
        try:
            cameras = -scale * cho_solve(
                cho_factor(system.S * scale * scale[:, None]), system.gradient * scale
            )
        except np.linalg.LinAlgError:
            return None
    step = np.zeros(problem.free.size)
    step[system.free] = cameras
    knots = -(system.forward[:, -1:] + system.forward[:, :-1] @ cameras[:, None])
    substitute_backward(system.factor, knots)
    if not (np.isfinite(step).all() and np.isfinite(knots).all()):
        return None
    return step.reshape(problem.free.shape), knots.reshape(-1, 6)


@dataclass(frozen=True, eq=False)
class ReducedSystem:
    """The F free camera parameters alone, with the board's path eliminated.

    Attributes:
        free: (F,) their places among all (C * CAMERA).
        S: (F, F) normal matrix (Schur complement).
        gradient: (F,).
        factor: (6 N, BAND) Cholesky factor L of the path's band.
        forward: (6 N, F + 1): L^-1 times the coupling of path and cameras, and times the path's gradient.
    """

    free: Ints
    S: Floats
    gradient: Floats
    factor: Floats
    forward: Floats


def eliminate_path(problem: BundleProblem, at: Linearised, damping: float = 0.0) -> ReducedSystem | None:
    """Eliminate the path of the board; None where its band is singular."""
    free = np.flatnonzero(problem.free.ravel())
    factor = at.band.copy()
    factor[:, 0] = factor[:, 0] * (1.0 + damping) + _FLOOR
    if not factorise_band(factor):
        return None
    forward = np.empty((len(at.b), len(free) + 1))
    forward[:, :-1], forward[:, -1] = at.B[:, free], at.b
    substitute_forward(factor, forward)
    products = np.empty((len(free) + 1, len(free) + 1))
    outer_products(forward, products)
    full = np.zeros((problem.free.size, problem.free.size))
    for camera, block in enumerate(at.A):
        part = slice(camera * CAMERA, (camera + 1) * CAMERA)
        full[part, part] = block
    S = full[np.ix_(free, free)]
    S[np.diag_indices_from(S)] *= 1.0 + damping
    S -= products[:-1, :-1]
    return ReducedSystem(free, S, at.a.ravel()[free] - products[-1, :-1], factor, forward)


_FLOOR = 1e-9
"""Keeps knots in place on which nothing at all depends."""


def _jitter_step(problem: BundleProblem, at: Linearised, cameras: Floats, knots: Floats) -> Floats:
    """(V,) s: what the eliminated time errors do when cameras and knots move."""
    free = problem.jitter > 0.0
    if not free.any():
        return np.zeros(len(free))
    mine = cameras[problem.view_camera]
    window = knots[at.windows.first[:, None] + np.arange(WINDOW)]
    pose = np.empty((len(free), 6))
    pose[:, :3] = np.einsum("vmij,vmj->vi", at.poses.turn, window[..., :3])
    pose[:, 3:] = np.einsum("vm,vmi->vi", at.windows.weights, window[..., 3:])
    pose -= at.poses.speed * (mine[:, LAG] + mine[:, DRIFT] * (problem.view_time - problem.middle_s))[:, None]
    change = np.concatenate([mine[:, :POSE], pose], axis=1)
    pull = at.g[:, JITTER] + np.einsum("vi,vi->v", at.H[:, JITTER, :JITTER], change)
    return np.where(free, -pull / np.where(free, at.H[:, JITTER, JITTER], 1.0), 0.0)


def _moved(state: BundleState, cameras: Floats, knots: Floats, jitter: Floats) -> BundleState:
    quaternions = multiply_quaternions(quaternion_from_vector(knots[:, :3]), state.quaternions)
    return replace(
        state,
        camera_R=rotation_from_vector(cameras[:, :3]) @ state.camera_R,
        camera_t=state.camera_t + cameras[:, 3:6],
        intrinsics=state.intrinsics + cameras[:, 6 : 6 + INTRINSICS],
        lags=state.lags + cameras[:, LAG],
        drifts=state.drifts + cameras[:, DRIFT],
        quaternions=quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True),
        positions=state.positions + knots[:, 3:],
        jitter=state.jitter + jitter,
    )
