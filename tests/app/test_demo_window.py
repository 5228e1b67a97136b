"""The demo in the desktop: it records by itself, closes by itself, and leaves nothing behind."""

import json

import pytest

from app.cli.main import main
from app.demo_window import Demo
from app.main_window import MainWindow
from app.preferences import Preferences
from app.studio import Studio
from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.rigs.studio_rig import studio_calibration, studio_of
from pipeline.take.take import Take
from tests.support.played_session import PlayedSession

SIZE = (160, 120)
STUDIO = {"seed": 0, "cameras": 2, "size": list(SIZE)}
WORDS = [
    *("demo", "--cameras", "2", "--size", "160x120", "--pipeline", "noisy_truth", "--json"),
    *("--set", f"keypoints.studio={json.dumps(STUDIO)}", "--set", "stream.address=''"),
]


@pytest.fixture
def own_settings(tmp_path, monkeypatch, qapp):
    """Settings of a user who likes light colours."""
    qapp.processEvents()  # windows of earlier tests have asked the application to end
    file = tmp_path / "desktop.yaml"
    preferences = Preferences.load(file)
    preferences.theme, preferences.space_view = "light", "wireframe"
    preferences.rig_path = tmp_path / "mine.yaml"
    preferences.save()
    monkeypatch.setattr("app.demo_window.default_file", lambda: file)
    monkeypatch.setattr("app.commands.demo._has_display", lambda: True)
    monkeypatch.chdir(tmp_path)
    return file


@pytest.mark.slow
@pytest.mark.timeout(170)
def test_demo_records_in_the_desktop_and_ends(own_settings, tmp_path, capsys, monkeypatch, qapp):
    windows = []
    show = MainWindow.show
    monkeypatch.setattr(MainWindow, "show", lambda self: (windows.append(self), show(self))[1])
    before = own_settings.read_text()
    code = main([*WORDS, "--seconds", "2", "--out", str(tmp_path / "takes" / "shown")])
    out, err = capsys.readouterr()
    assert code == 0, err
    result = json.loads(out)
    [window] = windows
    assert window.shown == "live"
    assert not window.isVisible()
    take = Take.open(tmp_path / "takes" / "shown")
    assert take.header.state == "complete"
    assert {path.name for path in take.folder.iterdir()} >= {"truth.npz", "preview.mp4", "report.html"}
    assert result["take"] == str(take.folder)
    # Seen by cameras 160 px wide the noise of the stand-in is some centimetres; a wrong clock or world
    # would be half a metre and more.
    assert 0 < result["truth"]["mpjpe_mm"] < 200
    assert "not a network" in result["label"]
    assert result["cameras"]["cam1"]["recorded"] > 0
    assert own_settings.read_text() == before, "the user's settings are left alone"


@pytest.mark.parametrize(
    ("out", "sentence"), [("full", "not empty"), ("*star", "cannot be the name of a take")]
)
def test_demo_names_a_place_it_cannot_use(own_settings, tmp_path, capsys, out, sentence):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    assert main([*WORDS, "--out", str(tmp_path / out)]) == 2
    assert sentence in capsys.readouterr().err


def test_demo_without_the_desktops_packages_says_so(capsys, monkeypatch):
    from app.cli.console import Console
    from app.commands import demo

    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    assert not demo._has_desktop(Console())
    assert "no window: PyQt6 is not installed" in capsys.readouterr().err


@pytest.fixture
def demo(qtbot, tmp_path):
    rig = simulated_rig(2, SIZE, 30.0, 0)
    preferences = Preferences(space_view="wireframe", takes_folder=tmp_path / "takes")
    preferences.pages = {"live": {"next_name": "shown", "limit_s": 5.0}}
    studio = Studio(preferences)
    studio._session = PlayedSession(studio)
    studio.change_rig(rig, None, studio_calibration(rig, studio_of(rig)), None)
    studio.pipeline = "noisy_truth"
    window = MainWindow(studio, asks=False)
    qtbot.addWidget(window, before_close_func=lambda window: window.close_without_asking())
    window.go_to("live")
    window.show()
    demo = Demo(window)
    studio.session.play("live", 0)
    return demo


def orders(demo):
    return [order[0] for order in demo._session.orders]


def test_demo_records_once_poses_are_made(qtbot, demo, tmp_path):
    assert "record" not in orders(demo)
    demo._session.play("pipeline", ("ready", "noisy_truth", "a stand-in"))
    assert demo._session.orders[-1] == ("record", tmp_path / "takes" / "shown")
    demo._session.play("recording", tmp_path / "takes" / "shown")
    assert demo.folder == tmp_path / "takes" / "shown"
    assert demo.label == "a stand-in"
    demo._session.play("pipeline", ("ready", "noisy_truth", "a stand-in"))
    assert orders(demo).count("record") == 1


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("pipeline", ("failed", "blazepose", "the model is broken")),
        ("recording_failed", "the model is broken"),
        ("ended", "the model is broken"),
    ],
)
def test_demo_ends_when_it_cannot_go_on(demo, kind, content):
    window = demo._window
    assert window.isVisible()
    demo._session.play(kind, content)
    assert demo.problem == "the model is broken"
    assert not window.isVisible()
