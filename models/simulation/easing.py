"""Smooth transitions in time."""

from __future__ import annotations


def smooth_step(x: float) -> float:
    """From 0 at x <= 0 to 1 at x >= 1 with continuous velocity and acceleration (quintic)."""
    x = min(max(x, 0.0), 1.0)
    return x * x * x * (10.0 + x * (6.0 * x - 15.0))


def envelope(t: float, start: float, end: float, ramp: float) -> float:
    """0 before ``start`` and after ``end``, 1 between, with smooth ramps of ``ramp`` seconds inside."""
    return smooth_step((t - start) / ramp) * smooth_step((end - t) / ramp)


def cruise(x: float, ramp: float) -> float:
    """Distance covered at time x of [0, 1]: speeds up over ``ramp``, goes evenly, slows down over ``ramp``.

    ``ramp`` is a fraction of the whole time, at most 0.5; the total distance is 1.
    """
    x = min(max(x, 0.0), 1.0)
    if x > 0.5:
        return 1.0 - cruise(1.0 - x, ramp)
    speed = 1.0 / (1.0 - ramp)
    if x >= ramp:
        return speed * (x - ramp / 2)
    u = x / ramp
    return speed * ramp * u * u * u * (1.0 - u / 2)
