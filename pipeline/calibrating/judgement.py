"""From a calibration to what screens show of it."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.bundle_covariance import NORMAL_95
from calibration.calibrator import Calibration
from calibration.coverage import measure_coverage
from calibration.errors import SolveError
from calibration.observations import BoardObservations
from calibration.report.evidence import Evidence, gather, rms
from calibration.report.room import RoomUncertainty, room_uncertainty
from calibration.report.verdicts import headline, judge
from calibration.rig import Rig
from calibration.world_frame import find_floor_board
from configs.errors import BadInputError
from pipeline.calibrating.figures import calibration_figures, compare_with_truth
from pipeline.calibrating.floor_search import find_floor, lying_views
from pipeline.calibrating.floor_watch import FoundFloor, StillStretch
from pipeline.calibrating.outcome import CalibrationOutcome, CameraOutcome, FloorCandidate
from pipeline.rigs.rig_config import RigConfig
from pipeline.rigs.studio_rig import board_studio_of, studio_calibration

Floats = NDArray[np.float64]

_MOST_RESIDUALS: Final = 1500
"""Of a camera: more points make a plot slower, not clearer."""
_MOST_FLOORS: Final = 8


def outcome_of(
    calibration: Calibration,
    observations: BoardObservations,
    *,
    still: Sequence[StillStretch] = (),
    floor: FoundFloor | None = None,
    devices: RigConfig | None = None,
) -> CalibrationOutcome:
    """Gather what is shown.

    Args:
        calibration: What came out.
        observations: What it was made from.
        still: Stretches in which the board lay still.
        floor: The one that gave the world.
        devices: The cameras that filmed, for the truth where they are simulated.
    """
    evidence = gather(calibration)
    verdicts = judge(calibration, evidence)
    extrinsics = calibration.extrinsics
    start_ns = min((view.time_ns for view in observations.views), default=0)
    floors = _floors(extrinsics.rig, observations, still, start_ns) if extrinsics is not None else ()
    chosen = None
    if floor is not None:
        starts = [round(1e9 * one.start_s) + start_ns for one in floors]
        chosen = int(np.argmin([abs(one - floor.stretch.start_ns) for one in starts])) if starts else None
    names = calibration.rig.names
    room = room_uncertainty(extrinsics, calibration.board) if extrinsics is not None else None
    return CalibrationOutcome(
        rig=calibration.rig,
        reference=extrinsics.rig if extrinsics is not None else calibration.rig,
        reference_camera=extrinsics.reference if extrinsics is not None else names[0],
        board=calibration.board,
        usable=calibration.usable,
        headline=headline(verdicts, calibration.diagnoses),
        verdicts=tuple(verdicts),
        diagnoses=calibration.diagnoses,
        cameras={name: _camera(calibration, evidence, room, name, start_ns) for name in names},
        shared=_shared(calibration),
        tree=extrinsics.graph.tree if extrinsics is not None else (),
        times_s=(extrinsics.board.times_ns - start_ns) / 1e9 if extrinsics is not None else np.zeros(0),
        board_turns=extrinsics.board.R if extrinsics is not None else np.zeros((0, 3, 3)),
        board_places=extrinsics.board.t if extrinsics is not None else np.zeros((0, 3)),
        floors=floors,
        floor=chosen,
        rms_px=extrinsics.rms_px if extrinsics is not None else rms(evidence.all_residuals()),
        rms_without_lags_px=extrinsics.rms_without_lags_px if extrinsics is not None else float("nan"),
        truth=truth_figures(devices, calibration.rig) if devices is not None else None,
        figures=calibration_figures(calibration, observations),
        archive=pickle.dumps(calibration),
    )


def open_archive(archive: bytes) -> Calibration:
    """The calibration behind an outcome of this program's own."""
    calibration = pickle.loads(archive)
    assert isinstance(calibration, Calibration)
    return calibration


def truth_figures(devices: RigConfig, calibration: Rig) -> dict[str, object] | None:
    """How near a simulated rig's calibration came to it; None for real cameras."""
    studio = board_studio_of(devices)
    if studio is None:
        return None
    return compare_with_truth(calibration, studio_calibration(devices, studio))


def _floors(
    rig: Rig, observations: BoardObservations, still: Sequence[StillStretch], start_ns: int
) -> tuple[FloorCandidate, ...]:
    found = []
    for stretch in sorted(still, key=lambda one: one.start_ns)[-_MOST_FLOORS:]:
        views = lying_views(observations, stretch)
        if not views.views:
            continue
        try:
            board = find_floor_board(rig, views)
        except (BadInputError, SolveError):
            continue
        lying = find_floor(rig, observations, [stretch]) is not None
        seconds = (stretch.start_ns - start_ns) / 1e9, (stretch.end_ns - start_ns) / 1e9
        found.append(FloorCandidate(*seconds, board, lying))
    return tuple(found)


def _shared(calibration: Calibration) -> NDArray[np.int64]:
    """(C, C) in the order of the rig."""
    names, extrinsics = calibration.rig.names, calibration.extrinsics
    if extrinsics is None:
        return np.array([[len(calibration.intrinsics[name].views)] for name in names[:1]], np.int64)
    rows = [extrinsics.graph.cameras.index(name) for name in names]
    return np.asarray(extrinsics.graph.shared[np.ix_(rows, rows)], np.int64)


def _camera(
    calibration: Calibration, evidence: Evidence, room: RoomUncertainty | None, name: str, start_ns: int
) -> CameraOutcome:
    camera, place = calibration.rig.camera(name), calibration.rig.names.index(name)
    lens, extrinsics = calibration.intrinsics.get(name), calibration.extrinsics
    pixels, residuals = evidence.pixels(name), evidence.residuals(name)
    every = max(1, -(-len(pixels) // _MOST_RESIDUALS))
    views = [view for view in evidence.views[name] if view.good.any()]
    nan = float("nan")
    held_out = nan
    if calibration.quality is not None and calibration.quality.held_out:
        held_out = calibration.quality.camera_reprojection_px.get(name, nan)
    elif lens is not None:
        held_out = lens.held_out_px
    focal = float(np.mean(camera.K[[0, 1], [0, 1]]))
    sure = extrinsics.uncertainty[name] if extrinsics is not None else None
    focal_95 = nan
    if lens is not None and sure is not None:
        deviations = np.sqrt(np.maximum(np.diag(sure.covariance)[6:8], 0.0))
        focal_95 = 100 * NORMAL_95 * float(deviations.max()) / focal
    if lens is not None and not focal_95 > 0.0:
        focal_95 = 100 * NORMAL_95 * max(lens.deviations["fx"], lens.deviations["fy"]) / focal
    counts = measure_coverage([pixels], camera.size).counts
    return CameraOutcome(
        rms_px=rms(residuals),
        held_out_px=held_out,
        focal_px=focal,
        focal_95_percent=focal_95,
        place_95_mm=float(room.place_95_mm[place]) if room is not None else nan,
        turn_95_deg=float(room.turn_95_deg[place]) if room is not None else nan,
        lag_ms=camera.lag_ms,
        lag_95_ms=extrinsics.lags[name].interval_ms if extrinsics is not None else nan,
        views=len(views),
        counts=counts,
        pixels=pixels[::every],
        residuals=residuals[::every],
        times_s=np.array([(view.time_ns - start_ns) / 1e9 for view in views]),
        view_rms_px=np.array([view.rms_px for view in views]),
    )
