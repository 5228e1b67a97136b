"""Compiled arithmetic of lens fits: residuals and normal equations of views of a flat board.

Parameters of one view: the P free ones of the lens, then its pose (rotation 3, rad, camera axes, applied from
the left; translation 3, mm).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from calibration.compiled import compiled
from calibration.projection_kernel import INTRINSICS, project_with_derivatives

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

POSE = 6
LEAST_DAMPING, MOST_DAMPING = 1e-9, 1e9
"""Beyond the latter no smaller step can help."""
FALL_OF_POSE = 1e-6
"""Relative fall of a view's cost at which its pose is finished: a thousandth of its deviations."""
SINGULAR = 1e-14
"""A pivot below this part of its diagonal is rounding: the view does not determine its pose."""


@compiled
def seen_by_fisheye(
    k: Floats, x: float, y: float, z: float, by_point: Floats, by_lens: Floats
) -> tuple[float, float]:
    """Image of a point anywhere around a fisheye, also behind its plane, and derivatives.

    Args:
        k: (12,) fx, fy, cx, cy, k1 to k4, zeros.
        x: mm, camera axes, like ``y`` and ``z``.
        y: See ``x``.
        z: See ``x``.
        by_point: (2, 3) filled with px per mm.
        by_lens: (2, 12) filled with px per parameter.

    Returns:
        u, v in distorted px.
    """
    away = math.sqrt(x * x + y * y)
    cos_phi, sin_phi = 1.0, 0.0
    if away < 1e-9:
        # On the axis there is no direction in the picture: any will do.
        away = 1e-9
    else:
        cos_phi, sin_phi = x / away, y / away
    theta = math.atan2(away, z)
    s = theta * theta
    angle = theta * (1.0 + s * (k[4] + s * (k[5] + s * (k[6] + s * k[7]))))
    slope = 1.0 + s * (3.0 * k[4] + s * (5.0 * k[5] + s * (7.0 * k[6] + s * 9.0 * k[7])))
    squared = away * away + z * z
    outwards, around, along = slope * z / squared, angle / away, -slope * away / squared
    by_point[0, 0] = k[0] * (outwards * cos_phi * cos_phi + around * sin_phi * sin_phi)
    by_point[0, 1] = k[0] * (outwards - around) * cos_phi * sin_phi
    by_point[0, 2] = k[0] * along * cos_phi
    by_point[1, 0] = k[1] * (outwards - around) * cos_phi * sin_phi
    by_point[1, 1] = k[1] * (outwards * sin_phi * sin_phi + around * cos_phi * cos_phi)
    by_point[1, 2] = k[1] * along * sin_phi
    by_lens[:] = 0.0
    by_lens[0, 0], by_lens[1, 1] = angle * cos_phi, angle * sin_phi
    by_lens[0, 2], by_lens[1, 3] = 1.0, 1.0
    power = theta * s
    for j in range(4):
        by_lens[0, 4 + j] = k[0] * power * cos_phi
        by_lens[1, 4 + j] = k[1] * power * sin_phi
        power *= s
    return k[0] * angle * cos_phi + k[2], k[1] * angle * sin_phi + k[3]


@compiled
def add_view(
    fisheye: bool, k: Floats, free: Ints, R: Floats, t: Floats, board: Floats, pixels: Floats, found: Flags,
    forgiven: float, predicted: Floats, H: Floats, g: Floats,
) -> float:  # fmt: skip
    """Predictions of one view and its normal equations.

    Args:
        fisheye: The lens model; otherwise rational, or pinhole, which is rational with zeros.
        k: (12,) intrinsics.
        free: (P,) which of them are estimated.
        R: (3, 3) camera from board.
        t: (3,) mm.
        board: (N, 2) mm.
        pixels: (N, 2) px as seen.
        found: (N,) whether there is such a corner.
        forgiven: Square of the distance px from which corners hardly count (Cauchy's loss); 0 counts all
            alike.
        predicted: (N, 2) filled with px; NaN behind the camera, unless it is a fisheye.
        H: (P + 6, P + 6) whose lower triangle is filled with J^T W J.
        g: (P + 6,) filled with J^T W r.

    Returns:
        The sum of the losses, px^2; infinite where a found corner has no image.
    """
    count = len(free)
    by_point, by_lens = np.empty((2, 3)), np.empty((2, INTRINSICS))
    J = np.empty((2, count + POSE))
    H[:] = 0.0
    g[:] = 0.0
    cost = 0.0
    for n in range(len(board)):
        # The board is flat: its third axis does not matter.
        bx = R[0, 0] * board[n, 0] + R[0, 1] * board[n, 1]
        by = R[1, 0] * board[n, 0] + R[1, 1] * board[n, 1]
        bz = R[2, 0] * board[n, 0] + R[2, 1] * board[n, 1]
        x, y, z = bx + t[0], by + t[1], bz + t[2]
        if fisheye:
            u, v = seen_by_fisheye(k, x, y, z, by_point, by_lens)
        elif z > 0.0:
            u, v = project_with_derivatives(False, k, x, y, z, by_point, by_lens)
        else:
            u, v = math.nan, math.nan
        predicted[n, 0], predicted[n, 1] = u, v
        if not found[n]:
            continue
        du, dv = u - pixels[n, 0], v - pixels[n, 1]
        squared = du * du + dv * dv
        if not math.isfinite(squared):
            cost = math.inf
            continue
        weight = 1.0
        if forgiven > 0.0:
            weight = 1.0 / (1.0 + squared / forgiven)
            cost += forgiven * math.log1p(squared / forgiven)
        else:
            cost += squared
        for i in range(2):
            for j in range(count):
                J[i, j] = by_lens[i, free[j]]
            p0, p1, p2 = by_point[i, 0], by_point[i, 1], by_point[i, 2]
            # exp(w) R X turns X by w x (R X): the columns are the cross products of R X with the rows of the
            # derivative by the point
            J[i, count] = by * p2 - bz * p1
            J[i, count + 1] = bz * p0 - bx * p2
            J[i, count + 2] = bx * p1 - by * p0
            J[i, count + 3], J[i, count + 4], J[i, count + 5] = p0, p1, p2
        for i in range(count + POSE):
            a, b = weight * J[0, i], weight * J[1, i]
            g[i] += a * du + b * dv
            for j in range(i + 1):
                H[i, j] += a * J[0, j] + b * J[1, j]
    return cost


@compiled
def linearise_views(
    fisheye: bool, k: Floats, free: Ints, R: Floats, t: Floats, board: Floats, pixels: Floats, found: Flags,
    forgiven: float, predicted: Floats, H: Floats, g: Floats,
) -> float:  # fmt: skip
    """``add_view`` for V views: arrays as there with V in front.

    Returns:
        The sum of the losses, px^2.
    """
    cost = 0.0
    for v in range(len(board)):
        cost += add_view(
            fisheye, k, free, R[v], t[v], board[v], pixels[v], found[v], forgiven, predicted[v], H[v], g[v]
        )  # fmt: skip
    return cost


@compiled
def factorise_pose(H: Floats, damping: float, L: Floats) -> bool:
    """Cholesky factor of a view's damped pose block: ``L`` (6, 6) filled; False where it is singular."""
    first = len(H) - POSE
    for i in range(POSE):
        own = H[first + i, first + i] * (1.0 + damping)
        for j in range(i + 1):
            rest = H[first + i, first + j]
            if i == j:
                rest = own
            for m in range(j):
                rest -= L[i, m] * L[j, m]
            if i == j:
                if not rest > SINGULAR * own:
                    return False
                L[i, i] = math.sqrt(rest)
            else:
                L[i, j] = rest / L[j, j]
    return True


@compiled
def eliminate_poses(H: Floats, g: Floats, damping: float, S: Floats, right: Floats, pulled: Floats) -> int:
    """Eliminate the poses of V views from the normal equations (Schur complement).

    Args:
        H: (V, P + 6, P + 6) lower triangles.
        g: (V, P + 6).
        damping: Levenberg-Marquardt, relative to the diagonal, of the poses only.
        S: (P, P) to which what is left for the lens is added, the whole matrix.
        right: (P,) likewise.
        pulled: (V, 6, P + 1) filled: the pose blocks' inverses times couplings, and times gradients. Zeros
            for a view that does not determine its pose; it says nothing about the lens either.

    Returns:
        How many views there are of the latter kind.
    """
    count = len(right)
    L = np.zeros((POSE, POSE))
    lost = 0
    for v in range(len(H)):
        X = pulled[v]
        if not factorise_pose(H[v], damping, L):
            X[:] = 0.0
            lost += 1
            continue
        for column in range(count + 1):
            for i in range(POSE):
                rest = g[v, count + i] if column == count else H[v, count + i, column]
                for m in range(i):
                    rest -= L[i, m] * X[m, column]
                X[i, column] = rest / L[i, i]
        for i in range(count):
            down = g[v, i]
            for m in range(POSE):
                down -= X[m, i] * X[m, count]
            right[i] += down
            for j in range(i + 1):
                own = H[v, i, j]
                for m in range(POSE):
                    own -= X[m, i] * X[m, j]
                S[i, j] += own
                if i != j:
                    S[j, i] += own
        for column in range(count + 1):
            for i in range(POSE - 1, -1, -1):
                rest = X[i, column]
                for m in range(i + 1, POSE):
                    rest -= L[m, i] * X[m, column]
                X[i, column] = rest / L[i, i]
    return lost


@compiled
def damped_step(
    S: Floats, right: Floats, H: Floats, damping: float, prior: Floats, values: Floats, step: Floats
) -> bool:
    """Step of the lens from its reduced system, damped and with a prior; False where that is singular.

    Args:
        S: (P, P), see ``eliminate_poses``.
        right: (P,) likewise.
        H: (V, P + 6, P + 6); damping is relative to what the views say of the lens by itself.
        damping: Levenberg-Marquardt.
        prior: (P,) weight of each parameter's square.
        values: (P,) of the parameters.
        step: (P,) filled; to be subtracted.
    """
    count = len(right)
    L = np.zeros((count, count))
    for i in range(count):
        own = prior[i]
        for v in range(len(H)):
            own += H[v, i, i]
        diagonal = S[i, i] + prior[i] + damping * own
        for j in range(i + 1):
            rest = S[i, j] if i != j else diagonal
            for m in range(j):
                rest -= L[i, m] * L[j, m]
            if i != j:
                L[i, j] = rest / L[j, j]
            elif rest > SINGULAR * diagonal:
                L[i, i] = math.sqrt(rest)
            else:
                return False
    for i in range(count):
        rest = right[i] + prior[i] * values[i]
        for m in range(i):
            rest -= L[i, m] * step[m]
        step[i] = rest / L[i, i]
    for i in range(count - 1, -1, -1):
        rest = step[i]
        for m in range(i + 1, count):
            rest -= L[m, i] * step[m]
        step[i] = rest / L[i, i]
    return True


@compiled
def turn(R: Floats, a: float, b: float, c: float, turned: Floats) -> None:
    """Fill ``turned`` (3, 3) with exp(w) R, w = (a, b, c) rad."""
    squared = a * a + b * b + c * c
    angle = math.sqrt(squared)
    if angle < 1e-9:
        sine, cosine = 1.0, 0.5
    else:
        sine, cosine = math.sin(angle) / angle, (1.0 - math.cos(angle)) / squared
    for column in range(3):
        x, y, z = R[0, column], R[1, column], R[2, column]
        dot = a * x + b * y + c * z
        turned[0, column] = x + sine * (b * z - c * y) + cosine * (a * dot - squared * x)
        turned[1, column] = y + sine * (c * x - a * z) + cosine * (b * dot - squared * y)
        turned[2, column] = z + sine * (a * y - b * x) + cosine * (c * dot - squared * z)


@compiled
def moved_poses(R: Floats, t: Floats, pulled: Floats, step: Floats, new_R: Floats, new_t: Floats) -> None:
    """Fill ``new_R`` (V, 3, 3) and ``new_t`` (V, 3) with poses after the lens has moved by ``-step`` (P,)."""
    count = len(step)
    move = np.empty(POSE)
    for v in range(len(R)):
        for i in range(POSE):
            move[i] = pulled[v, i, count]
            for j in range(count):
                move[i] -= pulled[v, i, j] * step[j]
        turn(R[v], -move[0], -move[1], -move[2], new_R[v])
        for i in range(3):
            new_t[v, i] = t[v, i] - move[3 + i]


@compiled
def refine_poses(
    fisheye: bool, k: Floats, R: Floats, t: Floats, board: Floats, pixels: Floats, found: Flags,
    forgiven: float, rounds: int, predicted: Floats,
) -> None:  # fmt: skip
    """Levenberg-Marquardt for the pose of each view by itself; ``R``, ``t`` and ``predicted`` are changed.

    Args:
        fisheye: As in ``add_view``, like the others, with V views in front.
        k: See above.
        R: (V, 3, 3).
        t: (V, 3).
        board: (V, N, 2).
        pixels: (V, N, 2).
        found: (V, N).
        forgiven: As in ``add_view``.
        rounds: Steps tried at most.
        predicted: (V, N, 2) filled.
    """
    none = np.empty(0, np.int64)
    H, g, L = np.empty((POSE, POSE)), np.empty(POSE), np.zeros((POSE, POSE))
    trial_H, trial_g, trial = np.empty((POSE, POSE)), np.empty(POSE), np.empty_like(predicted[0])
    trial_R, trial_t, move = np.empty((3, 3)), np.empty(3), np.empty(POSE)
    for v in range(len(R)):
        cost = add_view(
            fisheye, k, none, R[v], t[v], board[v], pixels[v], found[v], forgiven, predicted[v], H, g
        )  # fmt: skip
        damping = 1e-3
        for _ in range(rounds):
            if damping >= MOST_DAMPING:
                break
            if not factorise_pose(H, damping, L):
                damping *= 10.0
                continue
            for i in range(POSE):
                rest = g[i]
                for m in range(i):
                    rest -= L[i, m] * move[m]
                move[i] = rest / L[i, i]
            for i in range(POSE - 1, -1, -1):
                rest = move[i]
                for m in range(i + 1, POSE):
                    rest -= L[m, i] * move[m]
                move[i] = rest / L[i, i]
            turn(R[v], -move[0], -move[1], -move[2], trial_R)
            for i in range(3):
                trial_t[i] = t[v, i] - move[3 + i]
            new = add_view(
                fisheye, k, none, trial_R, trial_t, board[v], pixels[v], found[v], forgiven, trial, trial_H,
                trial_g,
            )  # fmt: skip
            if not new <= cost or not math.isfinite(new):
                damping *= 10.0
                continue
            small = cost - new <= FALL_OF_POSE * cost
            cost = new
            R[v], t[v], predicted[v], H[:], g[:] = trial_R, trial_t, trial, trial_H, trial_g
            damping = max(damping / 10.0, LEAST_DAMPING)
            if small:
                break
