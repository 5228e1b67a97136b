"""Crops of takes: where they come from, what is believed about them, and what holding out a camera means."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from app.cli.main import main
from configs.errors import BadInputError
from models.datasets.crop_set import SAMPLES, CropSet
from models.skeletons import get_skeleton
from pipeline.take.crops import CropsConfig, write_crops
from pipeline.take.poses_file import read_poses
from pipeline.take.take import Take
from tests.pipeline.take.synthetic_take import NOISE_PX, make_take

SIZES = [(320, 240), (320, 240), (240, 320), (320, 240)]
FRAMES = 8
SMALL = CropsConfig(crop_px=96)


@pytest.fixture(scope="module")
def take(tmp_path_factory) -> Take:
    folder = tmp_path_factory.mktemp("takes") / "walk"
    return Take.open(make_take(folder, sizes=SIZES, frames=FRAMES, truth=True, dropped={"cam2": {3}}))


@pytest.fixture(scope="module")
def crops(take, tmp_path_factory) -> CropSet:
    folder = tmp_path_factory.mktemp("crops") / "set"
    written = write_crops([take], folder, SMALL)
    found = CropSet(folder)
    assert (written.samples, written.pictures) == (FRAMES, FRAMES * 4 - 1)
    assert written.joints_per_sample == 26
    assert len(found) == FRAMES
    return found


def in_crops(crops: CropSet, joints: np.ndarray) -> np.ndarray:
    """(N, V, J, 2) px."""
    homogeneous = np.einsum("nvij,nkj->nvki", crops.projections[..., :3], joints)
    homogeneous += crops.projections[:, :, None, :, 3]
    return homogeneous[..., :2] / homogeneous[..., 2:]


def test_joints_lie_where_the_pictures_show_them(crops) -> None:
    places = in_crops(crops, crops.truth)
    skeleton = get_skeleton("halpe_26")
    missed = 0
    for number in range(len(crops)):
        sample = crops[number]
        for view, picture in enumerate(sample.pictures):
            if picture is None:
                assert (number, view) == (3, 1)
                continue
            grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            for first, second in (("left_shoulder", "left_elbow"), ("right_hip", "right_knee")):
                ends = places[number, view][[skeleton.joints.index(first), skeleton.joints.index(second)]]
                column, row = np.rint(ends.mean(axis=0)).astype(int)
                # the stick is drawn at three levels of its own, the room behind at equal ones of 70 to 130
                missed += grey[row, column] < 140
    # a stick is 5 px of the picture, some 3 px of the crop; JPEG may dim one
    assert missed <= 2


def test_what_the_teacher_saw_is_said_in_px_of_the_crop(crops) -> None:
    places = in_crops(crops, crops.truth)
    apart = np.linalg.norm(crops.points[..., :2] - places, axis=-1) * crops.scale[..., None]
    there = crops.present
    # noise of one px along both axes: the mean distance of a Rayleigh distribution
    assert apart[there].mean() == pytest.approx(NOISE_PX * np.sqrt(np.pi / 2), rel=0.1)
    assert np.isnan(crops.projections[3, 1]).all()


def test_who_is_held_out_has_no_part_in_the_joints(take, tmp_path) -> None:
    folder = tmp_path / "changed"
    changed = Take.open(make_take(folder, sizes=SIZES, frames=FRAMES, truth=True))
    poses = dict(np.load(folder / "poses.npz"))
    poses["keypoints"][:, :, 3, :, :2] += 40.0  # what cam4 says is wrong
    np.savez(folder / "poses.npz", **poses)
    assert read_poses(folder / "poses.npz").keypoints.shape[2] == 4
    write_crops([changed], tmp_path / "set", CropsConfig(crop_px=96, held_out=("cam4",)))
    crops = CropSet(tmp_path / "set")
    assert crops.held_out.tolist() == [False, False, False, True]
    apart = np.linalg.norm(crops.joints - crops.truth, axis=-1)
    # 1 px at 4 m and 288 px of focal length is 14 mm
    assert np.nanmean(apart) < 20.0
    wrong = np.linalg.norm(crops.points[:, 3, :, :2] - in_crops(crops, crops.truth)[:, 3], axis=-1)
    assert (wrong * crops.scale[:, 3, None]).mean() > 50.0


def test_unsure_joints_are_left_out(take, tmp_path) -> None:
    # a body of which all joints are unsure is no sample
    with pytest.raises(BadInputError, match="nobody was seen surely enough"):
        write_crops([take], tmp_path / "none", CropsConfig(crop_px=96, max_uncertainty_mm=1.0))
    assert not (tmp_path / "none" / SAMPLES).exists()
    # 5 mm along each axis is what the synthetic take says of its joints
    write_crops([take], tmp_path / "some", CropsConfig(crop_px=96, max_uncertainty_mm=9.0, every=4))
    assert len(CropSet(tmp_path / "some")) == 2


def test_wrong_takes_and_options_are_explained(take, tmp_path) -> None:
    def said(takes, **settings) -> str:
        with pytest.raises(BadInputError) as error:
            write_crops(takes, tmp_path / "set", CropsConfig(crop_px=96, **settings))
        assert not (tmp_path / "set").exists()
        return str(error.value)

    bare = Take.open(make_take(tmp_path / "bare", frames=2, poses=False))
    assert "has no poses" in said([bare])
    uncalibrated = Take.open(make_take(tmp_path / "uncalibrated", frames=2, calibrated=False))
    assert "has no calibration" in said([uncalibrated])
    other = Take.open(make_take(tmp_path / "other", frames=2))
    assert "has other cameras than the first take" in said([take, other])
    assert "no such camera" in said([take], held_out=("cam9",))
    assert "leaves 1 cameras" in said([take], held_out=("cam1", "cam2", "cam3"))


def test_damaged_sets_are_explained(crops, tmp_path) -> None:
    with pytest.raises(BadInputError, match=r"no samples\.npz"):
        CropSet(tmp_path)
    (tmp_path / SAMPLES).write_bytes(b"nothing of the kind")
    with pytest.raises(BadInputError, match="is damaged"):
        CropSet(tmp_path)
    arrays = dict(np.load(crops.folder / SAMPLES))
    np.savez(tmp_path / SAMPLES, **{**arrays, "scale": arrays["scale"][:, :2]})
    with pytest.raises(BadInputError, match="scale has the shape"):
        CropSet(tmp_path)
    np.savez(tmp_path / SAMPLES, **arrays)
    with pytest.raises(BadInputError, match="is missing"):
        CropSet(tmp_path)[0]


def test_from_the_command_line(take, tmp_path, capsys) -> None:
    words = ["prepare", "takes", str(take.folder), "--held-out", "cam4", "--crop", "96", "--out"]
    assert main([*words, str(tmp_path / "set"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["samples"] == FRAMES
    assert main([*words, str(tmp_path / "set")]) == 2
    assert "already" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "no" / "set")]) == 2
    assert main(["prepare", "takes", str(tmp_path), "--out", str(tmp_path / "other")]) == 2
