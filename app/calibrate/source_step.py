"""What is calibrated: the cameras as they stand, or recordings; and where the lenses come from."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QSignalBlocker
from PyQt6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.calibrate.step_view import StepView, scrolled, text, under
from app.calibrate.wizard import Wizard
from app.widgets.buttons import button
from app.widgets.card import Card

_MODELS = (
    ("auto", "Find out by itself"),
    ("pinhole", "Normal lens"),
    ("rational", "Wide lens, strong distortion"),
    ("fisheye", "Fisheye"),
)


class SourceStep(StepView):
    """Two questions: which pictures, which lenses."""

    def __init__(self, wizard: Wizard) -> None:
        super().__init__(wizard)
        self.live = QRadioButton("The cameras, live")
        self.live.setObjectName("sourceLive")
        self.recorded = QRadioButton("Recordings of the board")
        self.recorded.setObjectName("sourceRecorded")
        self._sources = _group(self, self.live, self.recorded)
        self.live_words = text(role="quiet", name="sourceLiveWords")
        self.footage_words = text(role="quiet", name="sourceFootageWords")
        self.cameras = button("Set up cameras", "goToCameras", lambda: wizard.studio.go_to.emit("cameras"),
                              icon="camera")  # fmt: skip
        self.simulated = button("Use the simulated studio", "useSimulated", wizard.studio.use_simulated)
        self.choose = button("Choose a folder or take …", "chooseFootage", self.choose_footage, icon="folder")
        self.estimate = QRadioButton("Find them together with the places (recommended)")
        self.estimate.setObjectName("lensesEstimate")
        self.known = QRadioButton("Take them from a calibration file")
        self.known.setObjectName("lensesKnown")
        self._lenses = _group(self, self.estimate, self.known)
        self.model = QComboBox()
        self.model.setObjectName("lensModel")
        for value, title in _MODELS:
            self.model.addItem(title, value)
        self.lens_words = text(role="quiet", name="lensesWords")
        self.choose_known = button("Choose a file …", "chooseLenses", self.choose_lenses, icon="folder")
        self._compose()
        self.live.clicked.connect(lambda: wizard.use_source("live"))
        self.recorded.clicked.connect(lambda: wizard.use_source("recorded"))
        self.estimate.clicked.connect(lambda: wizard.order.use_lenses(None))
        self.known.clicked.connect(self._want_known)
        self.model.activated.connect(lambda _place: wizard.order.use_model(self.model.currentData()))
        wizard.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is chosen."""
        wizard = self.wizard
        live, rig = wizard.order.live, wizard.studio.rig
        known = wizard.order.lenses is not None
        for box, on in (
            (self.live, live),
            (self.recorded, not live),
            (self.estimate, not known),
            (self.known, known),
        ):
            with QSignalBlocker(box):
                box.setChecked(on)
        with QSignalBlocker(self.model):
            self.model.setCurrentIndex(self.model.findData(wizard.order.model))
        if rig is None:
            self.live_words.setText("No cameras are set up yet.")
        elif wizard.order.simulated:
            self.live_words.setText(
                f"{rig.name}: {', '.join(rig.names)}. They film a board that is carried through the "
                "simulated studio; afterwards the same cameras film the person."
            )
        else:
            self.live_words.setText(
                f"{rig.name}: {', '.join(rig.names)}. Other pages cannot use them meanwhile."
            )
        self.cameras.setVisible(rig is None)
        self.simulated.setVisible(rig is None)
        self.footage_words.setText(
            str(wizard.order.footage)
            if wizard.order.footage is not None
            else "A take, a folder of videos or pictures named by camera, or one with a folder of pictures "
            "for each camera. The videos must have started together, or have their times beside them."
        )
        self.choose.setEnabled(not live)
        self.model.setEnabled(not known)
        self.choose_known.setVisible(known)
        self.lens_words.setText(
            f"{wizard.order.lenses}. These cameras must not have been zoomed or focused since."
            if known
            else "Each camera must then see the board all over its picture, near and tilted."
        )

    def choose_footage(self) -> None:
        """Ask for a folder."""
        recent = self.wizard.studio.preferences.recent_folders
        start = str(recent[0].parent) if recent else ""
        name = QFileDialog.getExistingDirectory(self, "Recording of the board", start)
        if name:
            self.wizard.use_footage(Path(name))

    def choose_lenses(self) -> None:
        """Ask for a calibration file."""
        name, _ = QFileDialog.getOpenFileName(
            self, "Calibration with known lenses", "", "Calibrations (*.yaml *.yml *.toml *.txt)"
        )
        if name:
            self.wizard.order.use_lenses(Path(name))

    def _want_known(self) -> None:
        if self.wizard.order.lenses is None:
            self.choose_lenses()
        self.refresh()

    def _compose(self) -> None:
        pictures = Card("Pictures")
        pictures.body.addWidget(self.live)
        pictures.body.addLayout(under(self.live_words, self.cameras, self.simulated))
        pictures.body.addSpacing(theme.SPACE)
        pictures.body.addWidget(self.recorded)
        pictures.body.addLayout(under(self.footage_words, self.choose))
        lenses = Card("Lenses")
        lenses.body.addWidget(self.estimate)
        lenses.body.addWidget(self.known)
        lenses.body.addLayout(under(self.lens_words, self.choose_known))
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(text("Kind of lens"))
        row.addWidget(self.model)
        row.addStretch(1)
        lenses.body.addLayout(row)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, theme.SPACE, 0)
        column.setSpacing(2 * theme.SPACE)
        column.addWidget(pictures)
        column.addWidget(lenses)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(content))


def _group(parent: QWidget, *buttons: QRadioButton) -> QButtonGroup:
    group = QButtonGroup(parent)
    for one in buttons:
        group.addButton(one)
    return group
