"""The home page: three ways to begin, later the rig and the takes of last time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.help.about import AboutDialog
from app.page import Page
from app.studio import Studio
from app.welcome.choice import Choice
from app.welcome.presenter import WelcomePresenter
from app.welcome.rig_card import RigCard
from app.welcome.take_tile import TakeTile
from app.widgets.buttons import button
from app.widgets.card import Card
from app.widgets.notice_bar import NoticeBar

_WIDEST: Final = 124 * theme.SPACE
_MOST_RIGS: Final = 4


class WelcomePage(Page):
    """Never empty: what can be done next is always there."""

    name = "welcome"
    title = "Home"
    icon = "home"

    def __init__(self, studio: Studio, cache: Path | None = None) -> None:
        super().__init__(studio)
        self.presenter = WelcomePresenter(studio, cache, self)
        self._shown_rigs: list[Path] | None = None
        self._shown_takes: list[Path] | None = None
        self._tiles: list[TakeTile] = []
        self._interrupted_shown = 0
        self._notices = QVBoxLayout()
        self._compose()
        self.presenter.changed.connect(self.refresh)
        self.add_action("Try the simulated studio", "Ctrl+T", self.try_simulated)
        self.add_action("Look again", "F5", self.presenter.enter)
        self.refresh()

    def entered(self) -> None:
        """Look at everything again."""
        self.presenter.enter()
        self.refresh()

    def shutdown(self) -> None:
        """End threads and processes."""
        self.presenter.shutdown()

    def refresh(self) -> None:
        """Show what is true now."""
        presenter = self.presenter
        first = presenter.first_start
        was_choosing = self._first.isVisible() and self._first.isAncestorOf(QApplication.focusWidget())
        self._welcome.setText("Welcome to Posestage" if first else "Home")
        self._subtitle.setVisible(first)
        self._column.setStretch(0, 2 if first else 0)  # three choices stand in the middle, not at the top
        self._column.setStretch(self._column.count() - 1, 3)
        self._first.setVisible(first)
        self._later.setVisible(not first)
        self._show_interrupted(presenter.interrupted)
        self.rig_card.setVisible(self.studio.rig is not None)
        if self.studio.rig is not None:
            self.rig_card.show_rig(presenter)
            if was_choosing and not first:
                self.rig_card.focus_next_step()  # the keyboard goes on where the choice led
        self._begin_title.setText("Begin something else" if self.studio.rig is not None else "Begin")
        self._show_rigs(presenter.recent_rigs[:_MOST_RIGS])
        self._show_takes()

    def try_simulated(self) -> None:
        """The simulated studio; asks when cameras are live."""
        self._in_peace(self.presenter.try_simulated)

    def open_rig(self, path: Path) -> None:
        """One of the recent rigs; asks when cameras are live."""
        self._in_peace(partial(self.presenter.open_rig, path))

    def show_about(self) -> None:
        """Version and folders."""
        AboutDialog(self.studio, self).exec()

    def _in_peace(self, action: Callable[[], object]) -> None:
        if self.presenter.running == "live":
            box = QMessageBox(self)
            box.setObjectName("stop_live")
            box.setIcon(QMessageBox.Icon.Question)
            box.setWindowTitle("Stop live?")
            box.setText("Cameras are live. Other cameras can be used once these are stopped.")
            stop = box.addButton("&Stop live and go on", QMessageBox.ButtonRole.AcceptRole)
            cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
            box.setDefaultButton(cancel)
            box.setEscapeButton(cancel)
            box.exec()
            if box.clickedButton() is not stop:
                return
        action()

    def _show_interrupted(self, count: int) -> None:
        if count == self._interrupted_shown:
            return
        self._interrupted_shown = count
        while (item := self._notices.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        if count:
            what = "A take was interrupted" if count == 1 else f"{count} takes were interrupted"
            text = f"{what}. What was recorded is there and can be repaired."
            self._notices.addWidget(
                NoticeBar("warning", text, [("repair", "&Repair …", self.presenter.repair)])
            )

    def _show_rigs(self, paths: list[Path]) -> None:
        self._rigs_card.setVisible(bool(paths))
        if paths == self._shown_rigs:
            return
        self._shown_rigs = paths
        while (item := self._rigs_card.body.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for place, path in enumerate(paths):
            entry = button(
                path.stem, f"recent_rig_{place}", partial(self.open_rig, path), kind="quiet", icon="camera"
            )
            entry.setToolTip(str(path))
            entry.setStyleSheet("text-align: left;")
            self._rigs_card.body.addWidget(entry)
        self._rigs_card.body.addStretch(1)

    def _show_takes(self) -> None:
        takes = self.presenter.takes
        self._takes.setVisible(bool(takes))
        if (folders := [entry.folder for entry in takes]) != self._shown_takes:
            self._shown_takes = folders
            while (item := self._take_row.takeAt(0)) is not None:
                if (old := item.widget()) is not None:
                    old.hide()
                    old.deleteLater()
            self._tiles = [TakeTile(entry, place) for place, entry in enumerate(takes)]
            for tile, entry in zip(self._tiles, takes, strict=True):
                tile.clicked.connect(lambda _checked, folder=entry.folder: self.presenter.show_take(folder))
                self._take_row.addWidget(tile)
            self._take_row.addStretch(1)
        for tile, entry in zip(self._tiles, takes, strict=True):
            tile.show_digest(self.presenter.digest(entry))

    # Building

    def _compose(self) -> None:
        inside = QWidget()
        inside.setObjectName("scrolled")
        inside.setMaximumWidth(_WIDEST)
        column = QVBoxLayout(inside)
        column.setContentsMargins(4 * theme.SPACE, 3 * theme.SPACE, 4 * theme.SPACE, 3 * theme.SPACE)
        column.setSpacing(3 * theme.SPACE)
        column.addStretch(0)
        column.addLayout(self._header())
        column.addLayout(self._notices)
        self._first = self._first_start()
        self._later = self._later_start()
        column.addWidget(self._first)
        column.addWidget(self._later)
        column.addStretch(1)
        self._column = column
        centre = QWidget()
        centre.setObjectName("scrolled")
        row = QHBoxLayout(centre)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(inside, 1000)
        row.addStretch(1)
        scroll = QScrollArea()
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a stop of the Tab key that shows nothing
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(centre)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def _header(self) -> QHBoxLayout:
        self._welcome = QLabel()
        self._welcome.setObjectName("welcome_title")
        self._welcome.setProperty("role", "title")
        self._subtitle = QLabel(
            "3D motion capture with several cameras and no markers. Where would you like to begin?"
        )
        self._subtitle.setProperty("role", "quiet")
        titles = QVBoxLayout()
        titles.setSpacing(theme.SPACE)
        titles.addWidget(self._welcome)
        titles.addWidget(self._subtitle)
        row = QHBoxLayout()
        row.addLayout(titles, 1)
        row.addWidget(button("A&bout", "about", self.show_about, kind="quiet", icon="info"))
        return row

    def _first_start(self) -> QWidget:
        widget = QWidget()
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * theme.SPACE)
        for choice in self._choices("first", small=False):
            row.addWidget(choice, 1)
        return widget

    def _later_start(self) -> QWidget:
        widget = QWidget()
        column = QVBoxLayout(widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3 * theme.SPACE)
        self.rig_card = RigCard(self.presenter)
        self._rigs_card = Card("Other rigs")
        upper = QHBoxLayout()
        upper.setSpacing(2 * theme.SPACE)
        upper.addWidget(self.rig_card, 2)
        upper.addWidget(self._rigs_card, 1)
        column.addLayout(upper)
        column.addWidget(self._recent_takes())
        begin = QVBoxLayout()
        begin.setSpacing(theme.SPACE)
        self._begin_title = QLabel()
        self._begin_title.setProperty("role", "heading")
        begin.addWidget(self._begin_title)
        row = QHBoxLayout()
        row.setSpacing(2 * theme.SPACE)
        for choice in self._choices("again", small=True):
            row.addWidget(choice, 1)
        begin.addLayout(row)
        column.addLayout(begin)
        return widget

    def _recent_takes(self) -> QWidget:
        self._takes = QWidget()
        column = QVBoxLayout(self._takes)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        heading = QHBoxLayout()
        title = QLabel("Recent takes")
        title.setProperty("role", "heading")
        heading.addWidget(title)
        heading.addStretch(1)
        heading.addWidget(button("All &takes", "all_takes", self.presenter.open_recordings, kind="quiet"))
        column.addLayout(heading)
        self._take_row = QHBoxLayout()
        self._take_row.setSpacing(2 * theme.SPACE)
        column.addLayout(self._take_row)
        return self._takes

    def _choices(self, kind: str, *, small: bool) -> list[QPushButton]:
        presenter = self.presenter
        return [
            Choice(
                "cube",
                "Try the &simulated studio",
                "Virtual cameras film a virtual person. No camera needed; all works as with real ones.",
                f"{kind}_simulated",
                self.try_simulated,
                small=small,
            ),
            Choice(
                "camera",
                "Set &up cameras",
                "Find webcams, add network cameras or videos, and test what each delivers.",
                f"{kind}_cameras",
                presenter.set_up_cameras,
                small=small,
            ),
            Choice(
                "takes",
                "&Open recordings",
                "Play takes in 3D, look at joints over time, export them for other programs.",
                f"{kind}_recordings",
                presenter.open_recordings,
                small=small,
            ),
        ]
