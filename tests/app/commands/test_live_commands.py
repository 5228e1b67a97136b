"""``capture`` and ``gui`` with real processes: what they tell about poses and takes."""

import json
import re
import sys

import pytest
import yaml

from app.cli.main import main
from pipeline.take.take import Take

pytestmark = pytest.mark.timeout(120)

STUDIO = {"seed": 0, "cameras": 2, "size": [160, 120]}


@pytest.fixture
def rig(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cameras = [
        {"name": name, "driver": {"type": "simulated", "studio": {"seed": 0, "cameras": 2}}}
        | {"size": [160, 120], "fps": 30}
        for name in ("cam1", "cam2")
    ]
    path = tmp_path / "büro (1)+.yaml"  # a file name that cannot be a take's
    path.write_text(yaml.safe_dump({"cameras": cameras}))
    return path


STAND_IN = [
    *("--pipeline", "noisy_truth", "--seconds", "1", "--json"),
    *("--set", f"keypoints.studio={json.dumps(STUDIO)}", "--set", "stream.address=tcp://127.0.0.1:*"),
]


def result_of(words, capsys):
    code = main(words)
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "Traceback" not in err
    return json.loads(out), err


def test_capture_tells_where_poses_are_published(rig, tmp_path, capsys):
    result, err = result_of(["capture", "--rig", str(rig), "--no-report", *STAND_IN], capsys)
    address = result["poses"]["address"]
    assert re.fullmatch(r"tcp://127\.0\.0\.1:[1-9][0-9]+", address)
    assert f"published on {address}" in err
    [folder] = (tmp_path / "takes").iterdir()
    assert Take.open(folder).header.state == "complete"


def test_gui_opens_the_rig_with_settings_and_closes_by_itself(rig, tmp_path, capsys, monkeypatch, qapp):
    from app.main_window import MainWindow

    opened = []
    show = MainWindow.show
    monkeypatch.setattr(MainWindow, "show", lambda self: (opened.append(self), show(self))[1])
    words = ["gui", "--rig", str(rig), "--preferences", str(tmp_path / "desktop.yaml"), *STAND_IN]
    hook = sys.excepthook
    code = main([*words, "--set", "rig.cameras.0.fps=12"])
    _, err = capsys.readouterr()
    assert code == 0, err
    [window] = opened
    assert window.shown == "live"
    assert not window.isVisible()
    assert window.studio.rig.cameras[0].fps == 12
    assert len(window.studio.pipeline_settings["noisy_truth"]) == 2
    assert sys.excepthook is hook


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--set", "rig.name=x"], "add --rig FILE"),
        (["--set", "smoothing.beta=1"], "add --pipeline NAME"),
        (["--pipeline", "noisy_truth", "--set", "smoothin.beta=1"], "smoothin"),
        (["--pipeline", "nosy_truth"], 'did you mean "noisy_truth"'),
        (["--seconds", "-1"], "--seconds"),
    ],
)
def test_gui_refuses_what_it_cannot_use(words, sentence, capsys):
    assert main(["gui", *words]) == 2
    _, err = capsys.readouterr()
    assert sentence in err
    assert "Traceback" not in err
