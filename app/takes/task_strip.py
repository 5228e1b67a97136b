"""Work in the background, one line each: what, how far, and a way to stop it."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from app import theme
from app.takes.tasks import Task, TaskQueue
from app.widgets.buttons import button, icon_button

_TITLE_WIDTH = 30 * theme.SPACE
_STATE_ROLES = {"done": "good", "failed": "bad", "cancelled": "quiet"}


class TaskRow(QWidget):
    """One task."""

    result_wanted = pyqtSignal(object)

    def __init__(self, queue: TaskQueue, task: Task) -> None:
        super().__init__()
        self.setObjectName("taskRow")
        self.task = task
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * theme.SPACE)
        self.title = QLabel(task.title)
        self.title.setMinimumWidth(_TITLE_WIDTH)
        self.bar = QProgressBar()
        self.bar.setObjectName("taskBar")
        self.bar.setFixedWidth(20 * theme.SPACE)
        self.bar.setTextVisible(False)
        self.words = QLabel()
        self.words.setObjectName("taskWords")
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.show_result = button(
            {"export": "Show in folder", "report": "Open report", "process": "Show take"}.get(
                task.kind, "Show take"
            ),
            "taskResult",
            lambda: self.result_wanted.emit(task),
            kind="quiet",
        )
        self.cancel = button("Cancel", "taskCancel", task.cancel, kind="quiet")
        self.dismiss = icon_button("close", "taskDismiss", "Dismiss", lambda: queue.remove(task))
        row.addWidget(self.title)
        row.addWidget(self.bar)
        row.addWidget(self.words, 1)
        for item in (self.show_result, self.cancel, self.dismiss):
            row.addWidget(item)
        task.changed.connect(self.update_task)
        self.update_task()

    def minimumSizeHint(self) -> QSize:
        """Long words must not widen the window."""
        return QSize(400, super().minimumSizeHint().height())

    def update_task(self) -> None:
        """Show how far it is."""
        task = self.task
        self.bar.setVisible(task.is_active)
        if task.share < 0:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * task.share))
        self.words.setText(task.words)
        self.words.setToolTip(task.words)
        theme.set_role(self.words, _STATE_ROLES.get(task.state, "quiet"))
        self.cancel.setVisible(task.state in {"waiting", "running"})
        self.dismiss.setVisible(not task.is_active)
        self.show_result.setVisible(task.state == "done")


class TaskStrip(QFrame):
    """All tasks; hidden while there are none."""

    result_wanted = pyqtSignal(object)
    """Show what came of this task."""

    def __init__(self, queue: TaskQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("taskStrip")
        self.setProperty("card", True)
        self._queue = queue
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(2 * theme.SPACE, theme.SPACE, 2 * theme.SPACE, theme.SPACE)
        self._column.setSpacing(4)
        self.rows: dict[Task, TaskRow] = {}
        queue.added.connect(self._add)
        queue.removed.connect(self._remove)
        self.hide()

    def _add(self, task: Task) -> None:
        row = TaskRow(self._queue, task)
        row.result_wanted.connect(self.result_wanted)
        self.rows[task] = row
        self._column.addWidget(row)
        self.show()

    def _remove(self, task: Task) -> None:
        row = self.rows.pop(task, None)
        if row is not None:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.setVisible(bool(self.rows))
