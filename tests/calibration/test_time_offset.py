"""Large time offsets, from speeds alone."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.time_offset import coarse_lags

FPS = 20.0


def swung(times):
    """Positions (N, 3) mm of a board that is swung in ever other ways, and its unit poses (N, 3, 3)."""
    phase = np.cumsum(np.interp(times, [0, 5, 9, 14, 20, 30], [1, 4, 1.5, 6, 2, 5])) / FPS
    t = 300 * np.column_stack([np.sin(phase), np.cos(1.7 * phase), np.sin(0.6 * phase)])
    return np.broadcast_to(np.eye(3), (len(times), 3, 3)), t


def filmed(lags, seconds=20.0, gap=()):
    camera, time, R, t = [], [], [], []
    for c, lag in enumerate(lags):
        stamps = np.arange(0.0, seconds, 1 / FPS)
        poses = swung(np.arange(0.0, 30.0, 1 / FPS))
        seen = np.stack(
            [np.interp(stamps - lag + 5.0, np.arange(0, 30, 1 / FPS), one) for one in poses[1].T], 1
        )
        keep = ~((stamps > gap[0]) & (stamps < gap[1])) if gap else np.ones(len(stamps), bool)
        camera.append(np.full(keep.sum(), c))
        time.append(stamps[keep])
        t.append(seen[keep])
        R.append(poses[0][: keep.sum()])
    return tuple(np.concatenate(one) for one in (camera, time, R, t))


@pytest.mark.parametrize("gap", [(), (6.0, 9.0)])
@pytest.mark.parametrize("reference", [0, 2])
def test_lags_of_seconds_are_found(reference, gap):
    truth = np.array([0.0, 1.3, -0.8, 2.4])
    lags = coarse_lags(*filmed(truth, gap=gap), 4, reference)
    # Speeds are those between pictures, so a picture is as good as it gets.
    np.testing.assert_allclose(lags, truth - truth[reference], atol=1 / FPS)


def test_a_board_that_does_not_move_tells_nothing():
    camera, time, R, t = filmed([0.0, 1.0])
    assert coarse_lags(camera, time, R, np.zeros_like(t), 2, 0) is None


def test_pictures_that_never_overlap_tell_nothing():
    camera, time, R, t = filmed([0.0, 0.0], seconds=6.0)
    assert coarse_lags(camera, np.where(camera == 1, time + 20.0, time), R, t, 2, 0) is None


def test_a_camera_with_two_views_has_no_speed():
    camera, time, R, t = filmed([0.0, 1.0])
    few = (camera == 0) | (np.cumsum(camera == 1) <= 2)
    assert coarse_lags(camera[few], time[few], R[few], t[few], 2, 0) is None
