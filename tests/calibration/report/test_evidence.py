"""What the report derives from a calibration, against truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.board import Board
from calibration.calibrator import Calibration
from calibration.camera import Camera
from calibration.extrinsics import solve_extrinsics
from calibration.intrinsics import calibrate_intrinsics
from calibration.report.board_figure import board_shape
from calibration.report.evidence import Evidence, SeenView, gather, rms
from calibration.report.lenses import lens_parameters
from calibration.report.world import board_outlines, placement
from calibration.rig import Rig
from calibration.rotation import rotation_from_vector
from calibration.simulated_views import simulate_views

BOARD = Board("charuco", 7, 5, 60.0, 45.0, "DICT_4X4_50")


@pytest.fixture(scope="module")
def rig_calibration() -> Calibration:
    recording = simulate_views(1, 3, seconds=6.0)
    lenses = {camera.name: camera for camera in recording.rig.cameras}
    extrinsics = solve_extrinsics(recording.observations, lenses)
    return Calibration(extrinsics.rig, recording.observations.board, {}, extrinsics, None, (), {})


@pytest.fixture(scope="module")
def lens_calibration() -> Calibration:
    observations = simulate_views(2, 2, seconds=6.0).observations
    result = calibrate_intrinsics(observations, "cam1")
    return Calibration(Rig((result.camera,)), observations.board, {"cam1": result}, None, None, (), {})


def test_errors_of_a_rig_are_those_of_the_solve(rig_calibration: Calibration) -> None:
    evidence = gather(rig_calibration)
    extrinsics = rig_calibration.extrinsics
    assert extrinsics is not None
    assert rms(evidence.all_residuals()) == pytest.approx(extrinsics.rms_px)
    for name, value in extrinsics.camera_rms_px.items():
        assert rms(evidence.residuals(name)) == pytest.approx(value)


def test_poses_of_a_lens_are_found_again(lens_calibration: Calibration) -> None:
    result = lens_calibration.intrinsics["cam1"]
    evidence = gather(lens_calibration)
    # Both are minima of the same sum of squares, found to a relative fall of 1e-6.
    assert rms(evidence.all_residuals()) == pytest.approx(result.rms_px, rel=1e-4)
    assert [view.rms_px for view in evidence.views["cam1"]] == pytest.approx(
        list(result.view_rms_px), rel=1e-3
    )
    for view in evidence.views["cam1"]:
        camera = replace(result.camera, R=view.R, t=view.t)
        predicted = camera.project(lens_calibration.board.corners[view.ids])
        np.testing.assert_allclose((view.pixels - predicted)[view.good], view.residuals[view.good], atol=1e-6)


def test_a_bent_board_is_measured() -> None:
    """A bowl 4 mm deep, seen from many sides by exact pictures."""
    K = np.array([[900.0, 0, 640], [0, 900.0, 360], [0, 0, 1]])
    camera = Camera("a", (1280, 720), "pinhole", K, np.array([-0.2, 0.05, 0, 0, 0.0]), np.eye(3), np.zeros(3))
    corners = BOARD.corners
    middle = corners.mean(axis=0)
    bowl = np.zeros_like(corners)
    bowl[:, 2] = (
        4.0 * (((corners - middle) / np.abs(corners - middle).max(axis=0).clip(1)) ** 2).sum(axis=1) / 2
    )
    bowl[:, 0] = 0.3
    rng = np.random.default_rng(0)
    views = []
    for frame in range(40):
        R = rotation_from_vector(rng.uniform(-0.7, 0.7, 3))
        t = np.array([0.0, 0.0, 900.0]) + rng.uniform(-100, 100, 3) - R @ middle
        seen = replace(camera, R=R, t=t)
        ids = np.arange(len(corners))
        pixels = seen.project(corners + bowl)
        views.append(
            SeenView(
                "a", frame, frame, ids, pixels, pixels - seen.project(corners), np.ones(len(ids), bool), R, t
            )
        )
    shape = board_shape(BOARD, [camera], Evidence({"a": tuple(views)}))
    assert (shape.count == 40).all()
    # One linear step; what it misses is of second order: 4 mm times 4 mm / 900 mm = 0.02 mm.
    np.testing.assert_allclose(shape.offset_mm, bowl, atol=0.04)


def test_a_flat_board_is_flat(rig_calibration: Calibration) -> None:
    shape = board_shape(rig_calibration.board, rig_calibration.rig.cameras, gather(rig_calibration))
    assert shape.bend_mm < 0.1  # noise of 0.5 px is 1.3 mm here, over hundreds of views each less than 0.1


def test_a_moved_world_is_recognised(rig_calibration: Calibration) -> None:
    extrinsics = rig_calibration.extrinsics
    assert extrinsics is not None
    before = board_outlines(rig_calibration.board, extrinsics.rig, extrinsics)
    assert not placement(extrinsics.rig, extrinsics).placed
    R, t = rotation_from_vector(np.array([0.4, -1.0, 2.0])), np.array([100.0, -2000.0, 30.0])
    moved = extrinsics.rig.moved(R, t)
    found = placement(moved, extrinsics)
    assert found.placed
    np.testing.assert_allclose(found.R, R, atol=1e-9)
    np.testing.assert_allclose(found.t, t, atol=1e-6)
    assert found.scale == pytest.approx(1.0)
    after = board_outlines(rig_calibration.board, moved, extrinsics)
    np.testing.assert_allclose(after, before @ R.T + t, atol=1e-6)
    # A long interval along one axis turns with the world.
    np.testing.assert_allclose(found.intervals(np.diag([4.0, 0.0, 0.0])) ** 2, 4.0 * R[:, 0] ** 2, atol=1e-9)


def test_lens_parameters_say_where_they_come_from(
    rig_calibration: Calibration, lens_calibration: Calibration
) -> None:
    supplied = lens_parameters(rig_calibration, "cam2")
    assert supplied.source == "supplied"
    assert not supplied.half_widths
    assert np.isnan(supplied.focal_percent)
    estimated = lens_parameters(lens_calibration, "cam1")
    result = lens_calibration.intrinsics["cam1"]
    assert estimated.source == "estimated"
    assert estimated.values == pytest.approx(result.parameters)
    assert estimated.half_widths["fx"] == pytest.approx(1.96 * result.deviations["fx"], rel=1e-4)
