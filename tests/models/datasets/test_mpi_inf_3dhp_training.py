"""The training set of MPI-INF-3DHP: cameras, chosen frames, pictures out of videos, people in crops."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from app.cli.main import main
from configs.errors import BadInputError
from models.datasets.mpi_inf_3dhp_people import Mpi3dhpPeople
from models.datasets.mpi_inf_3dhp_training import read_cameras, read_training
from models.training.metrabs_data import MetrabsData
from tests.models.datasets import tiny_pictures


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wild") / "mpi_inf_3dhp"
    tiny_pictures.mpi_inf_3dhp(folder)
    assert main(["prepare", "mpi_inf_3dhp", str(folder)]) == 0
    return folder


def test_cameras_explain_the_annotations(root: Path) -> None:
    views = read_training(root, "train")
    assert [view.camera for view in views] == [0, 1]  # number 3 is at the ceiling
    for view in views:
        np.testing.assert_allclose(
            view.seen_by.to_picture(view.joints @ view.seen_by.rotation + view.seen_by.centre),
            view.pixels,
            atol=1e-3,  # seven digits of the calibration
        )
        np.testing.assert_allclose(view.universal, 0.9 * view.joints)
    assert read_training(root, "val")[0].folder.parent.name == "S8"


def test_frames_are_those_in_which_somebody_moved(root: Path) -> None:
    view = read_training(root, "train")[0]
    # 400 mm in 30 frames: 66.7 mm in five, so every second of frames 0, 5, 10 ... has moved 100 mm.
    assert view.frames() == [0, 10, 20, 30]
    assert view.frames(every=5, moved_mm=0.0) == [0, 5, 10, 15, 20, 25, 30]
    view.pixels[10, 4, 0] = -1.0  # a wrist out of sight
    assert view.frames() == [0, 15, 25]


def test_pictures_are_made_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg"))
    assert len(files) == 16
    assert files[:2] == [
        "S1/Seq1/imageSequence/video_0/frame_000001.jpg",
        "S1/Seq1/imageSequence/video_0/frame_000011.jpg",
    ]
    (root / files[1]).unlink()
    assert main(["prepare", "mpi_inf_3dhp", str(root)]) == 0
    assert "wrote 1 pictures" in capsys.readouterr().out


@pytest.mark.parametrize("universal", [False, True])
def test_crops_show_wrists_where_they_are(root: Path, universal: bool) -> None:
    part = {"source": "mpi_inf_3dhp", "count": 1, "settings": {"root": str(root), "universal": universal}}
    settings = {
        "split": "train",
        "crop_px": 128,
        "skeleton": "mpi_inf_3dhp_17",
        "parts": [part],
        "augment": {"erased": 0.0, "colour": False},
    }
    data = MetrabsData(settings, source="test", seed=0)
    assert data.people == 8
    batch = data.batch(np.arange(8), 0)
    assert batch["valid"].all()
    left, right = (data.skeleton.index(f"{side}_wrist") for side in ("left", "right"))
    straight = mirrored = 0
    for picture, joints, intrinsics in zip(
        batch["images"], batch["joints"], batch["intrinsics"], strict=True
    ):
        pixels = joints @ intrinsics.T
        pixels = pixels[:, :2] / pixels[:, 2:]
        # Somebody who faces the camera has the left wrist on the right, in a mirror as well.
        assert pixels[left, 0] > pixels[right, 0]
        red, blue = (
            tiny_pictures.middle_of(picture, f"{side}_wrist", rgb=True) for side in ("left", "right")
        )
        if red is not None and blue is not None and (np.abs(pixels[[left, right]] - 64.0) < 56.0).all():
            order = [left, right] if red[0] > blue[0] else [right, left]
            # Chroma of half the resolution, twice compressed: a disc of 6 px is found to about a pixel.
            np.testing.assert_allclose([red, blue], pixels[order], atol=1.2)
            straight, mirrored = straight + (order[0] == left), mirrored + (order[0] == right)
        depth = joints[:, 2].mean()
        assert 3300.0 * (0.9 if universal else 1.0) == pytest.approx(depth, rel=0.08)
    assert straight >= 2 and mirrored >= 2


def test_files_that_will_not_do(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "copy"
    shutil.copytree(root / "S1", other / "S1")
    with pytest.raises(BadInputError, match=r"holds no S.../Seq1/annot.mat of S8"):
        read_training(other, "val")
    folder = other / "S1" / "Seq1"
    calibration = (folder / "camera.calibration").read_text()
    for old, new, words in (
        ("name ", "title ", "names no camera"),
        ("intrinsic", "inner", "intrinsic: has not 16 numbers in camera 0"),
        ("size        320", "size        wide", "line 4 is not of numbers"),
        ("extrinsic   ", "extrinsic   7", "is no rotation in camera 0"),
    ):
        (tmp_path / "changed").write_text(calibration.replace(old, new))
        with pytest.raises(BadInputError, match=words):
            read_cameras(tmp_path / "changed")
    shutil.rmtree(folder / "imageSequence" / "video_0")
    with pytest.raises(BadInputError, match=r"launch\.py prepare mpi_inf_3dhp"):
        Mpi3dhpPeople(other, "train")
    video = folder / "imageSequence" / "video_0.avi"
    video.write_bytes(video.read_bytes()[:3000])
    assert main(["prepare", "mpi_inf_3dhp", str(other)]) == 2
    assert "video_0.avi: " in capsys.readouterr().err
    video.unlink()
    assert main(["prepare", "mpi_inf_3dhp", str(other)]) == 2
    assert "video_0.avi: no such video" in capsys.readouterr().err
    (folder / "annot.mat").write_bytes(b"no matrix")
    with pytest.raises(BadInputError, match=r"annot\.mat: is damaged"):
        read_training(other, "train")
    assert main(["prepare", "mpi_inf_3dhp", str(tmp_path / "nowhere")]) == 2
