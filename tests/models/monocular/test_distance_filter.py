"""A person who walks to and fro, seen with errors of single pictures."""

from __future__ import annotations

import numpy as np
import pytest

from models.monocular.distance_filter import DistanceConfig, DistanceFilter

FPS = 30
NOISE = DistanceConfig().noise


def walk(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True and measured distances, mm: 1 m to and fro in 4 s, at most 1.2 m/s^2."""
    t = np.arange(6 * FPS) / FPS
    true = 4000.0 + 500.0 * np.sin(2 * np.pi * t / 4.0)
    noise = np.random.default_rng(seed).normal(0.0, DistanceConfig().noise, len(t))
    return true, true * (1.0 + noise)


def test_the_error_falls_and_is_known() -> None:
    raw, filtered, off = [], [], []
    for seed in range(20):
        true, measured = walk(seed)
        follow = DistanceFilter(DistanceConfig())
        for k in range(len(true)):
            value, deviation = follow(k * 1_000_000_000 // FPS, float(measured[k]))
            if k >= FPS:
                raw.append(measured[k] - true[k])
                filtered.append(value - true[k])
                off.append((value - true[k]) / deviation)
    # In the steady state some 8 pictures count: the noise alone would fall to 0.4, following adds to it.
    assert np.std(filtered) < 0.6 * np.std(raw)
    # 20 x 5 s of errors that last for 0.3 s are some 300 independent ones: their deviation is known to 4 %.
    # This walk accelerates as hard as people are said to all the time, and in one direction for 2 s.
    assert 0.7 < np.std(off) < 1.4


def test_it_starts_from_what_is_known_better() -> None:
    follow = DistanceFilter(DistanceConfig())
    follow.start(0, 4000.0, 1000.0, 5.0)
    value, deviation = follow(100_000_000, 4300.0)
    assert value == pytest.approx(4100.0, abs=60.0)
    assert deviation < 60.0


def test_a_pause_and_another_person_begin_anew() -> None:
    follow = DistanceFilter(DistanceConfig(restart_after_s=0.5))
    follow(0, 4000.0)
    assert follow.is_fresh(400_000_000)
    assert not follow.is_fresh(600_000_000)
    assert follow(600_000_000, 3000.0) == pytest.approx((3000.0, 3000.0 * NOISE))
    assert follow(633_000_000, 6000.0) == pytest.approx((6000.0, 6000.0 * NOISE))
    follow.reset()
    assert not follow.is_fresh(633_000_000)
