import time

import pytest

from pipeline.recording.gate import RecordGate
from pipeline.wire.bus import Message, WireError
from pipeline.wire.messages import FrameReady, FrameRecord, PacketInfo, StreamClosed, StreamOpened
from pipeline.wire.pose_messages import pack_poses
from tests.pipeline.wire.test_bus import pose_frame

NOW = time.monotonic_ns()
OPENED = StreamOpened("cam1", "mjpeg", 640, 480, 30.0, b"", "yuvj420p")


def message(payload, frames=(), t_ns=NOW, topic="frame_record"):
    return Message(topic, 0, t_ns, t_ns, payload, [memoryview(frame) for frame in frames])


def record(index, **changes):
    return message(FrameRecord("cam1", index, "", [PacketInfo(5, 5, True)]), [b"jpeg"], **changes)


@pytest.fixture
def gate():
    gate = RecordGate(("cam1", "cam2"))
    gate.check(message(OPENED))
    gate.check(record(0))
    return gate


def test_what_a_camera_sends_passes(gate):
    for index in (1, 2, 2, 30):
        gate.check(record(index, t_ns=NOW + index * 33_000_000))
    gate.check(message(StreamClosed("cam1", 31)))
    payload, arrays = pack_poses(pose_frame(), 5)
    gate.check(message(payload, arrays, topic="poses"))
    with pytest.raises(WireError):
        gate.check(message(payload, arrays[1:], topic="poses"))


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (message(FrameRecord("cam9", 1, "", [])), "unknown_camera"),
        (message(FrameRecord("cam1", 1, "", []), [b"x"]), "malformed"),
        (message(FrameRecord("cam1", 1, "", [PacketInfo(1, 1, True)])), "malformed"),
        # An hour: this time is of when tests were collected, long before they run.
        (record(1, t_ns=NOW + 3600 * 1_000_000_000), "from_the_future"),
        (record(1 << 40), "unbelievable_gap"),
        (message(StreamClosed("cam1", 1 << 40)), "unbelievable_gap"),
        (message(StreamOpened("cam1", "eggs", 640, 480, 30.0, b"", "")), "unknown_codec"),
        (message(FrameReady("cam1", 0, "r", 0, 0), topic="frame"), "unexpected_topic"),
    ],
)
def test_what_nobody_sends_does_not(gate, bad, kind):
    with pytest.raises(WireError) as refused:
        gate.check(bad)
    assert refused.value.kind == kind
    gate.check(record(1))  # and the camera goes on


def test_a_long_gap_is_believed_where_there_was_time_for_it(gate):
    with pytest.raises(WireError):
        gate.check(record(30 * 60))
    earlier = RecordGate(("cam1",))
    earlier.check(message(OPENED))
    earlier.check(record(0, t_ns=NOW - 60 * 10**9))
    earlier.check(record(30 * 60))


def test_who_takes_over_believes_where_the_others_are():
    gate = RecordGate(("cam1",))
    gate.check(record(500_000))
    gate.check(record(500_001))
    with pytest.raises(WireError):
        RecordGate(("cam1",)).check(record(1 << 40))
