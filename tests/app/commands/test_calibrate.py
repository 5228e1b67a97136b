"""``calibrate`` from stored views and pictures, against a simulated rig's truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.cli.main import main
from calibration.board import write_board
from calibration.camera import Camera
from calibration.observations import BoardObservations
from calibration.rig import Rig
from calibration.rig_file import read_calibration, write_calibration
from models.simulation.board_studio import BoardStudio, BoardStudioConfig
from pipeline.calibrating.figures import compare_with_truth
from tests.support.shared_data import SHARED, needs_shared

NOISE_PX = 0.2


@pytest.fixture(scope="module")
def studio() -> BoardStudio:
    return BoardStudio(BoardStudioConfig(seed=3, cameras=3, lags_ms=(0, 30)))


@pytest.fixture(scope="module")
def views(studio) -> BoardObservations:
    times = np.arange(0.0, studio.motion.period_s, 0.2)
    return studio.observe(list(times), NOISE_PX)


@pytest.fixture
def folder(tmp_path, monkeypatch, studio, views) -> Path:
    monkeypatch.chdir(tmp_path)
    views.save(tmp_path / "views.npz")
    write_board(tmp_path / "board.yaml", studio.board)
    write_calibration(tmp_path / "lenses.yaml", studio.rig)
    return tmp_path


def run(capsys, *words) -> tuple[int, dict]:
    code = main(["calibrate", *map(str, words), "--json"])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, json.loads(out.strip().splitlines()[-1])


def test_stored_views_with_known_lenses_give_the_rig_back(folder, studio, capsys):
    code, result = run(
        capsys, "--from", "views.npz", "--intrinsics", "lenses.yaml", "--out", "c.yaml", "--no-report",
        "--export", "toml,opencv,qualisys",
    )  # fmt: skip
    assert code == 0
    rig = read_calibration(folder / "c.yaml")
    truth = compare_with_truth(rig, studio.rig)
    # 0.2 px noise on some hundred views: a thousandth of the distance (4 m), a tenth of a frame.
    assert truth["position_mm"] < 4.0
    assert truth["rotation_deg"] < 0.05
    assert truth["lag_ms"] < 3.0
    assert truth["focal_percent"] == 0.0, "given lenses are taken as they are"
    assert result["rms_px"] == pytest.approx(NOISE_PX * np.sqrt(2), rel=0.15)
    assert result["cameras"]["cam2"]["lag_ms"] == pytest.approx(30, abs=3)
    for path in (folder / "c.toml", folder / "c_easymocap", folder / "c.qca.txt"):
        again = read_calibration(path, units="mm" if path.name.endswith(".txt") else None)
        np.testing.assert_allclose(
            again.cameras[1].position, rig.cameras[1].position, atol=0.1, err_msg=str(path)
        )


def test_lenses_are_estimated_and_everything_is_kept_for_a_second_solve(folder, studio, capsys):
    code, result = run(capsys, "--from", "views.npz", "--board", "board.yaml")
    assert code == 0
    assert (folder / "calibration_report" / "report.html").stat().st_size > 10_000
    truth = compare_with_truth(read_calibration(folder / "calibration.yaml"), studio.rig)
    assert truth["focal_percent"] < 1.0
    assert truth["lag_ms"] < 3.0
    assert all(camera["intrinsics"]["coverage"] > 0.3 for camera in result["cameras"].values())

    code, again = run(
        capsys, "--from", "calibration_report", "--config", "calibration_report/config.yaml", "--no-report"
    )
    assert code == 0
    assert again["rms_px"] == pytest.approx(result["rms_px"], rel=1e-6)
    assert (folder / "calibration.previous.yaml").is_file(), "the calibration before is kept"


def test_lags_can_be_left_out(folder, capsys):
    code, result = run(
        capsys, "--from", "views.npz", "--intrinsics", "lenses.yaml", "--no-report",
        "--set", "extrinsics.estimate_lags=false",
    )  # fmt: skip
    assert code == 0
    assert all(camera["lag_ms"] == 0 for camera in result["cameras"].values())
    # Where two cameras see the board and cam2 is one of them (158 of 516 views), it moves at 70 px/s RMS:
    # 2.1 px in 30 ms. Each of the two views keeps half of that, and only across the epipolar lines, as the
    # board's pose takes what lies along them: 0.74 px there, 0.48 px in all views, 1.7 times the noise. When
    # three see it, it lies on the floor, and lone views agree with anything.
    assert 1.5 * NOISE_PX * np.sqrt(2) < result["rms_px"] < 2.0 * NOISE_PX * np.sqrt(2)


def test_words_tell_cameras_errors_and_files(folder, capsys):
    words = ["calibrate", "--from", "views.npz", "--intrinsics", "lenses.yaml", "--no-report"]
    assert main(words) == 0
    out = capsys.readouterr().out
    for word in (
        "cam1",
        "cam2",
        "cam3",
        "pinhole, given",
        "error 0.2",
        "cam2 shows everything",
        "calibration.yaml",
    ):
        assert word in out


def test_a_rig_chooses_the_cameras(folder, capsys):
    (folder / "rig.yaml").write_text(
        "version: 1\ncameras:\n"
        "  - {name: cam3, driver: {type: simulated}}\n  - {name: cam1, driver: {type: simulated}}\n"
    )
    two = Rig(tuple(read_calibration(folder / "lenses.yaml").subset(("cam3", "cam1")).cameras))
    write_calibration(folder / "two.yaml", two)
    code, result = run(
        capsys, "--from", "views.npz", "--rig", "rig.yaml", "--intrinsics", "two.yaml", "--no-report"
    )
    assert code == 0
    assert list(result["cameras"]) == ["cam3", "cam1"]


@needs_shared
def test_real_webcams_in_inverted_print(tmp_path, monkeypatch, capsys):
    """Four webcams, Caliscope's time stamps, one camera 0.12 s late: the figures of the set's README."""
    monkeypatch.chdir(tmp_path)
    source = SHARED / "data" / "charuco_4cam"
    (tmp_path / "board.yaml").write_text(
        "{version: 1, type: charuco, columns: 4, rows: 5, square_mm: 54, marker_mm: 40.5, "
        "dictionary: 4X4_1000}"
    )
    lenses = []
    for name, one in json.loads((source / "upstream_calibration.json").read_text())["cameras"].items():
        size = tuple(one["image_size"])
        lenses.append(Camera(name, size, "pinhole", one["K"], one["dist"], np.eye(3), np.zeros(3)))
    write_calibration(tmp_path / "lenses.yaml", Rig(tuple(lenses)))
    code, result = run(
        capsys, "--from", source, "--board", "board.yaml", "--intrinsics", "lenses.yaml", "--no-report"
    )
    assert code == 0
    assert {name: camera["pictures"] for name, camera in result["cameras"].items()} == dict.fromkeys(
        ("cam_0", "cam_1", "cam_2", "cam_3"), 111
    )
    assert result["cameras"]["cam_1"]["lag_ms"] == pytest.approx(117, abs=15)
    expected = [1142.5, 543.2, 421.6, 934.2, 1439.7, 616.3]
    np.testing.assert_allclose(list(result["distances_mm"].values()), expected, rtol=0.01)
