"""When a camera was moved, from single views."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.contradictions import MOVE_GAIN
from calibration.move_time import likely_move
from calibration.posed_views import pose_views
from calibration.rotation import rotation_from_vector
from tests.calibration.failure_corpus import BOARD, Film, known_lenses, room_session
from tests.calibration.failure_corpus import arc_of_cameras as arc

MOVED_S = 9.0


def filmed(**flaws):
    rng = np.random.default_rng(50)
    rig = arc(3, rng)
    seen = Film(**flaws).shoot(rig, BOARD, room_session(rig, rng, keys=24), rng)
    return pose_views(seen, known_lenses(rig)), seen


def turned(camera, time_s):
    """cam2 turns by two degrees after nine seconds."""
    if camera.name != "cam2" or time_s < MOVED_S:
        return camera
    turn = rotation_from_vector(np.array([0.0, np.radians(2.0), 0.0]))
    return replace(camera, R=turn @ camera.R, t=turn @ camera.t)


def test_the_time_of_a_turn_is_found():
    views, _ = filmed(camera_at=turned)
    move = likely_move(views)
    assert move.gain > MOVE_GAIN
    # Times are tried in steps of an eighteenth of the views, then of a seventh of two of those.
    step_s = np.ptp(views.data.time) / 17 * 2 / 7
    assert 1e-9 * (move.time_ns - views.data.origin_ns) == pytest.approx(
        MOVED_S - 1e-9 * views.data.origin_ns, abs=2 * step_s
    )


@pytest.mark.parametrize("flaws", [{}, {"lags_ms": {"cam3": 100.0}}, {"jitter_ms": 15.0}])
def test_late_pictures_are_no_move(flaws):
    views, _ = filmed(**flaws)
    assert likely_move(views).gain < MOVE_GAIN


def test_a_handful_of_views_tells_nothing():
    views, _ = filmed(stop_s=0.4)
    assert likely_move(views) is None
