"""People labelled in pictures: who is read from the files of COCO and MPII, and what is said of bad ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.errors import BadInputError
from models.datasets.picture_labels import LEAST_PX, PictureSettings, read_labels
from tests.models.datasets import tiny_pictures


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    root = tmp_path_factory.mktemp("pictures") / "coco"
    return root, tiny_pictures.coco(root)


@pytest.fixture(scope="module")
def mpii(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    root = tmp_path_factory.mktemp("pictures") / "mpii"
    return root, tiny_pictures.mpii(root)


@pytest.mark.parametrize("part", ["train", "val"])
def test_coco_leaves_out_who_cannot_be_learnt_from(
    coco: tuple[Path, dict[str, np.ndarray]], part: str
) -> None:
    """Of nine annotations four stay: no crowd, nobody unlabelled, hardly labelled, tiny or no person."""
    root, truth = coco
    found = read_labels("coco", PictureSettings(root=str(root)), part)
    assert [path.name for path in found.pictures] == [f"{number:012d}.jpg" for number in (1, 2, 3, 4)]
    assert all(path.parent.name == f"{part}2017" for path in found.pictures)
    labelled = np.arange(17) != 1
    np.testing.assert_allclose(found.joints[:, labelled], truth[part][:, labelled])
    assert np.isnan(found.joints[:, 1]).all()
    hidden = ~found.visible[0] & labelled
    assert np.flatnonzero(hidden).tolist() == [3]
    np.testing.assert_allclose(found.boxes[:, :2], truth[part].min(axis=1) - 5.0)
    assert (found.boxes[:, 2:].max(axis=1) >= LEAST_PX).all()


def test_what_is_enough_can_be_changed(coco: tuple[Path, dict[str, np.ndarray]]) -> None:
    root, _ = coco
    for change, expected in (({"least_joints": 5}, 5), ({"least_px": 20.0}, 5), ({"least_px": 135.0}, 2)):
        found = read_labels("coco", PictureSettings.model_validate({"root": str(root), **change}), "train")
        assert len(found) == expected
    with pytest.raises(BadInputError, match="none of 6 people has 17 labels"):
        read_labels("coco", PictureSettings(root=str(root), least_joints=17), "train")


def test_both_forms_of_mpii_say_the_same(mpii: tuple[Path, np.ndarray]) -> None:
    root, truth = mpii
    as_json = read_labels("mpii", PictureSettings(root=str(root)), "train")
    known = np.arange(16) != 9
    np.testing.assert_allclose(as_json.joints[:, known], truth[:, known], atol=1e-9)
    assert np.isnan(as_json.joints[:, 9]).all() and not as_json.visible[:, 9].any()
    np.testing.assert_allclose(as_json.boxes[:, 2:], 160.0)  # 200 px of a person of scale 1
    middle = as_json.boxes[:, :2] + as_json.boxes[:, 2:] / 2.0
    # The generator puts the centre 10 px over the middle; published boxes are 0.075 of 160 px lower.
    np.testing.assert_allclose(middle, (truth.max(axis=1) + truth.min(axis=1)) / 2.0 + (0.0, 2.0))
    matlab = PictureSettings(root=str(root), annotations=str(root / "mpii_human_pose_v1_u12_1.mat"))
    for part, rows in (("train", [1, 3]), ("val", [0, 2])):
        found = read_labels("mpii", matlab, part)
        assert [path.name for path in found.pictures] == [as_json.pictures[row].name for row in rows]
        np.testing.assert_allclose(found.joints, as_json.joints[rows], atol=1e-9)
        np.testing.assert_allclose(found.boxes, as_json.boxes[rows], atol=1e-9)
        assert np.flatnonzero(~found.visible[0]).tolist() == [0, 9]  # an ankle is hidden
    (root / "annot").rename(root / "elsewhere")
    try:  # without the other form the published file is taken by itself
        assert len(read_labels("mpii", PictureSettings(root=str(root)), "val")) == 2
    finally:
        (root / "elsewhere").rename(root / "annot")


def _coco_with(root: Path, change: dict[str, Any]) -> Path:
    content = json.loads((root / "annotations" / "person_keypoints_train2017.json").read_text())
    content.update(change)
    path = root / "changed.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"annotations": None}, "Expected `array`, got `null` - at `\\$.annotations`"),
        ({"categories": []}, "categories: has not the keypoints"),
        ({"annotations": [{"image_id": 100, "bbox": [1, 2, 90, 90], "keypoints": [1, 2, 2]}]}, "17 times"),
        (
            {"annotations": [{"image_id": 9, "bbox": [1, 2, 90, 90], "keypoints": [1, 2, 2] * 17}]},
            "image_id = 9",
        ),
        ({"annotations": [{"image_id": 100, "keypoints": [1, 2, 2] * 17}]}, "bbox"),
        ({"images": [{"id": 100 + n, "file_name": f"{n}.jpg"} for n in range(4)]}, "0.jpg: no such picture"),
    ],
)
def test_files_of_coco_that_will_not_do(
    coco: tuple[Path, dict[str, np.ndarray]], change: dict[str, Any], words: str
) -> None:
    path = _coco_with(coco[0], change)
    with pytest.raises(BadInputError, match=words):
        read_labels("coco", PictureSettings(root=str(coco[0]), annotations=str(path)), "train")


def test_folders_and_files_that_are_not_there(
    coco: tuple[Path, dict[str, np.ndarray]], mpii: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    nowhere = str(tmp_path / "nowhere")
    with pytest.raises(BadInputError, match=r"person_keypoints_train2017\.json: no such file"):
        read_labels("coco", PictureSettings(root=nowhere), "train")
    with pytest.raises(BadInputError, match=r"annot/valid\.json or mpii_human_pose_v1_u12_1\.mat"):
        read_labels("mpii", PictureSettings(root=nowhere), "val")
    for kind, root in (("coco", coco[0]), ("mpii", mpii[0])):
        with pytest.raises(BadInputError, match="no such folder of pictures"):
            read_labels(kind, PictureSettings(root=str(root), pictures=nowhere), "train")  # type: ignore[arg-type]
    with pytest.raises(BadInputError, match="allowed: train, val"):
        read_labels("coco", PictureSettings(root=str(coco[0])), "studio")
    for name, content, words in (
        ("cut.mat", (mpii[0] / "mpii_human_pose_v1_u12_1.mat").read_bytes()[:900], "none of MPII's"),
        ("cut.json", b'[{"image": "a.jpg", "cen', "as json"),
        (
            "short.json",
            b'[{"image": "a", "center": [1, 2], "scale": 1, "joints": [], "joints_vis": []}]',
            "16",
        ),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInputError, match=words):
            read_labels("mpii", PictureSettings(root=str(mpii[0]), annotations=str(tmp_path / name)), "train")
