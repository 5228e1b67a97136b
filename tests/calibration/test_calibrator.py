"""From board views to a rig: against truth, and against the figures of the recording of four webcams."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from calibration.board import Board
from calibration.calibration_config import CalibrationConfig
from calibration.calibrator import calibrate
from calibration.camera import Camera
from calibration.observations import BoardObservations, BoardView
from calibration.rig_file import read_calibration, write_calibration
from calibration.rotation import fit_rigid
from configs.errors import BadInputError
from tests.calibration.failure_corpus import BOARD, Film, careful_session, known_lenses, room_session
from tests.calibration.failure_corpus import arc_of_cameras as arc
from tests.support.shared_data import SHARED, needs_shared

WEBCAMS = SHARED / "data" / "charuco_4cam"


@pytest.fixture(scope="module")
def filmed():
    rng = np.random.default_rng(40)
    rig = arc(3, rng)
    seen = Film(lags_ms={"cam3": 30.0}).shoot(rig, BOARD, room_session(rig, rng, keys=24), rng)
    return rig, seen


@pytest.fixture(scope="module")
def calibrated(filmed):
    rig, seen = filmed
    stages = []
    result = calibrate(seen, intrinsics=known_lenses(rig), progress=lambda stage, share: stages.append(share))
    return result, stages


def pose_errors(found, truth):
    """Largest rotation (deg) and centre (mm) error relative to the first camera."""
    deg, mm = [], []
    for a, b in zip(found.cameras, truth.cameras, strict=True):
        one = a.R @ found.cameras[0].R.T
        two = b.R @ truth.cameras[0].R.T
        deg.append(np.degrees(np.arccos(np.clip((np.trace(one @ two.T) - 1) / 2, -1, 1))))
        places = [
            rig.cameras[0].R @ camera.position + rig.cameras[0].t for rig, camera in ((found, a), (truth, b))
        ]
        mm.append(np.linalg.norm(places[0] - places[1]))
    return max(deg), max(mm)


def test_rig_is_found(filmed, calibrated):
    rig, _ = filmed
    result, _ = calibrated
    deg, mm = pose_errors(result.rig, rig)
    # What the solve itself gives as 95 % intervals, with room for the largest of six numbers.
    sure = [result.extrinsics.uncertainty[name] for name in ("cam2", "cam3")]
    assert deg < 2.0 * max(np.linalg.norm(one.rotation_deg) for one in sure)
    assert mm < 2.0 * max(np.linalg.norm(one.position_mm) for one in sure)
    # 2 ms is what the project asks for
    assert abs(result.rig.camera("cam3").lag_ms - 30.0) < 2.0
    assert result.usable


def test_quality_is_that_of_the_noise(calibrated):
    result, _ = calibrated
    # 0.3 px along x and y make 0.42 px of distance; the poses of the board take up a few percent.
    assert 0.38 < result.quality.reprojection_px < 0.46
    assert result.quality.held_out


def test_quality_goes_into_the_calibration_file(calibrated, tmp_path):
    result, _ = calibrated
    record = result.rig.quality
    assert set(record["cameras"]) == {"cam1", "cam2", "cam3"}
    assert record["cameras"]["cam3"]["lag_ms"] == pytest.approx(30.0, abs=2.0)
    assert record["solve_px"]["without_lags"] > 2.0 * record["solve_px"]["with_lags"]
    assert len(record["cameras"]["cam2"]["position_95_mm"]) == 3
    write_calibration(tmp_path / "calibration.yaml", result.rig)
    again = read_calibration(tmp_path / "calibration.yaml")
    assert again.quality == record
    assert again.camera("cam3").lag_ms == result.rig.camera("cam3").lag_ms


def test_world_is_upright(calibrated):
    result, _ = calibrated
    up = np.mean([-camera.R[1] for camera in result.rig.cameras], axis=0)
    assert up[2] / np.linalg.norm(up) > 0.999
    np.testing.assert_allclose(result.rig.cameras[0].position, 0.0, atol=1e-6)


def test_progress_rises_to_1(calibrated):
    _, stages = calibrated
    assert stages == sorted(stages)
    assert stages[0] == 0.0
    assert stages[-1] == 1.0


def test_world_of_a_chosen_camera(filmed):
    rig, seen = filmed
    config = CalibrationConfig(held_out=0.0, world={"camera": "cam2", "height_mm": 1500.0})
    result = calibrate(seen, intrinsics=known_lenses(rig), config=config)
    np.testing.assert_allclose(result.rig.camera("cam2").position, [0, 0, 1500], atol=1e-6)
    assert not result.quality.held_out


def test_known_distance_gives_the_scale_error(filmed):
    rig, seen = filmed
    places = [camera.position for camera in rig.cameras]
    measured = float(np.linalg.norm(places[0] - places[1]))
    config = CalibrationConfig(
        held_out=0.0, distances=[{"cameras": ("cam1", "cam2"), "mm": measured * 0.996}]
    )
    result = calibrate(seen, intrinsics=known_lenses(rig), config=config)
    # 1 / 0.996 is 0.40 % too large, which a tape is not good enough to hold against the board.
    assert result.rig.quality["scale_error_percent"] == pytest.approx(0.40, abs=0.1)
    assert "wrong_square" not in {one.kind for one in result.diagnoses}


def test_one_camera_is_calibrated_alone():
    rng = np.random.default_rng(41)
    rig = arc(1, rng)
    seen = Film(fps=6.0).shoot(rig, BOARD, careful_session(rig, rng, keys=18, room_keys=2), rng)
    result = calibrate(seen)
    assert result.extrinsics is None
    assert result.quality is None
    found, truth = result.rig.camera("cam1").K, rig.camera("cam1").K
    assert abs(found[0, 0] - truth[0, 0]) < 4.0 * result.intrinsics["cam1"].deviations["fx"]
    assert "lens_px" in result.rig.quality["cameras"]["cam1"]


def test_lens_for_an_unknown_camera_is_refused(filmed):
    rig, seen = filmed
    lenses = known_lenses(rig)
    lenses["cam22"] = replace(lenses.pop("cam2"), name="cam22")
    with pytest.raises(BadInputError, match=r"cam22.*did you mean"):
        calibrate(seen, intrinsics=lenses)


def test_two_worlds_are_refused():
    with pytest.raises(ValueError, match="one of floor_s, camera and points"):
        CalibrationConfig(world={"camera": "cam1", "floor_s": (0.0, 1.0)})


# The recording of four webcams, judged as its README says.


def webcam_board():
    return Board("charuco", 4, 5, 54.0, 40.5, "DICT_4X4_50", inverted=True)


def webcam_views():
    corners = np.load(WEBCAMS / "corners.npz")["xy"].astype(float)
    times = np.zeros(corners.shape[:2])
    with (WEBCAMS / "timestamps.csv").open() as file:
        for row in csv.DictReader(file):
            times[int(row["cam_id"]), int(row["sync_index"]) - 26] = float(row["frame_time"])
    views = []
    for camera, frame in np.argwhere(np.isfinite(corners[..., 0]).sum(axis=2) >= 4):
        ids = np.flatnonzero(np.isfinite(corners[camera, frame, :, 0]))
        time_ns = round(1e9 * times[camera, frame])
        views.append(BoardView(f"cam_{camera}", int(frame), time_ns, ids, corners[camera, frame, ids]))
    sizes = {f"cam_{camera}": (1280, 720) for camera in range(4)}
    return BoardObservations(webcam_board(), sizes, tuple(views)), corners, times


def webcam_lenses():
    stored = json.loads((WEBCAMS / "upstream_calibration.json").read_text())["cameras"]
    place = (np.eye(3), np.zeros(3))
    return {
        name: Camera(name, (1280, 720), "pinhole", np.array(one["K"]), np.array(one["dist"]), *place)
        for name, one in stored.items()
    }


def judged(rig, corners, times, *, by_arrival):
    """As the README judges: px after triangulation, mm of the board's rigid fit, number of observations.

    Corners are moved along their own image velocity by the cameras' lags, and ``by_arrival`` from when each
    picture arrived to the mean of its moment: that is what lags that were found with these times are for.
    """
    gap = times[:, 2:] - times[:, :-2]
    velocity = np.full(corners.shape, np.nan)
    velocity[:, 1:-1] = (corners[:, 2:] - corners[:, :-2]) / gap[..., None, None]
    late = np.array([camera.lag_ms for camera in rig.cameras])[:, None] * 1e-3 + np.zeros_like(times)
    if by_arrival:
        late += times.mean(axis=0) - times
    moved = (corners + velocity * late[..., None, None]).reshape(len(rig), -1, 2)
    places = np.flatnonzero(np.isfinite(moved[..., 0]).sum(axis=0) >= 2)
    moved = moved[:, places]
    points = rig.triangulate(moved)
    for _ in range(6):  # Gauss-Newton on all points at once, derivatives by differences
        error = rig.project(points) - moved
        slopes = np.stack([rig.project(points + step) - rig.project(points) for step in 0.01 * np.eye(3)], -1)
        J = np.nan_to_num(np.where(np.isfinite(error)[..., None], slopes, 0.0)) / 0.01
        normal = np.einsum("vnki,vnkj->nij", J, J)
        points = (
            points
            - np.linalg.solve(normal, np.einsum("vnki,vnk->ni", J, np.nan_to_num(error))[..., None])[..., 0]
        )
    error = rig.project(points) - moved
    seen = np.isfinite(error[..., 0])
    moment, number = np.divmod(places, corners.shape[2])
    off = []
    for one in np.unique(moment):
        printed, found = webcam_board().corners[number[moment == one]], points[moment == one]
        if len(found) >= 4:
            R, t = fit_rigid(printed, found)
            off.append(found - (printed @ R.T + t))
    rigid = np.concatenate(off)
    return rms(error[seen]), rms(rigid), int(seen.sum())


def rms(errors):
    return float(np.sqrt((errors**2).sum(axis=1).mean()))


@needs_shared
def test_four_webcams_with_supplied_lenses():
    seen, corners, times = webcam_views()
    result = calibrate(seen, intrinsics=webcam_lenses())
    px, mm, count = judged(result.rig, corners, times, by_arrival=True)
    assert count == 1733  # as the README counts corners whose velocity is known
    # What is asked for; the README's best has 0.563 px and 0.36 mm.
    assert px <= 0.57
    assert mm <= 0.39
    # Its best with constant lags alone, which ignore when pictures arrived: 0.568, to two digits.
    assert round(judged(result.rig, corners, times, by_arrival=False)[0], 2) <= 0.57
    assert result.rig.camera("cam_1").lag_ms == pytest.approx(117.0, abs=15.0)
    assert {one.kind for one in result.diagnoses} == {"lag"}


@pytest.mark.slow
@needs_shared
def test_four_webcams_with_their_own_lenses():
    seen, corners, times = webcam_views()
    result = calibrate(seen)
    px, mm, _ = judged(result.rig, corners, times, by_arrival=True)
    assert mm <= 0.39
    assert px <= 0.70  # asked for; every other program leaves 1.28 or more
    kinds = {one.kind for one in result.diagnoses}
    # The board was never near the cameras nor in the corners of the pictures.
    assert kinds <= {"lag", "thin_coverage", "uncertain_lens", "flat_motion"}
    assert {"lag", "thin_coverage"} <= kinds
