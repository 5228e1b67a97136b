import numpy as np
import pytest

from models.keypoints.local_path import MEDIAN_OF_TWO, local_path, trust_in_bend


def test_it_is_the_fit_that_numpy_makes():
    dice = np.random.default_rng(0)
    times = np.sort(dice.uniform(-100, 0, (3, 4)), axis=1)
    positions = dice.normal(0, 10, (3, 4, 5, 2))
    positions[1, 2, 3] = np.nan
    at = np.array([7.0, -9.0, 0.0])
    path = local_path(times, positions, at)
    for view in range(3):
        for joint in range(5):
            there = np.isfinite(positions[view, :, joint, 0])
            t, x = times[view, there], positions[view, there, joint]
            for axis in range(2):
                line, parabola = (np.polyfit(t, x[:, axis], degree) for degree in (1, 2))
                straight = path.straight[view, joint, axis]
                assert straight == pytest.approx(np.polyval(line, at[view]), rel=1e-6, abs=1e-6)
                bent = straight + path.bend[view, joint, axis]
                assert bent == pytest.approx(np.polyval(parabola, at[view]), rel=1e-6, abs=1e-6)
            residual = x - np.stack(
                [np.polyval(np.polyfit(t, x[:, axis], 2), t) for axis in range(2)], axis=1
            )
            if there.all():
                assert path.misfit_px2[view, joint] == pytest.approx((residual**2).sum(), rel=1e-6)
            else:
                assert np.isnan(path.misfit_px2[view, joint])


def test_noise_has_the_spreads_that_are_stated():
    """Both sums of squares are the variance times a chi-square number of two degrees, median 1.386."""
    positions = np.random.default_rng(1).normal(0, 3.0, (1, 4, 40_000, 2))
    path = local_path(np.array([[-99.0, -66.0, -33.0, 0.0]]), positions, np.array([10.0]))
    # The median of 40 000 such numbers has a relative deviation of 0.7 %.
    assert np.median(path.bend_px2) == pytest.approx(9 * MEDIAN_OF_TWO, rel=0.03)
    assert np.median(path.misfit_px2) == pytest.approx(9 * MEDIAN_OF_TWO, rel=0.03)


def test_few_positions():
    positions = np.full((1, 4, 3, 2), np.nan)
    positions[0, 3, :] = 5.0
    positions[0, 2, 1:] = 4.0
    positions[0, 0, 2] = 9.0
    path = local_path(np.array([[-3.0, -2.0, -1.0, 0.0]]), positions, np.array([1.0]))
    assert np.isnan(path.straight[0, 0]).all()
    np.testing.assert_allclose(path.straight[0, 1], 6.0)
    np.testing.assert_allclose(path.bend[0, :2], 0.0)
    assert np.isnan(path.bend_px2[0, :2]).all()
    assert path.bend_px2[0, 2] > 0


def test_a_bend_is_believed_in_where_most_views_show_it():
    bends = np.array([[1.0, 400.0, 900.0, np.nan], [1.2, 500.0, 1.0, np.nan], [1.5, 300.0, 1.2, np.nan]])
    trust = trust_in_bend(bends, 1.0)
    assert trust[0] < 0.2
    assert trust[1] > 0.99
    assert trust[2] == 0.0  # a gross error in one view
    assert trust[3] == 0.0  # nobody knows
