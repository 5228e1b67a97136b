from dataclasses import replace

import numpy as np
import pytest

from pipeline.take.clock_lags import lags_from_poses, lags_to_dict, with_lags
from pipeline.take.poses_file import Poses
from tests.models.triangulation.test_camera_lags import JOINTS, RIG, joints_at

LAGS = np.array([0.0, 18.0, -12.0, 6.0])


def poses_of(lags, *, moving=True, seconds=14.0) -> Poses:
    T, V = int(30 * seconds), len(RIG)
    dice = np.random.default_rng(1)
    times = (np.arange(T) * 33_333_333 + 10**12).astype(np.int64)
    view_times = times[:, None] + dice.integers(-(10**7), 10**7, (T, V))
    view_times[5, 2] = -1
    keypoints = np.zeros((T, 1, V, JOINTS, 3))
    for view, camera in enumerate(RIG.cameras):
        scene_ms = (view_times[:, view] - 10**12) / 1e6 - lags[view]
        keypoints[:, 0, view, :, :2] = camera.project(joints_at(scene_ms, moving))
    keypoints[..., :2] += dice.normal(0, 0.5, keypoints[..., :2].shape)
    keypoints[..., 2] = 0.9
    joints = np.zeros((T, 1, JOINTS, 3))
    return Poses(
        skeleton="test",
        cameras=RIG.names,
        times_ns=times,
        person=np.zeros((T, 1), np.int64),
        joints=joints,
        scores=np.ones((T, 1, JOINTS)),
        covariance=np.zeros((T, 1, JOINTS, 3, 3)),
        keypoints=keypoints,
        smoothed=joints,
        used=np.ones((T, 1, V, JOINTS), bool),
        swapped=np.zeros((T, 1, V), bool),
        view_times_ns=view_times,
        stages=(),
        stage_ms=np.zeros((T, 0)),
    )


def test_lags_are_suggested_and_applied_only_on_demand():
    found = lags_from_poses(RIG, poses_of(LAGS))
    assert found is not None
    np.testing.assert_allclose(found.lag_ms, LAGS, atol=1.0)
    told = lags_to_dict(RIG, found)
    assert told["worth_applying"] == ["cam2", "cam3", "cam4"]
    assert all(camera.lag_ms == 0.0 for camera in RIG.cameras)
    corrected = with_lags(RIG, found)
    np.testing.assert_allclose([camera.lag_ms for camera in corrected.cameras], LAGS, atol=1.0)
    assert lags_to_dict(corrected, found)["worth_applying"] == []


@pytest.mark.parametrize("change", ["nobody", "other cameras", "short"])
def test_takes_that_say_nothing(change):
    poses = poses_of(LAGS, seconds=5.0 if change == "short" else 9.0)
    if change == "nobody":
        poses = replace(poses, person=np.full_like(poses.person, -1))
    if change == "other cameras":
        poses = replace(poses, cameras=("a", "b", "c", "d"))
    assert lags_from_poses(RIG, poses) is None


def test_what_is_not_observable_stays():
    found = lags_from_poses(RIG, poses_of(LAGS, moving=False))
    if found is not None:
        assert with_lags(RIG, found).cameras[1].lag_ms == 0.0
        assert lags_to_dict(RIG, found)["worth_applying"] == []
