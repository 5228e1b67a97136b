"""The Panoptic reader on files of the documented layout, of a made-up scene with known truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from configs.errors import BadInputError
from models.datasets.panoptic import Panoptic, PanopticOptions, read_bodies, read_cameras
from tests.models.datasets.tiny_panoptic import POSES, SIZE, TURN, joints_cm, write_sequence

SMALL = PanopticOptions(image_shape=(64, 64))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_sequence(tmp_path / "171204_pose1")


def test_units_are_mm_and_cameras_see_the_people(folder: Path) -> None:
    dataset = Panoptic(folder, SMALL)
    # Frame 2 has two people, frame 3 nobody, frame 4 one without a pelvis.
    assert [body.frame for body in dataset.bodies] == [0, 1]
    # Files hold four decimals of a centimetre.
    np.testing.assert_allclose(dataset.truth[0], joints_cm(0) * 10, atol=1e-3)
    assert [camera.name for camera in dataset.cameras] == ["00_00", "00_01", "00_02"]
    sample = dataset[0]
    assert sample.present.all()
    for view, camera in enumerate(dataset.cameras):
        box = sample.boxes[view, :4]
        ideal = camera.undistort(camera.project(dataset.truth[0]))
        expected = (ideal - box[:2]) * 64 / (box[2] - box[0])
        np.testing.assert_allclose(sample.cameras[view].project(dataset.truth[0]), expected, atol=2e-2)
        assert (expected > 0).all()
        assert (expected < 64).all()


def test_the_lens_is_removed(folder: Path) -> None:
    dataset = Panoptic(folder, SMALL)
    sample = dataset[0]
    # The picture has a dot at the distorted image of the first joint; the crop has it at the ideal one.
    moved_by = []
    for view, camera in enumerate(dataset.cameras):
        grey = sample.images[view].mean(axis=2)
        bright = np.maximum(grey - (grey.min() + grey.max()) / 2, 0)
        rows, columns = np.mgrid[:64, :64]
        found = np.array([(columns * bright).sum(), (rows * bright).sum()]) / bright.sum()
        expected = sample.cameras[view].project(dataset.truth[0][:1])[0]
        # Up to half a pixel each: drawing at whole pixels, and the camera without its half-pixel term.
        np.testing.assert_allclose(found, expected, atol=1.0)
        seen = camera.project(dataset.truth[0][:1])
        box = sample.boxes[view, :4]
        moved_by.append(np.linalg.norm(seen - camera.undistort(seen)) * 64 / (box[2] - box[0]))
    assert max(moved_by) > 2.0, "the lens moves the dot too little to tell"


def test_z_up_turns_people_and_cameras_alike(folder: Path) -> None:
    plain = Panoptic(folder, SMALL)
    turned = Panoptic(folder, PanopticOptions(image_shape=(64, 64), z_up=True))
    height = -plain.truth[0][:, 1]
    np.testing.assert_allclose(turned.truth[0][:, 2], height, atol=1e-9)
    for before, after in zip(plain.cameras, turned.cameras, strict=True):
        np.testing.assert_allclose(after.project(turned.truth[0]), before.project(plain.truth[0]), atol=1e-6)
    np.testing.assert_allclose(turned.truth[1], plain.truth[1] @ TURN.T, atol=1e-9)


def test_several_people_are_several_samples_when_asked_for(folder: Path) -> None:
    options = PanopticOptions(image_shape=(64, 64), single_person=False, every=2)
    assert [(body.frame, body.person) for body in Panoptic(folder, options).bodies] == [
        (0, 0),
        (2, 0),
        (2, 1),
    ]


def test_unsure_joints_are_unknown(folder: Path) -> None:
    body = read_bodies(folder / POSES / "body3DScene_00000004.json")[0]
    assert np.isnan(body.joints[2]).all()
    assert np.isfinite(body.joints[3]).all()


def _edit(path: Path, change: Any) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda content: content.pop("cameras"), "no list of cameras"),
        (lambda content: content["cameras"][1].pop("K"), "camera 1 is not as documented"),
        (lambda content: content["cameras"][0].update(R=[[2, 0, 0], [0, 1, 0], [0, 0, 1]]), "not a rotation"),
        (lambda content: content.update(cameras=content["cameras"][-1:]), "no HD camera"),
    ],
)
def test_bad_calibrations(folder: Path, change: Any, part: str) -> None:
    path = folder / "calibration_171204_pose1.json"
    _edit(path, change)
    with pytest.raises(BadInputError, match=part):
        read_cameras(path)


def test_bad_folders(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such folder"):
        Panoptic(tmp_path / "none")
    with pytest.raises(BadInputError, match="00_09"):
        Panoptic(folder, PanopticOptions(cameras=("00_09",)))
    pose = folder / POSES / "body3DScene_00000000.json"
    _edit(pose, lambda content: content["bodies"][0].update(joints15=content["bodies"][0].pop("joints19")))
    with pytest.raises(BadInputError, match="joints19"):
        Panoptic(folder)
    pose.write_text("{")
    with pytest.raises(BadInputError, match="JSON"):
        Panoptic(folder)
    for path in (folder / POSES).iterdir():
        path.unlink()
    with pytest.raises(BadInputError, match="shows nobody"):
        Panoptic(folder)
    (folder / POSES).rmdir()
    with pytest.raises(BadInputError, match="holds no poses"):
        Panoptic(folder)
    (folder / "calibration_171204_pose1.json").unlink()
    with pytest.raises(BadInputError, match="no such file"):
        Panoptic(folder)


def test_pictures_have_the_size_of_the_calibration(folder: Path) -> None:
    picture = cv2.imread(str(folder / "hdImgs" / "00_00" / "00_00_00000000.jpg"))
    assert picture.shape[1::-1] == SIZE
