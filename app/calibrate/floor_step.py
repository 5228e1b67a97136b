"""Floor and axes, tried out in 3D."""

from __future__ import annotations

from dataclasses import replace

from PyQt6.QtCore import QSignalBlocker, Qt
from PyQt6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.calibrate import world_choice
from app.calibrate.step_view import StepView, say, scrolled, text, under
from app.calibrate.wizard import Wizard
from app.calibrate.world_choice import Way, WorldChoice
from app.space.space_view import SpaceView, make_space_view
from app.widgets.buttons import button
from app.widgets.card import Card

_WAYS: dict[Way, str] = {
    "floor": "The board, as it lay still",
    "moment": "The board at another moment",
    "camera": "Below a camera",
}


class FloorStep(StepView):
    """Choices on the left, the rig in its world on the right."""

    def __init__(self, wizard: Wizard) -> None:
        super().__init__(wizard)
        self.space: SpaceView = make_space_view(self)
        self.ways: dict[Way, QRadioButton] = {}
        group = QButtonGroup(self)
        for way, title in _WAYS.items():
            self.ways[way] = choice = QRadioButton(title)
            choice.setObjectName(f"way_{way}")
            choice.clicked.connect(lambda _on, chosen=way: self._change(way=chosen))
            group.addButton(choice)
        self.floors = QComboBox()
        self.floors.setObjectName("floorStretch")
        self.floors.activated.connect(lambda place: self._change(way="floor", floor=place))
        self.moment = QSlider(Qt.Orientation.Horizontal)
        self.moment.setObjectName("floorMoment")
        self.moment.valueChanged.connect(lambda place: self._change(way="moment", moment=place))
        self.moment_words = QLabel()
        self.camera = QComboBox()
        self.camera.setObjectName("floorCamera")
        self.camera.activated.connect(
            lambda _place: self._change(way="camera", camera=self.camera.currentText())
        )
        self.camera_height = _millimetres("floorHeight", 0.0, 20000.0)
        self.camera_height.valueChanged.connect(lambda value: self._change(way="camera", height_mm=value))
        self.turn = button("Turn by 90°", "turnWorld", self._turn, icon="repeat")
        self.flip = button("Turn over", "flipWorld", self._flip, tip="Where Z points down instead of up")
        self.shift = [_millimetres(f"shift{axis}", -20000.0, 20000.0) for axis in "XYZ"]
        for box in self.shift:
            box.valueChanged.connect(self._shift)
        self.reset = button("Undo all", "resetWorld", self._reset, kind="quiet")
        self.words = text(role="quiet", name="worldWords")
        self.doubt = text(role="warning", name="worldDoubt")
        self._compose()
        wizard.outcome_changed.connect(self._take_outcome)
        wizard.placed_changed.connect(self.refresh)

    def entered(self) -> None:
        """Show the rig."""
        self._take_outcome()

    def shutdown(self) -> None:
        """End the drawing process."""
        self.space.shutdown()

    def refresh(self) -> None:
        """Show the choice as it is."""
        outcome, choice, rig = self.wizard.outcome, self.wizard.choice, self.wizard.placed
        if outcome is None or choice is None or rig is None:
            return
        for way, option in self.ways.items():
            with QSignalBlocker(option):
                option.setChecked(way == choice.way)
        with QSignalBlocker(self.floors), QSignalBlocker(self.moment), QSignalBlocker(self.camera):
            self.floors.setCurrentIndex(choice.floor)
            self.moment.setValue(choice.moment)
            self.camera.setCurrentText(choice.camera)
        with QSignalBlocker(self.camera_height):
            self.camera_height.setValue(choice.height_mm)
        for box, value in zip(self.shift, choice.shift_mm, strict=True):
            with QSignalBlocker(box):
                box.setValue(value)
        if len(outcome.times_s):
            self.moment_words.setText(
                f"{outcome.times_s[min(choice.moment, len(outcome.times_s) - 1)]:.1f} s"
            )
        self.words.setText(world_choice.words(outcome, rig, choice))
        say(self.doubt, "warning", world_choice.doubts(rig, choice))
        self.space.set_rig(rig)

    def _take_outcome(self) -> None:
        outcome = self.wizard.outcome
        if outcome is None or self.wizard.choice is None:
            return
        there = world_choice.ways(outcome)
        for way, box in self.ways.items():
            box.setEnabled(way in there)
        for widget, way in ((self.floors, "floor"), (self.moment, "moment")):
            widget.setEnabled(way in there)
        with QSignalBlocker(self.floors):
            self.floors.clear()
            for one in outcome.floors:
                lying = "" if one.lying else ", not level"
                self.floors.addItem(f"from {one.start_s:.0f} to {one.end_s:.0f} s{lying}")
            if not outcome.floors:
                self.floors.addItem("it never lay still")
        with QSignalBlocker(self.moment):
            self.moment.setRange(0, max(0, len(outcome.times_s) - 1))
        with QSignalBlocker(self.camera):
            self.camera.clear()
            self.camera.addItems(outcome.rig.names)
        self.refresh()

    def _change(self, **what: object) -> None:
        choice = self.wizard.choice
        if choice is not None:
            self.wizard.place_world(replace(choice, **what))  # type: ignore[arg-type]

    def _turn(self) -> None:
        if self.wizard.choice is not None:
            self.wizard.place_world(self.wizard.choice.turned())

    def _flip(self) -> None:
        if self.wizard.choice is not None:
            self._change(flipped=not self.wizard.choice.flipped)

    def _shift(self) -> None:
        x, y, z = (box.value() for box in self.shift)
        self._change(shift_mm=(x, y, z))

    def _reset(self) -> None:
        outcome = self.wizard.outcome
        if outcome is not None:
            choice: WorldChoice = world_choice.first_choice(outcome)
            self.wizard.place_world(choice)

    def _compose(self) -> None:
        where = Card("The floor is given by")
        where.body.addWidget(self.ways["floor"])
        where.body.addLayout(under(self.floors))
        where.body.addWidget(self.ways["moment"])
        where.body.addLayout(under(self.moment, self.moment_words))
        where.body.addWidget(self.ways["camera"])
        height = QFormLayout()
        height.setContentsMargins(3 * theme.SPACE, 0, 0, 0)
        height.setSpacing(theme.SPACE)
        height.addRow("Camera", self.camera)
        height.addRow("Its height", self.camera_height)
        where.body.addLayout(height)
        axes = Card("Axes and origin")
        axes.header.addWidget(self.reset)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.turn)
        row.addWidget(self.flip)
        row.addStretch(1)
        axes.body.addLayout(row)
        form = QFormLayout()
        form.setSpacing(theme.SPACE)
        for axis, box in zip("XYZ", self.shift, strict=True):
            form.addRow(f"Shift {axis}", box)
        axes.body.addLayout(form)
        axes.body.addWidget(text("Z by the board's thickness, where it did not lie flush.", "quiet"))
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, theme.SPACE, 0)
        column.setSpacing(2 * theme.SPACE)
        column.addWidget(where)
        column.addWidget(axes)
        column.addStretch(1)
        view = Card()
        view.body.addWidget(self.space, 1)
        view.body.addWidget(self.words)
        view.body.addWidget(self.doubt)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.SPACE)
        area = scrolled(side)
        area.setMaximumWidth(420)
        layout.addWidget(area)
        layout.addWidget(view, 1)


def _millimetres(name: str, low: float, high: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setObjectName(name)
    box.setRange(low, high)
    box.setDecimals(0)
    box.setSingleStep(10.0)
    box.setSuffix(" mm")
    return box
