"""Recordings as training data: parts, geometry of what is shown, and the judge that held-out views are."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from app.cli.main import main  # noqa: E402
from configs.errors import BadInputError  # noqa: E402
from models.backbones.studio_lite import StudioLite  # noqa: E402
from models.checkpoints.writing import ModelCard, write_checkpoint  # noqa: E402
from models.datasets.crop_set import ROOM, CropSample, CropSet, CropSetWriter  # noqa: E402
from models.evaluation.crop_pictures import TEACHER  # noqa: E402
from models.evaluation.crop_views import _errors  # noqa: E402
from models.skeletons import get_skeleton  # noqa: E402
from models.training.crops_data import CropsData, crop_warp, part_of, warped  # noqa: E402

SKELETON = get_skeleton("halpe_26")
STORED, VIEWS, COUNT = 96, 3, 10
TAKES = ("a",) * 6 + ("b",) * 4


def camera(view: int) -> np.ndarray:
    """(3, 4): orthogonal directions around a body at the origin, 3 m away, 1.8 m across a crop."""
    angle = 2 * np.pi * view / VIEWS
    R = np.array(
        [[-np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, -1.0], [-np.cos(angle), -np.sin(angle), 0.0]]
    )
    focal = STORED / 1800.0 * 3000.0
    K = np.array([[focal, 0.0, (STORED - 1) / 2], [0.0, focal, (STORED - 1) / 2], [0.0, 0.0, 1.0]])
    return K @ np.column_stack([R, (0.0, 0.0, 3000.0)])


def body(number: int) -> np.ndarray:
    return np.random.default_rng(number).uniform(-450.0, 450.0, (len(SKELETON), 3))


def seen(joints: np.ndarray, projection: np.ndarray) -> np.ndarray:
    homogeneous = joints @ projection[:, :3].T + projection[:, 3]
    return homogeneous[:, :2] / homogeneous[:, 2:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crops") / "set"
    random = np.random.default_rng(9)
    with CropSetWriter(folder, SKELETON, ("c1", "c2", "c3"), ("c3",), STORED) as writer:
        for number in range(COUNT):
            joints, pictures, points = body(number), [], np.ones((VIEWS, len(SKELETON), 3))
            for view in range(VIEWS):
                places = seen(joints, camera(view))
                picture = np.full((STORED, STORED, 3), 40, np.uint8)
                # the first joint is a white disc with its middle between pixels (4 bits of fraction)
                middle = tuple(np.rint(places[0] * 16).astype(int).tolist())
                cv2.circle(picture, middle, 5 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
                pictures.append(None if (number, view) == (1, 0) else picture)
                points[view, :, :2] = places + random.normal(0.0, 1.0, places.shape)
            known = joints.copy()
            known[5] = np.nan
            writer.add(
                CropSample(
                    tuple(pictures), np.stack([camera(view) for view in range(VIEWS)]), np.full(VIEWS, 2.0),
                    known, points, joints, 1000 * number, TAKES[number],
                )
            )  # fmt: skip
    return folder


def data(where, **settings) -> CropsData:
    return CropsData({"folder": str(where), "crop_px": 64, **settings}, source="a test", seed=4)


def disc(picture: np.ndarray) -> np.ndarray:
    level = np.clip(picture.astype(float).mean(axis=2) - 128, 0, None)
    rows, columns = np.mgrid[: len(level), : len(level)]
    return np.array([(level * columns).sum(), (level * rows).sum()]) / level.sum()


def test_the_last_instants_of_every_take_are_kept_for_validation(folder) -> None:
    crops = CropSet(folder)
    assert part_of(crops, "val", 0.3).tolist() == [4, 5, 9]
    assert part_of(crops, "train", 0.3).tolist() == [0, 1, 2, 3, 6, 7, 8]
    assert len(part_of(crops, "all", 0.3)) == COUNT
    assert not len(part_of(crops, "val", 0.0))


@pytest.mark.parametrize("vary", [False, True])
def test_cameras_move_with_the_pictures(folder, vary) -> None:
    found = data(folder, part="all", vary=False)
    if vary:  # geometry alone: light and noise would move the disc's middle
        crops, random = CropSet(folder), np.random.default_rng(0)
        for number in range(2, 6):
            warp = crop_warp(STORED, 64, random)
            picture = warped(crops[number].pictures[0], warp, 64)
            where = warp @ np.append(seen(body(number), camera(0))[0], 1.0)
            if ((where > 6) & (where < 57)).all():
                assert np.abs(disc(picture) - where).max() < 0.15  # grey levels are whole numbers
        return
    batch = found.batch(np.arange(2, 6), 0)
    for row in range(4):
        for view in range(2):
            where = seen(batch["keypoints"][row], batch["projections"][row, view])[0]
            if ((where > 6) & (where < 57)).all():
                assert np.abs(disc(batch["images"][row, view]) - where).max() < 0.15


def test_the_middle_is_what_a_network_sees_live() -> None:
    warp = crop_warp(STORED, 64, None)
    middle = (STORED - 1) / 2
    assert warp @ (middle, middle, 1.0) == pytest.approx((31.5, 31.5))
    half = STORED / ROOM / 2  # from the middle to the border of the square
    assert warp @ (middle - half, middle, 1.0) == pytest.approx((-0.5, 31.5))


def test_batches(folder) -> None:
    found = data(folder, part="all")
    batch = found.batch(np.array([0, 1]), 3)
    assert batch["images"].shape == (2, 2, 64, 64, 3)  # the view that is held out is not shown
    assert batch["present"].tolist() == [[True, True], [True, False]]
    assert not batch["images"][1, 1].any()
    assert np.isfinite(batch["projections"]).all()
    assert batch["validity"][0, :, 0].sum() == len(SKELETON) - 1
    again = data(folder, part="all").batch(np.array([0, 1]), 3)
    other = found.batch(np.array([0, 1]), 4)
    assert all(np.array_equal(batch[name], again[name]) for name in batch)
    assert not np.array_equal(batch["projections"], other["projections"])
    assert data(folder, part="all", held_out=True).batch(np.array([0]), 0)["images"].shape[1] == 3


def test_a_share_may_come_from_the_simulated_studio(folder) -> None:
    found = data(folder, part="all", simulated=0.5, bodies=1)
    found.prepare()
    batch = found.batch(np.arange(8), 0)
    # nobody's joint is unknown in the studio, and one is in every recorded sample
    simulated = batch["validity"].all(axis=(1, 2))
    assert 0 < simulated.sum() < 8
    assert batch["images"].shape == (8, 2, 64, 64, 3)


def test_wrong_settings_are_explained(folder, tmp_path) -> None:
    for settings, words in (
        ({"views": 3}, "more than there are"),
        ({"part": "val", "val_share": 0.0}, "no samples are left"),
        ({"folder": str(tmp_path)}, "prepare takes"),
        ({"crop_px": 65}, "crop_px"),
    ):
        with pytest.raises(BadInputError, match=words):
            data(folder, **settings)


def test_true_poses_leave_the_noise_of_the_judge(folder) -> None:
    crops, numbers = CropSet(folder), np.arange(COUNT)
    errors = _errors(crops, numbers, np.stack([body(number) for number in numbers]))
    # one px of the crop is two of the picture; the mean of a Rayleigh distribution
    expected = 2.0 * np.sqrt(np.pi / 2)
    assert errors.held_out_px["mean"] == pytest.approx(expected, rel=0.12)
    assert errors.truth_mm == pytest.approx(0.0, abs=1e-6)
    assert errors.teacher_truth_mm == pytest.approx(0.0, abs=1e-6)
    moved = np.stack([body(number) + np.array([0.0, 0.0, 100.0]) for number in numbers])
    worse = _errors(crops, numbers, moved)
    # 100 mm upwards at 3 m: 100 * 160 / 3000 px of the crop
    assert worse.held_out_px["mean"] == pytest.approx(2.0 * 100 * 160 / 3000, rel=0.15)
    assert worse.truth_mm == pytest.approx(100.0)


def test_training_and_judging_from_the_command_line(folder, tmp_path, capsys) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    settings = {"joints": 26, "width": 1.0, "alg_confidences": True, "vol_confidences": False}
    card = ModelCard(architecture="studio_lite", settings=settings, skeleton="halpe_26", source="a test")
    start = tmp_path / "start.safetensors"
    write_checkpoint(start, StudioLite().state_dict(), card)
    words = [
        f"network.weights={start}",
        "steps=2",
        "batch=2",
        "validate_every=2",
        "save_every=2",
        "workers=0",
    ]
    words += [
        f"{part}.settings.{key}"
        for part in ("data", "validation")
        for key in (f"folder={folder}", "crop_px=64")
    ]
    words += ["data.settings.simulated=0"]
    assignments = [word for each in words for word in ("--set", each)]
    config = ["--config", "configs/train/studio_lite_own_takes.yaml"]
    assert main(["train", *config, *assignments, "--out", str(tmp_path / "run"), "--json"]) == 0
    trained = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert trained["steps"] == 2
    weights = str(tmp_path / "run" / "last.safetensors")
    sheet = tmp_path / "sheet.png"
    words = ["evaluate", "crops", str(folder), "--weights", weights, "--crop", "64"]
    assert main([*words, "--pictures", str(sheet), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    shown = cv2.imread(str(sheet))
    side = CropSet(folder).crop_px
    assert shown.shape == (3 * side, 3 * side, 3)  # three samples, three cameras
    assert (abs(shown.astype(int) - TEACHER).max(axis=-1) < 30).any()  # smoothed edges are a little darker
    assert main([*words, "--pictures", str(tmp_path / "sheet.xyz")]) == 2
    assert "sheet.xyz: cannot be written as a picture" in capsys.readouterr().err
    assert result["samples"] == 3
    assert result["held_out_px"]["mean"] > 0
    assert set(result["by_view"]) == {"c1", "c2", "c3"}
    assert main(["evaluate", "crops", str(folder), "--weights", weights, "--crop", "65"]) == 2
