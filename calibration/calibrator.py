"""From board views to a calibrated rig: lenses, places, lags, quality, and what is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import Field

from calibration.board import Board
from calibration.camera import Camera
from calibration.diagnosis import CalibrationFailedError, Diagnosis, by_gravity
from calibration.errors import SolveError
from calibration.extrinsics import ExtrinsicsConfig, solve_extrinsics
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.intrinsics import IntrinsicsConfig, IntrinsicsResult, calibrate_intrinsics
from calibration.intrinsics_checks import check_intrinsics
from calibration.observations import BoardObservations
from calibration.recording_checks import check_recording
from calibration.rig import Rig
from calibration.rig_checks import check_before_solve, check_rig, explain_failure
from configs.errors import BadInputError, bad_input, did_you_mean
from configs.loading import Config

Progress = Callable[[str, float], None]
"""Is told what is done at present, and how much of everything is done, 0 to 1."""


class CalibrationConfig(Config):
    """How a rig is calibrated.

    Attributes:
        intrinsics: Of lenses that are not supplied.
        extrinsics: Of the solve for places and lags; its ``refine_intrinsics`` is replaced by ``refine``.
        refine: What of the lenses the joint solve may change. ``auto``: everything of lenses that were
            estimated from the same recording, which then use all views at once, and nothing of supplied ones.
        held_out: Share of the board's moments that are kept out of a second solve, which they then judge.
        distances: Known distances between cameras, mm, by their names joined with a comma: they tell a
            wrong square size.
    """

    intrinsics: IntrinsicsConfig = Field(default_factory=IntrinsicsConfig)
    extrinsics: ExtrinsicsConfig = Field(default_factory=lambda: ExtrinsicsConfig())
    refine: Literal["auto", "none", "focal", "all"] = "auto"
    held_out: float = Field(0.2, ge=0.0, le=0.5)
    distances: dict[str, float] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What came out.

    Attributes:
        rig: Cameras in the world, with ``lag_ms``, board and quality.
        board: What was filmed.
        intrinsics: Camera to how its lens was found; empty for supplied ones.
        extrinsics: How the places were found; None with one camera.
        diagnoses: What is wrong or was noticed, the gravest first.
        seconds: Wall time by stage.
    """

    rig: Rig
    board: Board
    intrinsics: Mapping[str, IntrinsicsResult]
    extrinsics: ExtrinsicsResult | None
    diagnoses: tuple[Diagnosis, ...]
    seconds: Mapping[str, float]

    @property
    def usable(self) -> bool:
        """Whether nothing is so wrong that the rig must not be used."""
        return all(one.severity != "error" for one in self.diagnoses)


def calibrate(
    observations: BoardObservations,
    *,
    intrinsics: Mapping[str, Camera] | None = None,
    config: CalibrationConfig | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Calibrate all cameras that are in the observations.

    Args:
        observations: Views of one board.
        intrinsics: Lenses that are known; the others are estimated. Their R, t and lag do not matter.
        config: None for the defaults.
        progress: Is called between stages.

    Raises:
        CalibrationFailedError: The recording gives no calibration; says why and what to do.
        BadInputError: The settings do not fit the recording.
    """
    return _Calibrator(observations, dict(intrinsics or {}), config or CalibrationConfig(), progress).run()


@dataclass
class _Calibrator:
    """The stages of one calibration."""

    observations: BoardObservations
    supplied: dict[str, Camera]
    config: CalibrationConfig
    progress: Progress | None
    seconds: dict[str, float] = field(default_factory=dict)
    diagnoses: list[Diagnosis] = field(default_factory=list)

    def run(self) -> Calibration:
        self._check_names()
        last = time.perf_counter()

        def lap(stage: str) -> None:
            nonlocal last
            now = time.perf_counter()
            self.seconds[stage] = now - last
            last = now

        self._report("checking the views", 0.0)
        self._add(check_recording(self.observations, self.supplied, self.config.extrinsics.min_views))
        lap("checks")
        results = self._intrinsics()
        lap("intrinsics")
        lenses = self.supplied | {name: result.camera for name, result in results.items()}
        lenses = {name: lenses[name] for name in self.observations.cameras}
        extrinsics = None
        if len(lenses) > 1:
            self._report("finding the cameras", 0.7)
            extrinsics = self._extrinsics(lenses, own=set(results))
            lap("extrinsics")
            self._report("looking for what may be wrong", 0.85)
            self._add(check_rig(self.observations, lenses, set(results), extrinsics, self.config.extrinsics))
            lap("diagnosis")
            rig = extrinsics.rig
        else:
            rig = Rig(tuple(lenses.values()), board=self.observations.board.as_dict())
        self._report("done", 1.0)
        return Calibration(
            rig=rig,
            board=self.observations.board,
            intrinsics=results,
            extrinsics=extrinsics,
            diagnoses=by_gravity(self.diagnoses),
            seconds=self.seconds,
        )

    def _check_names(self) -> None:
        names = self.observations.cameras
        for name in self.supplied:
            if name not in names:
                raise bad_input(
                    "intrinsics are supplied for a camera that is not in the recording",
                    value=name,
                    allowed=", ".join(names),
                    hint=did_you_mean(name, names),
                )

    def _report(self, stage: str, share: float) -> None:
        if self.progress is not None:
            self.progress(stage, share)

    def _add(self, found: list[Diagnosis]) -> None:
        """Keep diagnoses; an error among those of the recording itself ends the calibration."""
        self.diagnoses += found

    def _stop_on_errors(self) -> None:
        if any(one.severity == "error" for one in self.diagnoses):
            raise CalibrationFailedError(self.diagnoses)

    def _intrinsics(self) -> dict[str, IntrinsicsResult]:
        """Of each camera that has none, one after the other.

        Threads do not pay: four cameras took 8.9 s in two threads and 4.7 s in one (two cores), because most of
        the time goes into numpy calls on small arrays, which take turns.
        """
        self._stop_on_errors()
        results: dict[str, IntrinsicsResult] = {}
        failed: list[Diagnosis] = []
        todo = [name for name in self.observations.cameras if name not in self.supplied]
        for number, name in enumerate(todo):
            self._report(f"lens of {name}", 0.05 + 0.65 * number / len(todo))
            try:
                results[name] = calibrate_intrinsics(self.observations, name, self.config.intrinsics)
            except BadInputError as error:
                failed.append(Diagnosis("too_few_views", "error", str(error), (name,)))
                continue
            self._add(check_intrinsics(self.observations, results[name]))
        self._add(failed)
        self._stop_on_errors()
        return results

    def _extrinsics(self, lenses: dict[str, Camera], own: set[str]) -> ExtrinsicsResult:
        config = self.config.extrinsics
        refine = self.config.refine
        if refine == "auto":
            # Only all or none of the cameras can be refined; supplied ones were asked for as they are.
            refine = "all" if len(own) == len(lenses) else "none"
        settings = config.model_copy(update={"refine_intrinsics": refine})
        self._add(check_before_solve(self.observations, lenses, settings))
        self._stop_on_errors()
        try:
            return solve_extrinsics(self.observations, lenses, settings)
        except (BadInputError, SolveError) as error:
            found = explain_failure(self.observations, lenses, own, settings, error)
            raise CalibrationFailedError([*self.diagnoses, *found]) from error


def with_quality(calibration: Calibration, rig: Rig) -> Calibration:
    """The same calibration with another rig (world, quality)."""
    return replace(calibration, rig=rig)
