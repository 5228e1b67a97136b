"""The present rig on the home page: how it is doing and what comes next."""

from __future__ import annotations

from PyQt6.QtWidgets import QHBoxLayout, QLabel

from app import theme
from app.help.popover import help_button
from app.welcome.presenter import WelcomePresenter
from app.widgets.buttons import button
from app.widgets.card import Card


class RigCard(Card):
    """Name, state, and the next step as the one primary button."""

    def __init__(self, presenter: WelcomePresenter) -> None:
        super().__init__(" ")
        self.setObjectName("rig_card")
        self._path = QLabel()
        self._path.setProperty("role", "quiet")
        self._path.setWordWrap(True)
        self.body.addWidget(self._path)
        self._lines = [QLabel() for _ in range(2)]
        for place, label in enumerate(self._lines):
            label.setObjectName(f"rig_line_{place}")
            label.setWordWrap(True)
            self.body.addWidget(label)
        self._advice = QLabel()
        self._advice.setObjectName("rig_advice")
        self._advice.setWordWrap(True)
        self.body.addSpacing(theme.SPACE)
        self.body.addWidget(self._advice)
        self.body.addStretch(1)
        self.live = button("Go &live", "home_live", presenter.go_live, kind="primary", icon="live")
        self.calibrate = button("&Calibrate …", "home_calibrate", presenter.calibrate, icon="calibrate")
        self.calibrate_first = button(
            "&Calibrate with the wizard …",
            "home_calibrate_first",
            presenter.calibrate,
            kind="primary",
            icon="calibrate",
        )
        self.exact = button(
            "Use the studio's &exact calibration", "home_exact", presenter.use_exact_calibration
        )
        self._exact_help = help_button("exact_calibration")
        self.live_plain = button("&Live without poses", "home_live_plain", presenter.go_live, kind="quiet")
        self.cameras = button("Ca&meras", "home_cameras", presenter.set_up_cameras, kind="quiet")
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        for widget in (
            self.live,
            self.calibrate_first,
            self.exact,
            self._exact_help,
            self.calibrate,
            self.live_plain,
            self.cameras,
        ):
            row.addWidget(widget)
        row.addStretch(1)
        self.body.addLayout(row)

    def show_rig(self, presenter: WelcomePresenter) -> None:
        """Show the studio's rig."""
        rig, path = presenter.studio.rig, presenter.studio.rig_path
        assert rig is not None
        self.title.setText(rig.name[:1].upper() + rig.name[1:])
        self.title.setVisible(True)
        self._path.setText(str(path) if path is not None else "")
        self._path.setVisible(path is not None)
        for label, line in zip(self._lines, presenter.rig_lines, strict=True):
            label.setText(line.text)
            theme.set_role(label, line.grade)
        calibrated, simulated = presenter.calibrated, presenter.simulated
        self._advice.setText(presenter.busy or _advice(calibrated=calibrated, simulated=simulated))
        self.live.setVisible(calibrated)
        self.calibrate.setVisible(calibrated)
        self.calibrate_first.setVisible(not calibrated)
        self.exact.setVisible(not calibrated and simulated)
        self._exact_help.setVisible(not calibrated and simulated)
        self.exact.setEnabled(not presenter.busy)
        self.live_plain.setVisible(not calibrated and not simulated)

    def focus_next_step(self) -> None:
        """Give the keyboard to the primary button."""
        (self.calibrate_first if self.live.isHidden() else self.live).setFocus()


def _advice(*, calibrated: bool, simulated: bool) -> str:
    if calibrated:
        return "Ready: go live to see people in 3D, and record from there."
    if simulated:
        return (
            "Next, calibrate as you would in a room: a virtual board is carried around, which takes a "
            "minute or two. Or skip that and let the studio say exactly where its cameras stand."
        )
    return "Next, calibrate: the wizard helps to print a board, then finds out where the cameras stand."
