"""RTMPose pipelines: from pictures of people made of dots to joints in space, and without weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.session.pipelines import missing_models, models_of
from configs.errors import BadInputError
from pipeline.estimation.estimator import build_estimator
from pipeline.estimation.pipeline_config import PipelineConfig, load_pipeline, pipeline_names

pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
pytest.importorskip("onnx")

from models.simulation.studio import Studio, StudioConfig
from tests.models.keypoints.rtmpose.dots import JOINTS, RADIUS, SIZE
from tests.support.onnx_networks import (
    FIRST_LEVEL,
    LEVEL_STEP,
    constant_detector,
    dot_simcc,
)

PIPELINES = ("rtmpose", "rtmpose_light", "rtmpose_wholebody")
WIDTH, HEIGHT = 1280, 960


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(StudioConfig(cameras=4, size=(WIDTH, HEIGHT)))


@pytest.mark.parametrize("name", PIPELINES)
def test_they_are_there_and_say_what_they_lack(
    name: str, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSESTAGE_MODELS", str(tmp_path))
    assert name in pipeline_names()
    config = load_pipeline(name)
    pose, detector = config.keypoints["pose"], config.keypoints["detector"]
    assert set(models_of(config)) == {pose, detector}
    assert set(missing_models(config)) == {pose, detector}  # what the desktop offers to fetch
    with pytest.raises(
        BadInputError, match=f"{pose} and {detector} are not .* models fetch {pose} && .*{detector}"
    ):
        build_estimator(config, studio.rig)


def test_dots_in_four_views_become_joints_in_space(studio: Studio, tmp_path: Path) -> None:
    step = np.arange(JOINTS)
    # Heights differ by 110 mm, so that no dot hides another in views from about the same height.
    truth = np.column_stack(
        [250 * np.sin(2.4 * step), 250 * np.cos(2.4 * step), 150 + 110.0 * ((step * 7) % JOINTS)]
    )
    pixels = studio.rig.project(truth)
    images = []
    for view in pixels:
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for joint, (x, y) in enumerate(np.round(view).astype(int)):
            rows, columns = slice(y - RADIUS, y + RADIUS + 1), slice(x - RADIUS, x + RADIUS + 1)
            image[rows, columns, 1:] = FIRST_LEVEL + joint * LEVEL_STEP, 255
        images.append(image)
    whole = np.array(
        [[pixels[..., 0].min(), pixels[..., 1].min(), pixels[..., 0].max(), pixels[..., 1].max(), 0.9]]
    )
    whole[:, :4] *= 640 / WIDTH  # px of the detector's input
    constant_detector(tmp_path / "d.onnx", whole, 640)
    dot_simcc(tmp_path / "p.onnx", JOINTS, (4 * SIZE[0], 4 * SIZE[1]))
    config = PipelineConfig.model_validate(
        {
            "name": "dots",
            "keypoints": {
                "type": "rtmpose",
                "pose": str(tmp_path / "p.onnx"),
                "skeleton": "coco_17",
                "detector": str(tmp_path / "d.onnx"),
                "detector_family": "yolox",
                "device": "cpu",
                "threads": 1,
            },
            "mirror_repair": None,
            "smoothing": None,
        }
    )
    estimator = build_estimator(config, studio.rig)
    try:
        assert estimator.device == "cpu"
        assert set(estimator.description()["keypoints"]["sha256"]) == {"p.onnx", "d.onnx"}
        for instant in range(3):
            frame = estimator.estimate(images, [instant] * len(images), instant)
    finally:
        estimator.close()
    assert frame.skeleton.name == "coco_17" and frame.person.tolist() == [0]
    # A keypoint lies at its dot's first crop pixel: half a dot and a crop pixel beside the true one.
    pixel = 1.25 * max(np.ptp(pixels[..., 0]) / (4 * SIZE[0]), np.ptp(pixels[..., 1]) / (4 * SIZE[1]))
    off_px = (RADIUS + pixel) * np.sqrt(2)
    depth = np.linalg.norm([camera.position for camera in studio.rig.cameras], axis=1).max()
    focal = min(camera.K[0, 0] for camera in studio.rig.cameras)
    error = np.linalg.norm(frame.joints[0] - truth, axis=1)
    assert error.max() < off_px * depth / focal
