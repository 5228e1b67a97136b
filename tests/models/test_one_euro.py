import numpy as np
import pytest
from scipy.stats import special_ortho_group as rotations

from models.one_euro import PEOPLE, OneEuroConfig, OneEuroFilter

SECOND = 1_000_000_000
FRAME = SECOND // 60
ONE = np.zeros(1, np.int64)


def run(path, times, **settings):
    """Filter one person's (T, J, 3) mm."""
    one_euro = OneEuroFilter(OneEuroConfig(**settings))
    return np.array(
        [one_euro(joints[None], ONE, int(time))[0] for joints, time in zip(path, times, strict=True)]
    )


def times(count, step=FRAME):
    return SECOND + step * np.arange(count)


def reference(values, times, config):
    """One coordinate, straight from the paper (there: speed per axis; with one moving axis it is the
    same)."""

    def alpha(cutoff, dt):
        tau = 1.0 / (2.0 * np.pi * cutoff)
        return 1.0 / (1.0 + tau / dt)

    x, dx, out = values[0], 0.0, [values[0]]
    for at in range(1, len(values)):
        dt = (times[at] - times[at - 1]) * 1e-9
        a = alpha(config.speed_cutoff_hz, dt)
        # As in the listing of the paper: against the filtered value.
        dx = a * (values[at] - x) / dt + (1.0 - a) * dx
        a = alpha(config.min_cutoff_hz + config.cutoff_hz_per_m_s * abs(dx) / 1000.0, dt)
        x = a * values[at] + (1.0 - a) * x
        out.append(x)
    return np.array(out)


def test_is_the_published_filter_also_at_irregular_times():
    rng = np.random.default_rng(0)
    at = SECOND + np.cumsum(rng.integers(5_000_000, 40_000_000, 200))
    values = 300.0 * np.sin(at * 4e-9) + rng.normal(0.0, 5.0, 200)
    path = np.zeros((200, 1, 3))
    path[:, 0, 1] = values
    np.testing.assert_allclose(run(path, at)[:, 0, 1], reference(values, at, OneEuroConfig()), atol=1e-9)


def test_a_joint_at_rest_becomes_steady():
    rng = np.random.default_rng(1)
    path = np.array([100.0, 200.0, 300.0]) + rng.normal(0.0, 3.0, (600, 5, 3))
    smooth = run(path, times(600))
    raw_steps = np.diff(path[100:], axis=0).std()
    # A first-order low-pass with gain g leaves white noise steps of g sqrt(2 / (2 - g)) sigma, raw sqrt(2)
    # sigma. At 60 Hz, g = 0.14 for the 1.5 Hz at rest; the apparent speed of the noise itself raises the
    # cutoff to some 2 Hz.
    assert np.diff(smooth[100:], axis=0).std() < 0.2 * raw_steps
    assert np.abs(smooth[100:].mean(axis=0) - [100.0, 200.0, 300.0]).max() < 1.0


def test_fast_motion_lags_less_than_a_fixed_low_pass():
    path = np.zeros((120, 1, 3))
    path[:, 0, 0] = 2000.0 / 60.0 * np.arange(120)  # 2 m/s
    adaptive, fixed = run(path, times(120)), run(path, times(120), cutoff_hz_per_m_s=0.0)

    def lag_ms(smooth):
        return (path - smooth)[-1, 0, 0] / 2.0

    # Behind a ramp of step s, a low-pass of gain g stays (1 - g) / g steps; the filter sees the step s / g
    # from its own last value as speed, so the gain solves g = 1 / (1 + 1 / (2 pi dt (1.5 + 7 * 2 / g))).
    gain = 0.5
    for _ in range(50):
        gain = 1.0 / (1.0 + 60.0 / (2.0 * np.pi * (1.5 + 14.0 / gain)))
    # After 2 s the 1 Hz low-pass on the speed is within exp(-12) of its limit.
    assert lag_ms(adaptive) == pytest.approx((1.0 / gain - 1.0) * 1000.0 / 60.0, rel=1e-3)
    assert lag_ms(fixed) > 5.0 * lag_ms(adaptive)


def test_turning_the_world_turns_the_result():
    rng = np.random.default_rng(2)
    path = np.cumsum(rng.normal(0.0, 10.0, (80, 3, 3)), axis=0)
    turn = rotations.rvs(3, random_state=3)
    np.testing.assert_allclose(run(path @ turn.T, times(80)), run(path, times(80)) @ turn.T, atol=1e-9)


def test_missing_stays_missing_and_the_rest_goes_on():
    rng = np.random.default_rng(4)
    path = np.cumsum(rng.normal(0.0, 5.0, (60, 2, 3)), axis=0)
    holes = path.copy()
    holes[20:30, 0] = np.nan
    holes[40, 0, 2] = np.nan
    smooth = run(holes, times(60))
    assert np.isnan(smooth[20:30, 0]).all()
    assert np.isnan(smooth[40, 0]).all()
    assert np.isfinite(np.delete(smooth, [*range(20, 30), 40], axis=0)).all()
    np.testing.assert_array_equal(smooth[:, 1], run(path, times(60))[:, 1])


def test_a_short_gap_continues_a_long_one_starts_afresh():
    for gap_frames, restarts in ((12, False), (40, True)):  # 0.2 s, 0.67 s; the limit is 0.5 s
        path = np.zeros((60 + gap_frames + 1, 1, 3))
        path[60:-1] = np.nan
        path[-1] = 50.0
        last = run(path, times(len(path)))[-1, 0]
        assert (last == 50.0).all() == restarts


def test_people_have_their_own_state_whatever_their_order():
    rng = np.random.default_rng(5)
    paths = np.cumsum(rng.normal(0.0, 8.0, (30, 2, 4, 3)), axis=0)
    one_euro, both = OneEuroFilter(OneEuroConfig()), []
    for frame, time in enumerate(times(30)):
        order = np.array([0, 1]) if frame % 2 else np.array([1, 0])
        result = one_euro(paths[frame][order], 10 + order, int(time))
        both.append(result[np.argsort(order)])
    for person in range(2):
        np.testing.assert_array_equal(np.array(both)[:, person], run(paths[:, person], times(30)))


def test_forgets_on_request_and_bounds_its_memory():
    one_euro = OneEuroFilter(OneEuroConfig())
    first, second = np.zeros((1, 2, 3)), np.full((1, 2, 3), 90.0)
    one_euro(first, ONE, SECOND)
    assert (one_euro(second, ONE, SECOND + FRAME) < 90.0).all()
    one_euro.reset()
    np.testing.assert_array_equal(one_euro(second, ONE, SECOND), second)
    for person in range(3 * PEOPLE):
        one_euro(first, np.array([person + 1]), SECOND)
    assert len(one_euro._people) == PEOPLE


def test_raw_joints_are_not_changed_and_nobody_is_fine():
    one_euro = OneEuroFilter(OneEuroConfig())
    raw = np.random.default_rng(6).normal(size=(1, 3, 3))
    copy = raw.copy()
    one_euro(raw, ONE, SECOND)
    one_euro(raw + 1.0, ONE, SECOND + FRAME)
    np.testing.assert_array_equal(raw, copy)
    assert one_euro(np.zeros((0, 3, 3)), np.zeros(0, np.int64), SECOND + 2 * FRAME).shape == (0, 3, 3)


def test_time_must_increase():
    one_euro = OneEuroFilter(OneEuroConfig())
    one_euro(np.zeros((1, 1, 3)), ONE, SECOND)
    with pytest.raises(ValueError, match="does not follow"):
        one_euro(np.zeros((1, 1, 3)), ONE, SECOND)
