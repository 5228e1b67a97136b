"""How errors grow with missing views and with what is in the way, as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#64748b", "#ea580c", "#0369a1", "#7c3aed", "#0f766e")
MARKERS = ("o", "s", "^", "D", "v")
LABELS = {"views": "views", "occlusion": "views with something in the way, %"}


def plot_sweeps(sweeps: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]], path: Path) -> None:
    """One plot per sweep, side by side, one line per way: mean joint error in mm, as a PNG.

    Args:
        sweeps: Errors by sweep, by the figure on the horizontal axis, by way, by measure.
        path: To write.

    Raises:
        OSError: The place cannot be written.
    """
    figure = Figure(figsize=(4.8 * len(sweeps), 3.6), dpi=100, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    for axes, (name, points) in zip(
        figure.subplots(1, len(sweeps), squeeze=False)[0], sweeps.items(), strict=True
    ):
        at = [float(value) for value in points]
        for number, way in enumerate(next(iter(points.values()))):
            axes.plot(
                at,
                [errors[way]["mean_mm"] for errors in points.values()],
                marker=MARKERS[number % len(MARKERS)],
                color=COLOURS[number % len(COLOURS)],
                label=way,
            )
        axes.set_xlabel(LABELS.get(name, name))
        axes.set_xticks(at)
        axes.set_ylim(bottom=0)
        axes.grid(True, color="#e2e8f0", linewidth=0.6)
        axes.set_ylabel("mean joint error, mm")
        axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
