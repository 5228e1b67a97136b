"""Plots of a calibration: errors by camera, over the picture and over time, and lags."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from app import theme
from app.widgets.card import Card
from pipeline.calibrating.outcome import CalibrationOutcome

_HEIGHT = 28 * theme.SPACE
_COLOURS = ("#4d9bff", "#ff8a4c", "#62c980", "#c98bff", "#ffc14f", "#4fd0d6", "#ff7aa8", "#a8b34a")


def colour_of(place: int) -> QColor:
    """Of a camera, by its place in the rig."""
    colour = QColor(_COLOURS[place % len(_COLOURS)])
    return colour if theme.palette().is_dark else colour.darker(135)


class Plots(QWidget):
    """Four plots in a grid; drawn when an outcome is shown and when the theme changes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._outcome: CalibrationOutcome | None = None
        self.camera = QComboBox()
        self.camera.setObjectName("plotCamera")
        self.camera.currentIndexChanged.connect(lambda _place: self._draw())
        self.errors = _plot()
        self.residuals = _plot()
        self.over_time = _plot()
        self.lags = _plot()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2 * theme.SPACE)
        grid.addWidget(
            _card(
                "Error by camera",
                self.errors,
                "Root mean square in px. Filled: views of the solve; outlined: views kept out.",
            ),
            0,
            0,
        )
        residuals = _card("Errors over the picture", self.residuals,
                          "Where a camera's corners are, with their errors magnified. They should "
                          "point everywhere; a pattern means that the lens model does not fit.")  # fmt: skip
        residuals.header.addWidget(self.camera)
        grid.addWidget(residuals, 0, 1)
        grid.addWidget(
            _card(
                "Error over time",
                self.over_time,
                "Of each view, in px. A step means that a camera was touched.",
            ),
            1,
            0,
        )
        grid.addWidget(_card("Time offsets", self.lags,
                             "How much older a camera's pictures are than their time stamps say, with 95 % "
                             "intervals. They are taken into account."), 1, 1)  # fmt: skip
        theme.watcher().changed.connect(self._draw)

    def show_outcome(self, outcome: CalibrationOutcome) -> None:
        """Take what came out."""
        if outcome is self._outcome:
            return
        self._outcome = outcome
        self.camera.blockSignals(True)
        self.camera.clear()
        self.camera.addItems(outcome.rig.names)
        self.camera.blockSignals(False)
        self._draw()

    def _draw(self) -> None:
        if self._outcome is None:
            return
        for plot in (self.errors, self.residuals, self.over_time, self.lags):
            _clear(plot)
        self._draw_errors(self._outcome)
        self._draw_residuals(self._outcome)
        self._draw_over_time(self._outcome)
        self._draw_lags(self._outcome)

    def _draw_errors(self, outcome: CalibrationOutcome) -> None:
        names = outcome.rig.names
        for place, name in enumerate(names):
            one, colour = outcome.cameras[name], colour_of(place)
            if np.isfinite(one.rms_px):
                self.errors.addItem(
                    pg.BarGraphItem(x=[place - 0.18], height=[one.rms_px], width=0.32, brush=colour, pen=None)
                )
            if np.isfinite(one.held_out_px):
                self.errors.addItem(
                    pg.BarGraphItem(x=[place + 0.18], height=[one.held_out_px], width=0.32,
                                    brush=None, pen=pg.mkPen(colour, width=1.5))
                )  # fmt: skip
        self.errors.getAxis("bottom").setTicks([list(enumerate(names))])
        self.errors.setXRange(-0.6, len(names) - 0.4, padding=0)
        tops = [v for c in outcome.cameras.values() for v in (c.rms_px, c.held_out_px) if np.isfinite(v)]
        self.errors.setYRange(0, 1.15 * max(tops, default=1.0), padding=0)

    def _draw_residuals(self, outcome: CalibrationOutcome) -> None:
        place = max(0, self.camera.currentIndex())
        name = outcome.rig.names[place]
        one, (width, height) = outcome.cameras[name], outcome.rig.camera(name).size
        axes = self.residuals
        frame = np.array([[0, 0], [width, 0], [width, height], [0, height], [0, 0]], float)
        axes.plot(frame[:, 0], frame[:, 1], pen=pg.mkPen(theme.palette().border))
        if len(one.pixels):
            typical = float(np.median(np.linalg.norm(one.residuals, axis=1)))
            factor = 0.02 * width / max(typical, 1e-6)
            ends = one.pixels + factor * one.residuals
            lines = np.stack([one.pixels, ends], axis=1).reshape(-1, 2)
            axes.plot(lines[:, 0], lines[:, 1], connect="pairs", pen=pg.mkPen(colour_of(place), width=1.2))
            axes.setTitle(f"{factor:.0f} times magnified", color=theme.palette().quiet_text, size="9pt")
        axes.hideAxis("left")
        axes.hideAxis("bottom")
        axes.setAspectLocked(True)
        axes.getViewBox().invertY(True)
        axes.setXRange(0, width, padding=0.03)
        axes.setYRange(0, height, padding=0.03)

    def _draw_over_time(self, outcome: CalibrationOutcome) -> None:
        for place, name in enumerate(outcome.rig.names):
            one = outcome.cameras[name]
            self.over_time.plot(one.times_s, one.view_rms_px, pen=None, symbol="o", symbolSize=4,
                                symbolPen=None, symbolBrush=colour_of(place), name=name)  # fmt: skip
        self.over_time.setLabel("bottom", "s")
        self.over_time.enableAutoRange()

    def _draw_lags(self, outcome: CalibrationOutcome) -> None:
        names = outcome.rig.names
        for place, name in enumerate(names):
            one = outcome.cameras[name]
            pen = pg.mkPen(colour_of(place), width=3)
            if np.isfinite(one.lag_95_ms):
                ends = np.array([one.lag_ms - one.lag_95_ms, one.lag_ms + one.lag_95_ms])
                self.lags.plot(ends, [place, place], pen=pen)
                self.lags.plot([one.lag_ms], [place], pen=None, symbol="o", symbolSize=8, symbolPen=None,
                               symbolBrush=colour_of(place))  # fmt: skip
        self.lags.addItem(pg.InfiniteLine(0.0, pen=pg.mkPen(theme.palette().border)))
        self.lags.getAxis("left").setTicks([list(enumerate(names))])
        self.lags.setYRange(-0.6, len(names) - 0.4, padding=0)
        self.lags.getViewBox().invertY(True)
        self.lags.setLabel("bottom", "ms")
        known = [one for one in outcome.cameras.values() if np.isfinite(one.lag_95_ms)]
        reach = max((abs(one.lag_ms) + one.lag_95_ms for one in known), default=1.0)
        self.lags.setXRange(-1.2 * max(reach, 1.0), 1.2 * max(reach, 1.0), padding=0)


def _plot() -> Any:
    widget = pg.PlotWidget()
    widget.setMinimumWidth(240)
    widget.setFixedHeight(_HEIGHT)
    widget.setMouseEnabled(x=False, y=False)
    widget.hideButtons()
    widget.setMenuEnabled(False)
    # The wheel belongs to the page.
    widget.wheelEvent = lambda event: event.ignore()
    return widget


def _clear(plot: Any) -> None:
    colours = theme.palette()
    plot.clear()
    plot.setBackground(colours.panel)
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(pg.mkPen(colours.border))
        axis.setTextPen(pg.mkPen(colours.quiet_text))
        axis.setStyle(tickLength=-4)


def _card(title: str, plot: QWidget, words: str) -> Card:
    card = Card(title)
    card.body.addWidget(plot, 1)
    label = QLabel(words)
    label.setWordWrap(True)
    label.setProperty("role", "quiet")
    card.body.addWidget(label)
    return card
