"""Opening, saving and replacing the rig, with the questions that belong to it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget

from app.cameras.dialogs import SimulatedDialog
from app.cameras.presenter import CamerasPresenter

_RIG_FILES: Final = "Rig files (*.yaml *.yml)"


class RigFiles:
    """Asks over a window, then lets the presenter do it."""

    def __init__(self, window: QWidget, presenter: CamerasPresenter) -> None:
        self._window = window
        self._presenter = presenter
        self._editor = presenter.editor
        self._studio = presenter.studio

    def open_rig(self) -> None:
        """Ask for a rig file and open it."""
        if not self.may_replace():
            return
        chosen, _ = QFileDialog.getOpenFileName(self._window, "Open a rig", str(self.folder()), _RIG_FILES)
        if chosen:
            self._presenter.open(Path(chosen))

    def open_recent(self, path: Path) -> None:
        """Open a rig that was open lately."""
        if self.may_replace():
            self._presenter.open(path)

    def save_rig(self) -> bool:
        """Save into the rig's file; the first time, ask which."""
        if self._editor.file.path is None:
            return self.save_rig_as()
        if not self._comments_may_go():
            return False
        return self._presenter.save()

    def save_rig_as(self) -> bool:
        """Ask for a file and save into it."""
        if self._editor.checks.why_not_usable:
            self._studio.say("bad", f"The rig cannot be saved yet. {self._editor.checks.why_not_usable}")
            return False
        name = self._editor.draft.name.replace(" ", "_")
        suggested = self._editor.file.path or self.folder() / f"{name}.yaml"
        chosen, _ = QFileDialog.getSaveFileName(self._window, "Save the rig as", str(suggested), _RIG_FILES)
        if not chosen:
            return False
        path = Path(chosen)
        return self._presenter.save(path if path.suffix else path.with_suffix(".yaml"))

    def new_rig(self) -> None:
        """Begin with no cameras."""
        if self.may_replace():
            self._editor.new_rig()

    def use_simulated(self) -> None:
        """One click: four simulated cameras."""
        if self.may_replace():
            self._editor.use_simulated()

    def choose_simulated(self) -> None:
        """Ask how many simulated cameras, then use them."""
        dialog = SimulatedDialog(parent=self._window)
        if dialog.exec() and self.may_replace():
            self._editor.use_simulated(*dialog.chosen)

    def may_replace(self) -> bool:
        """Ask what shall become of unsaved changes; whether to go on."""
        if not self._editor.file.worth_asking:
            return True
        box = QMessageBox(self._window)
        box.setObjectName("unsaved")
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Save the cameras?")
        box.setText(f"The cameras of “{self._editor.draft.name}” are not saved.")
        box.setInformativeText("Without saving, the changes are lost.")
        save = box.addButton("&Save", QMessageBox.ButtonRole.AcceptRole)
        leave = box.addButton("&Don't save", QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(save)
        box.setEscapeButton(cancel)
        box.exec()
        if box.clickedButton() is save:
            return self.save_rig()
        return box.clickedButton() is leave

    def _comments_may_go(self) -> bool:
        count = self._editor.file.comments_lost
        if not count:
            return True
        many = "a comment" if count == 1 else f"{count} comments"
        box = QMessageBox(self._window)
        box.setObjectName("comments")
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Save over comments?")
        box.setText(f"The file has {many} that somebody wrote by hand.")
        box.setInformativeText("Saving keeps the lines above the first entry and loses the other comments.")
        save = box.addButton("&Save and lose them", QMessageBox.ButtonRole.AcceptRole)
        other = box.addButton("Save &as another file …", QMessageBox.ButtonRole.ActionRole)
        cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(other)
        box.setEscapeButton(cancel)
        box.exec()
        if box.clickedButton() is other:
            self.save_rig_as()
            return False
        return box.clickedButton() is save

    def folder(self) -> Path:
        """Where file dialogs begin."""
        if self._editor.file.path is not None:
            return self._editor.file.path.parent
        recent = self._studio.preferences.recent_rigs
        return recent[0].parent if recent else Path.home()

    def fill_recent_menu(self, menu: QMenu) -> None:
        """List the rigs that were open lately."""
        menu.clear()
        for path in self._studio.preferences.recent_rigs:
            action = QAction(path.stem, menu)
            action.setToolTip(str(path))
            action.setObjectName(f"recent_{path.stem}")
            action.triggered.connect(lambda _checked, path=path: self.open_recent(path))
            menu.addAction(action)
        if menu.isEmpty():
            nothing = menu.addAction("No rig was opened yet")
            assert nothing is not None
            nothing.setEnabled(False)
