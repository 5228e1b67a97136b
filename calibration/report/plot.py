"""Drawing in the report's style: no display, no global state of matplotlib, text that stays text."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GOOD, FAIR, BAD = "#34d399", "#fbbf24", "#f87171"
BACK, LINES, LETTERS, BRIGHT, ACCENT = "#0f151d", "#2b3644", "#a9b5c4", "#e2e8f0", "#38bdf8"
PALETTE = (
    "#38bdf8", "#fb923c", "#a78bfa", "#34d399", "#f472b6", "#facc15", "#94a3b8", "#2dd4bf",
    "#f87171", "#818cf8", "#a3e635", "#e879f9", "#fcd34d", "#67e8f9", "#fda4af", "#c4b5fd",
)  # fmt: skip
"""Neighbours differ in hue and lightness; sixteen, as many as a rig usually has at most."""
COUNTS = LinearSegmentedColormap.from_list("counts", ["#12324a", "#1d6fa5", "#38bdf8", "#bae6fd"])
HEAT = LinearSegmentedColormap.from_list("error", [GOOD, FAIR, BAD, "#b91c1c"])
BOTH_WAYS = LinearSegmentedColormap.from_list("signed", ["#38bdf8", "#1e2a38", "#fb923c"])


class Plot:
    """One figure."""

    def __init__(
        self,
        height: float,
        columns: int = 1,
        *,
        rows: int = 1,
        width: float = 10.4,
        widths: Sequence[float] | None = None,
    ) -> None:
        """Axes in ``rows`` x ``columns``; sizes in inches, of which the page is 10.4 wide."""
        self.figure = Figure(figsize=(width, height), layout="constrained", facecolor="none")
        grid = self.figure.subplots(rows, columns, squeeze=False, width_ratios=widths)
        self.axes: list[Any] = list(grid.ravel())
        for axes in self.axes:
            axes.set_facecolor(BACK)
            axes.tick_params(colors=LETTERS, labelsize=8.5, length=3)
            axes.grid(True, color=LINES, linewidth=0.6, alpha=0.7)
            axes.set_axisbelow(True)
            for spine in axes.spines.values():
                spine.set_color(LINES)
            for label in (axes.title, axes.xaxis.label, axes.yaxis.label):
                label.set_color(LETTERS)
                label.set_fontsize(9.5)

    def legend(self, axes: Any, count: int) -> None:
        """Names of the lines, above the plot where they cover nothing."""
        if count > 1:
            axes.legend(
                fontsize=8.5,
                labelcolor=LETTERS,
                ncols=min(count, 8),
                loc="lower right",
                bbox_to_anchor=(1.005, 1.0),
                borderaxespad=0.3,
                frameon=False,
                columnspacing=1.2,
                handlelength=1.4,
            )

    def bar(self, image: Any, axes: Any, label: str) -> None:
        """Colour bar beside ``axes``."""
        bar = self.figure.colorbar(image, ax=axes, pad=0.01, aspect=22, shrink=0.9)
        bar.ax.tick_params(colors=LETTERS, labelsize=8)
        bar.set_label(label, color=LETTERS, fontsize=9)
        if isinstance(image.norm, LogNorm):
            bar.ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            bar.ax.yaxis.set_minor_formatter(NullFormatter())
        bar.outline.set_edgecolor(LINES)

    def svg(self) -> str:
        """The figure as an ``<svg>`` element."""
        for words in self.figure.findobj(Text):
            words.set_parse_math(False)  # a camera may be called "$1$"
        buffer = io.StringIO()
        with matplotlib.rc_context({"svg.fonttype": "none", "font.family": "sans-serif"}):
            FigureCanvasSVG(self.figure)
            self.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        text = buffer.getvalue()
        text = text[text.index("<svg") :]
        # Coordinates to a tenth of a point: a third of the size, and nothing to see.
        text = re.sub(r' d="[^"]*"', lambda match: re.sub(r"(\.\d)\d+", r"\1", match[0]), text)
        # Sized by the page, not in points.
        return re.sub(r'^<svg([^>]*?) width="[^"]*"([^>]*?) height="[^"]*"', r"<svg\1\2", text, count=1)


def colour_of(at: int) -> str:
    """Colour of camera number ``at`` in every plot."""
    return PALETTE[at % len(PALETTE)]


def panels(count: int) -> tuple[int, int]:
    """Rows and columns of small multiples for ``count`` cameras."""
    columns = 2 if count in (1, 2, 4) else 3 if count <= 9 else 4
    return -(-count // columns), columns


def draw_segments(
    axes: Any, starts: Floats, ends: Floats, colour: str, width: float, alpha: float = 1.0
) -> None:
    """Many lines (N, 2) to (N, 2) as a single outline, which keeps the page small."""
    if not len(starts):
        return
    vertices = np.stack([starts, ends], axis=1).reshape(-1, 2)
    codes = np.tile([Outline.MOVETO, Outline.LINETO], len(starts))
    outline = Outline(vertices, codes)
    outline.should_simplify = False
    axes.add_patch(
        PathPatch(outline, fill=False, edgecolor=colour, linewidth=width, alpha=alpha, capstyle="round")
    )


def draw_dots(axes: Any, points: Floats, colour: str, size: float, alpha: float = 1.0) -> None:
    """Many dots (N, 2) as a single outline; ``size`` in points."""
    draw_segments(axes, points, points, colour, size, alpha)


def draw_arrows(
    axes: Any, starts: Floats, steps: Floats, colour: str, width: float, head: float, alpha: float = 1.0
) -> None:
    """Arrows as one outline: shafts, and heads of at most ``head`` data units."""
    length = np.linalg.norm(steps, axis=1)
    good = length > 1e-12
    starts, steps, length = starts[good], steps[good], length[good]
    if not len(starts):
        return
    ends = starts + steps
    along = steps / length[:, None] * np.minimum(head, 0.4 * length)[:, None]
    across = np.column_stack([-along[:, 1], along[:, 0]]) * 0.55
    sides = (ends - along + across, ends - along - across)
    draw_segments(
        axes,
        np.concatenate([starts, *sides]),
        np.concatenate([ends, ends, ends]),
        colour,
        width,
        alpha,
    )


def draw_coloured_segments(
    axes: Any, segments: Floats, colours: Sequence[Any], widths: Sequence[float]
) -> None:
    """A few lines (N, 2, 2), each with a look of its own."""
    axes.add_collection(
        LineCollection(list(segments), colors=list(colours), linewidths=list(widths), capstyle="round")
    )


def thinned(count: int, most: int) -> NDArray[np.intp]:
    """Indices of at most ``most`` of ``count`` items, evenly spread."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.intp))


def nice_scale(value: float) -> float:
    """The nearest lower 1, 2 or 5 times a power of ten."""
    if not np.isfinite(value) or value <= 0.0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(step for step in (1.0, 2.0, 5.0) if step * power <= value * 1.0000001) * power)
