"""Compiling ahead of simulated cameras."""

import pytest

from app.session import prepare
from configs.errors import PosestageError
from pipeline.rigs.rig_config import RigConfig


@pytest.fixture
def told():
    return []


def never():
    return False


def test_it_is_done_once(devices, told, tmp_path):
    marker = tmp_path / "cache" / "studio-compiled-1"
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "studio-compiled-0").touch()
    prepare.prepare(devices, never, told.append, lambda: marker)
    assert told == ["Preparing the simulated studio, once …"]
    assert [path.name for path in marker.parent.iterdir()] == ["studio-compiled-1"], "older ones are gone"
    prepare.prepare(devices, never, told.append, lambda: marker)
    assert len(told) == 1


def test_it_can_be_called_off(devices, told, tmp_path):
    prepare.prepare(devices, lambda: True, told.append, lambda: tmp_path / "marker")
    assert not (tmp_path / "marker").exists()


def test_other_cameras_need_nothing(told, tmp_path):
    rig = RigConfig.model_validate({"cameras": [{"name": "a", "driver": {"type": "usb", "device": 0}}]})
    prepare.prepare(rig, never, told.append, lambda: tmp_path / "marker")
    assert told == []


def fail():
    raise SystemExit(5)


def test_a_failure_is_said(devices, told, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "warm_up_studio", fail)
    with pytest.raises(PosestageError, match="could not be prepared"):
        prepare.prepare(devices, never, told.append, lambda: tmp_path / "marker")
    assert not (tmp_path / "marker").exists()


def test_the_marker_follows_the_code(monkeypatch):
    before = prepare.compiled_marker()
    assert prepare.compiled_marker() == before
    monkeypatch.setattr(prepare, "version", lambda package: "99")
    assert prepare.compiled_marker() != before
