"""``capture`` and ``gui`` with real processes: what they tell about poses and takes."""

import json
import re

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


def result_of(words, capfd):
    code = main(words)
    out, err = capfd.readouterr()
    assert code == 0, err
    assert "Traceback" not in err
    return json.loads(out), err


def test_capture_tells_where_poses_are_published(rig, tmp_path, capfd):
    result, err = result_of(["capture", "--rig", str(rig), "--no-report", *STAND_IN], capfd)
    address = result["poses"]["address"]
    assert re.fullmatch(r"tcp://127\.0\.0\.1:[1-9][0-9]+", address)
    assert f"published on {address}" in err
    [folder] = (tmp_path / "takes").iterdir()
    assert Take.open(folder).header.state == "complete"


def test_gui_runs_one_session(rig, capfd, monkeypatch, qapp):
    started = []
    from pipeline.supervisor import Supervisor

    start = Supervisor.start
    monkeypatch.setattr(Supervisor, "start", lambda self: (started.append(self), start(self))[1])
    result, _ = result_of(["gui", "--rig", str(rig), *STAND_IN], capfd)
    assert len(started) == 1
    assert result["poses"] > 0
    assert result["events"] == []
