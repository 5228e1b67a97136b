"""What there is to know and to do about the chosen take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PyQt6.QtCore import QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPainterPath, QPaintEvent, QPixmap
from PyQt6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app import icons, theme
from app.takes.digest import Digest
from app.takes.presenter import TakesPresenter
from app.takes.quality_card import QualityCard
from app.takes.take_entry import TakeEntry
from app.takes.words import STATE_WORDS, date_words, duration_words, pipeline_words
from app.widgets.buttons import button, icon_button
from app.widgets.card import Card

WIDTH: Final = 46 * theme.SPACE


class TakePicture(QWidget):
    """A thumbnail, as wide as there is room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("takePicture")
        self._pixmap: QPixmap | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        self.setFixedHeight(24 * theme.SPACE)

    def show_pixmap(self, pixmap: QPixmap | None) -> None:
        """Show another picture, None for none."""
        self._pixmap = pixmap
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The picture, as large as it fits."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(self.rect())
        path = QPainterPath()
        path.addRoundedRect(area, theme.RADIUS, theme.RADIUS)
        painter.fillPath(path, theme.palette().background)
        if self._pixmap is None or self._pixmap.isNull():
            icon = icons.icon("takes", theme.palette().quiet_text, 40).pixmap(40, 40)
            painter.drawPixmap(round(area.center().x() - 20), round(area.center().y() - 20), icon)
        else:
            painter.setClipPath(path)
            scale = min(area.width() / self._pixmap.width(), area.height() / self._pixmap.height())
            place = QRectF(0, 0, self._pixmap.width() * scale, self._pixmap.height() * scale)
            place.moveCenter(area.center())
            painter.drawPixmap(place, self._pixmap, QRectF(self._pixmap.rect()))
        painter.end()


class TakeDetails(QWidget):
    """Picture, facts, quality and actions.

    Args:
        presenter: Says which take is chosen.
        picture: Gives the thumbnail of a digest.
        parent: Owner.
    """

    play_wanted = pyqtSignal(object)
    repair_wanted = pyqtSignal(object)
    process_wanted = pyqtSignal(object)
    export_wanted = pyqtSignal(object)
    report_wanted = pyqtSignal(object)
    rename_wanted = pyqtSignal(object)
    delete_wanted = pyqtSignal(object)
    show_folder_wanted = pyqtSignal(object)

    def __init__(
        self,
        presenter: TakesPresenter,
        picture: Callable[[Digest | None], QPixmap | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("takeDetails")
        self.setMinimumWidth(WIDTH)
        self.setMaximumWidth(70 * theme.SPACE)
        self.presenter = presenter
        self._picture_of = picture
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        self.picture = TakePicture()
        self.name = QLabel()
        self.name.setObjectName("takeName")
        self.name.setProperty("role", "heading")
        self.name.setTextFormat(Qt.TextFormat.PlainText)
        self.name.setWordWrap(True)
        self.label = QLabel()
        self.label.setProperty("role", "warning")
        self.label.setWordWrap(True)
        self.facts = QGridLayout()
        self.facts.setHorizontalSpacing(2 * theme.SPACE)
        self.facts.setVerticalSpacing(4)
        self.facts.setColumnStretch(1, 1)
        self._fact_labels: dict[str, QLabel] = {}
        for row, (key, words) in enumerate(
            {
                "recorded": "Recorded",
                "length": "Length",
                "cameras": "Cameras",
                "frames": "Frames",
                "pipeline": "Pipeline",
                "state": "State",
            }.items()
        ):
            title = QLabel(words)
            title.setProperty("role", "quiet")
            value = QLabel()
            value.setObjectName(f"fact_{key}")
            value.setTextFormat(Qt.TextFormat.PlainText)
            value.setWordWrap(True)
            self._fact_labels[key] = value
            self.facts.addWidget(title, row, 0, Qt.AlignmentFlag.AlignTop)
            self.facts.addWidget(value, row, 1)
        self.quality = QualityCard()
        scrolled = QWidget()
        scrolled.setObjectName("scrolled")
        inside = QVBoxLayout(scrolled)
        inside.setContentsMargins(0, 0, theme.SPACE, 0)
        inside.setSpacing(theme.SPACE)
        inside.addWidget(self.picture)
        inside.addLayout(self._heading())
        inside.addWidget(self.label)
        inside.addLayout(self.facts)
        inside.addSpacing(theme.SPACE)
        inside.addWidget(self.quality)
        inside.addStretch(1)
        scroll = QScrollArea()
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a stop of the Tab key that shows nothing
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(scrolled)
        column.addWidget(scroll, 1)
        column.addWidget(self._actions())

    def _heading(self) -> QHBoxLayout:
        self.show_folder = icon_button(
            "folder", "takeShowFolder", "Show in folder", lambda: self._tell(self.show_folder_wanted)
        )
        self.rename = icon_button("edit", "takeRename", "Rename (F2)", lambda: self._tell(self.rename_wanted))
        self.delete = icon_button(
            "trash", "takeDelete", "Move to the trash (Del)", lambda: self._tell(self.delete_wanted)
        )
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.name, 1)
        for item in (self.show_folder, self.rename, self.delete):
            row.addWidget(item)
        return row

    def _actions(self) -> Card:
        card = Card()
        self.play = button(
            "Play", "takePlay", lambda: self._tell(self.play_wanted), kind="primary", icon="play"
        )
        self.repair = button(
            "Repair", "takeRepair", lambda: self._tell(self.repair_wanted), kind="primary", icon="repair"
        )
        self.process = button(
            "Process again…", "takeProcess", lambda: self._tell(self.process_wanted), icon="repeat"
        )
        self.export = button("Export…", "takeExport", lambda: self._tell(self.export_wanted), icon="export")
        self.report = button("Report", "takeReport", lambda: self._tell(self.report_wanted), icon="report")
        rows: tuple[tuple[QWidget, ...], ...] = (
            (self.play, self.repair, self.report),
            (self.process, self.export),
        )
        for widgets in rows:
            row = QHBoxLayout()
            row.setSpacing(theme.SPACE)
            for widget in widgets:
                row.addWidget(widget, 1)
            card.body.addLayout(row)
        return card

    def show_take(self) -> None:
        """Show the chosen take as it is now."""
        entry = self.presenter.entry()
        if entry is None:
            return
        digest = self.presenter.digest(entry)
        self.picture.show_pixmap(self._picture_of(digest))
        self.name.setText(entry.name)
        self.label.setText(entry.label)
        self.label.setVisible(bool(entry.label))
        for key, words in _facts(entry).items():
            self._fact_labels[key].setText(words)
        theme.set_role(self._fact_labels["state"], STATE_WORDS[entry.state][1].replace("quiet", ""))
        self.quality.show_digest(digest if entry.is_usable else None, self._otherwise(entry))
        busy = bool(self.presenter.work.tasks.active(entry.folder))
        is_interrupted = entry.state == "interrupted"
        self.play.setVisible(not is_interrupted)
        self.play.setEnabled(entry.is_usable)
        self.repair.setVisible(is_interrupted)
        self.repair.setEnabled(not busy)
        self.process.setEnabled(entry.is_usable)
        self.export.setEnabled(entry.is_usable and entry.has_poses)
        self.export.setToolTip("" if entry.has_poses else "This take has no poses to export")
        self.report.setEnabled(entry.is_usable)
        self.rename.setEnabled(entry.is_usable and not busy)
        self.delete.setEnabled(entry.state != "recording" and not busy)

    def _otherwise(self, entry: TakeEntry) -> str:
        if entry.state == "recording":
            return "Known when the recording has ended."
        if entry.state == "interrupted":
            return "Known after the repair."
        if entry.state == "unreadable":
            return entry.problem
        return "Being computed."

    def _tell(self, signal: object) -> None:
        entry = self.presenter.entry()
        if entry is not None:
            signal.emit(entry.folder)  # type: ignore[attr-defined]  # a bound signal


def _facts(entry: TakeEntry) -> dict[str, str]:
    names = ", ".join(entry.cameras)
    cameras = f"{len(entry.cameras)} ({names})" if entry.cameras else "–"
    frames = f"{entry.frames} per camera" if entry.frames else "–"
    if entry.dropped:
        frames += f", {entry.dropped} lost"
    return {
        "recorded": date_words(entry.recorded),
        "length": duration_words(entry.seconds),
        "cameras": cameras,
        "frames": frames,
        "pipeline": pipeline_words(entry),
        "state": STATE_WORDS[entry.state][0],
    }
