"""People of recorded pictures: joints lie where the data sets' cameras put them, in crops of any camera."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from models.datasets.crop_set import CropSample, CropSet, CropSetWriter
from models.datasets.human36m_labels import read_labels
from models.datasets.human36m_multiview import Human36MMultiview, SampleOptions
from models.datasets.recorded_people import ROOM, Human36MPeople, TakePeople
from models.skeletons import get_skeleton
from models.training.metrabs_data import MetrabsData

SIDE = 120


def projection(view: int) -> np.ndarray:
    """(3, 4): a camera 3 m from the origin, level, at right angles to the next one."""
    angle = view * np.pi / 2
    R = np.array(
        [[-np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, -1.0], [-np.cos(angle), -np.sin(angle), 0.0]]
    )
    K = np.array([[180.0, 0.0, 59.5], [0.0, 180.0, 59.5], [0.0, 0.0, 1.0]])
    rows: np.ndarray = K @ np.column_stack([R, (0.0, 0.0, 3000.0)])
    return rows


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two instants before three cameras, the last held out; the nose is a white disc."""
    folder = tmp_path_factory.mktemp("takes") / "set"
    skeleton = get_skeleton("halpe_26")
    with CropSetWriter(folder, skeleton, ("c1", "c2", "c3"), ("c3",), SIDE) as writer:
        for number in range(2):
            joints = np.random.default_rng(number).uniform(-500.0, 500.0, (26, 3))
            pictures = []
            for view in range(3):
                picture = np.full((SIDE, SIDE, 3), 40, np.uint8)
                seen = projection(view) @ (*joints[0], 1.0)
                middle = tuple(np.rint(seen[:2] / seen[2] * 16).astype(int).tolist())
                cv2.circle(picture, middle, 4 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
                pictures.append(picture)
            known = joints.copy()
            known[5] = np.nan
            rows = np.stack([projection(view) for view in range(3)])
            points = np.zeros((3, 26, 3))
            sample = CropSample(tuple(pictures), rows, np.ones(3), known, points, joints, number, "a")
            writer.add(sample)
    return folder


def test_crops_of_takes_show_joints_where_they_are(takes: Path) -> None:
    people = TakePeople(CropSet(takes), np.arange(2))
    assert len(people) == 4  # the view held out is nobody's
    settings = {
        "split": "train",
        "crop_px": 96,
        "parts": [{"source": "takes", "count": 1, "settings": {"folder": str(takes), "val_share": 0.0}}],
        "augment": {"erased": 0.0, "colour": False},
    }
    batch = MetrabsData(settings, source="test", seed=0).batch(np.arange(12), 0)
    # Nobody knows the left shoulder, in a mirror the right one.
    assert (batch["valid"].sum(axis=1) == 25).all() and (batch["valid"][:, [5, 6]].sum(axis=1) == 1).all()
    checked = 0
    for picture, joints, intrinsics in zip(
        batch["images"], batch["joints"], batch["intrinsics"], strict=True
    ):
        nose = intrinsics @ joints[0]
        x, y = nose[:2] / nose[2]
        if 8 < x < 88 and 8 < y < 88:
            rows, columns = np.nonzero(picture[..., 0] > 150)
            # JPEG and a bilinear look: the disc's middle is known to a third of a pixel.
            np.testing.assert_allclose((columns.mean(), rows.mean()), (x, y), atol=0.5)
            checked += 1
    assert checked >= 6


def test_human36m_is_seen_by_its_own_cameras(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed")
    from tests.models.datasets.prepared import prepared_root

    root = prepared_root(tmp_path)
    labels = root / "extra" / "human36m-multiview-labels-GTbboxes.npy"
    people = Human36MPeople(root, labels, "train", picture_px=96)
    options = SampleOptions(image_shape=(96, 96), scale_box=ROOM)
    own = Human36MMultiview(root / "processed", read_labels(labels), "train", options)
    assert len(people) == int(own.present().sum())
    person = people.person(1, np.random.default_rng(0))
    expected = own.sample(0, (1,))
    pixels = expected.cameras[0].project(expected.keypoints[:, :3])
    # single precision of cameras some metres away
    np.testing.assert_allclose(person.camera.to_picture(person.joints), pixels, atol=0.01)
    batch = MetrabsData(
        {
            "split": "train",
            "crop_px": 64,
            "skeleton": "human36m_lt17",
            "parts": [{"source": "human36m", "count": 1, "settings": {"root": str(root), "picture_px": 128}}],
        },
        source="test",
        seed=0,
    ).batch(np.arange(2), 0)
    assert batch["valid"].all() and batch["images"].std() > 0.0
