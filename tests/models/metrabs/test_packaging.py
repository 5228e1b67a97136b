"""MeTRAbs in files of its own: the same crops and poses, where nothing of this program can be imported."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from configs.errors import BadInputError
from models.backbones.efficientnet_v2 import STAGES
from models.metrabs.crop_model import MetrabsConfig, MetrabsCropModel
from models.metrabs.exportable import PicturePersonModel
from models.metrabs.joint_layout import JointLayout
from models.metrabs.multi_person import EstimationSettings, MultiPersonModel
from models.metrabs.packaging import CARD, DetectorChoice, package
from models.metrabs.picture_camera import picture_cameras
from models.metrabs.pictures import as_boxes
from tests.support.shared_data import SHARED, needs_shared

LAYOUT = JointLayout(("pelv", "lhip", "rhip", "htop"), ((0, 1), (0, 2), (0, 3)))
STRANGER = """
import sys
for name in ("app", "pipeline", "models", "calibration", "configs"):
    sys.modules[name] = None  # importing it fails
import torch
inputs, outputs = torch.load(sys.argv[2], weights_only=True)
found = torch.export.load(sys.argv[1]).module()(*inputs)
difference = max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, outputs))
sys.stdout.write(str(difference))
"""


class Gentle(MetrabsCropModel):
    """Poses that follow the colours of a crop smoothly, as random weights do not."""

    def forward(  # type: ignore[override]
        self, images: Tensor, intrinsics: Tensor
    ) -> tuple[Tensor, Tensor]:
        return self.absolute(self.read(images), intrinsics), images[:, 0, 0, :4]

    def read(self, images: Tensor) -> Tensor:  # type: ignore[override]
        return images

    def absolute(self, reading: Tensor, intrinsics: Tensor) -> Tensor:  # type: ignore[override]
        quarters = torch.nn.functional.adaptive_avg_pool2d(reading, 2).flatten(2).mT * 1000.0
        return quarters + intrinsics[:, None, :1, 0] * torch.tensor([0.0, 0.0, 10.0])

    def confidence(self, reading: Tensor) -> Tensor:  # type: ignore[override]
        return reading[:, 0, 0, :4]


def network(kind: type[MetrabsCropModel]) -> MetrabsCropModel:
    torch.manual_seed(0)
    return kind(MetrabsConfig(proc_side=64, points=4)).eval()


@pytest.mark.parametrize("num_aug", [1, 5])
def test_a_picture_is_seen_as_by_the_whole_program(num_aug: int) -> None:
    coarse = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(1))
    picture = (torch.nn.functional.interpolate(coarse, (240, 320), mode="bilinear")[0] * 255).to(torch.uint8)
    # small, larger than the picture (which is halved for it), and beyond its border
    boxes = torch.tensor([[50.0, 40, 60, 90], [-100, -50, 500, 400], [250, 180, 100, 100]])
    matrix = torch.tensor([[300.0, 0, 160], [0, 310, 120], [0, 0, 1]])
    model = network(Gentle)
    with torch.inference_mode():
        poses, pixels = PicturePersonModel(model, LAYOUT, num_aug)(picture, matrix, boxes)
    settings = EstimationSettings(num_aug=num_aug, straight=num_aug == 1)
    cameras = picture_cameras([(240, 320)], matrix.numpy())
    expected = MultiPersonModel(model, LAYOUT)([picture], [as_boxes(boxes)], cameras, settings)[0]
    # Samples are placed to 1e-4 px in single precision; colours times a metre change by less than that share.
    torch.testing.assert_close(poses, expected.poses3d, atol=0.05, rtol=1e-4)
    torch.testing.assert_close(pixels, expected.poses2d, atol=0.05, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_files_run_without_this_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # one block of each stage: all kinds of layers, a tenth of the time
    monkeypatch.setitem(STAGES, "s", tuple(replace(stage, blocks=1) for stage in STAGES["s"]))
    model = network(MetrabsCropModel)
    report = package(model, LAYOUT, tmp_path / "crop.pt2", "crop")
    assert report.largest_relative_difference <= 1e-4 and report.joints == LAYOUT.names
    images, intrinsics = torch.rand(3, 3, 64, 64), torch.tensor([[90.0, 0, 32], [0, 90, 32], [0, 0, 1]])
    inputs = (images, intrinsics.repeat(3, 1, 1))
    with torch.no_grad():
        outputs = model(*inputs)
    torch.save((inputs, outputs), tmp_path / "example.pt")
    words = [sys.executable, "-c", STRANGER, str(tmp_path / "crop.pt2"), str(tmp_path / "example.pt")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= 1e-4
    extra = {CARD: ""}
    torch.export.load(tmp_path / "crop.pt2", extra_files=extra)
    assert json.loads(extra[CARD])["joints"] == list(LAYOUT.names)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_picture_model_takes_any_number_of_boxes(tmp_path: Path) -> None:
    model = network(Gentle)
    package(model, LAYOUT, tmp_path / "people.pt2", "people")
    picture = torch.randint(0, 255, (3, 120, 200), dtype=torch.uint8)
    matrix = torch.tensor([[200.0, 0, 100], [0, 200, 60], [0, 0, 1]])
    boxes = torch.tensor([[20.0, 10, 60, 90]])
    with torch.no_grad():
        outputs = PicturePersonModel(model, LAYOUT)(picture, matrix, boxes)
    torch.save(((picture, matrix, boxes), outputs), tmp_path / "example.pt")
    words = [sys.executable, "-c", STRANGER, str(tmp_path / "people.pt2"), str(tmp_path / "example.pt")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= 1e-4


def test_words_that_will_not_do(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no name"):
        package(network(Gentle), LAYOUT, tmp_path / "x.pt", "crop")
    with pytest.raises(BadInputError, match="out of range"):
        package(network(Gentle), LAYOUT, tmp_path / "x.pt2", "people", num_aug=0)
    for limits in ({"threshold": 1.0}, {"overlap": 0.0}, {"most": 0}):
        with pytest.raises(BadInputError, match=f"--.*{next(iter(limits))} = "):
            DetectorChoice("rtmdet-nano", **limits)
    with pytest.raises(BadInputError, match="--detector"):
        package(network(Gentle), LAYOUT, tmp_path / "x.onnx", "crop", detector=DetectorChoice("yolox-nano"))
    with pytest.raises(BadInputError, match="--detector"):
        package(network(Gentle), LAYOUT, tmp_path / "x.pt2", "picture")
    with pytest.raises(BadInputError, match="no such file"):
        missing = DetectorChoice(str(tmp_path / "absent.onnx"), "yolox", (64, 64))
        package(network(Gentle), LAYOUT, tmp_path / "x.pt2", "picture", detector=missing)
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(BadInputError, match="is no network that can be read"):
        broken = DetectorChoice(str(tmp_path / "broken.onnx"), "yolox", (64, 64))
        package(network(Gentle), LAYOUT, tmp_path / "x.pt2", "picture", detector=broken)
    with pytest.raises(BadInputError, match="--detector-family"):
        package(
            network(Gentle),
            LAYOUT,
            tmp_path / "x.pt2",
            "picture",
            detector=DetectorChoice(str(tmp_path / "broken.onnx")),
        )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_crops_run_in_onnx_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    monkeypatch.setitem(STAGES, "s", tuple(replace(stage, blocks=1) for stage in STAGES["s"]))
    model = network(MetrabsCropModel)
    report = package(model, LAYOUT, tmp_path / "crop.onnx", "crop")
    assert report.largest_relative_difference <= 1e-4 and report.largest_difference_mm < 0.1
    session = onnxruntime.InferenceSession(tmp_path / "crop.onnx", providers=["CPUExecutionProvider"])
    intrinsics = torch.tensor([[90.0, 0, 32], [0, 90, 32], [0, 0, 1]]).repeat(3, 1, 1)
    images = torch.rand(3, 3, 64, 64)
    poses, _ = session.run(None, {"images": images.numpy(), "intrinsics": intrinsics.numpy()})
    with torch.no_grad():
        expected, _ = model(images, intrinsics)
    assert float((torch.from_numpy(poses) - expected).abs().max()) < 0.1
    assert session.get_modelmeta().custom_metadata_map[CARD].startswith("{")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_picture_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with a detector inside says what detector and network say in turn, also of nobody."""
    pytest.importorskip("onnxscript")
    from models.detectors.many_pictures import DetectorOfPictures
    from models.detectors.yolox import Yolox
    from tests.support.onnx_networks import bright_cells

    # fewer boxes to compare with each other: less to write down
    monkeypatch.setattr("models.detectors.exportable.CANDIDATES", 8)
    file = bright_cells(tmp_path / "bright.onnx")
    choice = DetectorChoice(str(file), "yolox", (64, 64), threshold=0.46, overlap=0.45, most=4)
    model = network(Gentle)
    package(model, LAYOUT, tmp_path / "picture.pt2", "picture", detector=choice)
    matrix = torch.tensor([[300.0, 0, 160], [0, 310, 120], [0, 0, 1]])
    # A cell is 40 px of this picture; grey below it counts 114 / 255. The second person overlaps the first by
    # half, the last is too dark.
    picture = torch.zeros(3, 240, 320, dtype=torch.uint8)
    for column, row, level in ((2, 1, 255), (3, 1, 200), (6, 4, 120), (1, 4, 60)):
        picture[2, row * 40 + 8 : row * 40 + 32, column * 40 + 8 : column * 40 + 32] = level
    find = DetectorOfPictures(Yolox(file, threads=1))
    boxes = torch.from_numpy(
        find([picture.permute(1, 2, 0).numpy()], threshold=0.46, nms_iou_threshold=0.45)[0]
    ).float()
    assert boxes[:, 4].tolist() == pytest.approx([1.0, 120 / 255], abs=1e-6)
    with torch.no_grad():
        people = PicturePersonModel(model, LAYOUT)(picture, matrix, boxes[:, :4])
    alone = torch.export.load(tmp_path / "picture.pt2").module()
    for found, expected in zip(alone(picture, matrix), (boxes, *people), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)
    nobody = alone(torch.zeros(3, 100, 80, dtype=torch.uint8), matrix)
    assert [tuple(each.shape) for each in nobody] == [(0, 5), (0, 4, 3), (0, 4, 2)]


@needs_shared
@pytest.mark.parametrize(
    ("name", "family", "size"), [("rtmdet_nano", "rtmdet", (320, 320)), ("yolox_nano", "yolox", (416, 416))]
)
def test_real_detectors_become_torch(name: str, family: Any, size: tuple[int, int]) -> None:
    pytest.importorskip("onnxscript")
    from models.detectors.exportable import ExportableDetector
    from models.detectors.opening import open_detector

    file = SHARED / "data" / "detectors" / f"{name}.onnx"
    capture = cv2.VideoCapture(str(SHARED / "data" / "pose2sim_single" / "videos" / "cam01.mp4"))
    _, frame = capture.read()
    capture.release()
    detector = open_detector(str(file), family=family, size=size, threads=1)
    expected = detector.find(np.asarray(frame, np.uint8), nms_iou=0.7)
    expected[:, 2:4] -= expected[:, :2]
    image = torch.from_numpy(np.ascontiguousarray(frame[..., ::-1])).permute(2, 0, 1)
    with torch.no_grad():
        found = ExportableDetector(file, family, size)(image).numpy()
    assert found.shape == expected.shape == (2, 5)  # the performer and the bystander
    # Pictures are reduced 4.6 and 6 times, each pixel rounded on its own: a third of a pixel of the input.
    np.testing.assert_allclose(found[:, :4], expected[:, :4], atol=2.0)
    np.testing.assert_allclose(found[:, 4], expected[:, 4], atol=0.02)
