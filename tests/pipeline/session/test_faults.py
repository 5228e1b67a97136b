"""What a session does when the recorder dies and when its address is taken."""

import os
import signal
import time

import pytest

from configs.errors import PosestageError
from pipeline.estimation.pipeline_config import StreamConfig, load_pipeline
from pipeline.processes.endpoints import session_endpoints
from pipeline.processes.inference import Inference
from pipeline.processes.node import NodeContext
from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.rigs.studio_rig import studio_calibration, studio_of
from pipeline.session.current_take import RecordingLostError
from pipeline.session.live import run_session
from pipeline.session.session import Session
from pipeline.take.repair import repair_take
from pipeline.take.take import Take
from pipeline.take.verify import check_take
from pipeline.wire.bus import AddressInUseError, Bus

pytestmark = pytest.mark.timeout(120)

SIZE = (160, 120)


class KillOnce:
    """Called at every tick: kills the recorder once, some way into the recording."""

    def __init__(self, session):
        self.session = session
        self.at = 0.0

    def __call__(self, seconds, poses):
        if seconds > 1.5 and not self.at:
            self.at = time.monotonic()
            os.kill(self.session.pid("recorder"), signal.SIGKILL)
        return True


def test_a_take_goes_on_behind_a_killed_recorder_and_misses_nothing(tmp_path):
    folder = tmp_path / "take"
    with Session(simulated_rig(2, SIZE, 30.0, 0), None, None) as session:
        live = run_session(session, folder, seconds=5.0, on_tick=KillOnce(session))
    assert live.summary.folder == folder
    check = check_take(folder)
    assert check.intact, check.problems
    assert check.state == "complete"
    for camera, totals in check.totals.items():
        # A busy machine may render a picture too late, which is the simulated camera's own loss.
        assert set(totals.dropped) <= {"lost_by_camera"}, camera
        assert totals.captured > 100
    [event] = [event for event in Take.open(folder).events() if event.kind == "recorder_restart"]
    assert "recording goes on after" in event.message
    assert any("recording goes on after" in message for message in live.events)
    assert not list(folder.glob("streams*"))


def test_a_recorder_that_does_not_come_back_ends_the_recording_and_the_take_can_be_repaired(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("pipeline.session.current_take._RESUME_DEADLINE_S", 0.0)
    folder = tmp_path / "take"
    with Session(simulated_rig(2, SIZE, 30.0, 0), None, None) as session:
        kill = KillOnce(session)
        with pytest.raises(RecordingLostError, match=r"recorder.*launch\.py repair"):
            run_session(session, folder, seconds=30.0, on_tick=kill)
        again = tmp_path / "again"
        session.record(again)
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            session.poll()
        session.stop_recording()
    assert time.monotonic() - kill.at < 25, "not only after the 30 s"
    repaired = repair_take(folder)
    assert repaired.changed
    assert all(totals.recorded > 20 for totals in repaired.totals.values())
    assert check_take(folder).intact
    assert check_take(again).intact


def test_a_session_starts_once():
    with Session(simulated_rig(1, SIZE, 30.0, 0), None, None) as session:
        with pytest.raises(PosestageError, match="running already"):
            session.start()
        session.poll()
        assert all(session.alive().values())


@pytest.fixture
def taken():
    """An address on which somebody listens."""
    with Bus() as bus:
        yield bus.publisher("tcp://127.0.0.1:*").endpoint


def open_inference(folder, address, *, asked_for):
    rig = simulated_rig(2, SIZE, 30.0, 0)
    pipeline = load_pipeline("noisy_truth")
    studio = {"size": list(SIZE), **rig.cameras[0].driver["studio"]}
    stream = StreamConfig(address=address) if asked_for else StreamConfig()
    keypoints = {**pipeline.keypoints, "studio": studio}
    pipeline = pipeline.model_copy(update={"keypoints": keypoints, "stream": stream})
    calibration = studio_calibration(rig, studio_of(rig))
    context = NodeContext("inference", session_endpoints(folder, address))
    return Inference(context, pipeline, calibration, [30.0, 30.0])


def test_where_the_default_address_is_taken_another_one_is_told(tmp_path, taken):
    inference = open_inference(tmp_path, taken, asked_for=False)
    with Bus() as bus:
        published = inference.open(bus)["published"]
        [event] = inference.take_reports()
        inference.close()
    assert published.startswith("tcp://127.0.0.1:")
    assert published != taken
    assert taken in event.message
    assert published in event.message


def test_an_address_that_was_asked_for_is_not_replaced(tmp_path, taken):
    inference = open_inference(tmp_path, taken, asked_for=True)
    with Bus() as bus, pytest.raises(AddressInUseError, match="is in use") as caught:
        inference.open(bus)
    inference.close()
    assert taken in str(caught.value)
    assert caught.value.exit_code == 2
