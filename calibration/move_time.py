"""When a camera was most likely moved: the moment from which its place against the others is another one.

Looks at single views only: no joint solution that a move has spoiled takes part. At each moment that a pair
of cameras shares, the poses of the board tell where one camera stands as seen from the other. If one of them
moved, these places gather around one centre before and another one after.

Time errors shift such places as well, along the motion of the board; so that direction is taken out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.board_pose import LEVER_MM
from calibration.posed_views import PosedViews
from calibration.rotation import vector_from_rotation
from calibration.view_graph import PairLink, link_pairs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_VIEWS = 6
_FEWEST_SHARED = 4
_GRID, _FINER = 18, 6
"""Times that are tried, and then between the neighbours of the best."""
_FAR_STEPS = 2.5
"""Times the usual distance of views, beyond which two of them tell no speed."""


@dataclass(frozen=True)
class LikelyMove:
    """The best time at which to part a recording.

    Attributes:
        time_ns: When.
        gain: Fall of the mean logarithm of how far places are from their centre, if each part has its own
            centre. Chance alone reaches 0.05 with 60 shared moments of a pair and 0.09 with 30; cameras
            knocked by a degree or some centimetres reach 0.15 to 0.25.
    """

    time_ns: int
    gain: float


@dataclass(frozen=True, eq=False)
class _PairPlaces:
    """Where the second camera of a pair stood, as seen from the first.

    Attributes:
        time: (M,) s.
        away: (M, 6) mm from where most moments have it: turn times ``LEVER_MM``, and shift; without the part
            along the motion of the board.
    """

    time: Floats
    away: Floats


def likely_move(views: PosedViews) -> LikelyMove | None:
    """The most likely time of a move; None where there are too few views to tell."""
    data = views.data
    order = np.sort(data.time)
    if len(order) < 4 * FEWEST_VIEWS:
        return None
    pairs = _pair_places(views)
    ranks = np.linspace(0, len(order) - 1, _GRID).round().astype(int)[2:-2]
    times = np.unique(order[ranks])
    gains = np.array([_gain(pairs, float(time)) for time in times])
    best = int(gains.argmax())
    finer = np.linspace(times[max(best - 1, 0)], times[min(best + 1, len(times) - 1)], _FINER + 2)[1:-1]
    gain, time = max((gains[best], times[best]), *((_gain(pairs, float(time)), time) for time in finer))
    return LikelyMove(data.origin_ns + round(1e9 * float(time)), float(gain))


def _gain(pairs: list[_PairPlaces], time_s: float) -> float:
    gain, count = 0.0, 0
    for pair in pairs:
        centre = np.median(pair.away, axis=0)
        for part in (pair.away[pair.time < time_s], pair.away[pair.time >= time_s]):
            if len(part) < _FEWEST_SHARED:
                continue
            # Compared in the same part: how far poses scatter depends on where the board was.
            gain += len(part) * (_log_spread(part, centre) - _log_spread(part, np.median(part, axis=0)))
            count += len(part)
    return gain / count if count else 0.0


def _log_spread(away: Floats, centre: Floats) -> float:
    # A millimetre is the least that matters.
    return float(np.log(1.0 + np.median(np.linalg.norm(away - centre, axis=1))))


def _pair_places(views: PosedViews) -> list[_PairPlaces]:
    data, poses = views.data, views.poses
    count = len(data.cameras)
    links = link_pairs(data.camera, data.instant, poses.R, poses.t, count, _FEWEST_SHARED)
    view_at = np.full((int(data.instant.max()) + 1, count), -1, np.int64)
    view_at[data.instant, data.camera] = np.arange(len(data.camera))
    speed = _speeds(views)
    places = []
    for link in links:
        both = np.flatnonzero((view_at[:, [link.first, link.second]] >= 0).all(axis=1))
        first, second = view_at[both, link.first], view_at[both, link.second]
        away = _away(link, views, first, second)
        # T_a T_b^-1 = exp(-s v) T_ab where the second picture is s late and the board moves by the twist v.
        turning, moving = speed[first, :3], speed[first, 3:]
        along = np.hstack([LEVER_MM * turning, moving + np.cross(turning, link.t - views.t[first])])
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        away -= (away * along).sum(axis=1, keepdims=True) * along
        known = np.isfinite(away).all(axis=1)
        places.append(_PairPlaces(data.instant_time[both[known]], away[known]))
    return places


def _away(link: PairLink, views: PosedViews, first: Ints, second: Ints) -> Floats:
    """(M, 6) how far the pair's place at each moment is from its usual one, by the nearest candidates."""
    poses = views.poses
    R = np.einsum("mpij,mqkj->mpqik", poses.R[first], poses.R[second])
    t = poses.t[first][:, :, None] - np.einsum("mpqij,mqj->mpqi", R, poses.t[second])
    R, t = R.reshape(-1, 4, 3, 3), t.reshape(-1, 4, 3)
    turn = np.sqrt(np.maximum(3.0 - np.einsum("mcij,ij->mc", R, link.R), 0.0))
    apart = LEVER_MM * turn + np.linalg.norm(t - link.t, axis=2)
    rows, choice = np.arange(len(R)), np.nan_to_num(apart, nan=np.inf).argmin(axis=1)
    turned = vector_from_rotation(R[rows, choice] @ link.R.T)
    return np.hstack([LEVER_MM * turned, t[rows, choice] - link.t])


def _speeds(views: PosedViews) -> Floats:
    """(V, 6) turn and shift of the board per second, axes of the camera, from the views before and after."""
    data, R, t = views.data, views.R, views.t
    speed = np.zeros((len(data.views), 6))
    for camera in range(len(data.cameras)):
        mine = np.flatnonzero(data.camera == camera)
        if len(mine) < 2:
            continue
        times = data.time[mine]
        step = np.diff(times)
        near = step <= _FAR_STEPS * float(np.median(step))
        before = np.where(np.append(False, near), np.append(mine[:1], mine[:-1]), mine)
        after = np.where(np.append(near, False), np.append(mine[1:], mine[-1:]), mine)
        seconds = np.maximum(data.time[after] - data.time[before], 1e-6)[:, None]
        speed[mine, :3] = vector_from_rotation(R[after] @ R[before].transpose(0, 2, 1)) / seconds
        speed[mine, 3:] = (t[after] - t[before]) / seconds
    return speed
