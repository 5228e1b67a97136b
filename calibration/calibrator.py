"""From board views to a calibrated rig: lenses, places, lags, quality, and what is wrong."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from calibration.board import Board
from calibration.calibration_config import CalibrationConfig
from calibration.camera import Camera
from calibration.detection_checks import Grey, check_pictures
from calibration.diagnosis import CalibrationFailedError, Diagnosis, by_gravity
from calibration.errors import SolveError
from calibration.extrinsics import ExtrinsicsConfig, solve_extrinsics
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.intrinsics import IntrinsicsResult, calibrate_intrinsics
from calibration.intrinsics_checks import check_intrinsics
from calibration.observations import BoardObservations
from calibration.quality import (
    KnownDistance,
    Quality,
    held_out_quality,
    measure_quality,
    scale_error_percent,
)
from calibration.quality_record import quality_record
from calibration.recording_checks import check_recording
from calibration.rig import Rig
from calibration.rig_checks import check_before_solve, check_rig, check_scale, explain_failure
from calibration.world_placement import PlacedRig, place_world
from configs.errors import BadInputError, bad_input, did_you_mean

_LOG = logging.getLogger(__name__)

Progress = Callable[[str, float], None]
"""Is told what is done at present, and how much of everything is done, 0 to 1."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What came out.

    Attributes:
        rig: Cameras in the world, with ``lag_ms``, board and quality.
        board: What was filmed.
        intrinsics: Camera to how its lens was found; empty for supplied ones.
        extrinsics: How the places were found, in the frame of the reference camera; None with one camera.
        quality: How good the places are, judged by views that were kept out of a solve; None with one camera.
        diagnoses: What is wrong or was noticed, the gravest first.
        seconds: Wall time by stage.
    """

    rig: Rig
    board: Board
    intrinsics: Mapping[str, IntrinsicsResult]
    extrinsics: ExtrinsicsResult | None
    quality: Quality | None
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
    pictures: Mapping[str, Sequence[Grey]] | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Calibrate all cameras that are in the observations.

    Args:
        observations: Views of one board.
        intrinsics: Lenses that are known; the others are estimated. Their R, t and lag do not matter.
        config: None for the defaults.
        pictures: Camera to a handful of its pictures, (H, W) each, preferably without a view in
            ``observations``: they tell why the board was not found (``CameraTally.samples`` has them).
        progress: Is called between stages.

    Raises:
        CalibrationFailedError: The recording gives no calibration; says why and what to do.
        BadInputError: The settings do not fit the recording.
    """
    config = config or CalibrationConfig()
    return _Calibrator(observations, dict(intrinsics or {}), config, dict(pictures or {}), progress).run()


@dataclass
class _Calibrator:
    """The stages of one calibration."""

    observations: BoardObservations
    supplied: dict[str, Camera]
    config: CalibrationConfig
    pictures: dict[str, Sequence[Grey]]
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
        shown = check_pictures(self.observations, self.pictures)
        explained = {name for one in shown for name in one.cameras if one.severity == "error"}
        fewest = self.config.extrinsics.min_views
        seen = check_recording(self.observations, self.supplied, fewest)
        # That views are few is no news where pictures tell why.
        seen = [one for one in seen if one.kind != "too_few_views" or not explained.issuperset(one.cameras)]
        self._add([*shown, *seen])
        lap("checks")
        results = self._intrinsics()
        lap("intrinsics")
        lenses = self.supplied | {name: result.camera for name, result in results.items()}
        lenses = {name: lenses[name] for name in self.observations.cameras}
        extrinsics, quality, scale = None, None, None
        if len(lenses) > 1:
            self._report("finding the cameras", 0.7)
            settings = self._settings(lenses, set(results))
            extrinsics = self._extrinsics(lenses, set(results), settings)
            lap("extrinsics")
            self._report("looking for what may be wrong", 0.8)
            self._add(check_rig(self.observations, lenses, set(results), extrinsics, settings))
            lap("diagnosis")
            self._report("measuring the quality", 0.9)
            quality = self._quality(lenses, extrinsics, settings)
            placed = place_world(extrinsics.rig, extrinsics.reference, self.observations, self.config.world)
            rig, scale = placed.rig, self._scale(placed)
            self._add(check_scale(self.observations.board, scale))
            lap("quality")
        else:
            rig = Rig(tuple(lenses.values()), board=self.observations.board.as_dict())
        self._report("done", 1.0)
        rig = replace(rig, quality=quality_record(results, extrinsics, quality, scale))
        return Calibration(
            rig=rig,
            board=self.observations.board,
            intrinsics=results,
            extrinsics=extrinsics,
            quality=quality,
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
        self.diagnoses += found

    def _stop_on_errors(self) -> None:
        if any(one.severity == "error" for one in self.diagnoses):
            raise CalibrationFailedError(self.diagnoses)

    def _intrinsics(self) -> dict[str, IntrinsicsResult]:
        """Of each camera that has none, one after the other.

        Threads do not pay: four cameras took 8.9 s in two threads and 4.7 s in one (two cores), because most
        of the time goes into numpy calls on small arrays, which take turns.
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

    def _settings(self, lenses: dict[str, Camera], own: set[str]) -> ExtrinsicsConfig:
        refine = self.config.refine
        if refine == "auto":
            # Only all or none of the cameras can be refined; supplied ones were asked for as they are.
            refine = "all" if len(own) == len(lenses) else "none"
        return self.config.extrinsics.model_copy(update={"refine_intrinsics": refine})

    def _extrinsics(
        self, lenses: dict[str, Camera], own: set[str], settings: ExtrinsicsConfig
    ) -> ExtrinsicsResult:
        self._add(check_before_solve(self.observations, lenses, settings))
        self._stop_on_errors()
        try:
            return solve_extrinsics(self.observations, lenses, settings)
        except (BadInputError, SolveError) as error:
            found = explain_failure(self.observations, lenses, own, settings, error)
            raise CalibrationFailedError([*self.diagnoses, *found]) from error

    def _quality(
        self, lenses: dict[str, Camera], extrinsics: ExtrinsicsResult, settings: ExtrinsicsConfig
    ) -> Quality | None:
        # A rig that must not be used is not worth a second solve.
        share = 0.0 if any(one.severity == "error" for one in self.diagnoses) else self.config.held_out
        try:
            if share > 0.0:
                try:
                    return held_out_quality(self.observations, lenses, settings, share=share)
                except BadInputError:
                    # What is left after keeping some out does not tie the cameras together.
                    _LOG.info("too few views to keep some out; the quality is that of the solved ones")
            return measure_quality(extrinsics.rig, self.observations)
        except SolveError as error:
            _LOG.warning("the quality cannot be measured: %s", error)
            return None

    def _scale(self, placed: PlacedRig) -> float | None:
        """Signed error in %, positive where the rig is too large; None where no length is known."""
        if self.config.distances:
            known = [KnownDistance(one.cameras, one.mm) for one in self.config.distances]
            return scale_error_percent(placed.rig, known)
        return placed.scale_percent
