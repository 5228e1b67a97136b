"""Fitting pictures in, decoding, suppression and refusal of what is no picture, with known answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from configs.errors import BadInputError
from models.detectors.base import checked_picture
from models.detectors.letterbox import GREY, letterbox
from models.detectors.overlap import areas, overlaps, suppress


@pytest.mark.parametrize(
    ("shape", "inner"),
    [((100, 200), (40, 20)), ((200, 100), (20, 40)), ((50, 50), (40, 40)), ((1, 1000), (40, 1))],
)
def test_letterbox_keeps_proportions_and_pads_right_and_below(
    shape: tuple[int, int], inner: tuple[int, int]
) -> None:
    canvas, factor = letterbox(np.full((*shape, 3), 200, np.uint8), (40, 40))
    assert canvas.shape == (40, 40, 3)
    assert factor == pytest.approx(40 / max(shape))
    assert (canvas[: inner[1], : inner[0]] == 200).all()
    assert (canvas[inner[1] :] == GREY).all() and (canvas[:, inner[0] :] == GREY).all()


def test_overlaps() -> None:
    first = np.array([[0, 0, 10, 10], [0, 0, 0, 10]], float)
    second = np.array([[5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 10, 10], [3, 3, 3, 3]], float)
    np.testing.assert_allclose(overlaps(first, second), [[1 / 3, 0, 1, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(areas(np.array([[0, 0, 2, 3], [5, 5, 4, 9]], float)), [6, 0])


def test_suppression_keeps_the_best_of_each_group() -> None:
    boxes = np.array(
        [
            [0, 0, 10, 10, 0.5],
            [1, 0, 11, 10, 0.9],  # overlaps the first by 9 / 11
            [9, 0, 19, 10, 0.7],  # overlaps the second by 2 / 18
            [50, 50, 60, 60, 0.3],
        ]
    )
    np.testing.assert_array_equal(suppress(boxes, 0.45), boxes[[1, 2, 3]])
    np.testing.assert_array_equal(suppress(boxes, 0.1), boxes[[1, 3]])
    np.testing.assert_array_equal(suppress(boxes, 0.99), boxes[[1, 2, 0, 3]])
    assert suppress(boxes[:0], 0.5).shape == (0, 5)


def test_yolox_rows_of_known_cells(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
    onnx = pytest.importorskip("onnx")
    from models.detectors.yolox import Yolox, grid_cells
    from tests.support.onnx_networks import save

    cells, strides = grid_cells((64, 32))
    assert len(cells) == 8 * 4 + 4 * 2 + 2 * 1
    np.testing.assert_array_equal(
        cells[[0, 7, 8, 32, 40, 41]], [[0, 0], [7, 0], [0, 1], [0, 0], [0, 0], [1, 0]]
    )
    np.testing.assert_array_equal(strides[[0, 31, 32, 39, 40, 41]], [8, 8, 16, 16, 32, 32])

    rows = np.zeros((1, 42, 7), np.float32)
    rows[0, 9] = [0.5, 0.25, np.log(2), np.log(1), 0.9, 0.8, 0.1]  # cell (1, 1) of stride 8: a person
    rows[0, 41] = [0.0, 0.5, 0.0, 0.0, 0.9, 0.1, 0.9]  # something else
    rows[0, 33] = [-0.5, 0.5, 0.0, 0.0, 0.5, 0.9, 0.0]  # cell (1, 0) of stride 16: a person
    nodes = [
        onnx.helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
        onnx.helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        onnx.helper.make_node("Add", ["nothing", "rows"], ["output"]),
    ]
    path = save(
        tmp_path / "raw.onnx",
        nodes,
        [("images", [1, 3, 32, 64])],
        [("output", [1, 42, 7])],
        {"zero": np.float32(0), "rows": rows},
    )
    boxes = Yolox(path, device="cpu", threads=1).find(np.zeros((64, 128, 3), np.uint8))  # factor 1/2
    # centre (1.5, 1.25) * 8, size 16 x 8; centre (0.5, 0.5) * 16, size 16 x 16; then twice as large
    expected = [[2 * 4, 2 * 6, 2 * 20, 2 * 14, 0.72], [0, 0, 32, 32, 0.45]]
    np.testing.assert_allclose(boxes, expected, atol=1e-5)  # float32 rows


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (None, "not NoneType"),
        ("picture.jpg", "not str"),
        ([[[0, 0, 0]]], "not list"),
        (np.zeros((4, 4), np.uint8), "repeat a grey picture"),
        (np.zeros((4, 4, 1), np.uint8), "repeat a grey picture"),
        (np.zeros((4, 4, 4), np.uint8), "fourth channel"),
        (np.zeros((3, 8, 8), np.uint8), "colours come last"),
        (np.zeros((2, 8, 8, 3), np.uint8), "one picture at a time"),
        (np.zeros((4, 4, 3), np.float32), "multiply by 255"),
        (np.zeros((4, 4, 3), np.uint16), "a picture of uint16"),
        (np.zeros((0, 4, 3), np.uint8), "an empty picture"),
        (np.zeros((4, 0, 3), np.uint8), "an empty picture"),
        (np.zeros(12, np.uint8), r"shape \(12,\)"),
        (np.array([[[object()] * 3]]), "a picture of object"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(picture: object, words: str) -> None:
    with pytest.raises(BadInputError, match=words) as caught:
        checked_picture(picture)
    assert "(height, width, 3) uint8" in str(caught.value)


def test_views_of_pictures_are_pictures() -> None:
    picture = np.arange(8 * 6 * 3, dtype=np.uint8).reshape(8, 6, 3)
    for view in (picture[::2], picture[:, ::-1], picture[..., ::-1], np.moveaxis(picture, 0, 1)):
        assert checked_picture(view) is view
