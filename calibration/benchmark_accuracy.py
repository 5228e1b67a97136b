"""How far calibrations are from the truth, and how often their 95 % intervals hold: simulated sessions.

Everything is estimated from the footage, lenses too, exactly as ``calibrate`` does: each lens by itself, then
lenses, places and lags together.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.bundle_covariance import NORMAL_95
from calibration.camera import Camera
from calibration.extrinsics import solve_extrinsics
from calibration.extrinsics_config import ExtrinsicsConfig
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.intrinsics import IntrinsicsResult, calibrate_intrinsics
from calibration.projection_kernel import INTRINSICS
from calibration.rig import Rig
from calibration.rotation import fit_rigid, vector_from_rotation
from calibration.simulated_session import BOARD, Session, board_poses_in_room, simulate_session
from calibration.simulated_views import BORDER_PX, STEEPEST, SimulatedRecording

Floats = NDArray[np.float64]
Progress = Callable[[str], None]

LIMITS: dict[str, float] = {
    "focal_percent": 0.25,
    "rotation_deg": 0.04,
    "rigid_mm": 0.4,
    "scale_percent": 0.2,
    "lag_ms": 2.0,
}
"""What is asked for."""
COVERAGE = (0.90, 0.99)
"""Between which the share of 95 % intervals that hold the truth must lie."""
JUDGED = 60
"""Poses of the board in the room, none of them filmed, by which the finished rig is judged."""
_PARAMETERS = ("focal", "focal", "centre", "centre") + ("distortion",) * (INTRINSICS - 4)


@dataclass(frozen=True)
class _Case:
    """One session calibrated: errors, and errors in standard deviations by kind of parameter."""

    errors: Mapping[str, tuple[float, ...]]
    scores: Mapping[str, tuple[float, ...]]


def benchmark_accuracy(
    cameras: Sequence[int] = (4, 8),
    seeds: int = 20,
    *,
    first_seed: int = 0,
    session: Session | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Calibrate simulated sessions and compare with the truth.

    Args:
        cameras: Sizes of rigs.
        seeds: Sessions of each size, each with another rig, motion, noise and lags.
        first_seed: Of them.
        session: What is filmed; None for the default.
        workers: Processes.
        progress: Is told what is done.

    Returns:
        Set-up and, by rig size, ``errors`` (median, 95th percentile, largest and signed mean over sessions
        and cameras), ``coverage`` (per kind of parameter the share of intervals that hold the truth, mean and
        spread of the errors in standard deviations), and which limits are kept.
    """
    session = session or Session()
    tell = progress or (lambda _: None)
    found: dict[str, Any] = {"seeds": seeds, "noise_px": session.noise_px, "fps": session.fps}
    for count in cameras:
        wanted = [(seed, count, session) for seed in range(first_seed, first_seed + seeds)]
        cases = []
        for done, case in enumerate(_calibrated(wanted, workers), 1):
            cases.append(case)
            tell(f"{count} cameras: {done} of {seeds} sessions")
        found[f"{count}_cameras"] = _summary(cases)
    return found


def _calibrated(wanted: Sequence[tuple[int, int, Session]], workers: int) -> Iterator[_Case]:
    if workers == 1:
        yield from (_case(one) for one in wanted)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_case, wanted)


def _case(one: tuple[int, int, Session]) -> _Case:
    seed, cameras, session = one
    recording = simulate_session(seed, cameras, session)
    seen = recording.observations
    lenses = {name: calibrate_intrinsics(seen, name) for name in seen.cameras}
    result = solve_extrinsics(
        seen,
        {name: lens.camera for name, lens in lenses.items()},
        ExtrinsicsConfig(refine_intrinsics="all"),
    )
    rng = np.random.default_rng([seed, 1])
    errors = {
        **_errors(result.rig, recording.rig),
        **_errors_in_room(result.rig, recording.rig, session.noise_px, rng),
        "lens_alone_focal_percent": tuple(
            _focal_percent(lens.camera, recording.rig.camera(name)) for name, lens in lenses.items()
        ),
    }
    scores = {key: tuple(values) for key, values in _scores(recording, lenses, result).items()}
    return _Case(errors, scores)


def _focal_percent(found: Camera, true: Camera) -> float:
    """The larger error of fx and fy."""
    ratio = found.K[[0, 1], [0, 1]] / true.K[[0, 1], [0, 1]]
    return float(100.0 * np.abs(ratio - 1.0).max())


def _errors(found: Rig, truth: Rig) -> dict[str, tuple[float, ...]]:
    """By camera: places and rotations after a rigid fit of the places, lags relative to the first camera."""
    places, real_places = (np.array([one.position for one in rig.cameras]) for rig in (found, truth))
    R, t = fit_rigid(places, real_places)
    pairs = list(zip(found.cameras, truth.cameras, strict=True))
    turns = [np.linalg.norm(vector_from_rotation(one.R @ R.T @ real.R.T)) for one, real in pairs]
    spread, real_spread = (np.linalg.norm(p - p.mean(axis=0), axis=1) for p in (places, real_places))
    return {
        "focal_percent": tuple(_focal_percent(one, real) for one, real in pairs),
        "rotation_deg": tuple(np.degrees(turns).tolist()),
        "position_mm": tuple(np.linalg.norm(places @ R.T + t - real_places, axis=1).tolist()),
        "scale_percent": (100.0 * float((spread @ real_spread) / (real_spread @ real_spread) - 1.0),),
        "lag_ms": tuple(one.lag_ms - real.lag_ms for one, real in pairs[1:]),
    }


def _from_first(rig: Rig) -> list[tuple[Floats, Floats]]:
    """R and t of each camera in the frame of the first one."""
    first = rig.cameras[0]
    return [(one.R @ first.R.T, one.t - one.R @ first.R.T @ first.t) for one in rig.cameras]


def _errors_in_room(
    found: Rig, truth: Rig, noise_px: float, rng: np.random.Generator
) -> dict[str, tuple[float, ...]]:
    """Root mean square distance mm of triangulated boards from the printed one, rigidly moved onto them.

    Seen without noise, which is what the calibration is to blame for; with it; and with it by true cameras.
    """
    poses = board_poses_in_room(truth, JUDGED, rng)
    sums = np.zeros(4)
    for R, t in zip(*poses, strict=True):
        corners = BOARD.corners @ R.T + t
        pixels = truth.project(corners)
        for k, camera in enumerate(truth.cameras):
            sight = corners.mean(axis=0) - camera.position
            last = np.array(camera.size) - 1.0 - BORDER_PX
            pixels[k, ~((pixels[k] > BORDER_PX) & (pixels[k] < last)).all(axis=1)] = np.nan
            if R[:, 2] @ sight < STEEPEST * np.linalg.norm(sight):
                pixels[k] = np.nan
        noisy = pixels + rng.normal(0.0, noise_px, pixels.shape)
        squares = [_board_error(found, pixels), _board_error(found, noisy), _board_error(truth, noisy)]
        if len(squares[0]) == 0:
            continue
        sums += [*(float(one.sum()) for one in squares), len(squares[0])]
    rms = np.sqrt(sums[:3] / sums[3])
    names = ("rigid_mm", "rigid_with_noise_mm", "rigid_of_noise_mm")
    return {name: (value,) for name, value in zip(names, rms.tolist(), strict=True)}


def _board_error(rig: Rig, pixels: Floats) -> Floats:
    """(n,) squared distances mm of triangulated corners from the board; none where too few are seen."""
    points = rig.triangulate(pixels)
    good = np.isfinite(points[:, 0])
    if good.sum() < 4:
        return np.zeros(0)
    printed = BOARD.corners[good]
    R, t = fit_rigid(printed, points[good])
    return np.asarray(((printed @ R.T + t - points[good]) ** 2).sum(axis=1))


def _scores(
    recording: SimulatedRecording, lenses: Mapping[str, IntrinsicsResult], result: ExtrinsicsResult
) -> dict[str, list[float]]:
    """Errors in standard deviations as the program states them."""
    scores: dict[str, list[float]] = {}

    def add(kind: str, errors: Floats, deviations: Floats) -> None:
        stated = deviations > 0.0
        scores.setdefault(kind, []).extend((errors[stated] / deviations[stated]).tolist())

    for camera, (R, t) in zip(recording.rig.cameras, _from_first(recording.rig), strict=True):
        name = camera.name
        found, sure = result.rig.camera(name), result.uncertainty[name]
        deviations = np.sqrt(np.maximum(np.diag(sure.covariance), 0.0))
        true_lens, lens = _lens(camera), _lens(found)
        for kind in dict.fromkeys(_PARAMETERS):
            mine = np.array([one == kind for one in _PARAMETERS])
            add(kind, (lens - true_lens)[mine], deviations[6 : 6 + INTRINSICS][mine])
        alone = lenses[name]
        stated = _padded(np.array(list(alone.deviations.values())))
        add("lens_alone_focal", (_lens(alone.camera) - true_lens)[:2], stated[:2])
        add("lens_alone_centre", (_lens(alone.camera) - true_lens)[2:4], stated[2:4])
        if name == result.reference:
            continue
        add("rotation", vector_from_rotation(found.R @ R.T), np.radians(sure.rotation_deg) / NORMAL_95)
        add("position", found.position + R.T @ t, sure.position_mm / NORMAL_95)
        lag = result.lags[name]
        add("lag", np.array([lag.ms - camera.lag_ms]), np.array([lag.interval_ms / NORMAL_95]))
    return scores


def _lens(camera: Camera) -> Floats:
    return _padded(np.concatenate([camera.K[[0, 1], [0, 1]], camera.K[:2, 2], camera.distortion]))


def _padded(values: Floats) -> Floats:
    return np.concatenate([values, np.zeros(INTRINSICS - len(values))])


def _summary(cases: Sequence[_Case]) -> dict[str, Any]:
    errors = {
        key: _distribution(np.concatenate([case.errors[key] for case in cases])) for key in cases[0].errors
    }
    coverage = {}
    for kind in cases[0].scores:
        scores = np.concatenate([case.scores[kind] for case in cases])
        coverage[kind] = {
            "held": float(np.mean(np.abs(scores) <= NORMAL_95)),
            "cases": len(scores),
            "mean": float(scores.mean()),
            "spread": float(scores.std()),
        }
    kept = {key: errors[key]["p50"] <= limit for key, limit in LIMITS.items()}
    kept["lag_ms"] = errors["lag_ms"]["largest"] <= LIMITS["lag_ms"]
    kept["coverage"] = all(COVERAGE[0] <= one["held"] <= COVERAGE[1] for one in coverage.values())
    return {"errors": errors, "coverage": coverage, "kept": kept}


def _distribution(values: Floats) -> dict[str, float]:
    """Of absolute values; the mean has its sign."""
    size = np.abs(values)
    return {
        "p50": float(np.median(size)),
        "p95": float(np.quantile(size, 0.95)),
        "largest": float(size.max()),
        "mean": float(values.mean()),
    }
