"""A new user's first quarter of an hour, in the real window, with real processes and real clicks.

First start, simulated studio, calibration with the wizard, live, record, play, export, quit. A picture of
each step goes to ``--screenshots``; ``make screenshots`` keeps them for the docs, and for them alone the
visitor takes the time to look. On the way the event loop is asked whether it is there while a calibration is
solved, a model is loaded and a take is exported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PyQt6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QDialog,
    QDoubleSpinBox,
    QLineEdit,
    QWidget,
)

from app import theme
from app.calibrate.steps import Step
from app.event_loop_probe import EventLoopProbe
from app.main_window import MainWindow
from app.preferences import Preferences
from app.studio import Studio
from calibration.rig_file import read_calibration

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SIZE = (1360, 860)
GLANCE_S = 0.5
LONGEST_CPU_MS = 100.0
"""An answer of the event loop may cost this process so much; what others on the machine do is not counted."""


class Visitor:
    """Does with the window what a person does, and keeps pictures."""

    def __init__(self, qtbot, window: MainWindow, folder: Path, patient: bool) -> None:
        self.qtbot, self.window, self.folder, self.patient = qtbot, window, folder, patient
        self._shots = 0

    def find(self, name: str, kind: type = QWidget) -> QWidget:
        """The control of that name that can be seen."""
        found = [
            one
            for top in QApplication.topLevelWidgets()
            if top.isVisible()
            for one in top.findChildren(kind, name)
            if one.isVisible()
        ]
        assert found, f"{name} cannot be seen"
        return found[0]

    def click(self, name: str) -> None:
        """Press a control once it can be pressed."""
        self.until(lambda: self.find(name).isEnabled(), f"{name} can be pressed")
        widget = self.find(name)
        small = isinstance(widget, QCheckBox) or not isinstance(widget, QAbstractButton)
        at = QPoint(10, widget.height() // 2) if small else widget.rect().center()
        self.qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at)

    def type(self, name: str, text: str) -> None:
        """Put other text into a field."""
        field = self.find(name, QLineEdit)
        field.selectAll()
        self.qtbot.keyClicks(field, text)
        field.editingFinished.emit()  # as when the focus goes on, which windows without a screen do not have

    def until(self, true: Callable[[], bool], what: str, seconds: float = 240.0) -> None:
        """Wait for something, as a person would; machines that test are slow."""

        def check() -> None:
            assert true(), f"not within {seconds:.0f} s: {what}"

        self.qtbot.waitUntil(check, timeout=round(1000 * seconds))

    def look(self, seconds: float) -> None:
        """Watch for a while, until there is something to see in the pictures; or have a glance."""
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * (seconds if self.patient else min(seconds, GLANCE_S))), loop.quit)
        loop.exec()

    def keep(self, name: str, widget: QWidget | None = None) -> None:
        """Keep a picture."""
        self._shots += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{self._shots:02d}_{name}.png"
        assert (widget or self.window).grab().save(str(path))

    @contextmanager
    def answering(self, what: str) -> Iterator[None]:
        """The event loop answers all the time."""
        probe = EventLoopProbe()
        probe.start()
        try:
            yield
        finally:
            probe.stop()
        assert probe.cpu_ms, what
        assert max(probe.cpu_ms) < LONGEST_CPU_MS, f"{what}: {sorted(probe.cpu_ms)[-5:]}"


@pytest.fixture
def visitor(qtbot, tmp_path, request, monkeypatch) -> Iterator[Visitor]:
    monkeypatch.setattr("app.calibrate.order.unsaved_folder", lambda: tmp_path / "calibrations")
    application = QApplication.instance()
    theme.apply(application, "dark")
    preferences = Preferences.load(tmp_path / "desktop.yaml")
    preferences.takes_folder = tmp_path / "takes"
    preferences.pipeline = "noisy_truth"
    window = MainWindow(Studio(preferences))
    window.resize(*SIZE)
    window.go_to("welcome")
    window.show()
    given = request.config.getoption("--screenshots")
    yield Visitor(qtbot, window, Path(given or tmp_path / "screenshots"), patient=given is not None)
    window.close_without_asking()
    application.processEvents()
    application.setStyleSheet("")


def test_a_first_visit(visitor: Visitor, tmp_path: Path):
    window, studio = visitor.window, visitor.window.studio
    visitor.look(0.5)
    visitor.keep("first_start")
    visitor.click("first_simulated")
    visitor.until(lambda: studio.rig is not None, "the simulated studio is there")
    visitor.look(0.5)
    visitor.keep("simulated_studio")

    calibrate(visitor, tmp_path)
    live(visitor)
    play(visitor)
    export(visitor, tmp_path)

    visitor.click("rail_cameras")
    visitor.look(1.0)
    visitor.keep("cameras")
    visitor.click("rail_welcome")
    visitor.look(2.0)
    visitor.keep("home")
    theme.apply(QApplication.instance(), "light")
    visitor.look(0.5)
    visitor.keep("home_light")
    visitor.click("rail_takes")
    visitor.look(1.0)
    visitor.keep("takes_light")
    theme.apply(QApplication.instance(), "dark")
    window.close()
    assert not window.isVisible(), "nothing is left to lose, so nothing is asked"


def calibrate(visitor: Visitor, tmp_path: Path) -> None:
    """Through the wizard, with the board that is carried through the simulated studio."""
    visitor.click("home_calibrate_first")
    page = visitor.window.pages["calibrate"]
    visitor.look(0.5)
    visitor.keep("wizard_board")
    visitor.click("wizardNext")
    visitor.keep("wizard_cameras")
    visitor.click("wizardNext")
    visitor.until(lambda: page.wizard.step is Step.SHOW, "the cameras film")
    visitor.until(page.next.isEnabled, "there is a view", 400)
    visitor.look(10.0)
    visitor.keep("wizard_show_the_board")
    visitor.until(lambda: page.wizard.step is not Step.SHOW or tried(page), "there is enough to try", 400)
    visitor.keep("wizard_show_the_board_later")
    with visitor.answering("solving"):
        if page.wizard.step is Step.SHOW:
            visitor.click("wizardNext")
        visitor.until(lambda: page.wizard.step in {Step.FLOOR, Step.RESULT}, "it is solved", 400)
    visitor.look(3.0)
    visitor.keep("wizard_floor")
    visitor.click("wizardNext")
    visitor.until(lambda: page.wizard.step is Step.RESULT, "the result is shown")
    visitor.look(1.0)
    visitor.keep("wizard_result")
    visitor.click("wizardNext")
    (tmp_path / "studio").mkdir()
    visitor.type("saveTarget", str(tmp_path / "studio" / "calibration.yaml"))
    visitor.keep("wizard_save")
    visitor.click("wizardNext")
    visitor.until(lambda: visitor.window.studio.calibration is not None, "the calibration is in use")
    assert len(read_calibration(tmp_path / "studio" / "calibration.yaml")) == 4


def tried(page) -> bool:
    """Whether it is known what the calibration would be worth; how long more would take is the machine's."""
    return page.wizard.state is not None and page.wizard.state.trial is not None


def live(visitor: Visitor) -> None:
    """Live with the calibration that was found, a short take, and another model meanwhile."""
    studio = visitor.window.studio
    visitor.click("rail_live")
    with visitor.answering("loading a model"):
        if studio.session.state == "off":
            visitor.click("toggleLive")
        visitor.until(lambda: studio.session.pipeline_state == "ready", "poses are made")
    visitor.until(
        lambda: visitor.window.pages["live"].space.scene.middle is not None, "a skeleton is in space"
    )
    visitor.look(4.0)
    visitor.keep("live")
    visitor.find("takeLimit", QDoubleSpinBox).setValue(5)
    visitor.click("record")
    visitor.until(lambda: studio.session.recording, "it records")
    visitor.look(2.0)
    visitor.keep("recording")
    visitor.until(lambda: not studio.session.recording, "the take is closed")
    visitor.look(1.0)
    visitor.keep("take_closed")


def play(visitor: Visitor) -> None:
    """Open the take and let it play."""
    visitor.click("openTake")
    page = visitor.window.pages["takes"]
    visitor.until(lambda: page.player.data is not None, "the take is open")
    visitor.look(2.0)
    visitor.click("playerPlay")
    visitor.look(2.0)
    visitor.keep("player")


def export(visitor: Visitor, tmp_path: Path) -> None:
    """To CSV and C3D, read back."""
    visitor.click("playerExport")
    visitor.look(0.3)
    (dialog,) = [box for box in visitor.window.findChildren(QDialog, "exportTake") if box.isVisible()]
    for name in ("csv", "c3d"):
        if not visitor.find(f"format_{name}", QCheckBox).isChecked():
            visitor.click(f"format_{name}")
    visitor.type("exportFolder", str(tmp_path / "exported"))
    visitor.keep("export", dialog)
    with visitor.answering("exporting"):
        visitor.click("exportTakeOk")
        visitor.until(lambda: any((tmp_path / "exported").rglob("*.c3d")), "the C3D file is there")
        visitor.until(lambda: visitor.find("exportShow").isVisible(), "the export has ended")
    visitor.keep("exported", dialog)
    dialog.close()
