"""What is told about each camera of a live calibration: what it saw last, and what it has so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from pipeline.calibrating.board_messages import Looked
from pipeline.calibrating.state import CameraProgress
from pipeline.calibrating.view_keeper import ViewKeeper

_MISSES_WORTH_TELLING: Final = 10
_MISSES_IN_A_ROW: Final = 4
"""A third of a second: a board that passes quickly is no riddle."""


class ProgressBook:
    """Keeps the progress of all cameras. Pure logic.

    Args:
        cameras: Their names.
    """

    def __init__(self, cameras: Sequence[str]) -> None:
        self._cameras = {name: CameraProgress() for name in cameras}
        self._near_misses: dict[str, Counter[str]] = {name: Counter() for name in cameras}
        self._in_a_row = dict.fromkeys(cameras, 0)
        self._kept = -1

    def start(self, keeper: ViewKeeper) -> None:
        """Take over sizes, and the views of an earlier session."""
        for name, size in keeper.sizes.items():
            known = name in keeper.known_lenses
            self._cameras[name] = replace(self._cameras[name], size=size, known_lens=known)
        self._count(keeper)

    def note(self, looked: Sequence[Looked], keeper: ViewKeeper) -> None:
        """Take what was seen at one instant, after the keeper was offered it."""
        for item in looked:
            view = item.detection.view
            near = view is None and item.detection.evidence
            self._in_a_row[item.camera] = self._in_a_row[item.camera] + 1 if near else 0
            if near:
                self._near_misses[item.camera][item.detection.reason] += 1
            before = self._cameras[item.camera]
            self._cameras[item.camera] = replace(
                before,
                pictures=before.pictures + 1,
                sees_board=view is not None,
                reason=item.detection.reason,
                near=self._in_a_row[item.camera] >= _MISSES_IN_A_ROW,
                time_ns=item.time_ns,
                corners=view.pixels if view is not None else CameraProgress().corners,
            )
        if keeper.instants != self._kept:
            self._count(keeper)

    def cameras(self, rings: Mapping[str, str]) -> dict[str, CameraProgress]:
        """All cameras, with the names of their rings."""
        return {name: replace(one, ring=rings.get(name, "")) for name, one in self._cameras.items()}

    def obstacles(self, keeper: ViewKeeper) -> list[str]:
        """Why cameras do not find the board though something like it is there again and again."""
        return [
            f"{name}: {misses.most_common(1)[0][0]}"
            for name, misses in self._near_misses.items()
            if not keeper.views_of(name) and misses.total() >= _MISSES_WORTH_TELLING
        ]

    def _count(self, keeper: ViewKeeper) -> None:
        self._kept = keeper.instants
        for name, before in self._cameras.items():
            self._cameras[name] = replace(
                before,
                views=keeper.views_of(name),
                covered=keeper.covered_share(name),
                counts=keeper.counts(name),
                gaps=keeper.gaps(name),
            )
