"""What can be wrong with a recording of a board before anything is solved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from calibration.board import MOST_SQUARES, Board
from calibration.camera import Camera
from calibration.diagnosis import Diagnosis
from calibration.intrinsics_config import FEWEST_VIEWS
from calibration.observations import BoardObservations, BoardView
from calibration.planar_pose import homographies, pack

Floats = NDArray[np.float64]

BLURRED = 0.12
"""Of ``BoardView.sharpness``: an edge is then 8 px wide."""
SMALLEST_SQUARE_PX = 10.0
"""Corner finders look at a few px around a corner; in smaller squares they see the neighbours as well."""
_SQUARE_MISS = 0.25
"""Of a square: how far corners may be from the best homography. The strongest lenses bend a board by 0.2."""
_MOST_COMPARED = 30
"""Views from which a wrong numbering is read; they all have the same."""
_BEYOND_PX = 1.0
_MOST_STALLED = 0.5
_FEWEST_SAME = 3


def check_recording(
    observations: BoardObservations, supplied: Mapping[str, Camera], fewest_views: int
) -> list[Diagnosis]:
    """Look at times, sizes, numbers, sharpness.

    Args:
        observations: Of all cameras.
        supplied: Cameras whose intrinsics are known.
        fewest_views: What the solve for the cameras' places wants of each camera.
    """
    cameras = observations.cameras
    found = [*_sizes(observations, supplied), *_times(observations), *_same_pictures(observations)]
    wrong_counts = _counts(observations)
    found += wrong_counts
    if not wrong_counts:
        found += _too_few(observations, supplied, fewest_views if len(cameras) > 1 else FEWEST_VIEWS)
    found += _symmetric(observations.board, len(cameras))
    found += _handedness(observations)
    for name in cameras:
        views = observations.by_camera(name)
        if views:
            found += _blurred(name, views)
            found += _small(observations.board, name, views)
    return found


def _too_few(
    observations: BoardObservations, supplied: Mapping[str, Camera], fewest: int
) -> Iterator[Diagnosis]:
    for name in observations.cameras:
        views = len(observations.by_camera(name))
        needed = fewest if name in supplied else max(fewest, FEWEST_VIEWS)
        if views < needed:
            seen = (
                f"{name} never saw the board"
                if views == 0
                else f"{name} saw the board in only {views} picture{'s' if views > 1 else ''}"
            )
            yield Diagnosis(
                "too_few_views",
                "error",
                f"{seen}, at least {needed} are needed: show it the whole board, lit and in focus, in 10 or "
                "more different places and tilts",
                (name,),
            )


def _sizes(observations: BoardObservations, supplied: Mapping[str, Camera]) -> Iterator[Diagnosis]:
    for name in observations.cameras:
        width, height = observations.sizes[name]
        views = observations.by_camera(name)
        far = [
            view
            for view in views
            if (view.pixels < -_BEYOND_PX).any()
            or (view.pixels > np.array([width, height]) - 1 + _BEYOND_PX).any()
        ]
        if far:
            x, y = far[0].pixels.max(axis=0)
            yield Diagnosis(
                "picture_size",
                "error",
                f"{name} is said to have pictures of {width} x {height}, but {len(far)} of its {len(views)} "
                f"views have corners outside (picture {far[0].frame}: {x:.0f}, {y:.0f}): pictures of "
                "different sizes are mixed; record the camera at one size",
                (name,),
            )
        if name not in supplied or supplied[name].size == (width, height):
            continue
        w, h = supplied[name].size
        shapes = "of the same shape" if w * height == h * width else "of another shape"
        yield Diagnosis(
            "picture_size",
            "error",
            f"the supplied intrinsics of {name} are for pictures of {w} x {h}, its recording has {width} x "
            f"{height} ({shapes}): supply intrinsics for that size, or none to have them estimated",
            (name,),
        )


def _times(observations: BoardObservations) -> Iterator[Diagnosis]:
    for name in observations.cameras:
        times = [view.time_ns for view in observations.by_camera(name)]
        different = len(set(times))
        if len(times) >= 4 and different <= _MOST_STALLED * len(times):
            yield Diagnosis(
                "time_stamps",
                "error",
                f"the {len(times)} views of {name} have only {different} different time stamps: the moments "
                "of the cameras cannot be matched; supply the times at which the pictures were taken",
                (name,),
            )


def _same_pictures(observations: BoardObservations) -> Iterator[Diagnosis]:
    by_frame = {
        name: {view.frame: view for view in observations.by_camera(name)} for name in observations.cameras
    }
    for first, second in combinations(observations.cameras, 2):
        shared = by_frame[first].keys() & by_frame[second].keys()
        same = sum(
            1
            for frame in shared
            if np.array_equal(by_frame[first][frame].pixels, by_frame[second][frame].pixels)
        )
        # Noise alone makes equal positions of even one corner in two cameras impossible.
        if same >= _FEWEST_SAME and same > len(shared) / 2:
            yield Diagnosis(
                "same_camera",
                "error",
                f"{first} and {second} show the same pictures ({same} views agree to the last digit): they "
                "are one camera or one file under two names; take one of them out",
                (first, second),
            )


def _counts(observations: BoardObservations) -> list[Diagnosis]:
    """Corners whose numbers were counted on a board with other rows."""
    board = observations.board
    views = [view for view in observations.views if len(view) >= 6]
    if not views:
        return []
    rank = np.linspace(0, len(views) - 1, min(len(views), _MOST_COMPARED)).astype(int)
    some = [views[k] for k in np.unique(rank)]
    stated = board.inner[0]
    if _misfit(some, stated) <= _SQUARE_MISS:
        return []
    misfits = {stride: _misfit(some, stride) for stride in range(2, MOST_SQUARES)}
    stride = min(misfits, key=lambda one: misfits[one])
    if misfits[stride] > _SQUARE_MISS / 2 or misfits[stride] > misfits[stated] / 3:
        return []
    stated_words = f"{board.columns} x {board.rows} squares"
    if stride == board.rows - 1:
        return [
            Diagnosis(
                "swapped_counts",
                "error",
                "columns and rows of the board are exchanged: the corners are numbered as on a board of "
                f"{board.rows} x {board.columns} squares, not {stated_words}; exchange columns and rows in "
                "the board file",
            )
        ]
    if stride == board.columns:
        hint = (
            f"the board has {board.columns} inner corners along a row, and one square more: inner corners "
            f"were given where squares are counted; state {board.columns + 1} x {board.rows + 1} squares"
        )
    elif stride == board.columns - 2:
        hint = (
            f"the board has {stride} inner corners along a row, which is {stride + 1} squares: one was "
            f"added that need not be; state {stride + 1} columns, and check the rows"
        )
    else:
        hint = f"count again: the corners are numbered as on a board with {stride + 1} columns of squares"
    return [
        Diagnosis(
            "inner_outer" if abs(stride - stated) == 1 else "wrong_counts",
            "error",
            f"the corners do not fit a board of {stated_words}: {hint}",
        )
    ]


def _misfit(views: Sequence[BoardView], stride: int) -> float:
    """Median over views of the homography's residual, in squares, if rows had ``stride`` inner corners."""
    result = []
    for view in views:
        column, row = view.ids % stride, view.ids // stride
        if np.ptp(column) == 0 or np.ptp(row) == 0:
            continue
        flat = np.column_stack([column, row, np.zeros_like(row)]).astype(np.float64)
        middle, extent = view.pixels.mean(axis=0), float(np.ptp(view.pixels, axis=0).max())
        # px per square, from the areas the corners cover in the picture and on the board
        area = np.sqrt(max(float(np.linalg.det(np.cov(view.pixels.T))), 1e-12))
        square = np.sqrt(area / np.sqrt(max(float(np.linalg.det(np.cov(flat[:, :2].T))), 1e-12)))
        residual = _homography_rms(flat[:, :2], (view.pixels - middle) / extent) * extent
        result.append(residual / max(square, 1e-9))
    # A stride under which most views are a single row explains nothing.
    return float(np.median(result)) if len(result) >= max(1, len(views) // 2) else float("inf")


def _homography_rms(flat: Floats, image: Floats) -> float:
    x, y = ((flat - flat.mean(axis=0)) / max(float(np.ptp(flat, axis=0).max()), 1e-9)).T
    u, v = image.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    rows = np.concatenate(
        [
            np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], axis=1),
            np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], axis=1),
        ]
    )
    H = np.linalg.eigh(rows.T @ rows)[1][:, 0].reshape(3, 3)
    ahead = np.stack([x, y, one], axis=1) @ H.T
    with np.errstate(divide="ignore", invalid="ignore"):
        away = ahead[:, :2] / ahead[:, 2:] - image
    rms = float(np.sqrt((away**2).sum(axis=1).mean()))
    return rms if np.isfinite(rms) else float("inf")


def _symmetric(board: Board, cameras: int) -> Iterator[Diagnosis]:
    if board.symmetry > 1 and cameras > 1:
        turns = "half a turn" if board.symmetry == 2 else "a quarter turn"
        yield Diagnosis(
            "symmetric_board",
            "warning",
            f"this board looks the same after {turns} ({board.columns} x {board.rows} squares): cameras "
            "that see it from different sides can take different corners for the first; use a charuco "
            "board, or one with an even and an odd number of squares",
        )


def seen_from_behind(observations: BoardObservations, name: str) -> NDArray[np.bool_]:
    """(V,) for each view of a camera, whether the corners run the wrong way round in the picture."""
    views = observations.by_camera(name)
    if not views:
        return np.zeros(0, np.bool_)
    packed = pack(observations.board, views)
    H = homographies(packed)
    weight = packed.found / np.maximum(packed.found.sum(axis=1, keepdims=True), 1)
    middle = np.einsum("vn,vnk->vk", weight, packed.board)
    depth = np.einsum("vj,vj->v", H[:, 2, :2], middle) + H[:, 2, 2]
    # The sign of the area of what the map makes of a small square there: that is det(H) over depth cubed. A
    # view of corners on a line has neither.
    return np.asarray(np.linalg.det(H) * depth < 0.0)


def _handedness(observations: BoardObservations) -> Iterator[Diagnosis]:
    shares = {
        name: float(seen_from_behind(observations, name).mean())
        for name in observations.cameras
        if len(observations.by_camera(name)) >= FEWEST_VIEWS
    }
    if shares and min(shares.values()) > 0.9:
        yield Diagnosis(
            "mirrored_print",
            "warning",
            "every camera sees the board mirrored: if the print is mirrored or always seen from its back, "
            "that is no problem; if the cameras mirror their pictures (selfie view), left and right of the "
            "world are exchanged, so switch that off and record again",
        )


def _blurred(name: str, views: Sequence[BoardView]) -> Iterator[Diagnosis]:
    known = np.array([view.sharpness for view in views if np.isfinite(view.sharpness)])
    if len(known) and (typical := float(np.median(known))) < BLURRED:
        yield Diagnosis(
            "blurred",
            "warning",
            f"the board is blurred in {name} (edges are {1 / max(typical, 1e-3):.0f} px wide in most "
            "views): focus the lens, add light or shorten the exposure, and hold the board still",
            (name,),
        )


def _small(board: Board, name: str, views: Sequence[BoardView]) -> Iterator[Diagnosis]:
    steps, along_x = [], board.inner[0]
    for view in views:
        table = np.full((board.inner[1], along_x, 2), np.nan)
        table[view.ids // along_x, view.ids % along_x] = view.pixels
        # The larger of both directions: what is foreshortened in one is still told apart along the other.
        sides = [np.linalg.norm(np.diff(table, axis=axis), axis=2) for axis in (0, 1)]
        steps.append(
            [max((float(np.nanmedian(side)) for side in sides if np.isfinite(side).any()), default=np.nan)]
        )
    all_steps = np.concatenate(steps)
    if np.isfinite(all_steps).any() and (typical := float(np.nanmedian(all_steps))) < SMALLEST_SQUARE_PX:
        yield Diagnosis(
            "small_board",
            "warning",
            f"the board is small in {name} (its squares are {typical:.0f} px wide): come nearer, use larger "
            f"squares or a higher resolution, so that squares are at least {2 * SMALLEST_SQUARE_PX:.0f} px "
            "wide",
            (name,),
        )
