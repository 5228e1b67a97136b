"""The path of a moving board: its pose at any time, from its poses at the moments of the pictures.

Between knots, position and quaternion follow the polynomial through the four nearest knots (fewer at the ends
of a path). A quaternion's components are smooth functions of time, so interpolating them and normalising is as
exact as interpolating the position, and its derivatives are simple. At a knot the interpolation is the knot
itself: with cameras that have no lag, nothing is interpolated at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.bundle_kernel import WINDOW
from calibration.rotation import matrix_from_quaternion, turned_by

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LONGEST_GAP_S = 0.5
"""Beyond half a second the motion of a hand cannot be guessed from its ends."""
SHORTEST_BREAK_S = 0.12
"""A gap shorter than this is always bridged: a hand moves smoothly over it."""
GAP_STEPS = 2.5
"""A path bridges up to two missing pictures at the usual rate."""
CLOSEST_STEPS = 0.35
"""Moments closer together than this part of the usual step share a knot: a polynomial through two knots side by
side would turn their noise into speed."""
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
        """How poses at (V,) times (s) depend on the knots of the given (V,) parts."""
        # Parts may overlap in time by their extra knots, so each gets a stretch of its own on one long axis.
        stretch = 2.0 * (np.ptp(self.times) + np.ptp(times) + abs(times[0] - self.times[0]) + 1.0)
        axis = self.times - self.times[0] + self.part * stretch
        place = times - self.times[0] + parts * stretch
        begin = np.searchsorted(self.part, parts, side="left")
        end = np.searchsorted(self.part, parts, side="right")
        before = np.searchsorted(axis, place, side="right") - 1
        size = np.minimum(end - begin, WINDOW)
        used = np.clip(before - (WINDOW // 2 - 1), begin, end - size)
        first = np.minimum(used, len(self) - WINDOW)
        knots = first[:, None] + np.arange(WINDOW)
        valid = (knots >= used[:, None]) & (knots < (used + size)[:, None])
        weights, rates = _lagrange(self.times[knots], valid, times)
        slack = 1e-9
        inside = (times >= self.times[begin] - slack) & (times <= self.times[end - 1] + slack)
        return PathWindows(first.astype(np.int64), weights, rates, inside)


@dataclass(frozen=True, eq=False)
class PathWindows:
    """On which knots each of V views depends, and how.

    Attributes:
        first: (V,) first of ``WINDOW`` knots.
        weights: (V, WINDOW), sum 1.
        rates: (V, WINDOW) 1/s, derivative of the weights by time, sum 0.
        inside: (V,) False where the time lies outside the path, which is then continued.
    """

    first: Ints
    weights: Floats
    rates: Floats
    inside: NDArray[np.bool_]

    def poses(self, quaternions: Floats, positions: Floats) -> PathPoses:
        """The board in each view, from the knots' quaternions (N, 4) and positions (N, 3) mm."""
        knots = self.first[:, None] + np.arange(WINDOW)
        q, t = quaternions[knots], positions[knots]
        blend = np.einsum("vm,vmi->vi", self.weights, q)
        length = np.linalg.norm(blend, axis=1)
        unit = blend / length[:, None]
        basis = turned_by(unit)
        relative = np.einsum("vik,vmij->vmkj", basis, turned_by(q))
        turn = relative * (self.weights / length[:, None])[..., None, None]
        turning = 2.0 * np.einsum("vik,vm,vmi->vk", basis, self.rates / length[:, None], q)
        moving = np.einsum("vm,vmi->vi", self.rates, t)
        return PathPoses(
            R=matrix_from_quaternion(unit),
            t=np.einsum("vm,vmi->vi", self.weights, t),
            turn=turn,
            speed=np.concatenate([turning, moving], axis=1),
        )


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


def plan_path(instant_times: Sequence[float] | Floats, reach_s: float) -> BoardPath:
    """Place the knots: one per moment, and extra ones around each continuous part.

    Args:
        instant_times: (M,) s, rising.
        reach_s: How far beyond its moments a path is needed, the largest lag; 0 adds no extra knots.
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
        knots = _thinned(instants[members])
        step = float(np.median(np.diff(knots))) if len(knots) > 1 else min(usual, USUAL_STEP_S)
        around = np.arange(1, int(np.ceil(reach_s / step)) + 2) * step if reach_s > 0 else np.zeros(0)
        times.append(np.concatenate([knots[0] - around[::-1], knots, knots[-1] + around]))
    missing = WINDOW - sum(map(len, times))
    if missing > 0:  # a window is WINDOW knots wide, also where fewer do anything
        times.append(instants[-1] + 1e3 + np.arange(missing))
    part = np.repeat(np.arange(len(times)), [len(knots) for knots in times])
    linked = np.concatenate([[False], np.diff(part) == 0])
    return BoardPath(np.concatenate(times), linked, part.astype(np.int64), part_of_instant)


def _thinned(times: Floats) -> Floats:
    """Without times that follow another one too closely."""
    if len(times) < 3:
        return times
    closest = CLOSEST_STEPS * float(np.median(np.diff(times)))
    kept = [times[0]]
    for time in times[1:]:
        if time - kept[-1] >= closest:
            kept.append(time)
    return np.array(kept)


def _lagrange(knots: Floats, valid: NDArray[np.bool_], times: Floats) -> tuple[Floats, Floats]:
    """Weights (V, W) of the polynomial through the valid knots (V, W), and their derivatives by time."""
    count = knots.shape[1]
    offset = times[:, None] - knots
    weights, rates = valid.astype(np.float64), np.zeros_like(knots)
    for k in range(count):
        for other in range(count):
            if other == k:
                continue
            counts = valid[:, k] & valid[:, other]
            distance = np.where(counts, knots[:, k] - knots[:, other], 1.0)
            factor = np.where(counts, offset[:, other] / distance, 1.0)
            rates[:, k] = rates[:, k] * factor + np.where(counts, weights[:, k] / distance, 0.0)
            weights[:, k] *= factor
    return weights, rates
