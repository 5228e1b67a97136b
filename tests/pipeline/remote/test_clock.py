from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.remote.clock import ENOUGH, Exchange, RemoteClock

PERIOD_NS = 250_000_000
START_NS = 40_000_000_000_000


def remote_clock(offset_ns: int, drift_ppm: float) -> Callable[[int], int]:
    return lambda host_ns: host_ns + offset_ns + round((host_ns - START_NS) * drift_ppm * 1e-6)


def talk(
    clock: RemoteClock,
    remote: Callable[[int], int],
    *,
    exchanges: int = 240,
    there_ms: float = 1.0,
    back_ms: float = 1.0,
    jitter_ms: float = 0.0,
    stalls: float = 0.0,
    seed: int = 0,
    begin_ns: int = START_NS,
) -> tuple[list[float], list[float], list[int], int]:
    """Errors and sigmas (ns) after each exchange, what ``add`` found, and the host time at the end."""
    dice = np.random.default_rng(seed)
    errors: list[float] = []
    sigmas: list[float] = []
    jumps: list[int] = []
    now = begin_ns
    for number in range(exchanges):
        asked = begin_ns + number * PERIOD_NS

        def way(ms: float) -> int:
            stalled = 200.0 if dice.random() < stalls else 0.0
            return round((ms + dice.exponential(jitter_ms) + stalled) * 1e6)

        received = asked + way(there_ms)
        sent = received + 20_000
        now = sent + way(back_ms)
        jumps.append(clock.add(Exchange(asked, remote(received), remote(sent), now)))
        estimate = clock.estimate
        if clock.settled and estimate is not None:
            errors.append(estimate.to_host(remote(now)) - now)
            sigmas.append(estimate.sigma_ns)
    return errors, sigmas, jumps, now


@pytest.mark.parametrize("offset_ns", [0, 7, -40_000_000_000_000, 10**17])
@pytest.mark.parametrize("drift_ppm", [0.0, 37.0, -200.0])
def test_a_quiet_line_tells_offset_and_drift(offset_ns: int, drift_ppm: float) -> None:
    clock, remote = RemoteClock(), remote_clock(offset_ns, drift_ppm)
    errors, _, jumps, now = talk(clock, remote)
    estimate = clock.estimate
    assert estimate is not None
    assert not any(jumps)
    # Within an exchange of 2 ms even 200 ppm move the clocks apart by 0.4 us; the prior of 100 ppm pulls the
    # drift by far less once there is a minute of exchanges.
    assert abs(errors[-1]) < 1000
    assert estimate.drift * 1e6 == pytest.approx(drift_ppm, abs=0.1)
    assert estimate.round_trip_ns == pytest.approx(2e6, rel=1e-3)
    assert estimate.to_host(estimate.to_remote(now + 10**9)) == pytest.approx(now + 10**9, abs=2)


@pytest.mark.parametrize(("jitter_ms", "stalls"), [(0.1, 0.0), (2.0, 0.0), (5.0, 0.0), (2.0, 0.02)])
def test_the_uncertainty_is_honest_when_messages_wait(jitter_ms: float, stalls: float) -> None:
    within: list[float] = []
    for seed in range(6):
        clock = RemoteClock()
        errors, sigmas, jumps, _ = talk(
            clock,
            remote_clock(10**15, 50.0),
            there_ms=20,
            back_ms=20,
            jitter_ms=jitter_ms,
            stalls=stalls,
            seed=seed,
        )
        assert not any(jumps), "waiting is no jump"
        within.append(float(np.mean(np.abs(errors) <= 2 * np.array(sigmas))))
        # The mean of 240 exchanges would be off by jitter / sqrt(240), and by the stalls; minimum filtering
        # must not be worse than a quarter of one message's jitter.
        assert np.sqrt(np.mean(np.square(errors[40:]))) < jitter_ms * 1e6 / 4
    # Two sigma of a normal error hold 95 %; errors here follow each other over a whole window, so that the
    # shares of single runs scatter.
    assert np.mean(within) > 0.9


@pytest.mark.parametrize(("there_ms", "back_ms"), [(30.0, 2.0), (0.5, 8.0)])
def test_unequal_ways_stay_within_the_bound(there_ms: float, back_ms: float) -> None:
    clock = RemoteClock()
    errors, _, _, _ = talk(
        clock, remote_clock(5_000_000, -20.0), there_ms=there_ms, back_ms=back_ms, jitter_ms=0.2
    )
    estimate = clock.estimate
    assert estimate is not None
    hidden = abs(there_ms - back_ms) / 2 * 1e6
    assert abs(errors[-1]) == pytest.approx(hidden, rel=0.05), "no exchange can see it"
    assert abs(errors[-1]) < estimate.bound_ns


@pytest.mark.parametrize("jump_ns", [50_000_000, -8_000_000, 3600 * 10**9])
def test_a_jump_is_noticed_and_followed(jump_ns: int) -> None:
    clock, remote = RemoteClock(), remote_clock(10**12, 30.0)
    _, _, before, now = talk(clock, remote, exchanges=60, jitter_ms=0.05)
    jumped = remote_clock(10**12 + jump_ns, 30.0)
    _, _, found, now = talk(clock, jumped, exchanges=40, jitter_ms=0.05, begin_ns=now + PERIOD_NS, seed=1)
    assert not any(before)
    # An exchange of 2 ms brackets it to 1 ms, and its middle is good to the jitter of 0.05 ms.
    assert [jump for jump in found if jump] == [pytest.approx(jump_ns, abs=500_000)]
    assert found.index(next(jump for jump in found if jump)) == 2, "three witnesses"
    assert clock.steps == 1
    assert clock.estimate is not None
    assert abs(clock.estimate.to_host(jumped(now)) - now) < 500_000


def test_what_no_clock_does_is_not_believed() -> None:
    clock, remote = RemoteClock(), remote_clock(1000, 0.0)
    talk(clock, remote, exchanges=20)
    before = clock.estimate
    now = START_NS + 30 * PERIOD_NS
    assert clock.add(Exchange(now, remote(now + 5_000_000), remote(now + 4_000_000), now + 9_000_000)) == 0
    assert clock.add(Exchange(now, remote(now), remote(now + 9_000_000), now + 1_000_000)) == 0
    assert clock.estimate is before


def test_it_is_settled_after_enough_exchanges_and_reset_forgets() -> None:
    clock, remote = RemoteClock(), remote_clock(1000, 0.0)
    assert clock.estimate is None
    talk(clock, remote, exchanges=ENOUGH - 1)
    assert not clock.settled
    talk(clock, remote, exchanges=1, begin_ns=START_NS + ENOUGH * PERIOD_NS)
    assert clock.settled
    clock.reset()
    assert clock.estimate is None
    assert not clock.settled
