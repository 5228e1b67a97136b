import cv2
import numpy as np
import pytest

from calibration.board import Board, BoardFile
from calibration.board_detector import BoardDetector
from calibration.intrinsics import calibrate_intrinsics
from calibration.observations import BoardObservations
from configs.errors import BadInputError
from configs.loading import parse_config
from models.simulation.board_painter import MAGIC
from models.simulation.board_pattern import INK, PAPER, board_pattern
from models.simulation.board_studio import BoardStudio, BoardStudioConfig, warm_up
from models.simulation.studio import Studio, StudioConfig

CHECKERBOARD = BoardFile(type="checkerboard", columns=8, rows=5, square_mm=110.0)


@pytest.fixture(scope="module")
def studio():
    return BoardStudio(BoardStudioConfig(seed=1))


def detected(studio, times, cameras=None):
    """Views by the product's own detector, and their errors against the truth, px."""
    detector = BoardDetector(studio.board)
    views, errors = [], []
    for frame, t in enumerate(times):
        for camera in cameras or studio.rig.names:
            picture = studio.render(camera, t)
            view = detector.find(camera, picture, frame=frame, time_ns=round(t * 1e9)).view
            if view is not None:
                views.append(view)
                errors.append(view.pixels - studio.corners(camera, t)[view.ids])
    return views, errors


def test_the_same_cameras_film_people():
    for seed, cameras in ((1, 4), (5, 8)):
        ours = BoardStudio(BoardStudioConfig(seed=seed, cameras=cameras)).rig
        theirs = Studio(StudioConfig(seed=seed, cameras=cameras)).rig
        assert ours.cameras == theirs.cameras


def test_pictures_follow_from_seed_camera_and_time_alone(studio):
    first = studio.render("cam2", 3.21).copy()
    studio.render("cam1", 8.0)
    out = np.zeros((480, 640, 3), np.uint8)
    assert studio.render("cam2", 3.21, out) is out
    assert np.array_equal(out, first)
    assert np.array_equal(BoardStudio(BoardStudioConfig(seed=1)).render("cam2", 3.21), first)
    assert not np.array_equal(studio.render("cam2", 3.24), first)
    assert not np.array_equal(BoardStudio(BoardStudioConfig(seed=2)).render("cam2", 3.21), first)
    period = studio.motion.period_s
    assert np.abs(studio.truth(3.0) - studio.truth(3.0 + period)).max() < 1e-6


def test_the_board_is_rigid_and_moves_smoothly(studio):
    times = np.arange(0, studio.motion.period_s + 1, 0.02)
    corners = np.stack([studio.truth(t) for t in times])
    spans = np.linalg.norm(corners - corners[:, :1], axis=2)
    assert np.ptp(spans, axis=0).max() < 1e-9
    speed = np.linalg.norm(np.diff(corners, axis=0), axis=2) / 0.02
    # an unhurried person: nothing jumps, not even where the path begins again
    assert speed.max() < 3500
    assert speed.mean() > 200
    middle = corners.mean(axis=1)
    assert middle[:, 2].min() >= 0
    start, _ = studio.motion.floor_s
    period = studio.motion.period_s
    up_again = np.mod(times, period) < start - 1.5
    assert middle[up_again & (times > 1.5) & (times < period)][:, 2].min() > 300
    assert np.abs(middle[:, :2]).max() < 4500


@pytest.mark.parametrize("cameras", [1, 4, 8])
def test_the_board_rests_flat_on_the_floor_at_the_end_of_a_round(cameras):
    for seed in range(3):
        studio = BoardStudio(BoardStudioConfig(seed=seed, cameras=cameras))
        start, end = studio.motion.floor_s
        assert end - start >= 3
        assert end < studio.motion.period_s
        lying = [studio.truth(t) for t in np.linspace(start, end, 7)]
        assert np.abs(np.array(lying) - lying[0]).max() < 1e-6
        assert np.abs(lying[0][:, 2]).max() < 1e-6
        assert any(studio.visibility(name, (start + end) / 2).all() for name in studio.rig.names)
        assert np.abs(studio.truth(start - 0.8) - lying[0]).max() > 10


@pytest.mark.parametrize(
    ("board", "typical_px"),
    [(BoardStudioConfig().board, 0.1), (CHECKERBOARD, 0.1)],
    ids=["charuco", "checkerboard"],
)
def test_detected_corners_lie_where_the_truth_says(board, typical_px):
    studio = BoardStudio(BoardStudioConfig(seed=2, board=board, exposure_ms=6.0))
    _, errors = detected(studio, np.arange(0.5, studio.motion.period_s, 1.7))
    away = np.linalg.norm(np.concatenate(errors), axis=1)
    assert len(away) > 400
    assert np.median(away) <= typical_px
    # no direction is preferred: neither the painter nor the blur moves the board
    offset = np.median(np.concatenate(errors), axis=0)
    assert np.abs(offset).max() < 0.02


def test_motion_blurs_along_the_motion_and_moves_nothing():
    still, moving = (
        BoardStudio(BoardStudioConfig(seed=2, exposure_ms=ms, noise=0, board=CHECKERBOARD))
        for ms in (0.0, 25.0)
    )
    blurred, offsets = 0, []
    for t in np.arange(0.3, 40.0, 2.9):
        for camera in still.rig.names:
            if not still.visibility(camera, t).all():
                continue
            before, after = still.corners(camera, t - 0.0125), still.corners(camera, t + 0.0125)
            length = np.linalg.norm(after - before, axis=1).mean()
            sharp, soft = still.render(camera, t), moving.render(camera, t)
            if 3.0 < length < 12.0:
                blurred += 1
                edges = [np.abs(np.diff(p[..., 1].astype(float))).max() for p in (sharp, soft)]
                assert edges[1] <= edges[0]
                low, high = (f(still.corners(camera, t), axis=0).astype(int) for f in (np.min, np.max))
                part = (slice(low[1], high[1]), slice(low[0], high[0]))
                shift, _ = cv2.phaseCorrelate(
                    sharp[part][..., 1].astype(float), soft[part][..., 1].astype(float)
                )
                offsets.append(np.abs(shift).max())
    assert blurred >= 5
    # phase correlation of patterns whose edges are smeared is good to a tenth of a pixel or so
    assert np.median(offsets) < 0.15


def test_no_direction_goes_with_time():
    grid = MAGIC.reshape(3, 3)
    assert sorted(MAGIC.tolist()) == list(range(9))
    assert set(grid.sum(axis=0)) == set(grid.sum(axis=1)) == {12}


def test_lags_delay_what_is_seen_not_when():
    plain = BoardStudio(BoardStudioConfig(seed=3))
    late = BoardStudio(BoardStudioConfig(seed=3, lags_ms=(0.0, 117.0)))
    assert [camera.lag_ms for camera in late.rig.cameras] == [0.0, 117.0, 0.0, 0.0]
    assert np.array_equal(late.corners("cam1", 5.0), plain.corners("cam1", 5.0))
    assert np.allclose(late.corners("cam2", 5.0), plain.corners("cam2", 5.0 - 0.117))
    assert not np.allclose(late.corners("cam2", 5.0), plain.corners("cam2", 5.0), atol=1.0)
    assert np.array_equal(late.truth(5.0), plain.truth(5.0))
    first_late = BoardStudio(BoardStudioConfig(seed=3, lags_ms=(40.0, 10.0)))
    assert [round(camera.lag_ms) for camera in first_late.rig.cameras] == [0, -30, -40, -40]


def test_a_blank_back_hides_every_corner_and_a_printed_one_is_mirrored():
    blank = BoardStudio(BoardStudioConfig(seed=1))
    printed = BoardStudio(BoardStudioConfig(seed=1, back="printed"))
    behind = 0
    mirrored = 0
    detector = BoardDetector(printed.board)
    for t in np.arange(0.0, 30.0, 1.1):
        R, origin = blank.board_pose(t)
        for camera in blank.rig.cameras:
            from_front = (camera.position - origin) @ R[:, 2] < 0
            if from_front:
                assert np.array_equal(blank.visibility(camera.name, t), printed.visibility(camera.name, t))
                continue
            behind += 1
            assert not blank.visibility(camera.name, t).any()
            if printed.visibility(camera.name, t).sum() >= 8:
                view = detector.find(camera.name, printed.render(camera.name, t)).view
                if view is not None:
                    assert view.mirrored
                    away = view.pixels - printed.corners(camera.name, t)[view.ids]
                    assert np.median(np.linalg.norm(away, axis=1)) < 0.5
                    mirrored += 1
    assert behind > 30
    assert mirrored >= 3


def test_a_hand_hides_corners_and_the_picture_shows_it():
    plain = BoardStudio(BoardStudioConfig(seed=1, noise=0))
    held = BoardStudio(BoardStudioConfig(seed=1, noise=0, occlusion="hand"))
    hidden = 0
    for t in np.arange(0.0, 60.0, 0.7):
        for camera in plain.rig.names:
            lost = plain.visibility(camera, t) & ~held.visibility(camera, t)
            pixels = plain.corners(camera, t)
            # edge-on a pixel mixes hand and board
            if not lost.any() or cv2.contourArea(cv2.convexHull(pixels.astype(np.float32))) < 3000:
                continue
            difference = np.abs(plain.render(camera, t).astype(int) - held.render(camera, t)).max(axis=2)
            for u, v in np.rint(pixels[lost]).astype(int):
                around = difference[max(0, v - 2) : v + 3, max(0, u - 2) : u + 3]
                assert around.max() > 15, (camera, t)
                hidden += 1
    assert hidden > 10


def test_a_person_hides_corners():
    studio = BoardStudio(BoardStudioConfig(seed=1, occlusion="person"))
    plain = BoardStudio(BoardStudioConfig(seed=1))
    people = Studio(StudioConfig(seed=1))
    hidden = 0
    for t in np.arange(0.0, studio.motion.period_s, 0.4):
        for camera in studio.rig.cameras:
            lost = plain.visibility(camera.name, t) & ~studio.visibility(camera.name, t)
            if not lost.any():
                continue
            away = plain.truth(t) @ camera.R[2] + camera.t[2]
            depth = people.depth(camera.name, t)
            for (u, v), own in zip(
                np.rint(plain.corners(camera.name, t)[lost]).astype(int), away[lost], strict=True
            ):
                assert depth[v, u] <= own
                hidden += 1
    assert hidden >= 3
    assert not np.array_equal(studio.render("cam1", 2.0), plain.render("cam1", 2.0))


@pytest.mark.parametrize("lens", ["rational", "fisheye"])
def test_other_lenses_bend_the_board(lens):
    studio = BoardStudio(BoardStudioConfig(seed=1, lens=lens, size=(960, 540)))
    assert {camera.model for camera in studio.rig.cameras} == {lens}
    _, errors = detected(studio, np.arange(0.5, 24.0, 0.8), ["cam1"])
    away = np.linalg.norm(np.concatenate(errors), axis=1)
    assert len(away) > 60
    assert np.median(away) <= 0.12


def test_inverted_print_is_white_on_black():
    board = BoardStudioConfig().board.model_copy(update={"inverted": True})
    studio = BoardStudio(BoardStudioConfig(seed=1, board=board))
    views, errors = detected(studio, np.arange(0.5, 12.0, 0.8), ["cam1"])
    assert len(views) >= 4
    assert all(view.inverted for view in views)
    assert np.median(np.linalg.norm(np.concatenate(errors), axis=1)) < 0.15


@pytest.mark.parametrize("legacy", [False, True])
def test_the_pattern_is_opencvs(legacy):
    board = Board("charuco", 5, 4, 60.0, 45.0, "DICT_5X5_100", legacy_pattern=legacy, first_marker=7)
    pattern = board_pattern(board)
    layout = cv2.aruco.CharucoBoard(
        (5, 4), 60.0, 45.0, cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_100), np.arange(7, 17)
    )
    layout.setLegacyPattern(legacy)
    # 4 px per mm: 240 px per square, cells of 45 / 7 mm
    image = layout.generateImage((1200, 960))
    mm = np.random.default_rng(0).uniform([0, 0], [300, 240], (4000, 2))
    wrong = 0
    for x, y in mm:
        row, column = int(y // 60), int(x // 60)
        kind = pattern.squares[row, column]
        ink = kind == INK
        if kind >= 0:
            i, j = (int(np.floor(((value % 60) - 7.5) / 45 * 7)) for value in (y, x))
            ink = 0 <= i < 7 and 0 <= j < 7 and bool(pattern.markers[kind, i, j])
        wrong += ink != (image[int(y * 4), int(x * 4)] < 128)
    # OpenCV rounds cells to whole pixels
    assert wrong < 80
    table = pattern.table
    assert table.shape == (6, 7, 9, 9)
    assert table[0].sum() == table[:, 0].sum() == 0
    assert (pattern.squares != PAPER).all()


def test_a_perfect_detector_sees_what_is_visible(studio):
    times = [1.0, 2.0, 3.5]
    exact = studio.observe(times)
    assert exact.board == studio.board
    for view in exact.views:
        assert np.array_equal(view.ids, np.flatnonzero(studio.visibility(view.camera, times[view.frame])))
        assert np.allclose(view.pixels, studio.corners(view.camera, times[view.frame])[view.ids])
        assert view.time_ns == round(times[view.frame] * 1e9)
    noisy = studio.observe(np.arange(0, 30, 0.5), noise_px=0.5)
    clean = studio.observe(np.arange(0, 30, 0.5))
    offsets = np.concatenate([a.pixels - b.pixels for a, b in zip(noisy.views, clean.views, strict=True)])
    assert np.std(offsets) == pytest.approx(0.5, rel=0.05)


@pytest.mark.slow
def test_a_camera_is_calibrated_from_its_pictures():
    studio = BoardStudio(BoardStudioConfig(seed=4, occlusion="hand"))
    views, _ = detected(studio, np.arange(0.0, studio.motion.period_s, 0.6))
    sizes = {camera.name: camera.size for camera in studio.rig.cameras}
    observations = BoardObservations(studio.board, sizes, tuple(views))
    shared = {view.frame: set() for view in views}
    for view in views:
        shared[view.frame].add(view.camera)
    for one, other in zip(studio.rig.names, studio.rig.names[1:] + studio.rig.names[:1], strict=True):
        assert sum({one, other} <= seen for seen in shared.values()) >= 5, (one, other)
    for camera in studio.rig.cameras:
        result = calibrate_intrinsics(observations, camera.name)
        assert result.rms_px < 0.2
        # the detector's errors are not quite independent, so three deviations are given one more
        assert abs(result.camera.K[0, 0] - camera.K[0, 0]) < 4 * result.deviations["fx"]
        assert result.deviations["fx"] < 0.005 * camera.K[0, 0]


def test_wrong_settings_are_named():
    for text, data in (
        ("lags_ms are too many", {"cameras": 2, "lags_ms": [0, 1, 2]}),
        ("must lie in -1000..1000", {"lags_ms": [5000]}),
        ("lens: pinhole only", {"lens": "fisheye", "occlusion": "person"}),
        ("64..4096", {"size": [10, 480]}),
        ("back", {"back": "transparent"}),
    ):
        with pytest.raises(BadInputError, match=text):
            parse_config(BoardStudioConfig, data)
    with pytest.raises(BadInputError, match="studio board: marker_mm"):
        BoardStudio(BoardStudioConfig(board=BoardFile(type="charuco", columns=5, rows=4, square_mm=100.0)))
    with pytest.raises(BadInputError, match=r"no such camera.*cam1, cam2"):
        BoardStudio(BoardStudioConfig(cameras=2)).render("cam3", 0.0)


def test_a_board_too_small_to_be_shared_is_said_before_it_is_filmed():
    def check(names=(), **config):
        studio = BoardStudio(BoardStudioConfig(**config))
        studio.check_board_size(names or studio.rig.names)

    for seed in range(3):
        check(seed=seed)
        check(seed=seed, cameras=8)
    check(cameras=8, size=(480, 360))
    check(cameras=1, size=(64, 64))
    check(("cam2", "cam3"))
    with pytest.raises(
        BadInputError, match=r"320x240.*a cell of a marker is 1\.[01] px wide.*1\.[678] times"
    ):
        check(size=(320, 240))
    with pytest.raises(BadInputError, match="a cell of a marker"):
        check(cameras=2)  # they look at each other
    with pytest.raises(BadInputError, match="a cell of a marker"):
        check(("cam1", "cam3"))
    with pytest.raises(BadInputError, match="a square is"):
        check(board=BoardFile(type="checkerboard", columns=8, rows=5, square_mm=30.0))


def test_warm_up_compiles():
    warm_up()
