"""The session as the window drives it: real cameras' processes, real takes, and what if one dies."""

import os
import signal
import threading

import numpy as np
import pytest

from app.session.live_session import LiveSession
from app.session.picture_feed import PictureFeed
from pipeline.take.repair import repair_take
from pipeline.take.take import Take

pytestmark = pytest.mark.timeout(150)

PATIENCE_MS = 90_000
NO_STREAM = ("stream.address=''",)


class Watched:
    """A session and everything it has said."""

    def __init__(self, qtbot):
        self.qtbot = qtbot
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
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    def of(self, kind):
        return [words for name, *words in self.heard if name == kind]

    def live(self, devices, calibration, pipeline):
        self.session.start(devices, calibration, pipeline, overrides=NO_STREAM if calibration else ())
        self.until(lambda: self.session.state == "live")

    def pid(self, node):
        return self.session._thread.nodes[node]

    def kill(self, node):
        os.kill(self.pid(node), signal.SIGKILL)

    def news(self, text):
        return [words for level, words in self.of("news") if text in words]


@pytest.fixture
def watched(qtbot):
    watched = Watched(qtbot)
    yield watched
    watched.session.shutdown()
    assert not [thread for thread in threading.enumerate() if thread.name == "session"]


def test_live_poses_pictures_a_take_another_pipeline_and_the_end(watched, devices, calibration, tmp_path):
    session = watched.session
    watched.live(devices, calibration, "noisy_truth")
    watched.until(lambda: session.pipeline_state == "ready" and len(watched.poses) > 5)
    assert "truth" in session.label
    feed = PictureFeed(session.ring_name)
    picture = []
    watched.until(lambda: picture.append(feed.newest("cam1", (80, 60))) or picture[-1] is not None)
    assert picture[-1].shape == (60, 80, 3)
    assert feed.newest("cam9", (80, 60)) is None
    latest = watched.poses[-1]
    feed.close()

    (tmp_path / "jump").mkdir()  # a take of that name exists
    session.record(tmp_path / "jump")
    watched.until(lambda: session.recording)
    assert session.take == tmp_path / "jump-2"
    session.mark("now")
    watched.until(lambda: watched.numbers["recorder"].get("frames", 0) > 20)
    session.set_pipeline("none")
    watched.until(lambda: watched.news("within a take"))
    assert session.pipeline_state == "ready", "poses go on"
    session.stop_recording()
    watched.until(lambda: watched.of("take_closed"))
    assert not session.recording
    take = Take.open(tmp_path / "jump-2")
    assert take.header.state == "complete"
    assert ("mark", "now") in {(event.kind, event.message) for event in take.events()}
    assert latest.cameras == ("cam1", "cam2")

    session.set_pipeline("none")
    watched.until(lambda: session.pipeline_state == "none")
    session.set_pipeline("noisy_truth", NO_STREAM)
    watched.until(lambda: session.pipeline_state == "ready")
    session.stop()
    assert session.state == "stopping"
    watched.until(lambda: session.state == "off")
    assert not watched.of("failed")
    assert session.ring_name("cam1") is None


def test_a_camera_that_cannot_open_fails_with_its_reason_and_can_be_started_again(watched, devices, tmp_path):
    broken = devices.cameras[0].model_copy(
        update={"driver": {"type": "video_file", "path": str(tmp_path / "no.mp4")}}
    )
    watched.session.start(devices.model_copy(update={"cameras": (broken,)}), None, "none")
    watched.until(lambda: watched.session.state == "failed")
    assert "no.mp4" in watched.of("failed")[0][0]
    one = devices.model_copy(update={"cameras": devices.cameras[:1]})
    watched.live(one, None, "none")


def test_a_pipeline_that_does_not_fit_leaves_the_cameras_running(watched, devices, calibration):
    session = watched.session
    watched.live(devices, calibration, "no_such_pipeline")
    watched.until(lambda: session.pipeline_state == "failed")
    assert "unknown pipeline" in watched.of("pipeline")[-1][1]
    session.set_pipeline("noisy_truth", NO_STREAM)
    watched.until(lambda: session.pipeline_state == "ready")
    session.set_pipeline("noisy_truth", ("keypoints.noise_px=-1",))
    watched.until(lambda: session.pipeline_state == "failed")
    assert "noise_px" in watched.of("pipeline")[-1][1]
    watched.until(lambda: "inference" not in watched.session._thread.nodes)
    assert session.state == "live"
    assert not watched.news("stopped")


def test_starting_can_be_called_off_and_started_again_at_once(watched, devices, calibration):
    session = watched.session
    session.start(devices, calibration, "noisy_truth", overrides=NO_STREAM)
    session.start(devices, None, "none")
    states = [words[0] for words in watched.of("state_changed")]
    assert states == ["starting", "stopping"]
    watched.until(lambda: session.state == "live")
    assert session.calibration is None
    assert not watched.of("failed")


def test_recording_without_running_cameras_says_what_to_do(watched, tmp_path):
    watched.session.record(tmp_path / "one")
    assert watched.of("recording_failed") == [["The cameras are not running. Start live first."]]
    assert not (tmp_path / "one").exists()


def test_killed_nodes_are_told_and_come_back_and_a_lost_take_is_repaired(
    watched, devices, calibration, tmp_path
):
    session = watched.session
    watched.live(devices, calibration, "noisy_truth")
    watched.until(lambda: session.pipeline_state == "ready" and watched.poses)

    watched.kill("inference")
    watched.until(lambda: watched.news("Pose estimation stopped"))
    watched.until(lambda: watched.news("Pose estimation works again"))
    count = len(watched.poses)
    watched.until(lambda: len(watched.poses) > count + 3)

    ring = session.ring_name("cam1")
    watched.kill("grabber-cam1")
    watched.until(lambda: watched.news("Camera cam1 stopped"))
    watched.until(lambda: watched.numbers["grabber-cam1"]["problem"])
    watched.until(lambda: watched.news("Camera cam1 works again"))
    watched.until(lambda: session.ring_name("cam1") != ring)
    feed = PictureFeed(session.ring_name)
    pictures = []
    watched.until(lambda: pictures.append(feed.newest("cam1", (160, 120))) or pictures[-1] is not None)
    feed.close()
    assert session.state == "live"

    session.record(tmp_path / "lost")
    watched.until(lambda: watched.numbers["recorder"].get("frames", 0) > 30)
    watched.kill("recorder")
    watched.until(lambda: watched.of("recording_lost"))
    [[folder, reason]] = watched.of("recording_lost")
    assert folder == tmp_path / "lost"
    assert "ended unexpectedly" in reason
    assert not session.recording
    session.record(tmp_path / "next")
    watched.until(lambda: session.recording)
    session.stop_recording()
    watched.until(lambda: watched.of("take_closed"))
    assert Take.open(tmp_path / "next").header.state == "complete"
    repaired = repair_take(folder)
    assert repaired.changed
    assert all(totals.recorded > 10 for totals in repaired.totals.values())
    assert not watched.of("failed")


def test_shutdown_while_recording_saves_the_take(watched, devices, tmp_path):
    session = watched.session
    watched.live(devices, None, "none")
    session.record(tmp_path / "one")
    watched.until(lambda: watched.numbers.get("recorder", {}).get("frames", 0) > 10)
    session.shutdown()
    take = Take.open(tmp_path / "one")
    assert take.header.state == "complete"
    assert "interrupted" not in {event.kind for event in take.events()}
    assert session.state == "off"


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
