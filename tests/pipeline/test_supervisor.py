import os
import signal
import time

import psutil
import pytest

from configs.errors import BadInputError
from pipeline import supervisor as supervision
from pipeline.messages import Command
from pipeline.node import Endpoints
from pipeline.supervisor import NodeSpec, Supervisor
from tests.support.nodes import CountingNode, RefusingNode


@pytest.fixture
def endpoints(tmp_path):
    names = ("commands", "reports", "frames", "records", "poses")
    return Endpoints(poses_public="", **{name: f"ipc://{tmp_path}/{name}" for name in names})


class Running:
    """A supervisor with its reports, driven until something is true."""

    def __init__(self, specs, endpoints):
        self.reports = []
        self.supervisor = Supervisor(specs, endpoints, self.reports.append, "error")
        self.supervisor.start()
        self.supervisor.command(Command("go", {}), sticky=True)

    def until(self, condition, seconds=20.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, [r for r in self.reports if r.kind != "telemetry"]
            self.supervisor.poll(20)

    def events(self, what):
        return [r for r in self.reports if r.kind == "event" and r.details.get("what") == what]

    def count(self, name):
        return self.supervisor.telemetry()[name].get("count", -1)


@pytest.fixture
def two(endpoints):
    specs = [
        NodeSpec("source", CountingNode, {"start_at": 100}, stop_wave=0),
        NodeSpec("sink", CountingNode, {}, stop_wave=1),
    ]
    running = Running(specs, endpoints)
    pids = [running.supervisor.pid(name) for name in ("source", "sink")]
    yield running
    running.supervisor.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_nodes_start_work_and_stop_in_waves(two):
    assert two.supervisor.details("source") == {"start_at": 100}
    two.until(lambda: two.count("source") > 100 and two.count("sink") > 0)
    assert two.supervisor.alive() == {"source": True, "sink": True}
    two.supervisor.stop()
    assert [r.node for r in two.reports if r.kind == "ended"] == ["source", "sink"]
    assert {r.node for r in two.events("closed")} == {"source", "sink"}


@pytest.mark.parametrize("how", ["crash", "die", "kill"])
def test_a_node_that_ends_is_restarted_and_told_what_it_missed(two, how):
    two.until(lambda: two.count("sink") > 0)
    before = two.supervisor.pid("source")
    if how == "kill":
        os.kill(before, signal.SIGKILL)
    else:
        two.supervisor.command(Command("event", {"do": how}, to="source"))
    two.until(lambda: two.events("restart"))
    two.until(lambda: two.supervisor.pid("source") != before and two.supervisor.alive()["source"])
    two.until(lambda: "go" in two.supervisor.telemetry()["source"].get("heard", []))
    assert two.supervisor.restarts == 1
    assert two.supervisor.pid("sink") is not None
    assert not [r for r in two.events("restart") if r.node == "sink"]
    if how == "crash":
        assert "told to crash" in two.events("restart")[0].message


def test_a_node_that_hangs_is_ended_and_restarted(two, monkeypatch):
    monkeypatch.setattr(supervision, "SILENT_AFTER_S", 1.5)
    before = two.supervisor.pid("source")
    two.supervisor.command(Command("event", {"do": "hang"}, to="source"))
    two.until(lambda: two.events("restart"))
    assert "did not answer" in two.events("restart")[0].message
    two.until(lambda: two.supervisor.pid("source") != before and two.supervisor.alive()["source"])


def test_back_off_grows(two):
    two.supervisor.command(Command("event", {"do": "die"}, to="source"), sticky=True)
    two.until(lambda: len(two.events("restart")) >= 3)
    delays = [float(r.message.rsplit("in ", 1)[1].split()[0]) for r in two.events("restart")]
    assert delays[:3] == [0.1, 0.5, 1.0]
    two.supervisor.forget("event")


def test_what_the_user_can_mend_at_the_start_is_bad_input(endpoints):
    supervisor = Supervisor([NodeSpec("camera", RefusingNode, {})], endpoints, lambda report: None, "error")
    try:
        with pytest.raises(BadInputError, match="camera 7 is not plugged in"):
            supervisor.start()
    finally:
        supervisor.stop()
