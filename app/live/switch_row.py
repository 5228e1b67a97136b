"""One row of what is drawn and what is not: pictures at the left, space at the right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app import theme
from app.live.display import LiveDisplay
from app.live.timeline import Timeline
from app.space.space_view import SpaceView
from app.widgets.buttons import button

_SPACE: Final = (
    ("Trails", "trails", "Where hands and feet have been"),
    ("Cameras", "frusta", "Where the cameras stand"),
    ("Pictures", "pictures", "What each camera sees, in space"),
    ("Uncertainty", "uncertainty", "Ellipsoids of two standard deviations"),
    ("Follow", "follow", "Keep people in the middle (F)"),
)


class SwitchRow(QWidget):
    """Switches of the live page; those of the 3D view also follow its keys."""

    def __init__(self, display: LiveDisplay, space: SpaceView, timeline: Timeline) -> None:
        super().__init__()
        self._space = space
        self._switches: dict[str, QPushButton] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.SPACE)
        for text, name, tip, on, slot in (
            ("Keypoints", "showKeypoints", "Skeletons over the pictures", True, display.show_keypoints),
            ("Boxes", "showBoxes", "A box around each person", False, display.show_boxes),
        ):
            self._add(text, name, tip, on, slot)
        self._row.addStretch(1)
        for text, option, tip in _SPACE:
            self._add(text, f"space_{option}", tip, space.options[option], partial(space.set_option, option))
        self._row.addWidget(
            button("Reset view", "space_reset", space.reset, kind="quiet", tip="First view (R)")
        )
        self._add("Timeline", "showTimeline", "Latency and rates", True, timeline.setVisible)
        space.option_changed.connect(self._space_option_changed)

    @property
    def state(self) -> dict[str, bool]:
        """Which are on, by name."""
        return {name: switch.isChecked() for name, switch in self._switches.items()}

    def recall(self, state: Mapping[str, object]) -> None:
        """Switch as it was; what is not named stays."""
        for name, switch in self._switches.items():
            switch.setChecked(bool(state.get(name, switch.isChecked())))

    def _add(self, text: str, name: str, tip: str, on: bool, slot: Callable[[bool], object]) -> None:
        switch = button(text, name, kind="quiet", tip=tip)
        switch.setCheckable(True)
        switch.setChecked(on)
        switch.toggled.connect(slot)
        self._switches[name] = switch
        self._row.addWidget(switch)

    def _space_option_changed(self, option: str, on: bool) -> None:
        switch = self._switches.get(f"space_{option}")
        if switch is not None:
            switch.setChecked(on)
