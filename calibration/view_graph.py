"""Which cameras see the board together, and how they stand to each other by that.

Every camera is linked to the reference by a chain of pairs that share views: a maximum spanning tree, best
pairs first. The pairs left over close loops, and how well the loops close is a check that costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from calibration.board_pose import LEVER_MM
from calibration.errors import UnlinkedCamerasError
from calibration.rotation import (
    mean_rotation,
    rotation_angle,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_COMPARED = 48
"""Shared views of a pair that are compared with each other for a first guess; more change nothing."""


@dataclass(frozen=True, eq=False)
class PairLink:
    """Two cameras that see the board at the same moments.

    Attributes:
        first: Index of a camera.
        second: Index of another one, larger.
        shared: Moments at which both see it.
        R: (3, 3) ``first`` from ``second``.
        t: (3,) mm.
        spread_deg: Median deviation of single moments from that.
        spread_mm: The same for the position.
    """

    first: int
    second: int
    shared: int
    R: Floats
    t: Floats
    spread_deg: float
    spread_mm: float

    @property
    def strength(self) -> float:
        """More is better: shared moments, less where they disagree."""
        spread = self.spread_mm + LEVER_MM * np.radians(self.spread_deg)
        return float(np.sqrt(self.shared) / (spread + 1.0))


@dataclass(frozen=True)
class LoopClosure:
    """How far a pair outside the tree is from what the tree says.

    Attributes:
        cameras: The pair, by name.
        deg: Angle between the two answers.
        mm: Distance between the two answers.
    """

    cameras: tuple[str, str]
    deg: float
    mm: float


@dataclass(frozen=True)
class ViewGraph:
    """The pairs and the tree, by camera name, for reports and screens.

    Attributes:
        cameras: Names.
        shared: (C, C) moments at which two cameras both see the board; on the diagonal those of one.
        tree: Pairs that link all cameras.
        loops: The other pairs with enough shared views.
    """

    cameras: tuple[str, ...]
    shared: Ints
    tree: tuple[tuple[str, str], ...]
    loops: tuple[LoopClosure, ...]


def shared_moments(view_camera: Ints, view_instant: Ints, cameras: int) -> Ints:
    """(C, C) number of moments at which two cameras both see the board."""
    seen = np.zeros((int(view_instant.max(initial=-1)) + 1, cameras), np.int64)
    seen[view_instant, view_camera] = 1
    return seen.T @ seen


def check_linked(names: Sequence[str], shared: Ints, fewest: int) -> None:
    """Make sure that every camera can be reached from every other one.

    Raises:
        UnlinkedCamerasError: Names the groups, and the pair that is nearest to linking them.
    """
    groups = _groups(shared >= fewest)
    if len(groups) == 1:
        return
    best = max(
        ((a, b) for one, other in combinations(groups, 2) for a in one for b in other),
        # Of pairs that share as much, the one whose cameras see the board most often is the easiest to link.
        key=lambda pair: (shared[pair], min(shared[pair[0], pair[0]], shared[pair[1], pair[1]])),
    )
    raise UnlinkedCamerasError(
        groups=tuple(tuple(names[camera] for camera in group) for group in groups),
        pair=(names[best[0]], names[best[1]]),
        shared=int(shared[best]),
        needed=fewest,
    )


def _groups(linked: NDArray[np.bool_]) -> list[list[int]]:
    left, groups = list(range(len(linked))), []
    while left:
        group, frontier = [], [left[0]]
        while frontier:
            camera = frontier.pop()
            if camera in left:
                left.remove(camera)
                group.append(camera)
                frontier.extend(np.flatnonzero(linked[camera]).tolist())
        groups.append(sorted(group))
    return groups


def link_pairs(
    view_camera: Ints, view_instant: Ints, R: Floats, t: Floats, cameras: int, fewest: int
) -> list[PairLink]:
    """Relative poses of all pairs that share at least ``fewest`` moments.

    Args:
        view_camera: (V,).
        view_instant: (V,).
        R: (V, 2, 3, 3) camera from board, two candidates.
        t: (V, 2, 3) mm.
        cameras: How many there are.
        fewest: Shared moments that make a link.
    """
    table = np.full((int(view_instant.max(initial=-1)) + 1, cameras), -1, np.int64)
    table[view_instant, view_camera] = np.arange(len(view_camera))
    links = []
    for first, second in combinations(range(cameras), 2):
        both = np.flatnonzero((table[:, first] >= 0) & (table[:, second] >= 0))
        if len(both) >= fewest:
            a, b = table[both, first], table[both, second]
            links.append(_link(first, second, R[a], t[a], R[b], t[b]))
    return links


def _link(first: int, second: int, R_a: Floats, t_a: Floats, R_b: Floats, t_b: Floats) -> PairLink:
    """The relative pose on which most moments agree for one of their four combinations of candidates."""
    # first from second = (first from board) (second from board)^-1, (M, 4, ...)
    R = np.einsum("mpij,mqkj->mpqik", R_a, R_b)
    t = t_a[:, :, None] - np.einsum("mpqij,mqj->mpqi", R, t_b)
    R, t = R.reshape(-1, 4, 3, 3), t.reshape(-1, 4, 3)
    few = np.unique(np.linspace(0, len(R) - 1, min(len(R), MOST_COMPARED)).round().astype(int))
    distance = _distances(R[few].reshape(-1, 3, 3), t[few].reshape(-1, 3), R[few], t[few])
    centre = int(np.argmin(np.median(distance.min(axis=2), axis=1)))
    R_0, t_0 = R[few].reshape(-1, 3, 3)[centre], t[few].reshape(-1, 3)[centre]
    for _ in range(3):
        apart = _distances(R_0[None], t_0[None], R, t)[0]
        choice = apart.argmin(axis=1)
        least = apart.min(axis=1)
        rows = np.flatnonzero(least <= 3.0 * np.median(least) + 1e-9)
        R_0 = mean_rotation(R[rows, choice[rows]])
        t_0 = np.median(t[rows, choice[rows]], axis=0)
    rows = np.arange(len(R))
    return PairLink(
        first,
        second,
        len(R),
        R_0,
        t_0,
        float(np.degrees(np.median(rotation_angle(R_0.T @ R[rows, choice])))),
        float(np.median(np.linalg.norm(t[rows, choice] - t_0, axis=1))),
    )


def _distances(R: Floats, t: Floats, other_R: Floats, other_t: Floats) -> Floats:
    """(K, M, 4) mm between K poses and M times 4 others."""
    # |R - S| (Frobenius) = sqrt(8) sin(angle / 2), so angle = |R - S| / sqrt(2) for small ones.
    trace = R.reshape(-1, 9) @ other_R.reshape(-1, 9).T
    turn = np.sqrt(np.maximum(3.0 - trace, 0.0))
    shift = np.linalg.norm(t[:, None] - other_t.reshape(1, -1, 3), axis=2)
    apart: Floats = LEVER_MM * turn + shift
    return apart.reshape(len(R), -1, 4)


def chain_cameras(
    names: Sequence[str], links: Sequence[PairLink], shared: Ints, reference: int
) -> tuple[Floats, Floats, ViewGraph]:
    """Poses of all cameras along the maximum spanning tree.

    Args:
        names: Of the cameras.
        links: Enough to reach all of them.
        shared: From ``shared_moments``.
        reference: The camera whose frame is the world.

    Returns:
        R (C, 3, 3) and t (C, 3) mm, camera from world, and the graph.
    """
    cameras = len(names)
    R, t = np.full((cameras, 3, 3), np.nan), np.full((cameras, 3), np.nan)
    R[reference], t[reference] = np.eye(3), 0.0
    reached, tree = {reference}, []
    while len(reached) < cameras:
        link = max(
            (link for link in links if (link.first in reached) != (link.second in reached)),
            key=lambda link: link.strength,
        )
        if link.first in reached:
            R[link.second] = link.R.T @ R[link.first]
            t[link.second] = link.R.T @ (t[link.first] - link.t)
        else:
            R[link.first] = link.R @ R[link.second]
            t[link.first] = link.R @ t[link.second] + link.t
        reached |= {link.first, link.second}
        tree.append(link)
    loops = []
    for link in links:
        if link not in tree:
            relative = R[link.first] @ R[link.second].T
            shift = t[link.first] - relative @ t[link.second]
            loops.append(
                LoopClosure(
                    (names[link.first], names[link.second]),
                    float(np.degrees(rotation_angle(relative.T @ link.R))),
                    float(np.linalg.norm(shift - link.t)),
                )
            )
    pairs = tuple((names[link.first], names[link.second]) for link in tree)
    return R, t, ViewGraph(tuple(names), shared, pairs, tuple(loops))
