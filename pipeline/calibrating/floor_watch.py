"""Notices when the board of a live calibration lies still. Whether on the floor: see ``floor_search``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.observations import BoardView
from calibration.world_axes import FloorBoard

Floats = NDArray[np.float64]

_GAP_NS = 2_000_000_000
"""Without a view the board may have been anywhere."""
_FEWEST_CORNERS = 4
"""Common to two views, before their median means something: single corners of far boards jump."""


@dataclass(frozen=True)
class StillStretch:
    """A time during which the board did not move.

    Attributes:
        start_ns: First view.
        end_ns: Last view.
        marked: Somebody said that it lay on the floor then.
    """

    start_ns: int
    end_ns: int
    marked: bool = False

    @property
    def seconds(self) -> float:
        """How long."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, eq=False)
class FoundFloor:
    """The board lay on the floor.

    Attributes:
        stretch: When.
        board: Where.
        tilt_deg: Of the floor against what is level for the cameras on average.
    """

    stretch: StillStretch
    board: FloorBoard
    tilt_deg: float


class FloorWatch:
    """Collects stretches of stillness. Pure logic.

    The pictures of the board are compared with those at the stretch's begin, not with the last ones: a hand
    drifts slowly.

    Args:
        sizes: Camera to (width, height) px.
        still: Most motion of the corners, as a share of the picture's width.
        shortest_s: Stillness below this does not count.
    """

    def __init__(self, sizes: Mapping[str, tuple[int, int]], still: float, shortest_s: float) -> None:
        self._limit = {name: still * width for name, (width, _) in sizes.items()}
        self._shortest_s = shortest_s
        self._first: dict[str, BoardView] = {}
        self._current: StillStretch | None = None
        self._marking = False
        self.stretches: list[StillStretch] = []
        """Long enough ones, in order of time; the last one may still grow."""

    def mark(self) -> None:
        """The board lies on the floor now: the stillness that is, or the next one, is that."""
        self._marking = True
        self._take_mark()

    @property
    def waiting(self) -> bool:
        """Whether a mark waits for the board to lie still."""
        return self._marking

    def watch(self, views: Sequence[BoardView]) -> None:
        """Look at the views of one instant."""
        views = [view for view in views if len(view) >= _FEWEST_CORNERS]
        if not views:
            return
        now = max(view.time_ns for view in views)
        motion = self._motion(views)
        if self._current is None or now - self._current.end_ns > _GAP_NS or motion > 1.0:
            self._first = {view.camera: view for view in views}
            self._current = StillStretch(now, now)
            return
        for view in views:
            self._first.setdefault(view.camera, view)
        if np.isnan(motion):
            return  # cameras or corners that were not there before: they tell nothing
        known = self._current in self.stretches
        self._current = StillStretch(self._current.start_ns, now, self._current.marked)
        if known:
            self.stretches[-1] = self._current
        elif self._current.seconds >= self._shortest_s:
            self.stretches.append(self._current)
        self._take_mark()

    def _take_mark(self) -> None:
        if self._marking and self._current is not None and self._current.seconds >= self._shortest_s:
            self._marking = False
            self._current = StillStretch(self._current.start_ns, self._current.end_ns, True)
            self.stretches[-1] = self._current

    def _motion(self, views: Sequence[BoardView]) -> float:
        """Most motion since the begin in any camera, in terms of what is allowed; NaN where nothing tells."""
        most = float("nan")
        for view in views:
            first = self._first.get(view.camera)
            if first is None:
                continue
            _, old, new = np.intersect1d(first.ids, view.ids, return_indices=True)
            if len(old) >= _FEWEST_CORNERS:
                away = np.linalg.norm(view.pixels[new] - first.pixels[old], axis=1)
                most = float(np.fmax(most, np.median(away) / self._limit[view.camera]))
        return most
