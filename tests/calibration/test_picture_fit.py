"""Calibrations for pictures of another size: what is certain, what is refused."""

from __future__ import annotations

import json

import av
import numpy as np
import pytest

from calibration.picture_fit import fit_to_picture
from calibration.rig_file import read_calibration
from configs.errors import BadInputError
from tests.calibration.rigs import make_camera, people_sized_points
from tests.support.shared_data import SHARED, needs_shared

RECORDING = SHARED / "data" / "pose2sim_single"
PORTRAIT = {"size": (1088, 1920), "K": [[1680.0, 0, 533.0], [0, 1680.0, 948.0], [0, 0, 1]]}


def grey(size, level=90):
    return np.full((size[1], size[0], 3), level, np.uint8)


def with_bars(size, top=0, bottom=0, left=0, right=0):
    """A noisy picture whose borders are black up to compression noise."""
    noise = np.random.default_rng(0)
    picture = noise.integers(40, 200, (size[1], size[0], 3), np.uint8)
    black = noise.integers(0, 12, picture.shape, np.uint8)
    inside = np.zeros(picture.shape[:2], bool)
    inside[top : size[1] - bottom, left : size[0] - right] = True
    picture[~inside] = black[~inside]
    return picture


def first_picture(path):
    with av.open(str(path)) as video:
        return next(video.decode(video=0)).to_ndarray(format="bgr24")


@needs_shared
@pytest.mark.parametrize("name", ["cam01", "cam02", "cam03", "cam04"])
def test_real_videos_that_were_scaled_between_black_rows(name):
    reference = json.loads((RECORDING / "calibration_opencv.json").read_text())["cameras"][name]
    camera = read_calibration(RECORDING / "Calib.qca.txt").camera(name)
    picture = first_picture(RECORDING / reference["video"])
    fitted, note = fit_to_picture(camera, tuple(reference["video_size"]), picture)
    assert fitted.size == tuple(reference["video_size"])
    # The reference scales about pixel index 0 and row 960, we about the picture's border and centre in
    # pixel-centre coordinates: half a pixel times 1 - 1080/1088.
    np.testing.assert_allclose(fitted.K, reference["K_video"], atol=0.5 * (1 - 1080 / 1088) + 1e-9)
    if name in ("cam01", "cam02"):
        assert "1088 x 1920 px" in note
        assert "black borders of 7.1 px above and below" in note
    else:
        assert note is None
        assert fitted is camera


@needs_shared
def test_real_pixels_map_as_the_recording_says():
    camera = read_calibration(RECORDING / "Calib.qca.txt").camera("cam01")
    fitted, _ = fit_to_picture(camera, (1080, 1920), first_picture(RECORDING / "videos" / "cam01.mp4"))
    # Pixel of the calibration = (x * 1088/1080, 960 + (y - 960) * 1088/1080).
    points = people_sized_points()
    pixels, calibrated = fitted.project(points), camera.project(points)
    expected = np.c_[pixels[:, 0] * 1088 / 1080, 960 + (pixels[:, 1] - 960) * 1088 / 1080]
    np.testing.assert_allclose(calibrated, expected, atol=0.004)  # 0.0037 px as above


def test_equal_size_changes_nothing():
    camera = make_camera()
    assert fit_to_picture(camera, camera.size, None) == (camera, None)


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080), (854, 480), (320, 180)])
def test_uniformly_scaled_pictures(size):
    camera, points = make_camera(), people_sized_points()
    fitted, note = fit_to_picture(camera, size, None)
    scale = np.array(size) / camera.size
    np.testing.assert_allclose(
        fitted.project(points), (camera.project(points) + 0.5) * scale - 0.5, atol=1e-9
    )
    assert "cam1: calibrated at 1280 x 720 px" in note
    assert f"{size[0]} x {size[1]} px" in note


def test_size_that_is_the_last_index_is_the_same_picture():
    camera = make_camera(size=(1087, 1919))
    fitted, note = fit_to_picture(camera, (1088, 1920), None)
    np.testing.assert_array_equal(fitted.K, camera.K)
    assert fitted.size == (1088, 1920)
    assert "last pixel's index" in note


def test_bars_above_and_below():
    camera = make_camera(**PORTRAIT)
    fitted, _ = fit_to_picture(camera, (1080, 1920), with_bars((1080, 1920), top=7, bottom=7))
    points = people_sized_points()
    scale = 1080 / 1088
    # The middle of the picture stays in the middle: column 543.5 is column 539.5, row 959.5 stays.
    expected = (camera.project(points) - [543.5, 959.5]) * scale + [539.5, 959.5]
    np.testing.assert_allclose(fitted.project(points), expected, atol=1e-9)


def test_bars_left_and_right():
    camera = make_camera(size=(640, 480), K=[[600.0, 0, 320], [0, 600.0, 240], [0, 0, 1]])
    fitted, note = fit_to_picture(camera, (1280, 720), with_bars((1280, 720), left=160, right=160))
    points = people_sized_points()
    expected = (camera.project(points) + 0.5) * 1.5 - 0.5 + [160, 0]
    np.testing.assert_allclose(fitted.project(points), expected, atol=1e-9)
    assert "160.0 px left and right" in note


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (None, "no picture is at hand"),
        (grey((1080, 1920)), "found 0 and 0"),
        (with_bars((1080, 1920), top=14), "found 14 and 0"),
        (with_bars((1080, 1920), top=60, bottom=60), "found 60 and 60"),
        (with_bars((1080, 1920), left=7, right=7), "found 0 and 0"),
        (grey((1080, 1920), 3), "the picture is black"),
    ],
)
def test_bars_that_are_not_seen_are_not_assumed(picture, reason):
    with pytest.raises(BadInputError) as caught:
        fit_to_picture(make_camera(**PORTRAIT), (1080, 1920), picture)
    sentence = str(caught.value)
    for part in ("cam1", "1088 x 1920 px", "1080 x 1920 px", reason, "calibrate again at this size"):
        assert part in sentence


def test_turned_pictures_are_recognised():
    with pytest.raises(BadInputError, match="turned by 90 degrees: turn them back"):
        fit_to_picture(make_camera(), (720, 1280), grey((720, 1280)))


def test_padding_below_is_not_a_letterbox():
    # H.264 pads 1080 rows to 1088: eight rows below, none above.
    camera = make_camera(size=(1920, 1080))
    with pytest.raises(BadInputError, match="found 0 and 8"):
        fit_to_picture(camera, (1920, 1088), with_bars((1920, 1088), bottom=8))


def test_picture_of_another_size_than_stated_is_a_bug():
    with pytest.raises(ValueError, match=r"expected \(1920, 1080, 3\)"):
        fit_to_picture(make_camera(**PORTRAIT), (1080, 1920), grey((1920, 1080)))
