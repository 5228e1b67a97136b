from __future__ import annotations

import os
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import yaml

from configs.errors import BadInputError
from pipeline.take.folder import free_space_check, new_take_folder, not_left_empty
from pipeline.take.header import read_header, wall_time_now, write_header
from pipeline.take.ledger import LedgerTotals
from tests.pipeline.take.synthetic_take import make_header, make_rig

not_as_root = pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="the administrator may write anywhere"
)


def test_header_round_trip(tmp_path: Path):
    rig = make_rig([(640, 480), (320, 240)])
    header = make_header(
        rig,
        models={"blazepose": {"pose.tflite": "ab" * 32}},
        config={"stage": {"max_error_px": np.float64(20.5)}, "path": tmp_path, "list": (1, 2)},
        label="truth projected with noise",
    ).with_state("complete", {"cam1": LedgerTotals(10, 8, {"ring_full": 2}, "0badcafe")}, {"instants": 3})
    write_header(tmp_path, header)
    back = read_header(tmp_path)
    assert back.calibration == rig
    assert back.config == {"stage": {"max_error_px": 20.5}, "path": str(tmp_path), "list": [1, 2]}
    for name in (
        "name",
        "state",
        "label",
        "origin_ns",
        "wall_time",
        "cameras",
        "skeleton",
        "models",
        "totals",
    ):
        assert getattr(back, name) == getattr(header, name), name
    assert back.software["python"].count(".") == 2
    assert back.software["posestage"]


def test_take_yaml_holds_the_calibration_snapshot(tmp_path: Path):
    rig = make_rig([(640, 480)])
    write_header(tmp_path, make_header(rig))
    data = yaml.safe_load((tmp_path / "take.yaml").read_text())
    assert data["version"] == 1
    assert data["state"] == "recording"
    assert data["calibration"] == yaml.safe_load((tmp_path / "calibration.yaml").read_text())
    np.testing.assert_allclose(data["calibration"]["cameras"]["cam1"]["K"], rig.cameras[0].K)


def test_a_crash_while_writing_keeps_the_old_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    header = make_header(make_rig([(640, 480)]))
    write_header(tmp_path, header)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write_header(tmp_path, header.with_state("complete", {}, {}))
    assert read_header(tmp_path).state == "recording"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 7}, "version = 7: this version of take cannot be read"),
        ({"state": "done"}, "state = 'done': unknown state; allowed: recording, complete, repaired"),
        ({"origin_ns": "soon"}, "is damaged"),
        ({"cameras": ...}, "cameras: this key is required but missing"),
    ],
)
def test_a_damaged_header_is_bad_input(tmp_path: Path, change: dict, message: str):
    write_header(tmp_path, make_header(make_rig([(640, 480)])))
    path = tmp_path / "take.yaml"
    data = yaml.safe_load(path.read_text()) | change
    path.write_text(yaml.safe_dump({key: value for key, value in data.items() if value is not ...}))
    with pytest.raises(BadInputError, match=message):
        read_header(tmp_path)


def test_not_a_take(tmp_path: Path):
    with pytest.raises(BadInputError, match=r"is not a take: it has no take\.yaml"):
        read_header(tmp_path)
    with pytest.raises(BadInputError, match="no such folder"):
        read_header(tmp_path / "nothing")


def test_wall_time_has_a_zone():
    assert wall_time_now()[-6] in "+-"


def test_new_folders_never_overwrite(tmp_path: Path):
    names = [new_take_folder(tmp_path / "takes", "walk").name for _ in range(3)]
    assert names == ["walk", "walk-2", "walk-3"]


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 200, "trailing ", "trailing."])
def test_impossible_names_are_bad_input(tmp_path: Path, name: str):
    with pytest.raises(BadInputError, match="cannot be the name of a take"):
        new_take_folder(tmp_path, name)


def test_a_file_in_the_way_is_bad_input(tmp_path: Path):
    (tmp_path / "takes").write_text("")
    with pytest.raises(BadInputError, match="is a file"):
        new_take_folder(tmp_path / "takes", "x")
    with pytest.raises(BadInputError, match="part of its path is a file"):
        new_take_folder(tmp_path / "takes" / "deeper", "x")


@not_as_root
def test_no_permission_is_bad_input(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(BadInputError, match="permission denied"):
        new_take_folder(tmp_path, "x")


def test_free_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(100e9, 98e9, 2_000_000_000))
    assert free_space_check(tmp_path / "not" / "yet", 1e6, reserve=1_000_000_000) == pytest.approx(1000)
    with pytest.raises(BadInputError, match="nearly full: 2000 MB free, 1000 MB stay reserved"):
        free_space_check(tmp_path, 101e6, reserve=1_000_000_000)
    with pytest.raises(BadInputError, match="nearly full"):
        free_space_check(tmp_path, 0.0, reserve=2_000_000_001)


def test_an_empty_folder_does_not_remain_after_a_failure(tmp_path: Path):
    folder = new_take_folder(tmp_path, "walk")
    with pytest.raises(BadInputError), not_left_empty(folder):
        free_space_check(folder, 1e18)
    assert not folder.exists()
    folder = new_take_folder(tmp_path, "walk")
    with pytest.raises(RuntimeError), not_left_empty(folder):
        (folder / "take.yaml").touch()
        raise RuntimeError("something was saved")
    assert (folder / "take.yaml").exists()
