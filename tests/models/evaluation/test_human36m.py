"""Errors whose value is known by construction; recorded tables are checked in tests/parity."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from configs.errors import BadInputError
from models.datasets.human36m_labels import CAMERA_DTYPE, Labels, table_dtype
from models.datasets.human36m_names import ACTION_TRIALS, CAMERAS, SUBJECTS
from models.evaluation.human36m import metric_tables, pose_errors, read_metric, write_metric
from models.evaluation.mpi_inf_3dhp import FROM_HUMAN36M, PELVIS, evaluate_3dhp, joint_errors, pck_and_auc
from models.evaluation.panoptic import evaluate_panoptic
from models.evaluation.pose_2d import pose_2d_metric
from models.skeletons import get_skeleton

POSES = np.random.default_rng(0).normal(0, 500, (6, 17, 3))


def test_a_shift_is_absolute_and_not_relative() -> None:
    errors = pose_errors(POSES + np.array([3, 4, 0]), POSES)
    np.testing.assert_allclose(errors.absolute, 5.0, rtol=1e-12)
    np.testing.assert_allclose(errors.relative, 0.0, atol=1e-9)
    assert errors.missing_joints == 0


def test_the_roots_zero_stays_in_the_mean() -> None:
    moved = POSES.copy()
    moved[:, 6] += (0, 0, 17)
    errors = pose_errors(moved, POSES)
    np.testing.assert_allclose(errors.absolute, 1.0, rtol=1e-9)
    np.testing.assert_allclose(errors.relative, 16.0, rtol=1e-9)


def test_missing_joints_are_counted_and_not_averaged() -> None:
    moved = POSES + np.array([5, 0, 0])
    moved[0, 3] = np.nan
    moved[1, 6] = np.nan
    moved[2] = np.nan
    errors = pose_errors(moved, POSES)
    assert errors.missing_joints == 19
    np.testing.assert_allclose(errors.absolute[[0, 1]], 5.0)
    assert np.isnan(errors.absolute[2])
    assert np.isnan(errors.relative[[1, 2]]).all()


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"\(5, 17, 3\), expected \(6, J, 3\)"):
        pose_errors(POSES[:5], POSES)
    with pytest.raises(BadInputError, match="14 joints"):
        pose_errors(POSES[:, :14], POSES)


def test_tables_average_frames_and_are_valid_json(tmp_path: Path) -> None:
    table = np.zeros(6, table_dtype(4))
    table["subject_idx"] = SUBJECTS.index("S9")
    table["subject_idx"][5] = SUBJECTS.index("S11")
    table["action_idx"] = [0, 1, 0, 2, 2, 0]
    table["keypoints"] = POSES
    geometry = np.zeros((7, 4), CAMERA_DTYPE)
    labels = Labels(SUBJECTS, CAMERAS, ACTION_TRIALS, geometry, table)
    shifts = np.array([1.0, 2, 3, 10, 20, 60])
    prediction = POSES + shifts[:, None, None] * (1, 0, 0)
    metric = metric_tables(pose_errors(prediction, POSES), labels, np.arange(6))
    found = metric["per_pose_error"]
    assert found["Average"]["Average"] == pytest.approx(16.0)
    assert found["S9"]["Directions"] == pytest.approx(2.0)  # both trials
    assert found["S9"]["Discussion"] == pytest.approx(15.0)
    assert found["S11"]["Average"] == pytest.approx(60.0)
    assert math.isnan(found["S1"]["Average"])
    path = tmp_path / "metric.json"
    write_metric(path, metric)
    text = path.read_text()
    assert "NaN" not in text
    again = json.loads(text)
    assert again["per_pose_error"]["S1"]["Average"] is None
    assert again["per_pose_error"]["Average"]["Average"] == pytest.approx(16.0)
    path.write_text('{"per_pose_error": NaN}')  # as the originals write it
    assert math.isnan(read_metric(path)["per_pose_error"])


def test_pose_2d_counts_distances_in_the_picture() -> None:
    # A camera at 1 px per mm for points at depth 1: x and y are the picture.
    projections = np.tile(np.eye(3, 4), (2, 1, 1))
    truth = np.concatenate(
        [np.random.default_rng(1).uniform(0, 384, (2, 17, 2)), np.ones((2, 17, 1))], axis=2
    )
    prediction = truth.copy()
    prediction[0, :, 0] += 38.4 * 0.25
    found = pose_2d_metric(prediction, truth, projections)
    assert found["avg_joint_pckh"] == {
        threshold: {"all": share}
        for threshold, share in {"0.1": 0.5, "0.2": 0.5, "0.3": 1.0, "0.4": 1.0, "0.5": 1.0}.items()
    }
    prediction[1, 9] = np.nan
    assert pose_2d_metric(prediction, truth, projections)["per_joint_pckh"]["0.5"]["all"]["head"] == 0.5


def test_3dhp_scores() -> None:
    truth = np.random.default_rng(2).normal(0, 400, (4, 17, 3))
    errors = np.zeros((4, 17))
    errors[:, 0] = 150.0  # not strictly below
    errors[:, 1] = 149.999
    errors[:, 2] = 10.0
    scores = pck_and_auc(errors)
    assert scores.pck == pytest.approx(100 * 13 / 14)
    assert scores.groups["head"] == 0.0
    assert scores.groups["shoulders"] == 100.0
    # Of 31 thresholds: zeros count from 5 on (30), 10 from 15 on (28), 149.999 only at 150, 150 never.
    assert scores.auc == pytest.approx(100 * (11 * 30 + 28 + 1) / 14 / 31)
    assert scores.mpjpe == pytest.approx((150 + 149.999 + 10) / 14)
    np.testing.assert_allclose(joint_errors(truth + 70, truth), 0, atol=1e-9)
    lost = truth.copy()
    lost[0, PELVIS] = np.nan
    table = evaluate_3dhp(
        lost, truth, np.array([1, 1, 1, 0], bool), ["TS1", "TS1", "TS2", "TS2"], [1, 2, 2, 3]
    )
    assert table["all"]["all"].frames == 3
    assert table["all"]["all"].pck == pytest.approx(100 * 2 / 3)
    assert set(table["sequences"]) == {"TS1", "TS2"}
    assert set(table["activities"]) == {"1", "2"}
    assert table["sequences"]["TS1"].missing_joints == 14
    with pytest.raises(BadInputError, match="no valid frame"):
        evaluate_3dhp(truth, truth, np.zeros(4, bool), ["TS1"] * 4, [1] * 4)
    names = get_skeleton("human36m_lt17").joints
    assert [names[at] for at in FROM_HUMAN36M[:5]] == [
        "head_top", "neck", "right_shoulder", "right_elbow", "right_wrist",
    ]  # fmt: skip
    assert names[FROM_HUMAN36M[PELVIS]] == "pelvis"


def test_panoptic_compares_joints_by_name() -> None:
    coco, cmu = get_skeleton("coco_17"), get_skeleton("cmu_19")
    truth = np.random.default_rng(3).normal(0, 400, (2, 19, 3))
    prediction = np.full((2, 17, 3), np.nan)
    for at, name in enumerate(coco.joints):
        prediction[:, at] = truth[:, cmu.index(name)] + (0, 0, 12)
    prediction[0, coco.index("left_knee")] = np.nan
    truth[1, cmu.index("nose")] = np.nan
    found = evaluate_panoptic(prediction, truth, coco, cmu)
    assert found.absolute == pytest.approx(12.0)
    assert found.relative == pytest.approx(0.0, abs=1e-9)
    assert len(found.joints) == 17
    assert found.missing_joints == 1
    same = evaluate_panoptic(truth, truth, cmu, cmu)
    assert (same.absolute, same.missing_joints) == (0.0, 0)
    with pytest.raises(BadInputError, match="for coco_17"):
        evaluate_panoptic(truth, truth, coco, cmu)
