import multiprocessing
import os
import signal
import time

import psutil
import pytest

from configs.errors import BadInputError
from pipeline.processes import supervisor as supervision
from pipeline.processes.node import Endpoints
from pipeline.processes.supervisor import NodeSpec, Supervisor
from pipeline.wire.messages import Command
from tests.support.nodes import CountingNode, RefusingNode, SlowToOpenNode, start_and_die


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


def test_whoever_was_away_itself_blames_nobody(two, monkeypatch):
    """A program that was stopped has heard nobody, and hears nobody in its first moment either."""
    two.until(lambda: two.count("source") > 100 and two.count("sink") > 0)
    time.sleep(supervision.SILENT_AFTER_S + 0.5)
    with monkeypatch.context() as deaf:
        deaf.setattr(Supervisor, "_receive", lambda self, timeout_ms: None)
        two.supervisor.poll(0)
    before = two.count("source")
    two.until(lambda: two.count("source") > before + 100)
    assert two.supervisor.restarts == 0
    assert not two.events("restart")


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


def test_a_node_whose_parent_dies_at_once_ends_by_itself(endpoints, tmp_path):
    pid_file = tmp_path / "pid"
    parent = multiprocessing.get_context("spawn").Process(target=start_and_die, args=(endpoints, pid_file))
    parent.start()
    parent.join(30)
    assert parent.exitcode == -signal.SIGKILL
    orphan = int(pid_file.read_text())
    deadline = time.monotonic() + 20
    while alive(orphan) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = alive(orphan)
    if left:
        os.kill(orphan, signal.SIGKILL)
    assert not left


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_whole_group_leave_the_nodes_to_the_supervisor(endpoints, monkeypatch, number):
    """Ctrl-C, systemd and timeout signal every process of the program, also while it is starting."""
    launch = Supervisor._launch

    def launch_and_signal(self, spec):
        launch(self, spec)
        os.kill(self.pid(spec.name), number)

    monkeypatch.setattr(Supervisor, "_launch", launch_and_signal)
    running = Running([NodeSpec("source", CountingNode, {})], endpoints)
    try:
        running.until(lambda: running.count("source") > 0)
        os.kill(running.supervisor.pid("source"), number)
        before = running.count("source")
        running.until(lambda: running.count("source") > before + 100)
        assert running.supervisor.restarts == 0
    finally:
        running.supervisor.stop()


def test_a_second_request_to_end_while_stopping_leaves_no_process(two, monkeypatch):
    pids = [two.supervisor.pid(name) for name in ("source", "sink")]

    def interrupted(nodes):
        raise KeyboardInterrupt

    monkeypatch.setattr(two.supervisor, "_stop_wave", interrupted)
    with pytest.raises(KeyboardInterrupt):
        two.supervisor.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_node_is_replaced_while_the_others_run(two):
    two.until(lambda: two.count("source") > 100)
    source, sink = two.supervisor.pid("source"), two.supervisor.pid("sink")
    two.supervisor.replace("sink", NodeSpec("sink", CountingNode, {"start_at": 5000}, stop_wave=1))
    two.until(lambda: two.count("sink") > 5000)
    assert two.events("closed"), "the old one ended in order"
    assert two.supervisor.pid("sink") != sink
    assert not psutil.pid_exists(sink)
    assert two.supervisor.pid("source") == source
    assert not two.events("restart")
    os.kill(two.supervisor.pid("sink"), signal.SIGKILL)
    two.until(lambda: two.events("restart"))
    two.until(lambda: two.count("sink") > 5000 and two.supervisor.ready("sink"))


def test_a_node_leaves_for_good_and_another_comes_later(two):
    two.supervisor.replace("sink", None)
    two.until(lambda: "sink" not in two.supervisor.alive())
    assert not two.supervisor.ready("sink")
    two.supervisor.replace("sink", NodeSpec("sink", CountingNode, {}, stop_wave=1))
    two.until(lambda: two.supervisor.ready("sink"))
    two.until(lambda: "go" in two.supervisor.telemetry()["sink"].get("heard", []))


def test_a_successor_that_cannot_start_is_not_tried_again(two):
    two.supervisor.replace("sink", NodeSpec("sink", RefusingNode, {}, stop_wave=1))
    two.until(lambda: [r for r in two.reports if r.kind == "failed"])
    two.until(lambda: "sink" not in two.supervisor.alive())
    [failed] = [r for r in two.reports if r.kind == "failed"]
    assert failed.message == "camera 7 is not plugged in; plug it in"
    assert not two.events("restart")
    two.until(lambda: two.count("source") > 100)


def test_starting_can_be_called_off(endpoints):
    supervisor = Supervisor([NodeSpec("one", CountingNode, {})], endpoints, lambda report: None, "error")
    with pytest.raises(supervision.CancelledError):
        supervisor.start(lambda: True)
    supervisor.stop()


def test_a_node_that_took_long_to_open_hears_the_start(endpoints, monkeypatch):
    """The pings of that time must not leave "go" without room in its queue."""
    receive = Supervisor._receive
    with monkeypatch.context() as patched:
        # A ping a millisecond stands for half a minute of opening at the usual pace.
        patched.setattr(Supervisor, "_receive", lambda self, timeout_ms: receive(self, 1))
        running = Running([NodeSpec("slow", SlowToOpenNode, {})], endpoints)
    try:
        running.until(lambda: running.count("slow") > 0)
    finally:
        running.supervisor.stop()
