"""Where a person stands: a root-relative metric pose and its picture together give the distance.

Sarandi et al., T-BIOM 2020, section 3.4. All numbers of a person are normalised by that person alone; the
published programs normalise by the whole batch, which lets strangers in the same batch move a person.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

VIEW_MARGIN: Final = 0.75
"""Share of a stride at the border of the crop in which flat heatmaps are not to be trusted."""
_UNSEEN_WEIGHT: Final = 1e-4
_RIDGE: Final = 1e-2
_SPREAD: Final = 1e-5
_NOTHING: Final = 1e-30
"""Instead of zero, to divide by: a single-precision number, since other runtimes keep constants as such."""


def normalised_points(pixels: Tensor, intrinsics: Tensor) -> Tensor:
    """(N, J, 2) px to points on the plane at distance 1, by (N, 3, 3) ``intrinsics`` with third row 0 0 1."""
    a, b, c, d = (intrinsics[:, i, j, None] for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)))
    x, y = (pixels[..., axis] - intrinsics[:, axis, 2, None] for axis in (0, 1))
    determinant = a * d - b * c
    return torch.stack([(d * x - b * y) / determinant, (a * y - c * x) / determinant], dim=-1)


def in_view(pixels: Tensor, side: int, stride: int, *, margin: float = VIEW_MARGIN, centered: bool) -> Tensor:
    """(..., 2) px to (...) bool: inside the crop of ``side`` px and ``margin`` strides from its border."""
    offset = 0.0 if centered else -stride / 2
    low, high = stride * margin + offset, side - stride * margin + offset
    return ((pixels >= low) & (pixels <= high)).all(dim=-1)


def translation_full(points: Tensor, metric: Tensor, seen: Tensor) -> Tensor:
    """The translation that projects a pose best onto its picture, by regularised least squares.

    Every joint asks for two equations, r_x - n_x r_z = n_x m_z - m_x and the same for y.

    Args:
        points: (N, J, 2) normalised points n.
        metric: (N, J, 3) mm, m.
        seen: (N, J) bool; others count next to nothing.

    Returns:
        (N, 3) mm, r.
    """
    n, m = points.double(), metric.double()
    wanted = n * m[..., 2:] - m[..., :2]
    # Scaled by their root mean square, so the same ridge fits every person.
    n_size = n.square().mean(dim=(1, 2)).sqrt()
    wanted_size = wanted.square().mean(dim=(1, 2)).sqrt()
    n_size, wanted_size = n_size.clamp_min(_NOTHING), wanted_size.clamp_min(_NOTHING)
    a, b = n / n_size[:, None, None], wanted / wanted_size[:, None, None]
    weight = (seen.double() + _UNSEEN_WEIGHT).square()[..., None]
    # Normal equations [[s, 0, -ux], [0, s, -uy], [-ux, -uy, q]] r = (vx, vy, w), solved by elimination.
    s = weight.sum(dim=(1, 2)) + _RIDGE
    u, v = (weight * a).sum(dim=1), (weight * b).sum(dim=1)
    q = (weight * a.square()).sum(dim=(1, 2)) + _RIDGE
    w = -(weight * a * b).sum(dim=(1, 2))
    z = (w + (u * v).sum(dim=1) / s) / (q - u.square().sum(dim=1) / s)
    xy = (v + u * z[:, None]) / s[:, None]
    shift = torch.cat([xy, (z / n_size)[:, None]], dim=1) * wanted_size[:, None]
    return shift.to(metric.dtype)


def translation_weak(points: Tensor, metric: Tensor, seen: Tensor) -> Tensor:
    """The translation by which size and place of a pose fit its picture, all joints at about one distance.

    Arguments and result as for ``translation_full``.
    """
    n_mean, n_spread = _mean_and_spread(points, seen)
    flat_mean, flat_spread = _mean_and_spread(metric[..., :2], seen)
    z_mean, _ = _mean_and_spread(metric[..., 2:], seen)
    distance = (flat_spread / n_spread)[:, None]
    ahead = torch.cat([n_mean, torch.ones_like(distance)], dim=1) * distance
    return ahead - torch.cat([flat_mean, z_mean], dim=1)


def _mean_and_spread(values: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C) mean and (N,) root of the mean squared distance from it, over the joints seen."""
    weight = seen.to(values.dtype)[..., None]
    count = weight.sum(dim=1).clamp_min(1.0)
    mean = (weight * values).sum(dim=1) / count
    squares = (weight * (values - mean[:, None]).square()).sum(dim=(1, 2))
    some = seen.any(dim=1)
    spread = torch.where(some, (squares / count[:, 0] + 1e-10).sqrt(), torch.zeros_like(squares))
    return mean, spread.clamp_min(_SPREAD)


def absolute_pose(
    points: Tensor, metric: Tensor, seen: Tensor, mix: float | Tensor | None = 0.5, *, weak: bool = False
) -> Tensor:
    """A pose in the frame of the camera.

    Joints in view mix the translated pose with rays through their pixels at its depth; the others have the
    translated pose alone.

    Args:
        points: (N, J, 2) normalised points.
        metric: (N, J, 3) mm up to a translation.
        seen: (N, J) bool.
        mix: Share of the translated pose within the view, also (N, 1, 1); None takes the rays alone.
        weak: Use ``translation_weak``.

    Returns:
        (N, J, 3) mm.
    """
    solve = translation_weak if weak else translation_full
    moved = metric + solve(points, metric, seen)[:, None]
    rays = on_rays(points, moved[..., 2:])
    inside = rays if mix is None else mix * moved + (1.0 - mix) * rays
    return torch.where(seen[..., None], inside, moved)


def on_rays(points: Tensor, depth: Tensor) -> Tensor:
    """(..., 2) normalised points at (..., 1) mm along z to (..., 3) mm."""
    return torch.cat([points * depth, depth], dim=-1)


def project(points: Tensor, intrinsics: Tensor) -> Tensor:
    """(N, J, 3) mm to (N, J, 2) px, for losses: divided by at least 1 mm, so what is behind stays finite."""
    return points / points[..., 2:].clamp_min(1.0) @ intrinsics[:, :2].mT
