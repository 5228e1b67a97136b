"""The board command: two files that belong together."""

import json

import cv2
import pytest

from app.cli.main import main
from calibration.board import Board, read_board
from calibration.board_detector import BoardDetector

WORDS = ["board", "--type", "charuco", "--columns", "7", "--rows", "5", "--square-mm", "30"]


def test_the_print_shows_the_board_of_the_file(tmp_path, capsys):
    out = tmp_path / "print.png"
    assert main([*WORDS, "--out", str(out), "--dpi", "100", "--json"]) == 0
    result = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    board = read_board(tmp_path / "board.yaml")
    assert result["description"] == str(tmp_path / "board.yaml")
    assert board == Board("charuco", 7, 5, 30, 22.5, "DICT_4X4_50")
    view = BoardDetector(board).find("", cv2.imread(str(out), cv2.IMREAD_GRAYSCALE)).view
    assert len(view) == board.corner_count


def test_several_formats_of_one_board_and_none_of_two(tmp_path, capsys):
    for name in ("board.pdf", "board.svg"):
        assert main([*WORDS, "--out", str(tmp_path / name)]) == 0
    assert "Print at 100 %" in capsys.readouterr().out
    assert main([*WORDS, "--out", str(tmp_path / "board.pdf")]) == 2
    assert "exists already" in capsys.readouterr().err
    other = [*WORDS[:-1], "31", "--out", str(tmp_path / "other.pdf")]
    assert main(other) == 2
    assert "describes another board" in capsys.readouterr().err
    assert not (tmp_path / "other.pdf").exists()
    assert main([*other, "--overwrite"]) == 0
    assert read_board(tmp_path / "board.yaml").square_mm == 31


@pytest.mark.parametrize("columns", ["9", "10"])
def test_a_board_that_looks_the_same_turned_round_comes_with_a_warning(columns, tmp_path, capsys):
    words = ["board", "--type", "checkerboard", "--columns", columns, "--rows", "7", "--square-mm", "20"]
    assert main([*words, "--out", str(tmp_path / "b.svg")]) == 0
    assert ("looks the same turned round" in capsys.readouterr().out) == (columns == "9")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--marker-mm", "40"], ["--marker-mm", "smaller than a square"]),
        (["--dictionary", "4x4_51"], ["--dictionary", "DICT_4X4_50"]),
        (["--columns", "2"], ["--columns", "not 2"]),
        (["--square-mm", "-3"], ["--square-mm", "more than 0"]),
        (["--page", "a9"], ["a9", "letter"]),
        (["--out", "board.docx"], ["board.docx", ".pdf"]),
    ],
)
def test_wrong_options_are_explained(more, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*WORDS, "--out", "board.pdf", *more]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    for word in words:
        assert word in error
    assert not list(tmp_path.iterdir())
