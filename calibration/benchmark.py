"""How long the solve for the cameras' places takes, how that grows, and how long a library takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.benchmark_library import refine_with_scipy
from calibration.extrinsics import ExtrinsicsConfig, solve_extrinsics
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.observations import BoardObservations, BoardView
from calibration.rig import Rig
from calibration.rotation import fit_rigid
from calibration.simulated_views import SimulatedRecording, simulate_views

Floats = NDArray[np.float64]

RING = 16
"""Cameras around the board; smaller rigs are neighbours among them, so that they share as much."""
CAMERA_COUNTS, MOMENT_COUNTS = (2, 4, 8, 16), (75, 150, 300)
FPS = 30.0
SHARED_TIME, LEAST_S = 0.28, 36.0
"""Part of the time, at least, in which two neighbours both see the turning board; three turns of it, s."""
STRETCH = 15
"""Moments in a row, half a second: lags need the board in motion."""
LAG_MS, LARGE_LAG_MS = 15.0, 50.0
"""Lags are drawn from plus or minus this: within half a frame interval, and as bad as webcams get (0.1 s
from each other), where the solve has to regroup pictures of different time stamps."""

Progress = Callable[[str], None]


def benchmark_calibration(
    cameras: int = 16,
    moments: int = 300,
    runs: int = 3,
    *,
    growth: bool = True,
    against: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure the solve with supplied lenses: first guess, adjustment, lags, outliers, uncertainty.

    Args:
        cameras: Of the main figure, 2 to 16.
        moments: Of the main figure, at each of which two cameras or more see the board (70 corners).
        runs: Timed solves of each size; the median counts.
        growth: Measure 2, 4, 8, 16 cameras by 75, 150, 300 moments, too.
        against: Solve the main problem with scipy's sparse ``least_squares`` as well.
        seed: Of the recording.
        progress: Is told what is measured.

    Returns:
        Seconds, stages, errors against the truth; with ``growth`` a table and the powers of time over views
        (1 = linear); with ``against`` the library's figures and the ratio.
    """
    tell = progress or (lambda _: None)
    recorded = _Recordings(seed, LAG_MS)
    tell("compiling")
    _solve(recorded.of(2, 30))
    tell(f"{cameras} cameras, {moments} moments")
    found: dict[str, Any] = {"runs": runs, "noise_px": 0.5, **_main(recorded.of(cameras, moments), runs)}
    tell("the same with large lags")
    large = _main(_Recordings(seed, LARGE_LAG_MS).of(cameras, moments), runs)
    found["with_large_lags"] = {
        key: large[key] for key in ("seconds", "cpu_seconds", "position_error_mm", "lag_error_ms")
    }
    if growth:
        found |= _growth(recorded, runs, tell)
    if against:
        tell("the same with scipy's least_squares")
        # Its problem has no lags, so the recording has none either.
        still = _Recordings(seed, 0.0).of(cameras, moments)
        found["library"] = library = _compare(still, runs)
        found["ratio"] = library["seconds"] / library["ours_seconds"]
        found["cpu_ratio"] = library["cpu_seconds"] / library["ours_cpu_seconds"]
    return found


def _main(recording: SimulatedRecording, runs: int) -> dict[str, Any]:
    times, result = _timed(recording, runs)
    return {
        **_size(recording),
        "seconds": times.wall,
        "cpu_seconds": times.cpu,
        "stages_s": {stage: round(value, 4) for stage, value in result.seconds.items()},
        "rmse_px": result.rms_px,
        "position_error_mm": _position_error(result.rig, recording.rig),
        "lag_error_ms": max(abs(result.lags[one.name].ms - one.lag_ms) for one in recording.rig.cameras),
    }


class _Recordings:
    """Parts of one recording of the whole ring, made when first asked for."""

    def __init__(self, seed: int, longest_lag_ms: float) -> None:
        self.seed = seed
        lags = np.random.default_rng(seed).uniform(-longest_lag_ms, longest_lag_ms, RING)
        self.lags_ms: Floats = lags - lags[0]
        self.seconds = 0.0

    def of(self, cameras: int, moments: int) -> SimulatedRecording:
        """Moments that at least two of the first ``cameras`` share, in stretches from the whole recording.

        Stretches, because the board turns around once in 12 s: any one minute shows it to all cameras.
        """
        seconds = max(LEAST_S, moments / FPS / SHARED_TIME)
        if self.seconds < seconds:
            self.whole = simulate_views(self.seed, RING, seconds=seconds, fps=FPS, lags_ms=self.lags_ms)
            self.seconds = seconds
        return _stretches(self.whole, cameras, moments)


def _stretches(whole: SimulatedRecording, cameras: int, moments: int) -> SimulatedRecording:
    names = whole.rig.names[:cameras]
    by_time: dict[int, list[BoardView]] = {}
    for view in whole.observations.views:
        if view.camera in names:
            by_time.setdefault(view.time_ns, []).append(view)
    shared = [by_time[at] for at in sorted(by_time) if len(by_time[at]) > 1]
    if len(shared) < moments:
        raise ValueError(f"{cameras} cameras share {len(shared)} moments, not {moments}")
    starts = np.linspace(0, len(shared), -(-moments // STRETCH), endpoint=False).astype(int)
    wanted = (np.minimum(starts[:, None] + np.arange(STRETCH), len(shared) - 1)).ravel()
    chosen = np.unique(wanted)[:moments]
    views = tuple(view for at in chosen for view in shared[at])
    sizes = {name: whole.observations.sizes[name] for name in names}
    observations = BoardObservations(whole.observations.board, sizes, views)
    return SimulatedRecording(observations, whole.rig.subset(names))


def _solve(recording: SimulatedRecording, config: ExtrinsicsConfig | None = None) -> ExtrinsicsResult:
    lenses = {camera.name: camera for camera in recording.rig.cameras}
    return solve_extrinsics(recording.observations, lenses, config)


@dataclass(frozen=True)
class _Times:
    """Medians, s. On a shared machine the time of the processor says more than that of the clock."""

    wall: float
    cpu: float


def _timed(
    recording: SimulatedRecording, runs: int, config: ExtrinsicsConfig | None = None
) -> tuple[_Times, ExtrinsicsResult]:
    wall, cpu = [], []
    for _ in range(runs):
        start, started = time.perf_counter(), time.process_time()
        result = _solve(recording, config)
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - started)
    return _Times(float(np.median(wall)), float(np.median(cpu))), result


def _size(recording: SimulatedRecording) -> dict[str, int]:
    views = recording.observations.views
    return {
        "cameras": len(recording.rig),
        "moments": len({view.time_ns for view in views}),
        "views": len(views),
        "corners": sum(len(view) for view in views),
    }


def _growth(recorded: _Recordings, runs: int, tell: Progress) -> dict[str, Any]:
    # Largest first: the recording is then made once.
    rows = []
    for cameras in CAMERA_COUNTS:
        for moments in sorted(MOMENT_COUNTS, reverse=True):
            tell(f"growth: {cameras} cameras, {moments} moments")
            recording = recorded.of(cameras, moments)
            times, _ = _timed(recording, runs)
            rows.append({**_size(recording), "seconds": times.wall, "cpu_seconds": times.cpu})
    rows.sort(key=lambda row: (row["cameras"], row["moments"]))
    powers = {
        cameras: _power([row for row in rows if row["cameras"] == cameras], "views")
        for cameras in CAMERA_COUNTS
    }
    return {
        "growth": rows,
        "power_over_views": {f"{cameras}_cameras": power for cameras, power in powers.items()},
    }


def _power(rows: Sequence[dict[str, Any]], key: str) -> float:
    """Slope of the logarithms: 1 is linear."""
    x, y = (np.log([row[name] for row in rows]) for name in (key, "cpu_seconds"))
    return float(np.polyfit(x, y, 1)[0])


def _position_error(rig: Rig, truth: Rig) -> float:
    """Root mean square distance of the cameras from the true ones after a rigid fit, mm."""
    found, real = (np.array([camera.position for camera in one.cameras]) for one in (rig, truth))
    if len(found) < 3:
        # Two points are fitted by any rotation about their line: their distance is what can be wrong.
        return float(abs(np.linalg.norm(found[1] - found[0]) - np.linalg.norm(real[1] - real[0])))
    R, t = fit_rigid(found, real)
    return float(np.sqrt(((found @ R.T + t - real) ** 2).sum(axis=1).mean()))


def _compare(still: SimulatedRecording, runs: int) -> dict[str, Any]:
    """The same views without lags, by us and by scipy; both know the lenses."""
    times, ours = _timed(still, runs, ExtrinsicsConfig(estimate_lags=False, estimate_jitter=False))
    theirs = refine_with_scipy(ours, still.observations.board.corners)
    return {
        "name": theirs.name,
        "seconds": theirs.seconds,
        "cpu_seconds": theirs.cpu_seconds,
        "evaluations": theirs.evaluations,
        "rmse_px": theirs.rmse_px,
        "position_error_mm": _position_error(theirs.rig, still.rig),
        "ours_seconds": times.wall,
        "ours_cpu_seconds": times.cpu,
        "ours_rmse_px": ours.rms_px,
        "ours_position_error_mm": _position_error(ours.rig, still.rig),
    }
