"""A remote camera through a network that misbehaves: what arrives, what is counted, how times are mapped."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg

from pipeline.drivers.base import CameraError, CameraNote, CameraSettings, EndOfStream
from pipeline.frames.frame import Frame
from pipeline.remote.camera_server import Room
from pipeline.remote.capture import RemoteCapture
from pipeline.remote.driver import RemoteConfig, RemoteDriver
from tests.support.impaired_wire import Proxy, proxy
from tests.support.remote_camera import ServedCamera, WrongClock
from tests.support.videos import write_video

PATIENCE_S = 60.0
MS = 1_000_000


class Film:
    """Reads a driver and keeps what came."""

    def __init__(self, driver: RemoteDriver) -> None:
        self.driver = driver
        self.frames: list[Frame] = []
        self.notes: list[CameraNote] = []

    def until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < deadline, (len(self.frames), self.causes, self.kinds)
            self.step()

    def step(self) -> None:
        frame = self.driver.read(0.02)
        self.notes += self.driver.notes()
        if frame is not None:
            self.frames.append(frame)

    def more(self, count: int) -> None:
        """That many pictures more."""
        goal = self.pictures + count
        self.until(lambda: self.pictures >= goal)

    def newer_than(self, time_ns: int) -> None:
        """Until a picture comes that was captured after that."""
        self.until(lambda: bool(self.frames) and not self.last.cause and self.last.t_capture_ns > time_ns)

    @property
    def last(self) -> Frame:
        return self.frames[-1]

    @property
    def pictures(self) -> int:
        return sum(not frame.cause for frame in self.frames)

    @property
    def causes(self) -> Counter[str]:
        return Counter(frame.cause for frame in self.frames if frame.cause)

    @property
    def kinds(self) -> list[str]:
        return [note.kind for note in self.notes]

    def check_order(self) -> None:
        assert [frame.index for frame in self.frames] == list(range(len(self.frames)))
        times = [frame.t_capture_ns for frame in self.frames]
        assert all(late > early for early, late in itertools.pairwise(times))


Serve = Callable[..., ServedCamera]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Makes cameras that end with the test, however it ends."""
    made: list[ServedCamera] = []

    def new(*driver: dict[str, Any], **settings: Any) -> ServedCamera:
        made.append(ServedCamera(*driver, **settings))
        return made[-1]

    yield new
    for served in made:
        served.close()


def open_driver(address: str, **settings: object) -> RemoteDriver:
    driver = RemoteDriver(
        RemoteConfig(address=address, timeout_s=30, **settings),  # type: ignore[arg-type]
        CameraSettings("left", None, None, 0),
    )
    driver.open()
    return driver


def port_of(served: ServedCamera) -> int:
    return int(served.address.rsplit(":", 1)[1])


def filming(line: Proxy) -> Film:
    film = Film(open_driver(f"tcp://127.0.0.1:{line.port}"))
    film.driver.start(time.monotonic_ns())
    return film


def test_a_short_cut_loses_nothing(serve: Serve) -> None:
    served = serve(fps=30)
    with proxy(port_of(served), delay_ms=5) as line:
        film = filming(line)
        film.more(10)
        line.cut = True
        film.until(lambda: "disconnect" in film.kinds)
        line.cut = False
        back_ns = time.monotonic_ns()
        film.newer_than(back_ns)
        assert film.kinds == ["disconnect", "reconnect"]
        film.check_order()
        # A simulated camera on a busy machine may be late for a frame; the line lost none.
        assert set(film.causes) <= {"lost_by_camera"}
        film.driver.close()
    served.close()
    totals = served.server.totals()
    assert totals.captured == totals.delivered + sum(totals.dropped.values())
    assert totals.delivered >= film.pictures
    assert set(totals.dropped) <= {"lost_by_camera", "not_fetched"}


def test_a_long_cut_is_in_the_books_of_both_sides(serve: Serve) -> None:
    served = serve(fps=60, room=Room(seconds=0.5))
    with proxy(port_of(served)) as line:
        film = filming(line)
        film.more(5)
        line.cut = True
        film.until(lambda: served.server.totals().dropped.get("network_cut", 0) >= 20)
        line.cut = False
        film.newer_than(time.monotonic_ns())
        film.check_order()
        sender = served.server.totals().dropped
        assert film.causes["network_cut"] == sender["network_cut"]
        assert set(film.causes) <= {"network_cut", "network_behind", "lost_by_camera"}
        gone = [frame for frame in film.frames if frame.cause == "network_cut"]
        assert all(frame.image is None and not frame.packets for frame in gone)
        # Their times are those of the camera: one frame after the other, at its rate.
        steps = {round((b.t_capture_ns - a.t_capture_ns) / MS) for a, b in itertools.pairwise(gone)}
        assert all(step % round(1000 / 60) in {0, 1} or step > 17 for step in steps)
        film.driver.close()
    served.close()
    totals = served.server.totals()
    assert totals.captured == totals.delivered + sum(totals.dropped.values())
    assert totals.captured >= len(film.frames)


def test_a_line_that_is_too_slow_drops_the_oldest_and_says_why(serve: Serve) -> None:
    # 60 JPEGs a second of some kilobytes into 40 KB a second.
    served = serve(fps=60, room=Room(seconds=0.5))
    with proxy(port_of(served), bytes_per_s=40_000) as line:
        film = filming(line)
        film.until(lambda: film.causes["network_behind"] >= 5)
        film.check_order()
        assert film.pictures
        film.driver.close()
    served.close()
    totals = served.server.totals()
    assert totals.captured == totals.delivered + sum(totals.dropped.values())
    assert totals.dropped["network_behind"] >= 5


def test_a_recording_that_ends_while_the_line_is_cut_counts_what_was_filmed(serve: Serve) -> None:
    served = serve(fps=30)
    with proxy(port_of(served)) as line:
        film = filming(line)
        film.more(5)
        line.cut = True
        film.until(lambda: "disconnect" in film.kinds)
        last_ns = film.last.t_capture_ns
        until_ns = time.monotonic_ns()
        missing = film.driver.missing(until_ns)
        assert Counter(frame.cause for frame in missing) == {"network_cut": len(missing)}
        assert len(missing) == int((until_ns - last_ns) * 30 / 1e9)
        film.frames += missing
        line.cut = False
        film.newer_than(until_ns)
        film.check_order()  # and what came late was not counted twice
        assert film.driver.missing(time.monotonic_ns()) == []
        steps = [b.t_capture_ns - a.t_capture_ns for a, b in itertools.pairwise(film.frames)]
        assert min(steps) > 0.4e9 / 30
        film.driver.close()
    served.close()


@pytest.mark.parametrize(("offset_s", "drift_ppm"), [(0.0, 0.0), (86_400.0, 80.0)])
def test_times_of_a_wrong_clock_are_mapped(serve: Serve, offset_s: float, drift_ppm: float) -> None:
    clock = WrongClock(round(offset_s * 1e9), drift_ppm)
    served = serve(fps=60, clock=clock)
    film = Film(open_driver(served.address))
    origin_ns = time.monotonic_ns() + 50 * MS
    film.driver.start(origin_ns)
    film.more(20)
    link = film.driver._link
    assert link is not None
    estimate = link.clock
    assert estimate is not None
    # The studio's shutter opens at whole periods after the origin: that is the truth of every capture time.
    # The origin itself went there through the estimate, and its error comes back with every frame.
    for frame in film.frames:
        period = (frame.t_capture_ns - origin_ns) * 60 / 1e9
        assert abs(period - round(period)) * 1e9 / 60 < 2 * estimate.bound_ns + 10_000
    now = time.monotonic_ns()
    assert abs(estimate.to_host(clock.stamp(now)) - now) < estimate.bound_ns
    note = film.driver.clock()
    assert note is not None
    assert note.kind == "clock"
    assert note.details["offset_ms"] == pytest.approx(offset_s * 1e3, abs=100)
    assert note.details["sender_captured"] >= 0
    assert film.driver.telemetry()["clock"]["bound_us"] > 0
    film.driver.close()
    served.close()


def test_a_clock_that_jumps_is_noted_and_followed(serve: Serve) -> None:
    clock = WrongClock(10**12, 0.0)
    served = serve(fps=30, clock=clock)
    film = Film(open_driver(served.address))
    film.driver.start(time.monotonic_ns())
    film.more(5)
    clock.offset_ns += 700 * MS
    film.until(lambda: "clock_step" in film.kinds)
    film.more(5)
    (note,) = (note for note in film.notes if note.kind == "clock_step")
    link = film.driver._link
    assert link is not None
    estimate = link.clock
    assert estimate is not None
    now = time.monotonic_ns()
    assert abs(estimate.to_host(clock.stamp(now)) - now) < estimate.bound_ns
    # The surest of three exchanges brackets it to half of its round trip; 100 ms are much, even here.
    assert note.details["jump_ms"] == pytest.approx(700, abs=50)
    film.check_order()
    film.driver.close()
    served.close()


def test_a_grabber_that_is_started_again_goes_on(serve: Serve) -> None:
    served = serve(fps=30, clock=WrongClock(10**12, 0.0))
    film = Film(open_driver(served.address))
    film.driver.start(time.monotonic_ns())
    film.more(5)
    served.close()
    again = serve(fps=30, address=served.address, clock=WrongClock(5 * 10**15, 0.0))
    back_ns = time.monotonic_ns()
    film.newer_than(back_ns)
    assert "remote_restart" in film.kinds
    film.check_order()
    # What happened in between is known by the camera's rate.
    span_s = (film.last.t_capture_ns - film.frames[0].t_capture_ns) / 1e9
    assert film.causes["remote_restarted"] > 0
    assert len(film.frames) - 1 == pytest.approx(span_s * 30, abs=2)
    film.driver.close()
    again.close()


def test_damaged_pictures_are_counted_and_the_rest_goes_on(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = RemoteCapture._jpeg

    def damage(capture: RemoteCapture, frame: Frame) -> bytes | None:
        data = whole(capture, frame)
        assert data is not None
        other_size = simplejpeg.encode_jpeg(np.zeros((8, 8, 3), np.uint8))
        return {3: b"no picture", 5: data[:20], 7: other_size}.get(frame.index, data)

    monkeypatch.setattr(RemoteCapture, "_jpeg", damage)
    served = serve(fps=30)
    film = Film(open_driver(served.address))
    film.driver.start(time.monotonic_ns())
    film.until(lambda: len(film.frames) > 12)
    film.driver.close()
    served.close()
    film.check_order()
    # A busy machine may film a frame too late; the index then tells, but the sender's numbers go on.
    assert film.causes["damaged_picture"] == 3 - sum(
        film.frames[place].cause == "lost_by_camera" for place in (3, 5, 7)
    )


def test_one_camera_is_one_hosts(serve: Serve) -> None:
    served = serve(fps=30)
    first = Film(open_driver(served.address))
    first.driver.start(time.monotonic_ns())
    first.more(3)
    with pytest.raises(CameraError, match="another host has this camera"):
        open_driver(served.address)
    first.more(3)
    first.driver.close()
    second = Film(open_driver(served.address))
    second.driver.start(time.monotonic_ns())
    second.more(3)
    assert second.frames[0].index == 0
    second.driver.close()
    served.close()
    assert served.server.telemetry()["hosts"] == 2


def test_a_source_that_ends_ends_here_too(serve: Serve, tmp_path: Path) -> None:
    video = write_video(tmp_path / "cam.mp4", frames=12, fps=30)
    served = serve({"type": "video_file", "path": str(video)}, fps=30)
    film = Film(open_driver(served.address))
    film.driver.start(time.monotonic_ns())
    with pytest.raises(EndOfStream):
        film.until(lambda: False)
    assert len(film.frames) == 12
    film.check_order()
    film.driver.close()
    served.close()
    assert served.server.totals().captured == 12


def test_a_camera_that_cannot_be_opened_there_says_so_here(serve: Serve, tmp_path: Path) -> None:
    served = serve({"type": "video_file", "path": str(tmp_path / "absent.mp4")})
    driver = RemoteDriver(
        RemoteConfig(address=served.address, timeout_s=3), CameraSettings("left", None, None, 0)
    )
    with pytest.raises(CameraError, match=r"absent\.mp4"):
        driver.open()
