"""Board views as flat arrays for the compiled kernels; what cannot be used is put aside with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from calibration.distortion import Lens, LensModel
from calibration.observations import BoardObservations, BoardView
from calibration.projection_kernel import packed_intrinsics
from configs.errors import bad_input, did_you_mean

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LONGEST_SKEW_S = 0.05
"""Pictures further apart than this are different moments, however slow the cameras are."""
SKEW_STEPS = 0.4
"""Of the time from one picture of a camera to its next: below a half, no two moments are joined."""
FLATTEST = 0.05
"""Smaller over larger extent of a view's corners on the board, below which they are on one line."""

MOST_LINED_UP = 8
"""A view with more corners than this has hardly all but one of them on a line."""


class LensIntrinsics(Protocol):
    """What is known of a camera before its place: ``Camera`` and intrinsic calibrations have it."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) px."""
        ...

    @property
    def model(self) -> LensModel:
        """Lens model."""
        ...

    @property
    def K(self) -> Floats:
        """(3, 3) px."""
        ...

    @property
    def distortion(self) -> Floats:
        """(n,) coefficients of ``model``."""
        ...


@dataclass(frozen=True)
class Rejection:
    """An observation that was left out.

    Attributes:
        camera: Name.
        frame: Number of the picture.
        corners: Ids of corners; empty means the whole view.
        reason: A sentence without a subject, such as "shows only 3 corners".
    """

    camera: str
    frame: int
    corners: tuple[int, ...]
    reason: str


@dataclass(frozen=True, eq=False)
class PreparedViews:
    """V usable views with O corners by C cameras at M moments, in order of time.

    Attributes:
        cameras: Names, in the order of the rig.
        lenses: One per camera.
        intrinsics: (C, 12), see ``projection_kernel``.
        views: As they were observed.
        starts: (V + 1,) first corner of each view.
        camera: (V,).
        time: (V,) s since ``origin_ns``.
        instant: (V,) moment of each view.
        instant_time: (M,) s, mean of its views.
        origin_ns: Time of the first view.
        points: (O, 3) mm, board frame.
        pixels: (O, 2) distorted px.
        rejected: What is not among them.
    """

    cameras: tuple[str, ...]
    lenses: tuple[Lens, ...]
    intrinsics: Floats
    views: tuple[BoardView, ...]
    starts: Ints
    camera: Ints
    time: Floats
    instant: Ints
    instant_time: Floats
    origin_ns: int
    points: Floats
    pixels: Floats
    rejected: tuple[Rejection, ...]

    @cached_property
    def fisheye(self) -> NDArray[np.bool_]:
        """(C,) which cameras have the fisheye model."""
        return np.array([lens.model == "fisheye" for lens in self.lenses])

    @cached_property
    def view_of_corner(self) -> Ints:
        """(O,) view of each corner."""
        return np.repeat(np.arange(len(self.views)), np.diff(self.starts))

    @cached_property
    def ids(self) -> Ints:
        """(O,) number of each corner on the board."""
        return np.concatenate([view.ids for view in self.views] or [np.zeros(0, np.intp)]).astype(np.int64)


def prepare_views(
    observations: BoardObservations,
    intrinsics: Mapping[str, LensIntrinsics],
    cameras: Sequence[str],
    *,
    min_corners: int = 4,
    max_skew_ms: float | None = None,
) -> PreparedViews:
    """Collect the usable views.

    Args:
        observations: All views.
        intrinsics: By camera name.
        cameras: Those to use, in the order of the result.
        min_corners: Fewest corners of a view.
        max_skew_ms: Views within this time are one moment; None takes it from the cameras' rate.

    Raises:
        BadInputError: Intrinsics are missing, or are for pictures of another size.
    """
    for name in cameras:
        if name not in intrinsics:
            raise bad_input(
                f"there are no intrinsics for {name}",
                allowed=", ".join(intrinsics) or "none",
                hint=did_you_mean(name, intrinsics),
            )
        size = tuple(observations.sizes[name])
        if size != tuple(intrinsics[name].size):
            found = " x ".join(map(str, intrinsics[name].size))
            raise bad_input(
                f"the pictures of {name} are {size[0]} x {size[1]} px but its intrinsics are for {found} px"
            )
    usable, rejected = [], []
    for view in observations.views:
        if view.camera in cameras:
            reason = _unusable(view, observations.board.corners, min_corners)
            if reason:
                rejected.append(Rejection(view.camera, view.frame, (), reason))
            else:
                usable.append(view)
    chosen = observations.chosen(usable)
    groups = chosen.instants(round(1e6 * (max_skew_ms if max_skew_ms is not None else usual_skew_ms(chosen))))
    views = tuple(view for group in groups for view in group)
    instant = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    origin_ns = min((view.time_ns for view in views), default=0)
    times = np.array([(view.time_ns - origin_ns) * 1e-9 for view in views])
    counts = np.bincount(instant, minlength=len(groups))
    mean_time = np.bincount(instant, weights=times, minlength=len(groups)) / np.maximum(counts, 1)
    order = np.argsort(mean_time, kind="stable")  # groups follow their first views, their means may not
    rank = np.empty(len(groups), np.int64)
    rank[order] = np.arange(len(groups))
    instant = rank[instant]
    by_time = np.argsort(instant, kind="stable")
    views = tuple(views[k] for k in by_time)
    corners = observations.board.corners
    return PreparedViews(
        cameras=tuple(cameras),
        lenses=tuple(Lens(intrinsics[n].model, np.asarray(intrinsics[n].distortion)) for n in cameras),
        intrinsics=np.stack(
            [
                packed_intrinsics(np.asarray(intrinsics[n].K), np.asarray(intrinsics[n].distortion))
                for n in cameras
            ]
        ),
        views=views,
        starts=np.concatenate([[0], np.cumsum([len(view) for view in views])]).astype(np.int64),
        camera=np.array([list(cameras).index(view.camera) for view in views], np.int64),
        time=times[by_time],
        instant=instant[by_time],
        instant_time=mean_time[order],
        origin_ns=origin_ns,
        points=np.concatenate([corners[view.ids] for view in views] or [np.zeros((0, 3))]),
        pixels=np.concatenate([view.pixels for view in views] or [np.zeros((0, 2))]),
        rejected=tuple(rejected),
    )


def usual_skew_ms(observations: BoardObservations) -> float:
    """Time within which views belong to one moment, from the rate of the cameras."""
    steps = []
    for name in observations.cameras:
        times = np.array([view.time_ns for view in observations.by_camera(name)], dtype=np.float64)
        between = np.diff(times)
        if (between > 0).any():
            steps.append(float(np.median(between[between > 0])) * 1e-9)
    return 1e3 * min([LONGEST_SKEW_S, *(SKEW_STEPS * step for step in steps)])


def _unusable(view: BoardView, corners: Floats, fewest: int) -> str:
    if len(view) < fewest:
        return f"shows only {len(view)} corner{'' if len(view) == 1 else 's'} of the board"
    flat = corners[view.ids, :2]
    if _on_a_line(flat):
        return "shows corners on one line only, which leaves the board free to turn around it"
    if len(flat) <= MOST_LINED_UP and any(_on_a_line(np.delete(flat, k, axis=0)) for k in range(len(flat))):
        return "shows only one corner beside a line of others, which leaves several poses open"
    return ""


def _on_a_line(flat: Floats) -> bool:
    extent = np.linalg.svd(flat - flat.mean(axis=0), compute_uv=False)
    return bool(extent[1] < FLATTEST * extent[0])
