"""The session as the window drives it: real cameras' processes, real takes, and what if one dies."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from app.session.live_session import LiveSession
from app.session.picture_feed import PictureFeed
from pipeline.rigs.rig_config import RigConfig
from pipeline.take.repair import repair_take
from pipeline.take.take import Take
from pipeline.take.verify import check_take
from tests.support.videos import write_video

pytestmark = pytest.mark.timeout(150)

PATIENCE_S = 90.0
NO_STREAM = ("stream.address=''",)


class Watched:
    """A session and everything it has said."""

    def __init__(self, application):
        self.application = application
        self.session = LiveSession()
        self.heard = []
        self.numbers = {}
        self.poses = []
        session = self.session
        for name in ("state_changed", "failed", "news", "recording_lost", "take_closed", "recording_failed"):
            getattr(session, name).connect(lambda *words, name=name: self.heard.append((name, *words)))
        session.pipeline_state_changed.connect(lambda *words: self.heard.append(("pipeline", *words)))
        session.telemetry.connect(self.numbers.update)
        session.poses.connect(self.poses.append)

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, self.heard
            self.application.processEvents()
            time.sleep(0.01)

    def of(self, kind):
        return [words for name, *words in self.heard if name == kind]

    def live(self, devices, calibration, pipeline):
        self.session.start(devices, calibration, pipeline, overrides=NO_STREAM if calibration else ())
        self.until(lambda: self.session.state == "live")

    def pid(self, node):
        return self.session._thread.nodes[node]

    def kill(self, node):
        os.kill(self.pid(node), signal.SIGKILL)

    def recorded(self):
        """Frames that the camera with fewest has in the take that is open."""
        cameras = self.numbers.get("recorder", {}).get("cameras", {})
        fresh = self.session.recording and self.numbers["recorder"]["recording"]
        return min((camera["recorded"] for camera in cameras.values()), default=0) if fresh else 0

    def news(self, text):
        return [words for level, words in self.of("news") if text in words]


def fewest_lines(folder):
    """Of the ledgers of a take that is being written."""
    ledgers = list((folder / "ledger").glob("*.csv"))
    return min((path.read_bytes().count(b"\n") for path in ledgers), default=0)


def ended(watched):
    thread = watched.session._thread
    watched.session.shutdown()
    return thread is None or thread not in threading.enumerate()


@pytest.fixture
def watched(qapp):
    watched = Watched(qapp)
    yield watched
    assert ended(watched)


@pytest.fixture(scope="module")
def running(qapp, devices, calibration):
    """Starting takes seconds; these tests share one session that makes poses."""
    watched = Watched(qapp)
    watched.live(devices, calibration, "noisy_truth")
    watched.until(lambda: watched.session.pipeline_state == "ready" and len(watched.poses) > 5)
    yield watched
    assert not watched.of("failed")
    assert ended(watched)


def test_poses_and_pictures_arrive(running):
    assert "truth" in running.session.label
    assert running.poses[-1].cameras == ("cam1", "cam2")
    feed = PictureFeed(running.session.ring_name)
    pictures = []
    running.until(lambda: pictures.append(feed.newest("cam1", (80, 60))) or pictures[-1] is not None)
    assert pictures[-1].shape == (60, 80, 3)
    assert feed.newest("cam9", (80, 60)) is None

    def of_poses():
        poses = running.poses[-1]
        pictures.append(feed.at("cam2", int(poses.view_times_ns[1]), (160, 120)))
        return pictures[-1] is not None

    running.until(of_poses)
    assert pictures[-1].shape == (120, 160, 3)
    feed.close()


def test_a_take_never_overwrites_keeps_marks_and_its_pipeline(running, tmp_path):
    session = running.session
    (tmp_path / "jump").mkdir()  # a take of that name exists
    session.record(tmp_path / "jump")
    running.until(lambda: session.recording)
    assert session.take == tmp_path / "jump-2"
    session.mark("now")
    running.until(lambda: running.recorded() > 10)
    session.set_pipeline("none")
    running.until(lambda: running.news("within a take"))
    assert session.pipeline_state == "ready", "poses go on"
    session.stop_recording()
    running.until(lambda: running.of("take_closed"))
    assert not session.recording
    take = Take.open(tmp_path / "jump-2")
    assert take.header.state == "complete"
    assert ("mark", "now") in {(event.kind, event.message) for event in take.events()}


def test_pipelines_change_and_one_that_does_not_fit_leaves_the_cameras_running(running):
    session = running.session
    session.set_pipeline("none")
    running.until(lambda: session.pipeline_state == "none")
    session.set_pipeline("noisy_truth", ("keypoints.noise_px=-1",))
    running.until(lambda: session.pipeline_state == "failed")
    assert "noise_px" in running.of("pipeline")[-1][1]
    session.set_pipeline("no_such_pipeline")
    running.until(lambda: "unknown pipeline" in running.of("pipeline")[-1][1])
    session.set_pipeline("noisy_truth", NO_STREAM)
    running.until(lambda: session.pipeline_state == "ready")
    count = len(running.poses)
    running.until(lambda: len(running.poses) > count + 3)
    assert session.state == "live"
    assert not running.news("stopped")


def test_killed_nodes_are_told_and_come_back_and_a_lost_take_is_repaired(running, tmp_path, monkeypatch):
    session = running.session

    running.kill("inference")
    running.until(lambda: running.news("Pose estimation stopped"))
    running.until(lambda: running.news("Pose estimation works again"))
    count = len(running.poses)
    running.until(lambda: len(running.poses) > count + 3)

    ring = session.ring_name("cam1")
    running.kill("grabber-cam1")
    running.until(lambda: running.news("Camera cam1 stopped"))
    running.until(lambda: running.numbers["grabber-cam1"]["problem"])
    running.until(lambda: running.news("Camera cam1 works again"))
    running.until(lambda: session.ring_name("cam1") != ring)
    feed = PictureFeed(session.ring_name)
    pictures = []
    running.until(lambda: pictures.append(feed.newest("cam1", (160, 120))) or pictures[-1] is not None)
    feed.close()
    assert session.state == "live"

    session.record(tmp_path / "goes_on")
    running.until(lambda: session.recording)
    running.until(lambda: running.recorded() > 10)
    running.kill("recorder")
    running.until(lambda: running.news("recording goes on after"))
    assert session.recording
    session.stop_recording()
    running.until(lambda: not session.recording)
    assert check_take(tmp_path / "goes_on").intact

    session.record(tmp_path / "lost")
    running.until(lambda: session.recording)
    # what telemetry says may still be of the take before; a second more than ten frames are on the disk then
    running.until(lambda: fewest_lines(tmp_path / "lost") > 40)
    monkeypatch.setattr("pipeline.session.current_take._RESUME_DEADLINE_S", 0.0)
    running.kill("recorder")
    running.until(lambda: running.of("recording_lost"))
    [[folder, reason]] = running.of("recording_lost")
    assert folder == tmp_path / "lost"
    assert "ended unexpectedly" in reason
    assert not session.recording
    session.record(tmp_path / "next")
    running.until(lambda: session.recording)
    session.stop_recording()
    running.until(lambda: not session.recording)
    assert Take.open(tmp_path / "next").header.state == "complete"
    repaired = repair_take(folder)
    assert repaired.changed
    assert all(totals.recorded >= 10 for totals in repaired.totals.values())


def test_a_camera_that_cannot_open_fails_with_its_reason_and_can_be_started_again(watched, devices, tmp_path):
    broken = devices.cameras[0].model_copy(
        update={"driver": {"type": "video_file", "path": str(tmp_path / "no.mp4")}}
    )
    watched.session.start(devices.model_copy(update={"cameras": (broken,)}), None, "none")
    watched.until(lambda: watched.session.state == "failed")
    assert 'camera "cam1"' in watched.of("failed")[0][0]
    assert "no.mp4" in watched.of("failed")[0][0]
    one = devices.model_copy(update={"cameras": devices.cameras[:1]})
    watched.live(one, None, "none")


def test_starting_is_called_off_for_another_start_and_a_shutdown_saves_the_take(
    watched, devices, calibration, tmp_path
):
    session = watched.session
    session.start(devices, calibration, "noisy_truth", overrides=NO_STREAM)
    session.start(devices, None, "none")
    states = [words[0] for words in watched.of("state_changed")]
    assert states == ["starting", "stopping"]
    watched.until(lambda: session.state == "live")
    assert session.calibration is None
    assert not watched.of("failed")
    session.record(tmp_path / "one")
    watched.until(lambda: watched.recorded() > 5)
    session.shutdown()
    take = Take.open(tmp_path / "one")
    assert take.header.state == "complete"
    assert "interrupted" not in {event.kind for event in take.events()}
    assert session.state == "off"


def test_recording_without_running_cameras_says_what_to_do(watched, tmp_path):
    watched.session.record(tmp_path / "one")
    assert watched.of("recording_failed") == [["The cameras are not running. Start live first."]]
    assert not (tmp_path / "one").exists()


def test_a_take_ends_with_the_videos_that_play(watched, tmp_path):
    cameras = []
    for name in ("a", "b"):
        write_video(tmp_path / f"{name}.mp4", codec="h264", frames=75, fps=30, size=(160, 120))
        cameras.append(
            {"name": name, "driver": {"type": "video_file", "path": str(tmp_path / f"{name}.mp4")}}
        )
    session = watched.session
    watched.live(RigConfig.model_validate({"cameras": cameras}), None, "none")
    session.record(tmp_path / "take")
    watched.until(lambda: watched.of("take_closed"))
    assert Take.open(tmp_path / "take").header.state == "complete"
    assert watched.news("come to the end")
    watched.until(lambda: watched.numbers["grabber-a"]["ended"])
    session.record(tmp_path / "late")
    watched.until(lambda: watched.of("recording_failed"))
    assert not (tmp_path / "late").exists()
    assert session.state == "live"


def test_pictures_are_shrunk_by_averaging_and_never_enlarged():
    from app.session.picture_feed import shrunk

    image = np.zeros((120, 160, 3), np.uint8)
    image[::2] = 200
    half = shrunk(image, (80, 60))
    assert half.shape == (60, 80, 3)
    assert (half == 100).all()
    assert shrunk(image, (320, 240)).shape == (120, 160, 3)
    assert shrunk(image, (80, 600)).shape == (60, 80, 3), "the aspect is kept"
    assert not np.shares_memory(shrunk(image, (160, 120)), image)
