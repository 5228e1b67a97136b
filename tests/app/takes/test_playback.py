"""Which instant is shown when, with a clock that goes on when told to."""

from __future__ import annotations

import numpy as np
import pytest

from app.takes.playback import SPEEDS, Playback

COUNT = 30
TIMES = 0.02 + np.arange(COUNT) / 30 + np.random.default_rng(0).uniform(-0.004, 0.004, COUNT)
"""Capture times jitter by much less than the 33 ms between them."""


class Clock:
    """Time that goes on when told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def playback(clock: Clock, qapp) -> Playback:
    playback = Playback(clock)
    playback._timer.setInterval(10_000_000)  # the test says when time is looked at
    playback.begin(TIMES)
    return playback


def go_on(playback: Playback, clock: Clock, seconds: float) -> int:
    clock.now_s += seconds
    playback.tick()
    return playback.instant


def test_play_follows_capture_time(playback: Playback, clock: Clock):
    states: list[bool] = []
    playback.playing_changed.connect(states.append)
    playback.toggle()
    assert playback.playing
    for step in (0.010, 0.150, 0.333, 0.001):
        instant = go_on(playback, clock, step)
        now_s = TIMES[0] + clock.now_s - 100.0
        assert TIMES[instant] <= now_s < TIMES[instant + 1]
    assert go_on(playback, clock, 5.0) == COUNT - 1
    assert not playback.playing, "it pauses at the end"
    playback.toggle()
    assert playback.instant == 0, "and starts over"
    playback.toggle()
    assert states == [True, False, True, False]


@pytest.mark.parametrize("speed", SPEEDS)
def test_speed(playback: Playback, clock: Clock, speed: float):
    playback.set_speed(speed)
    playback.play()
    instant = go_on(playback, clock, 0.4)
    expected = TIMES[0] + 0.4 * speed
    assert TIMES[instant] <= expected < TIMES[instant + 1]


def test_speed_changes_while_playing_without_a_jump(playback: Playback, clock: Clock):
    told: list[float] = []
    playback.speed_changed.connect(told.append)
    playback.play()
    before = go_on(playback, clock, 0.3)
    playback.faster(-2)
    assert playback.speed == 0.25
    assert go_on(playback, clock, 0.0) == before
    playback.faster(-9)
    playback.faster(-1)
    assert playback.speed == SPEEDS[0]
    playback.faster(9)
    assert playback.speed == SPEEDS[-1]
    assert told == [0.25, 0.1, 2.0]


def test_a_range_is_repeated(playback: Playback, clock: Clock):
    playback.set_loop((20, 10))
    assert playback.loop == (10, 20)
    playback.play()
    assert playback.instant == 10
    span_s = float(TIMES[20] - TIMES[10])
    assert go_on(playback, clock, span_s * 0.99) == 19
    assert go_on(playback, clock, span_s * 0.02) == 10
    assert playback.playing
    assert 10 <= go_on(playback, clock, span_s * 0.5) <= 16
    playback.toggle_loop()
    assert playback.loop is None
    playback.toggle_loop()
    assert playback.loop == (0, COUNT - 1)


def test_loop_ends_are_set_where_we_are(playback: Playback):
    playback.seek(8)
    playback.loop_from_here()
    assert playback.loop == (8, COUNT - 1)
    playback.seek(15)
    playback.loop_to_here()
    assert playback.loop == (8, 15)
    playback.seek(5)
    playback.loop_to_here()
    assert playback.loop == (0, 5)
    playback.set_loop((4, 4))
    assert playback.loop is None


def test_steps_jumps_and_ends(playback: Playback):
    playback.play()
    playback.step(1)
    assert not playback.playing
    assert playback.instant == 1
    playback.step(-5)
    assert playback.instant == 0
    playback.jump(0.5)
    assert TIMES[playback.instant] == pytest.approx(0.5, abs=0.02)
    playback.jump(-99.0)
    assert playback.instant == 0
    playback.go_end()
    assert playback.instant == COUNT - 1
    playback.jump(0.001)
    assert playback.instant == COUNT - 1
    playback.jump(-0.001)
    assert playback.instant == COUNT - 2, "a jump always moves"
    playback.go_home()
    assert playback.instant == 0
    playback.seek_time(TIMES[12] + 0.01)
    assert playback.instant == 12


def test_times_find_their_nearest_instants(playback: Playback):
    for wanted in np.linspace(-1.0, 2.0, 61):
        assert playback.instant_at(wanted) == np.argmin(np.abs(TIMES - wanted))


def test_every_seek_is_told_also_of_the_same_instant(playback: Playback):
    told: list[int] = []
    playback.moved.connect(told.append)
    playback.seek(3)
    playback.seek(3)
    playback.seek(COUNT + 5)
    assert told == [3, 3, COUNT - 1]


def test_other_instants_begin_anew_at_the_same_speed(playback: Playback):
    playback.set_speed(0.5)
    playback.set_loop((3, 9))
    playback.play()
    playback.begin(TIMES[:4])
    assert (playback.instant, playback.loop, playback.playing) == (0, None, False)
    assert (playback.count, playback.speed) == (4, 0.5)
    assert playback.span == (TIMES[0], TIMES[3])


def test_without_instants_nothing_moves(playback: Playback):
    playback.begin(np.zeros(0))
    told: list[int] = []
    playback.moved.connect(told.append)
    playback.play()
    playback.step(1)
    playback.toggle_loop()
    playback.seek_time(1.0)
    assert told == [] and not playback.playing and playback.loop is None
    assert (playback.seconds, playback.span) == (0.0, (0.0, 0.0))
