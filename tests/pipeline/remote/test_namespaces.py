"""The same across two network namespaces, where TCP meets delay, loss and a pulled cable."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest

from tests.pipeline.remote.trial import far_camera
from tests.support.impaired_wire import Impairment, why_no_namespaces

PATIENCE_S = 60.0
WHY_NOT = why_no_namespaces()


@pytest.mark.slow
@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
def test_a_pulled_cable_between_two_machines() -> None:
    """Encrypted, 10 ms and 1 % loss each way, clocks two days apart; the cable is pulled and put back."""
    with far_camera(Impairment(delay_ms=10, loss=0.01), drift_ppm=37.0) as far:
        driver = far.driver
        driver.start(time.monotonic_ns())
        frames, kinds = [], []
        deadline = time.monotonic() + PATIENCE_S

        def film_until(time_ns: int, note: str = "") -> None:
            """Until a picture of later than that has come, or a note."""
            while True:
                assert time.monotonic() < deadline
                frame = driver.read(0.05)
                kinds.extend(one.kind for one in driver.notes())
                if frame is not None:
                    frames.append(frame)
                if note in kinds or (not note and frames and frames[-1].t_capture_ns > time_ns):
                    return

        film_until(time.monotonic_ns() + 1_000_000_000)
        far.wire.plug(False)
        film_until(0, "disconnect")
        far.wire.plug(True)
        film_until(time.monotonic_ns())
        assert kinds == ["disconnect", "reconnect"]
        assert [frame.index for frame in frames] == list(range(len(frames)))
        # The buffer holds ten seconds, so the line lost none; a busy machine may be late to film one.
        assert set(Counter(frame.cause for frame in frames)) <= {"", "lost_by_camera"}
        assert np.diff([frame.t_capture_ns for frame in frames]).min() > 0
        estimate = driver._link.clock if driver._link is not None else None
        assert estimate is not None
        assert estimate.round_trip_ns > 20_000_000
        now = time.monotonic_ns()
        assert abs(estimate.to_host(far.clock.stamp(now)) - now) < estimate.bound_ns
        driver.close()
        books = far.end()
    assert books["captured"] == books["delivered"] + books["waiting"] + sum(books["dropped"].values())
    assert books["delivered"] >= sum(not frame.cause for frame in frames)
