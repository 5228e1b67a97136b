"""Plots over the cameras' pictures: where the board was, how sure directions are, where errors point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.coverage import Coverage, grid_shape
from calibration.intrinsics import IntrinsicsResult
from calibration.report.evidence import Evidence
from calibration.report.plot import (
    ACCENT,
    BRIGHT,
    COUNTS,
    HEAT,
    LETTERS,
    Plot,
    draw_arrows,
    draw_dots,
    nice_scale,
    panels,
    thinned,
)

Floats = NDArray[np.float64]

_MOST_DOTS, _MOST_ARROWS = 24000, 9600
"""Of one figure, shared by its cameras: the page stays below a few megabytes."""
_UNCERTAIN_PX = (0.1, 30.0)
"""Ends of the colours, alike in all reports: from the noise of a corner to what spoils any measurement."""
_FEWEST_IN_CELL = 6
"""Corners in a cell whose mean error is drawn; the mean of fewer is mostly noise."""


def coverage_maps(cameras: Sequence[Camera], coverage: Mapping[str, Coverage], evidence: Evidence) -> str:
    """Corners in each camera's picture, counted in cells; cells without any stay dark."""
    most = max(2, *(int(coverage[camera.name].counts.max()) for camera in cameras))
    norm = LogNorm(1, most)

    def draw(axes: Any, camera: Camera) -> tuple[str, Any]:
        own = coverage[camera.name]
        counts = np.where(own.counts > 0, own.counts, np.nan).astype(float)
        image = axes.imshow(counts, cmap=COUNTS, norm=norm, extent=_extent(camera), alpha=0.85)
        corners = evidence.pixels(camera.name)
        few = thinned(len(corners), _MOST_DOTS // len(cameras))
        draw_dots(axes, corners[few], "#0b1016", 1.1, 0.55)
        return f"{100 * own.share:.0f} % covered", image

    return _pictures(cameras, draw, "corners per cell").svg()


def uncertainty_maps(cameras: Sequence[Camera], intrinsics: Mapping[str, IntrinsicsResult]) -> str:
    """95 % interval of where a far point is seen, over the picture."""
    shown = [camera for camera in cameras if camera.name in intrinsics]
    fields = {camera.name: 1.96 * intrinsics[camera.name].uncertainty_px for camera in shown}
    if not any(np.isfinite(field).any() for field in fields.values()):
        return ""
    norm = LogNorm(*_UNCERTAIN_PX)

    def draw(axes: Any, camera: Camera) -> tuple[str, Any]:
        field = fields[camera.name]
        image = axes.imshow(field, cmap=HEAT, norm=norm, extent=_extent(camera), interpolation="nearest")
        if len(shown) <= 6:
            for (row, column), value in np.ndenumerate(field):
                if np.isfinite(value):
                    u = (column + 0.5) * camera.size[0] / field.shape[1]
                    v = (row + 0.5) * camera.size[1] / field.shape[0]
                    text = f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
                    axes.text(u, v, text, ha="center", va="center", fontsize=6, color="#0b1016")
        known = field[np.isfinite(field)]
        return f"median ± {np.median(known):.2f} px" if len(known) else "unknown", image

    return _pictures(shown, draw, "± px (95 %)").svg()


def residual_vectors(cameras: Sequence[Camera], evidence: Evidence) -> tuple[str, float, float]:
    """Image errors in each camera's picture: single corners thin, means of cells thick.

    Returns:
        The figure, and how many times the thin and the thick arrows are magnified.
    """
    errors = evidence.all_residuals()
    size = float(np.median([max(camera.size) for camera in cameras]))
    typical = float(np.percentile(np.linalg.norm(errors, axis=1), 90)) if len(errors) else 1.0
    single = nice_scale(0.035 * size / max(typical, 1e-6))
    means = {camera.name: _cell_means(camera, evidence) for camera in cameras}
    lengths = np.concatenate([np.linalg.norm(step, axis=1) for _, step in means.values()])
    strongest = float(np.percentile(lengths, 95)) if len(lengths) else typical
    together = nice_scale(0.06 * size / max(strongest, 1e-6))
    together = min(together, 10.0 * single)

    def draw(axes: Any, camera: Camera) -> tuple[str, None]:
        corners, own = evidence.pixels(camera.name), evidence.residuals(camera.name)
        few = thinned(len(corners), _MOST_ARROWS // len(cameras))
        head = 0.011 * max(camera.size)
        draw_arrows(axes, corners[few], single * own[few], ACCENT, 0.5, head, 0.55)
        places, steps = means[camera.name]
        draw_arrows(axes, places, together * steps, "#fbbf24", 1.5, 2.2 * head)
        value = np.sqrt((own**2).sum(axis=1).mean()) if len(own) else np.nan
        return f"RMSE {value:.2f} px" if np.isfinite(value) else "nothing used", None

    return _pictures(cameras, draw).svg(), single, together


def _cell_means(camera: Camera, evidence: Evidence) -> tuple[Floats, Floats]:
    """Places (N, 2) px and mean errors (N, 2) px of the picture's cells with enough corners."""
    corners, errors = evidence.pixels(camera.name), evidence.residuals(camera.name)
    rows, columns = grid_shape(camera.size)
    cell = np.array(camera.size) / (columns, rows)
    at = np.clip(((corners + 0.5) / cell).astype(np.intp), 0, np.array([columns, rows]) - 1)
    number = at[:, 1] * columns + at[:, 0]
    count = np.bincount(number, minlength=rows * columns)
    full = np.flatnonzero(count >= _FEWEST_IN_CELL)

    def mean(values: Floats) -> Floats:
        sums = [np.bincount(number, values[:, axis], minlength=rows * columns) for axis in (0, 1)]
        return np.asarray(np.stack(sums, axis=1)[full] / count[full, None], np.float64)

    return mean(corners), mean(errors)


def _extent(camera: Camera) -> tuple[float, float, float, float]:
    width, height = camera.size
    return (-0.5, width - 0.5, height - 0.5, -0.5)


def _pictures(
    cameras: Sequence[Camera], draw: Callable[[Any, Camera], tuple[str, Any]], bar: str = ""
) -> Plot:
    """One panel per camera with the proportions of its picture.

    Args:
        cameras: Whose.
        draw: Fills a panel; returns its caption, and the image that a colour bar explains.
        bar: Words beside that bar; empty for none.
    """
    rows, columns = panels(len(cameras))
    tallest = max(camera.size[1] / camera.size[0] for camera in cameras)
    width = (10.4 - (0.9 if bar else 0.0)) / columns
    plot = Plot(rows * (min(tallest, 1.4) * (width - 0.1) + 0.3) + 0.05, columns, rows=rows)
    image = None
    for axes, camera in zip(plot.axes, cameras, strict=False):
        caption, image = draw(axes, camera)
        axes.grid(False)
        axes.set(xticks=[], yticks=[], aspect="equal")
        left, right, bottom, top = _extent(camera)
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, top)
        axes.set_title(camera.name, loc="left", fontsize=9.5, color=BRIGHT)
        axes.set_title(caption, loc="right", fontsize=8.5, color=LETTERS)
    for axes in plot.axes[len(cameras) :]:
        axes.set_visible(False)
    if bar:
        plot.bar(image, plot.axes[: len(cameras)], bar)
    return plot
