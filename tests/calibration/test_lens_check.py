"""Supplied lenses are doubted where views contradict them, after a test that costs next to nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.lens_check import doubt_lenses, suspect_lenses
from calibration.posed_views import pose_views
from tests.calibration.failure_corpus import BOARD, Film, careful_session, known_lenses
from tests.calibration.failure_corpus import arc_of_cameras as arc


@pytest.fixture(scope="module")
def filmed():
    rng = np.random.default_rng(51)
    rig = arc(2, rng)
    seen = Film(fps=6.0).shoot(rig, BOARD, careful_session(rig, rng, keys=18, room_keys=2), rng)
    return seen, known_lenses(rig)


def zoomed(camera, factor):
    K = np.array(camera.K)
    K[:2, :2] *= factor
    return replace(camera, K=K)


def test_right_lenses_are_not_suspected(filmed):
    seen, lenses = filmed
    assert suspect_lenses(pose_views(seen, lenses), list(lenses)) == []


@pytest.mark.parametrize("factor", [0.8, 0.95, 1.05, 1.2])
def test_another_zoom_is_suspected_and_then_doubted(filmed, factor):
    seen, lenses = filmed
    wrong = {**lenses, "cam2": zoomed(lenses["cam2"], factor)}
    suspects = suspect_lenses(pose_views(seen, wrong), list(wrong))
    assert suspects == ["cam2"]
    (doubt,) = doubt_lenses(seen, wrong, suspects)
    assert doubt.ratio == pytest.approx(
        1 / factor, rel=4 * doubt.own.deviations["fx"] / doubt.own.camera.K[0, 0]
    )


def test_another_distortion_is_suspected(filmed):
    seen, lenses = filmed
    bent = np.array(lenses["cam1"].distortion)
    bent[0] += 0.15
    wrong = {**lenses, "cam1": replace(lenses["cam1"], distortion=bent)}
    assert suspect_lenses(pose_views(seen, wrong), list(wrong)) == ["cam1"]


def test_a_fitting_lens_is_not_doubted_even_when_asked(filmed):
    seen, lenses = filmed
    assert doubt_lenses(seen, lenses, ["cam1"]) == []
