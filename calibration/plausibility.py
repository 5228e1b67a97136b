"""Whether corners that a detector returned can be those of a flat board: detectors are wrong now and then."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.board import Board

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

FEWEST_CORNERS = 4
"""A pose of a flat board needs four."""

# In squares. The strongest lens of the recordings bends a board by 0.2 against the best homography; a corner
# taken for its neighbour misses by a whole square.
_LARGEST_MISS = 0.4
_ROBUST_MISS = 0.25
# Of one step along a row against the next one, in steps: perspective and lens change it by less.
_LARGEST_BEND = 0.35
# Of all corners of a charuco view; more outliers and the homography itself is not to be trusted.
_FEWEST_GOOD = 0.6


@dataclass(frozen=True)
class Checked:
    """What is left of a detection.

    Attributes:
        ids: (N,) corners that are kept.
        pixels: (N, 2) px.
        spacing_px: Median distance of neighbouring corners as the homography puts them; NaN where refused.
        reason: Why nothing is left, "" where something is.
    """

    ids: Ints
    pixels: Floats
    spacing_px: float = float("nan")
    reason: str = ""


def check_corners(
    board: Board,
    ids: Ints,
    pixels: Floats,
    *,
    mirrored: bool = False,
    support: tuple[Floats, Floats] | None = None,
) -> Checked:
    """Compare corners with a flat board seen in perspective.

    Args:
        board: What was looked for.
        ids: (N,) numbers of corners.
        pixels: (N, 2) distorted px.
        mirrored: Whether the picture is expected to show the print from behind.
        support: Further points of the board, (M, 2) mm and (M, 2) px, such as the corners of its markers:
            four inner corners in one line do not tell where the board is, with these they do.

    Returns:
        The corners that fit. Of a charuco board outliers are taken out; a checkerboard is found as a whole
        or not at all.
    """
    if len(ids) < FEWEST_CORNERS:
        found = "no corner" if len(ids) == 0 else f"only {len(ids)} corner{'s' if len(ids) > 1 else ''}"
        return _refused(f"{found} found, at least {FEWEST_CORNERS} are needed")
    flat = board.corners[ids, :2]
    more_flat, more_pixels = support if support is not None else (np.zeros((0, 2)), np.zeros((0, 2)))
    homography = board_homography(
        np.concatenate([flat, more_flat]),
        np.concatenate([pixels, more_pixels]),
        board.square_mm,
        robust=board.kind == "charuco",
    )
    if homography is None:
        return _refused(f"the {len(ids)} corners do not lie on a flat board in any position")
    miss, spacing = _misses(homography, board, flat, pixels)
    if not np.isfinite(miss).all():
        return _refused(f"the {len(ids)} corners do not lie on a flat board in any position")
    good = miss <= _LARGEST_MISS * spacing
    rms = float(np.sqrt(np.mean(miss**2)))
    if board.kind == "checkerboard":
        # Of a very wide lens the rows are arcs, far from any homography but without a kink.
        good |= _largest_bend(board, pixels) <= _LARGEST_BEND
    if board.kind == "checkerboard" and not good.all():
        return _refused(
            f"the {len(ids)} corners miss those of a flat board by {rms:.1f} px (RMS), "
            f"{rms / float(np.median(spacing)):.2f} of a square; the detector took something else for corners"
        )
    if np.count_nonzero(good) < max(FEWEST_CORNERS, _FEWEST_GOOD * len(ids)):
        return _refused(
            f"{np.count_nonzero(~good)} of {len(ids)} corners are not where a flat board would have them "
            f"({rms:.1f} px RMS)"
        )
    if (_handedness(homography, board) < 0) != mirrored:
        return _refused("the corners run the wrong way round, as if seen in a mirror")
    return Checked(ids[good], pixels[good], float(np.median(spacing[good])))


def project_board(homography: Floats, points: Floats) -> Floats:
    """(N, 2) px of (N, 2) mm on the board."""
    mapped = np.column_stack([points, np.ones(len(points))]) @ homography.T
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = mapped[:, :2] / np.where(mapped[:, 2:] > 0, mapped[:, 2:], np.nan)
    return result


def _refused(reason: str) -> Checked:
    return Checked(np.zeros(0, np.intp), np.zeros((0, 2)), reason=reason)


def board_homography(
    flat: Floats, pixels: Floats, square_mm: float, *, robust: bool, attempts: int = 2000
) -> Floats | None:
    """(3, 3) px from mm on the board, with positive depth there; None where the points allow none.

    Args:
        flat: (N, 2) mm.
        pixels: (N, 2) px.
        square_mm: Side of a square; a quarter of it is the tolerance of the robust fit.
        robust: Leave out what does not fit.
        attempts: Of the robust fit; 60 suffice where two thirds fit.
    """
    if robust and len(flat) > FEWEST_CORNERS:
        px_per_mm = float(np.ptp(pixels, axis=0).max() / max(np.ptp(flat, axis=0).max(), 1e-9))
        limit = max(2.0, _ROBUST_MISS * px_per_mm * square_mm)
        cv2.setRNGSeed(1)  # the same picture gives the same answer, whatever was looked at before
        matrix, _ = cv2.findHomography(flat, pixels, cv2.RANSAC, limit, None, attempts)
    else:
        matrix, _ = cv2.findHomography(flat, pixels, 0)
    if matrix is None or not np.isfinite(matrix).all():
        return None
    result = np.asarray(matrix, np.float64)
    depth = float(np.append(flat.mean(axis=0), 1.0) @ result[2])
    return -result if depth < 0 else result


def _misses(homography: Floats, board: Board, flat: Floats, pixels: Floats) -> tuple[Floats, Floats]:
    """(N,) px from the homography's corner, (N,) px from there to the neighbours (the shorter way)."""
    at = project_board(homography, flat)
    half = board.square_mm / 2
    sides = [
        np.linalg.norm(
            project_board(homography, flat + step) - project_board(homography, flat - step), axis=1
        )
        for step in (np.array([half, 0.0]), np.array([0.0, half]))
    ]
    # The geometric mean: foreshortening squeezes one direction, and corners stay told apart by the other.
    spacing: Floats = np.sqrt(sides[0] * sides[1])
    miss: Floats = np.linalg.norm(at - pixels, axis=1)
    return miss, spacing


def _handedness(homography: Floats, board: Board) -> float:
    """Positive where x, y of the board turn the way x, y of the picture do."""
    width, height = board.size_mm
    corners = project_board(homography, np.array([[0, 0], [width, 0], [width, height], [0, height]]) * 1.0)
    if not np.isfinite(corners).all():
        return float(np.linalg.det(homography))
    x, y = corners.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def _largest_bend(board: Board, pixels: Floats) -> float:
    """Largest second difference along rows and columns of a complete grid, in local spacings."""
    along_x, along_y = board.inner
    grid = pixels.reshape(along_y, along_x, 2)
    bends = []
    for lines in (grid, grid.transpose(1, 0, 2)):
        steps = np.diff(lines, axis=1)
        second = np.linalg.norm(np.diff(steps, axis=1), axis=-1)
        length = np.linalg.norm(steps, axis=-1)
        bends.append((second / np.maximum(np.minimum(length[:, 1:], length[:, :-1]), 1e-9)).max())
    return float(max(bends))
