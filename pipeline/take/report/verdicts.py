"""What the figures mean, in words and a colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.take.one_camera import runs
from pipeline.take.report.capture_measures import CameraMeasures
from pipeline.take.report.pose_measures import PoseMeasures, TruthMeasures

GREEN_PERCENT, AMBER_PERCENT = 0.6, 1.5
"""Limits of the mean reprojection error, per cent of the picture width."""

_MOST_SPANS = 8
"""In a sentence."""

Colour = Literal["green", "amber", "red"]


@dataclass(frozen=True)
class Verdict:
    """One line of the summary.

    Attributes:
        title: What was judged.
        colour: Green: use it. Amber: look at it. Red: something is wrong.
        value: The figure.
        words: What it means here.
        rule: Where the limits are, and why.
    """

    title: str
    colour: Colour
    value: str
    words: str
    rule: str


def judge(
    cameras: list[CameraMeasures],
    skew_ms: NDArray[np.float64],
    poses: PoseMeasures | None,
    truth: TruthMeasures | None,
    widths: tuple[int, ...],
) -> list[Verdict]:
    """Every verdict that the take's data allow.

    Args:
        cameras: All cameras.
        skew_ms: (T, V) from ``measure_skew``.
        poses: Figures of the poses, None when there are none.
        truth: Distance to the truth, None when there is none.
        widths: Picture widths of the poses' views, px.
    """
    verdicts = [_files(cameras), _complete(cameras)]
    if any(camera.unshown.frames for camera in cameras):
        verdicts.append(_unshown(cameras))
    rated = [camera for camera in cameras if camera.nominal_hz and np.isfinite(camera.measured_hz)]
    if rated:
        verdicts.append(_rate(rated))
    if np.isfinite(skew_ms).any():
        verdicts.append(_skew(cameras, skew_ms))
    if poses is not None:
        verdicts.append(_found(poses))
        if len(poses.body_errors()):
            verdicts.append(_reprojection(poses, widths))
        if poses.bones:
            verdicts.append(_bones(poses))
        if poses.swapped.any():
            verdicts.append(_swaps(poses))
        if (poses.one_camera > 0.0).any():
            verdicts.append(_one_camera(poses))
    if truth is not None and len(truth.body_errors()):
        verdicts.append(_truth(truth))
    return verdicts


def _grade(value: float, green: float, amber: float) -> Colour:
    """Small is good."""
    return "green" if value <= green else "amber" if value <= amber else "red"


def _files(cameras: list[CameraMeasures]) -> Verdict:
    damaged = [f"{camera.name}: {camera.problem}" for camera in cameras if camera.problem]
    return Verdict(
        "Files",
        "red" if damaged else "green",
        f"{len(damaged)} damaged" if damaged else "verified",
        "; ".join(damaged)
        if damaged
        else "Every line of every ledger carries the checksum it was written with.",
        "Each ledger line is chained to the one before by a checksum; the last one is kept in take.yaml.",
    )


def _complete(cameras: list[CameraMeasures]) -> Verdict:
    captured = sum(camera.totals.captured + camera.lost for camera in cameras)
    recorded = sum(camera.totals.recorded for camera in cameras)
    worst = max(cameras, key=lambda camera: camera.dropped_share)
    missing = captured - recorded
    words = "Every frame that the cameras delivered is in the videos."
    if missing:
        words = (
            f"{missing} of {captured} frames are not in the videos, most of {worst.name} "
            f"({100 * worst.dropped_share:.2f} % of its frames)."
        )
    if not captured:
        words = "No camera delivered a frame."
    return Verdict(
        "Recorded frames",
        _grade(worst.dropped_share, 0.001, 0.01) if captured else "red",
        f"{100 * recorded / captured:.2f} %" if captured else "none",
        words,
        "Worst camera: green up to 0.1 % missing, amber up to 1 %.",
    )


def _unshown(cameras: list[CameraMeasures]) -> Verdict:
    frames = sum(camera.unshown.frames for camera in cameras)
    words = [f"{camera.name}: {text}" for camera in cameras for text in camera.unshown.sentences()]
    return Verdict(
        "Pictures that can be shown",
        "amber",
        f"{frames} cannot, or are damaged",
        "; ".join(words) + ".",
        "Between key frames only what changed since the picture before is sent; without that one there is "
        "nothing to apply it to. Shorter intervals of key frames, set keep such stretches short.",
    )


def _rate(cameras: list[CameraMeasures]) -> Verdict:
    shares = {camera.name: camera.measured_hz / (camera.nominal_hz or 1.0) for camera in cameras}
    worst = min(shares, key=lambda name: shares[name])
    slowest = next(camera for camera in cameras if camera.name == worst)
    return Verdict(
        "Capture rate",
        _grade(1.0 - shares[worst], 0.02, 0.10),
        f"{slowest.measured_hz:.2f} of {slowest.nominal_hz:g} fps",
        f"Slowest is {worst} with {100 * shares[worst]:.1f} % of the rate asked for.",
        "Green from 98 % of the rate in the rig file, amber from 90 %. Below: exposure too long, bus or disk "
        "too slow.",
    )


def _skew(cameras: list[CameraMeasures], skew_ms: NDArray[np.float64]) -> Verdict:
    sizes = np.abs(skew_ms[np.isfinite(skew_ms)])
    p95 = float(np.percentile(sizes, 95))
    intervals = [camera.interval_percentile(50) for camera in cameras]
    interval = float(np.nanmin(intervals)) if np.isfinite(intervals).any() else float("nan")
    part = p95 / interval if interval > 0 else float("inf")
    return Verdict(
        "Time skew between cameras",
        _grade(part, 0.5, 1.0),
        f"p95 {p95:.1f} ms",
        f"A hand moving at 2 m/s travels {2 * p95:.0f} mm in that time.",
        "Green up to half a frame interval (the best that free-running cameras reach), amber up to one.",
    )


def _found(poses: PoseMeasures) -> Verdict:
    percent = poses.body_found_percent
    empty = int((poses.people == 0).sum())
    words = "Share of shoulders, elbows, wrists, hips, knees and ankles that have a 3D position."
    if empty:
        words += f" Nobody was found at {empty} of {len(poses.people)} instants."
    return Verdict(
        "Joints found",
        _grade(100.0 - percent, 5.0, 20.0),
        f"{percent:.1f} %",
        words,
        "Green from 95 %, amber from 80 %. A joint needs two cameras that see it, or a pipeline that "
        "lifts what one sees.",
    )


def _reprojection(poses: PoseMeasures, widths: tuple[int, ...]) -> Verdict:
    errors = poses.body_errors()
    average, median = float(errors.mean()), float(np.median(errors))
    width = float(np.mean(widths)) if widths else 1000.0
    percent = 100.0 * average / width
    return Verdict(
        "Reprojection error",
        _grade(percent, GREEN_PERCENT, AMBER_PERCENT),
        f"mean {average:.2f} px",
        f"Body joints projected back into the pictures miss their keypoints by {percent:.2f} % of the "
        f"picture width on average; median {median:.2f} px.",
        f"Green up to {GREEN_PERCENT} % of the picture width, amber up to {AMBER_PERCENT} %. High in "
        "all cameras: keypoints or synchronisation; high in one: its calibration, or it was moved.",
    )


def _bones(poses: PoseMeasures) -> Verdict:
    variation = poses.bone_variation_percent
    worst = max(poses.bones, key=lambda bone: bone.variation_percent)
    return Verdict(
        "Bone lengths",
        _grade(variation, 5.0, 10.0),
        f"{variation:.1f} % variation",
        f"Bones are rigid: what varies is error. Worst is {worst.name} with {worst.variation_percent:.1f} %.",
        "Mean over the bones of standard deviation over length: green up to 5 %, amber up to 10 %.",
    )


def _swaps(poses: PoseMeasures) -> Verdict:
    by_camera = {
        name: int(count)
        for name, count in zip(poses.cameras, poses.swapped.sum(axis=0), strict=True)
        if count
    }
    worst = max(by_camera, key=lambda name: by_camera[name])
    share = by_camera[worst] / max(1, len(poses.swapped))
    return Verdict(
        "Left and right",
        _grade(share, 0.10, 0.5),
        f"{sum(by_camera.values())} repaired",
        "Some views took the person's left for the right; they were exchanged back: "
        + ", ".join(f"{name} {count} times" for name, count in by_camera.items())
        + ".",
        "Worst camera: green up to 10 % of the instants, amber up to 50 %. Repairs are safe while most views "
        "agree.",
    )


def _one_camera(poses: PoseMeasures) -> Verdict:
    known = poses.one_camera[np.isfinite(poses.one_camera)]
    share = float(known.mean())
    mostly = np.asarray(np.nan_to_num(poses.one_camera) > 0.5)
    times = poses.times_s
    lasting = [(first, last) for first, last in runs(mostly) if last > first]
    longest = sorted(lasting, key=lambda span: times[span[0]] - times[span[1]])[:_MOST_SPANS]
    where = ", ".join(f"{times[first]:.2f} to {times[last]:.2f} s" for first, last in sorted(longest))
    where += " and more" if len(lasting) > _MOST_SPANS else ""
    words = "Right where that camera looks, rough along its line of sight: their covariance says how much."
    if len(poses.cameras) == 1:
        words += " With one camera that is everything; how far away a person stands is the roughest of all."
    elif where:
        words += f" The whole person: {where}."
    return Verdict(
        "Seen by one camera",
        _grade(share, 0.05, 0.5),
        f"{100 * share:.1f} % of joints",
        words,
        "Share of the joints found: green up to 5 %, amber up to 50 %. More cameras, or others, see more.",
    )


def _truth(truth: TruthMeasures) -> Verdict:
    errors = truth.body_errors()
    return Verdict(
        "Distance to the truth",
        _grade(float(errors.mean()), 30.0, 60.0),
        f"MPJPE {errors.mean():.1f} mm",
        f"Median {np.median(errors):.1f} mm, p95 {np.percentile(errors, 95):.1f} mm, "
        f"{100 * truth.found:.1f} % of the true body joints found.",
        "Simulated take with known joints: green up to 30 mm on average, amber up to 60 mm.",
    )
