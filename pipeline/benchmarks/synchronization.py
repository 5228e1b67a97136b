"""Cameras whose clocks are apart, film a performer: is it noticed, and what is it worth to know.

Keypoints are the truth projected with noise, so that nothing but time is at stake. Every camera's stamps are
off by a lag of up to a frame and drift; pictures come with their own phase, jitter, and gaps. They go through
the synchronizer and the triangulation of the live pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from models.keypoints.retiming import KeypointRetimer, RetimingConfig
from models.simulation.studio import Studio, StudioConfig
from models.triangulation.camera_lags import CameraLags, ViewTrack, estimate_lags
from models.triangulation.robust import RobustConfig, RobustTriangulator
from pipeline.frames.synchronizer import SyncedSet, Synchronizer

Floats = NDArray[np.float64]

FPS: Final = 30.0
WRISTS: Final = {
    "slow_wrist_mm": (0.0, 0.5),
    "fast_wrist_mm": (2.0, np.inf),
    "very_fast_wrist_mm": (2.5, np.inf),
}
"""m/s, from and below. At 2 m/s and 30 frames per second a hand moves 67 mm from one picture to the next;
below that the noise of keypoints is most of the error, whatever is done about time."""
_RISE_NS: Final = 1_000_000


@dataclass(frozen=True)
class Clocks:
    """How the cameras' stamps are wrong.

    Attributes:
        lag_ms: (V,) by how much stamps are late in the middle of the recording; 0 for the first camera.
        drift_ppm: (V,) by how much they gain.
    """

    lag_ms: Floats
    drift_ppm: Floats


@dataclass(frozen=True)
class Picture:
    """A picture without pixels."""

    t_capture_ns: int
    scene_ms: float
    view: int
    place: int


@dataclass(frozen=True)
class Recording:
    """What was filmed, per camera: stamps, keypoints, and when it really was.

    Attributes:
        studio: The performer and the rig.
        clocks: The truth about the stamps.
        tracks: Stamps, keypoints and scores.
        scene_ms: Per view (K,) true times.
    """

    studio: Studio
    clocks: Clocks
    tracks: tuple[ViewTrack, ...]
    scene_ms: tuple[Floats, ...]


def benchmark_sync(
    seeds: int = 5,
    seconds: float = 60.0,
    *,
    noise_px: float = 1.0,
    progress: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Run the experiment on several performers, rigs and clocks.

    Args:
        seeds: How many.
        seconds: Length of each recording.
        noise_px: Standard deviation of keypoints along each axis.
        progress: Called before each.

    Returns:
        Errors of estimated lags and drifts, how often the 95 % interval held the truth, and errors
        of slow and fast wrists by way of bringing views to one instant.
    """
    lag_errors, lag_sigmas, drift_errors, drift_sigmas, unobservable = [], [], [], [], 0
    wrists: dict[str, list[Floats]] = {
        name: [] for name in ("nearest", "interpolated", "estimated", "no_skew")
    }
    for seed in range(seeds):
        progress()
        recording = film(seed, seconds, noise_px=noise_px)
        found = estimate_lags(recording.studio.rig, recording.tracks)
        if found is None:
            unobservable += len(recording.tracks) - 1
            continue
        observable = found.observable[1:]
        unobservable += int((~observable).sum())
        lag_error = (found.lag_ms - recording.clocks.lag_ms)[1:][observable]
        drift_error = (found.drift_ppm - recording.clocks.drift_ppm)[1:][observable]
        lag_errors.append(lag_error)
        lag_sigmas.append(lag_error / found.std_ms[1:][observable])
        drift_errors.append(drift_error)
        drift_sigmas.append(drift_error / found.drift_std_ppm[1:][observable])
        for name, errors in _wrist_errors(recording, found).items():
            wrists[name].append(errors)
    result = {}
    for key, (least, most) in WRISTS.items():
        told = {
            name: _spread([part[(part[:, 1] >= least) & (part[:, 1] < most), 0] for part in parts])
            for name, parts in wrists.items()
        }
        result[key] = told | {"times_better": _times_better(told)}
    return {
        "seeds": seeds,
        "seconds": seconds,
        "noise_px": noise_px,
        "lag_error_ms": _spread(lag_errors),
        "lag_interval_holds": _share(lag_sigmas),
        "drift_error_ppm": _spread(drift_errors),
        "drift_interval_holds": _share(drift_sigmas),
        "unobservable": unobservable,
        **result,
    }


def film(
    seed: int,
    seconds: float,
    *,
    cameras: int = 4,
    noise_px: float = 1.0,
    size: tuple[int, int] = (1280, 720),
    skew_ms: float = 33.0,
    drift_ppm: float = 100.0,
    jitter_ms: float = 1.0,
    loss: float = 0.05,
) -> Recording:
    """Film a performer with clocks that are apart; all from the seed."""
    studio = Studio(StudioConfig(seed=seed, cameras=cameras, size=size))
    dice = np.random.default_rng([seed, 77])
    lags = np.concatenate([[0.0], dice.uniform(-skew_ms, skew_ms, cameras - 1)])
    drifts = np.concatenate([[0.0], dice.choice([-drift_ppm, drift_ppm], cameras - 1)])
    count, tracks, scenes = int(seconds * FPS), [], []
    for view, camera in enumerate(studio.rig.cameras):
        regular = (np.arange(count) + dice.random()) * 1e3 / FPS
        scene = (regular + dice.normal(0.0, jitter_ms, count))[dice.random(count) >= loss]
        joints = np.stack([studio.truth(t / 1e3)[0] for t in scene])
        keypoints = camera.project(joints) + dice.normal(0.0, noise_px, (*joints.shape[:2], 2))
        wrong = dice.random(keypoints.shape[:2]) < 0.01
        keypoints[wrong] += dice.normal(0.0, 40.0, (int(wrong.sum()), 2))
        scores = np.where(dice.random(keypoints.shape[:2]) < 0.05, 0.0, 0.9)
        stamps = scene + lags[view] + drifts[view] * 1e-6 * (scene - seconds * 500.0)
        stamps_ns = np.round(stamps * 1e6).astype(np.int64) + 10**12
        tracks.append(ViewTrack(stamps_ns, keypoints, scores))
        scenes.append(scene)
    return Recording(studio, Clocks(lags, drifts), tuple(tracks), tuple(scenes))


def _wrist_errors(recording: Recording, found: CameraLags) -> dict[str, Floats]:
    """Errors of wrists, mm, and their speeds, by what is done about time.

    Nearest frames taken as simultaneous; keypoints moved to one instant with the true lags, and with the
    estimated ones; and nearest frames of cameras that do film at the same time.
    """
    known = recording.clocks
    estimated = Clocks(np.nan_to_num(found.lag_ms), np.nan_to_num(found.drift_ppm))
    return {
        "nearest": _run(recording, None, retime=False),
        "interpolated": _run(recording, known, retime=True),
        "estimated": _run(recording, estimated, retime=True),
        "no_skew": _run(_at_once(recording), None, retime=False),
    }


def _run(recording: Recording, clocks: Clocks | None, *, retime: bool) -> Floats:
    """(N, 2) errors of the wrists in mm and their speeds in m/s."""
    studio, tracks = recording.studio, recording.tracks
    rig: Rig = studio.rig
    shifted = [_scene_times(recording, view, clocks) for view in range(len(tracks))]
    synchronizer: Synchronizer[Picture] = Synchronizer(rig.names, [FPS] * len(rig), live=False)
    sets = _grouped(synchronizer, recording, shifted)
    retimer = KeypointRetimer(RetimingConfig(), len(rig)) if retime else None
    triangulate = RobustTriangulator(RobustConfig(), rig)
    wrists = [studio.skeleton.joints.index(f"{side}_wrist") for side in ("left", "right")]
    errors = []
    for instant in sets:
        keypoints = np.full((len(rig), len(studio.skeleton), 2), np.nan)
        scores = np.zeros(keypoints.shape[:2])
        times = np.full(len(rig), -1, np.int64)
        for picture in instant.items:
            if picture is not None:
                view, place = picture.view, picture.place
                seen = tracks[view].scores[place] > 0
                keypoints[view] = np.where(seen[:, None], tracks[view].keypoints[place], np.nan)
                scores[view] = tracks[view].scores[place]
                times[view] = picture.t_capture_ns
        if retimer is not None:
            keypoints = retimer(keypoints, times, instant.time_ns)
        result = triangulate(keypoints[None], scores[None])
        joints = result.joints[0, wrists]
        if retimer is not None:
            retimer.learn(result.used[0], scores >= triangulate.config.min_score)
        # What is reported for an instant is compared with the truth of that instant, on the clock of those
        # who know none of the lags, too: the first camera's, whose stamps are right.
        at_s = (instant.time_ns - 10**12) / 1e9
        truth = studio.truth(at_s)[0][wrists]
        speed = np.linalg.norm(
            studio.truth(at_s + 0.005)[0][wrists] - studio.truth(at_s - 0.005)[0][wrists], axis=1
        )
        speed = speed / 10.0  # mm in 10 ms to m/s
        if retimer is None:
            truth = _truth_amid(recording, instant, wrists)
        errors.append(np.stack([np.linalg.norm(joints - truth, axis=1), speed], axis=1))
    found: Floats = np.concatenate([*errors, np.zeros((0, 2))])
    return np.asarray(found[np.isfinite(found[:, 0])], np.float64)


def _truth_amid(recording: Recording, instant: SyncedSet[Picture], wrists: Sequence[int]) -> Floats:
    """The truth at the mean true time of the pictures, so that a common delay is not counted as an error."""
    times = [picture.scene_ms for picture in instant.items if picture is not None]
    truth: Floats = recording.studio.truth(float(np.mean(times)) / 1e3)[0][wrists]
    return truth


def _scene_times(recording: Recording, view: int, clocks: Clocks | None) -> NDArray[np.int64]:
    """(K,) ns: the stamps, with what is known of the clocks taken off."""
    stamps = recording.tracks[view].times_ns
    if clocks is None:
        return stamps
    middle = float(np.median(recording.tracks[0].times_ns))
    since_ms = (stamps - middle) / 1e6
    late_ms = clocks.lag_ms[view] + clocks.drift_ppm[view] * 1e-6 * since_ms
    return np.asarray(stamps - np.round(late_ms * 1e6).astype(np.int64), np.int64)


def _grouped(
    synchronizer: Synchronizer[Picture], recording: Recording, times: Sequence[NDArray[np.int64]]
) -> list[SyncedSet[Picture]]:
    pictures = sorted(
        (
            Picture(int(t), float(recording.scene_ms[view][place]), view, place)
            for view, stamps in enumerate(times)
            for place, t in enumerate(stamps)
        ),
        key=lambda picture: picture.t_capture_ns,
    )
    sets = []
    for picture in pictures:
        synchronizer.push(synchronizer.cameras[picture.view], picture, picture.t_capture_ns)
        sets += synchronizer.pop(picture.t_capture_ns)
    for name in synchronizer.cameras:
        synchronizer.end_of_stream(name)
    return sets + synchronizer.pop(pictures[-1].t_capture_ns + _RISE_NS)


def _at_once(recording: Recording) -> Recording:
    """The same noise, with all cameras filming at the same moments."""
    studio = recording.studio
    length = min(len(track.times_ns) for track in recording.tracks)
    scene = recording.scene_ms[0][:length]
    joints = np.stack([studio.truth(t / 1e3)[0] for t in scene])
    tracks = []
    for view, camera in enumerate(studio.rig.cameras):
        old = recording.tracks[view]
        there = np.stack([studio.truth(t / 1e3)[0] for t in recording.scene_ms[view][:length]])
        noise = old.keypoints[:length] - camera.project(there)
        stamps = np.round(scene * 1e6).astype(np.int64) + 10**12
        tracks.append(ViewTrack(stamps, camera.project(joints) + noise, old.scores[:length]))
    return replace(recording, tracks=tuple(tracks), scene_ms=(scene,) * len(tracks))


def _times_better(told: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """By how much keypoints moved to one instant err less than nearest frames."""
    return {
        name: {
            key: round(told["nearest"].get(key, np.nan) / told[name].get(key, np.nan), 2)
            for key in ("mean", "p50", "p95")
        }
        for name in ("interpolated", "estimated")
    }


def _spread(parts: Sequence[Floats]) -> dict[str, float]:
    values = np.abs(np.concatenate([*parts, np.zeros(0)]))
    if not len(values):
        return {"count": 0}
    p50, p95 = np.percentile(values, [50, 95])
    return {
        "count": len(values),
        "mean": round(float(values.mean()), 3),
        "p50": round(float(p50), 3),
        "p95": round(float(p95), 3),
        "max": round(float(values.max()), 3),
    }


def _share(parts: Sequence[Floats]) -> float | None:
    """Of errors within 1.96 of their own deviation."""
    values = np.abs(np.concatenate([*parts, np.zeros(0)]))
    return round(float((values <= 1.96).mean()), 3) if len(values) else None
