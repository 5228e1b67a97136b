"""Which board is shown: presets, figures, a ruler."""

import pytest

from app.calibrate.board_choice import OWN, BoardChoice, presets, title_of
from calibration.board import Board, read_board, write_board
from pipeline.rigs.board_rig import STUDIO_BOARD_FILE


def test_presets_are_the_boards_of_the_folder_but_for_the_studios():
    found = presets()
    assert {"charuco_a4", "charuco_a3"} <= {one.name for one in found}
    assert read_board(STUDIO_BOARD_FILE) not in [one.board for one in found]
    assert title_of(next(one for one in found if one.name == "charuco_a3").board) == "ChArUco 7 × 5 for A3"


def test_every_preset_fits_the_page_that_its_title_names_and_is_fit_for_use():
    for one in presets():
        choice = BoardChoice()
        choice.use_preset(one.name)
        assert choice.board == one.board
        assert choice.problem == ""
        assert choice.warning == "", one.name
        assert title_of(one.board).endswith(one.name[-2:].upper())


def test_changing_a_figure_makes_it_an_own_board_and_markers_grow_with_squares():
    choice = BoardChoice()
    choice.use_preset("charuco_a4")
    choice.set("square_mm", 68.0)
    assert choice.preset == OWN
    assert choice.board.square_mm == 68.0
    assert choice.board.marker_mm == 50.0


def test_a_ruler_along_the_row_gives_the_square():
    choice = BoardChoice()
    choice.use_preset("charuco_a4")
    choice.measured(7, 236.6)
    assert choice.board.square_mm == pytest.approx(33.8)
    assert choice.board.marker_mm == pytest.approx(25 * 33.8 / 34, abs=1e-3)


def test_a_checkerboard_has_no_markers_and_a_charuco_board_gets_sensible_ones():
    choice = BoardChoice()
    choice.set("type", "checkerboard")
    assert choice.board == Board("checkerboard", 8, 5, 34.0), "one odd, one even: it has one way round only"
    assert choice.warning == ""
    choice.set("columns", 9)
    assert "looks the same turned round" in choice.warning
    choice.set("columns", 12)
    choice.set("rows", 11)
    choice.set("type", "charuco")
    assert choice.board.dictionary == "DICT_4X4_100"
    assert choice.board.marker_mm == pytest.approx(25.5)


def test_figures_that_make_no_board_are_explained():
    choice = BoardChoice()
    choice.set("marker_mm", 60.0)
    assert choice.board is None
    assert choice.sheet is None
    assert choice.wrong_field == "marker_mm"
    assert choice.problem.startswith("The marker must be smaller than a square")
    choice.set("marker_mm", 32.3)
    assert choice.problem == ""
    assert "95 % of a square" in choice.warning


def test_a_board_file_is_taken_over(tmp_path):
    board = Board("charuco", 9, 6, 30.0, 22.0, "DICT_5X5_100", first_marker=5)
    write_board(tmp_path / "board.yaml", board)
    choice = BoardChoice()
    choice.open(tmp_path / "board.yaml")
    assert choice.board == board
    assert choice.preset == OWN
    choice.open(tmp_path / "board.yaml")
    assert choice.board == board


def test_a_locked_board_gives_the_choice_back():
    choice = BoardChoice()
    choice.use_preset("charuco_a3")
    choice.lock(read_board(STUDIO_BOARD_FILE), "because")
    assert choice.locked == "because"
    assert choice.board == read_board(STUDIO_BOARD_FILE)
    choice.unlock()
    assert choice.locked == ""
    assert choice.preset == "charuco_a3"
    assert choice.board.square_mm == 52.0
