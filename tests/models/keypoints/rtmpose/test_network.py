"""SimCC answers, crops and the way back, with known answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
pytest.importorskip("onnx")

from configs.errors import BadInputError
from models.keypoints.rtmpose import network as module
from models.keypoints.rtmpose.crop import DEVIATION, MEAN, crop, picture_from_crop, to_picture
from models.keypoints.rtmpose.network import SimccNetwork
from models.keypoints.rtmpose.simcc import decode_simcc
from models.runtimes.onnx_network import OnnxNetwork
from models.skeletons import get_skeleton
from tests.models.keypoints.rtmpose.dots import JOINTS, RADIUS, SIZE, draw, person_at
from tests.support.onnx_networks import dot_simcc, save

COCO = get_skeleton("coco_17")


def test_the_best_bin_in_each_direction() -> None:
    across, down = np.zeros((2, 3, 96), np.float32), np.zeros((2, 3, 128), np.float32)
    across[0, 0, 10], down[0, 0, 127] = 0.9, 0.7
    across[0, 1, 95], down[0, 1, 0] = 0.2, 1.3
    across[0, 2, 5] = 0.9  # no answer along y
    across[1, 0, 3], down[1, 0, 4] = 1.2, 1.1  # answers are not bounded by one, scores are
    across[1, 1], down[1, 1] = -0.5, -0.1
    across[1, 2, 7], down[1, 2, 7] = np.nan, 0.5
    points, scores = decode_simcc(across, down, (48, 64))
    np.testing.assert_allclose(points[0, :2], [[5, 63.5], [47.5, 0]])
    np.testing.assert_allclose(points[1, 0], [1.5, 2])
    np.testing.assert_allclose(scores, [[0.7, 0.2, 0], [1, 0, 0]], atol=1e-7)  # float32 answers
    assert np.isnan(points[0, 2]).all() and np.isnan(points[1, 1:]).all()


@pytest.mark.parametrize("box", [(100, 50, 160, 250), (10, 300, 400, 350), (-50, -20, 30, 100)])
def test_the_crop_is_the_padded_box_in_the_networks_proportions(box: tuple[float, ...]) -> None:
    matrix = picture_from_crop(np.array(box, float), SIZE)
    corners = to_picture(np.array([[0.0, 0.0], SIZE]), matrix)
    extent = corners[1] - corners[0]
    assert extent[0] / extent[1] == pytest.approx(SIZE[0] / SIZE[1])
    np.testing.assert_allclose(corners.mean(axis=0), [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    wanted = 1.25 * np.array([box[2] - box[0], box[3] - box[1]])
    assert (extent >= wanted - 1e-9).all() and np.isclose(extent, wanted).any()


def test_a_crop_of_scale_one_holds_the_very_pixels() -> None:
    image = np.random.default_rng(1).integers(0, 256, (100, 120, 3), np.uint8)
    box = np.array([40 - 24 / 1.25, 50 - 32 / 1.25, 40 + 24 / 1.25, 50 + 32 / 1.25])
    matrix = picture_from_crop(box, SIZE)
    np.testing.assert_allclose(matrix, [[1, 0, 16], [0, 1, 18]], atol=1e-12)
    values = crop(image, matrix, SIZE)
    assert values.shape == (3, 64, 48) and values.dtype == np.float32
    expected = (image[18:82, 16:64, ::-1] - MEAN) / DEVIATION  # red first
    np.testing.assert_allclose(values, expected.transpose(2, 0, 1), atol=1e-5)
    outside = crop(image, matrix - [[0, 0, 500], [0, 0, 0]], SIZE)
    np.testing.assert_allclose(outside[:, 5, 5], (0 - MEAN) / DEVIATION, atol=1e-6)


@pytest.mark.parametrize("batch", ["batch", 1, 4])
def test_keypoints_of_several_people_lie_in_their_dots(tmp_path: Path, batch: int | str) -> None:
    network = SimccNetwork(
        dot_simcc(tmp_path / "n.onnx", JOINTS, SIZE, batch=batch), COCO, device="cpu", threads=1
    )
    boxes = [(60.0, 60.0, 180.0, 260.0), (300.0, 100.0, 460.0, 380.0), (40.0, 330.0, 130.0, 450.0)]
    people = [person_at(box) for box in boxes]
    image = draw(people)
    points, scores = network.keypoints([(image, np.array(box)) for box in boxes])
    # The first bin of a crop pixel inside the dot wins: half a dot and a crop pixel beside the centre.
    for found, true, box in zip(points, people, boxes, strict=True):
        pixel = 1.25 * max((box[2] - box[0]) / SIZE[0], (box[3] - box[1]) / SIZE[1])
        assert np.abs(found - true).max() <= RADIUS + pixel
    assert (scores > 0.99).all()  # the very colour of the dot
    alone, _ = network.keypoints([(image, np.array(boxes[1]))])
    np.testing.assert_allclose(alone[0], points[1])
    nobody = network.keypoints([])
    assert nobody[0].shape == (0, JOINTS, 2) and nobody[1].shape == (0, JOINTS)


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    good = dot_simcc(tmp_path / "good.onnx", JOINTS, SIZE)
    with pytest.raises(BadInputError, match="has 17 keypoints, halpe_26 has 26"):
        SimccNetwork(good, get_skeleton("halpe_26"), device="cpu")
    import onnx

    nodes = [onnx.helper.make_node("Identity", ["x"], ["y"])]
    shape = ["batch", 3, 8, 6]
    picture = save(tmp_path / "picture.onnx", nodes, [("x", shape)], [("y", shape)], {})
    with pytest.raises(BadInputError, match="simcc_x"):
        SimccNetwork(picture, COCO, device="cpu")
    flat = save(tmp_path / "flat.onnx", nodes, [("x", ["batch", 3])], [("y", ["batch", 3])], {})
    with pytest.raises(BadInputError, match="crops, "):
        SimccNetwork(flat, COCO, device="cpu")
    nodes = [
        onnx.helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3], keepdims=0),
        onnx.helper.make_node("Unsqueeze", ["m", "axis"], ["m3"]),
        onnx.helper.make_node("Mul", ["m3", "across"], ["simcc_x"]),
        onnx.helper.make_node("Mul", ["m3", "down"], ["simcc_y"]),
    ]
    constants = {
        "axis": np.array([2]),
        "across": np.ones((1, 1, 7), np.float32),
        "down": np.ones((1, 1, 16), np.float32),
    }
    outputs = [("simcc_x", ["batch", 3, 7]), ("simcc_y", ["batch", 3, 16])]
    uneven = save(tmp_path / "uneven.onnx", nodes, [("x", shape)], outputs, constants)
    three = type(COCO)("three", ("a", "b", "c"), (), (), ())
    with pytest.raises(BadInputError, match="answers in 7 x 16 bins for crops of 6x8 px"):
        SimccNetwork(uneven, three, device="cpu")


def test_a_graphics_card_sees_few_numbers_of_crops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is none here: the CPU does the work, under the other name."""
    sizes: list[int] = []

    class Card(OnnxNetwork):
        def __init__(self, path: Path, device: str, threads: int | None) -> None:
            super().__init__(path, "cpu", threads)
            self.device = device

        def run(self, values: np.ndarray) -> dict[str, np.ndarray]:
            sizes.append(len(values))
            return super().run(values)

    path = dot_simcc(tmp_path / "n.onnx", JOINTS, SIZE)
    on_cpu = SimccNetwork(path, COCO, device="cpu", threads=1)
    monkeypatch.setattr(module, "OnnxNetwork", Card)
    network = SimccNetwork(path, COCO, device="cuda", threads=1, most=6)
    assert sizes == [1, 1, 2, 4, 8]  # a look at the answers, then every number there will be
    sizes.clear()
    box = np.array([60.0, 60.0, 180.0, 260.0])
    image = draw([person_at(tuple(box))])
    for count in range(1, 7):
        points, scores = network.keypoints([(image, box)] * count)
        expected = on_cpu.keypoints([(image, box)] * count)
        np.testing.assert_array_equal(points, expected[0])
        np.testing.assert_array_equal(scores, expected[1])
    assert sizes == [1, 2, 4, 4, 8, 8]
