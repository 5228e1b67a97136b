"""Plots of errors, times and links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.extrinsics_result import ExtrinsicsResult, LagEstimate
from calibration.report.evidence import Evidence
from calibration.report.plot import (
    ACCENT,
    BACK,
    BAD,
    BRIGHT,
    COUNTS,
    FAIR,
    GOOD,
    LETTERS,
    LINES,
    Plot,
    colour_of,
    draw_coloured_segments,
)

Floats = NDArray[np.float64]

_MOST_LABELLED = 8
"""Cameras up to which every edge of the view graph carries its number; the table beside it has them all."""


def residual_histogram(cameras: Sequence[Camera], evidence: Evidence) -> str:
    """Distribution of the distances, and of the errors along x and y against normal noise."""
    plot = Plot(2.9, 2)
    distances, components = plot.axes
    errors = evidence.all_residuals()
    lengths = np.linalg.norm(errors, axis=1)
    limit = max(0.05, 1.15 * float(np.percentile(lengths, 99))) if len(lengths) else 1.0
    bins = np.linspace(0.0, limit, 51)
    for at, camera in enumerate(cameras):
        own = np.linalg.norm(evidence.residuals(camera.name), axis=1)
        if len(own):
            distances.hist(
                np.minimum(own, limit), bins, histtype="step", color=colour_of(at), linewidth=1.2,
                density=True, label=camera.name,
            )  # fmt: skip
    distances.set(xlabel="distance of a corner from its prediction, px", ylabel="density", xlim=(0, limit))
    if len(errors):
        sigma = float(np.median(np.abs(errors)) / 0.67449)
        both = np.linspace(-limit, limit, 81)
        for axis, (name, colour) in enumerate((("x", ACCENT), ("y", "#fb923c"))):
            components.hist(
                errors[:, axis], both, histtype="step", color=colour, linewidth=1.2, density=True, label=name
            )
        normal = np.exp(-0.5 * (both / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi))
        components.plot(
            both, normal, color=BRIGHT, linewidth=1.0, linestyle="--", label=f"normal noise, σ {sigma:.2f} px"
        )
        components.set_xlim(-limit, limit)
        plot.legend(components, 3)
    components.set(xlabel="error along x and y, px", ylabel="density")
    if len(cameras) <= 6:
        plot.legend(distances, len(cameras))
    return plot.svg()


def error_over_time(cameras: Sequence[Camera], evidence: Evidence) -> str:
    """RMSE of each view over the time of the recording."""
    plot = Plot(2.8)
    axes = plot.axes[0]
    starts = [views[0].time_ns for views in evidence.views.values() if views]
    start = min(starts, default=0)
    for at, camera in enumerate(cameras):
        views = sorted(evidence.views[camera.name], key=lambda view: view.time_ns)
        if views:
            times = np.array([(view.time_ns - start) / 1e9 for view in views])
            values = np.array([view.rms_px for view in views])
            axes.plot(
                times, values, ".", color=colour_of(at), markersize=3.2, alpha=0.8, label=camera.name,
                rasterized=len(cameras) * len(views) > 6000,
            )  # fmt: skip
    axes.set(xlabel="time, s", ylabel="RMSE of the view, px")
    axes.set_ylim(bottom=0)
    plot.legend(axes, len(cameras))
    return plot.svg()


def lag_intervals(cameras: Sequence[Camera], lags: Mapping[str, LagEstimate], reference: str) -> str:
    """Lag of each camera with its 95 % interval."""
    plot = Plot(0.75 + 0.26 * len(cameras))
    axes = plot.axes[0]
    known = {name: lag for name, lag in lags.items() if lag.known}
    reach = max((abs(lag.ms) + lag.interval_ms for lag in known.values()), default=1.0)
    for at, camera in enumerate(cameras):
        lag = lags[camera.name]
        if camera.name == reference:
            axes.plot([0.0], [at], "D", color=BRIGHT, markersize=5)
            axes.annotate(
                "reference", (0.0, at), xytext=(9, 0), textcoords="offset points", va="center", fontsize=8.5,
                color=LETTERS,
            )  # fmt: skip
        elif lag.known:
            ends = [lag.ms - lag.interval_ms, lag.ms + lag.interval_ms]
            axes.plot(ends, [at, at], color=colour_of(at), linewidth=5, alpha=0.35, solid_capstyle="butt")
            axes.plot([lag.ms], [at], "o", color=colour_of(at), markersize=5)
            left = lag.ms > 0.55 * reach
            axes.annotate(
                f"{lag.ms:+.1f} ± {lag.interval_ms:.1f} ms", (ends[0] if left else ends[1], at),
                xytext=(-8 if left else 8, 0), textcoords="offset points", va="center",
                ha="right" if left else "left", fontsize=8.5, color=LETTERS,
            )  # fmt: skip
        else:
            axes.annotate(
                "not known", (0.0, at), xytext=(9, 0), textcoords="offset points", va="center", fontsize=8.5,
                color=FAIR,
            )  # fmt: skip
    axes.axvline(0.0, color=LINES, linewidth=1.0)
    axes.set_yticks(range(len(cameras)), [camera.name for camera in cameras])
    axes.set_ylim(len(cameras) - 0.4, -0.6)
    axes.set_xlim(-1.12 * reach - 1e-3, 1.12 * reach + 1e-3)
    axes.grid(False, axis="y")
    axes.set(xlabel="lag, ms: how much older the pictures are than their time stamps say")
    return plot.svg()


def view_graph(extrinsics: ExtrinsicsResult, rig_cameras: Sequence[Camera], fewest: int) -> str:
    """Cameras as nodes in the order in which they stand; shared moments on the edges and in a table."""
    graph = extrinsics.graph
    names = [camera.name for camera in rig_cameras if camera.name in graph.cameras]
    rows = [graph.cameras.index(name) for name in names]
    shared = np.asarray(graph.shared)[np.ix_(rows, rows)]
    count = len(names)
    plot = Plot(4.9, 2, widths=(1.0, 1.12))
    axes, table = plot.axes
    places = _circle(rig_cameras, names)
    tree = {frozenset(pair) for pair in graph.tree}
    most = max(1, int(np.max(shared - np.diag(np.diag(shared)), initial=1)))
    links = [(a, b) for a in range(count) for b in range(a + 1, count) if shared[a, b] > 0]
    links.sort(key=lambda link: frozenset((names[link[0]], names[link[1]])) in tree)
    looks = [
        _edge_look(int(shared[a, b]), most, fewest, frozenset((names[a], names[b])) in tree) for a, b in links
    ]
    if links:
        segments = np.array([[places[a], places[b]] for a, b in links])
        draw_coloured_segments(axes, segments, [look[0] for look in looks], [look[1] for look in looks])
    for (a, b), (colour, _) in zip(links, looks, strict=True):
        in_tree = frozenset((names[a], names[b])) in tree
        if count <= _MOST_LABELLED or in_tree:
            # Off the middle, where the lines of a circle cross.
            part = 0.5 if count <= 3 else 0.36 if (a + b) % 2 else 0.64
            axes.text(
                *(places[a] + part * (places[b] - places[a])), str(shared[a, b]), ha="center", va="center",
                fontsize=8, color=BRIGHT if in_tree else LETTERS, zorder=4,
                bbox={"boxstyle": "round,pad=0.18", "facecolor": BACK, "edgecolor": colour, "linewidth": 0.7},
            )  # fmt: skip
    order = {camera.name: at for at, camera in enumerate(rig_cameras)}
    for at, name in enumerate(names):
        axes.plot(*places[at], "o", color=colour_of(order[name]), markersize=15, zorder=5,
                  markeredgecolor=BACK, markeredgewidth=2)  # fmt: skip
        outside = places[at] / max(float(np.linalg.norm(places[at])), 1e-9)
        axes.text(
            *(places[at] + 0.17 * outside), name, color=BRIGHT, fontsize=9, zorder=6, va="center",
            ha="center" if abs(outside[0]) < 0.35 else "left" if outside[0] > 0 else "right",
        )  # fmt: skip
    axes.set(xlim=(-1.62, 1.62), ylim=(-1.34, 1.34), xticks=[], yticks=[], aspect="equal")
    axes.grid(False)
    values = np.where(shared > 0, shared, np.nan).astype(float)
    table.imshow(values, cmap=COUNTS, vmin=0, vmax=max(most, 1), aspect="auto")
    if count <= 20:
        for (row, column), number in np.ndenumerate(shared):
            own = row == column
            table.text(
                column, row, str(number), ha="center", va="center", fontsize=8.5 if count <= 10 else 6.5,
                color="#0b1016" if number > 0.45 * most else BRIGHT if number >= fewest else BAD,
                fontweight="bold" if own else "normal",
            )  # fmt: skip
    table.grid(False)
    table.set_xticks(range(count), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
    table.set_yticks(range(count), names, fontsize=8)
    table.set_title("moments seen by both (diagonal: by one)", fontsize=9, color=LETTERS)
    return plot.svg()


def _circle(cameras: Sequence[Camera], names: Sequence[str]) -> Floats:
    """(C, 2) places on the unit circle, in the order in which the cameras stand around their middle."""
    positions = {camera.name: camera.position for camera in cameras}
    points = np.array([positions[name] for name in names])
    centred = points - points.mean(axis=0)
    # Two axes of the plane in which the cameras spread most, so that any world frame will do.
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    flat = (
        centred @ axes[:2].T if len(axes) > 1 else np.column_stack([centred @ axes[0], np.zeros(len(points))])
    )
    if axes.shape[0] > 1 and np.cross(axes[0], axes[1])[2] < 0:
        flat[:, 1] *= -1.0
    order = np.argsort(np.arctan2(flat[:, 1], flat[:, 0]), kind="stable")
    places = np.empty((len(names), 2))
    start = np.pi if len(names) == 2 else np.pi / 2
    angles = start + 2.0 * np.pi * np.arange(len(names)) / len(names)
    places[order] = np.column_stack([np.cos(angles), np.sin(angles)])
    return places


def _edge_look(shared: int, most: int, fewest: int, in_tree: bool) -> tuple[str, float]:
    width = 0.6 + 4.0 * np.sqrt(shared / most)
    if shared < fewest:
        return BAD, 1.0
    if in_tree:
        return GOOD, width
    return "#3b4d63", max(0.6, 0.6 * width)
