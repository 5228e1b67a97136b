"""The card that says how frames become poses, and gets the models it takes."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QFileDialog, QFormLayout, QHBoxLayout, QLabel, QProgressBar, QWidget

from app import theme
from app.live.pipeline_presenter import PARTS, PipelinePresenter
from app.studio import Studio
from app.widgets.buttons import button
from app.widgets.card import Card

_OWN: Final = "<own>"
_PART_NAMES: Final = {"network": "Network", "centre_network": "Pelvis from"}


class PipelinePanel(Card):
    """Draws a ``PipelinePresenter``."""

    def __init__(self, studio: Studio, presenter: PipelinePresenter) -> None:
        super().__init__("Poses")
        self._presenter = presenter
        self.list = QComboBox()
        self.list.setObjectName("pipeline")
        self.list.setAccessibleName("Pipeline")
        self.list.activated.connect(self._chosen)
        self.description = _text("quiet", "pipelineDescription")
        self.state = _text("quiet", "pipelineState")
        self.weights: dict[str, QComboBox] = {}
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(theme.SPACE)
        self._weight_rows = QWidget()
        self._weight_rows.setLayout(form)
        for part in PARTS:
            box = QComboBox()
            box.setObjectName(f"weights_{part}")
            box.setToolTip("Weights that were imported; see the models command for bringing your own.")
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.textActivated.connect(lambda text, part=part: presenter.choose_weights(part, text))
            form.addRow(_PART_NAMES[part], box)
            self.weights[part] = box
        self._form = form
        self.calibration_hint = _text("quiet", "calibrationHint")
        self.calibration_hint.setText("Poses in space need calibrated cameras.")
        self.calibrate = button("Calibrate …", "goToCalibrate", lambda: studio.go_to.emit("calibrate"))
        self.missing = _text("warning", "missingModel")
        self.missing.setTextFormat(Qt.TextFormat.RichText)
        self.missing.setOpenExternalLinks(True)
        self.fetch = button("Fetch", "fetchModel", presenter.fetch, kind="primary")
        self.cancel = button("Cancel", "cancelFetch", presenter.cancel_fetch)
        self.progress = QProgressBar()
        self.progress.setObjectName("fetchProgress")
        self.progress_words = _text("quiet", "fetchWords")
        self.fetch_problem = _text("bad", "fetchProblem")
        fetch_row = QHBoxLayout()
        fetch_row.setSpacing(theme.SPACE)
        fetch_row.addWidget(self.fetch)
        fetch_row.addWidget(self.cancel)
        fetch_row.addStretch(1)
        for widget in (self.list, self.description, self._weight_rows, self.calibration_hint, self.calibrate):
            self.body.addWidget(widget)
        for widget in (self.missing, self.progress, self.progress_words, self.fetch_problem):
            self.body.addWidget(widget)
        self.body.addLayout(fetch_row)
        self.body.addWidget(self.state)
        presenter.changed.connect(self.refresh)
        self._shown: list[tuple[str, str]] = []
        self.refresh()

    def refresh(self) -> None:
        """Show the presenter's state."""
        presenter = self._presenter
        choices = [(choice.name, choice.title) for choice in presenter.choices()]
        if choices != self._shown:
            self._shown = choices
            self.list.clear()
            for name, title in choices:
                self.list.addItem(title[:1].upper() + title[1:], name)
            self.list.insertSeparator(self.list.count())
            self.list.addItem("Own file …", _OWN)
        self.list.setCurrentIndex(self.list.findData(presenter.chosen))
        self.list.setEnabled(not presenter.locked)
        self.list.setToolTip(presenter.locked)
        self.description.setText(presenter.description)
        self._refresh_weights()
        needed = presenter.needs_calibration
        self.calibration_hint.setVisible(needed)
        self.calibrate.setVisible(needed)
        self._refresh_fetch()
        level, words = presenter.state
        self.state.setText(words)
        self.state.setVisible(bool(words))
        theme.set_role(self.state, level)

    def _refresh_weights(self) -> None:
        any_part = False
        for part, box in self.weights.items():
            chosen = self._presenter.weights_of(part)
            self._form.setRowVisible(box, chosen is not None)
            any_part = any_part or chosen is not None
            if chosen is None:
                continue
            names = self._presenter.weights_choices(part)
            if [box.itemText(place) for place in range(box.count())] != names:
                box.clear()
                box.addItems(names)
            box.setCurrentText(chosen)
            box.setEnabled(not self._presenter.locked)
        self._weight_rows.setVisible(any_part)

    def _refresh_fetch(self) -> None:
        presenter = self._presenter
        missing = presenter.missing
        lines = [
            f"<b>{name}</b>, {entry.size_words}, is not on this machine yet. {entry.title}. Licence: "
            f'<a href="{entry.licence.url}">{entry.licence.name}</a> ({entry.licence.holder}). '
            f"{entry.licence.terms}"
            for name, entry in missing.items()
        ]
        must_accept = any(entry.licence.must_accept for entry in missing.values())
        self.missing.setText("<br>".join(lines))
        self.fetch.setText("Accept licence and fetch" if must_accept else "Fetch")
        self.missing.setVisible(bool(missing))
        self.fetch.setVisible(bool(missing) and not presenter.fetching)
        self.cancel.setVisible(presenter.fetching)
        self.progress.setVisible(presenter.fetching)
        self.progress_words.setVisible(presenter.fetching)
        share, words = presenter.progress
        self.progress.setRange(0, 0 if share < 0 else 1000)
        self.progress.setValue(round(1000 * share))
        self.progress_words.setText(words)
        self.fetch_problem.setText(presenter.fetch_problem)
        self.fetch_problem.setVisible(bool(presenter.fetch_problem))

    def _chosen(self, index: int) -> None:
        name = self.list.itemData(index)
        if name == _OWN:
            name, _ = QFileDialog.getOpenFileName(self, "Pipeline", "", "Pipelines (*.yaml *.yml)")
        if name:
            self._presenter.choose(name)
        self.refresh()


def _text(role: str, name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setProperty("role", role)
    label.setWordWrap(True)
    return label
