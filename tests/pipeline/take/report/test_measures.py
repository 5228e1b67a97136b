from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.take.instants import build_timeline, nearest
from pipeline.take.report.capture_measures import CameraMeasures, measure_cameras, measure_skew
from pipeline.take.report.pose_measures import measure_poses, measure_truth, swapped_ranges
from pipeline.take.report.verdicts import judge
from pipeline.take.take import Take
from tests.pipeline.take.synthetic_take import NOISE_PX, ORIGIN_NS, SKELETON, make_take


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    folder = tmp_path_factory.mktemp("takes") / "walk"
    return Take.open(
        make_take(
            folder,
            sizes=[(320, 240)] * 4,
            frames=40,
            dropped={"cam2": {3, 4, 5, 6}},
            swapped={"cam3": {1, 2, 3, 9}},
            truth=True,
        )
    )


def test_camera_figures(take: Take):
    cameras = measure_cameras(take)
    assert [camera.name for camera in cameras] == ["cam1", "cam2", "cam3", "cam4"]
    second = cameras[1]
    assert second.dropped.sum() == 4
    assert second.dropped_share == pytest.approx(0.1)
    for camera in cameras:
        # 40 frames at 30 fps with 0.5 ms of jitter at both ends: 1 ms of 1300.
        assert camera.measured_hz == pytest.approx(30.0, rel=0.002)
        assert camera.nominal_hz == 30
        assert camera.interval_percentile(50) == pytest.approx(33.3, abs=0.5)
        assert camera.lost == 0
        assert camera.problem == ""


def test_skew_is_that_of_the_cameras(take: Take):
    skew = measure_skew(take, build_timeline(take, take.poses()))
    assert skew.shape == (40, 4)
    # The take was made with 0, 2, 4 and 6 ms of offset: the middle is at 3. Jitter 0.5 ms, 36 values or more:
    # standard error of a mean 0.1 ms, and the median's own jitter averages out as well.
    whole = np.isfinite(skew).all(axis=1)
    assert whole.sum() == 36
    np.testing.assert_allclose(skew[whole].mean(axis=0), [-3, -1, 1, 3], atol=0.4)
    assert np.isnan(skew[3:7, 1]).all()


def test_reprojection_error_is_the_noise(take: Take):
    poses = take.poses()
    assert poses is not None
    measures = measure_poses(poses, take.calibration, ORIGIN_NS)
    assert measures is not None
    errors = measures.body_errors()
    # 8 measurements give 3 unknowns: of the noise's variance 5/8 remains. The length of a 2D normal vector
    # has a mean of sigma sqrt(pi / 2). About 1900 values: 1.2 % standard error; 5 % is four of them.
    assert errors.mean() == pytest.approx(NOISE_PX * np.sqrt(5 / 8) * np.sqrt(np.pi / 2), rel=0.05)
    assert measures.body_found_percent == 100.0
    assert measures.joint_score == pytest.approx(np.full(26, 0.9))
    assert measures.deviation_mm == pytest.approx(np.full(26, 5.0))
    assert measures.view_score == pytest.approx(np.full(4, 0.85), abs=0.01)
    assert [bone.name for bone in measures.bones][:1] == ["left_shoulder – left_elbow"]
    shoulders = next(bone for bone in measures.bones if bone.name == "left_shoulder – right_shoulder")
    assert shoulders.mean_mm == pytest.approx(370, abs=5)


def test_unused_keypoints_do_not_count(take: Take):
    poses = take.poses()
    assert poses is not None
    poses.keypoints[:, :, 0, :, 0] += 100.0
    poses.used[:, :, 0] = False
    measures = measure_poses(poses, take.calibration, ORIGIN_NS)
    assert measures is not None
    assert measures.body_errors().max() < 10.0
    assert measures.error_px is not None
    assert np.isnan(measures.error_px[:, :, 0]).all()


def test_figures_without_calibration_and_without_people(take: Take):
    poses = take.poses()
    assert poses is not None
    measures = measure_poses(poses, None, ORIGIN_NS)
    assert measures is not None
    assert measures.error_px is None
    assert len(measures.body_errors()) == 0
    assert measure_poses(replace(poses, person=np.full_like(poses.person, -1)), None, ORIGIN_NS) is None


def test_distance_to_the_truth(take: Take):
    poses, truth = take.poses(), take.truth()
    assert poses is not None
    assert truth is not None
    measures = measure_truth(poses, truth)
    assert measures is not None
    # By hand: the truth's first person is the one that was filmed.
    expected = np.linalg.norm(poses.joints[:, 0] - truth.joints[:, 0], axis=-1)
    np.testing.assert_allclose(measures.error_mm[:, 0], expected)
    body = list(SKELETON.body)
    assert measures.body_errors().mean() == pytest.approx(expected[:, body].mean())
    assert measures.found == pytest.approx(0.5)  # one of the truth's two people was found
    moved = replace(truth, times_ns=truth.times_ns + 10_000_000)
    assert measure_truth(poses, moved) is None, "poses are not compared with another instant"


def test_nearest_times():
    times = np.array([0, 100, 200], np.int64)
    assert nearest(times, np.array([-50, 0, 49, 51, 149, 151, 900])).tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert nearest(times[:1], np.array([5, -5])).tolist() == [0, 0]


def test_ranges_of_instants():
    flags = np.zeros(20, bool)
    assert swapped_ranges(flags) == ""
    flags[[0, 1, 2, 5, 18, 19]] = True
    assert swapped_ranges(flags) == "0–2, 5, 18–19"


def verdicts_of(take: Take) -> dict[str, str]:
    poses = take.poses()
    assert poses is not None
    truth = take.truth()
    assert truth is not None
    made = judge(
        measure_cameras(take),
        measure_skew(take, build_timeline(take, poses)),
        measure_poses(poses, take.calibration, ORIGIN_NS),
        measure_truth(poses, truth),
        (320,) * 4,
    )
    return {verdict.title: verdict.colour for verdict in made}


def test_verdicts(take: Take):
    assert verdicts_of(take) == {
        "Files": "green",
        "Recorded frames": "red",  # 10 % of one camera are missing
        "Capture rate": "green",
        "Time skew between cameras": "green",
        "Joints found": "green",
        "Reprojection error": "green",
        "Bone lengths": "amber",  # a pixel of these small pictures is 14 mm at 4 m
        "Left and right": "green",
        "Distance to the truth": "green",
    }


def test_a_damaged_ledger_is_red(tmp_path: Path):
    folder = make_take(tmp_path / "walk", frames=4, truth=True)
    path = folder / "ledger" / "cam2.csv"
    path.write_bytes(path.read_bytes().replace(b"recorded", b"Recorded", 1))
    take = Take.open(folder)
    cameras = measure_cameras(take)
    assert cameras[1].problem.startswith("line 2 ")
    files = judge(cameras, np.zeros((0, 3)), None, None, ())[0]
    assert files.title == "Files"
    assert files.colour == "red"
    assert "cam2: line 2" in files.words


def test_frames_lost_by_the_source_count_as_missing(take: Take):
    camera = measure_cameras(take)[0]
    lossy: CameraMeasures = replace(camera, lost=10)
    assert lossy.dropped_share == pytest.approx(10 / 50)
