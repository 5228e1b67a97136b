"""Boards in real recordings."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration.board import Board
from calibration.board_footage import detect_in_footage
from calibration.checkerboard_detector import CheckerboardDetector
from calibration.detection_diagnosis import explain_missing
from calibration.footage import find_footage, grey_frames
from calibration.intrinsics import calibrate_intrinsics
from tests.calibration.published_lenses import PUBLISHED
from tests.support.shared_data import SHARED, needs_shared

DATA = SHARED / "data"
CHARUCO = Board("charuco", 4, 5, 54, 40.5, "4x4_1000")

pytestmark = needs_shared


@pytest.fixture(scope="module")
def charuco():
    return detect_in_footage(CHARUCO, find_footage(DATA / "charuco_4cam"))


def test_as_many_boards_as_the_reference_finds(charuco):
    """The figures are those of the data's README: frames with at least four corners, and shared ones."""
    views = charuco.observations.views
    found = [len(charuco.observations.by_camera(f"cam_{k}")) for k in range(4)]
    assert (np.array(found) >= [46, 33, 44, 45]).all()
    assert {tally.frames for tally in charuco.cameras.values()} == {111}
    assert {(view.mirrored, view.inverted) for view in views} == {(False, True)}
    # Six frames a second, arrival times up to 36 ms apart.
    moments = [{view.camera for view in moment} for moment in charuco.observations.instants(80_000_000)]
    pairs = [
        {"cam_0", "cam_1"},
        {"cam_0", "cam_2"},
        {"cam_0", "cam_3"},
        {"cam_1", "cam_2"},
        {"cam_1", "cam_3"},
    ]
    shared = [sum(pair <= cameras for cameras in moments) for pair in pairs]
    assert (np.array(shared) >= [32, 44, 45, 32, 32]).all()


def test_corners_agree_with_the_reference(charuco):
    with np.load(DATA / "charuco_4cam" / "corners.npz") as stored:
        reference = stored["xy"].astype(np.float64)
    gaps = np.concatenate(
        [
            np.linalg.norm(reference[int(view.camera[-1]), view.frame][view.ids] - view.pixels, axis=1)
            for view in charuco.observations.views
        ]
    )
    both = gaps[~np.isnan(gaps)]
    assert len(both) >= 1890
    # Brightness here comes from the video's Y plane, there by way of BGR: rounding moves corners a little.
    assert np.median(both) < 0.05
    assert np.percentile(both, 95) < 0.5


def test_what_looks_like_a_board_and_is_none_is_told(charuco):
    reasons = [reason for tally in charuco.cameras.values() for _, reason in tally.refused]
    assert any("only 1 corner found" in reason for reason in reasons)
    assert all(len(tally.samples) for tally in charuco.cameras.values())


def frames_with_board(count):
    frames = list(grey_frames(find_footage(DATA / "charuco_4cam")["cam_0"]))
    return [
        frame.copy()
        for number, _, frame in ((n, t, f) for n, t, f in frames if n in range(70, 110, 40 // count))
    ]


@pytest.mark.parametrize(
    ("said", "cause", "words"),
    [
        (replace(CHARUCO, dictionary="DICT_5X5_100"), "dictionary", "DICT_4X4_50"),
        (replace(CHARUCO, columns=5, rows=4), "swapped", "columns: 4, rows: 5"),
        (replace(CHARUCO, columns=3, rows=4), "inner_corners", "columns: 4, rows: 5"),
        (replace(CHARUCO, inverted=False), "inverted", "inverted: true"),
    ],
)
def test_wrong_board_files_are_explained_on_real_pictures(said, cause, words):
    diagnosis = explain_missing(said, frames_with_board(4))
    assert diagnosis.cause == cause, diagnosis.sentence
    assert words in diagnosis.sentence


def test_photographs_of_a_chessboard():
    """One of the eight shows no complete board."""
    footage = find_footage(DATA / "chessboard_9x6")
    assert list(footage) == ["cam_0", "cam_1", "cam_2", "cam_3"]
    result = detect_in_footage(Board("checkerboard", 10, 7, 1.0), footage)
    assert {name: (t.frames, t.found) for name, t in result.cameras.items()} == {
        "cam_0": (5, 4),
        "cam_1": (1, 1),
        "cam_2": (1, 1),
        "cam_3": (1, 1),
    }
    ((frame, reason),) = result.cameras["cam_0"].refused
    assert frame == 0
    assert "no complete board of 10 x 7 squares" in reason


def pose2sim_board():
    return Board("checkerboard", 8, 5, 60)


def fit(views):
    """RMS px of a lens fit with k3 = 0, as the README of the data has it."""
    flat = pose2sim_board().corners.astype(np.float32)
    corners = [view.pixels.astype(np.float32) for view in views]
    return cv2.calibrateCamera(
        [flat] * len(corners), corners, (1088, 1920), None, None, flags=cv2.CALIB_FIX_K3
    )[0]


@pytest.fixture(scope="module")
def photographed():
    """Seven stills of each of four cameras; searching them is most of the time that this file takes."""
    footage = find_footage(DATA / "pose2sim_single" / "intrinsics")
    result = detect_in_footage(pose2sim_board(), footage)
    assert {tally.frames for tally in result.cameras.values()} == {7}
    return result.observations


@pytest.mark.slow
@pytest.mark.parametrize(
    ("camera", "fewest", "rms"), [("cam01", 6, 0.121), ("cam03", 7, 0.140), ("cam04", 6, 0.121)]
)
def test_chessboard_pictures_give_a_lens_as_good_as_the_reference(photographed, camera, fewest, rms):
    views = photographed.by_camera(camera)
    assert len(views) >= fewest
    assert fit(views) <= rms + 0.005  # the reference's last digit and its choice of pictures


@pytest.mark.slow
@pytest.mark.parametrize("camera", PUBLISHED)
def test_photographs_give_the_published_intrinsics(photographed, camera):
    fx, deviation, *_ = PUBLISHED[camera]
    assert len(photographed.by_camera(camera)) >= 6
    result = calibrate_intrinsics(photographed, camera)
    assert result.rms_px <= 0.14
    assert abs(result.parameters["fx"] - fx) < 3 * deviation


# What OpenCV 5.0's sector-based detector returns for cam01_06_int.jpg from some random numbers: three rows of
# the board, one of them left out in between, and a row of things on the shirt and the table.
WRONG = [
    [
        [82.6, 445.9],
        [222.7, 470.3],
        [362.8, 494.0],
        [503.8, 518.4],
        [645.2, 542.7],
        [786.9, 567.2],
        [928.7, 592.1],
    ],
    [
        [59.4, 587.4],
        [198.7, 611.5],
        [338.5, 635.5],
        [479.0, 659.8],
        [620.1, 684.6],
        [761.4, 709.3],
        [902.9, 734.1],
    ],
    [
        [13.5, 867.7],
        [151.8, 892.2],
        [290.7, 916.8],
        [430.2, 941.5],
        [570.4, 966.2],
        [710.9, 991.0],
        [851.4, 1015.9],
    ],
    [
        [123.5, 1300.7],
        [157.1, 1313.8],
        [227.4, 1319.5],
        [297.5, 1357.9],
        [497.8, 1423.4],
        [769.3, 1715.0],
        [452.7, 1849.5],
    ],
]


@pytest.mark.parametrize("effort", ["live", "video", "stills"])
def test_wrong_corners_of_a_real_picture_are_refused(effort, monkeypatch):
    picture = cv2.imread(
        str(DATA / "pose2sim_single/intrinsics/cam01/cam01_06_int.jpg"), cv2.IMREAD_GRAYSCALE
    )
    detector = CheckerboardDetector(pose2sim_board(), effort=effort)
    monkeypatch.setattr(detector, "_search", lambda *args: np.array(WRONG))
    found = detector.find(picture)
    assert not len(found.ids)
    if effort != "video":
        assert "miss those of a flat board by" in found.reason
        assert "px (RMS)" in found.reason


@pytest.mark.slow
def test_the_same_picture_is_searched_again_until_the_corners_are_right():
    picture = cv2.imread(
        str(DATA / "pose2sim_single/intrinsics/cam01/cam01_06_int.jpg"), cv2.IMREAD_GRAYSCALE
    )
    board = pose2sim_board()
    found = CheckerboardDetector(board, effort="stills").find(picture)
    assert len(found.ids) == 28, found.reason
    flat = board.corners[:, :2]
    matrix, _ = cv2.findHomography(flat, found.pixels)
    gaps = np.linalg.norm(cv2.perspectiveTransform(flat[None], matrix)[0] - found.pixels, axis=1)
    assert np.sqrt(np.mean(gaps**2)) < 1.0  # 0.25 px seen; the lens alone bends the board by about that
