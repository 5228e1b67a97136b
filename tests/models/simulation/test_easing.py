import numpy as np
import pytest

from models.simulation.easing import cruise, envelope, smooth_step


def test_smooth_step_goes_from_zero_to_one_without_corners():
    x = np.linspace(-0.5, 1.5, 2001)
    y = np.array([smooth_step(value) for value in x])
    assert y[0] == 0.0
    assert y[-1] == 1.0
    assert (np.diff(y) >= 0).all()
    # |y''| of the quintic is at most 10/sqrt(3) = 5.77; a corner would give some 1 / dx = 1000
    assert np.abs(np.diff(y, 2) / 1e-6).max() < 5.8


@pytest.mark.parametrize("ramp", [0.1, 0.3, 0.5])
def test_cruise_covers_the_whole_way_at_even_speed_between_its_ramps(ramp):
    x = np.linspace(0, 1, 1001)
    y = np.array([cruise(value, ramp) for value in x])
    assert y[0] == 0.0
    assert y[-1] == pytest.approx(1.0)
    assert np.allclose(y + y[::-1], 1.0)
    speed = np.diff(y) / np.diff(x)
    even = (x[:-1] > ramp) & (x[1:] < 1 - ramp)
    assert np.allclose(speed[even], 1 / (1 - ramp))
    assert speed.max() <= 1 / (1 - ramp) + 1e-9


def test_envelope_is_closed_at_both_ends_and_open_between():
    assert envelope(1.0, 1.0, 5.0, 0.5) == 0.0
    assert envelope(3.0, 1.0, 5.0, 0.5) == 1.0
    assert envelope(5.0, 1.0, 5.0, 0.5) == 0.0
