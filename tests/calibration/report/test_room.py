"""Uncertainty of places where the rig measures, against the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.calibrator import Calibration
from calibration.diagnosis import Diagnosis
from calibration.extrinsics import solve_extrinsics
from calibration.report.evidence import gather
from calibration.report.room import room_uncertainty
from calibration.report.verdicts import judge
from calibration.simulated_views import SimulatedRecording, simulate_views
from pipeline.calibrating.config import LiveConfig
from pipeline.calibrating.figures import compare_with_truth
from pipeline.calibrating.solve_process import SolveAnswer
from pipeline.calibrating.trial import trial_figures

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def solved() -> list[tuple[SimulatedRecording, Calibration]]:
    found = []
    for seed in SEEDS:
        recording = simulate_views(seed, 4, seconds=6.0)
        lenses = {camera.name: camera for camera in recording.rig.cameras}
        extrinsics = solve_extrinsics(recording.observations, lenses)
        board = recording.observations.board
        found.append((recording, Calibration(extrinsics.rig, board, {}, extrinsics, None, (), {})))
    return found


def test_places_are_as_sure_as_they_are_said_to_be(solved):
    shares = []
    for recording, calibration in solved:
        room = room_uncertainty(calibration.extrinsics, calibration.board)
        truth = compare_with_truth(calibration.rig, recording.rig)["cameras"]
        off = np.array([truth[name]["position_mm"] for name in calibration.rig.names])
        shares += (off / room.place_95_mm).tolist()
        assert 0 < room.point_mm < room.place_95_mm.max(), "points lie between the cameras"
    # 12 places. The interval is for the worst axis, the distance over three: at most sqrt(3) times it in 95
    # of 100 cases, and twice that hardly ever; and an interval ten times too wide would say nothing.
    assert max(shares) < 2 * np.sqrt(3)
    assert np.median(shares) > 0.1


def test_the_reference_camera_does_not_carry_its_own_doubt_to_all_others(solved):
    for _, calibration in solved:
        extrinsics = calibration.extrinsics
        room = room_uncertainty(extrinsics, calibration.board)
        relative = [float(np.max(extrinsics.uncertainty[name].position_mm)) for name in extrinsics.rig.names]
        assert room.place_95_mm.max() < max(relative)


def test_cameras_that_share_no_room_are_not_known(solved):
    _, calibration = solved[0]
    extrinsics = calibration.extrinsics
    alone = tuple(view for view in extrinsics.views if view.camera == extrinsics.reference)
    apart = replace(extrinsics, views=alone)
    assert not room_uncertainty(apart, calibration.board).known
    verdicts = judge(replace(calibration, extrinsics=apart), gather(calibration))
    (one,) = [verdict for verdict in verdicts if verdict.title == "Places of the cameras"]
    assert (one.colour, one.value) == ("amber", "not known")


def test_a_live_session_waits_until_warnings_are_mended(solved):
    _, calibration = solved[0]
    thin = Diagnosis(
        "thin_coverage", "warning", "cam1 saw little: move the board into the corners", ("cam1",)
    )
    lag = Diagnosis("lag", "note", "cam2 is late", ("cam2",))
    answer = SolveAnswer(replace(calibration, diagnoses=(thin, lag)))
    lenses = frozenset(calibration.rig.names)
    loose = LiveConfig(point_percent=50, place_percent=50, turn_deg=50, lag_ms=500)
    assert trial_figures(answer, loose, known_lenses=lenses).missing == (thin.sentence,)
    easier = loose.model_copy(update={"no_warnings": False})
    assert trial_figures(answer, easier, known_lenses=lenses).missing == ()
