"""Plots of the report, drawn without a display and without matplotlib's global state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.report.plot import HEAT, LETTERS, LINES, Plot
from pipeline.take.rendering.theme import GOOD_HEX, LEFT_HEX, MIDDLE_HEX, RIGHT_HEX
from pipeline.take.report.capture_measures import CameraMeasures
from pipeline.take.report.pose_measures import PoseMeasures, TruthMeasures, mean

Floats = NDArray[np.float64]

_PALETTE = (LEFT_HEX, RIGHT_HEX, "#a78bfa", GOOD_HEX, "#f472b6", "#facc15", "#94a3b8", "#2dd4bf")
_MOST_POINTS = 1500  # of one line: more than pixels, and the page stays small


def camera_colour(at: int) -> str:
    """Colour of camera number ``at`` in every plot."""
    return _PALETTE[at % len(_PALETTE)]


def capture_intervals(cameras: list[CameraMeasures]) -> str:
    """Intervals between captures over time; drops as crosses."""
    plot = Plot(2.6)
    axes = plot.axes[0]
    for at, camera in enumerate(cameras):
        if not len(camera.intervals_ms):
            continue
        times, values = _thinned_peaks(camera.times_s[1:], camera.intervals_ms)
        axes.plot(times, values, color=camera_colour(at), linewidth=0.9, label=camera.name)
        if camera.dropped.any():
            lost = camera.times_s[camera.dropped]
            axes.plot(lost, np.zeros(len(lost)), "x", color=camera_colour(at), markersize=4, clip_on=False)
    axes.set(xlabel="time, s", ylabel="interval, ms")
    axes.set_ylim(bottom=0)
    plot.legend(axes, len(cameras))
    return plot.svg()


def skew_over_time(names: Sequence[str], times_s: Floats, skew_ms: Floats) -> str:
    """Skew of each camera, and its distribution."""
    plot = Plot(2.6, columns=2)
    over_time, spread = plot.axes
    for at, name in enumerate(names):
        there = np.isfinite(skew_ms[:, at])
        if there.any():
            times, values = _thinned_peaks(times_s[there], skew_ms[there, at])
            over_time.plot(times, values, color=camera_colour(at), linewidth=0.9, label=name)
    limit = max(0.1, float(np.nanmax(np.abs(skew_ms))) * 1.05)
    bins = np.linspace(-limit, limit, 61)
    for at, name in enumerate(names):
        values = skew_ms[np.isfinite(skew_ms[:, at]), at]
        if len(values):
            spread.hist(values, bins, histtype="step", color=camera_colour(at), linewidth=1.2, label=name)
    over_time.set(xlabel="time, s", ylabel="skew, ms")
    spread.set(xlabel="skew, ms", ylabel="instants")
    plot.legend(over_time, len(names))
    return plot.svg()


def stage_times(stages: Sequence[str], stage_ms: Floats) -> str:
    """Time of each stage: bar to the median, whisker to the 95th percentile, dot at the 99th."""
    plot = Plot(0.7 + 0.32 * len(stages))
    axes = plot.axes[0]
    for at in range(len(stages)):
        values = stage_ms[np.isfinite(stage_ms[:, at]), at]
        if not len(values):
            continue
        p50, p95, p99 = np.percentile(values, [50, 95, 99])
        axes.barh(at, p50, height=0.55, color=LEFT_HEX, alpha=0.9)
        axes.plot([p50, p95], [at, at], color=MIDDLE_HEX, linewidth=1.4)
        axes.plot([p99], [at], "o", color=RIGHT_HEX, markersize=4)
    axes.set_yticks(range(len(stages)), [stage.replace("_", " ") for stage in stages])
    axes.invert_yaxis()
    axes.set(xlabel="ms per instant: bar median, line to p95, dot p99")
    return plot.svg()


def error_heat(measures: PoseMeasures, limit_px: float) -> str:
    """Mean reprojection error of each joint in each camera; dark red from ``limit_px`` on."""
    assert measures.error_px is not None
    table = mean(measures.error_px, (0, 1))
    joints = [name.replace("_", " ") for name in measures.skeleton.joints]
    plot = Plot(1.6 + 0.26 * len(measures.cameras))
    axes = plot.axes[0]
    image = axes.imshow(table, aspect="auto", cmap=HEAT, vmin=0.0, vmax=limit_px)
    axes.grid(False)
    axes.set_xticks(range(len(joints)), joints, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_yticks(range(len(measures.cameras)), measures.cameras)
    if len(measures.cameras) * len(joints) <= 300:
        for (row, column), value in np.ndenumerate(table):
            if np.isfinite(value):
                text = f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
                axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color="#0b1016")
    bar = plot.figure.colorbar(image, ax=axes, pad=0.01, aspect=12)
    bar.ax.tick_params(colors=LETTERS, labelsize=8)
    bar.set_label("px", color=LETTERS)
    bar.outline.set_edgecolor(LINES)
    return plot.svg()


def error_over_time(measures: PoseMeasures) -> str:
    """Mean reprojection error of the body in each camera over time, and its distribution."""
    assert measures.error_px is not None
    body = measures.error_px[..., list(measures.skeleton.body)]
    over_time_px = mean(body, (1, 3))
    plot = Plot(2.6, columns=2)
    line, spread = plot.axes
    limit = float(np.percentile(measures.body_errors(), 99)) if len(measures.body_errors()) else 1.0
    for at, name in enumerate(measures.cameras):
        there = np.isfinite(over_time_px[:, at])
        if there.any():
            times, values = _thinned_peaks(measures.times_s[there], over_time_px[there, at])
            line.plot(times, values, color=camera_colour(at), linewidth=0.9, label=name)
        own = body[:, :, at]
        own = own[np.isfinite(own)]
        if len(own):
            spread.hist(
                np.minimum(own, limit),
                np.linspace(0, limit, 50),
                histtype="step",
                color=camera_colour(at),
                linewidth=1.2,
            )
    line.set(xlabel="time, s", ylabel="mean error of the body, px")
    line.set_ylim(bottom=0)
    spread.set(xlabel="error, px", ylabel="keypoints")
    plot.legend(line, len(measures.cameras))
    return plot.svg()


def scores_over_time(measures: PoseMeasures) -> str:
    """Mean keypoint score of each camera over time; repaired instants marked below."""
    plot = Plot(2.6)
    axes = plot.axes[0]
    for at, name in enumerate(measures.cameras):
        values = measures.view_score_over_time[:, at]
        there = np.isfinite(values)
        if there.any():
            times, thinned = _thinned_peaks(measures.times_s[there], values[there])
            axes.plot(times, thinned, color=camera_colour(at), linewidth=0.9, label=name)
        repaired = measures.times_s[measures.swapped[:, at]]
        if len(repaired):
            axes.plot(repaired, np.full(len(repaired), 0.02 + 0.03 * at), "|", color=camera_colour(at))
    axes.set(xlabel="time, s", ylabel="mean 2D score", ylim=(0, 1.02))
    plot.legend(axes, len(measures.cameras))
    return plot.svg()


def joint_bars(measures: PoseMeasures) -> str:
    """Presence and score of every joint."""
    joints = measures.skeleton.joints
    plot = Plot(2.7)
    axes = plot.axes[0]
    at = np.arange(len(joints))
    axes.bar(at, 100 * measures.found, width=0.62, color=_sides(joints), alpha=0.85)
    axes.plot(at, 100 * measures.joint_score, "_", color=MIDDLE_HEX, markersize=9, markeredgewidth=2)
    _name_joints(axes, joints)
    axes.set(ylabel="found, %  (line: mean score)", ylim=(0, 102))
    return plot.svg()


def bone_bars(measures: PoseMeasures) -> str:
    """Variation of every bone's length."""
    names = [bone.name for bone in measures.bones]
    values = [bone.variation_percent for bone in measures.bones]
    plot = Plot(0.7 + 0.24 * len(names))
    axes = plot.axes[0]
    axes.barh(range(len(names)), values, height=0.62, color=_sides(names), alpha=0.85)
    for at, value in enumerate(values):
        axes.text(value, at, f" {value:.1f}", ha="left", va="center", fontsize=8, color=LETTERS)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set(xlabel="variation, %")
    axes.set_xlim(0, max([1.0, *values]) * 1.08)
    return plot.svg()


def truth_bars(measures: TruthMeasures) -> str:
    """Distance to the truth of every joint: bar the mean, line to the 95th percentile."""
    plot = Plot(2.7)
    axes = plot.axes[0]
    for at, name in enumerate(measures.joints):
        values = measures.error_mm[..., at]
        values = values[np.isfinite(values)]
        if len(values):
            axes.bar(at, values.mean(), width=0.62, color=_sides([name])[0], alpha=0.85)
            axes.plot([at, at], [values.mean(), np.percentile(values, 95)], color=MIDDLE_HEX, linewidth=1.2)
    _name_joints(axes, measures.joints)
    axes.set(ylabel="distance to the truth, mm")
    axes.set_ylim(bottom=0)
    return plot.svg()


def truth_over_time(times_s: Floats, measures: TruthMeasures) -> str:
    """Mean distance of the body joints to the truth over time."""
    plot = Plot(2.2)
    axes = plot.axes[0]
    values = mean(measures.error_mm[..., measures.body], (1, 2))
    there = np.isfinite(values)
    times, thinned = _thinned_peaks(times_s[there], values[there])
    axes.plot(times, thinned, color=LEFT_HEX, linewidth=1.0)
    axes.set(xlabel="time, s", ylabel="MPJPE, mm")
    axes.set_ylim(bottom=0)
    return plot.svg()


def _name_joints(axes: Any, names: Sequence[str]) -> None:
    labels = [name.replace("_", " ") for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_xlim(-0.7, len(names) - 0.3)
    axes.grid(False, axis="x")


def _sides(names: Sequence[str]) -> list[str]:
    """Left blue, right orange; what belongs to both is grey."""
    colours = []
    for name in names:
        left, right = "left" in name, "right" in name
        colours.append(MIDDLE_HEX if left == right else LEFT_HEX if left else RIGHT_HEX)
    return colours


def _thinned_peaks(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """At most ``_MOST_POINTS`` points that keep every peak: the extremes of each stretch."""
    if len(values) <= _MOST_POINTS:
        return times, values
    stretches = np.array_split(np.arange(len(values)), _MOST_POINTS // 2)
    kept = sorted(
        {int(part[pick]) for part in stretches for pick in (values[part].argmin(), values[part].argmax())}
    )
    return times[kept], values[kept]
