"""Changing how poses are made while cameras and recorder go on."""

import os
import signal
import time

import pytest

from configs.errors import BadInputError, PosestageError
from pipeline.estimation.pipeline_config import STAND_IN_LABEL, load_pipeline
from pipeline.frames.ring import reading
from pipeline.processes.rig_nodes import grabber_name
from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.rigs.studio_rig import studio_calibration, studio_of
from pipeline.session.session import Session
from pipeline.take.take import Take

pytestmark = pytest.mark.timeout(120)

SIZE = (160, 120)
PATIENCE_S = 60.0


def stand_in():
    return load_pipeline("noisy_truth", ("stream.address=''",))


@pytest.fixture(scope="module")
def session():
    rig = simulated_rig(2, SIZE, 30.0, 0)
    with Session(rig, studio_calibration(rig, studio_of(rig)), None) as running:
        running.go()
        yield running


def until(session, condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        session.poll(20)


def node_pids(session):
    return {name: session.pid(name) for name in ("recorder", grabber_name("cam1"), grabber_name("cam2"))}


def test_from_no_poses_to_poses_and_back_without_touching_the_cameras(session, tmp_path):
    pids = node_pids(session)
    poses = session.subscribe_poses()
    time.sleep(0.5)  # frames pile up for an inference that is not there
    started_ns = time.monotonic_ns()
    session.set_pipeline(stand_in())
    assert (session.poses.pipeline.name, session.poses.label) == ("noisy_truth", STAND_IN_LABEL)
    seen = []
    until(session, lambda: seen.extend(poses.receive_all()) or len(seen) >= 5)
    assert seen[0].t_capture_ns > started_ns, "nothing is made of frames from before"

    session.record(tmp_path / "with")
    with pytest.raises(PosestageError, match="cannot change within a take"):
        session.set_pipeline(None)
    until(session, lambda: session.telemetry()["recorder"]["frames"] > 20)
    session.stop_recording()
    with_poses = Take.open(tmp_path / "with")
    assert (with_poses.header.pipeline, with_poses.header.label) == ("noisy_truth", STAND_IN_LABEL)
    assert with_poses.header.skeleton == "halpe_26"
    assert with_poses.header.config["name"] == "noisy_truth"
    assert len(with_poses.poses()) > 0

    session.set_pipeline(None)
    assert "inference" not in session.alive()
    session.record(tmp_path / "without")
    until(session, lambda: session.telemetry()["recorder"]["cameras"].get("cam1", {}).get("recorded", 0) > 5)
    session.stop_recording()
    without = Take.open(tmp_path / "without")
    assert (without.header.pipeline, without.header.skeleton, without.header.label) == ("none", None, "")
    assert without.poses() is None
    assert node_pids(session) == pids
    assert session.events == []


def test_a_pipeline_that_cannot_start_says_why_and_the_session_goes_on(session, tmp_path, monkeypatch):
    monkeypatch.setenv("POSESTAGE_MODELS", str(tmp_path / "empty"))
    pids = node_pids(session)
    with pytest.raises(BadInputError, match="models fetch blazepose"):
        session.set_pipeline(load_pipeline("blazepose", ("stream.address=''",)))
    assert session.poses.pipeline is None
    assert session.poses.loading is None
    session.set_pipeline(stand_in())
    assert session.poses.pipeline.name == "noisy_truth"
    session.set_pipeline(None)
    assert node_pids(session) == pids


def test_another_choice_while_one_is_being_loaded_replaces_it(session):
    session.begin_pipeline(stand_in())
    with pytest.raises(PosestageError, match="is being loaded"):
        session.record(session.take.folder / "no")
    session.poll(20)
    session.begin_pipeline(None)
    until(session, lambda: "inference" not in session.alive())
    session.begin_pipeline(stand_in())
    until(session, lambda: session.poses.loading is None)
    assert session.poses.take_failure() is None
    assert session.poses.pipeline.name == "noisy_truth"
    session.set_pipeline(None)


def test_pictures_are_shown_although_nobody_makes_poses(session):
    times = []
    with reading(session.details(grabber_name("cam1"))["ring"]) as ring:

        def fresh():
            found = ring.peek()
            if found is not None and found[0] not in times:
                times.append(found[0])
            return len(times) > 12  # more than the ring has slots

        until(session, fresh)
    assert times == sorted(times)


def test_without_calibration_no_pipeline_can_be_chosen():
    session = Session(simulated_rig(1, SIZE, 30.0, 0), None, None)
    with session, pytest.raises(BadInputError, match="needs calibrated cameras"):
        session.set_pipeline(stand_in())


def test_poses_come_back_after_an_inference_that_hung_with_all_pictures_in_its_hands(session):
    session.set_pipeline(stand_in())
    poses = session.subscribe_poses()
    seen = []
    until(session, lambda: seen.extend(poses.receive_all()) or len(seen) >= 3)
    os.kill(session.pid("inference"), signal.SIGSTOP)
    until(session, lambda: [event for event in session.events if event.node == "inference"])
    ended_ns = time.monotonic_ns()
    until(session, lambda: seen.extend(poses.receive_all()) or seen[-1].t_capture_ns > ended_ns)
    session.events.clear()
    session.set_pipeline(None)
