"""The live page: cameras, people in space, figures, and the panels that steer them."""

from __future__ import annotations

from typing import Final

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.live.display import LiveDisplay
from app.live.figures_view import FiguresView
from app.live.pipeline_panel import PipelinePanel
from app.live.pipeline_presenter import PipelinePresenter
from app.live.pose_figures import PoseFigures
from app.live.presenter import LivePresenter
from app.live.record_panel import RecordPanel
from app.live.record_presenter import RecordPresenter
from app.live.switch_row import SwitchRow
from app.live.take_card import TakeCard
from app.live.take_presenter import TakePresenter
from app.live.tile_wall import TileWall
from app.live.timeline import Timeline
from app.page import Page
from app.space.space_view import make_space_view
from app.studio import Studio
from app.widgets.buttons import button
from app.widgets.card import Card
from app.widgets.empty_state import EmptyState

_PANEL_WIDTH: Final = 40 * theme.SPACE
_DISPLAY_MS: Final = 8
"""How often it is asked whether something is new; drawn is at most 30 times a second."""


class LivePage(Page):
    """Everything while cameras run. Recording and cameras go on when another page is shown."""

    name = "live"
    title = "Live"
    icon = "live"

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.pipelines = PipelinePresenter(studio, parent=self)
        self.presenter = LivePresenter(studio, self.pipelines, self)
        self.recorder = RecordPresenter(studio, parent=self)
        self.takes = TakePresenter(studio, parent=self)
        self.figures = PoseFigures(studio, parent=self)
        self.wall = TileWall()
        self.space = make_space_view(self, engine=studio.preferences.space_view)
        self.timeline = Timeline()
        self.display = LiveDisplay(studio, self.wall, self.space)
        self.switches = SwitchRow(self.display, self.space, self.timeline)
        self._clock = QTimer(self)
        self._clock.setInterval(_DISPLAY_MS)
        self._clock.setTimerType(Qt.TimerType.PreciseTimer)
        self._clock.timeout.connect(self.display.draw)
        self._compose()
        self._add_keys()
        self.presenter.changed.connect(self.refresh)
        self.presenter.judged.connect(self._judged)
        self.presenter.cameras_changed.connect(self._take_cameras)
        studio.session.telemetry.connect(self.timeline.add)
        studio.session.recording_changed.connect(lambda _: self._mark_recording())
        self._take_cameras()
        self._recall()
        self.refresh()

    # Page

    def entered(self) -> None:
        """Draw again."""
        self.pipelines.changed.emit()  # files may have come meanwhile
        self.display.active = self.presenter.shown = True
        self._clock.start()
        if self.studio.live_wanted and self.studio.session.state in {"off", "failed"}:
            self.presenter.start()
        self.studio.live_wanted = False
        self.refresh()

    def left(self) -> None:
        """Draw nothing; cameras and recording go on."""
        self._clock.stop()
        self.display.active = self.presenter.shown = False

    def reason_to_stay(self) -> str:
        """A take that is being recorded."""
        return self.presenter.reason_to_stay()

    def shutdown(self) -> None:
        """End what was started here."""
        self._clock.stop()
        self._remember()
        self.display.close()
        self.space.shutdown()
        self.recorder.shutdown()
        self.pipelines.shutdown()
        self.takes.shutdown()
        self.figures.shutdown()

    # View

    def refresh(self) -> None:
        """Show the presenter's state."""
        presenter = self.presenter
        scene = presenter.scene
        running = scene in {"live", "stopping"}
        self._stack.setCurrentWidget(self._running if running else self._empty[scene])
        self.starting_words.setText(presenter.doing)
        self._empty["failed"].text.setText(presenter.problem)
        self.toggle.setText(presenter.toggle_text)
        self.toggle.setEnabled(presenter.can_toggle)
        level, words = presenter.state_words
        self.state.setText(words)
        theme.set_role(self.state, level)
        self.banner.setText(presenter.banner)
        self.banner.setVisible(bool(presenter.banner))
        self._mark_recording()

    def _judged(self) -> None:
        for name, health in self.presenter.health.items():
            tile = self.wall.tiles.get(name)
            if tile is not None:
                tile.show_health(health.level, health.caption, health.trouble)
                tile.setToolTip("\n".join(health.details))
        level, words = self.presenter.state_words
        self.state.setText(words)
        theme.set_role(self.state, level)

    def _take_cameras(self) -> None:
        session = self.studio.session
        rig = session.rig if session.state != "off" else self.studio.rig
        names = rig.names if rig is not None else ()
        sizes = [camera.size for camera in rig.cameras if camera.size] if rig is not None else []
        aspect = sizes[0][0] / sizes[0][1] if sizes else 4 / 3
        self.wall.show_cameras(names, aspect)
        self.timeline.show_cameras(names)
        self.space.set_rig(session.calibration)
        self.display.reset()
        self._judged()

    def _remember(self) -> None:
        """What is drawn and how large, for the next start."""
        pages = self.studio.preferences.pages
        switches = self.switches.state
        pages["live"] = {**pages.get("live", {}), "split": self.split.sizes(), "switches": switches}
        self.studio.preferences.save()

    def _recall(self) -> None:
        remembered = self.studio.preferences.pages.get("live", {})
        split, switches = remembered.get("split"), remembered.get("switches")
        if isinstance(split, list) and len(split) == 2 and all(isinstance(size, int) for size in split):
            self.split.setSizes(split)
        if isinstance(switches, dict):
            self.switches.recall(switches)

    def _mark_recording(self) -> None:
        recording = self.studio.session.recording
        if self._running.property("recording") != recording:
            self._running.setProperty("recording", recording)
            colour = theme.palette().bad.name() if recording else "transparent"
            self._running.setStyleSheet(f"QFrame#running {{ border: 2px solid {colour}; }}")

    # Layout

    def _compose(self) -> None:
        self.banner = QLabel()
        self.banner.setObjectName("liveBanner")
        self.banner.setProperty("role", "banner")
        self.banner.setWordWrap(True)
        self.banner.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._running = self._compose_running()
        self._empty = self._compose_empty()
        for widget in (self._running, *self._empty.values()):
            self._stack.addWidget(widget)
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.banner)
        middle.addWidget(self._stack, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addLayout(middle, 1)
        row.addWidget(self._compose_panels())

    def _compose_running(self) -> QFrame:
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setObjectName("liveSplit")
        self.split.setHandleWidth(theme.SPACE)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.wall)
        self.split.addWidget(self.space)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([1000, 1000])  # shares, not px
        self.wall.zoom_changed.connect(lambda name: self.space.setVisible(not name))
        frame = QFrame()
        frame.setObjectName("running")
        column = QVBoxLayout(frame)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.switches)
        column.addWidget(self.split, 1)
        column.addWidget(self.timeline)
        return frame

    def _compose_empty(self) -> dict[str, EmptyState]:
        go = self.studio.go_to.emit
        self.starting_words = QLabel()
        no_rig = EmptyState(
            "camera",
            "No cameras yet",
            "Set up the cameras of your rig, or try everything with the simulated studio: four virtual "
            "cameras around a person who walks and gestures.",
            [
                button("Try the simulated studio", "useSimulated", self._use_simulated, kind="primary"),
                button("Set up cameras", "goToCameras", lambda: go("cameras")),
            ],
        )
        off = EmptyState(
            "live",
            "Cameras are off",
            "Start live to see all cameras, the people in space, and to record.",
            [
                button("Start live", "startLive", self.presenter.toggle, kind="primary", icon="play"),
                button("Cameras …", "goToCamerasFromOff", lambda: go("cameras")),
            ],
        )
        starting = EmptyState("live", "Starting", "")
        self.starting_words = starting.text
        failed = EmptyState(
            "warning",
            "The cameras could not be started",
            "",
            [
                button("Try again", "tryAgain", self.presenter.toggle, kind="primary", icon="repeat"),
                button("Cameras …", "goToCamerasFromFailed", lambda: go("cameras")),
            ],
        )
        return {"no_rig": no_rig, "off": off, "starting": starting, "failed": failed}

    def _compose_panels(self) -> QScrollArea:
        session = Card("Cameras")
        self.toggle = button("Start live", "toggleLive", self.presenter.toggle, tip="Start or stop (Ctrl+L)")
        self.state = QLabel()
        self.state.setObjectName("liveState")
        self.state.setWordWrap(True)
        session.body.addWidget(self.toggle)
        session.body.addWidget(self.state)
        self.take_card = TakeCard(self.takes)
        self.record_panel = RecordPanel(self.recorder)
        self.pipeline_panel = PipelinePanel(self.studio, self.pipelines)
        self.figures_view = FiguresView(self.figures)
        self.pipeline_panel.body.addWidget(self.figures_view)
        content = QWidget()
        content.setObjectName("scrolled")
        column = QVBoxLayout(content)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        for card in (session, self.record_panel, self.take_card, self.pipeline_panel):
            column.addWidget(card)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a stop of the Tab key that shows nothing
        scroll.setObjectName("livePanels")
        scroll.setWidget(content)
        scroll.setWidgetResizable(True)
        scroll.setFixedWidth(_PANEL_WIDTH)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        return scroll

    def _use_simulated(self) -> None:
        self.studio.use_simulated()
        self.presenter.start()

    def _add_keys(self) -> None:
        self.add_action("Start or stop live", "Ctrl+L", self.presenter.toggle)
        self.add_action("Start or stop recording", "Ctrl+R", self.recorder.press)
        self.add_action("Mark this moment", "M", self.record_panel.mark)
        self.add_action("Show all cameras again", "Esc", lambda: self.wall.zoom(""))
