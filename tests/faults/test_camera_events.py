"""A webcam is unplugged and strangers write to the session, while four webcams are recorded."""

import pytest

from tests.faults.camera_events import VICTIM, run

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


def test_an_unplugged_webcam_returns_and_strangers_cost_nothing(tmp_path):
    series = [("unplugged and plugged in again", 0.5), ("messages of another version", 0.3)]
    found = run(tmp_path / "run", [*series, ("no messages at all: random bytes", 0.3)])
    assert found.intact, found.problems
    # A busy machine may read a picture of a webcam too late, which the webcam counts.
    assert set(found.lost_by_others) <= {"lost_by_camera"}
    unplugged = found.events[0]
    assert unplugged.lost["camera_away"] >= 10  # half a second at 30 a second, less what was on its way
    assert all(event.back_s is not None for event in found.events)
    told = "\n".join(found.told)
    assert f'disconnect: camera "{VICTIM}"' in told
    assert f'reconnect: camera "{VICTIM}"' in told
    assert "of version 99" in told
    assert "unknown topic" in told
    assert told.isprintable() or set(filter(lambda letter: not letter.isprintable(), told)) == {"\n"}
