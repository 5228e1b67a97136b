from dataclasses import dataclass, field

import pytest

from pipeline.recording.outbox import RecordOutbox
from pipeline.wire.messages import FrameRecord, StreamClosed, StreamOpened

OPENED = StreamOpened("cam", "mjpeg", 64, 48, 30.0, b"", "yuvj420p", 5)


@dataclass
class Line:
    """A way to the recorder with so much room."""

    room: int = 1000
    took: list = field(default_factory=list)

    def send(self, topic, payload, frames=(), *, t_capture_ns=0):
        if not self.room:
            return False
        self.room -= 1
        self.took.append(payload.index if topic == "frame_record" else topic)
        return True


@pytest.fixture
def line():
    return Line()


def film(outbox, *indices, size=10):
    return [
        outbox.put("frame_record", FrameRecord("cam", index, "", []), [bytes(size)], index=index)
        for index in indices
    ]


def test_everything_is_sent_in_order_and_kept_until_it_is_written(line):
    outbox = RecordOutbox(line)
    outbox.begin(OPENED)
    film(outbox, 0, 1, 2)
    outbox.put("stream_closed", StreamClosed("cam", 3))
    assert line.took == ["stream_opened", 0, 1, 2, "stream_closed"]
    assert (outbox.unsent, outbox.kept_bytes) == (0, 30)
    outbox.written(2)
    assert outbox.kept_bytes == 10


def test_another_recorder_gets_what_may_not_be_written(line):
    outbox = RecordOutbox(line)
    outbox.begin(OPENED)
    film(outbox, 0, 1, 2, 3)
    outbox.written(2)
    line.took.clear()
    outbox.send_again()
    film(outbox, 4)
    assert line.took == ["stream_opened", 2, 3, 4]


def test_a_recorder_that_is_away_costs_nothing_while_there_is_room(line):
    outbox = RecordOutbox(line, most_frames=4)
    outbox.begin(OPENED)
    film(outbox, 0)
    line.room = 0
    assert film(outbox, 1, 2, 3) == [True, True, True]
    assert film(outbox, 4, 5) == [True, False], "0 was sent and makes room; what was not sent is not let go"
    outbox.put("stream_closed", StreamClosed("cam", 6))
    assert outbox.unsent == 5, "the end is told in any case"
    line.room = 100
    outbox.pump()
    assert line.took == ["stream_opened", 0, 1, 2, 3, 4, "stream_closed"]


def test_memory_is_bounded_by_bytes_too(line):
    line.room = 1
    outbox = RecordOutbox(line, most_bytes=1000)
    outbox.begin(OPENED)
    assert film(outbox, *range(12), size=100) == [True] * 10 + [False] * 2
    assert outbox.kept_bytes == 1000
    outbox.begin(OPENED)
    assert outbox.kept_bytes == 0
    assert film(outbox, 0, size=5000) == [True], "one frame is taken whatever its size"


def test_news_of_what_is_written_may_come_before_it_is_sent_again(line):
    outbox = RecordOutbox(line)
    outbox.begin(OPENED)
    film(outbox, 0, 1, 2, 3)
    line.room = 2
    outbox.send_again()
    outbox.written(3)
    line.room = 10
    line.took.clear()
    outbox.pump()
    assert line.took == [3]


def test_without_a_recording_there_is_nothing_to_send_again(line):
    RecordOutbox(line).send_again()
    assert line.took == []
