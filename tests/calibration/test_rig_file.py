"""Our own calibration file: exact, strict, atomic; and which reader takes which file."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.formats.registry import FORMATS
from calibration.rig import Rig
from calibration.rig_file import read_calibration, write_calibration
from configs.errors import BadInputError
from tests.calibration.rigs import LENSES, make_camera, make_rig


@pytest.fixture
def written(tmp_path):
    """A valid file and a function that writes it again with one change."""
    path = tmp_path / "calibration.yaml"
    write_calibration(path, make_rig(2))

    def change(edit):
        content = yaml.safe_load(path.read_text())
        edit(content)
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return change


def test_everything_comes_back_bit_by_bit(tmp_path):
    cameras = tuple(
        make_camera(f"view {model}", model, (1e3 / 3, 2e3 / 7, i * np.pi * 500), lag_ms=i / 3)
        for i, model in enumerate(LENSES)
    )
    board = {"type": "charuco", "columns": 7, "rows": 5, "square_mm": 39.7}
    quality = {"rms_px": np.float64(0.1) * 3, "cameras": {"a": np.array([1.5, 2.5])}, "views": (3, 4)}
    rig = Rig(cameras, created="2026-01-31T12:00:00+00:00", board=board, quality=quality)
    write_calibration(tmp_path / "rig.yaml", rig)
    back = read_calibration(tmp_path / "rig.yaml")
    assert back.cameras == rig.cameras
    assert (back.created, back.board) == (rig.created, board)
    assert back.quality == {"rms_px": 0.1 * 3, "cameras": {"a": [1.5, 2.5]}, "views": [3, 4]}


@settings(max_examples=25, deadline=None)
@given(
    t=st.tuples(*[st.floats(-1e7, 1e7)] * 3),
    focal=st.floats(1e-3, 1e6),
    name=st.text(min_size=1, max_size=20).filter(lambda text: text.strip() and text.isprintable()),
)
def test_any_number_and_name_comes_back(tmp_path_factory, t, focal, name):
    path = tmp_path_factory.getbasetemp() / "rig.yaml"
    camera = make_camera(name, t=t, K=[[focal, 0, 1.1], [0, focal / 3, 2.2], [0, 0, 1]])
    write_calibration(path, Rig((camera,)))
    assert read_calibration(path).cameras == (camera,)


def test_order_of_cameras_is_kept(tmp_path):
    rig = make_rig(4).subset(["cam3", "cam1", "cam4", "cam2"])
    write_calibration(tmp_path / "rig.yaml", rig)
    assert read_calibration(tmp_path / "rig.yaml").names == rig.names


def edit_camera(key, value):
    return lambda content: content["cameras"]["cam1"].__setitem__(key, value)


def rename_camera_key(old, new):
    def edit(content):
        content["cameras"]["cam1"][new] = content["cameras"]["cam1"].pop(old)

    return edit


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            edit_camera("K", [[float("nan"), 0, 1], [0, 1, 1], [0, 0, 1]]),
            r"cameras\.cam1\.K\.0\.0 = nan: input should be a finite number",
        ),
        (
            edit_camera("K", [[-5.0, 0, 1], [0, 1, 1], [0, 0, 1]]),
            r"cameras\.cam1\.K: must have positive focal",
        ),
        (edit_camera("R", [[1, 0, 0], [0, 1, 0], [0, 0, 2]]), r"cameras\.cam1\.R: is not a rotation"),
        (edit_camera("distortion", [0.1]), r"cameras\.cam1\.distortion: of the pinhole model needs 4 or 5"),
        (edit_camera("size", [0, 5]), r"cameras\.cam1\.size: must be two positive whole numbers"),
        (
            edit_camera("model", "pinhol"),
            r"cameras\.cam1\.model = 'pinhol'.*'pinhole', 'rational' or 'fisheye'",
        ),
        (edit_camera("t", [1.0, "far", 2.0]), r"cameras\.cam1\.t\.1 = 'far'"),
        (
            rename_camera_key("distortion", "distorsion"),
            r"distorsion.*unknown key.*did you mean \"distortion\"",
        ),
        (lambda c: c["cameras"]["cam1"].pop("K"), r"cameras\.cam1\.K: this key is required but missing"),
        (lambda c: c.update(version=2), r"version = 2: this Posestage reads version 1 .* by a newer one"),
        (
            lambda c: c.update(version=0),
            r"version = 0: this Posestage reads version 1 of the calibration file$",
        ),
        (lambda c: c.pop("version"), r"version: this key is required but missing"),
        (lambda c: c.update(units="m"), r"units = 'm'"),
        (lambda c: c.update(cameras={}), r"cameras = {}"),
        (lambda c: c["cameras"].update({7: c["cameras"].pop("cam1")}), r'put it in quotes: "7"'),
        (lambda c: c.update(camera={}), r'camera: unknown key.*did you mean "cameras"'),
    ],
)
def test_errors_name_file_key_and_value(written, edit, sentence):
    path = written(edit)
    with pytest.raises(BadInputError, match=sentence) as caught:
        read_calibration(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_camera_twice_is_an_error(tmp_path):
    path = tmp_path / "rig.yaml"
    write_calibration(path, make_rig(1))
    text = path.read_text()
    camera = text[text.index("  cam1:") : text.index("quality:")]
    path.write_text(text.replace("quality:", camera + "quality:"))
    with pytest.raises(BadInputError, match='the key "cam1" is there twice'):
        read_calibration(path)


def test_file_units_contradict_the_caller(written):
    with pytest.raises(BadInputError, match="says its lengths are in mm, but they are asked to be read as m"):
        read_calibration(written(lambda content: None), units="m")


def test_broken_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "rig.yaml"
    write_calibration(path, make_rig(2))
    before = path.read_bytes()
    with pytest.raises(yaml.YAMLError):
        write_calibration(path, make_rig(3, quality={"cannot be written": object()}))
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["rig.yaml"]


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(BadInputError, match="folder does not exist"):
        write_calibration(tmp_path / "nowhere" / "rig.yaml", make_rig(1))


def test_missing_file_names_the_near_one(tmp_path):
    write_calibration(tmp_path / "calibration.yaml", make_rig(1))
    with pytest.raises(BadInputError, match=r'no such file.*did you mean "calibration.yaml"'):
        read_calibration(tmp_path / "calibratoin.yaml")


@pytest.mark.parametrize(
    ("name", "text"), [("notes.txt", "hello"), ("empty.txt", ""), ("data.json", '{"cameras": {}}')]
)
def test_unknown_files_are_told_what_is_known(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInputError, match=r"no calibration file we know; allowed: .*Qualisys.*TOML"):
        read_calibration(tmp_path / name)


def test_video_in_place_of_a_calibration_is_not_read_into_memory(tmp_path):
    path = tmp_path / "cam1.mp4"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a sparse terabyte
    with pytest.raises(BadInputError, match="too large for a calibration; is it a video"):
        read_calibration(path)


def test_folder_without_calibration(tmp_path):
    with pytest.raises(BadInputError, match="folder without a calibration"):
        read_calibration(tmp_path)


def test_unknown_format_name(tmp_path):
    with pytest.raises(BadInputError, match=r'unknown calibration format.*did you mean "qualisys"'):
        write_calibration(tmp_path / "x", make_rig(1), format_name="qualysis")


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_writes_what_its_own_reader_recognises(tmp_path, name):
    rig = make_rig(3)
    # The suffix says nothing, except for our own yaml: the content decides.
    path = tmp_path / ("rig.yaml" if name == "posestage" else "rig.dat")
    write_calibration(path, rig, format_name=name)
    back = read_calibration(path)
    assert back.names == rig.names
    for old, new in zip(rig.cameras, back.cameras, strict=True):
        assert (new.size, new.model) == (old.size, old.model)
        np.testing.assert_allclose(new.K, old.K, rtol=1e-14)
        np.testing.assert_array_equal(new.distortion, old.distortion)
        # A rotation vector loses up to 1e-9 near half a turn (OpenCV's Rodrigues).
        np.testing.assert_allclose(new.R, old.R, atol=2e-9)
        # Through the position and back, or through metres: rounding of 1e4 mm.
        np.testing.assert_allclose(new.t, old.t, atol=1e-10)


@pytest.mark.parametrize("up", ["y", "-y"])
def test_world_is_turned_upright(tmp_path, up):
    rig = make_rig(3)
    # The same studio written down by somebody whose y axis points up, or down.
    sign = 1.0 if up == "y" else -1.0
    theirs_from_ours = np.array([[1.0, 0, 0], [0, 0, sign], [0, -sign, 0]])
    assert np.linalg.det(theirs_from_ours) == 1.0
    assert (theirs_from_ours @ [0.0, 0.0, 1.0])[1] == sign
    write_calibration(tmp_path / "theirs.yaml", rig.moved(theirs_from_ours))
    back = read_calibration(tmp_path / "theirs.yaml", world_up=up)
    for old, new in zip(rig.cameras, back.cameras, strict=True):
        np.testing.assert_allclose(new.R, old.R, atol=1e-15)
        np.testing.assert_allclose(new.t, old.t, atol=1e-12)


def test_implausible_size_of_the_rig_is_said(tmp_path, caplog):
    rig = make_rig(2)
    tiny = Rig(tuple(make_camera(c.name, R=c.R, t=c.t / 1000) for c in rig.cameras))
    write_calibration(tmp_path / "rig.yaml", tiny)
    with caplog.at_level(logging.WARNING):
        read_calibration(tmp_path / "rig.yaml")
    assert "check the units" in caplog.text


def test_lens_that_ends_inside_the_picture_is_said(tmp_path, caplog):
    write_calibration(tmp_path / "rig.yaml", Rig((make_camera(distortion=[-0.45, 0, 0, 0]),)))
    with caplog.at_level(logging.WARNING):
        read_calibration(tmp_path / "rig.yaml")
    assert "cam1: the lens model does not reach" in caplog.text


def test_ordinary_rig_is_read_in_silence(tmp_path, caplog):
    write_calibration(tmp_path / "rig.yaml", make_rig(4))
    with caplog.at_level(logging.WARNING):
        read_calibration(tmp_path / "rig.yaml")
    assert not caplog.records
