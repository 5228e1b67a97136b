"""New cameras get a good mode, a free name and a place in the studio."""

import pytest

from app.cameras import new_cameras
from app.cameras.rig_draft import CameraDraft, RigDraft
from app.cameras.words import device_words, mode_words, rates_of, sizes_of, source_words
from pipeline.drivers.device_info import Mode
from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.rigs.studio_rig import studio_of
from tests.app.cameras.conftest import BUSY, WEBCAM


def test_a_webcam_is_added_by_its_lasting_name_in_a_usual_mode():
    camera = new_cameras.usb_camera(RigDraft(), WEBCAM)
    assert camera.config().model_dump(mode="json") == {
        "name": "cam1",
        "driver": {"type": "usb", "device": WEBCAM.stable_id},
        "size": [1280, 720],
        "fps": 30.0,
    }
    unknown = new_cameras.usb_camera(RigDraft(), BUSY)
    assert (unknown.size, unknown.fps) == (None, None)


def test_modes_that_are_too_slow_or_unreadable_are_not_chosen():
    slow = Mode("MJPG", (1280, 720), (10.0,))
    small = Mode("YUYV", (640, 480), (30.0,))
    odd = Mode("H264", (1280, 720), (60.0,))
    assert new_cameras.suitable_mode([slow, small, odd]) == small
    assert new_cameras.suitable_mode([odd]) is None


def test_a_stream_is_called_by_its_host_but_never_by_an_address():
    assert new_cameras.stream_camera(RigDraft(), "rtsp://me:pw@door/stream").name == "door"
    assert new_cameras.stream_camera(RigDraft(), "rtsp://me:pw@192.168.1.9/stream").name == "cam1"


def test_files_are_called_like_themselves(tmp_path):
    made = new_cameras.file_cameras(
        RigDraft(), "video_file", [tmp_path / "left.mp4", tmp_path / "b" / "left.mp4"]
    )
    assert [camera.name for camera in made] == ["left", "left2"]


def test_a_folder_of_folders_is_one_camera_each(tmp_path):
    for name in ("left", "right", "empty"):
        (tmp_path / name).mkdir()
    for name in ("left", "right"):
        (tmp_path / name / "0001.PNG").touch()
    found = new_cameras.folders_of_images(tmp_path, frozenset({".png"}))
    assert [folder.name for folder in found] == ["left", "right"]
    assert new_cameras.folders_of_images(tmp_path / "left", frozenset({".png"})) == [tmp_path / "left"]


def test_the_simulated_studio_grows_with_its_cameras():
    draft = RigDraft.of(simulated_rig(2, (160, 120), 30.0, 0))
    draft, third = new_cameras.with_simulated_camera(draft)
    assert third.name == "cam3"
    assert {camera.settings["studio"]["cameras"] for camera in draft.cameras} == {3}
    assert studio_of(draft.config()).rig.names == ("cam1", "cam2", "cam3"), "the studio agrees"
    draft, _ = new_cameras.with_simulated_camera(draft.removed(draft.cameras[0].key))
    assert draft.names == ("cam2", "cam3", "cam1"), "a free place is taken first"
    for _ in range(13):
        draft, _ = new_cameras.with_simulated_camera(draft)
    with pytest.raises(ValueError, match="room for 16"):
        new_cameras.with_simulated_camera(draft)


def test_a_renamed_or_copied_simulated_camera_keeps_its_place():
    draft = RigDraft.of(simulated_rig(2, (160, 120), 30.0, 0))
    renamed = new_cameras.renamed(draft.cameras[0], "front")
    assert renamed.settings["camera"] == "cam1"
    assert new_cameras.renamed(renamed, "back").settings["camera"] == "cam1"
    copy = new_cameras.copy_of(draft, draft.cameras[1])
    assert (copy.name, copy.settings["camera"], copy.key != draft.cameras[1].key) == ("cam3", "cam2", True)


def test_words_tell_source_and_mode_without_passwords():
    stream = CameraDraft("a", "rtsp", {"url": "rtsp://me:secret@door/live?key=1"})
    assert source_words(stream) == "Network camera, rtsp://door/live"
    assert mode_words(stream) == "size of the source, rate of the source"
    assert source_words(CameraDraft("a", "new_vendor", {"serial": "1"})) == "New vendor"
    assert device_words(WEBCAM) == "3 sizes, up to 1920 × 1080 at 30 fps"
    assert device_words(BUSY) == "This camera is in use by another program; close that program first."
    assert sizes_of(WEBCAM) == [(640, 480), (1280, 720), (1920, 1080)]
    assert sizes_of(WEBCAM, "yuyv") == [(640, 480)]
    assert rates_of(WEBCAM, (1280, 720)) == [60.0, 30.0]
