"""The picture of a camera that is being tested, and what the test says."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app import icons, theme
from app.cameras.camera_trial import Picture
from app.cameras.camera_trials import Trial
from app.widgets.buttons import button

_ROLES: Final = {"good": "good", "slow": "warning", "bad": "bad", "running": "quiet", "stopped": "quiet"}
_WIDTH, _HEIGHT = 32 * theme.SPACE, 24 * theme.SPACE


class TrialView(QWidget):
    """Picture on the left, words and buttons on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.picture = PictureView()
        self.words = QLabel()
        self.words.setObjectName("test_words")
        self.words.setWordWrap(True)
        self.details = QLabel()
        self.details.setObjectName("test_details")
        self.details.setProperty("role", "quiet")
        self.details.setWordWrap(True)
        self.test = button("&Test this camera", "test_camera", icon="play")
        self.stop = button("&Stop test", "stop_test", icon="stop")
        column = QVBoxLayout()
        column.setSpacing(theme.SPACE)
        column.addWidget(self.words)
        column.addWidget(self.details)
        column.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.test)
        row.addWidget(self.stop)
        row.addStretch(1)
        column.addLayout(row)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.SPACE)
        layout.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(column, 1)

    def show_trial(self, trial: Trial | None, why_not: str) -> None:
        """Show how a test stands; ``why_not`` says why none can be started."""
        running = trial is not None and trial.verdict == "running"
        self.test.setVisible(not running)
        self.test.setEnabled(not why_not)
        self.stop.setVisible(running)
        if trial is None:
            self.words.setText(why_not or "Not tested yet. A test films for six seconds.")
            theme.set_role(self.words, "quiet")
            self.details.hide()
            return
        self.words.setText(trial.words)
        theme.set_role(self.words, _ROLES[trial.verdict])
        details = []
        if trial.opened is not None:
            width, height = trial.opened.size
            details.append(f"{trial.opened.device}\n{width} × {height}, {trial.opened.fps:g} fps promised")
        if trial.measured is not None and trial.measured.frames:
            lost = f", {trial.measured.lost} lost" if trial.measured.lost else ""
            details.append(f"{trial.measured.frames} pictures in {trial.measured.seconds:.1f} s{lost}")
        self.details.setText("\n".join(details))
        self.details.setVisible(bool(details))


class PictureView(QWidget):
    """Draws the newest picture, or a camera where there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("test_picture")
        self.setFixedSize(_WIDTH, _HEIGHT)
        self._picture: Picture | None = None

    def show_picture(self, picture: Picture | None) -> None:
        """Show another picture, None for none."""
        if picture is not self._picture:
            self._picture = picture
            self.update()

    def sizeHint(self) -> QSize:
        """A small picture."""
        return QSize(_WIDTH, _HEIGHT)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Fit the picture into the frame."""
        colours = theme.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        path = QPainterPath()
        path.addRoundedRect(frame, theme.RADIUS, theme.RADIUS)
        painter.fillPath(path, colours.background)
        if self._picture is None:
            icons.icon("camera", colours.border, 48).paint(
                painter,
                self.rect().adjusted(
                    _WIDTH // 2 - 24, _HEIGHT // 2 - 24, 24 - _WIDTH // 2, 24 - _HEIGHT // 2
                ),
            )
        else:
            width, height = self._picture.size
            image = QImage(self._picture.data, width, height, 3 * width, QImage.Format.Format_BGR888)
            scale = min(self.width() / width, self.height() / height)
            shown = QRectF(0, 0, width * scale, height * scale)
            shown.moveCenter(frame.center())
            painter.setClipPath(path)
            painter.drawImage(shown, image)
            painter.setClipping(False)
        painter.setPen(colours.border)
        painter.drawPath(path)
        painter.end()
