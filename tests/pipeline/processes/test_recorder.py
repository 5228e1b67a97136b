import shutil
import threading
import time
from collections import namedtuple

import numpy as np
import pytest
import simplejpeg

from pipeline.processes import grabber as grabbing
from pipeline.processes.endpoints import session_endpoints
from pipeline.processes.grabber import Grabber
from pipeline.processes.node import NodeContext
from pipeline.processes.recorder import Recorder
from pipeline.take.header import TakeHeader
from pipeline.take.take import Take
from pipeline.take.writer import TakeWriter
from pipeline.wire.bus import Bus
from pipeline.wire.messages import Command, FrameRecord, PacketInfo, StreamClosed, StreamOpened

PICTURE = simplejpeg.encode_jpeg(np.full((48, 64, 3), 90, np.uint8), quality=90, colorspace="BGR")
PERIOD_NS = 33_000_000


class Recording:
    """A recorder without a process, and one camera that sends to it."""

    def __init__(self, folder, bus):
        self.folder = folder / "take"
        endpoints = session_endpoints(folder)
        header = TakeHeader("", {}, None, {}, {}, 0, "", None, ("cam",), "none", software={})
        self.recorder = Recorder(NodeContext("recorder", endpoints), header)
        self.recorder.open(bus)
        self.camera = bus.sender(endpoints.records, 1000)
        # What an earlier recorder, which was killed, left in the queue.
        left_over = FrameRecord("cam", 77, "", [PacketInfo(1, 1, True)])
        self.camera.send("frame_record", left_over, [PICTURE], t_capture_ns=1)
        self.camera.send("stream_closed", StreamClosed("cam", 78))
        details = {"folder": str(self.folder), "name": "take", "origin_ns": 0, "wall_time": "now"}
        self.recorder.on_command(Command("record", details))
        self.camera.send("stream_opened", StreamOpened("cam", "mjpeg", 64, 48, 30.0, b"", "yuvj420p"))
        self.sent = 0

    def film(self, count):
        for _ in range(count):
            time_ns = (self.sent + 1) * PERIOD_NS
            record = FrameRecord("cam", self.sent, "", [PacketInfo(time_ns, time_ns, True)])
            assert self.camera.send("frame_record", record, [PICTURE], t_capture_ns=time_ns)
            self.sent += 1

    def end(self):
        self.camera.send("stream_closed", StreamClosed("cam", self.sent))
        self.recorder.on_command(Command("stop_recording"))

    def step_until_closed(self, seconds=10.0):
        reports, deadline = [], time.monotonic() + seconds
        while not any(report.kind == "take_closed" for report in reports):
            assert time.monotonic() < deadline
            self.recorder.step()
            reports += self.recorder.take_reports()
        return reports


@pytest.fixture
def recording(tmp_path):
    with Bus() as bus:
        recording = Recording(tmp_path, bus)
        yield recording
        recording.recorder.close()


def test_a_take_that_takes_long_to_close_keeps_nobody_waiting(recording, monkeypatch):
    """The supervisor ends a node that is silent for 3 s; poses of a long take take longer to arrange."""
    finish, close = threading.Event(), TakeWriter.close

    def slow_close(writer):
        finish.wait(10)
        return close(writer)

    monkeypatch.setattr(TakeWriter, "close", slow_close)
    recording.film(5)
    recording.end()
    for _ in range(20):
        started = time.monotonic()
        recording.recorder.step()
        assert time.monotonic() - started < 3
    assert Take.open(recording.folder).header.state == "recording"
    finish.set()
    recording.step_until_closed()
    assert Take.open(recording.folder).header.totals["cam"].recorded == 5


def test_recording_stops_in_order_before_the_disk_is_full(recording, monkeypatch):
    usage = namedtuple("usage", "total used free")
    recording.film(5)
    for _ in range(3):
        recording.recorder.step()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12 - 10**8, 10**8))
    reports = recording.step_until_closed()
    assert any(report.details.get("what") == "disk_full" for report in reports)
    take = Take.open(recording.folder)
    assert take.header.state == "complete"
    assert take.header.totals["cam"].recorded == 5


def test_a_take_whose_program_was_killed_says_so(recording):
    recording.film(5)
    time.sleep(0.1)
    recording.recorder.close()
    take = Take.open(recording.folder)
    assert take.header.totals["cam"].recorded == 5
    assert [event.kind for event in take.events()] == ["interrupted"]


def test_cameras_that_still_deliver_are_waited_for(recording, monkeypatch):
    """A backlog longer than the deadline for silence is written to its end."""
    monkeypatch.setattr("pipeline.processes.recorder._CLOSE_DEADLINE_S", 0.5)
    recording.recorder.on_command(Command("stop_recording"))
    for _ in range(8):
        time.sleep(0.15)
        recording.film(1)
        recording.recorder.step()
    recording.end()
    recording.step_until_closed()
    assert Take.open(recording.folder).header.totals["cam"].recorded == 8


def test_frames_wait_in_the_grabber_not_without_bound_in_the_recorder(tmp_path):
    endpoints = session_endpoints(tmp_path)
    header = TakeHeader("", {}, None, {}, {}, 0, "", None, ("cam",), "none", software={})
    with Bus() as bus:
        recorder = Recorder(NodeContext("recorder", endpoints), header)
        recorder.open(bus)
        sender = bus.sender(endpoints.records, 50)
        record, frame = FrameRecord("cam", 0, "", []), bytes(100_000)
        taken, deadline = 0, time.monotonic() + 1.0
        while time.monotonic() < deadline:
            taken += sender.send("frame_record", record, [frame])
        recorder.close()
        bus.close(linger_ms=0)
    assert 50 <= taken <= 200, "50 here, 100 there, a few on the way"


def test_the_number_of_captured_frames_arrives_after_a_full_queue(tmp_path, monkeypatch):
    """Without it the frames that found the queue full at the end would be in no ledger."""
    monkeypatch.setattr(grabbing, "_RECORD_QUEUE", 3)
    endpoints = session_endpoints(tmp_path)
    camera = {"name": "cam1", "driver": {"type": "simulated"}, "size": [64, 64], "fps": 120}
    grabber = Grabber(NodeContext("grabber-cam1", endpoints), camera)
    with Bus() as bus:
        grabber.open(bus)
        grabber.on_command(Command("go", {"origin_ns": time.monotonic_ns()}))
        grabber.running = True
        grabber.on_command(Command("record"))
        while sum(grabber.telemetry()["recording_drops"].values()) < 5:
            grabber.step()
        grabber.on_command(Command("stop_recording"))
        captured = grabber.telemetry()["captured"]
        receiver = bus.receiver(endpoints.records, 100)
        closed, deadline = None, time.monotonic() + 10
        while closed is None and time.monotonic() < deadline:
            grabber.step()
            for message in receiver.receive_all(50):
                if message.topic == "stream_closed":
                    closed = message.payload
        grabber.close()
    assert closed == StreamClosed("cam1", captured)
