"""The player: camera tiles, skeleton in space, transport, timeline, graphs."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from PyQt6.QtCore import QSignalBlocker, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSplitter,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.space.space_view import SpaceView, make_space_view
from app.takes.graphs_panel import COMPACT, GraphsPanel
from app.takes.marks_panel import MarksPanel
from app.takes.playback import SPEEDS
from app.takes.player_presenter import PlayerPresenter, Shown
from app.takes.timeline_bar import Flag, TimelineBar
from app.takes.words import clock_words
from app.widgets.buttons import button, icon_button
from app.widgets.camera_tile import CameraTile
from app.widgets.empty_state import EmptyState

_RESIZED_MS: Final = 120
_SPACE_OPTIONS: Final = {
    "trails": ("Trails", "Where hands, feet and hips have been"),
    "uncertainty": ("Uncertainty", "Ellipsoids of two standard deviations"),
    "frusta": ("Cameras", "Where the cameras stand"),
    "pictures": ("Pictures", "What the cameras see, at the cameras"),
    "follow": ("Follow", "Keep the people in the middle"),
}


class PlayerView(QWidget):
    """Shows what the player's presenter has ready; decides nothing."""

    back_wanted = pyqtSignal()
    report_wanted = pyqtSignal()
    export_wanted = pyqtSignal()
    process_wanted = pyqtSignal()

    def __init__(self, presenter: PlayerPresenter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("playerView")
        self.presenter = presenter
        self.tiles: dict[str, CameraTile] = {}
        self.zoomed: str | None = None
        self.space: SpaceView | None = None
        self._compose()
        self._resized = QTimer(self)
        self._resized.setSingleShot(True)
        self._resized.setInterval(_RESIZED_MS)
        self._resized.timeout.connect(self._tell_sizes)
        presenter.opened.connect(self._opened)
        presenter.shown.connect(self._show)
        presenter.playback.moved.connect(self._moved)
        presenter.playback.playing_changed.connect(self._playing)
        presenter.playback.speed_changed.connect(self._speed)
        presenter.playback.loop_changed.connect(self._loop_changed)
        presenter.marks.changed.connect(self._marks_changed)
        presenter.series.ready.connect(self.graphs.show_series)
        self._playing(False)

    # Composition

    def _compose(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * theme.SPACE, theme.SPACE, 2 * theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        column.addLayout(self._header())
        self.banner = QLabel()
        self.banner.setObjectName("banner")
        self.banner.setProperty("role", "banner")
        self.banner.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.banner.setWordWrap(True)
        column.addWidget(self.banner)
        self.grid_area = QWidget()
        self.grid_area.setObjectName("playerTiles")
        self._grid = QGridLayout(self.grid_area)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.SPACE)
        self._space_area = QWidget()
        self._space_column = QVBoxLayout(self._space_area)
        self._space_column.setContentsMargins(0, 0, 0, 0)
        self._space_column.setSpacing(theme.SPACE)
        self._space_column.addLayout(self._space_options())
        self._upper = QSplitter(Qt.Orientation.Horizontal)
        self._upper.setObjectName("playerUpper")
        self._upper.setChildrenCollapsible(False)
        self._upper.setHandleWidth(theme.SPACE)
        self._upper.addWidget(self.grid_area)
        self._upper.addWidget(self._space_area)
        self._upper.setStretchFactor(0, 1)
        self._upper.setStretchFactor(1, 1)
        self._upper.setSizes([5000, 5000])
        self._upper.splitterMoved.connect(lambda *_: self._resized.start())
        self.empty = EmptyState("takes", "Opening the take", "A long take needs a moment.")
        self.empty.setObjectName("playerEmpty")
        middle = QWidget()
        inside = QVBoxLayout(middle)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(theme.SPACE)
        inside.addWidget(self._upper, 1)
        inside.addWidget(self.empty, 1)
        inside.addLayout(self._transport())
        self.timeline = TimelineBar()
        self.timeline.sought.connect(self.presenter.playback.seek_time)
        inside.addWidget(self.timeline)
        self.graphs = GraphsPanel()
        self.graphs.wanted.connect(self.presenter.want_series)
        self.graphs.sought.connect(self.presenter.playback.seek_time)
        self.marks = MarksPanel()
        self.marks.sought.connect(self._seek_mark)
        self.marks.renamed.connect(self.presenter.marks.edit)
        self.marks.removed.connect(self.presenter.marks.remove)
        self.marks.add_wanted.connect(self.mark_here)
        self.tabs = QTabWidget()
        self.tabs.setObjectName("playerTabs")
        self.tabs.addTab(self.graphs, "Graphs")
        self.tabs.addTab(self.marks, "Marks and events")
        self._lower = QSplitter(Qt.Orientation.Vertical)
        self._lower.setObjectName("playerLower")
        self._lower.setHandleWidth(theme.SPACE)
        self._lower.addWidget(middle)
        self._lower.addWidget(self.tabs)
        self._lower.setStretchFactor(0, 3)
        self._lower.setStretchFactor(1, 2)
        self._lower.setCollapsible(0, False)
        self._lower.setSizes([6400, 3600])
        self._lower.splitterMoved.connect(lambda *_: self._resized.start())
        column.addWidget(self._lower, 1)

    def _header(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        self.back = button("Takes", "playerBack", self.back_wanted.emit, kind="quiet", icon="back")
        self.back.setToolTip("Back to the list (Esc)")
        self.title = QLabel()
        self.title.setObjectName("playerTitle")
        self.title.setProperty("role", "heading")
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.facts = QLabel()
        self.facts.setProperty("role", "quiet")
        self.facts.setTextFormat(Qt.TextFormat.PlainText)
        self.facts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.back)
        row.addWidget(self.title)
        row.addWidget(self.facts, 1)
        row.addWidget(button("Process again…", "playerProcess", self.process_wanted.emit, icon="repeat"))
        row.addWidget(button("Export…", "playerExport", self.export_wanted.emit, icon="export"))
        row.addWidget(button("Report", "playerReport", self.report_wanted.emit, icon="report"))
        return row

    def _space_options(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE // 2)
        self.options: dict[str, QToolButton] = {}
        for name, (text, tip) in _SPACE_OPTIONS.items():
            choice = self._toggle(f"space_{name}", text, tip)
            choice.toggled.connect(lambda on, option=name: self._set_option(option, on))
            self.options[name] = choice
            row.addWidget(choice)
        row.addStretch(1)
        self.smoothed = self._toggle(
            "space_smoothed", "Smoothed", "Joints after the live filter, or as measured"
        )
        self.smoothed.setChecked(True)
        self.smoothed.toggled.connect(self._set_smoothed)
        row.addWidget(self.smoothed)
        self.reset_space = icon_button("home", "space_reset", "Reset the 3D view (R)", self._reset_space)
        row.addWidget(self.reset_space)
        return row

    def _transport(self) -> QHBoxLayout:
        playback = self.presenter.playback
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE // 2)
        self.play = icon_button("play", "playerPlay", "Play (Space)", playback.toggle)
        self.pause = icon_button("pause", "playerPause", "Pause (Space)", playback.toggle)
        buttons = (
            icon_button("first", "playerHome", "To the start (Home)", playback.go_home),
            icon_button("back", "playerStepBack", "One instant back (Left)", lambda: playback.step(-1)),
            self.play,
            self.pause,
            icon_button("forward", "playerStep", "One instant on (Right)", lambda: playback.step(1)),
            icon_button("last", "playerEnd", "To the end (End)", playback.go_end),
        )
        for item in buttons:
            row.addWidget(item)
        self.clock = QLabel(clock_words(0))
        self.clock.setObjectName("playerClock")
        self.clock.setProperty("role", "number")
        self.position = QLabel()
        self.position.setObjectName("playerPosition")
        self.position.setProperty("role", "quiet")
        row.addSpacing(theme.SPACE)
        row.addWidget(self.clock)
        row.addSpacing(theme.SPACE)
        row.addWidget(self.position)
        row.addStretch(1)
        self.speed = QComboBox()
        self.speed.setObjectName("playerSpeed")
        self.speed.setToolTip("Speed (+ and -)")
        for speed in SPEEDS:
            self.speed.addItem(f"{speed:g}×", speed)
        self.speed.setCurrentIndex(SPEEDS.index(1.0))
        self.speed.currentIndexChanged.connect(lambda: playback.set_speed(float(self.speed.currentData())))
        self.loop = self._toggle("playerLoop", "Repeat", "Repeat the take, or the range (L)")
        self.loop.clicked.connect(playback.toggle_loop)
        self.loop_from = button("From here", "playerLoopFrom", playback.loop_from_here, kind="quiet")
        self.loop_from.setToolTip("Repeat from this instant on ([)")
        self.loop_to = button("To here", "playerLoopTo", playback.loop_to_here, kind="quiet")
        self.loop_to.setToolTip("Repeat up to this instant (])")
        self.mark = button("Mark", "playerMark", self.mark_here, icon="mark", tip="Mark this instant (M)")
        controls: tuple[QWidget, ...] = (self.speed, self.loop, self.loop_from, self.loop_to, self.mark)
        for control in controls:
            row.addWidget(control)
        return row

    def _toggle(self, name: str, text: str, tip: str) -> QToolButton:
        choice = QToolButton()
        choice.setObjectName(name)
        choice.setText(text)
        choice.setToolTip(tip)
        choice.setCheckable(True)
        choice.setProperty("kind", "quiet")
        if name.startswith("space_"):
            choice.setStyleSheet(COMPACT)
        return choice

    # What the presenter says

    def show_opening(self, name: str) -> None:
        """A take is being opened."""
        self.title.setText(name)
        self.facts.setText("")
        self.banner.hide()
        self._upper.hide()
        self.empty.title.setText("Opening the take")
        self.empty.text.setText("A long take needs a moment.")
        self.empty.show()

    def _opened(self) -> None:
        presenter, data = self.presenter, self.presenter.data
        assert data is not None
        header = data.header
        self.title.setText(header.name)
        pipeline = header.pipeline if data.poses is not None else "no poses"
        rate = data.timeline.rate_hz
        cameras = "1 camera" if len(data.cameras) == 1 else f"{len(data.cameras)} cameras"
        self.facts.setText(f"{cameras} · {len(data)} instants at {rate:.0f} per second · {pipeline}")
        self.banner.setText(header.label)
        self.banner.setVisible(bool(header.label))
        self._build_tiles(data.cameras)
        has_space = data.poses is not None or data.rig is not None
        self._space_area.setVisible(has_space)
        if has_space:
            self._space().set_rig(data.rig)
            self._space().clear_trails()
            if data.skeleton is not None:
                self._space().show_people(np.zeros((0, len(data.skeleton), 3)), data.skeleton)
        empty = len(data) == 0
        self.empty.title.setText("Nothing was recorded")
        self.empty.text.setText("No camera delivered a picture while this take was recorded.")
        self.empty.setVisible(empty)
        self._upper.setVisible(not empty)
        self.timeline.set_take(presenter.playback.span, data.drops)
        self.graphs.set_take(data.skeleton, data.people, presenter.playback.span)
        self._loop_changed()
        self._moved(presenter.playback.instant)
        self._resized.start()

    def _show(self, shown: Shown) -> None:
        presenter = self.presenter
        skeleton = presenter.skeleton
        for camera, tile in self.tiles.items():
            if camera not in shown.pictures:
                continue
            picture = shown.pictures[camera]
            if picture is None:
                tile.clear()
                tile.show_health("warning", "", "No picture at this instant")
                continue
            tile.show_health("quiet", "")
            tile.show_picture(picture, presenter.picture_size(camera))
            tile.show_keypoints(shown.keypoints[camera], skeleton)
        if self.space is not None and self._space_area.isVisible() and skeleton is not None:
            if shown.jumped:
                self.space.clear_trails()
            self.space.show_people(shown.joints, skeleton, shown.person, shown.covariance)
            if self.space.options["pictures"]:
                there = {name: picture for name, picture in shown.pictures.items() if picture is not None}
                self.space.show_pictures(there)

    def _moved(self, instant: int) -> None:
        playback = self.presenter.playback
        self.clock.setText(clock_words(playback.seconds))
        end = clock_words(playback.span[1])
        self.position.setText(
            f"of {end} · instant {instant + 1} of {playback.count}" if playback.count else ""
        )
        self.timeline.set_seconds(playback.seconds)
        self.graphs.set_seconds(playback.seconds)

    def _playing(self, playing: bool) -> None:
        self.play.setVisible(not playing)
        self.pause.setVisible(playing)

    def _speed(self, speed: float) -> None:
        with QSignalBlocker(self.speed):
            self.speed.setCurrentIndex(int(np.argmin([abs(known - speed) for known in SPEEDS])))

    def _loop_changed(self) -> None:
        loop, data = self.presenter.playback.loop, self.presenter.data
        self.loop.setChecked(loop is not None)
        times = None
        if loop is not None and data is not None:
            times = (float(data.seconds[loop[0]]), float(data.seconds[loop[1]]))
        self.timeline.set_loop(times)

    def _marks_changed(self) -> None:
        known, data = self.presenter.marks, self.presenter.data
        if data is None:
            return
        flags = [Flag(known.seconds_of(mark.t_ns), mark.text, True) for mark in known.marks]
        flags += [Flag(known.seconds_of(event.t_ns), event.message, False) for event in known.events]
        self.timeline.set_flags(flags)
        self.marks.show_rows(known.marks, known.events, data.header.origin_ns)
        count = len(known.marks) + len(known.events)
        self.tabs.setTabText(1, f"Marks and events ({count})" if count else "Marks and events")

    # Hands

    def mark_here(self) -> None:
        """Mark the present instant; its name can be changed in the list."""
        self.presenter.mark_here()

    def _seek_mark(self, t_ns: int) -> None:
        self.presenter.playback.seek_time(self.presenter.marks.seconds_of(t_ns))

    def zoom(self, camera: str | None) -> None:
        """Show one camera alone, or all."""
        self.zoomed = camera if camera in self.tiles else None
        for name, tile in self.tiles.items():
            tile.setVisible(self.zoomed in {None, name})
        self._resized.start()

    def _tile_zoomed(self, camera: str) -> None:
        self.zoom(None if self.zoomed is not None else camera)

    def zoom_next(self) -> None:
        """The next camera alone; after the last one all."""
        names: list[str | None] = [None, *self.tiles]
        self.zoom(names[(names.index(self.zoomed) + 1) % len(names)])

    def leave(self) -> None:
        """No longer visible."""
        self.presenter.playback.pause()

    def shutdown(self) -> None:
        """End what draws in other processes."""
        if self.space is not None:
            self.space.shutdown()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Pictures are decoded in the size they are shown in."""
        super().resizeEvent(event)
        self._resized.start()

    def _build_tiles(self, cameras: tuple[str, ...]) -> None:
        if tuple(self.tiles) == cameras:
            for tile in self.tiles.values():
                tile.clear()
            self.zoom(None)
            return
        for tile in self.tiles.values():
            self._grid.removeWidget(tile)
            tile.hide()
            tile.deleteLater()
        self.tiles = {}
        self.zoomed = None
        columns = max(1, math.ceil(math.sqrt(len(cameras))))
        for place, camera in enumerate(cameras):
            tile = CameraTile(camera)
            tile.setObjectName(f"playerTile_{camera}")
            tile.setToolTip("Double click to show this camera alone (Z for the next)")
            tile.zoomed.connect(self._tile_zoomed)
            self.tiles[camera] = tile
            self._grid.addWidget(tile, place // columns, place % columns)

    def _space(self) -> SpaceView:
        if self.space is None:
            self.space = make_space_view(self._space_area)
            self.space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
            self._space_column.addWidget(self.space, 1)
            for name, choice in self.options.items():
                with QSignalBlocker(choice):
                    choice.setChecked(self.space.options[name])
            self.space.option_changed.connect(self._option_changed)
        return self.space

    def _set_option(self, name: str, on: bool) -> None:
        if self.space is not None:
            self.space.set_option(name, on)
            self.presenter.refresh()

    def _option_changed(self, name: str, on: bool) -> None:
        choice = self.options.get(name)
        if choice is not None:
            with QSignalBlocker(choice):
                choice.setChecked(on)

    def _set_smoothed(self, on: bool) -> None:
        self.presenter.set_smoothed(on)
        self.graphs.ask_again()

    def _reset_space(self) -> None:
        if self.space is not None:
            self.space.reset()

    def _tell_sizes(self) -> None:
        shown = {name: tile for name, tile in self.tiles.items() if self.zoomed in {None, name}}
        self.presenter.set_sizes({name: tile.picture_size for name, tile in shown.items()})
