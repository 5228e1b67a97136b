"""How long triangulation takes, alone, on made-up people in front of a ring of cameras."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.rig import Rig
from models.triangulation.robust import RobustConfig, RobustTriangulator

Floats = NDArray[np.float64]

VIEW_COUNTS = (2, 4, 8, 16, 32)
NOISE_PX = 3.0
OUTLIERS = 0.05
MISSING = 0.05
WARM_UP = 20
FRAMES = 16
"""Different inputs that take turns, so that no run profits from the caches of the one before."""


def ring_rig(views: int, radius_mm: float = 4000.0) -> Rig:
    """Cameras evenly spaced on a circle 2 m above the floor, looking at its centre, mildly distorted."""
    cameras = []
    for view in range(views):
        angle = 2.0 * np.pi * view / views
        position = np.array([radius_mm * np.cos(angle), radius_mm * np.sin(angle), 2000.0])
        forward = np.array([0.0, 0.0, 1000.0]) - position
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        R = np.array([right, np.cross(forward, right), forward])
        K = np.array([[1000.0, 0.0, 639.5], [0.0, 1000.0, 359.5], [0.0, 0.0, 1.0]])
        distortion = np.array([-0.1, 0.03, 1e-3, -1e-3, 0.0])
        cameras.append(Camera(f"cam{view + 1}", (1280, 720), "pinhole", K, distortion, R, -R @ position))
    return Rig(tuple(cameras))


def made_up_people(
    rig: Rig, people: int, joints: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Points scattered like bodies and what the cameras make of them: noise, gross errors, gaps.

    Returns:
        truth (N, J, 3) mm, keypoints (N, V, J, 2) distorted px, scores (N, V, J).
    """
    centres = rng.uniform([-800.0, -800.0, 900.0], [800.0, 800.0, 1100.0], (people, 1, 3))
    truth = centres + rng.normal(0.0, [250.0, 250.0, 400.0], (people, joints, 3))
    keypoints = np.moveaxis(rig.project(truth), 0, 1)
    keypoints += rng.normal(0.0, NOISE_PX, keypoints.shape)
    wrong = rng.random(keypoints.shape[:3]) < OUTLIERS
    keypoints[wrong] += rng.uniform(-300.0, 300.0, (int(wrong.sum()), 2))
    scores = rng.uniform(0.6, 1.0, keypoints.shape[:3])
    gone = rng.random(scores.shape) < MISSING
    keypoints[gone] = np.nan
    scores[gone] = 0.0
    return truth, keypoints, scores


def plain_dlt(rig: Rig, ideal: Floats, scores: Floats) -> Floats:
    """The textbook way, for comparison: one batched SVD, no view selection, no covariance; (N, J, 3) mm."""
    projections = rig.projections
    weights = np.where(np.isfinite(ideal[..., 0]), scores, 0.0)
    pixels = np.where(np.isfinite(ideal), ideal, 0.0)
    rows = pixels[..., None] * projections[:, None, 2:, :] - projections[:, None, :2, :]
    rows *= weights[..., None, None]
    people, views, joints = weights.shape
    stacked = np.moveaxis(rows, 1, 2).reshape(people, joints, 2 * views, 4)
    solution = np.linalg.svd(stacked, full_matrices=False)[2][..., 3, :]
    points: Floats = solution[..., :3] / solution[..., 3:]
    return points


def benchmark_triangulation(
    cameras: int = 8, people: int = 3, joints: int = 26, runs: int = 500, seed: int = 0
) -> dict[str, Any]:
    """Measure triangulation with undistortion, robust view selection, refinement and covariance.

    Args:
        cameras: Views of the main figure.
        people: People per call.
        joints: Joints per person.
        runs: Timed calls of the main figure; the curve over the number of cameras takes a quarter of them
            each.
        seed: Of the made-up data.

    Returns:
        Distributions in ms (wall and CPU of this thread), stage times, time by number of cameras with the
        fitted power (1 = linear), the plain DLT on the same input, and the errors of both in mm.
    """
    rng = np.random.default_rng(seed)
    rig = ring_rig(cameras)
    robust = RobustTriangulator(RobustConfig(), rig)
    frames = [made_up_people(rig, people, joints, rng) for _ in range(FRAMES)]
    ideals = [robust.undistort(keypoints) for _, keypoints, _ in frames]

    def whole(at: int) -> object:
        return robust(frames[at][1], frames[at][2])

    def undistort(at: int) -> object:
        return robust.undistort(frames[at][1])

    def solve(at: int) -> object:
        return robust.triangulate_ideal(ideals[at], frames[at][2])

    def dlt(at: int) -> object:
        return plain_dlt(rig, robust.undistort(frames[at][1]), frames[at][2])

    result: dict[str, Any] = {
        "cameras": cameras,
        "people": people,
        "joints": joints,
        "runs": runs,
        "input": {"noise_px": NOISE_PX, "outliers": OUTLIERS, "missing": MISSING, "seed": seed},
        "robust": _measure(whole, runs),
        "stages": {"undistort": _measure(undistort, runs // 4), "solve": _measure(solve, runs // 4)},
        "plain_dlt": _measure(dlt, runs // 4),
    }
    result["speedup_over_plain_dlt"] = (
        result["plain_dlt"]["wall_ms"]["p50"] / result["robust"]["wall_ms"]["p50"]
    )
    result["error_mm"] = {
        "robust": _errors([robust(k, s).joints - t for t, k, s in frames]),
        "plain_dlt": _errors(
            [plain_dlt(rig, ideal, f[2]) - f[0] for ideal, f in zip(ideals, frames, strict=True)]
        ),
    }
    result["by_cameras"] = [_at(views, people, joints, max(runs // 4, 1), rng) for views in VIEW_COUNTS]
    counts = np.array(VIEW_COUNTS, np.float64)
    for key in ("total", "solve"):
        times = np.array([row[f"{key}_p50_ms"] for row in result["by_cameras"]])
        result[f"{key}_growth"] = _growth(counts, times)
    return result


def _at(views: int, people: int, joints: int, runs: int, rng: np.random.Generator) -> dict[str, float]:
    rig = ring_rig(views)
    robust = RobustTriangulator(RobustConfig(), rig)
    frames = [made_up_people(rig, people, joints, rng) for _ in range(FRAMES)]
    ideals = [robust.undistort(keypoints) for _, keypoints, _ in frames]
    total = _measure(lambda at: robust(frames[at][1], frames[at][2]), runs)["wall_ms"]
    solve = _measure(lambda at: robust.triangulate_ideal(ideals[at], frames[at][2]), runs)["wall_ms"]
    return {
        "cameras": views,
        "total_p50_ms": total["p50"],
        "total_p95_ms": total["p95"],
        "solve_p50_ms": solve["p50"],
    }


def _growth(counts: Floats, times: Floats) -> dict[str, float]:
    """Straight line through the times, and the power of the number of cameras between the two largest."""
    slope, offset = np.polyfit(counts, times, 1)
    residual = times - (slope * counts + offset)
    return {
        "ms_per_camera": float(slope),
        "offset_ms": float(offset),
        "r_squared": float(1.0 - residual.var() / times.var()),
        "power_between_last_two": float(np.log(times[-1] / times[-2]) / np.log(counts[-1] / counts[-2])),
    }


def _measure(call: Callable[[int], object], runs: int) -> dict[str, dict[str, float]]:
    for at in range(WARM_UP):
        call(at % FRAMES)
    wall, cpu = np.empty(max(runs, 1)), np.empty(max(runs, 1))
    for run in range(len(wall)):
        cpu_start, start = time.thread_time_ns(), time.perf_counter_ns()
        call(run % FRAMES)
        wall[run] = (time.perf_counter_ns() - start) * 1e-6
        cpu[run] = (time.thread_time_ns() - cpu_start) * 1e-6
    return {"wall_ms": _percentiles(wall), "cpu_ms": _percentiles(cpu)}


def _percentiles(values: Floats) -> dict[str, float]:
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    return {"p50": float(p50), "p95": float(p95), "p99": float(p99)}


def _errors(differences: list[Floats]) -> dict[str, float]:
    distances = np.linalg.norm(np.concatenate(differences), axis=-1)
    found = distances[np.isfinite(distances)]
    return {
        "mean": float(found.mean()),
        "median": float(np.median(found)),
        "p95": float(np.percentile(found, 95)),
    }
