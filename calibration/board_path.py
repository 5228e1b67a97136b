"""The path of a moving board: its pose at any time, from its poses at the moments of the pictures.

Between two knots, position and quaternion blend from the parabola through the three knots around the first to
the one around the second (Catmull-Rom, with unequal steps). The path's speed has no jumps, which the solver
needs when lags move views across knots. A quaternion's components are smooth functions of time, so
interpolating them and normalising is as exact as interpolating the position, and its derivatives are simple.
At a knot the path is the knot itself: with cameras that have no lag, nothing is interpolated at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.board_path_kernel import WINDOW, blend_poses, find_windows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LONGEST_GAP_S = 0.5
"""Beyond half a second the motion of a hand cannot be guessed from its ends."""
SHORTEST_BREAK_S = 0.12
"""A gap shorter than this is always bridged: a hand moves smoothly over it."""
GAP_STEPS = 2.5
"""A path bridges up to two missing pictures at the usual rate."""
CLOSEST_STEPS = 0.35
"""Moments closer together than this part of the usual step share a knot: a polynomial through two knots side
by side would turn their noise into speed."""
USUAL_STEP_S = 0.1
"""Distance of extra knots beside a moment that has no neighbour to take it from."""


@dataclass(frozen=True, eq=False)
class BoardPath:
    """Where the knots of the board's path are in time.

    Attributes:
        times: (N,) s; rising within each continuous part. N is at least ``WINDOW``.
        linked: (N,) whether a knot continues the part of the one before it.
        part: (N,) number of the continuous part.
        part_of_instant: (M,) part to which each moment belongs.
    """

    times: Floats
    linked: NDArray[np.bool_]
    part: Ints
    part_of_instant: Ints

    def __len__(self) -> int:
        return len(self.times)

    def windows(self, times: Floats, parts: Ints) -> PathWindows:
        """How poses at (V,) times (s) depend on the knots of (V,) parts; beyond its ends a part goes on."""
        begin = np.searchsorted(self.part, np.arange(self.part[-1] + 1), side="left")
        end = np.searchsorted(self.part, np.arange(self.part[-1] + 1), side="right")
        count = len(times)
        first = np.empty(count, np.int64)
        weights, rates = np.empty((count, WINDOW)), np.empty((count, WINDOW))
        find_windows(self.times, begin, end, times, parts, first, weights, rates)
        return PathWindows(first, weights, rates)


@dataclass(frozen=True, eq=False)
class PathWindows:
    """On which knots each of V views depends, and how.

    Attributes:
        first: (V,) first of ``WINDOW`` knots.
        weights: (V, WINDOW), sum 1.
        rates: (V, WINDOW) 1/s, derivative of the weights by time, sum 0.
    """

    first: Ints
    weights: Floats
    rates: Floats

    def poses(self, quaternions: Floats, positions: Floats) -> PathPoses:
        """The board in each view, from the knots' quaternions (N, 4) and positions (N, 3) mm."""
        count = len(self.first)
        poses = PathPoses(
            np.empty((count, 3, 3)),
            np.empty((count, 3)),
            np.empty((count, WINDOW, 3, 3)),
            np.empty((count, 6)),
        )
        blend_poses(
            self.first,
            self.weights,
            self.rates,
            quaternions,
            positions,
            poses.R,
            poses.t,
            poses.turn,
            poses.speed,
        )
        return poses


@dataclass(frozen=True, eq=False)
class PathPoses:
    """The board in each of V views.

    Attributes:
        R: (V, 3, 3) world from board.
        t: (V, 3) mm.
        turn: (V, WINDOW, 3, 3) turn per turn of each knot; the shift per shift are the window's weights.
        speed: (V, 6) rad/s and mm/s, world axes.
    """

    R: Floats
    t: Floats
    turn: Floats
    speed: Floats


def plan_path(
    instant_times: Sequence[float] | Floats, reach_s: float, shortest_step_s: float = 0.0
) -> BoardPath:
    """Place the knots: one per moment, and extra ones around each continuous part.

    Args:
        instant_times: (M,) s, rising.
        reach_s: How far beyond its moments a path is needed, the largest lag; 0 adds no extra knots.
        shortest_step_s: Moments closer to each other than this share knots.
    """
    instants = np.asarray(instant_times, dtype=np.float64)
    steps = np.diff(instants)
    usual = float(np.median(steps)) if len(steps) else USUAL_STEP_S
    longest = min(max(GAP_STEPS * usual, SHORTEST_BREAK_S), LONGEST_GAP_S)
    breaks = np.flatnonzero(steps > longest) + 1
    times: list[Floats] = []
    part_of_instant = np.zeros(len(instants), np.int64)
    for number, members in enumerate(np.split(np.arange(len(instants)), breaks)):
        part_of_instant[members] = number
        knots = _thinned(instants[members], shortest_step_s)
        step = float(np.median(np.diff(knots))) if len(knots) > 1 else min(usual, USUAL_STEP_S)
        around = np.arange(1, int(np.ceil(reach_s / step)) + 2) * step if reach_s > 0 else np.zeros(0)
        times.append(np.concatenate([knots[0] - around[::-1], knots, knots[-1] + around]))
    missing = WINDOW - sum(map(len, times))
    if missing > 0:  # a window is WINDOW knots wide, also where fewer do anything
        times.append(instants[-1] + 1e3 + np.arange(missing))
    part = np.repeat(np.arange(len(times)), [len(knots) for knots in times])
    linked = np.concatenate([[False], np.diff(part) == 0])
    return BoardPath(np.concatenate(times), linked, part.astype(np.int64), part_of_instant)


def _thinned(times: Floats, shortest: float) -> Floats:
    """Without times that follow another one too closely; the ends stay."""
    if len(times) < 3:
        return times
    if shortest > 0.0:
        count = max(2, 1 + int((times[-1] - times[0]) / shortest))
        if count < len(times):
            return np.linspace(times[0], times[-1], count)
    closest = CLOSEST_STEPS * float(np.median(np.diff(times)))
    kept = [times[0]]
    for time in times[1:]:
        if time - kept[-1] >= closest:
            kept.append(time)
    return np.array(kept)
