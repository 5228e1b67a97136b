"""Weighted linear triangulation of many joints at once, with gradients and covariance.

The problem (Hartley and Zisserman, Multiple View Geometry, sec. 12.2; weights by Iskakov et al., ICCV 2019):
each view adds the rows ``c (x p3 - p1)`` and ``c (y p3 - p2)`` to a matrix ``A``, and the joint is the
smallest right singular vector of ``A``, divided by its fourth component. The usual way is one singular value
decomposition per joint. Here the same vector is found from three unknowns: with ``A = [A3 | a]``,
``H = A3^T A3`` and ``(X, 1)`` the wanted vector, ``(H - s I) X = -A3^T a``, where ``s``, the smallest squared
singular value, is the smallest root of a polynomial of degree four with real roots only. Laguerre's method
finds it from below without ever stepping over it, and triples the digits with each step. All numbers are
taken relative to the least-squares solution (s = 0), so nothing cancels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.triangulation.linear_kernel import solve_all

LAGUERRE_STEPS = 6
"""Two are enough for keypoints that agree within pixels, gross errors take up to five."""
SINGULAR = 1e-13
"""Smallest eigenvalue of ``H`` over its trace below which rounding decides where the joint is."""
DAMPING = 1e-6
"""What is added to the diagonal of a singular ``H``, over its trace."""
NOTHING = 1e-60
"""Added to the diagonal where there are no rows at all; its cube, a determinant, is still a number."""
MINUTE = 1e-140
"""Confidences are divided by the largest of the joint; this only keeps 0 / 0 away. Its square is a number."""
UPPER = [0, 1, 2, 1, 3, 4, 2, 4, 5]
"""Where the entries of a symmetric 3x3 matrix are in its upper triangle."""


class LinearSolution(NamedTuple):
    """Triangulated joints.

    Attributes:
        points: (B, J, 3) float64, always finite.
        determined: (B, J) whether two views with different rays saw the joint. Where not, the point is only a
            placeholder and has no gradient.
    """

    points: Tensor
    determined: Tensor


def triangulate_linear(
    points: Tensor,
    projections: Tensor,
    confidences: Tensor | None = None,
    present: Tensor | None = None,
) -> LinearSolution:
    """Triangulate every joint of every sample.

    First derivatives with respect to all inputs are exact (implicit differentiation); second ones are not
    provided. Works in double precision whatever the inputs, without waiting for the device.

    Args:
        points: (B, V, J, 2) px, without lens distortion; NaN where a view has none.
        projections: (B, V, 3, 4), world to px.
        confidences: (B, V, J) >= 0; a view counts by the square of its confidence. All equal by default.
        present: (B, V) or (B, V, J), which views take part; all by default.
    """
    inputs = [each for each in (points, projections, confidences) if each is not None]
    compiled = runs_compiled(points)
    rows: Tensor | None = None
    if compiled:
        solution, inverse, determined = solve_compiled(points, projections, confidences, present)
    else:
        rows = linear_rows(points, projections, confidences, present)
        with torch.no_grad():
            solution, inverse, determined = solve_rows(rows)
    if not (torch.is_grad_enabled() and any(each.requires_grad for each in inputs)):
        return LinearSolution(solution, determined)
    if rows is None:
        rows = linear_rows(points, projections, confidences, present)
    # One Newton step from the solution changes nothing but carries the derivative of the implicit equation
    # A3^T A x = s X. Joints without a solution have a zero inverse: no step, no gradient.
    homogeneous = torch.cat((solution, torch.ones_like(solution[..., :1])), dim=-1)
    residual = (rows @ homogeneous.unsqueeze(-1)).squeeze(-1)
    smallest = residual.square().sum(-1) / homogeneous.square().sum(-1)
    gradient = (residual.unsqueeze(-2) @ rows[..., :3]).squeeze(-2)
    step = (inverse @ (smallest.unsqueeze(-1) * solution - gradient).unsqueeze(-1)).squeeze(-1)
    return LinearSolution(solution + step, determined)


def runs_compiled(points: Tensor) -> bool:
    """Whether to leave plain torch: on a CPU its calls cost more than the arithmetic of a few joints."""
    return points.device.type == "cpu" and not torch.compiler.is_compiling()


def solve_compiled(
    points: Tensor, projections: Tensor, confidences: Tensor | None, present: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """As ``solve_rows(linear_rows(...))``, on a CPU and without gradients."""
    samples, _, joints = points.shape[:3]
    seen = taking_part(points, present)
    weights = seen.double() if confidences is None else torch.where(seen, confidences.detach().double(), 0.0)
    out = np.empty((samples, joints, 3))
    inverse = np.empty((samples, joints, 6))
    determined = np.empty((samples, joints), np.bool_)
    solve_all(as_array(points), as_array(projections), as_array(weights), out, inverse, determined)
    full = torch.from_numpy(inverse)[..., UPPER].reshape(samples, joints, 3, 3)
    return torch.from_numpy(out), full, torch.from_numpy(determined)


def as_array(tensor: Tensor) -> NDArray[np.float64]:
    """A contiguous float64 array with the values of a tensor on the CPU."""
    return np.ascontiguousarray(tensor.detach().numpy(), np.float64)


def linear_rows(
    points: Tensor, projections: Tensor, confidences: Tensor | None, present: Tensor | None
) -> Tensor:
    """The matrices ``A``, (B, J, 2V, 4) float64; rows of missing views are zero."""
    points = points.double()
    projections = projections.double()
    seen = taking_part(points, present)
    points = torch.where(seen.unsqueeze(-1), points, 0.0)
    third = projections[:, :, None, 2:3, :]
    rows = points.unsqueeze(-1) * third - projections[:, :, None, :2, :]
    weights = row_weights(seen, confidences)
    rows = rows * weights[..., None, None]
    return rows.transpose(1, 2).flatten(2, 3)


def row_weights(seen: Tensor, confidences: Tensor | None) -> Tensor:
    """(B, V, J) float64 factors of the rows, the largest of each joint 1; zero for what is not seen."""
    if confidences is None:
        return seen.double()
    weights = torch.where(seen, confidences.double(), 0.0)
    # The solution does not depend on the scale of the weights, and tiny ones would not survive squaring.
    return weights / weights.detach().amax(dim=1, keepdim=True).clamp(min=MINUTE)


def taking_part(points: Tensor, present: Tensor | None) -> Tensor:
    """(B, V, J) whether a view has the joint: it is present and its point is finite."""
    seen = points.isfinite().all(dim=-1)
    if present is None:
        return seen
    return seen & (present if present.dim() == 3 else present.unsqueeze(-1))


def solve_rows(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Smallest singular vectors of (..., 2V, 4) matrices, in the scale (X, 1).

    Returns:
        X (..., 3); the inverse of ``H - s I``, (..., 3, 3), zero where H is singular; and whether it is not.
    """
    columns = rows[..., :3]
    normal = columns.mT @ columns
    right = columns.mT @ rows[..., 3:]
    trace = normal.diagonal(dim1=-2, dim2=-1).sum(-1)
    cofactors, determinant = adjugate(normal)
    minors = cofactors.diagonal(dim1=-2, dim2=-1).sum(-1)
    # determinant / minors is the smallest eigenvalue, or up to three times less.
    determined = determinant > SINGULAR * trace * minors
    damped = torch.where(determined, 0.0, DAMPING * trace + NOTHING)
    normal = normal + damped[..., None, None] * torch.eye(3, dtype=normal.dtype, device=normal.device)
    cofactors, determinant = adjugate(normal)
    trace = trace + 3 * damped
    minors = cofactors.diagonal(dim1=-2, dim2=-1).sum(-1)

    start = -(cofactors @ right / determinant[..., None, None]).squeeze(-1)
    homogeneous = torch.cat((start, torch.ones_like(start[..., :1])), dim=-1)
    residual = (rows @ homogeneous.unsqueeze(-1)).squeeze(-1)
    squares = residual.square().sum(-1)
    length = homogeneous.square().sum(-1)
    # start^T adj(H - s I) start is a quadratic polynomial in s.
    q0 = (start.unsqueeze(-2) @ cofactors @ start.unsqueeze(-1)).squeeze(-1).squeeze(-1)
    q2 = start.square().sum(-1)
    q1 = (start.unsqueeze(-2) @ normal @ start.unsqueeze(-1)).squeeze(-1).squeeze(-1) - trace * q2
    # The characteristic polynomial of A^T A, from numbers of which none is a difference of large ones.
    k0 = determinant * squares
    k1 = -(determinant * length + minors * squares)
    k2 = minors * length + trace * squares - q0
    k3 = -(trace * length + squares) - q1
    smallest = torch.zeros_like(squares)
    for _ in range(LAGUERRE_STEPS):
        s = smallest
        value = k0 + s * (k1 + s * (k2 + s * (k3 + s)))
        slope = k1 + s * (2 * k2 + s * (3 * k3 + 4 * s))
        bend = 2 * k2 + s * (6 * k3 + 12 * s)
        below = slope - (9 * slope.square() - 12 * value * bend).clamp(min=0.0).sqrt()
        smallest = torch.where(below < 0, s - 4 * value / below, s)
    smallest = torch.where(determined, smallest, 0.0)
    shifted = normal - smallest[..., None, None] * torch.eye(3, dtype=normal.dtype, device=normal.device)
    cofactors, determinant = adjugate(shifted)
    inverse = cofactors / determinant[..., None, None]
    gradient = (residual.unsqueeze(-2) @ columns).squeeze(-2)
    moved = (inverse @ (smallest.unsqueeze(-1) * start - gradient).unsqueeze(-1)).squeeze(-1)
    inverse = torch.where(determined[..., None, None], inverse, 0.0)
    return torch.where(determined.unsqueeze(-1), start + moved, start), inverse, determined


def adjugate(symmetric: Tensor) -> tuple[Tensor, Tensor]:
    """Adjugates (..., 3, 3) and determinants (...) of symmetric matrices."""
    a, b, c = symmetric[..., 0, 0], symmetric[..., 0, 1], symmetric[..., 0, 2]
    d, e, f = symmetric[..., 1, 1], symmetric[..., 1, 2], symmetric[..., 2, 2]
    aa, ab, ac = d * f - e * e, c * e - b * f, b * e - c * d
    bb, bc, cc = a * f - c * c, b * c - a * e, a * d - b * b
    matrix = torch.stack((aa, ab, ac, ab, bb, bc, ac, bc, cc), dim=-1).reshape(symmetric.shape)
    return matrix, a * aa + b * ab + c * ac


def project(projections: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
    """Where joints appear in each view.

    Args:
        projections: (B, V, 3, 4).
        joints: (B, J, 3).

    Returns:
        (B, V, J, 2) px and the third coordinate (B, V, J), the depth where the rows are those of K [R | t].
    """
    seen = joints.unsqueeze(1) @ projections[..., :3].mT + projections[..., 3].unsqueeze(2)
    return seen[..., :2] / seen[..., 2:], seen[..., 2]
