"""Homographies and poses of a flat board in many views at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.observations import BoardView

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PackedViews:
    """Views of different lengths in arrays of one size; V views, at most N corners each.

    Attributes:
        board: (V, N, 2) mm, the corners on the board (Z = 0).
        pixels: (V, N, 2) distorted px; 0 where nothing was found.
        found: (V, N) whether there is a corner.
        ids: (V, N) its number, -1 where there is none.
    """

    board: Floats
    pixels: Floats
    found: NDArray[np.bool_]
    ids: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.found)

    def chosen(self, views: NDArray[np.intp] | NDArray[np.bool_]) -> PackedViews:
        """Some of the views."""
        return PackedViews(self.board[views], self.pixels[views], self.found[views], self.ids[views])

    def only(self, found: NDArray[np.bool_]) -> PackedViews:
        """The same views with fewer corners."""
        return PackedViews(self.board, self.pixels, self.found & found, self.ids)


def pack(board: Board, views: tuple[BoardView, ...] | list[BoardView]) -> PackedViews:
    """Put the corners of views into arrays of one size."""
    width = max((len(view) for view in views), default=0)
    ids = np.full((len(views), width), -1, np.intp)
    pixels = np.zeros((len(views), width, 2))
    for row, view in enumerate(views):
        ids[row, : len(view)] = view.ids
        pixels[row, : len(view)] = view.pixels
    found = ids >= 0
    places = np.where(found[..., None], board.corners[np.maximum(ids, 0), :2], 0.0)
    return PackedViews(places, pixels, found, ids)


def homographies(views: PackedViews, images: Floats | None = None) -> Floats:
    """Best homography of each view, board mm to image (normalised direct linear transform).

    Args:
        views: At least four corners each, not all on a line, for a meaningful result.
        images: (V, N, 2) positions to use instead of ``views.pixels``.

    Returns:
        (V, 3, 3), scaled so that the board's middle has positive depth 1.
    """
    source, target = views.board, views.pixels if images is None else images
    weight = views.found.astype(float)
    from_source, source = _centred(source, weight)
    from_target, target = _centred(target, weight)
    x, y, u, v = source[..., 0], source[..., 1], target[..., 0], target[..., 1]
    zero, one = np.zeros_like(x), np.ones_like(x)
    rows = np.stack(
        [
            np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], axis=-1),
            np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], axis=-1),
        ],
        axis=2,
    )
    rows = (rows * weight[..., None, None]).reshape(len(x), -1, 9)
    _, vectors = np.linalg.eigh(rows.transpose(0, 2, 1) @ rows)
    H = vectors[:, :, 0].reshape(-1, 3, 3)
    H = np.linalg.inv(from_target) @ H @ from_source
    count = np.maximum(weight.sum(axis=1), 1.0)
    middle = (views.board * weight[..., None]).sum(axis=1) / count[:, None]
    depth = np.einsum("vi,vi->v", H[:, 2, :2], middle) + H[:, 2, 2]
    return np.asarray(H / np.where(np.abs(depth) > 1e-12, depth, 1.0)[:, None, None])


def homography_residuals(views: PackedViews) -> Floats:
    """(V, N) px from each corner to where the best homography of its view has it; NaN where there is none."""
    H = homographies(views)
    ahead = views.board @ H[:, :, :2].transpose(0, 2, 1) + H[:, None, :, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.linalg.norm(ahead[..., :2] / ahead[..., 2:] - views.pixels, axis=-1)
    return np.where(views.found, away, np.nan)


def poses_from_normalised(views: PackedViews, ideal: Floats) -> tuple[Floats, Floats]:
    """First guess of where the board is.

    Args:
        views: Corners on the board.
        ideal: (V, N, 2) normalised undistorted coordinates of the corners.

    Returns:
        R (V, 3, 3) camera from board, and t (V, 3) mm, with the board's middle in front of the camera.
    """
    return poses_from_homographies(homographies(views, ideal))


def poses_from_homographies(H: Floats) -> tuple[Floats, Floats]:
    """R (V, 3, 3) and t (V, 3) mm of boards from homographies to normalised undistorted coordinates.

    Args:
        H: (V, 3, 3) scaled as ``homographies`` does.
    """
    size = np.sqrt(np.linalg.norm(H[:, :, 0], axis=1) * np.linalg.norm(H[:, :, 1], axis=1))
    H = H / np.maximum(size, 1e-12)[:, None, None]
    third = np.cross(H[:, :, 0], H[:, :, 1])
    U, _, Vt = np.linalg.svd(np.stack([H[:, :, 0], H[:, :, 1], third], axis=2))
    U[:, :, 2] *= np.linalg.det(U @ Vt)[:, None]
    return U @ Vt, H[:, :, 2]


def turned_over(R: Floats, t: Floats, middle: Floats) -> tuple[Floats, Floats]:
    """The other pose that looks nearly the same from far away: tilted the other way.

    Args:
        R: (V, 3, 3) camera from board.
        t: (V, 3) mm.
        middle: (V, 3) mm, the middle of the seen corners on the board, which stays where it is.

    Returns:
        R and t of the same shapes.
    """
    place = np.einsum("vij,vj->vi", R, middle) + t
    line = place / np.linalg.norm(place, axis=1, keepdims=True)
    half_turn = 2.0 * line[:, :, None] * line[:, None, :] - np.eye(3)
    other = half_turn @ R * np.array([-1.0, -1.0, 1.0])
    return other, place - np.einsum("vij,vj->vi", other, middle)


def _centred(points: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Shift and scale each view's points to mean 0 and spread 1: (V, 3, 3) that does it, and the result."""
    count = np.maximum(weight.sum(axis=1), 1.0)
    mean = (points * weight[..., None]).sum(axis=1) / count[:, None]
    moved = (points - mean[:, None]) * weight[..., None]
    scale = 1.0 / np.maximum(np.sqrt((moved**2).sum(axis=(1, 2)) / count / 2.0), 1e-12)
    T = np.zeros((len(points), 3, 3))
    T[:, 0, 0] = T[:, 1, 1] = scale
    T[:, :2, 2] = -mean * scale[:, None]
    T[:, 2, 2] = 1.0
    return T, moved * scale[:, None, None]
