"""Why the cameras of a rig disagree about the board more than single views do.

Each cause is first looked for with a test that costs milliseconds: one step of an adjustment instead of all,
or how single views agree. Only where that finds something are lenses estimated and rigs solved again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from calibration.camera import Camera
from calibration.camera_move import BETTER, CameraMove, confirm_move
from calibration.clock_check import check_clocks
from calibration.diagnosis import Diagnosis
from calibration.extrinsics_config import ExtrinsicsConfig
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.lens_check import doubt_lenses, lens_diagnoses, suspect_lenses
from calibration.move_time import likely_move
from calibration.observations import BoardObservations
from calibration.posed_views import PosedViews

INCONSISTENT = 1.1
"""Errors of the rig over those of single views above which something does not fit together."""
BADLY_INCONSISTENT = 3.0
EXPLAINED = 2.0
"""Errors that two places of a camera leave over those of single views: more, and it was something else."""
MOVE_GAIN = 0.12
"""See ``LikelyMove.gain``: between what chance and what moves reach. Smaller moves do not spoil the solve,
which finds them itself."""
_ERROR_CAP_PX = 20.0
"""One gross error shall not decide."""


def find_contradictions(
    observations: BoardObservations,
    lenses: Mapping[str, Camera],
    own: set[str],
    views: PosedViews,
    result: ExtrinsicsResult,
    config: ExtrinsicsConfig,
) -> Iterator[Diagnosis]:
    """Causes of errors beyond those of single views; the first that explains them ends the search.

    Args:
        observations: What was solved.
        lenses: With which lenses.
        own: Cameras whose lenses were estimated from the same recording.
        views: Each by itself, with the lenses of the solution.
        result: The solution.
        config: How it was found.
    """
    alone, together = _single_px(views), _joint_px(result)
    supplied = [name for name in lenses if name not in own]
    doubts = doubt_lenses(observations, lenses, suspect_lenses(views, supplied))
    yield from lens_diagnoses(doubts, lenses)
    if doubts or together < INCONSISTENT * alone:
        return
    if together > BADLY_INCONSISTENT * alone:
        clocks = list(check_clocks(views))
        yield from clocks
        if clocks:
            return
    badly = together > BADLY_INCONSISTENT * alone
    move = _solver_move(result) or _likely_move(observations, views, result, config, surely=badly)
    if move is not None and move.apart_px < EXPLAINED * alone:
        first = min(view.time_ns for view in observations.views)
        after_s = 1e-9 * (move.time_ns - first)
        who = move.cameras[0] if len(move.cameras) == 1 else f"{move.cameras[0]} or {move.cameras[1]}"
        yield Diagnosis(
            "moved_camera",
            "error",
            f"{who} was moved about {after_s:.0f} s after the board was first seen, by "
            f"{_amount(move.deg, move.mm)} (one place leaves {move.rms_px:.2f} px, two leave "
            f"{move.apart_px:.2f} px): fix the camera and record again, or use only the part after the move",
            move.cameras,
        )
    elif badly:
        yield Diagnosis(
            "inconsistent",
            "error",
            f"the cameras do not agree about the board ({together:.1f} px in one solution, {alone:.1f} px "
            "camera by camera): check the time stamps, that no camera or lens was touched, and that all "
            "filmed the same board",
        )


def _solver_move(result: ExtrinsicsResult) -> CameraMove | None:
    """What the solve itself noticed; it sees the smallest moves, but a large one can spoil its start."""
    seen = result.moved
    if seen is None or seen.rms_moved_px > BETTER * seen.rms_px:
        return None
    names = result.rig.names
    who = names if len(names) == 2 else (seen.camera,)
    return CameraMove(who, seen.time_ns, seen.turn_deg, seen.shift_mm, seen.rms_px, seen.rms_moved_px)


def _likely_move(
    observations: BoardObservations,
    views: PosedViews,
    result: ExtrinsicsResult,
    config: ExtrinsicsConfig,
    *,
    surely: bool,
) -> CameraMove | None:
    """A move that single views hint at, or with ``surely`` the best there is, if two solves confirm it."""
    likely = likely_move(views)
    if likely is None or not (surely or likely.gain > MOVE_GAIN):
        return None
    return confirm_move(observations, config, result, likely.time_ns)


def _amount(deg: float, mm: float) -> str:
    return f"{deg:.1f} degrees and {mm / 10:.1f} cm" if deg >= 0.05 else f"{mm / 10:.1f} cm"


def _single_px(views: PosedViews) -> float:
    """Px that views leave by themselves, mean square over cameras, as if their poses cost no freedom.

    A pose of its own takes six degrees of freedom from the 24 of a view with twelve corners, the common
    solution little more than one: compared as they are, small boards would always look inconsistent.
    """
    data = views.data
    coordinates = 2.0 * np.diff(data.starts)
    squares = np.minimum(views.rms_px, _ERROR_CAP_PX) ** 2 * coordinates / np.maximum(coordinates - 6.0, 1.0)
    means = [np.nanmean(squares[data.camera == k]) for k in np.unique(data.camera)]
    return float(np.sqrt(np.mean(means)))


def _joint_px(result: ExtrinsicsResult) -> float:
    """Px of the common solution, mean square over cameras, rejected corners too, gross ones capped."""
    means = []
    for name in result.rig.names:
        errors = [view.residuals for view in result.views if view.camera == name]
        away = np.linalg.norm(np.concatenate(errors), axis=1)
        means.append((np.minimum(np.nan_to_num(away, nan=_ERROR_CAP_PX), _ERROR_CAP_PX) ** 2).mean())
    return float(np.sqrt(np.mean(means)))
