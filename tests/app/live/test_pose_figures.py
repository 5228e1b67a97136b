"""How many poses, how late, how far from the truth."""

import time

import numpy as np
import pytest
from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QLabel

from app.live.figures_view import FiguresView
from app.live.pose_figures import ERROR, LATE, MEDIAN, RATE, PoseFigures
from app.live.truth_meter import TruthMeter
from models.pose_frame import PoseFrame
from pipeline.rigs.studio_rig import studio_of

NUMBERS = {
    "session": {"t_s": 0.0},
    "inference": {"alive": True, "fps": 29.96, "latency_recent_ms": {"p50": 18.4, "p95": 31.0}},
}


class PlayedMeter(QObject):
    measured = pyqtSignal(float, int)

    def __init__(self, rig, calibration, origin_ns, parent=None):
        super().__init__(parent)
        self.task = (rig, calibration, origin_ns)
        self.frames = []
        self.ended = False

    def offer(self, frame):
        self.frames.append(frame)

    def end(self, wait=False):
        self.ended = True


@pytest.fixture
def figures(studio):
    return PoseFigures(studio, PlayedMeter)


def go(studio, pipeline="noisy_truth"):
    session = studio.session
    session.start(studio.rig, studio.calibration, pipeline)
    session.play("live", 5_000)
    session.play("pipeline", ("ready", pipeline, ""))


def test_nothing_is_said_while_no_poses_are_made(figures, studio):
    assert figures.rows == {}
    studio.session.play("telemetry", NUMBERS)
    assert figures.rows == {}, "numbers of a pipeline that is not ready"


def test_rate_and_latency(figures, studio):
    go(studio)
    studio.session.play("telemetry", NUMBERS)
    assert figures.rows == {RATE: "30.0", MEDIAN: "18 ms", LATE: "31 ms", ERROR: "…"}
    studio.session.play("pipeline", ("none", "none", ""))
    assert figures.rows == {}


def test_error_is_the_mean_over_joints_of_the_last_instants(figures, studio):
    go(studio)
    meter = figures._meter
    assert meter.task == (studio.rig, studio.calibration, 5_000)
    studio.session.play("telemetry", NUMBERS)
    meter.measured.emit(300.0, 10)
    meter.measured.emit(0.0, 0)
    meter.measured.emit(100.0, 10)
    assert figures.error_mm == 20.0
    assert figures.rows[ERROR] == "20 mm"
    for _ in range(15):
        meter.measured.emit(50.0, 10)
    assert figures.error_mm == 5.0, "what was longer ago is forgotten"


def test_real_cameras_have_no_truth(figures, studio):
    camera = studio.rig.cameras[0].model_copy(update={"driver": {"type": "usb", "device": 0}})
    session = studio.session
    session.start(studio.rig.model_copy(update={"cameras": (camera,)}), studio.calibration, "blazepose")
    session.play("live", 0)
    session.play("pipeline", ("ready", "blazepose", ""))
    session.play("telemetry", NUMBERS)
    assert not figures.truth_known
    assert ERROR not in figures.rows


def test_measuring_ends_with_the_cameras(figures, studio):
    go(studio)
    meter = figures._meter
    studio.session.play("ending")
    assert meter.ended
    assert not figures.truth_known


def test_view_shows_what_there_is(qtbot, figures, studio):
    view = FiguresView(figures)
    qtbot.addWidget(view)
    assert view.isHidden()
    go(studio)
    studio.session.play("telemetry", NUMBERS)
    assert not view.isHidden()
    shown = {one.objectName(): one.text() for one in view.findChildren(QLabel) if one.objectName()}
    assert shown == {
        "figure_poses": "30.0",
        "figure_capture": "18 ms",
        "figure_95": "31 ms",
        "figure_mean": "…",
    }


def test_a_process_measures_the_newest_pose(qtbot, studio):
    real = studio_of(studio.rig)
    origin_ns = time.monotonic_ns()
    meter = TruthMeter(studio.rig, studio.calibration, origin_ns)
    heard = []
    meter.measured.connect(lambda total, count: heard.append((total, count)))
    frame = PoseFrame.nobody(origin_ns + 2_000_000_000, real.skeleton, ("cam1", "cam2"), [-1, -1], {})
    joints = real.truth(2.0) + np.array([0.0, 6.0, 8.0])
    meter.offer(_with(frame, joints))
    try:
        qtbot.waitUntil(lambda: bool(heard), timeout=60_000)
    finally:
        meter.end(wait=True)
    total, count = heard[0]
    assert count == len(real.skeleton.body)
    assert total / count == pytest.approx(10.0, abs=1e-6)
    assert not meter._thread.is_alive()


def _with(frame, joints):
    people, count = joints.shape[:2]
    return PoseFrame(
        time_ns=frame.time_ns,
        skeleton=frame.skeleton,
        cameras=frame.cameras,
        view_times_ns=frame.view_times_ns,
        person=np.arange(people),
        joints=joints,
        scores=np.ones((people, count)),
        covariance=np.full((people, count, 3, 3), np.nan),
        keypoints=np.full((people, 2, count, 3), np.nan),
        used=np.zeros((people, 2, count), bool),
        smoothed=joints,
        swapped=np.zeros((people, 2), bool),
    )
