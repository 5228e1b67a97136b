"""Two real networks on real pictures, against the boxes that were recorded and looked at."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")

from configs.errors import BadInputError
from models.detectors.base import NOBODY
from models.detectors.many_pictures import DetectorOfPictures
from models.detectors.onnx_detector import OnnxDetector
from models.detectors.overlap import overlaps
from models.detectors.rtmdet import RtmDet
from models.detectors.yolox import Yolox
from models.simulation.studio import Studio, StudioConfig
from tests.support.shared_data import SHARED, needs_shared

pytestmark = [needs_shared, pytest.mark.shared]

FOLDER = SHARED / "data" / "detectors"
PX, SCORE = 3.0, 0.05
"""At input scale: what other filters for resizing change, by the README of the recorded boxes."""


@pytest.fixture(scope="module", params=["rtmdet_nano", "yolox_nano"])
def detector(request: pytest.FixtureRequest) -> OnnxDetector:
    path = FOLDER / f"{request.param}.onnx"
    if request.param == "rtmdet_nano":
        return RtmDet(path, (320, 320), device="cpu", threads=1)
    return Yolox(path, device="cpu", threads=1)


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    found = {}
    for camera in ("cam01", "cam03"):
        video = cv2.VideoCapture(str(SHARED / "data" / "pose2sim_single" / "videos" / f"{camera}.mp4"))
        found[camera] = video.read()[1]
        video.release()
    return found


@pytest.mark.parametrize("camera", ["cam01", "cam03"])
def test_recorded_boxes(detector: OnnxDetector, pictures: dict[str, np.ndarray], camera: str) -> None:
    recorded = np.array(json.loads((FOLDER / "reference_boxes.json").read_text())[detector.name][camera])
    picture = pictures[camera]
    boxes = detector.find(picture)
    assert boxes.shape == recorded.shape  # performer and bystander in cam01, the performer alone in cam03
    factor = min(detector.size[0] / picture.shape[1], detector.size[1] / picture.shape[0])
    assert np.abs(boxes[:, :4] - recorded[:, :4]).max() * factor < PX
    assert np.abs(boxes[:, 4] - recorded[:, 4]).max() < SCORE


def test_scores_select(detector: OnnxDetector, pictures: dict[str, np.ndarray]) -> None:
    both = detector.find(pictures["cam01"])
    between = float(both[:, 4].mean())
    np.testing.assert_array_equal(detector.find(pictures["cam01"], min_score=between), both[:1])
    np.testing.assert_array_equal(detector.find(pictures["cam01"], min_score=0.99), NOBODY)


def test_nobody_in_noise_and_black(detector: OnnxDetector) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    assert len(detector.find(noise)) == 0
    assert len(detector.find(np.zeros((1, 1, 3), np.uint8))) == 0


def test_a_turned_picture_format(detector: OnnxDetector, pictures: dict[str, np.ndarray]) -> None:
    """The person in the middle of a wide picture: padding below instead of on the right."""
    wide = np.full((1920, 3000, 3), 114, np.uint8)
    wide[:, 1000:2088] = pictures["cam03"]
    (box,) = detector.find(wide)
    original = detector.find(pictures["cam03"])
    shifted = original + np.array([1000, 0, 1000, 0, 0])
    assert overlaps(box[None], shifted)[0, 0] > 0.85  # the person is smaller in the input: 60 % of the size


def test_as_estimators_call_it(detector: OnnxDetector, pictures: dict[str, np.ndarray]) -> None:
    rgb = pictures["cam01"][..., ::-1]
    find = DetectorOfPictures(detector)
    corners = detector.find(pictures["cam01"])
    (boxes, one) = find([rgb, rgb], max_detections=-1), find([rgb], max_detections=1)
    np.testing.assert_allclose(boxes[0][:, :2], corners[:, :2])
    np.testing.assert_allclose(boxes[0][:, :2] + boxes[0][:, 2:4], corners[:, 2:4])
    np.testing.assert_array_equal(boxes[0], boxes[1])
    np.testing.assert_array_equal(one[0], boxes[0][:1])
    (both,) = find([rgb], flip_aug=True)
    assert len(both) == len(corners)
    low, high = both[:, :2], both[:, :2] + both[:, 2:4]
    matched = overlaps(np.column_stack([low, high]), corners).max(axis=1)
    assert (matched > 0.8).all()  # the mirrored look sees the same people a little differently


@pytest.mark.parametrize("name", ["rtmdet_nano", "yolox_nano"])
def test_the_simulated_performer_is_a_person(name: str) -> None:
    """Boxes against the projected truth, in every view of the studio."""
    studio = Studio(StudioConfig(seed=1, cameras=4, size=(640, 480)))
    path = FOLDER / f"{name}.onnx"
    build = RtmDet if name == "rtmdet_nano" else Yolox
    detector = build(path, (320, 320) if name == "rtmdet_nano" else None, device="cpu", threads=1)
    for camera in studio.rig.names:
        boxes = detector.find(studio.render(camera, 2.0))
        joints = studio.rig.camera(camera).project(studio.truth(2.0)[0])
        extent = np.concatenate([joints.min(axis=0), joints.max(axis=0)])
        # Joints end inside the body: the silhouette reaches some 5 % of the height further on each side.
        margin = 0.05 * (extent[3] - extent[1])
        silhouette = extent + margin * np.array([-1, -1, 1, 1])
        assert len(boxes) == 1
        assert overlaps(boxes, silhouette[None])[0, 0] > 0.5  # from where COCO counts a box as right


def test_wrong_files(tmp_path: Path) -> None:
    no_network = tmp_path / "text.onnx"
    no_network.write_text("this is no network")
    for build, words in (
        (lambda: RtmDet(tmp_path / "missing.onnx"), "no such file"),
        (lambda: RtmDet(no_network), "cannot load it"),
        (lambda: RtmDet(FOLDER / "rtmdet_nano.onnx"), "say which it was made for"),
        (lambda: RtmDet(FOLDER / "yolox_nano.onnx"), "export the network with its suppression inside"),
        (lambda: Yolox(FOLDER / "yolox_nano.onnx", (640, 640)), "416x416"),
    ):
        with pytest.raises(BadInputError, match=words):
            build()
