"""How good a calibration is, in px and in mm, on board views that it has not seen.

The cameras stay where they are. Corners that at least two of them see at a moment are triangulated, after
each was carried to that moment along the path of the board (cameras with a lag see it elsewhere), and
compared with the board as it was printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.bundle_covariance import NORMAL_95
from calibration.errors import SolveError
from calibration.extrinsics import solve_extrinsics, usable_views
from calibration.extrinsics_config import ExtrinsicsConfig
from calibration.observations import BoardObservations, BoardView
from calibration.prepared_views import LensIntrinsics, PreparedViews, usual_skew_ms
from calibration.projection_kernel import project, refine_points
from calibration.rig import Rig
from calibration.rotation import fit_rigid
from calibration.solve_stages import Stage, Stages

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROUNDS = 4
FEWEST_CORNERS = 4
"""Triangulated corners that make a rigid fit mean something."""
BLOCK_S = 1.0
"""Views are kept out in stretches of a second, so that most have no neighbour in time that was solved."""
AROUND_S = 0.5
"""Views that close to a kept out stretch help to find the board's path at its ends. They are not judged."""
OUTLIER_PX = 20.0
"""A corner further off than this was found in the wrong place; it says nothing about the cameras."""


@dataclass(frozen=True)
class Quality:
    """Figures of a calibration.

    Attributes:
        held_out: Whether the views were kept out of the solve.
        moments: At which corners were triangulated.
        corners: Triangulated.
        reprojection_px: Root mean square distance of all corners to the board's best pose.
        camera_reprojection_px: The same by camera; NaN where a camera saw nothing.
        triangulated_px: Root mean square distance of triangulated corners to their observations.
        rigid_mm: Root mean square distance of triangulated corners to the board, rigidly moved onto them.
        spacing_mm: Root mean square error of the distances of neighbouring corners.
        scale_percent: Signed: positive where the cameras see the board larger than it is said to be. As the
            solve takes its scale from the board, this tells intrinsics from intrinsics, not a wrong square.
        scale_interval_percent: Half the width of its 95 % interval.
    """

    held_out: bool
    moments: int
    corners: int
    reprojection_px: float
    camera_reprojection_px: Mapping[str, float]
    triangulated_px: float
    rigid_mm: float
    spacing_mm: float
    scale_percent: float
    scale_interval_percent: float

    def as_dict(self) -> dict[str, Any]:
        """For ``Rig.quality``; plain numbers, rounded to what they mean."""
        result: dict[str, Any] = {
            "held_out": self.held_out,
            "moments": self.moments,
            "corners": self.corners,
        }
        for name in ("reprojection_px", "triangulated_px", "rigid_mm", "spacing_mm", "scale_percent",
                     "scale_interval_percent"):  # fmt: skip
            result[name] = round(getattr(self, name), 4)
        result["camera_reprojection_px"] = {
            name: round(value, 4) for name, value in self.camera_reprojection_px.items() if np.isfinite(value)
        }
        return result


@dataclass(frozen=True)
class KnownDistance:
    """A length measured with a tape, between the optical centres of two cameras.

    Attributes:
        cameras: Two names.
        mm: As measured.
    """

    cameras: tuple[str, str]
    mm: float


def scale_error_percent(rig: Rig, distances: Sequence[KnownDistance]) -> float:
    """Signed error of the rig's scale against known distances, least squares over all.

    This is what shows a wrong square size: a calibration with squares stated 2 % too large is 2 % too large.
    """
    measured = np.array([distance.mm for distance in distances])
    found = np.array(
        [
            np.linalg.norm(rig.camera(d.cameras[0]).position - rig.camera(d.cameras[1]).position)
            for d in distances
        ]
    )
    return 100.0 * float((found @ measured) / (measured @ measured) - 1.0)


def hold_out(
    observations: BoardObservations, share: float = 0.2, *, phase: int = 0
) -> tuple[BoardObservations, BoardObservations]:
    """Divide a recording into views to solve with and views to judge by.

    Args:
        observations: All views.
        share: Of the time that is kept out, in stretches spread over the recording.
        phase: Which of the possible divisions: 0 up to 1 / ``share``.

    Returns:
        For the solve, for the judgement.
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"share must lie between 0 and 1, not {share}")
    groups = observations.instants(round(1e6 * usual_skew_ms(observations)))
    period = max(2, round(1.0 / share))
    solve: list[BoardView] = []
    judge: list[BoardView] = []
    # Stretches are counted in filmed time, so that pauses without a board do not swallow them.
    filmed, before, stretch = 0.0, None, 0
    for group in groups:
        now = 1e-9 * group[0].time_ns
        if before is not None:
            filmed += min(now - before, BLOCK_S)
        before = now
        stretch = int(filmed / BLOCK_S)
        (judge if stretch % period == phase % period else solve).extend(group)
    return observations.chosen(solve), observations.chosen(judge)


def held_out_quality(
    observations: BoardObservations,
    intrinsics: Mapping[str, LensIntrinsics],
    config: ExtrinsicsConfig | None = None,
    *,
    share: float = 0.2,
    phases: int = 1,
) -> Quality:
    """Solve without part of the views and judge by them.

    Args:
        observations: All views.
        intrinsics: Lens of each camera.
        config: Of the solve.
        share: Of the recording that is kept out each time.
        phases: How many such solves, each without another part; their figures are pooled.

    Raises:
        BadInputError: What is left does not suffice for a solve.
    """
    parts = []
    for phase in range(phases):
        solve, judge = hold_out(observations, share, phase=phase)
        judged = {(view.camera, view.frame) for view in judge.views}
        rig = solve_extrinsics(solve, intrinsics, config).rig
        parts.append(_measure(rig, _with_neighbours(observations, judge), judged))
    return _pooled(parts, observations.cameras, held_out=True)


def _with_neighbours(observations: BoardObservations, judge: BoardObservations) -> BoardObservations:
    """Some views and all around them: a camera with a lag shows what others show before or after."""
    times = np.sort([view.time_ns for view in judge.views])
    all_times = np.array([view.time_ns for view in observations.views])
    after = np.searchsorted(times, all_times).clip(0, len(times) - 1)
    away = np.minimum(np.abs(times[after] - all_times), np.abs(times[np.maximum(after - 1, 0)] - all_times))
    near = away <= 1e9 * AROUND_S
    return observations.chosen(view for view, one in zip(observations.views, near, strict=True) if one)


def measure_quality(rig: Rig, observations: BoardObservations, *, held_out: bool = False) -> Quality:
    """Judge a rig by board views.

    Args:
        rig: Cameras; those that the recording does not have are left out.
        observations: Views of the board.
        held_out: Whether the rig was solved without them, for the record.

    Raises:
        SolveError: No moment shows the board in two cameras.
    """
    return _pooled([_measure(rig, observations)], observations.cameras, held_out=held_out)


@dataclass(frozen=True, eq=False)
class _Measured:
    """Raw figures: by corner of a view, by triangulated corner, by moment."""

    residuals: Floats
    camera: Ints
    cameras: tuple[str, ...]
    triangulated: Floats
    rigid: Floats
    spacing: Floats
    scale: Floats
    weight: Floats


def _measure(
    rig: Rig, observations: BoardObservations, judged: Set[tuple[str, int]] | None = None
) -> _Measured:
    """Figures of the judged views (camera, picture), None for all; the others only help with the path."""
    rig = rig.subset(observations.cameras)
    data, poses = usable_views(
        observations, {camera.name: camera for camera in rig.cameras}, ExtrinsicsConfig(), complete=False
    )
    if not len(data.views):
        raise SolveError("no view of the board is left to judge the calibration by")
    stages = Stages(data, ExtrinsicsConfig(), 0)
    stage = stages.fit_path(poses, rig)
    sharp = np.linalg.norm(stage[1].residuals, axis=1) < OUTLIER_PX
    if judged is not None:
        mine = np.array([(view.camera, view.frame) in judged for view in data.views], np.bool_)
        sharp &= mine[data.view_of_corner]
    points, places, residuals = triangulate_at_moments(rig, data, stage, sharp)
    if not len(points):
        raise SolveError("no corner of the board is seen by two cameras at a moment")
    corners = observations.board.corners
    moment, number = places[:, 0], places[:, 1]
    rigid, spacing, scale, weight = [], [], [], []
    for one in np.unique(moment):
        mine = moment == one
        ids, found = number[mine], points[mine]
        spacing.append(_spacings(ids, found, observations.board.inner[0], observations.board.square_mm))
        if len(ids) >= FEWEST_CORNERS:
            printed = corners[ids]
            R, t = fit_rigid(printed, found)
            rigid.append(found - (printed @ R.T + t))
            centred = (printed - printed.mean(axis=0)) @ R.T
            extent = float((centred**2).sum())
            scale.append(float((centred * (found - found.mean(axis=0))).sum()) / extent)
            weight.append(extent)
    return _Measured(
        residuals=stage[1].residuals[sharp],
        camera=data.camera[data.view_of_corner][sharp],
        cameras=data.cameras,
        triangulated=residuals,
        rigid=np.concatenate(rigid or [np.zeros((0, 3))]),
        spacing=np.concatenate(spacing),
        scale=np.array(scale),
        weight=np.array(weight),
    )


def triangulate_at_moments(
    rig: Rig, data: PreparedViews, stage: Stage, used: Bools
) -> tuple[Floats, Ints, Floats]:
    """Corners at the moments of the recording, from all cameras that see them.

    Args:
        rig: Cameras in the order of ``data.cameras``.
        data: The views.
        stage: The path of the board by this rig.
        used: (O,) which corners take part.

    Returns:
        Points (N, 3) mm, world; their moment and number (N, 2); image errors (K, 2) px of their observations.
    """
    problem, solution = stage
    carried = data.pixels + carry_to_moments(data, stage)
    moment = data.instant[data.view_of_corner]
    camera = data.camera[data.view_of_corner]
    numbers = int(data.ids.max()) + 1
    table = np.full((len(rig), len(data.instant_time) * numbers, 2), np.nan)
    table[camera[used], (moment * numbers + data.ids)[used]] = carried[used]
    seen = np.isfinite(table[..., 0])
    wanted = np.flatnonzero(seen.sum(axis=0) >= 2)
    points = rig.triangulate(table[:, wanted])
    good = np.isfinite(points[:, 0])
    wanted, points = wanted[good], np.ascontiguousarray(points[good])
    observer_of, pixel_of, starts = [], [], [0]
    for place in wanted:
        who = np.flatnonzero(seen[:, place])
        observer_of.append(who)
        pixel_of.append(table[who, place])
        starts.append(starts[-1] + len(who))
    residuals = np.empty((starts[-1], 2))
    if len(points):
        refine_points(
            np.array(starts, np.int64), np.concatenate(observer_of), np.concatenate(pixel_of),
            problem.fisheye, solution.state.intrinsics, solution.state.camera_R, solution.state.camera_t,
            ROUNDS, points, residuals,
        )  # fmt: skip
    return points, np.column_stack([wanted // numbers, wanted % numbers]), residuals


def carry_to_moments(data: PreparedViews, stage: Stage) -> Floats:
    """(O, 2) px by which each corner moves from when its picture shows it to the moment of the view."""
    problem, solution = stage
    state = solution.state
    view = data.view_of_corner
    at_moment = problem.path.windows(data.instant_time[data.instant], problem.view_part)
    images = []
    for poses in (at_moment.poses(state.quaternions, state.positions), solution.at.poses):
        world = np.einsum("oij,oj->oi", poses.R[view], data.points) + poses.t[view]
        images.append(
            project(
                problem.fisheye, state.intrinsics, state.camera_R, state.camera_t, data.camera[view], world
            )
        )
    return np.asarray(images[0] - images[1])


def _spacings(ids: Ints, points: Floats, along_x: int, square_mm: float) -> Floats:
    """Errors of the distances of neighbouring corners, mm."""
    place = {int(number): k for k, number in enumerate(ids)}
    pairs = [
        (k, place[other])
        for number, k in place.items()
        for other in ([number + 1] if (number + 1) % along_x else []) + [number + along_x]
        if other in place
    ]
    if not pairs:
        return np.zeros(0)
    a, b = np.array(pairs).T
    return np.asarray(np.linalg.norm(points[a] - points[b], axis=1) - square_mm)


def _pooled(parts: Sequence[_Measured], cameras: Sequence[str], *, held_out: bool) -> Quality:
    residuals = np.concatenate([part.residuals for part in parts])
    camera = np.concatenate([np.array(part.cameras)[part.camera] for part in parts])
    rigid = np.concatenate([part.rigid for part in parts])
    scale = np.concatenate([part.scale for part in parts])
    weight = np.concatenate([part.weight for part in parts])
    mean, spread = float("nan"), float("nan")
    if len(scale):
        mean = float(np.average(scale, weights=weight))
        if len(scale) > 1:
            share = weight / weight.sum()
            variance = float((share**2 * (scale - mean) ** 2).sum()) * len(scale) / (len(scale) - 1)
            spread = NORMAL_95 * float(np.sqrt(variance))
    return Quality(
        held_out=held_out,
        moments=len(scale),
        corners=len(rigid),
        reprojection_px=_rms(residuals),
        camera_reprojection_px={name: _rms(residuals[camera == name]) for name in cameras},
        triangulated_px=_rms(np.concatenate([part.triangulated for part in parts])),
        rigid_mm=_rms(rigid),
        spacing_mm=_rms(np.concatenate([part.spacing for part in parts])[:, None]),
        scale_percent=100.0 * (mean - 1.0),
        scale_interval_percent=100.0 * spread,
    )


def _rms(residuals: Floats) -> float:
    return float(np.sqrt(np.nanmean((residuals**2).sum(axis=1)))) if len(residuals) else float("nan")
