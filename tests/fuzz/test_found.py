"""What the long run found, kept small."""

from __future__ import annotations

import json
import struct
from zlib import crc32

import numpy as np
import pytest
import yaml

from calibration.footage import Footage, grey_frames, read_times
from calibration.observations import BoardObservations
from calibration.rig_file import read_calibration, write_calibration
from configs.errors import BadInputError
from models.datasets.panoptic import read_cameras
from pipeline.drivers.base import CameraSettings
from pipeline.drivers.video_file import VideoFileConfig, VideoFileDriver
from pipeline.take.errors import TakeError
from pipeline.take.events import read_events
from pipeline.take.header import read_header
from pipeline.take.ledger import COLUMNS, read_ledger
from pipeline.take.picture_seeker import PictureSeeker
from pipeline.take.poses_file import map_poses, read_poses
from pipeline.take.poses_log import PosesLog
from pipeline.take.video_file import RecordedVideo
from tests.calibration.rigs import make_rig
from tests.fuzz.targets import MAGIC, TARGETS, take_folder


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    return take_folder(tmp_path_factory.mktemp("found"))


def test_text_in_a_video_that_is_none(take, tmp_path):
    data = (take / "videos/cam1.mkv").read_bytes()
    tag = data.find(b"ENCODER")
    assert tag > 0
    (tmp_path / "a.mkv").write_bytes(data[:tag] + b"\xd6" + data[tag + 1 :])
    assert len(RecordedVideo(tmp_path / "a.mkv")) == 6


def test_a_video_of_a_codec_that_nobody_knows(take, tmp_path):
    data = (take / "videos/cam1.mkv").read_bytes()
    codec = data.find(b"V_MJPEG")
    assert codec > 0
    path = tmp_path / "a.mkv"
    path.write_bytes(data[:codec] + b"V_EGGS!" + data[codec + 7 :])
    with pytest.raises(TakeError, match="unknown kind"):
        RecordedVideo(path)
    with pytest.raises(TakeError, match="unknown kind"):
        PictureSeeker(path, np.arange(6, dtype=np.int64), 0)
    driver = VideoFileDriver(VideoFileConfig(path=str(path)), CameraSettings("cam1", None, None, 0))
    with pytest.raises(BadInputError, match="unknown kind"):
        driver.open()
    with pytest.raises(BadInputError, match="unknown kind"):
        next(grey_frames(Footage("cam1", (path,))))


@pytest.mark.parametrize("value", ["inf", "nan", "1e30"])
def test_times_that_are_none(tmp_path, value):
    (tmp_path / "t.csv").write_text(f"cam_id,frame_time\n1,0.5\n1,{value}\n")
    with pytest.raises(BadInputError, match="line 3 holds no time"):
        read_times(tmp_path / "t.csv")


def test_times_that_are_no_text(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"cam_id,frame_time\n1,\xed\n")
    with pytest.raises(BadInputError, match="not a text file"):
        read_times(tmp_path / "t.csv")


@pytest.mark.parametrize("text", ["x = " + "[" * 2000, "x = " + "9" * 5000])
def test_toml_without_end(tmp_path, text):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(BadInputError, match="is not valid TOML"):
        read_calibration(tmp_path / "a.toml")


def test_a_lens_of_another_world(tmp_path):
    write_calibration(tmp_path / "a.toml", make_rig(2), format_name="toml")
    text = (tmp_path / "a.toml").read_text()
    assert "-0.012" in text
    (tmp_path / "a.toml").write_text(text.replace("-0.012", "1e308"))
    with pytest.raises(BadInputError, match="beyond 1e"):
        read_calibration(tmp_path / "a.toml")


def test_a_ledger_line_whose_checksum_fits_and_whose_numbers_are_none(tmp_path):
    line = b"1e999,5,recorded,"
    crc = crc32(line, crc32(COLUMNS.encode()))
    (tmp_path / "l.csv").write_bytes(COLUMNS.encode() + b"\n" + line + b",%08x\n" % crc)
    ledger = read_ledger(tmp_path / "l.csv")
    assert len(ledger) == 0
    assert ledger.problem == "line 2 does not begin with two numbers"


@pytest.mark.parametrize("line", ["[" * 5000, json.dumps({"t_ns": float("inf"), "kind": "a", "message": ""})])
def test_events_that_are_none(tmp_path, line):
    (tmp_path / "e.jsonl").write_text('{"t_ns": 1, "kind": "mark", "message": "a"}\n' + line + "\n")
    events, problem = read_events(tmp_path / "e.jsonl")
    assert len(events) == 1
    assert problem == "line 2 is not an event"


@pytest.mark.parametrize("read", [read_poses, map_poses])
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("cameras", np.array("cam1"), "must be lists"),
        ("scores", np.zeros((1, 1)), "scores is float64"),
        ("joints", np.zeros(3), r"\(T, P, J, 3\)"),
        ("times_ns", np.zeros(6), "times_ns is float64"),
    ],
)
def test_poses_that_do_not_fit_each_other(take, tmp_path, read, name, value, reason):
    with np.load(take / "poses.npz") as stored:
        arrays = {**stored, name: value}
    np.savez(tmp_path / "p.npz", **arrays)
    with pytest.raises(BadInputError, match=reason):
        read(tmp_path / "p.npz")


def test_a_whole_record_of_poses_that_holds_something_else(tmp_path):
    good = TARGETS["poses_log"].make(tmp_path).read_bytes()
    strange = b"\x93\x01\x02\x03"
    record = struct.pack("<II", len(strange), crc32(strange)) + strange
    for data, frames, end in ((good + record, 4, len(good)), (MAGIC + record, 0, len(MAGIC))):
        (tmp_path / "p.log").write_bytes(data)
        log = PosesLog(tmp_path / "p.log")
        assert len(list(log)) == frames
        assert "holds something else" in log.problem
        assert log.good_bytes == end


def test_board_views_of_no_shape(tmp_path):
    file = TARGETS["board_views"].make(tmp_path)
    with np.load(file) as stored:
        arrays = {**stored, "cameras": np.array("cam1"), "sizes": np.array(5)}
    np.savez(file, **arrays)
    with pytest.raises(BadInputError, match="holds no stored board views"):
        BoardObservations.load(file)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("cameras", [["cam1"]], "list of names"),
        ("cameras", "cam1", "list of names"),
        ("cameras", ["../../secret"], "cannot be the name of a camera"),
        ("cameras", [".."], "cannot be the name of a camera"),
        ("rig", [1], "rig = .*must be a mapping"),
        ("skeleton", 5, "must be a name"),
        ("origin_ns", float("inf"), "is damaged"),
        ("origin_ns", 1 << 80, "is no time"),
    ],
)
def test_a_take_that_says_odd_things_about_itself(take, tmp_path, key, value, reason):
    data = yaml.safe_load((take / "take.yaml").read_text())
    (tmp_path / "take.yaml").write_text(yaml.safe_dump({**data, "calibration": None, key: value}))
    with pytest.raises(BadInputError, match=reason):
        read_header(tmp_path)


def test_a_rotation_that_no_decomposition_ends_for(tmp_path):
    camera = {
        "name": "00_00",
        "type": "hd",
        "resolution": [1920, 1080],
        "K": np.eye(3).tolist(),
        "distCoef": [0, 0, 0, 0, 0],
        "R": [[float("-inf"), 0, 0], [0, 1, 0], [0, 0, 1]],
        "t": [0, 0, 0],
    }
    (tmp_path / "c.json").write_text(json.dumps({"cameras": [camera]}))
    with pytest.raises(BadInputError, match="R is not a rotation"):
        read_cameras(tmp_path / "c.json")


@pytest.mark.parametrize("error", ["1" + "0" * 400, "inf", "nan", "-1"])
def test_a_quality_that_is_none(tmp_path, error):
    write_calibration(tmp_path / "a.toml", make_rig(2), format_name="toml")
    lines = (tmp_path / "a.toml").read_text().splitlines()
    lines = [line for line in lines if not line.startswith("error")]
    place = lines.index("[metadata]") + 1
    (tmp_path / "a.toml").write_text("\n".join([*lines[:place], f"error = {error}", *lines[place:], ""]))
    assert read_calibration(tmp_path / "a.toml").quality == {}
