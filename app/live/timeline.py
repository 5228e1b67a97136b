"""Latency and rates of the last two minutes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyqtgraph as pg
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QPen
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app import theme
from pipeline.processes.rig_nodes import grabber_name

SECONDS: Final = 120.0
_MOST_NAMED: Final = 4
_HUES: Final = 137.508
"""Degrees between the colours of neighbouring cameras: the golden angle keeps any number apart."""


class Series:
    """Values over the last two minutes."""

    def __init__(self) -> None:
        self.times: deque[float] = deque()
        self.values: deque[float] = deque()

    def add(self, time_s: float, value: float) -> None:
        """Take a value in; forget what is too old."""
        self.times.append(time_s)
        self.values.append(value)
        while self.times[0] < time_s - SECONDS:
            self.times.popleft()
            self.values.popleft()


def sample(telemetry: Mapping[str, Mapping[str, Any]], cameras: Sequence[str]) -> dict[str, float]:
    """The values to draw, by series: "p50", "p95" (ms), "poses" and every camera's name (per second)."""
    values: dict[str, float] = {}
    inference = telemetry.get("inference", {})
    latency = inference.get("latency_recent_ms") or {}
    if inference.get("alive") and latency:
        values |= {"p50": latency["p50"], "p95": latency["p95"], "poses": inference.get("fps", 0.0)}
    for camera in cameras:
        numbers = telemetry.get(grabber_name(camera), {})
        if "fps" in numbers:
            values[camera] = float(numbers["fps"]) if numbers.get("alive") else 0.0
    return values


class Timeline(QWidget):
    """Two small plots side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("timeline")
        self._series: dict[str, Series] = {}
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._cameras: tuple[str, ...] = ()
        self.latency, self._latency_title = _plot(), QLabel()
        self.rates, self._rates_title = _plot(), QLabel()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * theme.SPACE)
        for title, plot in ((self._latency_title, self.latency), (self._rates_title, self.rates)):
            title.setProperty("role", "quiet")
            # Many cameras make a long line, which must not take room from the other plot.
            title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            title.setTextFormat(Qt.TextFormat.RichText)
            column = QVBoxLayout()
            column.setSpacing(0)
            column.addWidget(title)
            column.addWidget(plot, 1)
            row.addLayout(column, 1)
        self.setFixedHeight(18 * theme.SPACE)
        theme.watcher().changed.connect(self._draw_colours)
        self.show_cameras(())

    def show_cameras(self, cameras: Sequence[str]) -> None:
        """Start anew with these cameras."""
        self._cameras = tuple(cameras)
        self._series = {name: Series() for name in ("p50", "p95", "poses", *cameras)}
        self.latency.clear()
        self.rates.clear()
        self._curves = {
            name: (self.latency if name in {"p50", "p95"} else self.rates).plot([], [])
            for name in self._series
        }
        self._draw_colours()

    def add(self, telemetry: Mapping[str, Mapping[str, Any]]) -> None:
        """Take the newest numbers in."""
        now = float(telemetry["session"]["t_s"])
        for name, value in sample(telemetry, self._cameras).items():
            self._series[name].add(now, value)
        if not self.isVisible():
            return
        for name, series in self._series.items():
            self._curves[name].setData([time - now for time in series.times], list(series.values))
        for plot, names in ((self.latency, ("p50", "p95")), (self.rates, ("poses", *self._cameras))):
            highest = max((max(self._series[name].values, default=0.0) for name in names), default=0.0)
            plot.setYRange(0, max(10.0, 1.1 * highest), padding=0)

    def newest(self, name: str) -> float | None:
        """Last value of a series; None before there is one."""
        values = self._series[name].values
        return values[-1] if values else None

    def _draw_colours(self) -> None:
        colours = theme.palette()
        for plot in (self.latency, self.rates):
            plot.setBackground(colours.panel)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(QPen(colours.border))
                axis.setTextPen(colours.quiet_text)
        pens = {"p50": colours.accent, "p95": colours.warning, "poses": colours.accent}
        pens |= {name: camera_colour(place) for place, name in enumerate(self._cameras)}
        for name, curve in self._curves.items():
            curve.setPen(pg.mkPen(pens[name], width=2 if name in {"p50", "p95", "poses"} else 1))
        self._latency_title.setText(
            f"Capture to skeleton, ms &nbsp; {_key(colours.accent, 'median')} {_key(colours.warning, '95 %')}"
        )
        named = self._cameras if len(self._cameras) <= _MOST_NAMED else self._cameras[: _MOST_NAMED - 1]
        names = [_key(pens[name], name) for name in named]
        if len(named) < len(self._cameras):
            names.append(f"and {len(self._cameras) - len(named)} more")
        self._rates_title.setText(f"Frames/s &nbsp; {_key(colours.accent, 'poses')} {' '.join(names)}")


def camera_colour(place: int) -> QColor:
    """Colour of the camera at that place of the rig, readable in both themes."""
    lightness = 150 if theme.palette().is_dark else 95
    return QColor.fromHsl(round(40 + place * _HUES) % 360, 130, lightness)


def _key(colour: QColor, text: str) -> str:
    return f'<span style="color:{colour.name()}">■</span> {text}&nbsp;'


def _plot() -> pg.PlotWidget:
    plot = pg.PlotWidget()
    plot.setMouseEnabled(x=False, y=False)
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setXRange(-SECONDS, 0, padding=0)
    plot.setYRange(0, 10, padding=0)
    plot.getAxis("left").setWidth(40)
    plot.showGrid(y=True, alpha=0.15)
    return plot
