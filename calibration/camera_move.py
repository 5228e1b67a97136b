"""Whether a camera was moved while the board was filmed: its image errors jump at one time and stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.board_pose import LEVER_MM
from calibration.errors import SolveError
from calibration.extrinsics import ExtrinsicsConfig, solve_extrinsics
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.observations import BoardObservations
from calibration.rig import Rig
from calibration.rotation import rotation_angle
from configs.errors import BadInputError

Floats = NDArray[np.float64]

BETTER, PROMISING = 0.9, 0.97
"""The errors of two separate solves over those of one."""
SMALLEST_DEG, SMALLEST_MM = 0.3, 10.0
_AROUND = 0.04
"""Of the recording: how far the most likely time may be off."""
_ERROR_CAP_PX = 20.0
"""One gross error shall not decide between one solve and two."""


@dataclass(frozen=True)
class CameraMove:
    """A move that two separate solves confirm.

    Attributes:
        cameras: The one that moved; both where there are only two, as nobody can tell.
        time_ns: About when.
        deg: How far it turned against the others.
        mm: How far it was shifted.
        rms_px: Errors of all cameras in one solve.
        apart_px: The same in a solve before and another one after.
    """

    cameras: tuple[str, ...]
    time_ns: int
    deg: float
    mm: float
    rms_px: float
    apart_px: float


def confirm_move(
    observations: BoardObservations, config: ExtrinsicsConfig, result: ExtrinsicsResult, time_ns: int
) -> CameraMove | None:
    """Solve the recording before and after a time separately and see what changed.

    Args:
        observations: What was solved.
        config: How.
        result: The solution that takes the cameras as fixed.
        time_ns: From ``likely_move``; times a little earlier and later are tried as well.

    Returns:
        None where the two agree, or where one part is too short to tell.
    """
    times = [view.time_ns for view in observations.views]
    around = round(_AROUND * (max(times) - min(times)))
    together = _rms_px(result)
    splits = [_solve_apart(observations, config, result, time_ns)]
    if splits[0] is None or splits[0].rms_px < PROMISING * together:
        splits += [_solve_apart(observations, config, result, time_ns + shift) for shift in (-around, around)]
    best = min((split for split in splits if split is not None), key=lambda one: one.rms_px, default=None)
    if best is None or not best.rms_px < BETTER * together:
        return None
    names = result.rig.names
    turn, shift = _changes(best.before.rig, best.after.rig)
    size = LEVER_MM * np.radians(turn) + shift
    moved: tuple[int, ...]
    if len(names) == 2:
        moved, others = (0, 1), np.array([1])
    else:
        # Of one camera everything changed, between the others nothing did.
        score = [_median(size, k, True) - _median(size, k, False) for k in range(len(names))]
        moved = (int(np.argmax(score)),)
        others = np.array([k for k in range(len(names)) if k != moved[0]])
        if _median(size, moved[0], True) < 3.0 * _median(size, moved[0], False):
            return None
    # What is shifted when another camera turns depends on how far away that one is: take the smaller account.
    other = int(others[np.argmin(size[others, moved[0]])])
    deg, mm = float(turn[other, moved[0]]), float(shift[other, moved[0]])
    doubt_deg, doubt_mm = _doubt(best, names[moved[-1]])
    if deg < max(SMALLEST_DEG, doubt_deg) and mm < max(SMALLEST_MM, doubt_mm):
        return None
    return CameraMove(tuple(names[k] for k in moved), best.time_ns, deg, mm, together, best.rms_px)


@dataclass(frozen=True, eq=False)
class _Split:
    """Separate solutions before and after a time, and their errors."""

    time_ns: int
    before: ExtrinsicsResult
    after: ExtrinsicsResult
    rms_px: float


def _solve_apart(
    observations: BoardObservations, config: ExtrinsicsConfig, result: ExtrinsicsResult, time_ns: int
) -> _Split | None:
    settings = config.model_copy(update={"refine_intrinsics": "none"})
    lenses = {camera.name: camera for camera in result.rig.cameras}
    parts = []
    for late in (False, True):
        views = [view for view in observations.views if (view.time_ns >= time_ns) == late]
        try:
            parts.append(solve_extrinsics(observations.chosen(views), lenses, settings))
        except (BadInputError, SolveError):
            return None
    return _Split(time_ns, parts[0], parts[1], _rms_px(*parts))


def _median(size: Floats, camera: int, own: bool) -> float:
    """Median change of the pairs with (or without) one camera."""
    others = [k for k in range(len(size)) if k != camera]
    if own:
        return float(np.median(size[camera, others]))
    pairs = [size[a, b] for a in others for b in others if a < b]
    return float(np.median(pairs))


def _changes(before: Rig, after: Rig) -> tuple[Floats, Floats]:
    """(C, C) deg and mm by which the place of the second camera, seen from the first, changed."""
    count = len(before)
    turn, shift = np.zeros((count, count)), np.zeros((count, count))
    for a in range(count):
        for b in range(count):
            (R, place), (new_R, new_place) = (
                (
                    rig.cameras[b].R @ rig.cameras[a].R.T,
                    rig.cameras[a].R @ rig.cameras[b].position + rig.cameras[a].t,
                )
                for rig in (before, after)
            )
            turn[a, b] = float(np.degrees(rotation_angle(R.T @ new_R)))
            shift[a, b] = float(np.linalg.norm(new_place - place))
    return turn, shift


def _doubt(split: _Split, name: str) -> tuple[float, float]:
    """Deg and mm that the two solves leave open (95 %)."""
    both = [part.uncertainty[name] for part in (split.before, split.after)]
    deg = np.sqrt(sum(float((one.rotation_deg**2).sum()) for one in both))
    mm = np.sqrt(sum(float((one.position_mm**2).sum()) for one in both))
    return float(deg), float(mm)


def _rms_px(*results: ExtrinsicsResult) -> float:
    errors = np.concatenate([view.residuals for result in results for view in result.views])
    size = np.minimum(np.nan_to_num(np.linalg.norm(errors, axis=1), nan=_ERROR_CAP_PX), _ERROR_CAP_PX)
    return float(np.sqrt((size**2).mean()))
