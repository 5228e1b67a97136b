"""The same bundle adjustment by a library, to compare with: scipy's ``least_squares`` with sparsity."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.sparse import csr_matrix

from calibration.extrinsics_result import ExtrinsicsResult
from calibration.rig import Rig
from calibration.rotation import rotation_from_vector, vector_from_rotation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NUDGE_MM, NUDGE_RAD = 2.0, 0.002
"""How far from the solution it starts. That is in its favour: ours starts from nothing."""
TOLERANCE = 1e-5
"""Relative fall of the cost at which it stops; ours stops at the same."""


@dataclass(frozen=True)
class LibrarySolution:
    """What the library found.

    Attributes:
        name: What was called.
        seconds: Wall time.
        cpu_seconds: Time of the processor.
        evaluations: Of the residuals, not counting those for derivatives.
        rmse_px: Root mean square distance of all corners.
        rig: The cameras.
    """

    name: str
    seconds: float
    cpu_seconds: float
    evaluations: int
    rmse_px: float
    rig: Rig


def refine_with_scipy(result: ExtrinsicsResult, corners: Floats, seed: int = 0) -> LibrarySolution:
    """Solve again, from near the solution, for all cameras but the reference and one board pose per moment.

    Args:
        result: Of a solve without lags.
        corners: (N, 3) mm, of the board.
        seed: Of the start.
    """
    problem = _problem(result, corners)
    solution = problem.start(result)
    nudge = np.tile([NUDGE_RAD] * 3 + [NUDGE_MM] * 3, len(solution) // 6)
    begin = solution + np.random.default_rng(seed).normal(0.0, 1.0, len(solution)) * nudge
    start, started = time.perf_counter(), time.process_time()
    solved = least_squares(
        problem.residuals,
        begin,
        jac_sparsity=problem.sparsity(len(begin)),
        x_scale="jac",
        method="trf",
        ftol=TOLERANCE,
        xtol=1e-12,
        gtol=1e-12,
    )
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - started
    return LibrarySolution(
        "scipy.optimize.least_squares (trf, jac_sparsity)",
        seconds,
        cpu_seconds,
        int(solved.nfev),
        # cost is half the sum of squares of both coordinates
        float(np.sqrt(2.0 * solved.cost / len(problem.pixels))),
        problem.placed(solved.x),
    )


@dataclass(frozen=True, eq=False)
class _Problem:
    """O corners by C cameras at M moments.

    Attributes:
        camera: (O,).
        moment: (O,).
        points: (O, 3) mm, board frame.
        pixels: (O, 2).
        rig: Lenses.
        reference: Index of the camera that stays.
    """

    camera: Ints
    moment: Ints
    points: Floats
    pixels: Floats
    rig: Rig
    reference: int

    def start(self, result: ExtrinsicsResult) -> Floats:
        """Parameters of a solution: rotation vector and translation of cameras, then of boards."""
        others = [camera for camera in self.rig.cameras if camera.name != result.reference]
        cameras = [np.append(vector_from_rotation(camera.R), camera.t) for camera in others]
        boards = np.hstack([vector_from_rotation(result.board.R), result.board.t])
        return np.concatenate([*cameras, boards.ravel()])

    def poses(self, parameters: Floats) -> tuple[Floats, Floats]:
        """(C, 6) and (M, 6) rotation vectors and positions."""
        split = 6 * (len(self.rig) - 1)
        cameras = np.zeros((len(self.rig), 6))
        cameras[np.arange(len(self.rig)) != self.reference] = parameters[:split].reshape(-1, 6)
        return cameras, parameters[split:].reshape(-1, 6)

    def placed(self, parameters: Floats) -> Rig:
        """The rig that the parameters describe."""
        poses, _ = self.poses(parameters)
        R = rotation_from_vector(poses[:, :3])
        return self.rig.with_cameras(
            {
                camera.name: replace(camera, R=R[at], t=poses[at, 3:])
                for at, camera in enumerate(self.rig.cameras)
            }
        )

    def residuals(self, parameters: Floats) -> Floats:
        """(2 O,) predicted minus observed, px."""
        cameras, boards = self.poses(parameters)
        R_board, R_camera = rotation_from_vector(boards[:, :3]), rotation_from_vector(cameras[:, :3])
        world = np.einsum("oij,oj->oi", R_board[self.moment], self.points) + boards[self.moment, 3:]
        seen = np.einsum("oij,oj->oi", R_camera[self.camera], world) + cameras[self.camera, 3:]
        predicted = np.empty_like(self.pixels)
        for at, camera in enumerate(self.rig.cameras):
            mine = self.camera == at
            image = camera.lens.distort(seen[mine, :2] / seen[mine, 2:])
            predicted[mine] = image * camera.K[[0, 1], [0, 1]] + camera.K[:2, 2]
        return np.asarray((predicted - self.pixels).ravel(), np.float64)

    def sparsity(self, size: int) -> csr_matrix:
        """Which parameters each residual depends on."""
        column = self.camera - (self.camera > self.reference)
        free = self.camera != self.reference
        corner = np.arange(len(self.camera))
        boards = 6 * (len(self.rig) - 1)
        rows, columns = [], []
        for axis in (0, 1):
            for k in range(6):
                rows += [2 * corner[free] + axis, 2 * corner + axis]
                columns += [6 * column[free] + k, boards + 6 * self.moment + k]
        at = (np.concatenate(rows), np.concatenate(columns))
        return csr_matrix((np.ones(len(at[0])), at), shape=(2 * len(corner), size))


def _problem(result: ExtrinsicsResult, corners: Floats) -> _Problem:
    names = result.rig.names
    used = [(view, np.flatnonzero(view.used)) for view in result.views]
    return _Problem(
        camera=np.concatenate([np.full(len(at), names.index(view.camera)) for view, at in used]),
        moment=np.concatenate([np.full(len(at), view.moment) for view, at in used]),
        points=np.concatenate([corners[view.ids[at]] for view, at in used]),
        pixels=np.concatenate([view.pixels[at] for view, at in used]),
        rig=result.rig,
        reference=names.index(result.reference),
    )
