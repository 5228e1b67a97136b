"""Timeline, graphs, marks and quality by themselves. Tests are named after the controls they press."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QColor, QHelpEvent, QImage
from PyQt6.QtWidgets import QApplication, QComboBox, QListWidget, QPushButton, QTableWidget, QToolButton

from app import theme
from app.takes.digest import Digest, Finding
from app.takes.graphs_panel import GraphsPanel
from app.takes.marks_panel import MarksPanel
from app.takes.quality_card import QualityCard
from app.takes.series import QUANTITIES, Series
from app.takes.take_data import Drop
from app.takes.timeline_bar import Flag, TimelineBar
from app.takes.words import clock_words, date_words, duration_words, size_words
from models.skeletons import get_skeleton
from pipeline.take.events import Event
from pipeline.take.marks import Mark

LEFT = Qt.MouseButton.LeftButton
ORIGIN = 1_000_000_000


def column(image: QImage, x: float, colour: QColor) -> bool:
    """Whether a column of a picture holds a colour."""
    place = round(x)
    return any(
        max(
            abs(a - b)
            for a, b in zip(image.pixelColor(near, y).getRgb()[:3], colour.getRgb()[:3], strict=True)
        )
        <= 8
        for near in (place - 1, place, place + 1)
        for y in range(image.height())
        if 0 <= near < image.width()
    )


# Timeline


@pytest.fixture
def bar(qtbot) -> TimelineBar:
    bar = TimelineBar()
    qtbot.addWidget(bar)
    bar.resize(832, 60)
    bar.set_take((0.0, 8.0), [Drop("cam2", np.array([2.0, 2.005, 6.0]), ("ring_full", "late"))])
    bar.show()
    return bar


def test_timeline_places_and_times_fit(bar: TimelineBar):
    for seconds in (0.0, 3.3, 8.0):
        assert bar.seconds_at(bar.x_of(seconds)) == pytest.approx(seconds)
    assert bar.x_of(4.0) == pytest.approx(416.0)
    assert bar.x_of(99.0) == bar.x_of(8.0), "what lies after the end is shown at the end"
    assert bar.seconds_at(-50) == 0.0


def test_timeline_draws_drops_flags_range_and_cursor(bar: TimelineBar):
    colours = theme.palette()
    bar.set_flags([Flag(4.0, "jump", True), Flag(7.0, "camera restarted", False)])
    bar.set_seconds(1.0)
    image = bar.grab().toImage()
    assert column(image, bar.x_of(2.0), colours.bad)
    assert column(image, bar.x_of(6.0), colours.bad)
    assert not column(image, bar.x_of(5.0), colours.bad)
    assert column(image, bar.x_of(4.0), colours.accent)
    assert column(image, bar.x_of(7.0), colours.warning)
    assert column(image, bar.x_of(1.0), colours.text)
    assert not column(image, bar.x_of(5.0), colours.accent)
    bar.set_loop((4.5, 5.0))
    assert column(bar.grab().toImage(), bar.x_of(5.0), colours.accent)


def test_timeline_says_what_is_under_the_pointer(bar: TimelineBar, qtbot):
    bar.set_flags([Flag(4.0, "jump", True)])
    assert bar.words_at(bar.x_of(4.0)) == "00:04.000\njump"
    assert bar.words_at(bar.x_of(2.0)) == "00:02.000\ncam2: 2 frames not recorded (ring_full, late)"
    assert bar.words_at(bar.x_of(6.0)).endswith("cam2: 1 frame not recorded (ring_full, late)")
    place = QPoint(round(bar.x_of(3.0)), 30)
    assert bar.event(QHelpEvent(QHelpEvent.Type.ToolTip, place, bar.mapToGlobal(place)))


def test_timeline_of_nothing(qtbot):
    bar = TimelineBar()
    qtbot.addWidget(bar)
    bar.show()
    bar.grab()
    sought: list[float] = []
    bar.sought.connect(sought.append)
    qtbot.mouseClick(bar, LEFT, pos=QPoint(50, 26))
    assert sought == []


# Graphs


@pytest.fixture
def graphs(qtbot) -> GraphsPanel:
    panel = GraphsPanel()
    qtbot.addWidget(panel)
    panel.resize(1100, 300)
    panel.show()
    return panel


def line(joint: str, seconds: np.ndarray) -> Series:
    values = np.sin(seconds)
    values[40:60] = np.nan
    return Series(joint, seconds, values)


def show(panel: GraphsPanel) -> np.ndarray:
    """Answer what the panel asks for, as the presenter does."""
    seconds = np.linspace(0.0, 10.0, 200)
    panel.wanted.connect(
        lambda _, joints, quantities: panel.show_series(
            {quantity: [line(joint, seconds) for joint in joints] for quantity in quantities}
        )
    )
    panel.set_take(get_skeleton("coco_17"), (3, 8), (0.0, 10.0))
    QApplication.processEvents()
    return seconds


def test_graphs_start_with_wrists_and_draw_gaps_as_gaps(graphs: GraphsPanel):
    asked: list[tuple] = []
    graphs.wanted.connect(lambda *words: asked.append(words))
    seconds = show(graphs)
    assert asked[-1] == (3, ["left_wrist", "right_wrist"], ["z", "speed"])
    assert list(graphs.plots) == ["z", "speed"]
    for plot in graphs.plots.values():
        assert [item.name() for item in plot.listDataItems()] == ["left wrist", "right wrist"]
        x, y = plot.listDataItems()[0].getOriginalDataset()
        np.testing.assert_array_equal(x, seconds)
        assert np.isnan(y[40:60]).all()
        assert plot.listDataItems()[0].opts["connect"] == "finite"
    assert graphs.canvas.isVisible()
    assert not graphs.hint.isVisible()


def test_graphJoints(graphs: GraphsPanel, qtbot):
    show(graphs)
    joints = graphs.findChild(QListWidget, "graphJoints")
    for name in ("nose", "left_wrist", "right_wrist"):
        row = get_skeleton("coco_17").index(name)
        joints.scrollToItem(joints.item(row))
        place = joints.visualItemRect(joints.item(row))
        qtbot.mouseClick(joints.viewport(), LEFT, pos=QPoint(place.left() + 16, place.center().y()))
    assert graphs.chosen_joints == ["nose"]
    assert [item.name() for item in graphs.plots["z"].listDataItems()] == ["nose"]
    joints.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert graphs.hint.isVisible(), "without a joint it says what to do"
    for row in range(17):
        joints.item(row).setCheckState(Qt.CheckState.Checked)
    assert len(graphs.chosen_joints) == 8, "more lines than that nobody can tell apart"


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_graph_quantity_buttons(graphs: GraphsPanel, qtbot, quantity):
    show(graphs)
    choice = graphs.findChild(QToolButton, f"graph_{quantity}")
    before = quantity in graphs.plots
    qtbot.mouseClick(choice, LEFT)
    assert (quantity in graphs.plots) is not before
    qtbot.mouseClick(choice, LEFT)
    assert (quantity in graphs.plots) is before
    assert list(graphs.plots) == ["z", "speed"]


def test_graphPerson(graphs: GraphsPanel, qtbot):
    asked: list[tuple] = []
    graphs.wanted.connect(lambda *words: asked.append(words))
    show(graphs)
    box = graphs.findChild(QComboBox, "graphPerson")
    assert box.isVisible()
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert asked[-1][0] == 8
    graphs.set_take(get_skeleton("coco_17"), (3,), (0.0, 10.0))
    assert not box.isVisible(), "one person needs no choice"


def test_graph_cursor_follows_and_is_dragged_and_clicked(graphs: GraphsPanel, qtbot):
    show(graphs)
    sought: list[float] = []
    graphs.sought.connect(sought.append)
    graphs.set_seconds(4.0)
    assert sought == [], "following tells nobody"
    cursor = graphs._cursors["z"]
    assert cursor.value() == 4.0
    box = graphs.plots["z"].getViewBox()
    viewport = graphs.canvas.viewport()

    def place(seconds: float) -> QPoint:
        middle = sum(box.viewRange()[1]) / 2
        return graphs.canvas.mapFromScene(box.mapViewToScene(QPointF(seconds, middle)))

    QApplication.processEvents()
    qtbot.mouseMove(viewport, place(4.0))
    qtbot.mousePress(viewport, LEFT, pos=place(4.0))
    for seconds in (4.2, 4.6, 5.0, 6.0):
        qtbot.mouseMove(viewport, place(seconds))
        qtbot.wait(5)
    qtbot.mouseRelease(viewport, LEFT, pos=place(6.0))
    assert sought
    assert sought[-1] == pytest.approx(6.0, abs=0.1)
    qtbot.wait(QApplication.doubleClickInterval() + 50)
    qtbot.mouseClick(viewport, LEFT, pos=place(2.0))
    assert sought[-1] == pytest.approx(2.0, abs=0.1)


def test_graphFit(graphs: GraphsPanel, qtbot):
    show(graphs)
    first = next(iter(graphs.plots.values()))
    first.setXRange(2.0, 3.0, padding=0)
    assert graphs.plots["speed"].viewRange()[0] == [2.0, 3.0], "all graphs show the same time"
    qtbot.mouseClick(graphs.findChild(QToolButton, "graphFit"), LEFT)
    low, high = first.viewRange()[0]
    assert (low, high) == (pytest.approx(-0.1, abs=0.01), pytest.approx(10.1, abs=0.01))


def test_graphs_change_with_the_theme(graphs: GraphsPanel, qapp):
    show(graphs)
    try:
        for name in ("light", "dark"):
            theme.apply(qapp, name)
            ground = graphs.canvas.backgroundBrush().color()
            assert ground == theme.palette().background
    finally:
        theme.apply(qapp, "dark")


# Marks


@pytest.fixture
def marks(qtbot) -> MarksPanel:
    panel = MarksPanel()
    qtbot.addWidget(panel)
    panel.resize(900, 240)
    panel.show()
    panel.show_rows(
        [Mark(0, ORIGIN + 1_500_000_000, "jump"), Mark(4, ORIGIN + 3_000_000_000, "land")],
        [Event(ORIGIN + 2_000_000_000, "restart", "camera cam2 was restarted")],
        ORIGIN,
    )
    return panel


def select(panel: MarksPanel, row: int, qtbot) -> QTableWidget:
    table = panel.findChild(QTableWidget, "marksTable")
    qtbot.mouseClick(table.viewport(), LEFT, pos=table.visualItemRect(table.item(row, 2)).center())
    return table


def test_marksTable_lists_by_time_and_goes_there(marks: MarksPanel, qtbot):
    sought: list[int] = []
    marks.sought.connect(sought.append)
    table = select(marks, 1, qtbot)
    texts = [[table.item(row, column).text() for column in range(3)] for row in range(3)]
    assert texts == [
        ["00:01.500", "Mark", "jump"],
        ["00:02.000", "Restart", "camera cam2 was restarted"],
        ["00:03.000", "Mark", "land"],
    ]
    assert sought == [ORIGIN + 2_000_000_000]
    assert not marks.findChild(QPushButton, "markDelete").isEnabled(), "events are no marks"


def test_markAdd_markDelete(marks: MarksPanel, qtbot):
    with qtbot.waitSignal(marks.add_wanted):
        qtbot.mouseClick(marks.findChild(QPushButton, "markAdd"), LEFT)
    select(marks, 2, qtbot)
    with qtbot.waitSignal(marks.removed) as removed:
        qtbot.mouseClick(marks.findChild(QPushButton, "markDelete"), LEFT)
    assert removed.args == [4]


def test_markRename(marks: MarksPanel, qtbot):
    renamed: list[tuple[int, str]] = []
    marks.renamed.connect(lambda number, text: renamed.append((number, text)))
    table = select(marks, 0, qtbot)
    for text in ("high jump", ""):
        qtbot.mouseClick(marks.findChild(QPushButton, "markRename"), LEFT)
        editor = QApplication.focusWidget()
        assert editor is not None
        editor.selectAll()  # type: ignore[attr-defined]
        qtbot.keyClick(editor, Qt.Key.Key_Delete)
        qtbot.keyClicks(editor, text)
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert renamed == [(0, "high jump")], "a mark has a name"
    assert table.item(0, 2).text() == "jump", "the take says when it is written"


# Quality and words


def test_quality_card_explains_what_is_not_good(qtbot):
    card = QualityCard()
    qtbot.addWidget(card)
    card.show()
    assert card.summary.isVisible() or card.summary.text() == ""
    good = Finding("Files", "good", "verified", "Fine.", "Rule.")
    bad = Finding("Recorded frames", "bad", "93 %", "Many are missing.", "Rule.")
    card.show_digest(Digest("bad", "1.0 px", (good, bad), None), "")
    QApplication.processEvents()
    labels = [label.text() for label in card.findChildren(type(card.summary)) if label.isVisible()]
    assert "Many are missing." in labels
    assert "Fine." not in labels
    assert "93 %" in labels
    card.show_digest(None, "Being computed.")
    assert card.summary.text() == "Being computed."


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (duration_words(7.42), "7.4 s"),
        (duration_words(185), "3:05 min"),
        (duration_words(3729), "1:02:09 h"),
        (clock_words(62.3456), "01:02.346"),
        (clock_words(-0.5), "-00:00.500"),
        (size_words(300), "1 kB"),
        (size_words(3_400_000), "3.4 MB"),
        (size_words(1_200_000_000), "1.2 GB"),
        (date_words(None), "Unknown date"),
    ],
)
def test_figures_in_words(found: str, expected: str):
    assert found == expected


def test_dates_in_words():
    from datetime import datetime

    now = datetime.fromisoformat("2025-05-10T12:00:00+00:00").astimezone()
    day = now.replace(hour=9, minute=5)
    assert date_words(day, now) == "Today 09:05"
    assert date_words(day.replace(day=9), now) == "Yesterday 09:05"
    assert date_words(day.replace(day=3), now) == "3 May 09:05"
    assert date_words(day.replace(year=2024), now) == "10 May 2024 09:05"
