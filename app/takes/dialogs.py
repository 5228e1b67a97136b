"""Questions about takes: a new name, a pipeline, export formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.takes.pipeline_choice import PipelineChoice
from app.takes.tasks import Task
from app.takes.words import size_words
from app.widgets.buttons import button
from pipeline.exporters.registry import EXPORTERS, SENTENCES

_WIDTH: Final = 70 * theme.SPACE
_MOST_LISTED: Final = 48 * theme.SPACE


class _Dialog(QDialog):
    """Title, contents, and two buttons at the bottom right."""

    def __init__(self, name: str, title: str, accept: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(_WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[3 * theme.SPACE] * 4)
        column.setSpacing(2 * theme.SPACE)
        self.body = QVBoxLayout()
        self.body.setSpacing(theme.SPACE)
        column.addLayout(self.body, 1)
        self.buttons = QDialogButtonBox()
        self.ok = QPushButton(accept)
        self.ok.setObjectName(f"{name}Ok")
        self.ok.setProperty("kind", "primary")
        self.cancel = QPushButton("Cancel")
        self.cancel.setObjectName(f"{name}Cancel")
        self.buttons.addButton(self.ok, QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.addButton(self.cancel, QDialogButtonBox.ButtonRole.RejectRole)
        self.buttons.accepted.connect(self._accepted)
        self.buttons.rejected.connect(self.reject)
        column.addWidget(self.buttons)

    def _accepted(self) -> None:
        self.accept()


def _words(text: str, role: str = "quiet", width: int = _WIDTH - 6 * theme.SPACE) -> QLabel:
    """A sentence; a window gives it as many lines as it needs only when it is told its width."""
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(True)
    theme.repolish(label)
    label.setMinimumHeight(label.heightForWidth(width))
    return label


class RenameDialog(_Dialog):
    """A take's new name."""

    def __init__(self, name: str, rename: Callable[[str], object], parent: QWidget | None = None) -> None:
        super().__init__("renameTake", "Rename take", "Rename", parent)
        self._rename = rename
        self.name = QLineEdit(name)
        self.name.setObjectName("renameTakeName")
        self.name.selectAll()
        self.name.textChanged.connect(lambda text: self.ok.setEnabled(bool(text.strip())))
        self.body.addWidget(_words("Name", "label"))
        self.body.addWidget(self.name)
        self.body.addWidget(_words("The folder of the take gets this name too."))

    def _accepted(self) -> None:
        self._rename(self.name.text())
        self.accept()


class ProcessDialog(_Dialog):
    """Which pipeline makes the poses anew."""

    def __init__(
        self,
        take: str,
        choices: list[PipelineChoice],
        process: Callable[[str], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("processTake", "Process again", "Process", parent)
        self._process = process
        heading = _words(f"New poses for {take}", "heading")
        self.body.addWidget(heading)
        self.body.addWidget(
            _words("Every recorded frame is used. The result is a new take; this one stays as it is.")
        )
        self.body.addSpacing(theme.SPACE)
        listed = QWidget()
        listed.setObjectName("scrolled")
        column = QVBoxLayout(listed)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        inner = _WIDTH - 11 * theme.SPACE
        self.choices: dict[str, QRadioButton] = {}
        group = QButtonGroup(self)
        for choice in choices:
            option = QRadioButton(choice.name)
            option.setObjectName(f"pipeline_{choice.name}")
            option.setEnabled(not choice.obstacle)
            group.addButton(option)
            self.choices[choice.name] = option
            column.addWidget(option)
            role = "warning" if choice.obstacle or choice.doubtful else "quiet"
            words = _words(choice.obstacle or choice.description, role, inner)
            words.setIndent(0)
            line = QHBoxLayout()
            line.setContentsMargins(3 * theme.SPACE, 0, theme.SPACE, theme.SPACE)
            line.addWidget(words)
            column.addLayout(line)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a stop of the Tab key that shows nothing
        scroll.setObjectName("pipelineList")
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(listed)
        scroll.setMinimumHeight(min(listed.sizeHint().height(), _MOST_LISTED))
        self.body.addWidget(scroll, 1)
        usable = [option for option in self.choices.values() if option.isEnabled()]
        if usable:
            usable[0].setChecked(True)
        else:
            self.body.addWidget(_words("No pipeline can be used yet: fetch a model first.", "warning"))
        self.ok.setEnabled(bool(usable))

    @property
    def chosen(self) -> str:
        """Name of the pipeline."""
        return next((name for name, option in self.choices.items() if option.isChecked()), "")

    def _accepted(self) -> None:
        self._process(self.chosen)
        self.accept()


class ExportDialog(_Dialog):
    """Formats, options, folder; then progress and what was written, in the same window."""

    def __init__(
        self,
        take: str,
        folder: Path,
        export: Callable[[list[str], Path, bool, bool], Task],
        show_folder: Callable[[Path], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("exportTake", "Export", "Export", parent)
        self._export = export
        self._show_folder = show_folder
        self._task: Task | None = None
        self.body.addWidget(_words(f"Export {take}", "heading"))
        self.body.addSpacing(theme.SPACE)
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * theme.SPACE)
        grid.setVerticalSpacing(theme.SPACE)
        grid.setColumnStretch(1, 1)
        self.formats: dict[str, QCheckBox] = {}
        for row, name in enumerate(EXPORTERS):
            box = QCheckBox(name.upper())
            box.setObjectName(f"format_{name}")
            box.setChecked(row == 0)
            box.toggled.connect(self._check)
            self.formats[name] = box
            grid.addWidget(box, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(_words(SENTENCES.get(name, ""), width=_WIDTH - 22 * theme.SPACE), row, 1)
        self.body.addLayout(grid)
        self.body.addSpacing(theme.SPACE)
        self.smoothed = QCheckBox("Smoothed joints")
        self.smoothed.setObjectName("exportSmoothed")
        self.smoothed.setToolTip("Joints after the live filter instead of as measured")
        self.overwrite = QCheckBox("Replace files that are there already")
        self.overwrite.setObjectName("exportOverwrite")
        self.body.addWidget(self.smoothed)
        self.body.addWidget(self.overwrite)
        self.body.addWidget(_words("Folder", "label"))
        place = QHBoxLayout()
        place.setSpacing(theme.SPACE)
        self.folder = QLineEdit(str(folder))
        self.folder.setObjectName("exportFolder")
        self.folder.textChanged.connect(self._check)
        self.browse = button("Choose…", "exportBrowse", self._browse, icon="folder")
        place.addWidget(self.folder, 1)
        place.addWidget(self.browse)
        self.body.addLayout(place)
        self.bar = QProgressBar()
        self.bar.setObjectName("exportBar")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.outcome = _words("Every file is read back and compared before it counts.")
        self.outcome.setObjectName("exportResult")
        self.outcome.setTextFormat(Qt.TextFormat.PlainText)
        self.body.addWidget(self.bar)
        self.body.addWidget(self.outcome)
        self.body.addStretch(1)
        self.show_files = button(
            "Show in folder", "exportShow", lambda: self._show_folder(self.target), icon="folder"
        )
        self.buttons.addButton(self.show_files, QDialogButtonBox.ButtonRole.ActionRole)
        self.show_files.hide()
        self.bar.hide()
        self._check()

    @property
    def chosen(self) -> list[str]:
        """Names of the ticked formats."""
        return [name for name, box in self.formats.items() if box.isChecked()]

    @property
    def target(self) -> Path:
        """Folder to write to."""
        return Path(self.folder.text()).expanduser()

    def reject(self) -> None:
        """Cancel what runs; else close."""
        if self._task is not None and self._task.is_active:
            self._task.cancel()
            return
        super().reject()

    def _check(self) -> None:
        running = self._task is not None and self._task.is_active
        self.ok.setEnabled(bool(self.chosen and self.folder.text().strip()) and not running)

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the exported files", self.folder.text())
        if folder:
            self.folder.setText(folder)

    def _accepted(self) -> None:
        self._task = self._export(
            self.chosen, self.target, self.overwrite.isChecked(), self.smoothed.isChecked()
        )
        self._task.changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        task = self._task
        if task is None:
            return
        self.bar.setVisible(task.is_active)
        self.bar.setValue(round(1000 * max(0.0, task.share)))
        theme.set_role(self.outcome, {"done": "good", "failed": "bad"}.get(task.state, "quiet"))
        if task.state == "done":
            lines = [
                f"{file.path.name}, {size_words(file.size_bytes)}: read back, no difference"
                for file in task.result
            ]
            self.outcome.setText("\n".join(lines))
        else:
            self.outcome.setText(task.words)
        self.show_files.setVisible(task.state == "done")
        self.cancel.setText("Cancel" if task.is_active else "Close")
        self._check()
