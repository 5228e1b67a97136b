"""Board views survive the wire, and nothing malformed gets through."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from calibration.board_detector import Detection
from calibration.observations import BoardView
from pipeline.calibrating.board_messages import Looked, pack_looked, unpack_looked
from pipeline.wire.bus import Message, WireError, decode, encode

VIEW = BoardView(
    "left",
    7,
    123_456_789_012,
    np.array([0, 3, 9]),
    np.array([[1.5, 2.25], [3, 4], [5, 6]]),
    True,
    False,
    0.41,
)
LOOKED = [
    Looked("left", 7, 123_456_789_012, Detection(VIEW, "", True)),
    Looked("right", 8, 123_456_789_013, Detection(None, "no marker of the board", False)),
    Looked("top", 9, 123_456_789_014, Detection(None, "another board", True)),
]


def over_the_wire(payload, frames) -> Message:
    return decode([*encode("board_seen", payload, t_capture_ns=5), *frames])


def test_views_and_reasons_come_back_as_they_were():
    left, right, top = unpack_looked(over_the_wire(*pack_looked(LOOKED, 3.5)))
    view = left.detection.view
    assert view is not None
    assert (view.camera, view.frame, view.time_ns) == ("left", 7, 123_456_789_012)
    assert (view.mirrored, view.inverted, view.sharpness) == (True, False, 0.41)
    np.testing.assert_array_equal(view.ids, VIEW.ids)
    np.testing.assert_array_equal(view.pixels, VIEW.pixels)
    assert right.detection == LOOKED[1].detection
    assert top.detection == LOOKED[2].detection
    assert (top.frame, top.time_ns) == (9, 123_456_789_014)


def test_nothing_seen_is_a_message_too():
    assert unpack_looked(over_the_wire(*pack_looked([], 0.1))) == []


def changed(**values):
    payload, frames = pack_looked(LOOKED, 1.0)
    views = [msgspec.structs.replace(payload.views[0], **values), *payload.views[1:]]
    return msgspec.structs.replace(payload, views=views), frames


@pytest.mark.parametrize(
    ("payload", "frames"),
    [
        changed(corners=4),
        changed(corners=-1),
        (pack_looked(LOOKED, 1.0)[0], pack_looked(LOOKED, 1.0)[1][:1]),
        (pack_looked(LOOKED, 1.0)[0], [b"", b""]),
        (pack_looked(LOOKED, 1.0)[0], [np.array([3, 0, 9]).tobytes(), pack_looked(LOOKED, 1.0)[1][1]]),
    ],
    ids=["too many corners", "negative", "an array is missing", "empty arrays", "ids do not rise"],
)
def test_what_does_not_fit_is_refused(payload, frames):
    with pytest.raises(WireError):
        unpack_looked(over_the_wire(payload, frames))
