"""Which board views of a live calibration are worth keeping, and what is still missing."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.coverage import Coverage, cells_of, empty_ninths, grid_shape, measure_coverage
from calibration.observations import BoardObservations, BoardView
from pipeline.calibrating.config import LiveConfig
from pipeline.calibrating.state import WeakPair

RESUME_GAP_NS: Final = 10_000_000_000
"""Between the views of an interrupted session and those after it: far more than the board's path bridges."""

_SHARPNESS_MEMORY: Final = 60
_SHARPNESS_NEEDS: Final = 8


class ViewKeeper:
    """Takes what the cameras saw of the board instant by instant. Pure logic.

    An instant is kept whole or not at all, so that what ties cameras together stays together, and in runs, so
    that the board's motion tells the cameras' lags:

    - single views that are blurred for their camera, or whose corners do not give a pose, are left out;
    - of instants that follow each other closely only some are kept, without it counting as a refusal;
    - a board that stands still is kept a few times only;
    - once there are very many instants, only those that fill a gap in the coverage or strengthen the weakest
      pair.

    Args:
        board: What is shown.
        sizes: Camera to (width, height) px.
        config: The rules' numbers.
        known_lenses: Cameras whose lens is known and needs no coverage.
        earlier: Views of an interrupted session to go on with.
    """

    def __init__(
        self,
        board: Board,
        sizes: Mapping[str, tuple[int, int]],
        config: LiveConfig,
        *,
        known_lenses: Sequence[str] = (),
        earlier: BoardObservations | None = None,
    ) -> None:
        self.board = board
        self.sizes = dict(sizes)
        self.config = config
        self.known_lenses = frozenset(known_lenses)
        self.refused: Counter[str] = Counter()
        """Views that were found and not kept, by reason."""

        self._names = tuple(sizes)
        self._views: list[BoardView] = []
        self._instants = 0
        self._shared = np.zeros((len(sizes), len(sizes)), np.int64)
        self._counts = {
            name: np.zeros(int(np.prod(grid_shape(size))), np.int64) for name, size in sizes.items()
        }
        self._sharpness: dict[str, deque[float]] = {name: deque(maxlen=_SHARPNESS_MEMORY) for name in sizes}
        self._last: dict[str, BoardView] = {}
        self._still = 0
        self._shift_ns: int | None = None
        self._after_ns: int | None = None
        if earlier is not None:
            self._take_over(earlier)

    def offer(self, views: Sequence[BoardView]) -> bool:
        """Consider the views of one instant; True when it was kept."""
        good = [view for view in views if self._is_good(view)]
        if not good or self._is_early(good) or self._stands_still(good):
            return False
        if self._instants >= self.config.most_instants and not self._is_new(good):
            self.refused["nothing new"] += len(good)
            return False
        self._keep([self._shifted(view) for view in good])
        self._last = {view.camera: view for view in good}
        return True

    @property
    def observations(self) -> BoardObservations:
        """Everything kept so far."""
        return BoardObservations(self.board, self.sizes, tuple(self._views))

    @property
    def instants(self) -> int:
        """Kept instants."""
        return self._instants

    @property
    def shared(self) -> NDArray[np.int64]:
        """(C, C) instants at which two cameras both see the board; on the diagonal those of one."""
        return self._shared.copy()

    @property
    def shift_ns(self) -> int:
        """What is added to the times of new views: an earlier session had another clock."""
        return self._shift_ns or 0

    def views_of(self, camera: str) -> int:
        """Kept views of a camera."""
        place = self._names.index(camera)
        return int(self._shared[place, place])

    def covered_share(self, camera: str) -> float:
        """Which part of the camera's picture has seen corners."""
        return float((self._counts[camera] > 0).mean())

    def counts(self, camera: str) -> NDArray[np.int64]:
        """(rows, columns) corners of kept views in each cell of a camera's picture."""
        return self._counts[camera].reshape(grid_shape(self.sizes[camera])).copy()

    def coverage(self, camera: str) -> Coverage:
        """The coverage map of a camera."""
        return measure_coverage(
            [view.pixels for view in self._views if view.camera == camera], self.sizes[camera]
        )

    def gaps(self, camera: str) -> tuple[str, ...]:
        """Names of the ninths of a camera's picture that the board hardly visited."""
        return empty_ninths(self._counts[camera].reshape(grid_shape(self.sizes[camera])))

    def weakest_pair(self) -> WeakPair | None:
        """The pair whose instants would tie the cameras together best; None with one camera.

        Cameras are tied by a chain of pairs. The strongest chains there are make a tree, and it is as strong
        as its weakest link.
        """
        count = len(self._names)
        if count < 2:
            return None
        reached, weakest = {0}, None
        while len(reached) < count:
            a, b = max(
                ((a, b) for a in reached for b in range(count) if b not in reached),
                # Of pairs that share as much, the one whose cameras see the board most is easiest to tie.
                key=lambda pair: (
                    self._shared[pair],
                    min(self._shared[pair[0], pair[0]], self._shared[pair[1], pair[1]]),
                ),
            )
            if weakest is None or self._shared[a, b] < self._shared[weakest]:
                weakest = (a, b)
            reached.add(b)
        assert weakest is not None
        names = sorted((self._names[place] for place in weakest), key=self._names.index)
        return WeakPair((names[0], names[1]), int(self._shared[weakest]), self.config.shared)

    def missing(self) -> tuple[str, ...]:
        """What must still be shown, in sentences for the person with the board; empty when counts suffice."""
        sentences = []
        for name in self._names:
            views, share = self.views_of(name), self.covered_share(name)
            if views < self.config.views:
                sentences.append(f"show {name} the board: {views} of {self.config.views} views")
            elif name not in self.known_lenses and share < self.config.coverage:
                gaps = ", ".join(self.gaps(name)[:3])
                sentences.append(
                    f"carry the board to where {name} has not seen it"
                    + (f" ({gaps})" if gaps else "")
                    + f": {int(100 * share)} of {100 * self.config.coverage:.0f} % covered"
                )
        pair = self.weakest_pair()
        if pair is not None and pair.shared < pair.wanted:
            sentences.append(
                f"hold the board where both {pair.cameras[0]} and {pair.cameras[1]} see it: {pair.shared} of "
                f"{pair.wanted} instants"
            )
        return tuple(sentences)

    def _is_good(self, view: BoardView) -> bool:
        if len(view) < self.config.min_corners or not self.board.determines_pose(view.ids):
            self.refused["too few corners"] += 1
            return False
        known = self._sharpness[view.camera]
        blurred = len(known) >= _SHARPNESS_NEEDS and view.sharpness < self.config.min_sharpness * float(
            np.median(known)
        )
        if np.isfinite(view.sharpness):
            known.append(view.sharpness)
        if blurred:
            self.refused["blurred"] += 1
        return not blurred

    def _is_early(self, views: Sequence[BoardView]) -> bool:
        """Whether the last kept instant was a moment ago; with a margin for cameras whose rate jitters."""
        if not self._last:
            return False
        last_ns = max(view.time_ns for view in self._last.values())
        return max(view.time_ns for view in views) - last_ns < 0.9e9 / self.config.most_per_s

    def _stands_still(self, views: Sequence[BoardView]) -> bool:
        if any(self._motion(view) >= self.config.min_motion * self.sizes[view.camera][0] for view in views):
            self._still = 0
            return False
        self._still += 1
        if self._still < self.config.most_still:
            return False
        self.refused["the board stands still"] += len(views)
        return True

    def _motion(self, view: BoardView) -> float:
        """Mean way of the corners, px, since the last kept instant; infinite for a camera not in it."""
        last = self._last.get(view.camera)
        if last is None:
            return float("inf")
        _, old, new = np.intersect1d(last.ids, view.ids, return_indices=True)
        if not len(old):
            return float("inf")
        return float(np.linalg.norm(view.pixels[new] - last.pixels[old], axis=1).mean())

    def _is_new(self, views: Sequence[BoardView]) -> bool:
        if any(not self._counts[view.camera][self._cells(view)].all() for view in views):
            return True
        pair = self.weakest_pair()
        return pair is not None and set(pair.cameras) <= {view.camera for view in views}

    def _keep(self, views: Sequence[BoardView]) -> None:
        self._views.extend(views)
        self._instants += 1
        places = [self._names.index(view.camera) for view in views]
        self._shared[np.ix_(places, places)] += 1
        for view in views:
            np.add.at(self._counts[view.camera], self._cells(view), 1)

    def _cells(self, view: BoardView) -> NDArray[np.intp]:
        return cells_of(view.pixels, self.sizes[view.camera])

    def _take_over(self, earlier: BoardObservations) -> None:
        # The views of one instant were found together, so their times lie closer than those of any two.
        for group in earlier.instants(max_skew_ns=_half_step_ns(earlier)):
            self._keep(group)
        self._after_ns = max((view.time_ns for view in earlier.views), default=None)

    def _shifted(self, view: BoardView) -> BoardView:
        """The view on one clock with those of earlier sessions, whose own clock may have been another."""
        if self._after_ns is None:
            return view
        if self._shift_ns is None:
            self._shift_ns = self._after_ns + RESUME_GAP_NS - view.time_ns
        return BoardView(
            view.camera,
            view.frame,
            view.time_ns + self._shift_ns,
            view.ids,
            view.pixels,
            view.mirrored,
            view.inverted,
            view.sharpness,
        )


def _half_step_ns(observations: BoardObservations) -> int:
    """Less than half the time between two pictures of a camera."""
    steps = [
        int(step)
        for name in observations.cameras
        for step in np.diff([view.time_ns for view in observations.by_camera(name)])
        if step > 0
    ]
    return round(0.4 * float(np.median(steps))) if steps else 0
