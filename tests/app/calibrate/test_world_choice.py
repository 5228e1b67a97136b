"""Trying out where the world is."""

from dataclasses import replace

import numpy as np
import pytest

from app.calibrate import world_choice
from calibration.world_axes import world_from_board
from tests.support.board_recording import board_studio


def test_a_board_on_the_floor_is_the_first_choice_and_lays_the_world_where_it_lay(outcome):
    choice = world_choice.first_choice(outcome)
    assert choice.way == "floor"
    assert outcome.floors[choice.floor].lying
    rig = world_choice.place(outcome, choice)
    truth = board_studio().rig
    heights = [camera.position[2] for camera in rig.cameras]
    # Corners with 0.1 px of noise at 3 m, averaged over the rest: the engine's own tests have 12 mm.
    np.testing.assert_allclose(heights, [camera.position[2] for camera in truth.cameras], atol=25)
    assert world_choice.doubts(rig, choice) == ""
    assert "as it lay from" in world_choice.words(outcome, rig, choice)


def test_it_is_the_world_that_the_engine_takes(outcome):
    choice = world_choice.first_choice(outcome)
    expected = world_from_board(outcome.reference, outcome.floors[choice.floor].board)
    for one, other in zip(world_choice.place(outcome, choice).cameras, expected.cameras, strict=True):
        np.testing.assert_allclose(one.R, other.R, atol=1e-12)
        np.testing.assert_allclose(one.t, other.t, atol=1e-9)


@pytest.mark.parametrize("way", ["floor", "moment", "camera"])
def test_four_quarters_are_a_whole_turn_about_the_origin(outcome, way):
    choice = replace(world_choice.first_choice(outcome), way=way)
    start = np.array([camera.position for camera in world_choice.place(outcome, choice).cameras])
    once = np.array([camera.position for camera in world_choice.place(outcome, choice.turned()).cameras])
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(once, start @ quarter.T, atol=1e-6)
    for _ in range(4):
        choice = choice.turned()
    again = np.array([camera.position for camera in world_choice.place(outcome, choice).cameras])
    np.testing.assert_allclose(again, start, atol=1e-9)


def test_shifting_and_turning_over(outcome):
    choice = world_choice.first_choice(outcome)
    start = np.array([camera.position for camera in world_choice.place(outcome, choice).cameras])
    shifted = world_choice.place(outcome, replace(choice, shift_mm=(100.0, -50.0, 8.0)))
    np.testing.assert_allclose([c.position - (100.0, -50.0, 8.0) for c in shifted.cameras], start, atol=1e-9)
    over = replace(choice, flipped=True)
    rig = world_choice.place(outcome, over)
    np.testing.assert_allclose([c.position[2] for c in rig.cameras], -start[:, 2], atol=1e-9)
    assert world_choice.doubts(rig, over) == "All cameras are below the floor: turn the world over."


def test_below_a_camera_with_its_height(outcome):
    choice = replace(world_choice.first_choice(outcome), way="camera", camera="cam2", height_mm=1700.0)
    rig = world_choice.place(outcome, choice)
    np.testing.assert_allclose(rig.camera("cam2").position, [0.0, 0.0, 1700.0], atol=1e-6)
    assert "below cam2" in world_choice.words(outcome, rig, choice)


def test_a_board_that_was_held_makes_a_doubtful_floor(outcome):
    choice = world_choice.first_choice(outcome)
    doubts = {
        world_choice.doubts(world_choice.place(outcome, held), held)
        for held in (replace(choice, way="moment", moment=k) for k in range(0, len(outcome.times_s), 20))
    }
    assert any("Did the board lie on the floor then?" in doubt for doubt in doubts)


def test_what_came_with_the_outcome_stays_with_the_rig(outcome):
    rig = world_choice.place(outcome, replace(world_choice.first_choice(outcome), quarters=1))
    assert rig.quality == outcome.rig.quality
    assert rig.board == outcome.rig.board
    assert rig.names == outcome.rig.names


def test_without_a_rest_the_reference_camera_gives_the_world(outcome):
    none = replace(outcome, floors=(), floor=None)
    assert world_choice.ways(none) == ("moment", "camera")
    assert world_choice.first_choice(none).way == "camera"
    assert world_choice.ways(outcome) == ("floor", "moment", "camera")
