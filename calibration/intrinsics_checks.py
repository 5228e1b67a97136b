"""What makes one camera's intrinsics doubtful, as diagnoses of the rig they are for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from calibration.diagnosis import Diagnosis
from calibration.intrinsics import IntrinsicsResult, calibrate_intrinsics
from calibration.intrinsics_config import FEWEST_VIEWS, IntrinsicsConfig
from calibration.intrinsics_warnings import ENOUGH_VIEWS
from calibration.observations import BoardObservations
from calibration.planar_pose import pack, poses_from_normalised
from configs.errors import BadInputError

Floats = NDArray[np.float64]

DOUBTFUL_FOCAL = 0.01
"""Standard deviation over focal length: a rig of 4 m is then wrong by 4 cm."""
TILTED_DEG = 15.0
ONE_AXIS_DEG = 6.0
ONE_DEPTH = 1.25
"""Farthest over nearest view below which the board was at one distance."""
MOST_GAPS = 5
THIN_REACH = 0.6
LENS_CHANGE = 0.02
"""Of a focal length: what a touched focus ring changes, and far more than its uncertainty."""
TWO_FIT_BETTER = 0.93
"""Noise with a lens for each half over that with one: distortion and free poses hide most of a zoom."""


def check_intrinsics(observations: BoardObservations, result: IntrinsicsResult) -> list[Diagnosis]:
    """Judge intrinsics that were estimated from the recording.

    Args:
        observations: What they were estimated from.
        result: The estimate.
    """
    changed = list(_changed_lens(observations, result))
    if changed:
        return changed  # the rest would be consequences
    return [*_views(result), *_motion(observations, result), *_coverage(result)]


def _views(result: IntrinsicsResult) -> Iterator[Diagnosis]:
    name, views = result.camera.name, len(result.views)
    if views < ENOUGH_VIEWS:
        yield Diagnosis(
            "too_few_views",
            "warning",
            f"the lens of {name} rests on only {views} views of the board: show it in at least "
            f"{ENOUGH_VIEWS} different places and tilts",
            (name,),
        )


def _motion(observations: BoardObservations, result: IntrinsicsResult) -> Iterator[Diagnosis]:
    name = result.camera.name
    lean, depth = _leans(observations, result)
    tilt = np.degrees(np.arcsin(np.clip(np.linalg.norm(lean, axis=1), 0.0, 1.0)))
    tilted = int((tilt > TILTED_DEG).sum())
    focal = result.camera.K[0, 0]
    deviation = result.deviations["fx"]
    doubt = f" (its focal length is known as {focal:.0f} ± {2 * deviation:.0f} px)" if deviation > 0 else ""
    if tilted < max(3, len(lean) // 10):
        near, far = np.quantile(depth, [0.05, 0.95])
        same = "and at one distance " if far < ONE_DEPTH * near else ""
        yield Diagnosis(
            "flat_motion",
            "warning",
            f"{name} saw the board nearly always frontal {same}({tilted} of {len(lean)} views tilted by "
            f"more than {TILTED_DEG:.0f} degrees), which cannot tell focal length from distance{doubt}: "
            "tilt the board by 30 to 45 degrees to all sides, near and far",
            (name,),
        )
        return
    spread = np.sqrt(np.linalg.eigvalsh(lean.T @ lean / len(lean)))
    if np.degrees(spread[0]) < ONE_AXIS_DEG:
        yield Diagnosis(
            "flat_motion",
            "warning",
            f"the board was tilted about one axis only in front of {name}: tilt it about the other one as "
            "well",
            (name,),
        )
    elif not deviation <= DOUBTFUL_FOCAL * focal:
        yield Diagnosis(
            "uncertain_lens",
            "warning",
            f"the focal length of {name} is known to {100 * 2 * deviation / focal:.0f} % only ({focal:.0f} "
            f"± {2 * deviation:.0f} px): add views that are near, tilted by 30 to 45 degrees and fill the "
            "picture",
            (name,),
        )


def _leans(observations: BoardObservations, result: IntrinsicsResult) -> tuple[Floats, Floats]:
    """(V, 2) x and y of the board's normal in camera axes, (V,) mm to its middle, of the used views."""
    camera = result.camera
    packed = pack(observations.board, list(result.views))
    ideal = (camera.undistort(packed.pixels) - camera.K[:2, 2]) / camera.K[[0, 1], [0, 1]]
    R, t = poses_from_normalised(packed, np.nan_to_num(ideal))
    middle = np.array([*observations.board.size_mm, 0.0]) / 2.0
    return R[:, :2, 2], np.linalg.norm(R @ middle + t, axis=1)


def _coverage(result: IntrinsicsResult) -> Iterator[Diagnosis]:
    name, coverage = result.camera.name, result.coverage
    gaps = coverage.gaps()
    share = f"{100 * coverage.share:.0f} % of the picture"
    if gaps:
        where = "most of the picture" if len(gaps) > MOST_GAPS else ", ".join(gaps)
        yield Diagnosis(
            "thin_coverage",
            "warning",
            f"{name} never saw the board in {where} (corners in {share}), so its distortion there is a "
            "guess: move the board there, near the camera",
            (name,),
        )
    elif coverage.reach < THIN_REACH:
        yield Diagnosis(
            "thin_coverage",
            "warning",
            f"{name} saw the board only {100 * coverage.reach:.0f} % of the way out to the corners of its "
            "picture: move the board into the corners",
            (name,),
        )


def _changed_lens(observations: BoardObservations, result: IntrinsicsResult) -> Iterator[Diagnosis]:
    """Whether two lenses, one after the other, explain the views better than one."""
    name = result.camera.name
    views = observations.by_camera(name)
    known = result.deviations["fx"] < DOUBTFUL_FOCAL * result.camera.K[0, 0]
    if len(views) < 6 * FEWEST_VIEWS or not known:
        return  # halves of what hardly suffices tell nothing
    half = len(views) // 2
    config = IntrinsicsConfig(model=result.camera.model, max_views=16)
    parts = []
    for part in (views[:half], views[half:]):
        try:
            parts.append(calibrate_intrinsics(observations.chosen(part), name, config))
        except BadInputError:
            return
    before, after = (part.camera.K[0, 0] for part in parts)
    noise = float(np.hypot(parts[0].deviations["fx"], parts[1].deviations["fx"]))
    better = np.sqrt(np.mean([part.noise_px**2 for part in parts])) < TWO_FIT_BETTER * result.noise_px
    if better and abs(after - before) > max(LENS_CHANGE * before, 5.0 * noise):
        yield Diagnosis(
            "lens_changed",
            "error",
            f"the lens of {name} changed during the recording (focal length {before:.0f} px in the first "
            f"half, {after:.0f} px in the second): switch off autofocus and zoom, record at one picture "
            "size, and record again",
            (name,),
        )
