"""Clocks that jump: of a camera, and of the machine."""

import itertools
import time

import numpy as np
import pytest

from pipeline.frames.frame import Frame
from pipeline.processes.endpoints import session_endpoints
from pipeline.processes.grabber import Grabber
from pipeline.processes.node import NodeContext
from pipeline.processes.recorder import Recorder
from pipeline.take.header import TakeHeader
from pipeline.take.take import Take
from pipeline.take.verify import check_take
from pipeline.wire.bus import Bus
from pipeline.wire.messages import CameraEvent, Command, FrameRecord, PacketInfo, StreamClosed, StreamOpened

CAMERA = {"name": "cam1", "driver": {"type": "simulated"}, "size": [64, 64], "fps": 30}


def filmed(folder, offsets_s, pace=None):
    """Messages to the recorder about frames whose times are off by these seconds, one after the other."""
    endpoints = session_endpoints(folder)
    grabber = Grabber(NodeContext("grabber-cam1", endpoints), CAMERA)
    frames = iter(enumerate(offsets_s))

    def read(timeout_s):
        index, offset_s = next(frames)
        time.sleep(0.002)
        time_ns = time.monotonic_ns() + round(offset_s * 1e9)
        return Frame("cam1", index, time_ns, np.zeros((64, 64, 3), np.uint8))

    with Bus() as bus:
        records = bus.receiver(endpoints.records, 1000)
        grabber.open(bus)
        grabber._driver.read = read
        if pace is not None:
            grabber.camera.driver["pace"] = pace
        grabber.on_command(Command("record"))
        for _ in offsets_s:
            grabber.step()
        grabber.on_command(Command("stop_recording"))
        messages, deadline = [], time.monotonic() + 20
        while not messages or messages[-1].topic != "stream_closed":
            assert time.monotonic() < deadline
            messages += records.receive_all(50)
        reports = grabber.take_reports()
        grabber.close()
    times = [m.t_capture_ns for m in messages if isinstance(m.payload, FrameRecord)]
    steps = [
        m.payload for m in messages if isinstance(m.payload, CameraEvent) and m.payload.kind == "clock_step"
    ]
    assert len(steps) == len([r for r in reports if r.details.get("what") == "clock_step"])
    return times, steps


@pytest.mark.parametrize("jump_s", [-5.0, 5.0])
def test_a_camera_whose_clock_jumps_gets_times_of_arrival_until_that_is_over(tmp_path, jump_s):
    begun = time.monotonic_ns()
    times, steps = filmed(tmp_path, [0, 0, jump_s, jump_s, jump_s, 0, 0])
    assert len(times) == 7
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    assert begun < times[0]
    assert times[-1] < time.monotonic_ns()
    [step] = steps  # said once, not for each frame
    assert step.details["jump_s"] == pytest.approx(jump_s, abs=0.1)  # a busy machine reads the clock later
    assert "its clock jumped" in step.message


def test_a_source_without_a_clock_may_be_ahead(tmp_path):
    """Files that are read as fast as they can be have the times of the scene."""
    times, steps = filmed(tmp_path, [0, 1, 2, 3], pace="free")
    assert times[-1] - times[0] > 2.9e9
    assert not steps


def test_the_wall_clock_is_watched_and_times_in_the_ledger_rise_whatever_arrives(tmp_path, monkeypatch):
    endpoints = session_endpoints(tmp_path)
    header = TakeHeader("", {}, None, {}, {}, 0, "", None, ("cam1",), "none", software={})
    folder = tmp_path / "take"
    times = [33_000_000, 66_000_000, 50_000_000, 99_000_000]
    with Bus() as bus:
        recorder = Recorder(NodeContext("recorder", endpoints), header)
        recorder.open(bus)
        camera = bus.sender(endpoints.records, 1000)
        details = {"folder": str(folder), "name": "take", "origin_ns": 0, "wall_time": "now"}
        recorder.on_command(Command("record", details))
        camera.send("stream_opened", StreamOpened("cam1", "mjpeg", 64, 48, 30.0, b"", "yuvj420p", 1))
        wall_ns = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: wall_ns() + 3_600_000_000_000)
        for index, time_ns in enumerate(times):
            record = FrameRecord("cam1", index, "", [PacketInfo(time_ns, time_ns + index, True)])
            camera.send("frame_record", record, [b"\xff\xd8 picture"], t_capture_ns=time_ns)
        camera.send("stream_closed", StreamClosed("cam1", len(times)))
        recorder.on_command(Command("stop_recording"))
        reports, deadline = [], time.monotonic() + 20
        while not any(report.kind == "take_closed" for report in reports):
            assert time.monotonic() < deadline
            recorder.step()
            reports += recorder.take_reports()
        recorder.close()
    take = Take.open(folder)
    steps = [event for event in take.events() if event.kind == "clock_step"]
    assert {event.details.get("step_s") for event in steps} >= {3600.0}
    assert [event.details["t_ns_was"] for event in steps if "t_ns_was" in event.details] == [50_000_000]
    rows = take.ledger("cam1").rows
    assert [row.t_capture_ns for row in rows] == [33_000_000, 66_000_000, 66_000_001, 99_000_000]
    assert not [problem for problem in check_take(folder).problems if "rise" in problem]
