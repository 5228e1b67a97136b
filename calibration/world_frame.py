"""What tells where the world is: views of a board on the floor, or of points with known coordinates.

``world_axes`` then puts a rig there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.errors import SolveError
from calibration.extrinsics import usable_views
from calibration.extrinsics_config import ExtrinsicsConfig
from calibration.observations import BoardObservations
from calibration.projection_kernel import packed_intrinsics, refine_points
from calibration.rig import Rig
from calibration.rotation import fit_rigid, mean_rotation, rotation_angle
from calibration.solve_stages import Stages, board_poses
from calibration.world_axes import FloorBoard
from configs.errors import bad_input

Floats = NDArray[np.float64]

STILL_DEG = 1.0
STILL_MM = 10.0
"""A board on the floor lies still; if its poses differ by more it was not lying, or is seen badly."""
STILL_PART = 0.003
"""Of the picture's width: corners that move less prove that it lay still, however much single poses differ.
Those of half a metre of board that one camera sees obliquely from 3 m differ by 20 mm, from noise alone."""
FLAT = 0.02
"""Smallest over second extent of known points, below which they lie on one line."""
FEWEST_POINTS = 3


def find_floor_board(rig: Rig, observations: BoardObservations) -> FloorBoard:
    """Where a still board lies.

    Args:
        rig: Solved cameras.
        observations: Views of the board on the floor only; one camera at one moment suffices.

    Raises:
        BadInputError: No view can be used, or the board moved.
    """
    rig = rig.subset(observations.cameras)
    R, t, count = _moments(rig, observations)
    middle_R, middle_t = mean_rotation(R), np.median(t, axis=0)
    turn = np.degrees(rotation_angle(R @ middle_R.T))
    shift = np.linalg.norm(t - middle_t, axis=1)
    lying_R, lying_t, _ = _moments(rig, _averaged(observations))
    result = FloorBoard(
        lying_R[0],
        lying_t[0],
        count,
        len(t),
        float(np.sqrt((shift**2).mean())),
        float(np.sqrt((turn**2).mean())),
    )
    differs = result.spread_deg > STILL_DEG or result.spread_mm > STILL_MM
    if differs and not _corners_stay(observations):
        raise bad_input(
            f"the board for the floor does not lie still: it turns by {result.spread_deg:.1f} degrees and "
            f"moves by "
            f"{result.spread_mm:.0f} mm",
            hint="give the pictures in which it lies on the floor, and no others",
        )
    return result


def _moments(rig: Rig, observations: BoardObservations) -> tuple[Floats, Floats, int]:
    """R (M, 3, 3) and t (M, 3) of the board at each moment, by themselves, and from how many views."""
    lenses = {camera.name: camera for camera in rig.cameras}
    data, poses = usable_views(observations, lenses, ExtrinsicsConfig(), complete=False)
    if not len(data.views):
        raise bad_input(
            "no camera sees enough of the board on the floor; show at least 4 corners of it to one"
        )
    stages = Stages(data, ExtrinsicsConfig(), 0)
    still = rig.with_cameras({camera.name: replace(camera, lag_ms=0.0) for camera in rig.cameras})
    problem, solution = stages.fit_path(poses, still)
    R, t = board_poses(problem, solution.state, data)
    return R, t, len(data.views)


def _averaged(observations: BoardObservations) -> BoardObservations:
    """One view per camera of a board that lies still: each corner where it is in the median."""
    time_ns = min(view.time_ns for view in observations.views)
    views = []
    for name in observations.cameras:
        seen = observations.by_camera(name)
        if not seen:
            continue
        ids = np.unique(np.concatenate([view.ids for view in seen]))
        places = [np.concatenate([view.pixels[view.ids == one] for view in seen]) for one in ids]
        pixels = np.array([np.median(place, axis=0) for place in places])
        views.append(replace(seen[0], time_ns=time_ns, ids=ids, pixels=pixels))
    return observations.chosen(views)


def _corners_stay(observations: BoardObservations) -> bool:
    """Whether no corner moves in the pictures, but for noise."""
    middle = {view.camera: view for view in _averaged(observations).views}
    for view in observations.views:
        there = middle[view.camera]
        away = view.pixels - there.pixels[np.searchsorted(there.ids, view.ids)]
        limit = STILL_PART * observations.sizes[view.camera][0]
        if float(np.median(np.linalg.norm(away, axis=1))) > limit:
            return False
    return True


@dataclass(frozen=True, eq=False)
class KnownPoints:
    """How a rig fits points with known coordinates.

    Attributes:
        rig: In the world of the points.
        residuals_mm: (N, 3) triangulated minus known; NaN for points seen by fewer than two cameras.
        rms_mm: Root mean square distance.
        scale_percent: Signed: positive where the rig is larger than the points say. Not taken out of the rig
            unless asked for.
    """

    rig: Rig
    residuals_mm: Floats
    rms_mm: float
    scale_percent: float


def world_from_points(
    rig: Rig, known_mm: ArrayLike, pixels: Mapping[str, ArrayLike], *, rescale: bool = False
) -> KnownPoints:
    """The world in which points have their known coordinates, by least squares.

    Args:
        rig: Solved cameras.
        known_mm: (N, 3) coordinates in the wanted world, Z up.
        pixels: Camera to (N, 2) distorted px, NaN where it does not see a point.
        rescale: Also take the scale from the points, where they are known better than the board's squares.

    Raises:
        BadInputError: Fewer than three points are seen by two cameras, or they lie on one line.
    """
    known = np.asarray(known_mm, dtype=np.float64)
    views = rig.subset(list(pixels))
    images = np.stack([np.asarray(pixels[name], dtype=np.float64) for name in views.names])
    if known.ndim != 2 or known.shape[1] != 3 or images.shape[1:] != (len(known), 2):
        raise bad_input(f"{known.shape} coordinates do not fit pixels of shape {images.shape[1:]} per camera")
    found = triangulate_exactly(views, images)
    seen = np.isfinite(found[:, 0]) & np.isfinite(known).all(axis=1)
    if seen.sum() < FEWEST_POINTS:
        raise bad_input(
            f"only {int(seen.sum())} known points are marked in two cameras or more", hint="mark at least 3"
        )
    centred = known[seen] - known[seen].mean(axis=0)
    extent = np.linalg.svd(centred, compute_uv=False)
    if extent[1] < FLAT * extent[0]:
        raise bad_input("the known points lie on one line, which leaves the world free to turn around it")
    spread = found[seen] - found[seen].mean(axis=0)
    scale = float(np.sqrt((spread**2).sum() / (centred**2).sum()))
    if rescale:
        rig = replace(rig, cameras=tuple(replace(camera, t=camera.t / scale) for camera in rig.cameras))
        found = found / scale
    R, t = fit_rigid(found[seen], known[seen])
    residuals = found @ R.T + t - known
    return KnownPoints(
        rig.moved(R, t),
        residuals,
        float(np.sqrt((residuals[seen] ** 2).sum(axis=1).mean())),
        100.0 * (scale - 1.0),
    )


def triangulate_exactly(rig: Rig, pixels: Floats) -> Floats:
    """Triangulate by least squares of the image errors.

    Args:
        rig: The cameras.
        pixels: (C, N, 2) distorted px, NaN where a camera does not see a point.

    Returns:
        (N, 3) mm, NaN where fewer than two cameras see it.

    Raises:
        SolveError: A point lies nowhere.
    """
    points = rig.triangulate(pixels)
    good = np.flatnonzero(np.isfinite(points[:, 0]))
    seen = np.isfinite(pixels[:, good, 0])
    order = [np.flatnonzero(seen[:, k]) for k in range(len(good))]
    starts = np.concatenate([[0], np.cumsum([len(who) for who in order])]).astype(np.int64)
    if not len(good):
        return points
    observer = np.concatenate(order)
    observed = np.concatenate([pixels[who, place] for who, place in zip(order, good, strict=True)])
    refined = np.ascontiguousarray(points[good])
    refine_points(
        starts, observer, observed, np.array([camera.model == "fisheye" for camera in rig.cameras]),
        np.stack([packed_intrinsics(camera.K, camera.distortion) for camera in rig.cameras]),
        np.stack([camera.R for camera in rig.cameras]), np.stack([camera.t for camera in rig.cameras]),
        4, refined, np.empty((len(observer), 2)),
    )  # fmt: skip
    if not np.isfinite(refined).all():
        raise SolveError(
            "a known point cannot be triangulated; is it marked at the same place in all cameras?"
        )
    points[good] = refined
    return points
