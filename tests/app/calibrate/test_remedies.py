"""What can be done about a diagnosis."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.calibrate.order import Order
from app.calibrate.remedies import remedies
from calibration.board import Board
from calibration.diagnosis import Diagnosis

BOARD = Board("charuco", 7, 5, 40.0, 30.0, "DICT_4X4_50")


@pytest.fixture
def order(studio):
    order = Order(studio)
    order.use_source("recorded")
    order.board.use_board(BOARD)
    return order


def seen(board, kind="counts"):
    return Diagnosis(kind, "error", "the print is another one", ("cam1",), board)


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        (replace(BOARD, columns=9), "Use 9 × 5 squares"),
        (replace(BOARD, dictionary="DICT_5X5_50"), "Use DICT_5X5_50"),
        (replace(BOARD, first_marker=17), "Use first marker 17"),
        (replace(BOARD, rows=6, columns=7, legacy_pattern=True), "Use 7 × 6 squares"),
        (replace(BOARD, marker_mm=28.0), "Use markers of 28 mm"),
        (Board("checkerboard", 8, 5, 40.0), "Use Checkerboard 8 × 5"),
    ],
)
def test_the_board_of_the_pictures_is_offered_by_what_is_different(order, printed, words):
    (remedy,) = remedies([seen(printed)], order)
    assert remedy.kind == "board"
    assert remedy.words.startswith(words)
    assert remedy.board == printed


def test_simulated_cameras_keep_their_board(studio):
    order = Order(studio)
    order.fit_board()
    assert order.board.locked
    assert remedies([seen(BOARD)], order) == ()


def test_lenses_are_estimated_only_where_some_were_given(order):
    wrong = Diagnosis("wrong_intrinsics", "error", "they do not fit", ("cam1",))
    assert remedies([wrong], order) == ()
    order.use_lenses(Path("lenses.toml"))
    (remedy,) = remedies([wrong], order)
    assert remedy.kind == "lenses"


def test_views_are_forgotten_only_where_the_board_can_be_shown_again(order):
    moved = Diagnosis("moved_camera", "error", "they were moved", ("cam1", "cam3"))
    assert remedies([moved], order) == (), "a recording cannot be repeated here"
    order.use_source("live")
    (remedy,) = remedies([moved], order)
    assert remedy.words == "Show cam1 and cam3 the board again"
    assert remedy.cameras == ("cam1", "cam3")


def test_one_remedy_of_each_kind_and_none_for_what_only_people_can_mend(order):
    some = [seen(replace(BOARD, columns=9)), seen(replace(BOARD, columns=11))]
    assert [one.board.columns for one in remedies(some, order)] == [9]
    dark = Diagnosis("blurred", "warning", "blurred", ("cam1",))
    assert remedies([dark], order) == ()
