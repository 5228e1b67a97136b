from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.takes.series import joint_series, speed, with_gaps
from app.takes.take_data import TakeData, load_events, load_take
from pipeline.take.take import Take
from tests.app.takes.conftest import FRAMES, same


@pytest.fixture(scope="module")
def data(walk_once: Path) -> TakeData:
    return load_take(walk_once)


def test_everything_needed_is_there(data: TakeData, walk_once: Path):
    assert len(data) == FRAMES
    assert data.cameras == ("cam1", "cam2", "cam3")
    assert data.people == (0,)
    assert data.skeleton is not None
    assert data.skeleton.name == "halpe_26"
    (drop,) = data.drops
    assert drop.camera == "cam2"
    assert drop.causes == ("ring_full",)
    ledger = Take.open(walk_once).ledger("cam2")
    lost = [row.t_capture_ns for row in ledger if row.fate == "dropped"]
    np.testing.assert_allclose(drop.seconds, (np.array(lost) - data.header.origin_ns) / 1e9)
    assert data.damage == ()
    marks, events = load_events(walk_once)
    assert [mark.text for mark in marks] == ["start of the walk"]
    assert [event.message for event in events] == ["the walk is over"]


def test_positions_scores_and_deviation_are_those_of_the_poses(data: TakeData):
    assert data.poses is not None
    assert data.skeleton is not None
    joint = data.skeleton.index("left_wrist")
    for axis, name in enumerate("xyz"):
        for smoothed in (False, True):
            line = joint_series(data, 0, "left_wrist", name, smoothed=smoothed)  # type: ignore[arg-type]
            source = data.poses.smoothed if smoothed else data.poses.joints
            assert same(line.values, source[:, 0, joint, axis])
            assert same(line.seconds, data.seconds)
    assert same(
        joint_series(data, 0, "left_wrist", "score", smoothed=False).values, data.poses.scores[:, 0, joint]
    )
    np.testing.assert_allclose(joint_series(data, 0, "left_wrist", "deviation", smoothed=False).values, 5.0)


def test_reprojection_error_is_the_mean_over_the_views_that_took_part(data: TakeData):
    poses, rig = data.poses, data.rig
    assert poses is not None
    assert rig is not None
    used = np.array(poses.used)
    used[:, :, 2] = False
    fewer = replace(data, poses=replace(poses, used=used))
    line = joint_series(fewer, 0, "nose", "error", smoothed=False)
    projected = rig.project(np.array(poses.joints[:, 0, 0]))
    distance = np.linalg.norm(projected.transpose(1, 0, 2) - poses.keypoints[:, 0, :, 0, :2], axis=-1)
    np.testing.assert_allclose(line.values, distance[:, :2].mean(axis=1))


def test_speed_of_an_even_motion_is_its_speed():
    seconds = np.sort(np.random.default_rng(0).uniform(0, 3, 40))
    velocity = np.array([300.0, -400.0, 1200.0])  # mm/s, 1.3 m/s
    positions = seconds[:, None] * velocity
    values = speed(seconds, positions, np.ones(39, bool))
    assert np.isnan(values[[0, -1]]).all()
    np.testing.assert_allclose(values[1:-1], 1.3)
    joined = np.ones(39, bool)
    joined[10] = False
    positions[30] = np.nan
    missing = np.flatnonzero(np.isnan(speed(seconds, positions, joined)))
    np.testing.assert_array_equal(missing, [0, 10, 11, 29, 31, 39])


def test_gaps_stay_gaps(data: TakeData):
    assert data.poses is not None
    person = np.array(data.poses.person)
    person[10:13] = -1
    hidden = replace(data, poses=replace(data.poses, person=person))
    line = joint_series(hidden, 0, "nose", "z", smoothed=False)
    (gap,) = np.flatnonzero(np.isnan(line.values))
    assert data.seconds[9] < line.seconds[gap] < data.seconds[13]
    assert len(line.values) == FRAMES - 3 + 1
    seconds, values = with_gaps(np.arange(3.0), np.ones(3), np.ones(2, bool))
    assert (len(seconds), len(values)) == (3, 3)


def test_somebody_who_is_not_there_has_no_graph(data: TakeData):
    assert len(joint_series(data, 7, "nose", "speed", smoothed=True).values) == 0
