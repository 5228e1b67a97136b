from dataclasses import dataclass

import numpy as np
import pytest

from pipeline.frames.synchronizer import Synchronizer, SynchronizerConfig

MS = 1_000_000


@dataclass(frozen=True)
class Item:
    t_capture_ns: int
    camera: str


def film(rate_hz: float, seconds: float, camera: str, *, phase_ms: float = 0.0, jitter_ms=0.0, seed=0):
    dice = np.random.default_rng(seed)
    times = phase_ms + np.arange(int(rate_hz * seconds)) * 1000 / rate_hz
    times = times + np.clip(dice.normal(0, jitter_ms, len(times)), -3 * jitter_ms, 3 * jitter_ms)
    return [Item(round(time * MS), camera) for time in times]


def run_live(streams, rates, *, delay_ms=5.0, config=None):
    """Feed frames at the moment they would arrive, polling every ms."""
    sync = Synchronizer(list(streams), rates, config)
    arrivals = sorted(
        ((item.t_capture_ns + round(delay_ms * MS), item) for items in streams.values() for item in items),
        key=lambda arrival: arrival[0],
    )
    sets, waiting = [], []
    now, end = 0, arrivals[-1][0] + 2000 * MS
    position = 0
    while now < end:
        while position < len(arrivals) and arrivals[position][0] <= now:
            item = arrivals[position][1]
            sync.push(item.camera, item, now)
            position += 1
        for found in sync.pop(now):
            sets.append(found)
            waiting.append((now - found.time_ns) / MS)
        now += MS
    return sync, sets, waiting


def complete(found) -> int:
    return sum(item is not None for item in found.items)


@pytest.mark.parametrize("phases", [(0, 0, 0, 0), (0, 5, 11, 16), (0, 8, -8, 3)])
def test_equal_rates_give_one_complete_set_per_period(phases):
    streams = {f"c{k}": film(30, 4, f"c{k}", phase_ms=50 + p, seed=k) for k, p in enumerate(phases)}
    sync, sets, _ = run_live(streams, [30] * 4)
    assert len(sets) >= 119
    assert all(complete(found) == 4 for found in sets[1:-1])
    for found in sets:
        spread = [item.t_capture_ns for item in found.items if item is not None]
        assert max(spread) - min(spread) <= (max(phases) - min(phases)) * MS + 1000
    assert sync.drops.summary().get("late", 0) == 0


def test_waits_no_longer_than_the_latest_camera():
    streams = {f"c{k}": film(30, 3, f"c{k}", phase_ms=p) for k, p in enumerate((10, 12, 14, 16))}
    _, _, waiting = run_live(streams, [30] * 4, delay_ms=5)
    # The time is the median; the last frame comes 4 ms after it, plus 5 ms of delivery and 1 ms of poll.
    assert np.percentile(waiting, 95) <= 10


def test_lost_frames_are_gaps_and_the_rest_goes_on():
    streams = {f"c{k}": film(30, 4, f"c{k}", phase_ms=k) for k in range(4)}
    lost = streams["c2"][30:33]
    del streams["c2"][30:33]
    _, sets, _ = run_live(streams, [30] * 4)
    gaps = [found for found in sets[1:-1] if complete(found) == 3]
    assert len(gaps) == 3
    for gap, item in zip(gaps, lost, strict=True):
        assert gap.items[2] is None
        assert abs(gap.time_ns - item.t_capture_ns) < 3 * MS


def test_a_camera_that_leaves_is_not_waited_for_and_may_return():
    streams = {f"c{k}": film(30, 6, f"c{k}") for k in range(3)}
    streams["c1"] = [i for i in streams["c1"] if i.t_capture_ns < 1500 * MS or i.t_capture_ns > 4000 * MS]
    _, sets, waiting = run_live(streams, [30] * 3)
    during = [w for found, w in zip(sets, waiting, strict=True) if 2200 * MS < found.time_ns < 3900 * MS]
    assert len(during) == pytest.approx(51, abs=2)
    assert max(during) < 12, "a camera known to be gone costs no waiting"
    after = [found for found in sets if 4200 * MS < found.time_ns < 5900 * MS]
    assert all(complete(found) == 3 for found in after)


def test_unequal_rates_follow_the_slowest_camera():
    streams = {"slow": film(30, 4, "slow", phase_ms=3), "fast": film(60, 4, "fast")}
    sync, sets, _ = run_live(streams, [30, 60])
    assert len(sets) == pytest.approx(120, abs=2)
    assert sum(complete(found) == 2 for found in sets) >= 118
    spread = [abs(f.items[0].t_capture_ns - f.items[1].t_capture_ns) for f in sets if complete(f) == 2]
    assert max(spread) <= 1000 / 60 / 2 * MS + 1, "the nearest of the fast camera's frames was taken"
    assert sync.drops.summary()["surplus"] == pytest.approx(120, abs=4)


def test_wrong_nominal_rate_is_corrected_by_the_measured_one():
    streams = {f"c{k}": film(15, 8, f"c{k}", phase_ms=2 * k) for k in range(3)}
    _, sets, _ = run_live(streams, [30] * 3)
    late = [found for found in sets if found.time_ns > 4000 * MS]
    assert sum(complete(found) == 3 for found in late) >= 0.95 * len(late)
    assert len(late) == pytest.approx(60, abs=3)


def test_jitter_does_not_break_sets():
    streams = {f"c{k}": film(30, 10, f"c{k}", phase_ms=20, jitter_ms=3, seed=k) for k in range(4)}
    _, sets, _ = run_live(streams, [30] * 4)
    assert sum(complete(found) == 4 for found in sets) >= 297


def test_a_late_frame_is_discarded_and_counted():
    sync = Synchronizer(["a", "b"], [30, 30], SynchronizerConfig(max_wait_ms=20))
    for k in range(5):
        sync.push("a", Item(k * 33 * MS, "a"), k * 33 * MS)
        sync.push("b", Item(k * 33 * MS, "b"), k * 33 * MS)
    assert len(sync.pop(4 * 33 * MS)) == 5
    sync.push("a", Item(165 * MS, "a"), 165 * MS)
    assert [complete(found) for found in sync.pop(200 * MS)] == [1]
    late = Item(165 * MS, "b")
    sync.push("b", late, 210 * MS)
    sync.push("b", Item(100 * MS, "b"), 211 * MS)
    assert sync.drops.summary() == {"late": 1, "out_of_order": 1}
    assert late in sync.take_discarded()
    assert sync.take_discarded() == []


def test_every_item_is_in_a_set_or_discarded_or_pending():
    streams = {f"c{k}": film(30, 5, f"c{k}", phase_ms=9 * k, jitter_ms=6, seed=k) for k in range(4)}
    dice = np.random.default_rng(5)
    streams = {name: [item for item in items if dice.random() > 0.1] for name, items in streams.items()}
    sync, sets, _ = run_live(streams, [30] * 4)
    used = [item for found in sets for item in found.items if item is not None]
    discarded = sync.take_discarded()
    total = sum(len(items) for items in streams.values())
    assert len(used) == len(set(map(id, used)))
    assert len(used) + len(discarded) + sync.pending == total
    times = [found.time_ns for found in sets]
    assert times == sorted(times)


def test_files_are_waited_for_without_a_clock():
    streams = {f"c{k}": film(60, 2, f"c{k}") for k in range(4)}
    del streams["c3"][100:]
    sync = Synchronizer(list(streams), [60] * 4, live=False)
    sets = []
    for name, items in streams.items():  # one file after the other: the worst order
        for item in items:
            sync.push(name, item, 0)
        sync.end_of_stream(name)
        sets += sync.pop(0)
    assert len(sets) == 120
    assert [complete(found) for found in sets] == [4] * 100 + [3] * 20
    assert sync.drops.summary() == {}


def test_known_lags_group_what_was_filmed_together():
    # cam b stamps its pictures 100 ms late: the scene in them is 100 ms older than they say.
    streams = {"a": film(30, 3, "a", phase_ms=200), "b": film(30, 3, "b", phase_ms=300)}
    sync = Synchronizer(["a", "b"], [30, 30], SynchronizerConfig(max_wait_ms=300), lags_ms=[0, 100])
    for name, items in streams.items():
        for item in items:
            sync.push(name, item, 0)
        sync.end_of_stream(name)
    sets = sync.pop(10_000 * MS)
    assert len(sets) == 90
    for found in sets:
        a, b = found.items
        assert b.t_capture_ns - a.t_capture_ns == pytest.approx(100 * MS, abs=1000)
    assert sync.skew_ms["b"].summary()["max"] == pytest.approx(0, abs=0.01)


def test_jitter_is_told_by_camera():
    """Of times with a deviation of 2 ms each, the median distance from the middle of the neighbours is
    0.6745 * sqrt(1.5) * 2 = 1.65 ms; over 600 frames it is known to within 6 %, thrice that is allowed."""

    @dataclass(frozen=True)
    class Shot:
        t_capture_ns: int

    dice = np.random.default_rng(5)
    synchronizer = Synchronizer(("even", "uneven"), (30.0, 30.0))
    for k in range(600):
        even = 10**9 + k * 33_333_333
        synchronizer.push("even", Shot(even), even)
        if k % 20:  # a lost frame is no jitter
            uneven = even + round(dice.normal(0, 2e6))
            synchronizer.push("uneven", Shot(uneven), uneven)
        synchronizer.pop(even)
    assert synchronizer.jitter_ms["even"].summary()["max"] == 0.0
    uneven = synchronizer.jitter_ms["uneven"].summary()
    assert uneven["p50"] == pytest.approx(1.65, rel=0.18)
    assert uneven["max"] < 12.0
