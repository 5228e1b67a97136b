"""What people get wrong: one clear sentence and exit code 2, never a traceback."""

import json
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import yaml

from app.cli.main import main
from calibration.camera import Camera
from calibration.rig import Rig
from calibration.rig_file import write_calibration
from tests.support.videos import write_video

RIG = {"version": 1, "cameras": [{"name": "cam1", "driver": {"type": "simulated"}, "size": [160, 120]}]}


def camera(name: str, size=(160, 120)) -> Camera:
    matrix = np.array([[150.0, 0, size[0] / 2], [0, 150.0, size[1] / 2], [0, 0, 1]])
    return Camera(name, size, "pinhole", matrix, np.zeros(5), np.eye(3), np.array([0.0, 0, 3000]))


class Given:
    """Files a user might have, each wrong in one way."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch

    def rig(self, **changes) -> str:
        data = {**RIG, **changes}
        path = self.folder / "rig.yaml"
        path.write_text(yaml.safe_dump(data))
        return str(path)

    def rig_camera(self, **changes) -> str:
        return self.rig(cameras=[{**RIG["cameras"][0], **changes}])

    def text(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def videos(self, **options) -> str:
        folder = self.folder / "footage"
        folder.mkdir(exist_ok=True)
        for name in ("cam1", "cam2"):
            write_video(folder / f"{name}.mp4", size=(160, 120), frames=12, **options)
        return str(folder)

    def calibration(self, *names: str, size=(160, 120), edit=None) -> str:
        path = self.folder / "calibration.yaml"
        write_calibration(path, Rig(tuple(camera(name, size) for name in names)))
        if edit is not None:
            data = yaml.safe_load(path.read_text())
            edit(data)
            path.write_text(yaml.safe_dump(data))
        return str(path)

    def full_disk(self) -> str:
        usage = namedtuple("usage", "total used free")
        monkey = lambda path: usage(10**12, 10**12 - 10**8, 10**8)  # noqa: E731
        self.monkeypatch.setattr(shutil, "disk_usage", monkey)
        return self.rig()

    def no_permission(self) -> str:
        def refuse(path, *args, **kwargs):
            raise PermissionError(13, "Permission denied", str(path))

        self.monkeypatch.setattr(Path, "mkdir", refuse)
        return str(self.folder / "locked" / "take")

    def wrong_weights(self) -> str:
        store = self.folder / "models"
        (store / "blazepose").mkdir(parents=True)
        (store / "blazepose" / "pose_detection.tflite").write_bytes(bytes(2_959_046))
        (store / "blazepose" / "pose_landmark_full.tflite").write_bytes(bytes(6_440_512))
        self.monkeypatch.setenv("POSESTAGE_MODELS", str(store))
        return self.rig(cameras=[{**RIG["cameras"][0], "name": name} for name in ("cam1", "cam2")])

    def cut_video(self) -> str:
        folder = Path(self.videos())
        whole = (folder / "cam2.mp4").read_bytes()
        (folder / "cam2.mp4").write_bytes(whole[: len(whole) // 2])
        return str(folder)


def set_nan(data) -> None:
    data["cameras"]["cam1"]["K"][0][0] = float("nan")


def set_wrong_shape(data) -> None:
    data["cameras"]["cam1"]["K"] = [[1, 0], [0, 1]]


CASES = {
    "missing folder": (lambda g: ["process", f"{g.folder}/nothing"], ["nothing", "no such folder"]),
    "missing rig file": (
        lambda g: ["capture", "--rig", f"{g.folder}/rigg.yaml"],
        ["rigg.yaml", "no such file"],
    ),
    "unknown driver": (
        lambda g: ["capture", "--rig", g.rig_camera(driver={"type": "simulatd"})],
        ["cameras.cam1.driver.type", "simulatd", 'did you mean "simulated"'],
    ),
    "wrong key": (
        lambda g: ["capture", "--rig", g.rig_camera(fsp=30)],
        ["fsp", "unknown key", 'did you mean "fps"'],
    ),
    "wrong key of a driver": (
        lambda g: ["capture", "--rig", g.rig_camera(driver={"type": "simulated", "jiter_ms": 1})],
        ["cameras.cam1.driver", "jiter_ms", 'did you mean "jitter_ms"'],
    ),
    "duplicated camera names": (
        lambda g: ["capture", "--rig", g.rig(cameras=RIG["cameras"] * 2)],
        ['two cameras are called "cam1"'],
    ),
    "negative frame rate": (
        lambda g: ["capture", "--rig", g.rig_camera(fps=-5)],
        ["fps = -5", "greater than 0"],
    ),
    "not yaml": (
        lambda g: ["capture", "--rig", g.text("rig.yaml", "cameras: [a\n b: {")],
        ["rig.yaml", "not valid yaml at line"],
    ),
    "rig of another version": (lambda g: ["capture", "--rig", g.rig(version=7)], ["version = 7"]),
    "no such view in the studio": (
        lambda g: ["capture", "--rig", g.rig_camera(driver={"type": "simulated", "camera": "cam9"})],
        ["cam9", "cam1, cam2"],
    ),
    "unknown pipeline": (
        lambda g: ["capture", "--rig", g.rig(), "--pipeline", "blazpose"],
        ["blazpose", 'did you mean "blazepose"'],
    ),
    "wrong key in --set": (
        lambda g: ["capture", "--rig", g.rig(), "--set", "triangulation.min_scor=0.1"],
        ["triangulation.min_scor", 'did you mean "min_score"'],
    ),
    "wrong value in --set": (
        lambda g: ["capture", "--rig", g.rig(), "--set", "triangulation.min_score=high"],
        ["triangulation.min_score = 'high'", "number"],
    ),
    "a duration that is no number": (
        lambda g: ["capture", "--rig", g.rig(), "--seconds", "nan"],
        ["--seconds", "finite"],
    ),
    "an index that only looks like a number": (
        lambda g: ["capture", "--rig", g.rig(), "--set", "rig.cameras.².fps=3"],
        ['no item "²"'],
    ),
    "an impossible date in --set": (
        lambda g: ["capture", "--rig", g.rig(), "--set", "rig.name=2024-13-45"],
        ["--set name", "2024-13-45", "month"],
    ),
    "an impossible date in a file": (
        lambda g: ["capture", "--rig", g.text("rig.yaml", "name: 2024-13-45")],
        ["rig.yaml", "not valid yaml", "month"],
    ),
    "too many brackets": (
        lambda g: ["capture", "--rig", g.rig(), "--set", f"rig.name={'[' * 3000}"],
        ["--set name", "not valid yaml"],
    ),
    "a port that is none": (
        lambda g: ["capture", "--rig", g.rig(), "--set", "stream.address=tcp://127.0.0.1:99999"],
        ["stream.address", "1..65535"],
    ),
    "pictures too small for the studio": (
        lambda g: ["capture", "--rig", g.rig_camera(size=[32, 32]), "--pipeline", "none"],
        ["size", "64..4096"],
    ),
    "poses from one camera": (
        lambda g: ["capture", "--rig", g.rig(), "--pipeline", "noisy_truth"],
        ["at least two cameras", "--pipeline none"],
    ),
    "name of a take that is too long": (
        lambda g: ["capture", "--rig", g.rig(), "--pipeline", "none", "--out", f"{g.folder}/{'a' * 300}"],
        ["too long"],
    ),
    "NaN in K": (
        lambda g: ["process", g.videos(), "--calibration", g.calibration("cam1", "cam2", edit=set_nan)],
        ["calibration.yaml", "cam1", "K", "finite"],
    ),
    "K of the wrong shape": (
        lambda g: [
            "process",
            g.videos(),
            "--calibration",
            g.calibration("cam1", "cam2", edit=set_wrong_shape),
        ],
        ["calibration.yaml", "cam1", "K", "3"],
    ),
    "calibration of other cameras": (
        lambda g: ["process", g.videos(), "--calibration", g.calibration("left", "right")],
        ["cam1, cam2", "left, right"],
    ),
    "pictures of another size": (
        lambda g: ["process", g.videos(), "--calibration", g.calibration("cam1", "cam2", size=(200, 100))],
        ["cam1", "160 x 120", "200 x 100"],
    ),
    "no calibration": (lambda g: ["process", g.videos()], ["no calibration", "--calibration FILE"]),
    "video cut short": (
        lambda g: ["process", g.cut_video(), "--calibration", g.calibration("cam1", "cam2")],
        ["cam2.mp4"],
    ),
    "text instead of video": (
        lambda g: [
            "process",
            str(Path(g.text("cam1.mp4", "hello")).parent),
            "--calibration",
            g.calibration("cam1"),
        ],
        ["cam1.mp4"],
    ),
    "disk nearly full": (
        lambda g: ["capture", "--rig", g.full_disk(), "--pipeline", "none", "--out", f"{g.folder}/take"],
        ["disk is nearly full", "100 MB free"],
    ),
    "no write permission": (
        lambda g: [
            "process",
            g.videos(),
            "--calibration",
            g.calibration("cam1", "cam2"),
            "--pipeline",
            "noisy_truth",
            "--set",
            "keypoints.studio={size: [160, 120], cameras: 2}",
            "--out",
            g.no_permission(),
        ],
        ["locked", "permission denied"],
    ),
    "folder of the take is in use": (
        lambda g: ["capture", "--rig", g.rig(), "--pipeline", "none", "--out", str(Path(g.rig()).parent)],
        ["is not empty"],
    ),
    "model file with a wrong hash": (
        lambda g: ["capture", "--rig", g.wrong_weights(), "--pipeline", "blazepose"],
        ["pose_detection.tflite", "SHA-256", "models fetch blazepose"],
    ),
    "export of no take": (lambda g: ["export", str(g.folder), "--format", "csv"], ["is not a take"]),
    "unknown export format": (
        lambda g: ["export", str(g.folder), "--format", "parket"],
        ["parket", 'did you mean "parquet"'],
    ),
    "unknown command": (lambda g: ["captur"], ["captur", 'did you mean "capture"']),
    "unknown model": (lambda g: ["models", "info", "blazpose"], ["blazpose", 'did you mean "blazepose"']),
    "too many cameras": (lambda g: ["demo", "--cameras", "99"], ["--cameras = 99", "2 to 16"]),
    "no size": (lambda g: ["demo", "--size", "big"], ["--size = 'big'", "640x480"]),
}


@pytest.mark.parametrize("case", CASES)
def test_is_explained_in_one_sentence(case, tmp_path, monkeypatch, capsys):
    arguments, expected = CASES[case]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    words = arguments(Given(tmp_path, monkeypatch))
    code = main([*words, "--json"])
    out, err = capsys.readouterr()
    assert code == 2, err
    assert "Traceback" not in err
    error = json.loads(out.strip().splitlines()[-1])
    assert error["exit_code"] == 2
    for word in expected:
        assert word in error["error"]
    assert "\n" not in error["error"].strip()
    assert (
        not [name for name in (tmp_path / "takes").iterdir() if name]
        if (tmp_path / "takes").is_dir()
        else True
    )
