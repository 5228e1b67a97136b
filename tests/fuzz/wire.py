"""Messages: every topic with valid content, damaged in its header, its payload, its raw frames."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import numpy as np

from calibration.board_detector import Detection
from calibration.observations import BoardView
from pipeline.calibrating.board_messages import Looked, pack_looked, unpack_looked
from pipeline.wire.bus import Message, WireError, decode, encode
from pipeline.wire.messages import TOPICS
from pipeline.wire.pose_messages import pack_poses, unpack_poses
from tests.fuzz.guard import bounded
from tests.fuzz.mutations import damaged_bytes, damaged_tree
from tests.fuzz.targets import _pose_frames


def valid_messages() -> dict[str, list[bytes]]:
    """One good message of every topic."""
    frame = _pose_frames()[2]
    poses, pose_arrays = pack_poses(frame, 5)
    view = BoardView("cam1", 3, 99, np.arange(6), np.arange(12.0).reshape(6, 2))
    looked, board_arrays = pack_looked(
        [
            Looked("cam1", 3, 99, Detection(view, "", True)),
            Looked("cam2", 3, 98, Detection(None, "dark", False)),
        ],
        2.5,
    )
    messages: dict[str, tuple[msgspec.Struct, list[bytes]]] = {
        topic: (example(msgspec.inspect.type_info(kind)), []) for topic, kind in TOPICS.items()
    }
    messages["poses"] = (poses, pose_arrays)
    messages["board_seen"] = (looked, board_arrays)
    return {
        topic: [
            *encode(topic, payload, seq=3, t_capture_ns=1000),
            *frames,
            *[b"raw"] * (topic in {"frame_record", "lead_in"}),
        ]
        for topic, (payload, frames) in messages.items()
    }


def example(kind: Any) -> Any:
    """A value that a type allows."""
    inspect = msgspec.inspect
    match kind:
        case inspect.StructType():
            return kind.cls(**{field.name: example(field.type) for field in kind.fields})
        case inspect.LiteralType():
            return kind.values[0]
        case inspect.UnionType():
            return example(kind.types[0])
        case inspect.ListType():
            return [example(kind.item_type)] * max(1, kind.min_length or 0)
        case inspect.DictType(value_type=inspect.AnyType()):
            return {"p50": 1.5, "count": 3, "words": "é", "nothing": None}
        case inspect.DictType():
            return {"key": example(kind.value_type)}
        case inspect.IntType() | inspect.FloatType():
            return next(
                value for value in (1, kind.ge, kind.le) if value is not None and _allowed(value, kind)
            )
        case inspect.StrType():
            return "cam"
        case inspect.BytesType():
            return b"ab"
        case inspect.BoolType():
            return True
        case inspect.NoneType():
            return None
    raise NotImplementedError(f"an example of {kind}")


def _allowed(value: float, kind: Any) -> bool:
    return (kind.ge is None or value >= kind.ge) and (kind.le is None or value <= kind.le)


def damaged_message(parts: list[bytes], dice: Random) -> list[bytes]:
    """Parts removed, doubled, exchanged or changed; or values of the header, those about arrays too."""
    parts = list(parts)
    kind = dice.randrange(5)
    if kind == 0 and len(parts) > 1:
        place, other = dice.randrange(len(parts)), dice.randrange(len(parts))
        action = dice.randrange(4)
        if action == 0:
            del parts[place]
        elif action == 1:
            parts.insert(place, parts[other])
        elif action == 2:
            parts[place], parts[other] = parts[other], parts[place]
        else:
            parts += [b""] * dice.choice((1, 70, 2000))
        return parts
    if kind == 1:
        place = dice.randrange(len(parts))
        parts[place] = damaged_bytes(parts[place], dice)
        return parts
    try:
        header = msgspec.msgpack.decode(parts[1])
        parts[1] = msgspec.msgpack.encode(damaged_tree(header, dice))
    except (OverflowError, TypeError, RecursionError):  # 10**400 has no place in msgpack
        parts[1] = parts[1][: dice.randrange(len(parts[1]))]
    return parts


def consume(parts: list[bytes]) -> Message:
    """Everything a receiver does before it uses a message.

    Raises:
        WireError: The message is not what its topic promises.
    """
    message = decode(parts)
    if message.topic == "poses":
        unpack_poses(message)
    elif message.topic == "board_seen":
        unpack_looked(message)
    return message


class WireTarget:
    """One topic, in the manner of ``Prepared``: an input is the parts of a message, packed."""

    def __init__(self, topic: str) -> None:
        self.valid = valid_messages()[topic]
        consume(self.valid)

    def damaged(self, dice: Random) -> bytes:
        """Another message."""
        return msgspec.msgpack.encode(damaged_message(self.valid, dice))

    def try_bytes(self, data: bytes) -> bool:
        """False when it was refused in order."""
        parts: list[bytes] = msgspec.msgpack.decode(data, type=list[bytes])
        with bounded(memory_bytes=256 << 20):
            try:
                consume(parts)
            except WireError:
                return False
        return True


def _target(topic: str) -> Callable[[], Any]:
    return lambda: WireTarget(topic)


WIRE: dict[str, Callable[[], Any]] = {f"message_{topic}": _target(topic) for topic in TOPICS}
