"""Saving the calibration, and what comes after."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app import theme
from app.calibrate.order import EXPORTS
from app.calibrate.step_view import StepView, say, scrolled, text
from app.calibrate.wizard import Wizard
from app.widgets.buttons import button
from app.widgets.card import Card

_EXPORTS = {
    "toml": "TOML, for Pose2Sim, anipose, Caliscope and FreeMoCap",
    "easymocap": "EasyMocap and OpenCV yml",
    "qualisys": "Qualisys qca.txt",
}


class SaveStep(StepView):
    """Where it goes; then where it is."""

    def __init__(self, wizard: Wizard) -> None:
        super().__init__(wizard)
        self.target = QLineEdit()
        self.target.setObjectName("saveTarget")
        self.target.editingFinished.connect(self._take_target)
        self.choose = button("Choose …", "chooseTarget", self._choose, icon="folder")
        self.formats = {name: QCheckBox(_EXPORTS[name]) for name in EXPORTS}
        for name, box in self.formats.items():
            box.setObjectName(f"export_{name}")
            box.clicked.connect(self._take_formats)
        self.words = text(role="quiet", name="saveWords")
        self.done = text(name="savedWords")
        self.report = button("Open the report", "openSavedReport", self._report, icon="export")
        self.folder = button("Open the folder", "openFolder", self._open_folder, icon="folder")
        self.again = button("Calibrate again", "startOver", wizard.start_over, kind="quiet", icon="repeat")
        self._compose()
        wizard.changed.connect(self.refresh)
        wizard.report_ready.connect(self._open_report)

    def entered(self) -> None:
        """Show where it goes."""
        self.refresh()

    def refresh(self) -> None:
        """Show what is chosen, or what is saved."""
        wizard = self.wizard
        if wizard.outcome is None:
            return
        if not self.target.hasFocus():
            self.target.setText(str(wizard.order.target))
        for name, box in self.formats.items():
            box.setChecked(name in wizard.order.exports)
        saved = bool(wizard.saved)
        self.where.setEnabled(not saved and not wizard.busy)
        self.after.setVisible(saved)
        self.report.setEnabled(not wizard.busy)
        there = wizard.order.target.is_file()
        words = "The calibration that is there now is kept beside it as a previous one." if there else ""
        if wizard.order.live and wizard.order.rig_file is not None:
            words = f"{wizard.order.rig_file.name} refers to it from then on. {words}"
        say(self.words, "quiet", "" if saved else words)
        if saved:
            say(self.done, "good", "\n".join(str(path) for path in wizard.saved))

    def _take_target(self) -> None:
        words = self.target.text().strip()
        if words and Path(words) != self.wizard.order.target:
            self.wizard.order.use_target(Path(words).expanduser())

    def _take_formats(self) -> None:
        self.wizard.order.use_exports([name for name, box in self.formats.items() if box.isChecked()])

    def _choose(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the calibration", str(self.wizard.order.target), "Calibration (*.yaml)"
        )
        if name:
            self.wizard.order.use_target(Path(name))

    def _report(self) -> None:
        if self.wizard.report is not None:
            self._open_report(self.wizard.report)
        else:
            self.wizard.draw_report()

    def _open_report(self, path: Path) -> None:
        if self.isVisible() and not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self.wizard.studio.say("info", f"The report is {path}")

    def _open_folder(self) -> None:
        folder = self.wizard.saved[0].parent
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.wizard.studio.say("info", f"The folder is {folder}")

    def _compose(self) -> None:
        self.where = Card("Where to")
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.target, 1)
        row.addWidget(self.choose)
        self.where.body.addLayout(row)
        self.where.body.addWidget(self.words)
        self.where.body.addSpacing(theme.SPACE)
        self.where.body.addWidget(text("For other programs, too"))
        for box in self.formats.values():
            self.where.body.addWidget(box)
        self.after = Card("Saved")
        self.after.body.addWidget(self.done)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE)
        buttons.addWidget(self.report)
        buttons.addWidget(self.folder)
        buttons.addWidget(self.again)
        buttons.addStretch(1)
        self.after.body.addLayout(buttons)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, theme.SPACE, 0)
        column.setSpacing(2 * theme.SPACE)
        column.addWidget(self.where)
        column.addWidget(self.after)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(content))
