"""A picture of how the time of the solve grows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from configs.errors import bad_input

COLOURS = ("#0369a1", "#0891b2", "#ea580c", "#7c3aed")
MARKERS = ("o", "s", "^", "D")


def plot_growth(result: Mapping[str, Any], path: Path) -> None:
    """Draw processor time over board views, one line per number of cameras, as a PNG.

    Args:
        result: From ``benchmark_calibration`` with ``growth``.
        path: To write.

    Raises:
        BadInputError: The place cannot be written.
    """
    rows = result["growth"]
    figure = Figure(figsize=(6.4, 3.8), dpi=100, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for at, cameras in enumerate(sorted({row["cameras"] for row in rows})):
        own = [row for row in rows if row["cameras"] == cameras]
        axes.loglog(
            [row["views"] for row in own],
            [row["cpu_seconds"] for row in own],
            marker=MARKERS[at % len(MARKERS)],
            color=COLOURS[at % len(COLOURS)],
            label=f"{cameras} cameras",
        )
    views = np.array([row["views"] for row in rows], np.float64)
    rate = float(np.median([row["cpu_seconds"] / row["views"] for row in rows]))
    ends = np.array([views.min(), views.max()])
    axes.loglog(
        ends, rate * ends, "--", color="#64748b", linewidth=1, label=f"linear, {1e3 * rate:.1f} ms per view"
    )
    library = result.get("library")
    if library:
        axes.loglog(
            [result["views"]], [library["cpu_seconds"]], "x", color="#dc2626", label="scipy, without lags"
        )
    axes.set_xlabel("board views (70 corners each)")
    axes.set_ylabel("solve, seconds of processor")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.grid(True, which="both", color="#e2e8f0", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    try:
        figure.savefig(path, metadata={"Software": None})
    except OSError as error:
        raise bad_input(f"cannot be written: {error.strerror}", file=path) from error
