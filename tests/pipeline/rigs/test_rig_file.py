"""Rig files that are written come back the same, with paths and passwords as they were given."""

import stat
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.errors import BadInputError
from pipeline.rigs.rig_config import CameraConfig, RigConfig, load_rig
from pipeline.rigs.rig_file import comments_lost, write_rig

EXAMPLES = sorted((Path(__file__).parents[3] / "configs" / "rigs").glob("*.yaml"))

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,12}", fullmatch=True)
drivers = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("usb"), "device": st.text(min_size=1, max_size=20)},
        optional={"exposure_us": st.one_of(st.integers(1, 10**6), st.just("auto"), st.none())},
    ),
    st.fixed_dictionaries(
        {"type": st.just("rtsp"), "url": st.text(max_size=30).map(lambda end: "rtsp://user:pass@host/" + end)}
    ),
    st.fixed_dictionaries(
        {"type": st.just("simulated"), "studio": st.fixed_dictionaries({"seed": st.integers(0, 9)})}
    ),
)
cameras = st.lists(
    st.builds(
        CameraConfig,
        name=names,
        driver=drivers,
        size=st.none() | st.tuples(st.integers(1, 16384), st.integers(1, 16384)),
        fps=st.none() | st.floats(0.001, 1000),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda camera: camera.name,
)


@given(cameras=cameras, name=st.text(max_size=20))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_rig_comes_back_the_same(tmp_path, cameras, name):
    path = tmp_path / "rig.yaml"
    rig = RigConfig(name=name, cameras=tuple(cameras))
    write_rig(path, rig)
    assert load_rig(path) == rig


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_come_back_the_same_from_another_folder(tmp_path, example):
    path = tmp_path / "copy.yaml"
    rig = load_rig(example)
    write_rig(path, rig, origin=example)
    assert load_rig(path) == rig
    heading = [line for line in example.read_text().splitlines() if line.startswith("#")]
    assert path.read_text().splitlines()[0] == heading[0]


def rig_with(folder: Path, *paths: Path | str, calibration: Path | None = None) -> RigConfig:
    made = tuple(
        CameraConfig(name=f"cam{number}", driver={"type": "video_file", "path": str(path)})
        for number, path in enumerate(paths)
    )
    return RigConfig(cameras=made, calibration=str(calibration) if calibration else None)


def written_paths(path: Path) -> list[str]:
    return [camera["driver"]["path"] for camera in yaml.safe_load(path.read_text())["cameras"]]


def test_paths_stay_as_they_were_given(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir(), there.mkdir()
    outside = tmp_path / "outside.mp4"
    origin = here / "rig.yaml"
    data = {
        "cameras": [
            {"name": "a", "driver": {"type": "video_file", "path": "a.mp4"}},
            {"name": "b", "driver": {"type": "video_file", "path": str(here / "b.mp4")}},
            {"name": "c", "driver": {"type": "video_file", "path": "../outside.mp4"}},
        ]
    }
    origin.write_text(yaml.safe_dump(data))
    rig = load_rig(origin)
    assert [camera.driver["path"] for camera in rig.cameras][2] == str(outside.resolve())
    write_rig(origin, rig)
    assert written_paths(origin) == ["a.mp4", str(here / "b.mp4"), "../outside.mp4"]
    copy = there / "copy.yaml"
    write_rig(copy, rig, origin=origin)
    assert written_paths(copy) == ["../here/a.mp4", str(here / "b.mp4"), "../outside.mp4"]
    assert load_rig(copy) == rig


def test_new_paths_are_relative_below_the_rig_and_absolute_elsewhere(tmp_path):
    folder = tmp_path / "rig"
    folder.mkdir()
    calibration = folder / "calibration.yaml"
    calibration.write_text("here")
    path = folder / "rig.yaml"
    rig = rig_with(folder, folder / "videos" / "a.mp4", tmp_path / "b.mp4", calibration=calibration)
    write_rig(path, rig)
    assert written_paths(path) == ["videos/a.mp4", str(tmp_path / "b.mp4")]
    assert yaml.safe_load(path.read_text())["calibration"] == "calibration.yaml"
    assert load_rig(path) == rig


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such permissions")
def test_a_new_file_with_a_password_is_private(tmp_path):
    secret = {"type": "rtsp", "url": "rtsp://me:secret@camera/stream?token=1"}
    private, public = tmp_path / "private.yaml", tmp_path / "public.yaml"
    write_rig(private, RigConfig(cameras=(CameraConfig(name="a", driver=secret),)))
    assert load_rig(private).cameras[0].driver == secret
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    plain = RigConfig(cameras=(CameraConfig(name="a", driver={"type": "usb", "device": "0"}),))
    write_rig(public, plain)
    assert stat.S_IMODE(public.stat().st_mode) == 0o644
    public.chmod(0o640)
    write_rig(public, plain)
    assert stat.S_IMODE(public.stat().st_mode) == 0o640, "an existing file keeps its permissions"


def test_the_heading_is_kept_and_other_comments_are_counted(tmp_path):
    path = tmp_path / "rig.yaml"
    path.write_text(
        "# Our studio\n# since May\n\nversion: 1\nname: 'a # b'  # of the house\ncameras:\n"
        "  # The one by the door.\n  - {name: a, driver: {type: usb, device: '#1'}}\n# the end\n"
    )
    assert comments_lost(path) == 3
    write_rig(path, load_rig(path).model_copy(update={"name": "other"}))
    text = path.read_text()
    assert text.startswith("# Our studio\n# since May\n\nversion: 1\nname: other\n")
    assert comments_lost(path) == 0
    assert load_rig(path).cameras[0].driver["device"] == "#1"


def test_a_file_that_cannot_be_written_says_so_and_the_old_one_stays(tmp_path):
    rig = rig_with(tmp_path, tmp_path / "a.mp4")
    with pytest.raises(BadInputError, match="the folder does not exist"):
        write_rig(tmp_path / "no" / "rig.yaml", rig)


def test_a_damaged_origin_hinders_nothing(tmp_path):
    path = tmp_path / "rig.yaml"
    path.write_text("cameras: [\n")
    rig = rig_with(tmp_path, tmp_path / "a.mp4")
    assert comments_lost(path) == 0
    write_rig(path, rig)
    assert load_rig(path) == rig


HAND_WRITTEN = """# Our studio
version: 1
cameras:
  # by the door
  - {name: a, driver: {type: usb, device: "0"}}   # the good one
calibration: old.yaml  # of May
# the end
"""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (HAND_WRITTEN, 5),
        (HAND_WRITTEN.replace("calibration: old.yaml  # of May\n", ""), 4),
        (HAND_WRITTEN.replace("old.yaml ", "null     "), 5),
    ],
    ids=["replaced", "added", "null"],
)
def test_a_new_calibration_changes_one_line_and_no_comment(tmp_path, text, kept):
    path, new = tmp_path / "rig.yaml", tmp_path / "new.yaml"
    path.write_text(text)
    new.write_text("here")
    rig = load_rig(path, ("calibration=null",)).model_copy(update={"calibration": str(new)})
    write_rig(path, rig)
    assert load_rig(path) == rig
    written = path.read_text()
    assert "calibration: new.yaml" in written
    assert written.count("#") == kept == text.count("#")
    write_rig(path, rig.model_copy(update={"calibration": None}))
    assert load_rig(path).calibration is None
    assert "calibration" not in path.read_text()
    assert path.read_text().count("#") == kept


def test_more_than_the_calibration_rewrites_the_file(tmp_path):
    path, new = tmp_path / "rig.yaml", tmp_path / "new.yaml"
    path.write_text(HAND_WRITTEN)
    new.write_text("here")
    rig = load_rig(path, ("calibration=null",)).model_copy(update={"calibration": str(new), "name": "other"})
    write_rig(path, rig)
    assert load_rig(path) == rig
    assert path.read_text().startswith("# Our studio\nversion: 1\nname: other\n")
