"""A real network camera with few key frames, recorded while it is live, by recorders that are killed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.processes.rig_nodes import grabber_name
from pipeline.rigs.rig_config import RigConfig
from pipeline.session.current_take import RecordingLostError
from pipeline.session.session import Session
from pipeline.take.repair import repair_take
from pipeline.take.take import Take
from pipeline.take.verify import check_take
from pipeline.take.video_file import RecordedVideo
from tests.support.rtsp_server import RtspServer
from tests.support.videos import read_number

pytestmark = pytest.mark.timeout(120)

FPS = 30
KEY = 30
"""The only key frame; the first pictures of a connection are used up by FFmpeg to find out what they are."""
PATIENCE_S = 40.0
NUMBERS = 256
"""After so many pictures of ``numbered_picture`` they begin again."""


@pytest.fixture
def server() -> Iterator[RtspServer]:
    made = RtspServer(FPS, (160, 120), key_frames=[KEY])
    made.start()
    yield made
    made.cut()


def poll_until(session: Session, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        session.poll()


def lines(folder: Path) -> int:
    path = folder / "ledger/hall.csv"
    return len(path.read_bytes().splitlines()) - 1 if path.is_file() else 0


def kill_the_recorder(session: Session) -> None:
    process = session.pid("recorder")
    assert process is not None
    os.kill(process, signal.SIGKILL)


def check_pictures(folder: Path, server: RtspServer) -> None:
    """Every recorded frame decodes, and shows what the camera filmed then."""
    check = check_take(folder)
    assert check.intact, check.problems
    assert check.notes == ()
    take = Take.open(folder)
    ledger = take.ledger("hall")
    assert ledger.rows[0].t_capture_ns >= take.header.origin_ns
    lead_in = int((RecordedVideo(folder / "videos/hall.mkv").times_ms < 0).sum())
    assert lead_in > 20
    frames = list(take.frames("hall"))
    assert [index for index, _, _ in frames] == [row.index for row in ledger.recorded]
    for index, t_ns, image in frames:
        number = KEY + lead_in + index
        assert read_number(image) == number % NUMBERS
        # FFmpeg knows that a picture is complete when the next one begins, so never earlier than that.
        assert t_ns >= server.shown_at[number] + 1e9 / FPS - 1e3


def test_a_recording_between_key_frames_shows_every_frame_even_if_the_recorder_is_killed(
    server: RtspServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    camera = {"name": "hall", "driver": {"type": "rtsp", "url": server.url(), "reconnect_s": 0.1}}
    rig = RigConfig.model_validate({"name": "one", "cameras": [camera]})
    with Session(rig, None, None) as session:
        session.go()
        grabber = grabber_name("hall")
        poll_until(session, lambda: session.telemetry().get(grabber, {}).get("captured", 0) > 25)

        # Another recorder goes on.
        first = tmp_path / "first"
        session.record(first)
        poll_until(session, lambda: lines(first) > 15)
        kill_the_recorder(session)
        poll_until(session, lambda: lines(first) > 60 and not session.take.recorder_away)
        session.stop_recording()

        # None does, and the take is repaired.
        monkeypatch.setattr("pipeline.session.current_take._RESUME_DEADLINE_S", 0.0)
        second = tmp_path / "second"
        session.record(second)
        poll_until(session, lambda: lines(second) > 30)
        kill_the_recorder(session)
        with pytest.raises(RecordingLostError):
            poll_until(session, lambda: False)
    totals = Take.open(first).header.totals["hall"]
    assert (totals.recorded, totals.dropped) == (totals.captured, {})
    check_pictures(first, server)
    repaired = repair_take(second)
    assert repaired.changed
    # What the container had not given to the file yet: half a second at most, and one more picture.
    assert repaired.totals["hall"].recorded >= repaired.totals["hall"].captured - FPS // 2 - 1
    check_pictures(second, server)
