"""Graphs of chosen joints over time, with a cursor that follows the player and can be dragged."""

from __future__ import annotations

from typing import Any, Final

import pyqtgraph as pg
from PyQt6.QtCore import QEvent, QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QKeyEvent, QPainter
from PyQt6.QtWidgets import (
    QComboBox,
    QGraphicsItem,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.takes.series import QUANTITIES, Quantity, Series
from models.skeleton import Skeleton

_FIRST_JOINTS: Final = ("left_wrist", "right_wrist")
_FIRST_QUANTITIES: Final[tuple[Quantity, ...]] = ("z", "speed")
COMPACT: Final = "QToolButton { padding: 4px 8px; }"
"""Many small choices in one row."""

_MOST_JOINTS: Final = 8
_CACHED: Final = QGraphicsItem.CacheMode.DeviceCoordinateCache
_LINES: Final = (
    (77, 155, 255),
    (255, 138, 76),
    (98, 201, 128),
    (214, 108, 214),
    (240, 196, 60),
    (72, 202, 206),
    (255, 112, 140),
    (160, 140, 255),
)


class JointList(QListWidget):
    """Joints to tick; the space bar ticks here and does not start the player."""

    def event(self, event: QEvent | None) -> bool:
        """Keep the space bar."""
        own = {Qt.Key.Key_Space, Qt.Key.Key_Up, Qt.Key.Key_Down}
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in own
        ):
            event.accept()
            return True
        return super().event(event)


class GraphsPanel(QWidget):
    """Chooses person, joints and quantities, and draws them."""

    wanted = pyqtSignal(int, list, list)
    """Person, joints, quantities that should be computed."""
    sought = pyqtSignal(float)
    """Time that the cursor was dragged or clicked to, s."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("graphsPanel")
        self._skeleton: Skeleton | None = None
        self._series: dict[Quantity, list[Series]] = {}
        self._seconds = 0.0
        self._span = (0.0, 0.0)
        self.person = QComboBox()
        self.person.setObjectName("graphPerson")
        self.person.setToolTip("Whose joints are drawn")
        self.person.currentIndexChanged.connect(self._ask)
        self.joints = JointList()
        self.joints.setObjectName("graphJoints")
        self.joints.setToolTip(f"Joints to draw, up to {_MOST_JOINTS}")
        self.joints.itemChanged.connect(self._joint_changed)
        self.quantities: dict[Quantity, QToolButton] = {}
        choices = QHBoxLayout()
        choices.setSpacing(theme.SPACE // 2)
        for quantity, words in QUANTITIES.items():
            choice = QToolButton()
            choice.setObjectName(f"graph_{quantity}")
            choice.setText(words.short)
            choice.setToolTip(words.title)
            choice.setCheckable(True)
            choice.setChecked(quantity in _FIRST_QUANTITIES)
            choice.setProperty("kind", "quiet")
            choice.setStyleSheet(COMPACT)
            choice.toggled.connect(self._ask)
            self.quantities[quantity] = choice
            choices.addWidget(choice)
        choices.addStretch(1)
        self.fit = QToolButton()
        self.fit.setObjectName("graphFit")
        self.fit.setText("Whole take")
        self.fit.setToolTip("Show the whole take again after zooming with the wheel")
        self.fit.setProperty("kind", "quiet")
        self.fit.setStyleSheet(COMPACT)
        self.fit.clicked.connect(self.show_all)
        choices.addWidget(self.fit)
        self.hint = QLabel("Tick joints on the left and quantities above to draw them.")
        self.hint.setProperty("role", "quiet")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.canvas: Any = pg.GraphicsLayoutWidget()
        self.canvas.setObjectName("graphCanvas")
        self.canvas.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.canvas.ci.layout.setContentsMargins(0, 0, 0, 0)
        self.canvas.ci.layout.setSpacing(4)
        self.plots: dict[Quantity, Any] = {}
        """What is shown, from above."""
        self._made: dict[Quantity, Any] = {}
        self._cursors: dict[Quantity, Any] = {}
        self._names: dict[Quantity, Any] = {}
        side = QVBoxLayout()
        side.setSpacing(theme.SPACE)
        side.addWidget(self.person)
        side.addWidget(self.joints, 1)
        left = QWidget()
        left.setLayout(side)
        left.setFixedWidth(22 * theme.SPACE)
        side.setContentsMargins(0, 0, 0, 0)
        right = QVBoxLayout()
        right.setSpacing(theme.SPACE)
        right.addLayout(choices)
        right.addWidget(self.hint, 1)
        right.addWidget(self.canvas, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme.SPACE, 0, 0)
        row.setSpacing(2 * theme.SPACE)
        row.addWidget(left)
        row.addLayout(right, 1)
        self.canvas.scene().sigMouseClicked.connect(self._clicked)
        theme.watcher().changed.connect(self._take_theme)
        self._take_theme()

    def set_take(self, skeleton: Skeleton | None, people: tuple[int, ...], span: tuple[float, float]) -> None:
        """Offer the joints and people of another take."""
        self._skeleton, self._span = skeleton, span
        self._series = {}
        chosen = set(self.chosen_joints) or set(_FIRST_JOINTS)
        with QSignalBlocker(self.person), QSignalBlocker(self.joints):
            self.person.clear()
            for number in people:
                self.person.addItem(f"Person {number}", number)
            self.person.setVisible(len(people) > 1)
            self.joints.clear()
            names = skeleton.joints if skeleton is not None else ()
            ticked = [name for name in names if name in chosen] or list(names[:1])
            for name in names:
                item = QListWidgetItem(name.replace("_", " ").capitalize())
                item.setData(Qt.ItemDataRole.UserRole, name)
                item.setFlags(
                    Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable
                )
                checked = name in ticked
                item.setCheckState(Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked)
                self.joints.addItem(item)
                if checked and name == ticked[0]:
                    self.joints.scrollToItem(item, QListWidget.ScrollHint.PositionAtTop)
        self._ask()

    @property
    def chosen_joints(self) -> list[str]:
        """Names of the ticked joints."""
        items = [self.joints.item(row) for row in range(self.joints.count())]
        return [
            str(item.data(Qt.ItemDataRole.UserRole))
            for item in items
            if item is not None and item.checkState() == Qt.CheckState.Checked
        ]

    @property
    def chosen_quantities(self) -> list[Quantity]:
        """The quantities that are drawn."""
        return [quantity for quantity, choice in self.quantities.items() if choice.isChecked()]

    def show_series(self, series: dict[Quantity, list[Series]]) -> None:
        """Draw what was computed."""
        self._series = series
        self._draw()

    def set_seconds(self, seconds: float) -> None:
        """Move the cursor, without telling anybody."""
        self._seconds = seconds
        for cursor in self._cursors.values():
            with QSignalBlocker(cursor):
                cursor.setValue(seconds)

    def show_all(self) -> None:
        """Zoom out to the whole take."""
        first, last = self._span
        for plot in self.plots.values():
            plot.enableAutoRange("y", True)
            plot.setXRange(first, max(last, first + 0.1), padding=0.01)

    def ask_again(self) -> None:
        """Have everything computed anew: what it is computed from has changed."""
        self._ask()

    def _ask(self) -> None:
        person = self.person.currentData()
        joints, quantities = self.chosen_joints, self.chosen_quantities
        if person is None or not joints or not quantities:
            self._series = {}
            self._draw()
            return
        self.wanted.emit(int(person), joints, quantities)

    def _joint_changed(self, item: QListWidgetItem) -> None:
        if len(self.chosen_joints) > _MOST_JOINTS:
            with QSignalBlocker(self.joints):
                item.setCheckState(Qt.CheckState.Unchecked)
            return
        self._ask()

    def _draw(self) -> None:
        shown = any(self._series.values())
        self.canvas.setVisible(shown)
        self.hint.setVisible(not shown)
        if self._skeleton is None:
            self.hint.setText("This take has no poses. Process it again with a pipeline to get some.")
        else:
            self.hint.setText("Tick joints on the left and quantities above to draw them.")
        if list(self.plots) != list(self._series):
            self._build(list(self._series))
        for quantity, lines in self._series.items():
            plot = self.plots[quantity]
            for item in list(plot.listDataItems()):
                plot.removeItem(item)
            for place, line in enumerate(lines):
                curve = plot.plot(
                    line.seconds,
                    line.values,
                    pen=pg.mkPen(self._colour(place), width=1.5),
                    name=line.joint.replace("_", " "),
                    connect="finite",
                )
                curve.setDownsampling(auto=True, method="peak")
                curve.setClipToView(True)
                # A picture of each line and axis is kept: moving the cursor over 18 000 instants then costs
                # 1 ms instead of 36.
                curve.curve.setCacheMode(_CACHED)
        self._legend()

    def _build(self, quantities: list[Quantity]) -> None:
        """Lay out these plots one below the other; each is made once and kept."""
        view = next(iter(self.plots.values())).viewRange()[0] if self.plots else None
        for plot in self.plots.values():
            self.canvas.removeItem(plot)
        self.plots = {}
        for row, quantity in enumerate(quantities):
            plot = self._made.get(quantity) or self._make(quantity)
            self.canvas.addItem(plot, row=row, col=0)
            last = row == len(quantities) - 1
            plot.getAxis("bottom").setStyle(showValues=last)
            plot.showLabel("bottom", last)
            self.plots[quantity] = plot
        first = next(iter(self.plots.values()), None)
        for plot in self.plots.values():
            plot.setXLink(None if plot is first else first)
            plot.disableAutoRange("x")
        if first is not None:
            if view is not None and view[1] > view[0] and view[0] >= self._span[0] - self._length():
                first.setXRange(*view, padding=0)
            else:
                self.show_all()

    def _make(self, quantity: Quantity) -> Any:
        words = QUANTITIES[quantity]
        plot = pg.PlotItem(viewBox=pg.ViewBox(enableMenu=False), enableMenu=False)
        plot.setMouseEnabled(x=True, y=False)
        plot.hideButtons()
        plot.showGrid(x=True, y=True, alpha=0.15)
        plot.setLabel("bottom", "time (s)")
        plot.getAxis("left").setWidth(48)
        # In the corner: beside the axis it would not fit plots that are not high.
        name_of = pg.TextItem(f"{words.title} ({words.unit})" if words.unit else words.title, anchor=(0, 0))
        name_of.setParentItem(plot.getViewBox())
        name_of.setPos(4, -4)
        name_of.setZValue(90)
        for name in ("left", "bottom"):
            plot.getAxis(name).enableAutoSIPrefix(False)
            plot.getAxis(name).setCacheMode(_CACHED)
        cursor = pg.InfiniteLine(self._seconds, angle=90, movable=True)
        cursor.setZValue(100)
        cursor.sigPositionChanged.connect(lambda line: self.sought.emit(float(line.value())))
        plot.addItem(cursor, ignoreBounds=True)
        self._made[quantity], self._cursors[quantity], self._names[quantity] = plot, cursor, name_of
        self._colour_plot(quantity)
        return plot

    def _length(self) -> float:
        return self._span[1] - self._span[0]

    def _legend(self) -> None:
        """Colours of the lines beside the names of the joints."""
        chosen = self.chosen_joints
        with QSignalBlocker(self.joints):
            for row in range(self.joints.count()):
                item = self.joints.item(row)
                if item is None:
                    continue
                name = item.data(Qt.ItemDataRole.UserRole)
                colour = self._colour(chosen.index(name)) if name in chosen else theme.palette().text
                item.setForeground(colour)

    def _colour(self, place: int) -> QColor:
        colour = QColor(*_LINES[place % len(_LINES)])
        return colour if theme.palette().is_dark else colour.darker(140)

    def _clicked(self, event: Any) -> None:
        for plot in self.plots.values():
            box = plot.getViewBox()
            if box.sceneBoundingRect().contains(event.scenePos()):
                self.sought.emit(float(box.mapSceneToView(event.scenePos()).x()))
                return

    def _take_theme(self) -> None:
        self.canvas.setBackground(theme.palette().background)
        for quantity in self._made:
            self._colour_plot(quantity)
        if self._series:
            self._draw()
        else:
            self._legend()

    def _colour_plot(self, quantity: Quantity) -> None:
        colours = theme.palette()
        for name in ("left", "bottom"):
            axis = self._made[quantity].getAxis(name)
            axis.setPen(pg.mkPen(colours.border))
            axis.setTextPen(pg.mkPen(colours.quiet_text))
        self._names[quantity].setColor(colours.quiet_text)
        cursor = self._cursors[quantity]
        cursor.setPen(pg.mkPen(colours.accent, width=2))
        cursor.setHoverPen(pg.mkPen(colours.text, width=3))
