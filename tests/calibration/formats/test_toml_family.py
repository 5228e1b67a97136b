"""The TOML of anipose and its relatives: dialects, units, and what is refused."""

from __future__ import annotations

import logging
import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.rig import Rig
from calibration.rig_file import read_calibration, write_calibration
from configs.errors import BadInputError
from tests.calibration.rigs import LENSES, make_camera, make_rig

# In the manner of FreeMoCap: five coefficients, millimetres, remarks in the metadata, trailing commas.
FREEMOCAP = """
[cam_0]
name = "first"
size = [ 720, 1280,]
matrix = [ [ 912.5, 0.0, 359.5,], [ 0.0, 912.5, 639.5,], [ 0.0, 0.0, 1.0,],]
distortions = [ -0.25, 0.0, 0.0, 0.0, 0.0,]
rotation = [ 0.0, 0.0, 0.0,]
translation = [ 0.0, 0.0, 0.0,]

[cam_1]
name = "second"
size = [ 720, 1280,]
matrix = [ [ 858.0, 0.0, 359.5,], [ 0.0, 858.0, 639.5,], [ 0.0, 0.0, 1.0,],]
distortions = [ -0.25, 0.0, 0.0, 0.0, 0.0,]
rotation = [ 0.0, 1.5707963267948966, 0.0,]
translation = [ -2500.0, -600.0, 700.0,]

[metadata]
charuco_square_size = 58.0
date_time_calibrated = "2025-03-11T14:19:33"
"""

# In the manner of Pose2Sim: freely named tables, whole floats for the size, four coefficients, metres.
POSE2SIM = """
[int_cam01_img]
name = "int_cam01_img"
size = [ 1088.0, 1920.0]
matrix = [ [ 1671.5, 0.0, 564.6], [ 0.0, 1671.4, 933.0], [ 0.0, 0.0, 1.0]]
distortions = [ -0.053, 0.151, -0.0001, 0.0006]
rotation = [ 1.68, 1.03, -0.39]
translation = [ 0.26, 0.96, 2.93]
fisheye = false

[int_cam02_img]
name = "int_cam02_img"
size = [ 1088.0, 1920.0]
matrix = [ [ 1675.7, 0.0, 555.8], [ 0.0, 1675.4, 937.7], [ 0.0, 0.0, 1.0]]
distortions = [ -0.052, 0.149, 0.00002, -0.0006]
rotation = [ 1.36, 1.58, -1.18]
translation = [ -0.17, 0.81, 3.2]
fisheye = false

[metadata]
adjusted = false
error = 0.0
"""

# In the manner of Caliscope's own file: a table of cameras, metres by definition.
CALISCOPE = """
[cameras.1]
port = 1
rotation_count = 0
exposure = "null"
size = [1920, 1080]
matrix = [[1121.1, 0.0, 943.5], [0.0, 1120.0, 532.1], [0.0, 0.0, 1.0]]
distortions = [0.073, -0.102, -0.0003, 0.00001, 0.042]
translation = [-0.212, 0.078, 1.933]
rotation = [1.4, 1.04, -0.93]
"""


@pytest.fixture
def read(tmp_path):
    def read(text, **options):
        path = tmp_path / "calibration.toml"
        path.write_text(text)
        return read_calibration(path, **options)

    return read


def test_freemocap_is_recognised_as_millimetres_with_a_warning(read, caplog):
    with caplog.at_level(logging.WARNING):
        rig = read(FREEMOCAP)
    assert rig.names == ("first", "second")
    np.testing.assert_array_equal(rig.camera("second").t, [-2500.0, -600.0, 700.0])
    # A quarter turn about y: world x is seen along -z.
    np.testing.assert_allclose(rig.camera("second").R, [[0, 0, 1], [0, 1, 0], [-1, 0, 0]], atol=1e-15)
    assert rig.created == "2025-03-11T14:19:33"
    assert "not stored; taken as mm" in caplog.text
    assert 'state it with a line units = "mm" (or "m") under [metadata]' in caplog.text


def test_pose2sim_is_recognised_as_metres_with_a_warning(read, caplog):
    with caplog.at_level(logging.WARNING):
        rig = read(POSE2SIM)
    np.testing.assert_allclose(rig.cameras[0].t, [260.0, 960.0, 2930.0], rtol=1e-15)
    assert rig.cameras[0].size == (1088, 1920)
    assert len(rig.cameras[0].distortion) == 4
    assert "taken as m because" in caplog.text


def test_caliscope_is_metres_without_doubt(read, caplog):
    with caplog.at_level(logging.WARNING):
        rig = read(CALISCOPE)
    assert rig.names == ("cam_1",)
    np.testing.assert_allclose(rig.cameras[0].t, [-212.0, 78.0, 1933.0], rtol=1e-15)
    assert "not stored" not in caplog.text


def test_stated_units_are_believed_in_silence(read, caplog):
    with caplog.at_level(logging.WARNING):
        by_caller = read(FREEMOCAP, units="cm")
        by_file = read(FREEMOCAP + 'units = "cm"\n')
    np.testing.assert_array_equal(by_caller.cameras[1].t, [-25000.0, -6000.0, 7000.0])
    assert by_file.cameras == by_caller.cameras
    assert "not stored" not in caplog.text


def test_unclear_units_are_refused(read):
    with pytest.raises(BadInputError, match=r"unit of length is not stored .* fits no usual unit; state it"):
        read(FREEMOCAP.replace("-2500.0, -600.0, 700.0", "-100.0, -60.0, 70.0"))


def test_contradicting_and_unknown_units(read):
    with pytest.raises(BadInputError, match=r"metadata\.units: the file says its lengths are in m, but"):
        read(POSE2SIM + 'units = "m"\n', units="mm")
    with pytest.raises(
        BadInputError, match=r"metadata\.units = 'inch': unknown unit of length; allowed: mm, cm, m"
    ):
        read(POSE2SIM + 'units = "inch"\n')


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            ("matrix = [ [ 912.5,", "matrix = [ [ nan,"),
            r"\[cam_0\]: matrix\.0\.0 = nan: input should be a finite",
        ),
        (
            ("matrix = [ [ 912.5,", "matrix = [ [ -912.5,"),
            r"\[cam_0\]\.matrix: must have positive focal lengths",
        ),
        (
            ("distortions = [ -0.25, 0.0, 0.0, 0.0, 0.0,]", "distortions = [ 0.1 ]"),
            r"\[cam_0\]\.distortions: of the pinhole model needs 4 or 5 coefficients, not 1",
        ),
        (
            ("rotation = [ 0.0, 0.0, 0.0,]", "rotaton = [ 0.0, 0.0, 0.0,]"),
            r'\[cam_0\]: rotation: this key is required but missing; the file has "rotaton"',
        ),
        (("size = [ 720, 1280,]", "size = [ 720.5, 1280,]"), r"\[cam_0\]\.size: must be two positive whole"),
        (('"second"', '"first"'), 'two cameras are called "first"'),
        (("[cam_1]", "[cam_1"), r"is not valid TOML: .*line 1"),
        (("fisheye = false", ""), None),
    ],
)
def test_errors_name_table_and_key(read, tmp_path, edit, sentence):
    if sentence is None:
        assert len(read(FREEMOCAP.replace(*edit))) == 2
        return
    with pytest.raises(BadInputError, match=sentence) as caught:
        read(FREEMOCAP.replace(*edit))
    assert str(caught.value).startswith(str(tmp_path / "calibration.toml"))


def test_toml_without_cameras(read):
    with pytest.raises(BadInputError, match=r"holds no camera; each camera is a table such as \[cam_0\]"):
        read("[project]\nname = 'x'\n")


def test_fisheye_may_carry_a_fifth_zero(read):
    text = POSE2SIM.replace("0.0006]\nrotation = [ 1.68", "0.0006, 0.0]\nrotation = [ 1.68")
    text = text.replace("fisheye = false", "fisheye = true", 1)
    assert read(text).cameras[0].model == "fisheye"
    with pytest.raises(BadInputError, match="fisheye model needs 4 coefficients, not 5"):
        read(text.replace("0.0006, 0.0]", "0.0006, 0.1]"))


def test_long_coefficient_lists_are_shortened_only_by_zeros(read):
    def with_tail(tail):
        return read(POSE2SIM.replace("0.0006]\nrotation = [ 1.68", f"0.0006{tail}]\nrotation = [ 1.68"))

    assert with_tail(", 0.0" * 8).cameras[0].model == "rational"
    assert len(with_tail(", 0.0" * 8).cameras[0].distortion) == 8
    with pytest.raises(BadInputError, match="not 14"):
        with_tail(", 0.0" * 9 + ", 0.1")


@pytest.mark.parametrize("units", ["mm", "cm", "m"])
@pytest.mark.parametrize("model", LENSES)
def test_round_trip_in_every_unit_and_lens(tmp_path, caplog, model, units):
    rig = make_rig(3, model, created="2026-01-31")
    path = tmp_path / "rig.toml"
    write_calibration(path, rig, format_name="toml", units=units)
    with caplog.at_level(logging.WARNING):
        back = read_calibration(path)
    assert not caplog.records  # the unit is stored
    assert back.created == "2026-01-31"
    for old, new in zip(rig.cameras, back.cameras, strict=True):
        assert (new.name, new.size, new.model) == (old.name, old.size, old.model)
        np.testing.assert_array_equal(new.K, old.K)
        np.testing.assert_array_equal(new.distortion, old.distortion)
        np.testing.assert_allclose(new.R, old.R, atol=2e-9)
        np.testing.assert_allclose(new.t, old.t, rtol=1e-15)


def test_written_tables_are_what_the_relatives_expect(tmp_path):
    path = tmp_path / "rig.toml"
    camera = make_camera("left", distortion=[-0.1, 0.02, 0.0, 0.0], lag_ms=4.5)
    write_calibration(path, Rig((camera,), quality={"error_px": 0.31}), format_name="toml")
    document = tomllib.loads(path.read_text())
    assert list(document) == ["cam_0", "metadata"]
    table = document["cam_0"]
    assert table["name"] == "left"
    assert table["size"] == [1280, 720]
    assert table["distortions"] == [-0.1, 0.02, 0.0, 0.0, 0.0]
    assert table["fisheye"] is False
    np.testing.assert_allclose(table["translation"], camera.t / 1000, rtol=1e-15)
    assert document["metadata"]["units"] == "m"
    assert document["metadata"]["error"] == 0.31
    assert read_calibration(path).quality == {"error_px": 0.31}
    assert read_calibration(path).cameras[0].lag_ms == 4.5


@settings(max_examples=60, deadline=None)
@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_name_survives_the_writer(tmp_path_factory, name):
    path = tmp_path_factory.getbasetemp() / "rig.toml"
    write_calibration(path, Rig((make_camera(name),)), format_name="toml")
    assert read_calibration(path).names == (name,)
