import msgspec
import numpy as np
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from models.pose_frame import PoseFrame
from models.skeletons import get_skeleton
from pipeline.wire.bus import Bus, WireError, decode, encode
from pipeline.wire.messages import LIMITS, Command, FrameReady, FrameRecord, PacketInfo, Report
from pipeline.wire.pose_messages import pack_poses, unpack_poses


def pose_frame(people: int = 2, views: int = 3) -> PoseFrame:
    dice = np.random.default_rng(3)
    skeleton = get_skeleton("coco_17")
    joints = len(skeleton)
    return PoseFrame(
        time_ns=123,
        skeleton=skeleton,
        cameras=tuple(f"cam{k}" for k in range(views)),
        view_times_ns=dice.integers(0, 1 << 60, views),
        person=np.arange(people),
        joints=dice.normal(size=(people, joints, 3)),
        scores=dice.random((people, joints)),
        covariance=dice.normal(size=(people, joints, 3, 3)),
        keypoints=dice.normal(size=(people, views, joints, 3)),
        used=dice.random((people, views, joints)) > 0.5,
        smoothed=dice.normal(size=(people, joints, 3)),
        swapped=dice.random((people, views)) > 0.5,
        stage_ms={"keypoints": 1.5},
    )


def test_queue_delivers_in_order_with_frames(tmp_path):
    with Bus() as bus:
        receiver = bus.receiver(f"ipc://{tmp_path}/q", 100)
        sender = bus.sender(f"ipc://{tmp_path}/q", 100)
        for index in range(50):
            record = FrameRecord("cam1", index, "", [PacketInfo(index, index, True)])
            assert sender.send("frame_record", record, [bytes([index])], t_capture_ns=index)
        messages = []
        while len(messages) < 50:
            message = receiver.receive(1000)
            assert message is not None
            messages.append(message)
    assert [m.payload.index for m in messages] == list(range(50))
    assert [m.seq for m in messages] == list(range(50))
    assert [bytes(m.frames[0])[0] for m in messages] == list(range(50))
    assert [m.t_capture_ns for m in messages] == list(range(50))


def test_full_queue_is_told_and_never_blocks(tmp_path):
    with Bus() as bus:
        sender = bus.sender(f"ipc://{tmp_path}/nobody", 10)
        taken = [sender.send("command", Command("ping")) for _ in range(30)]
        bus.close(linger_ms=0)
    assert taken == [True] * 10 + [False] * 20


def test_subscriber_hears_only_its_topics(tmp_path):
    with Bus() as bus:
        publisher = bus.publisher(f"ipc://{tmp_path}/p")
        subscriber = bus.subscriber(f"ipc://{tmp_path}/p", "report")
        message = None
        for _ in range(100):
            publisher.send("command", Command("ping"))
            publisher.send("report", Report("a", 1, "alive"))
            message = subscriber.receive(20)
            if message is not None:
                break
    assert message is not None
    assert message.payload == Report("a", 1, "alive")


def test_endpoint_names_the_port_the_system_chose():
    with Bus() as bus:
        publisher = bus.publisher("tcp://127.0.0.1:*")
        assert int(publisher.endpoint.rsplit(":", 1)[1]) > 0


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([b"frame"], "parts"),
        ([], "parts"),
        ([b"nonsense", b"x"], "unknown topic"),
        ([b"frame", b"\xc1"], "malformed"),
        ([b"frame", msgspec.msgpack.encode({"v": 1})], "malformed"),
        ([b"\xff\xfe", b""], "unknown topic"),
    ],
)
def test_what_is_no_message_is_refused(parts, reason):
    with pytest.raises(WireError, match=reason):
        decode(parts)


def test_another_version_is_refused():
    topic, header = encode("command", Command("ping"))
    data = msgspec.msgpack.decode(header)
    data["v"] = 99
    with pytest.raises(WireError, match="version 99"):
        decode([topic, msgspec.msgpack.encode(data)])


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=4))
def test_arbitrary_bytes_never_get_through(parts):
    for topic in (b"poses", b"frame", b"frame_record"):
        with pytest.raises(WireError):
            decode([topic, *parts])


def test_malformed_messages_are_counted_and_skipped(tmp_path):
    with Bus() as bus:
        receiver = bus.receiver(f"ipc://{tmp_path}/q", 10)
        context = zmq.Context()
        raw = context.socket(zmq.PUSH)
        raw.connect(f"ipc://{tmp_path}/q")
        raw.send_multipart([b"frame", b"rubbish"])
        while not receiver.malformed:
            assert receiver.receive(1000) is None
        raw.close()
        context.term()
    assert receiver.malformed == 1


def test_what_is_refused_is_named(tmp_path):
    ready = FrameReady("cam1", 0, "posestage-1-cam1", 0, 1)
    good = encode("frame", ready)
    other = msgspec.msgpack.decode(good[1])
    wrong_type = encode("frame", msgspec.structs.replace(ready, slot="first"))
    sent = {
        "truncated": [b"frame"],
        "unknown_topic": [b"x" * 1000, good[1]],
        "other_version": [b"frame", msgspec.msgpack.encode({**other, "v": 2})],
        "malformed": wrong_type,
        "oversized": [b"frame", good[1] + bytes(LIMITS["frame"].header)],
    }
    with Bus() as bus:
        receiver = bus.receiver(f"ipc://{tmp_path}/q", 10)
        context = zmq.Context()
        raw = context.socket(zmq.PUSH)
        raw.connect(f"ipc://{tmp_path}/q")
        for parts in [*sent.values(), [*good, b"raw bytes that this topic has not"], good]:
            raw.send_multipart(parts)
        messages = []
        while not messages:
            messages = receiver.receive_all(1000)
        raw.close()
        context.term()
    assert [message.payload for message in messages] == [ready]
    assert receiver.refused.summary() == {**dict.fromkeys(sent, 1), "oversized": 2}


def test_what_cannot_be_taken_is_not_taken(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.wire.bus.LARGEST_FRAME", 1 << 20)
    record = FrameRecord("cam1", 0, "", [PacketInfo(0, 0, True)])
    with Bus() as bus:
        receiver = bus.receiver(f"ipc://{tmp_path}/q", 10)
        sender = bus.sender(f"ipc://{tmp_path}/q", 10)
        sender.send("frame_record", record, [bytes((1 << 20) + 1)])
        sender.send("frame_record", record, [bytes(10)])
        message = None
        while message is None:  # the connection was closed over the first, and is made again
            sender.send("frame_record", record, [bytes(10)])
            message = receiver.receive(100)
    assert len(message.frames[0]) == 10


@pytest.mark.parametrize(
    "details",
    [
        b"\x91" * 5000 + b"\x01",  # thousands of levels
        b"\xdd\xff\xff\xff\xff",  # four thousand million items
        b"\xdf\xff\xff\xff\xff",
        b"\x93\xdc\x00\x20" * 40,  # each believable by itself, all of them together are not
        b"\xa2\xff\xfe",  # text that is none
    ],
)
def test_dictionaries_of_any_content_are_bounded(details):
    topic, header = encode("command", Command("ping", {"HERE": 1}))
    mark = msgspec.msgpack.encode({"HERE": 1})
    assert header.count(mark) == 1
    with pytest.raises(WireError, match="malformed"):
        decode([topic, header.replace(mark, b"\x81\xa1x" + details)])


def test_poses_survive_the_wire_exactly():
    frame = pose_frame()
    payload, arrays = pack_poses(frame, latency_ns=5)
    again = unpack_poses(decode([*encode("poses", payload, t_capture_ns=frame.time_ns), *arrays]))
    assert again.time_ns == frame.time_ns
    assert again.cameras == frame.cameras
    assert again.skeleton is frame.skeleton
    assert again.stage_ms == frame.stage_ms
    for name in ("joints", "scores", "covariance", "keypoints", "used", "smoothed", "swapped", "person"):
        np.testing.assert_array_equal(getattr(again, name), getattr(frame, name))


def test_arrays_that_do_not_fit_their_header_are_refused():
    payload, arrays = pack_poses(pose_frame(), latency_ns=5)
    short = [*arrays[:2], arrays[2][:-8], *arrays[3:]]
    with pytest.raises(WireError, match="announces"):
        unpack_poses(decode([*encode("poses", payload), *short]))
    with pytest.raises(WireError, match="does not hold"):
        unpack_poses(decode([*encode("poses", payload), *arrays[:-1]]))
    info = payload.arrays[2]
    huge = msgspec.structs.replace(info, shape=[1 << 40, 1 << 40])
    big = msgspec.structs.replace(payload, arrays=[*payload.arrays[:2], huge, *payload.arrays[3:]])
    with pytest.raises(WireError, match="side of 1099511627776"):
        unpack_poses(decode([*encode("poses", big), *arrays]))
    whole = msgspec.structs.replace(payload.arrays[3], dtype="<i8")
    other = msgspec.structs.replace(payload, arrays=[*payload.arrays[:3], whole, *payload.arrays[4:]])
    with pytest.raises(WireError, match="scores is int64"):
        unpack_poses(decode([*encode("poses", other), *arrays]))
    with pytest.raises(WireError, match="unknown skeleton"):
        unpack_poses(decode([*encode("poses", msgspec.structs.replace(payload, skeleton="worm")), *arrays]))
    objects = msgspec.structs.replace(info, dtype="|O")
    evil = msgspec.structs.replace(payload, arrays=[*payload.arrays[:2], objects, *payload.arrays[3:]])
    with pytest.raises(WireError, match="has type"):
        unpack_poses(decode([*encode("poses", evil), *arrays]))
    fewer = pack_poses(pose_frame(views=2), 5)
    mixed = msgspec.structs.replace(payload, cameras=["only", "two"])
    with pytest.raises(WireError, match="do not fit"):
        unpack_poses(decode([*encode("poses", mixed), *arrays]))
    assert len(fewer[0].cameras) == 2
