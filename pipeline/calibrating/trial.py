"""Trial solves: what a calibration with the views so far would be worth, measured against what is wanted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Set
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.bundle_covariance import NORMAL_95
from calibration.calibrator import Calibration
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.report.room import RoomUncertainty, room_uncertainty
from pipeline.calibrating.config import LiveConfig
from pipeline.calibrating.solve_process import SolveAnswer, SolveProcess, SolveRequest
from pipeline.calibrating.trial_figures import TrialFigures

log = logging.getLogger(__name__)

_FOCAL = slice(6, 8)
"""Of a camera's parameters in the covariance of the joint solve, see ``bundle_kernel``."""
_MOST_TRIAL_SHARE = 0.5
"""Of the time may go into trials: the cameras need the same processors."""


_MENDED_BY_SHOWING: Final = frozenset({"thin_coverage", "flat_motion"})
"""Warnings that go when the board is shown elsewhere; small intervals alone do not see them, since they trust
the lens model where no corner was."""

NO_FLOOR: Final = (
    "that is enough; now lay the board flat on the floor where a camera sees it, and let go of it"
)


class TrialRunner:
    """Tries solves while views are collected, not all the time. Used by one thread.

    Args:
        solver: Where they are solved.
        wanted: How often, and how small the uncertainty must be.
        known_lenses: Cameras whose lens was given.
        floor_wanted: Whether it is not enough before the board lay on the floor.
    """

    def __init__(
        self, solver: SolveProcess, wanted: LiveConfig, known_lenses: Set[str], floor_wanted: bool
    ) -> None:
        self._solver = solver
        self._wanted = wanted
        self._known = known_lenses
        self._floor_wanted = floor_wanted
        self.figures: TrialFigures | None = None
        """Of the last trial."""

        self._of = 0
        self._started = 0.0
        self._next = 0.0

    def want_floor(self, wanted: bool) -> None:
        """Whether it is not enough before the board lay on the floor; judges the last trial again."""
        if wanted == self._floor_wanted:
            return
        self._floor_wanted = wanted
        if self.figures is not None:
            others = tuple(text for text in self.figures.missing if text != NO_FLOOR)
            lacks = wanted and self.figures.floor is None and not others
            self.figures = replace(self.figures, missing=(NO_FLOOR,) if lacks else others)

    def care(self, instants: int, ready: bool, request: Callable[[], SolveRequest]) -> None:
        """Take an answer, and start the next trial when its time has come.

        Args:
            instants: Kept so far.
            ready: Whether counts promise that a solve succeeds.
            request: Makes a request for all of them.
        """
        answer, now = self._solver.poll(), time.monotonic()
        if answer is not None:
            took = now - self._started
            self._next = max(self._next, now + took * (1 / _MOST_TRIAL_SHARE - 1))
            self.figures = trial_figures(
                answer, self._wanted, known_lenses=self._known, floor_wanted=self._floor_wanted
            )
            log.info("trial solve, %.1f s: %s", took, self.figures)
        if not self._solver.busy and ready and instants > self._of and now >= self._next:
            self._of, self._started = instants, now
            self._next = now + self._wanted.trial_every_s
            self._solver.submit(request())


def trial_figures(
    answer: SolveAnswer,
    wanted: LiveConfig,
    *,
    known_lenses: Set[str] = frozenset(),
    floor_wanted: bool = False,
) -> TrialFigures:
    """Judge a trial.

    Args:
        answer: Of the solve.
        wanted: How small the uncertainty must be.
        known_lenses: Cameras whose lens was given.
        floor_wanted: Whether the board must have lain on the floor.
    """
    calibration = answer.calibration
    if calibration is None:
        return TrialFigures(missing=(answer.failure,))
    missing = [
        one.sentence
        for one in calibration.diagnoses
        if one.severity == "error" or (wanted.no_warnings and one.kind in _MENDED_BY_SHOWING)
    ]
    focal = {
        name: _focal_percent(calibration, name) for name in calibration.rig.names if name not in known_lenses
    }
    for name, percent in focal.items():
        if percent > wanted.focal_percent:
            missing.append(
                f"tilt the board more before {name}: its focal length is known to {percent:.2f} %, wanted "
                f"are {wanted.focal_percent:g} %"
            )
    extrinsics = calibration.extrinsics
    if extrinsics is None:
        rms = max(lens.rms_px for lens in calibration.intrinsics.values())
        return TrialFigures(focal_percent=max(focal.values()), rms_px=rms, missing=tuple(missing))
    room = room_uncertainty(extrinsics, calibration.board)
    missing += _Places(extrinsics, room).missing(wanted)
    lags = {name: lag.interval_ms for name, lag in extrinsics.lags.items() if name != extrinsics.reference}
    for name, ms in lags.items():
        if ms > wanted.lag_ms:
            missing.append(
                f"keep the board moving before {name}: its lag is known to {ms:.1f} ms, wanted are "
                f"{wanted.lag_ms:g} ms"
            )
    if floor_wanted and answer.floor is None and not missing:
        missing.append(NO_FLOOR)
    return TrialFigures(
        room.point_mm,
        float(room.place_95_mm.max()),
        float(room.turn_95_deg.max()),
        room.distance_mm,
        max(focal.values(), default=0.0),
        max(lags.values(), default=0.0),
        extrinsics.rms_px,
        answer.floor,
        tuple(missing),
    )


def _focal_percent(calibration: Calibration, camera: str) -> float:
    """95 % interval of the focal length, percent of it: after the joint solve where there was one."""
    if calibration.extrinsics is not None:
        variances = np.diag(calibration.extrinsics.uncertainty[camera].covariance)[_FOCAL]
        deviations = np.sqrt(variances) / np.diag(calibration.rig.camera(camera).K)[:2]
    else:
        lens = calibration.intrinsics[camera]
        deviations = np.array([lens.deviations[key] / lens.parameters[key] for key in ("fx", "fy")])
    return 100 * NORMAL_95 * float(deviations.max())


class _Places:
    """How sure places are, and who must see the board together for more."""

    def __init__(self, extrinsics: ExtrinsicsResult, room: RoomUncertainty) -> None:
        self.extrinsics = extrinsics
        self.room = room

    def missing(self, wanted: LiveConfig) -> list[str]:
        """Sentences about the cameras whose places are known too little, the worst first."""
        room = self.room
        if not room.known:
            return ["carry the board to the middle of the room, where several cameras see it"]
        sentences = []
        limit = wanted.place_percent / 100 * room.distance_mm
        names = self.extrinsics.rig.names
        for place in np.argsort(-room.place_95_mm):
            name, known = names[place], room.place_95_mm[place]
            if known > limit:
                sentences.append(
                    f"show the board to {name} and {self._partner(int(place))} together, at other heights "
                    f"and tilts: the place of {name} is known to {known:.0f} mm, wanted are {limit:.0f} mm"
                )
        for place in np.argsort(-room.turn_95_deg):
            name, known = names[place], room.turn_95_deg[place]
            if known > wanted.turn_deg:
                sentences.append(
                    f"bring the board near {name} and tilt it to all sides: its direction is known to "
                    f"{known:.2f} degrees, wanted are {wanted.turn_deg:g}"
                )
        limit = wanted.point_percent / 100 * room.distance_mm
        if not sentences and room.point_mm > limit:
            sentences.append(
                f"carry the board through the whole room: a point is known to {room.point_mm:.1f} mm, wanted "
                f"are {limit:.1f} mm"
            )
        return sentences

    def _partner(self, place: int) -> str:
        """The camera that shares most with this one: where more is easiest to get."""
        shared: NDArray[np.int64] = self.extrinsics.graph.shared[place].copy()
        shared[place] = -1
        return self.extrinsics.rig.names[int(np.argmax(shared))]
