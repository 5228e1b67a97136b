"""What a single camera saw is said in take.yaml, among the events and in the report's verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.pose_frame import PoseFrame
from models.skeletons import get_skeleton
from pipeline.take.header import TakeHeader, read_header
from pipeline.take.one_camera import OneCameraWatch, one_camera_summary, runs
from pipeline.take.report.capture_measures import measure_cameras
from pipeline.take.report.pose_measures import measure_poses
from pipeline.take.report.verdicts import judge
from pipeline.take.take import Take
from pipeline.take.writer import POSES_FILE, TakeWriter
from tests.pipeline.take.synthetic_take import make_header, make_rig

SKELETON = get_skeleton("coco_17")
STEP_NS = 100_000_000


def frame(step: int, views: int, *, cameras: int = 2, missing: int = 0) -> PoseFrame:
    """One person; every joint but the ``missing`` last ones is seen by the first ``views`` cameras."""
    used = np.zeros((1, cameras, 17), bool)
    used[:, :views] = True
    joints = np.ones((1, 17, 3)) * (1000.0 + step)
    if missing:
        used[:, :, -missing:] = False
        joints[:, -missing:] = np.nan
    if views == 0:
        joints[:] = np.nan
    return PoseFrame(
        time_ns=step * STEP_NS,
        skeleton=SKELETON,
        cameras=tuple(f"cam{number + 1}" for number in range(cameras)),
        view_times_ns=np.full(cameras, step * STEP_NS),
        person=np.zeros(1, np.int64),
        joints=joints,
        scores=np.isfinite(joints[..., 0]).astype(float),
        covariance=np.tile(np.eye(3), (1, 17, 1, 1)),
        keypoints=np.ones((1, cameras, 17, 3)),
        used=used,
        smoothed=joints,
        swapped=np.zeros((1, cameras), bool),
    )


def header() -> TakeHeader:
    rig = make_rig([(64, 48), (64, 48)])
    return make_header(rig, origin_ns=0, skeleton="coco_17", cameras=("cam1", "cam2"), calibration=None)


def test_runs() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 1), (3, 3)]
    assert runs(np.zeros(3, bool)) == runs(np.zeros(0, bool)) == []


def test_joints_that_nobody_saw_are_not_of_one_camera() -> None:
    assert frame(0, 1, missing=3).one_camera.sum() == 14
    assert not frame(0, 2).one_camera.any()
    assert not frame(0, 0).one_camera.any()


def test_the_end_of_such_a_time_is_an_event() -> None:
    watch = OneCameraWatch()
    views = [2, 1, 1, 1, 2, 1, 2, 1, 1]
    events = [watch(frame(step, count)) for step, count in enumerate(views)]
    assert [step for step, event in enumerate(events) if event is not None] == [4], "one instant is no news"
    assert events[4] is not None
    assert (events[4].t_ns, events[4].details) == (STEP_NS, {"until_ns": 3 * STEP_NS})
    assert "only cam1 saw the person for 0.20 s" in events[4].message
    last = watch.ended()
    assert last is not None
    assert last.t_ns == 7 * STEP_NS
    assert watch.ended() is None
    alone = OneCameraWatch()
    assert all(alone(frame(step, 1, cameras=1)) is None for step in range(3))
    assert alone.ended() is None


def test_a_take_says_it_everywhere(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    with TakeWriter.create(folder, header()) as writer:
        for step in range(10):
            writer.write_poses(frame(step, 1 if 4 <= step < 7 else 2))
    summary = {"joints_percent": 30.0, "instants": 3, "spans_s": [[0.4, 0.6]]}
    assert read_header(folder).one_camera == summary
    assert one_camera_summary(folder / POSES_FILE, 0) == summary
    with np.load(folder / POSES_FILE) as stored:
        assert stored["one_camera"].sum() == 3 * 17
    take = Take.open(folder)
    (event,) = (event for event in take.events() if event.kind == "one_camera")
    assert event.t_ns == 4 * STEP_NS
    poses = take.poses()
    assert poses is not None
    measures = measure_poses(poses, None, 0)
    assert measures is not None
    np.testing.assert_array_equal(measures.one_camera, [0.0] * 4 + [1.0] * 3 + [0.0] * 3)
    (verdict,) = (
        one
        for one in judge(measure_cameras(take), np.zeros((0, 2)), measures, None, ())
        if "one camera" in one.title
    )
    assert (verdict.colour, verdict.value) == ("amber", "30.0 % of joints")
    assert "0.40 to 0.60 s" in verdict.words


def test_nothing_is_said_where_there_is_nothing_to_say(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    with TakeWriter.create(folder, header()) as writer:
        writer.write_poses(frame(0, 2))
    assert read_header(folder).one_camera == {}
    assert one_camera_summary(tmp_path / "absent.npz", 0) == {}
