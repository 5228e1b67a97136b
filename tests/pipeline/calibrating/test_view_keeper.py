"""Which views a live calibration keeps."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.board import Board
from calibration.observations import BoardObservations, BoardView
from pipeline.calibrating.config import LiveConfig
from pipeline.calibrating.view_keeper import RESUME_GAP_NS, ViewKeeper

BOARD = Board("charuco", 7, 5, 40.0, 30.0, "DICT_4X4_50")
SIZES = {"left": (640, 480), "right": (640, 480), "top": (320, 240)}
STEP_NS = 200_000_000


def view(camera: str, moment: int, at=(100.0, 100.0), ids=None, sharpness=0.4, scale=0.5) -> BoardView:
    ids = np.arange(BOARD.corner_count) if ids is None else np.asarray(ids)
    pixels = np.asarray(at) + scale * BOARD.corners[ids, :2]
    return BoardView(camera, moment, moment * STEP_NS, ids, pixels, sharpness=sharpness)


def moving(camera: str, moment: int) -> BoardView:
    return view(camera, moment, at=(20.0 + 7 * moment % 300, 50.0 + 11 * moment % 200))


def keeper(**config) -> ViewKeeper:
    return ViewKeeper(BOARD, SIZES, LiveConfig(**config))


def test_a_moving_board_is_kept_and_counted_by_pair():
    keep = keeper()
    for moment in range(6):
        assert keep.offer([moving("left", moment), moving("right", moment)])
    assert keep.offer([moving("top", 6)])
    assert keep.instants == 7
    np.testing.assert_array_equal(keep.shared, [[6, 6, 0], [6, 6, 0], [0, 0, 1]])
    assert len(keep.observations.views) == 13


def test_a_board_that_stands_still_is_kept_a_few_times_only():
    keep = keeper(most_still=3)
    kept = [keep.offer([view("left", moment)]) for moment in range(10)]
    assert kept == [True, True, True] + [False] * 7
    assert keep.refused["the board stands still"] == 7
    assert keep.offer([view("left", 10, at=(160.0, 100.0))]), "it moves again"


def test_few_corners_and_corners_on_a_line_are_left_out():
    keep = keeper(min_corners=6)
    assert not keep.offer([view("left", 0, ids=[0, 1, 2, 6, 7])])
    assert not keep.offer([view("left", 1, ids=[0, 1, 2, 3, 4, 5])]), "one row gives no pose"
    assert keep.offer([view("left", 2, ids=[0, 1, 2, 6, 7, 8])])
    assert keep.refused["too few corners"] == 2


def test_a_view_is_blurred_by_the_measure_of_its_own_camera():
    keep = keeper(min_sharpness=0.5)
    for moment in range(10):
        keep.offer([moving("left", moment)])
    blurred = view("left", 10, at=(300.0, 200.0), sharpness=0.19)
    other = view("right", 10, at=(300.0, 200.0), sharpness=0.19)
    assert keep.offer([blurred, other])
    assert keep.refused["blurred"] == 1
    assert keep.views_of("left") == 10
    assert keep.views_of("right") == 1, "this camera is not sharper"


def test_neighbours_in_time_are_thinned_without_being_refused():
    keep = keeper(most_per_s=2.5)
    kept = [keep.offer([moving("left", moment)]) for moment in range(10)]  # 5 per second
    assert sum(kept) == 5
    assert not keep.refused


def test_a_full_store_takes_only_what_is_new():
    keep = keeper(most_instants=20)
    for moment in range(20):
        assert keep.offer([view("left", moment, at=(100.0 + 3 * (moment % 2), 100.0))])
    assert not keep.offer([view("left", 20, at=(100.0, 103.0))])
    assert keep.refused["nothing new"] == 1
    assert keep.offer([view("left", 21, at=(400.0, 300.0))]), "a part of the picture that was not covered"
    pair = keep.weakest_pair()
    assert pair is not None
    assert keep.offer([view(name, 22, at=(100.0, 100.0)) for name in pair.cameras])


def test_the_weakest_pair_is_the_weakest_link_of_the_best_chain():
    keep = keeper(shared=9)
    moment = 0
    for cameras, times in ((("left", "right"), 8), (("right", "top"), 3), (("left", "top"), 1)):
        for _ in range(times):
            keep.offer([moving(name, moment) for name in cameras])
            moment += 1
    pair = keep.weakest_pair()
    assert pair is not None
    assert (pair.cameras, pair.shared, pair.wanted) == (("right", "top"), 3, 9)
    assert any("right and top" in sentence and "3 of 9" in sentence for sentence in keep.missing())


def test_what_is_missing_is_said_until_nothing_is():
    keep = keeper(views=4, coverage=0.05, shared=4)
    assert len(keep.missing()) == 4, "three cameras and a pair"
    for moment in range(4):
        keep.offer([moving(name, moment) for name in SIZES])
    assert keep.missing() == ()
    strict = ViewKeeper(BOARD, SIZES, LiveConfig(views=4, coverage=0.9, shared=4))
    known = ViewKeeper(BOARD, SIZES, LiveConfig(views=4, coverage=0.9, shared=4), known_lenses=tuple(SIZES))
    for moment in range(4):
        strict.offer([moving(name, moment) for name in SIZES])
        known.offer([moving(name, moment) for name in SIZES])
    assert all("90 % covered" in sentence for sentence in strict.missing())
    assert known.missing() == (), "a known lens needs no coverage"


def test_an_interrupted_session_goes_on_with_its_views():
    first = keeper()
    for moment in range(5):
        first.offer([moving("left", 100 + moment), moving("right", 100 + moment)])
    second = ViewKeeper(BOARD, SIZES, LiveConfig(), earlier=first.observations)
    np.testing.assert_array_equal(second.shared, first.shared)
    assert second.covered_share("left") == first.covered_share("left")
    # The new session's clock may show less than the old one did: another boot of the machine.
    assert second.offer([moving("left", 0)])
    assert second.offer([moving("left", 1)])
    times = [seen.time_ns for seen in second.observations.by_camera("left")]
    assert times[5] == times[4] + RESUME_GAP_NS
    assert times[6] == times[5] + STEP_NS


def test_one_camera_needs_no_pair():
    keep = ViewKeeper(BOARD, {"only": (640, 480)}, LiveConfig(views=3, coverage=0.0))
    for moment in range(3):
        keep.offer([moving("only", moment)])
    assert keep.weakest_pair() is None
    assert keep.missing() == ()


def test_an_empty_earlier_session_changes_nothing():
    empty = BoardObservations(BOARD, SIZES, ())
    keep = ViewKeeper(BOARD, SIZES, LiveConfig(), earlier=empty)
    assert keep.offer([moving("left", 3)])
    assert keep.observations.views[0].time_ns == 3 * STEP_NS


@pytest.mark.parametrize("moments", [1, 4])
def test_coverage_maps_match_the_running_count(moments):
    keep = keeper()
    for moment in range(moments):
        keep.offer([moving("left", moment)])
    assert keep.covered_share("left") == pytest.approx(keep.coverage("left").share)
