"""Printable files, read back: sizes in mm, and the board found in what they draw."""

import re
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from PIL import Image

from calibration.board import Board
from calibration.board_detector import BoardDetector
from calibration.board_print import draw, print_board
from calibration.board_sheet import PAGES_MM, lay_out
from calibration.charuco_detector import board_dictionary, charuco_layout
from configs.errors import BadInputError

BOARDS = [
    Board("charuco", 7, 5, 30, 22, "4x4_50"),
    Board("charuco", 6, 8, 22.5, 16.3, "apriltag_36h11", first_marker=4),
    Board("charuco", 5, 6, 30, 20, "5x5_250", legacy_pattern=True, inverted=True),
    Board("checkerboard", 8, 5, 25),
]
POINT_MM = 25.4 / 72
# Files round to a ten thousandth of their unit, twice for a sum.
EXACT_MM = 3e-4


class Drawn:
    """Rectangles of a file: (x, y, width, height) mm from the upper left, and their grey."""

    def __init__(self, size_mm):
        self.size_mm = size_mm
        self.boxes = []

    def raster(self, px_per_mm):
        picture = np.full([round(side * px_per_mm) for side in self.size_mm[::-1]], 255, np.uint8)
        for x, y, width, height, grey in self.boxes:
            x0, y0, x1, y1 = (round(v * px_per_mm) for v in (x, y, x + width, y + height))
            picture[y0:y1, x0:x1] = grey
        return picture


def read_svg(path):
    root = ElementTree.parse(path).getroot()
    size = tuple(float(root.get(side).removesuffix("mm")) for side in ("width", "height"))
    assert root.get("viewBox") == f"0 0 {root.get('width')[:-2]} {root.get('height')[:-2]}"
    drawn = Drawn(size)
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        for rect in group:
            box = [float(rect.get(key)) for key in ("x", "y", "width", "height")]
            drawn.boxes.append((*box, {"black": 0, "white": 255}[group.get("fill")]))
    return drawn


def read_pdf(path):
    data = path.read_bytes()
    table = int(re.search(rb"startxref\n(\d+)\n%%EOF", data)[1])
    assert data[table:].startswith(b"xref\n")
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n ", data[table:]), start=1):
        assert data[int(place) :].startswith(b"%d 0 obj" % number)
    length, start = re.search(rb"/Length (\d+) >>\nstream\n", data), data.index(b"stream\n") + 7
    content = data[start : start + int(length[1])]
    assert data[start + int(length[1]) :].startswith(b"\nendstream")
    width, height = (float(v) for v in re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data).groups())
    drawn = Drawn((width * POINT_MM, height * POINT_MM))
    grey = None
    for line in content.decode("cp1252").splitlines():
        if line.endswith(" g"):
            grey = {"0": 0, "1": 255}[line.split()[0]]
        elif line.endswith(" re f"):
            x, y, w, h = (float(v) * POINT_MM for v in line.split()[:4])
            drawn.boxes.append((x, drawn.size_mm[1] - y - h, w, h, grey))
    return drawn


def assert_shows(board, picture, origin_mm, px_per_mm):
    """The board is found in the picture where the sheet says it is."""
    view = BoardDetector(board, effort="stills").find("print", picture).view
    assert view is not None
    assert len(view) == board.corner_count
    assert not view.mirrored
    expected = (board.corners[:, :2] + origin_mm) * px_per_mm - 0.5
    # Edges are drawn on whole pixels, up to half a pixel from their place in each direction.
    assert np.abs(view.pixels - expected).max() < 0.75


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.words())
@pytest.mark.parametrize(("ending", "read"), [(".svg", read_svg), (".pdf", read_pdf)])
def test_drawings_have_true_scale_and_show_the_board(ending, read, board, tmp_path):
    path = tmp_path / f"board{ending}"
    sheet = print_board(path, board)
    drawn = read(path)
    np.testing.assert_allclose(drawn.size_mm, sheet.size_mm, atol=EXACT_MM)
    squares = [box for box in drawn.boxes if np.allclose(box[2:4], board.square_mm, atol=EXACT_MM)]
    assert len(squares) == board.columns * board.rows - board.columns * board.rows // 2
    for x, y, *_ in squares:
        place = np.array([x - sheet.origin_mm[0], y - sheet.origin_mm[1]]) / board.square_mm
        np.testing.assert_allclose(place, place.round(), atol=EXACT_MM)
    ruler = max((box for box in drawn.boxes if box[3] < 0.5), key=lambda box: box[2])
    np.testing.assert_allclose(
        ruler[2], 100.2, atol=EXACT_MM
    )  # its line is as much longer as a tick is thick
    px_per_mm = 4.0
    assert_shows(board, drawn.raster(px_per_mm), sheet.origin_mm, px_per_mm)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.words())
def test_pictures_have_true_scale_and_show_the_board(board, tmp_path):
    path = tmp_path / "board.png"
    sheet = print_board(path, board, dpi=150)
    with Image.open(path) as picture:
        # PNG counts whole pixels per metre.
        np.testing.assert_allclose(picture.info["dpi"], 150, rtol=1e-3)
        np.testing.assert_allclose(np.array(picture.size) / 150 * 25.4, sheet.size_mm, atol=25.4 / 150)
        assert_shows(board, np.array(picture), sheet.origin_mm, 150 / 25.4)


@pytest.mark.parametrize("board", BOARDS[:3], ids=lambda board: board.words())
def test_the_pattern_is_opencvs(board):
    sheet = lay_out(board, "fit")
    scale = 10
    ours = draw(sheet, scale * 25.4)
    x, y = (round(v * scale) for v in sheet.origin_mm)
    width, height = (round(side * scale) for side in board.size_mm)
    theirs = charuco_layout(board, board_dictionary(board)).generateImage((width, height), marginSize=0)
    part = ours[y : y + height, x : x + width]
    part = 255 - part if board.inverted else part
    # Edges may be off by a pixel: less than the thinnest cell, which is 24 px wide.
    kernel = np.ones((3, 3), np.uint8)
    assert (cv2.erode(theirs, kernel) <= part).mean() > 0.995
    assert (cv2.dilate(theirs, kernel) >= part).mean() > 0.995


def test_the_page_is_the_smallest_that_is_large_enough():
    def page(board):
        return next(name for name, size in PAGES_MM.items() if sorted(lay_out(board).size_mm) == sorted(size))

    assert page(Board("checkerboard", 8, 5, 25)) == "a4"
    assert page(Board("checkerboard", 8, 5, 40)) == "a3"
    assert page(Board("checkerboard", 8, 5, 100)) == "a1"
    assert max(lay_out(Board("checkerboard", 10, 7, 200)).size_mm) > 1189
    tall, wide = Board("checkerboard", 5, 8, 30), Board("checkerboard", 8, 5, 30)
    assert lay_out(tall).size_mm == lay_out(wide).size_mm[::-1] == PAGES_MM["a4"]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.words())
@pytest.mark.parametrize("page", ["fit", None, "a2"])
def test_nothing_overlaps_or_leaves_the_page(board, page):
    sheet = lay_out(board, page)
    boxes = [*sheet.ink, *sheet.ruler, *([sheet.ground] if sheet.ground else [])]
    assert min(min(box.x, box.y) for box in boxes) > 0
    assert max(box.x + box.width for box in boxes) < sheet.size_mm[0]
    lowest = max(box.y + box.height for box in [*sheet.ink, *([sheet.ground] if sheet.ground else [])])
    assert lowest < min(box.y for box in sheet.ruler)
    assert max(words.y for words in sheet.words) < sheet.size_mm[1] - 3


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("board.gif", {}, ["board.gif", ".pdf, .svg, .png"]),
        ("board.pdf", {"page": "a4"}, ["too small", "713 x 531 mm", "a1", "34.8 mm"]),
        ("board.pdf", {"page": "a5"}, ["a5", "letter"]),
        ("board.png", {"dpi": 5000, "page": "a0"}, ["dpi = 5000", "px"]),
        ("nowhere/board.pdf", {"page": "fit"}, ["nowhere", "does not exist"]),
    ],
)
def test_what_cannot_be_printed_is_explained(name, options, words, tmp_path):
    with pytest.raises(BadInputError) as caught:
        print_board(tmp_path / name, Board("charuco", 7, 5, 99, 70, "4x4_50"), **options)
    for word in words:
        assert word in str(caught.value)
    assert not list(tmp_path.iterdir())
