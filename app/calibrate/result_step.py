"""How good the calibration is: in words, figure by figure, in plots, and in 3D."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from PyQt6.QtCore import Qt, QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.calibrate import advice
from app.calibrate.coverage_map import CoverageMap
from app.calibrate.graph_view import GraphView
from app.calibrate.remedy_row import RemedyRow
from app.calibrate.step_view import StepView, scrolled, text
from app.calibrate.wizard import Wizard
from app.space.space_view import SpaceView, make_space_view
from app.widgets.buttons import button
from app.widgets.card import Card
from pipeline.calibrating.config import LiveConfig
from pipeline.calibrating.outcome import CalibrationOutcome, CameraOutcome

_WIDE: Final = (5, 8)
"""Columns with two figures."""
_PLOTS: Final = 2
"""Place of their tab."""

_ROLES: Final = {"green": "good", "amber": "warning", "red": "bad"}
_WORDS: Final = {"green": "good", "amber": "could be better", "red": "do not rely on it"}
_COLUMNS: Final = (
    ("Camera", ""),
    ("Views", "Of the board that were used."),
    ("Error", "Root mean square distance of corners from their predictions."),
    ("Kept out", "The same on views that the solve has not seen."),
    ("Covered", "Part of the picture with corners."),
    ("Focal length", "With the half width of its 95 % interval."),
    ("Place", "Half width of its 95 % interval, seen from the room between the cameras."),
    ("Direction", "Half width of its 95 % interval."),
    ("Late", "How much older its pictures are than their time stamps say."),
)


class ResultStep(StepView):
    """A verdict above, four tabs below."""

    def __init__(self, wizard: Wizard) -> None:
        super().__init__(wizard)
        self.verdict = QLabel()
        self.verdict.setObjectName("verdict")
        self.verdict.setProperty("role", "title")
        self.why = text(name="verdictWords")
        self.report = button("Open the report", "openReport", self._report, icon="export",
                             tip="A web page with every figure and plot")  # fmt: skip
        self.more = button("Show more views", "showMore", self._show_more, kind="quiet")
        self.tabs = QTabWidget()
        self.tabs.setObjectName("resultTabs")
        self.words = QVBoxLayout()
        self.words.setSpacing(theme.SPACE)
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setObjectName("cameraTable")
        self.maps = QGridLayout()
        self.graph = GraphView()
        self.space: SpaceView = make_space_view(self)
        self.plots_place = QVBoxLayout()
        self._plots: QWidget | None = None
        self._shown: CalibrationOutcome | None = None
        self._compose()
        wizard.outcome_changed.connect(self.refresh)
        wizard.placed_changed.connect(self._place)
        wizard.changed.connect(self._enable)
        wizard.report_ready.connect(self._open)

    def entered(self) -> None:
        """Show the newest outcome."""
        self.refresh()

    def shutdown(self) -> None:
        """End the drawing process."""
        self.space.shutdown()

    def refresh(self) -> None:
        """Show what came out."""
        outcome = self.wizard.outcome
        if outcome is None or not self.isVisible():
            return
        self._place()
        if outcome is self._shown:
            return
        self._shown = outcome
        level, short, why = advice.verdict(outcome)
        self.verdict.setText(short)
        colours = theme.palette()
        colour = {"good": colours.good, "warning": colours.warning, "bad": colours.bad}[level]
        self.verdict.setStyleSheet(f"color: {colour.name()};")
        self.why.setText(why)
        self._show_words(outcome)
        self._show_cameras(outcome)
        self.graph.show_graph(outcome.rig.names, outcome.shared, enough=LiveConfig().shared)
        self.more.setVisible(self.wizard.order.live)
        self._show_plots()
        self._enable()

    def _show_words(self, outcome: CalibrationOutcome) -> None:
        _empty(self.words)
        truth = advice.truth_words(outcome)
        if truth:
            card = Card("Compared with the simulated cameras, which are known exactly")
            for said in truth:
                card.body.addWidget(text(said))
            card.setObjectName("truthCard")
            self.words.addWidget(card)
        if outcome.diagnoses:
            card = Card("What was noticed")
            card.setObjectName("diagnosisCard")
            for found in outcome.diagnoses:
                role = {"error": "bad", "warning": "warning"}.get(found.severity, "quiet")
                card.body.addWidget(text(advice.sentence(found.sentence), role))
            card.body.addWidget(RemedyRow(self.wizard))
            self.words.addWidget(card)
        card = Card("Figure by figure")
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * theme.SPACE)
        grid.setVerticalSpacing(theme.SPACE)
        grid.setColumnStretch(2, 1)
        for line_no, one in enumerate(outcome.verdicts):
            title = QLabel(one.title)
            value = QLabel(one.value)
            value.setProperty("role", _ROLES[one.colour])
            value.setToolTip(_WORDS[one.colour])
            value.setAccessibleDescription(_WORDS[one.colour])
            words = text(one.words, "quiet")
            words.setToolTip(one.rule)
            for place, label in enumerate((title, value, words)):
                grid.addWidget(label, 2 * line_no, place, Qt.AlignmentFlag.AlignTop)
            if line_no + 1 < len(outcome.verdicts):
                line = QFrame()
                line.setProperty("line", True)
                line.setFixedHeight(1)
                grid.addWidget(line, 2 * line_no + 1, 0, 1, 3)
        card.body.addLayout(grid)
        self.words.addWidget(card)
        self.words.addStretch(1)

    def _show_cameras(self, outcome: CalibrationOutcome) -> None:
        names = outcome.rig.names
        self.table.setRowCount(len(names))
        for row, name in enumerate(names):
            cells = _cells(outcome, name, outcome.cameras[name])
            for column, words in enumerate(cells):
                item = QTableWidgetItem(words)
                item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        self.table.setFixedHeight(36 + 36 * len(names))
        _empty(self.maps)
        for place, name in enumerate(names):
            view = CoverageMap(name, outcome.rig.camera(name).size, outcome.cameras[name].counts)
            self.maps.addWidget(view, place // 4, place % 4)

    def _show_plots(self) -> None:
        """When somebody looks at them: they take a moment."""
        if self._shown is None or self.tabs.currentIndex() != _PLOTS:
            return
        from app.calibrate.plots import Plots

        if not isinstance(self._plots, Plots):
            self._plots = Plots()
            self.plots_place.addWidget(self._plots)
        self._plots.show_outcome(self._shown)

    def _place(self) -> None:
        if self.isVisible():
            self.space.set_rig(self.wizard.placed)

    def _enable(self) -> None:
        self.report.setEnabled(not self.wizard.busy)
        drawing = self.wizard.busy and self.wizard.report is None
        self.report.setText("Drawing the report …" if drawing else "Open the report")

    def _report(self) -> None:
        if self.wizard.report is not None:
            self._open(self.wizard.report)
        else:
            self.wizard.draw_report()

    def _open(self, path: Path) -> None:
        if self.isVisible() and not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self.wizard.studio.say("info", f"The report is {path}")

    def _show_more(self) -> None:
        self.wizard.show_more()

    def _compose(self) -> None:
        top = Card()
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.verdict)
        row.addStretch(1)
        row.addWidget(self.more)
        row.addWidget(self.report)
        top.body.addLayout(row)
        top.body.addWidget(self.why)
        words = QWidget()
        words.setLayout(self.words)
        self.words.setContentsMargins(0, theme.SPACE, theme.SPACE, 0)
        self.tabs.addTab(scrolled(words), "In words")
        self.tabs.addTab(scrolled(self._cameras()), "Cameras")
        plots = QWidget()
        plots.setLayout(self.plots_place)
        self.plots_place.setContentsMargins(0, theme.SPACE, theme.SPACE, 0)
        self.tabs.addTab(scrolled(plots), "Plots")
        layout3d = QWidget()
        column = QVBoxLayout(layout3d)
        column.setContentsMargins(0, theme.SPACE, 0, 0)
        column.addWidget(self.space)
        self.tabs.addTab(layout3d, "Layout in 3D")
        self.tabs.currentChanged.connect(lambda _place: self._show_plots())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(top)
        layout.addWidget(self.tabs, 1)

    def _cameras(self) -> QWidget:
        self.table.setHorizontalHeaderLabels([title for title, _ in _COLUMNS])
        for column, (_, tip) in enumerate(_COLUMNS):
            item = self.table.horizontalHeaderItem(column)
            if item is not None:
                item.setToolTip(tip)
        header, side = self.table.horizontalHeader(), self.table.verticalHeader()
        assert header is not None and side is not None
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for column in _WIDE:
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.table.setWordWrap(False)
        self.table.setStyleSheet("QTableView::item { padding: 0 8px; }")
        side.hide()
        side.setDefaultSectionSize(34)
        self.table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setShowGrid(False)
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(0, theme.SPACE, theme.SPACE, 0)
        rows.setSpacing(2 * theme.SPACE)
        rows.addWidget(self.table)
        coverage = Card("Where each camera has seen the board")
        self.maps.setSpacing(2 * theme.SPACE)
        coverage.body.addLayout(self.maps)
        rows.addWidget(coverage)
        together = Card("Moments that cameras share")
        self.graph.setMinimumHeight(240)
        together.body.addWidget(self.graph)
        rows.addWidget(together)
        rows.addStretch(1)
        return content


def _cells(outcome: CalibrationOutcome, name: str, one: CameraOutcome) -> list[str]:
    first = name == outcome.reference_camera
    late = f"{one.lag_ms:+.1f} ± {one.lag_95_ms:.1f} ms" if np.isfinite(one.lag_95_ms) else "not known"
    return [
        name,
        str(one.views),
        _figure(one.rms_px, "{:.2f} px"),
        _figure(one.held_out_px, "{:.2f} px"),
        f"{100 * one.covered:.0f} %",
        f"{one.focal_px:.0f} px, "
        + (f"± {one.focal_95_percent:.2f} %" if np.isfinite(one.focal_95_percent) else "given"),
        _figure(one.place_95_mm, "± {:.1f} mm"),
        _figure(one.turn_95_deg, "± {:.2f}°"),
        "reference" if first else late,
    ]


def _figure(value: float, pattern: str) -> str:
    return pattern.format(value) if np.isfinite(value) else ""


def _empty(layout: QVBoxLayout | QGridLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.deleteLater()
