"""Qualisys files: 1/64 px, turned camera axes, and XML that is not to be trusted."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from calibration.rig_file import read_calibration, write_calibration
from configs.errors import BadInputError
from tests.calibration.rigs import make_rig
from tests.support.shared_data import SHARED, needs_shared

RECORDING = SHARED / "data" / "pose2sim_single"


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "rig.qca.txt"
    write_calibration(file, make_rig(2), format_name="qualisys")
    return file


def replace(path, old, new, count=-1):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))
    return path


@needs_shared
def test_real_file_agrees_with_an_independent_conversion():
    rig = read_calibration(RECORDING / "Calib.qca.txt")
    reference = json.loads((RECORDING / "calibration_opencv.json").read_text())["cameras"]
    assert rig.names == tuple(reference)
    for camera in rig.cameras:
        expected = reference[camera.name]
        assert camera.size == tuple(expected["image_size"])
        assert camera.model == "pinhole"
        np.testing.assert_allclose(camera.K, expected["K"], rtol=1e-15)
        np.testing.assert_array_equal(camera.distortion, expected["dist"])
        np.testing.assert_allclose(camera.R, expected["R"], atol=1e-15)
        # The reference is in metres, written with 16 digits.
        np.testing.assert_allclose(camera.t, np.array(expected["t"]) * 1000, atol=1e-11)
        np.testing.assert_allclose(camera.position, np.array(expected["position"]) * 1000, atol=1e-11)
        assert rig.quality["residual_mm"][camera.name] == expected["file_residual_mm"]


@needs_shared
def test_real_file_sees_the_origin_in_front_of_every_camera_and_up_is_up():
    for camera in read_calibration(RECORDING / "Calib.qca.txt").cameras:
        low, high = camera.project([[0.0, 0.0, 0.0], [0.0, 0.0, 1800.0]])
        assert high[1] < low[1]
        assert camera.position[2] > 1000.0


def test_numbers_are_written_the_way_the_program_does(path):
    camera = make_rig(2).cameras[0]
    text = path.read_text()
    assert f'focalLengthU="{float(camera.K[0, 0]) * 64!r}"' in text
    assert f'radialDistortion1="{float(camera.distortion[0])!r}"' in text
    assert f'tangentalDistortion1="{float(camera.distortion[2])!r}"' in text
    assert f'r21="{float(-camera.R[1, 0])!r}"' in text
    assert 'right="1279"' in text


def test_round_trip_of_quality_and_creation(tmp_path):
    rig = make_rig(2, created="yesterday", quality={"residual_mm": {"cam1": 0.4, "cam2": 0.5}})
    write_calibration(tmp_path / "rig.txt", rig, format_name="qualisys")
    back = read_calibration(tmp_path / "rig.txt")
    assert (back.created, back.quality) == (rig.created, rig.quality)


def test_cut_out_of_the_sensor_moves_the_centre(path):
    replace(
        path,
        '<fov_video left="0" top="0" right="1279" bottom="719"',
        '<fov_video left="100" top="40" right="1099" bottom="639"',
    )
    camera, original = read_calibration(path).cameras[0], make_rig(2).cameras[0]
    assert camera.size == (1000, 600)
    np.testing.assert_allclose(camera.K[:2, 2], original.K[:2, 2] - [100, 40], rtol=1e-14)
    np.testing.assert_allclose(camera.K[0, 0], original.K[0, 0], rtol=1e-14)


def test_binned_pictures_keep_the_calibration_of_the_whole_sensor(path):
    replace(
        path,
        '<fov_video left="0" top="0" right="1279" bottom="719"',
        '<fov_video left="0" top="0" right="639" bottom="359"',
    )
    camera = read_calibration(path).cameras[0]
    assert camera.size == (1280, 720)
    np.testing.assert_allclose(camera.K, make_rig(2).cameras[0].K, rtol=1e-14)


def test_inactive_cameras_are_left_out_aloud(path, caplog):
    replace(path, 'active="1"', 'active="0"', 1)
    with caplog.at_level(logging.WARNING):
        assert read_calibration(path).names == ("cam2",)
    assert "cam1 is marked inactive" in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'focalLengthU="',
            'focalLengthX="',
            r'camera cam1\.intrinsic\.focalLengthU: this attribute .* has "focalLengthX"',
        ),
        ('focalLengthU="', 'focalLengthU="-', r"camera cam1\.intrinsic: must have positive focal lengths"),
        (
            'centerPointU="',
            'centerPointU="x',
            r"camera cam1\.intrinsic\.centerPointU = 'x.*': is not a number",
        ),
        ('skew="0.0"', 'skew="64.0"', r"camera cam1\.intrinsic: must have no skew"),
        ('r11="', 'r11="nan" was="', r"camera cam1\.transform: contains a number that is not finite"),
        ('r11="', 'r11="9" was="', r"camera cam1\.transform: is not a rotation"),
        ("<transform", "<transf", r"is not valid XML|camera cam1\.transform: this element is required"),
        ("<intrinsic ", "<intrinsics ", r"camera cam1\.intrinsic: this element is required but missing"),
        ('serial="cam2"', 'serial="cam1"', 'two cameras are called "cam1"'),
        ("</calibration>", "", r"is not valid XML"),
        ("<camera ", "<kamera ", r"cameras: holds no camera"),
    ],
)
def test_errors_name_camera_and_attribute(path, old, new, sentence):
    replace(path, old, new)
    text = path.read_text().replace("</camera>", "</kamera>") if "kamera" in new else path.read_text()
    path.write_text(text)
    with pytest.raises(BadInputError, match=sentence) as caught:
        read_calibration(path)
    assert str(caught.value).startswith(str(path))


def test_entities_are_refused_before_they_are_expanded(path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    replace(path, "?>\n", f"?>\n{bomb}\n")
    with pytest.raises(BadInputError, match="declares a document type"):
        read_calibration(path)


def test_units_are_millimetres_and_nothing_else(path):
    with pytest.raises(BadInputError, match="in mm, but they are asked to be read as m"):
        read_calibration(path, units="m")
    with pytest.raises(BadInputError, match="mm"):
        write_calibration(path, make_rig(1), format_name="qualisys", units="m")


def test_other_lenses_do_not_fit(path):
    with pytest.raises(BadInputError, match="pinhole lenses only; cam1 is fisheye"):
        write_calibration(path, make_rig(1, "fisheye"), format_name="qualisys")
