"""EasyMocap folders: sizes and units that are not stored, both spellings of a rotation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration.rig import Rig
from calibration.rig_file import read_calibration, write_calibration
from configs.errors import BadInputError
from tests.calibration.rigs import make_camera, make_rig


@pytest.fixture
def folder(tmp_path):
    """A folder of two cameras in the manner of EasyMocap itself: no sizes, no units."""
    path = tmp_path / "scene"
    write_calibration(path, make_rig(2), format_name="easymocap")
    for name in ("intri.yml", "extri.yml"):
        lines = (path / name).read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(("units", "created", "H_", "W_"))]
        (path / name).write_text("".join(kept))
    return path


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_metres_by_convention_and_size_by_the_caller(folder):
    rig = read_calibration(folder, size=(1280, 720))
    for old, new in zip(make_rig(2).cameras, rig.cameras, strict=True):
        np.testing.assert_allclose(new.t, old.t, rtol=1e-14)
        np.testing.assert_array_equal(new.R, old.R)
        np.testing.assert_array_equal(new.K, old.K)
        assert new.size == (1280, 720)


def test_stated_units_scale(folder):
    mm = read_calibration(folder, size=(1280, 720), units="mm")
    np.testing.assert_allclose(mm.cameras[0].t * 1000, make_rig(2).cameras[0].t, rtol=1e-14)


@pytest.mark.filterwarnings("default")
def test_written_units_are_believed(tmp_path):
    write_calibration(tmp_path / "cm", make_rig(2), format_name="easymocap", units="cm")
    assert "units: cm" in (tmp_path / "cm" / "extri.yml").read_text()
    back = read_calibration(tmp_path / "cm")
    np.testing.assert_allclose(back.cameras[1].t, make_rig(2).cameras[1].t, rtol=1e-14)
    with pytest.raises(BadInputError, match="in cm, but they are asked to be read as m"):
        read_calibration(tmp_path / "cm", units="m")


def test_size_from_pictures(folder):
    for name in ("cam1", "cam2"):
        (folder / "images" / name).mkdir(parents=True)
        (folder / "images" / name / "readme.txt").write_text("no picture")
        cv2.imwrite(str(folder / "images" / name / "t000.png"), np.zeros((48, 64, 3), np.uint8))
    assert read_calibration(folder).cameras[0].size == (64, 48)


def test_size_from_video(folder):
    (folder / "videos").mkdir()
    for name in ("cam1", "cam2"):
        video = cv2.VideoWriter(
            str(folder / "videos" / f"{name}.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 30, (64, 48)
        )
        assert video.isOpened()
        video.write(np.zeros((48, 64, 3), np.uint8))
        video.release()
    assert read_calibration(folder).cameras[1].size == (64, 48)


def test_size_that_nobody_knows(folder):
    with pytest.raises(
        BadInputError, match=r"intri\.yml: W_cam1: the picture size of cam1 is not stored; add W_cam1"
    ):
        read_calibration(folder)


def test_either_file_leads_to_the_folder(folder):
    rig = read_calibration(folder, size=(1280, 720))
    assert read_calibration(folder / "intri.yml", size=(1280, 720)).cameras == rig.cameras
    assert read_calibration(folder / "extri.yml", size=(1280, 720)).cameras == rig.cameras


def test_rotation_vector_alone_is_enough(folder):
    replace(folder / "extri.yml", "Rot_cam", "Other_cam")
    back = read_calibration(folder, size=(1280, 720))
    np.testing.assert_allclose(back.cameras[0].R, make_rig(2).cameras[0].R, atol=2e-9)


def test_rotation_written_with_few_decimals_is_tidied(folder):
    R = make_rig(2).cameras[0].R
    text = (folder / "extri.yml").read_text()
    start = text.index("data:", text.index("Rot_cam1"))
    rounded = ", ".join(f"{value:.4f}" for value in R.ravel())
    (folder / "extri.yml").write_text(
        text[:start] + f"data: [ {rounded} ]" + text[text.index("]", start) + 1 :]
    )
    back = read_calibration(folder, size=(1280, 720)).cameras[0].R
    np.testing.assert_allclose(back @ back.T, np.eye(3), atol=1e-15)
    np.testing.assert_allclose(back, R, atol=1e-4)  # four decimals


def test_rotations_that_disagree(folder):
    text = (folder / "extri.yml").read_text()
    text = (
        text.replace("\nR_cam1:", "\nR_swap:")
        .replace("\nR_cam2:", "\nR_cam1:")
        .replace("\nR_swap:", "\nR_cam2:")
    )
    (folder / "extri.yml").write_text(text)
    with pytest.raises(BadInputError, match=r"extri\.yml: R_cam1: is another rotation than Rot_cam1"):
        read_calibration(folder, size=(1280, 720))


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (
            "intri.yml",
            "K_cam2",
            "K_cam_2",
            r'intri\.yml: K_cam2: this key is required but missing; the file has "K_c',
        ),
        ("extri.yml", "T_cam1", "t1", r"extri\.yml: T_cam1: this key is required but missing"),
        ("intri.yml", "rows: 3", "rows: 1", r"intri\.yml: K_cam1: is not a whole matrix"),
        ("intri.yml", "names:", "cams:", r"intri\.yml: names: this key is required"),
        ("extri.yml", "- cam2", "- cam3", r"extri\.yml: names: does not list cam2"),
        ("intri.yml", "850.", ".Nan", r"cam1\.K_cam1: contains a number that is not finite"),
        ("intri.yml", "---", "--- [", r"intri\.yml: is not valid OpenCV yaml"),
    ],
)
def test_errors_name_file_and_key(folder, file, old, new, sentence):
    replace(folder / file, old, new)
    with pytest.raises(BadInputError, match=sentence):
        read_calibration(folder, size=(1280, 720))


def test_one_file_missing(folder):
    (folder / "extri.yml").unlink()
    with pytest.raises(BadInputError, match=r"extri\.yml: no such file"):
        read_calibration(folder)


def test_rational_lens_round_trip(tmp_path):
    rig = make_rig(2, "rational")
    write_calibration(tmp_path / "scene", rig, format_name="easymocap")
    back = read_calibration(tmp_path / "scene")
    assert back.cameras[0].model == "rational"
    np.testing.assert_array_equal(back.cameras[0].distortion, rig.cameras[0].distortion)


def test_what_the_format_cannot_hold(tmp_path):
    with pytest.raises(BadInputError, match="no fisheye lens, which cam1 has"):
        write_calibration(tmp_path / "a", make_rig(1, "fisheye"), format_name="easymocap")
    with pytest.raises(BadInputError, match=r"K_left\.cam: this format's keys cannot hold that camera name"):
        write_calibration(tmp_path / "b", Rig((make_camera("left.cam"),)), format_name="easymocap")


def test_folder_that_cannot_be_made(tmp_path):
    with pytest.raises(BadInputError, match="cannot be made a folder"):
        write_calibration(tmp_path / "no" / "scene", make_rig(1), format_name="easymocap")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("0.08", "!!binary x, 0.''", "not valid|not a whole matrix"),  # OpenCV's own parser never comes back
        ("rows: 1", "rows: 99999999999", "not a whole matrix"),
        ("rows: 1", "rows: -1", "not a whole matrix"),
        ("W_cam1: 1280", "W_cam1: [", "not valid OpenCV yaml"),
        ("W_cam1: 1280", "W_cam1: wide", "W_cam1 = 'wide': must be a number"),
    ],
)
def test_damaged_numbers(tmp_path, old, new, reason):
    write_calibration(tmp_path / "scene", make_rig(2), format_name="easymocap")
    replace(tmp_path / "scene" / "intri.yml", old, new)
    with pytest.raises(BadInputError, match=reason):
        read_calibration(tmp_path / "scene")
