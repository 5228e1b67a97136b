"""When a board lies still, and whether it then lies on the floor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.observations import BoardObservations, BoardView
from models.simulation.board_studio import BoardStudio, BoardStudioConfig
from pipeline.calibrating.floor_search import find_floor
from pipeline.calibrating.floor_watch import FloorWatch, StillStretch

STEP_NS = 200_000_000
SIZES = {"left": (640, 480), "right": (640, 480)}


def view(camera: str, moment: float, shift: float = 0.0) -> BoardView:
    ids = np.arange(12)
    pixels = np.column_stack([100.0 + 20 * (ids % 4), 100.0 + 20 * (ids // 4)]) + shift
    return BoardView(camera, int(moment), round(moment * STEP_NS), ids, pixels)


def watched(shifts, cameras=("left",)) -> FloorWatch:
    watch = FloorWatch(SIZES, still=0.0025, shortest_s=1.0)
    for moment, shift in enumerate(shifts):
        watch.watch([view(camera, moment, shift) for camera in cameras])
    return watch


def test_stillness_is_noticed_when_it_has_lasted():
    assert watched([0.0] * 5).stretches == []
    assert watched([0.0] * 9).stretches == [StillStretch(0, 8 * STEP_NS)]
    noise = np.random.default_rng(1).normal(0, 0.3, 9)
    assert len(watched(noise).stretches) == 1, "corners jitter"


def test_a_hand_that_drifts_is_not_still():
    # 1.6 px are allowed from the begin; this is 0.5 px a step, and never more than 1.5 s.
    assert watched(0.5 * np.arange(40)).stretches == []


def test_motion_ends_a_stretch_and_another_one_follows():
    watch = watched([*[0.0] * 8, 30.0, 60.0, *[90.0] * 7])
    assert watch.stretches == [StillStretch(0, 7 * STEP_NS), StillStretch(10 * STEP_NS, 16 * STEP_NS)]


def test_a_camera_that_sees_it_move_decides():
    watch = FloorWatch(SIZES, still=0.0025, shortest_s=1.0)
    for moment in range(10):
        watch.watch([view("left", moment), view("right", moment, 5.0 * moment)])
    assert watch.stretches == []


def test_far_cameras_that_see_other_corners_each_time_do_not_disturb():
    watch = FloorWatch(SIZES, still=0.0025, shortest_s=1.0)
    for moment in range(9):
        far = view("right", moment)
        ids = np.arange(5) + 5 * (moment % 2)
        watch.watch(
            [view("left", moment)] * (moment % 3 != 1) + [replace(far, ids=ids, pixels=far.pixels[ids])]
        )
    assert watch.stretches == [StillStretch(0, 8 * STEP_NS)]


def test_a_gap_ends_a_stretch():
    watch = FloorWatch(SIZES, still=0.0025, shortest_s=1.0)
    for moment in (0, 1, 2, 3, 30, 31, 32, 33):
        watch.watch([view("left", moment)])
    assert watch.stretches == []


def test_a_mark_takes_the_stillness_that_is_or_the_next():
    watch = watched([0.0] * 8)
    watch.mark()
    assert [one.marked for one in watch.stretches] == [True]
    watch = watched([0.0, 10.0, 20.0])
    watch.mark()
    for moment in range(3, 11):
        watch.watch([view("left", moment, 30.0)])
    watch.watch([view("left", 11, 60.0)])
    for moment in range(12, 20):
        watch.watch([view("left", moment, 90.0)])
    assert [one.marked for one in watch.stretches] == [True, False], "one mark, one stretch"


@pytest.fixture(scope="module")
def studio() -> BoardStudio:
    return BoardStudio(BoardStudioConfig(seed=2))


def observed(studio: BoardStudio) -> tuple[BoardObservations, StillStretch, StillStretch]:
    """A board that is held still in the air, and then lies on the floor; noise of 0.1 px."""
    lying = studio.motion.floor_s
    assert lying is not None
    held = next(
        t
        for t in np.arange(2.0, 30.0, 0.1)
        if sum(studio.visibility(c, t).all() for c in studio.rig.names) > 1
    )
    random = np.random.default_rng(3)
    views = []
    for start, scene in ((0.0, held), (10.0, lying[0] + 1.0)):
        for number in range(6):
            for name in studio.rig.names:
                ids = np.flatnonzero(studio.visibility(name, scene))
                if len(ids) < 6:
                    continue
                pixels = studio.corners(name, scene)[ids] + random.normal(0, 0.1, (len(ids), 2))
                views.append(BoardView(name, number, round((start + 0.3 * number) * 1e9), ids, pixels))
    sizes = {camera.name: camera.size for camera in studio.rig.cameras}
    stretches = [StillStretch(round(s * 1e9), round((s + 1.5) * 1e9)) for s in (0.0, 10.0)]
    return BoardObservations(studio.board, sizes, tuple(views)), stretches[0], stretches[1]


def test_the_floor_is_told_from_a_board_held_still(studio):
    observations, held, lying = observed(studio)
    for stretches in ([held, lying], [lying, held]):
        found = find_floor(studio.rig, observations, stretches)
        assert found is not None
        assert found.stretch == lying
    assert found is not None
    assert abs(found.board.R[2, 2]) > np.cos(np.radians(1.0))
    assert abs(found.board.t[2]) < 40
    assert find_floor(studio.rig, observations, [held]) is None
    assert find_floor(studio.rig, observations, []) is None


def test_what_was_said_comes_before_what_is_likely(studio):
    observations, held, lying = observed(studio)
    marked = StillStretch(held.start_ns, held.end_ns, marked=True)
    found = find_floor(studio.rig, observations, [marked, lying])
    assert found is not None
    assert found.stretch == marked
