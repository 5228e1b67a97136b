"""Showing the board: every camera with its coverage, who sees it together, what is still needed."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Final

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.calibrate import advice
from app.calibrate.board_tile import BoardTile
from app.calibrate.failure_view import FailureView
from app.calibrate.graph_view import NOTHING_SHARED, GraphView
from app.calibrate.promise_strip import PromiseStrip
from app.calibrate.step_view import StepView, say, scrolled, text
from app.calibrate.wizard import Wizard
from app.session.picture_feed import PictureFeed
from app.widgets.buttons import button
from app.widgets.card import Card
from pipeline.calibrating.state import CalibrationState

_PICTURES_MS: Final = 80


class ShowStep(StepView):
    """Tiles on the left, what to do on the right."""

    def __init__(self, wizard: Wizard) -> None:
        super().__init__(wizard)
        self.tiles: dict[str, BoardTile] = {}
        self._feed = PictureFeed(self._ring)
        self._searched_ns: dict[str, int] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(_PICTURES_MS)
        self._timer.timeout.connect(self.draw_pictures)
        self.next_thing = text("Starting the cameras …", "heading", "nextThing")
        self.others = text(role="quiet", name="otherThings")
        self.graph = GraphView()
        self.weakest = text(name="weakestPair")
        self.promises = PromiseStrip()
        self.floor_words = text(name="floorWords")
        self.mark = button("It lies on the floor now", "markFloor", wizard.mark_floor, icon="mark")
        self.wait_floor = QCheckBox("Wait until it has lain there")
        self.wait_floor.setObjectName("wantFloor")
        self.wait_floor.clicked.connect(wizard.want_floor)
        self.by_itself = QCheckBox("Finish by itself when enough")
        self.by_itself.setObjectName("byItself")
        self.by_itself.clicked.connect(wizard.end_by_itself)
        self.map = QCheckBox("Show coverage")
        self.map.setObjectName("showMap")
        self.map.setChecked(True)
        self.map.toggled.connect(self._show_map)
        self.searching = QProgressBar()
        self.searching.setObjectName("searchProgress")
        self.searching_words = text(role="quiet", name="searchWords")
        self.failure = FailureView(wizard)
        self._compose()
        wizard.state_changed.connect(self.refresh)
        wizard.progress.connect(self._show_search)
        wizard.changed.connect(self.refresh)
        self.refresh()

    def entered(self) -> None:
        """Draw pictures."""
        self._timer.start()

    def left(self) -> None:
        """Let the cameras' memory go."""
        self._timer.stop()
        self._feed.close()
        self._searched_ns.clear()

    shutdown = left

    def refresh(self) -> None:
        """Show the newest state."""
        wizard, state = self.wizard, self.wizard.state
        if not self.isVisible() and state is not None and self.tiles:
            return
        self.stack.setCurrentWidget(self.failure if wizard.failure is not None else self.showing)
        self.failure.refresh()
        live = wizard.order.live
        self.floor_card.setVisible(live)
        self.by_itself.setVisible(live)
        self.by_itself.setChecked(wizard.order.by_itself)
        self.wait_floor.setChecked(wizard.order.waits_for_floor)
        searching = not live and state is None
        self.searching.setVisible(searching)
        self.searching_words.setVisible(searching)
        if state is None or not state.cameras:
            waiting = "Waiting for the live view to let go of the cameras …"
            starting = waiting if wizard.waiting_for_session else "Starting the cameras …"
            say(self.next_thing, "heading", starting if live else "Searching the recording for the board …")
            self.others.setText("")
            self.graph.show_graph((), NOTHING_SHARED)
            say(self.weakest, "quiet", "")
            self._set_tiles(wizard.studio.rig.names if live and wizard.studio.rig is not None else ())
            self._show_promises()
            self.mark.setEnabled(False)
            say(self.floor_words, "quiet", "")
            return
        self._set_tiles(tuple(state.cameras))
        for name, one in state.cameras.items():
            tile = self.tiles[name]
            tile.show_progress(advice.camera_state(one, state.wanted), one.views, one.covered, one.counts)
            if not live:
                tile.show_corners(one.corners, one.size)
        level, words = advice.next_thing(state)
        if not live:
            level, words = _searched_words(state)
        self.next_thing.setText(words)
        theme.set_role(self.next_thing, "good" if level == "good" else "heading")
        self.others.setText("\n".join(advice.others(state)))
        pair = state.weakest
        lacking = pair is not None and pair.shared < pair.wanted and not advice.unseen_of(state)
        self.graph.show_graph(
            tuple(state.cameras),
            state.shared,
            weak=pair.cameras if pair is not None and lacking else (),
            enough=state.wanted.shared,
            seeing=[name for name, one in state.cameras.items() if one.sees_board and live],
        )
        say(self.weakest, *advice.weakest_words(state))
        self._show_promises()
        self.mark.setEnabled(live and state.phase == "collecting")
        say(self.floor_words, *advice.floor_words(state, wizard.order.waits_for_floor))

    def draw_pictures(self) -> None:
        """Newest pictures into the tiles: those that were searched, with their corners."""
        state = self.wizard.state
        if state is None or state.phase != "collecting":
            return
        for name, one in state.cameras.items():
            tile = self.tiles.get(name)
            if tile is None or not one.ring:
                continue
            size = tile.picture_size()
            if one.time_ns and one.time_ns != self._searched_ns.get(name):
                self._searched_ns[name] = one.time_ns
                picture = self._feed.at(name, one.time_ns, size)
                if picture is not None:
                    tile.show_corners(one.corners, one.size)
                    tile.show_picture(picture)
                    continue
            elif one.time_ns:
                continue
            picture = self._feed.newest(name, size)
            if picture is not None:
                tile.show_corners(one.corners[:0], one.size)
                tile.show_picture(picture)

    def _ring(self, camera: str) -> str | None:
        state = self.wizard.state
        return state.cameras[camera].ring or None if state is not None and camera in state.cameras else None

    def _set_tiles(self, names: tuple[str, ...]) -> None:
        if tuple(self.tiles) == names:
            return
        self._feed.close()
        self._searched_ns.clear()
        for tile in self.tiles.values():
            self.grid.removeWidget(tile)
            tile.deleteLater()
        self.tiles = {name: BoardTile(name) for name in names}
        columns = max(1, ceil(sqrt(len(names))))
        for place, tile in enumerate(self.tiles.values()):
            tile.set_map(self.map.isChecked())
            if not self.wizard.order.live:
                tile.placeholder = "The board was not found"
            self.grid.addWidget(tile, place // columns, place % columns)

    def _show_map(self, on: bool) -> None:
        for tile in self.tiles.values():
            tile.set_map(on)

    def _show_search(self, share: float, words: str) -> None:
        self.searching.setRange(0, 0 if share < 0 else 1000)
        self.searching.setValue(round(1000 * max(0.0, share)))
        self.searching_words.setText(words)

    def _show_promises(self) -> None:
        state = self.wizard.state
        waiting = (
            "How good it would be by now is told as soon as every camera has seen enough."
            if self.wizard.order.live
            else "How good it is, is told after the solve."
        )
        self.promises.show_promises(advice.promises(state) if state is not None else (), waiting)

    def _compose(self) -> None:
        board = QWidget()
        self.grid = QGridLayout(board)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setSpacing(theme.SPACE)
        doing = Card()
        doing.body.addWidget(self.next_thing)
        doing.body.addWidget(self.others)
        doing.body.addWidget(self.searching)
        doing.body.addWidget(self.searching_words)
        together = Card("Cameras together")
        together.body.addWidget(self.graph, 1)
        together.body.addWidget(self.weakest)
        self.floor_card = Card("Floor")
        self.floor_card.header.addWidget(self.mark)
        self.floor_card.body.addWidget(self.floor_words)
        self.floor_card.body.addWidget(self.wait_floor)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, theme.SPACE, 0)
        column.setSpacing(2 * theme.SPACE)
        column.addWidget(doing)
        column.addWidget(together, 1)
        column.addWidget(self.floor_card)
        area = scrolled(side)
        area.setMaximumWidth(376)
        self.showing = QWidget()
        inner = QHBoxLayout(self.showing)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(2 * theme.SPACE)
        pictures = QVBoxLayout()
        pictures.setSpacing(theme.SPACE)
        pictures.addWidget(board, 1)
        pictures.addWidget(self.promises)
        switches = QHBoxLayout()
        switches.setSpacing(2 * theme.SPACE)
        switches.addWidget(self.by_itself)
        switches.addWidget(self.map)
        switches.addStretch(1)
        pictures.addLayout(switches)
        inner.addLayout(pictures, 1)
        inner.addWidget(area)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.showing)
        self.stack.addWidget(self.failure)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.stack)


def _searched_words(state: CalibrationState) -> tuple[advice.Level, str]:
    if state.missing:
        return "warning", "The recording holds less than would be good. It can be tried all the same."
    return "good", f"The board was found in {state.kept_views} pictures. That is enough to calibrate."
