"""Labelled crops of the simulated studio: deterministic, split cleanly, and labelled rightly."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.camera import Camera
from models.datasets.simulated_studio import SimulatedStudio, SimulatedStudioConfig
from models.simulation.crop_camera import crop_to
from models.simulation.crop_picture import CropPicture, room_behind
from models.simulation.studio import Studio, StudioConfig

SMALL = SimulatedStudioConfig(crop_px=96, views=3, bodies=1, samples=10)


@pytest.fixture(scope="module")
def data() -> dict[str, SimulatedStudio]:
    return {split: SimulatedStudio(SMALL, split) for split in ("train", "val", "studio")}


def pixels(sample: dict, view: int) -> np.ndarray:
    homogeneous = (
        sample["keypoints"] @ sample["projections"][view][:, :3].T + sample["projections"][view][:, 3]
    )
    return homogeneous[:, :2] / homogeneous[:, 2:]


def test_the_same_place_gives_the_same_sample_whoever_asks(data) -> None:
    again = SimulatedStudio(SMALL, "train")
    again[7]  # what was asked for before does not matter
    first, second = data["train"][3], again[3]
    assert first.keys() == second.keys()
    for name in first:
        assert np.array_equal(first[name], second[name]), name


def test_shapes_and_types(data) -> None:
    sample = data["train"][0]
    assert sample["images"].shape == (3, 96, 96, 3)
    assert sample["images"].dtype == np.uint8
    assert sample["projections"].shape == (3, 3, 4)
    assert sample["keypoints"].shape == (26, 3)
    assert sample["visible"].shape == (3, 26)
    assert sample["present"].all()
    assert len(data["train"]) == 10


def test_splits_share_nothing(data) -> None:
    keypoints = [data[split][5]["keypoints"] for split in data]
    heights = {round(data[split].figure(0).anatomy.height, 6) for split in data}
    assert len(heights) == 3
    assert not np.allclose(keypoints[0], keypoints[1])
    assert not np.allclose(keypoints[1], keypoints[2])


def test_views_can_be_left_out() -> None:
    config = SMALL.model_copy(update={"views": 4, "least_views": 2})
    studio = SimulatedStudio(config, "train")
    counts = {int(studio[index]["present"].sum()) for index in range(12)}
    assert counts <= {2, 3, 4}
    assert len(counts) > 1


def test_joints_lie_on_the_person(data) -> None:
    # In the studio's look everybody stands whole in the crop, and the crop is cut around them.
    for index in range(3):
        sample = data["studio"][index]
        for view in range(3):
            found = pixels(sample, view)
            assert (found > 0).all()
            assert (found < 95).all()
            # cut with a margin of 1.25, changed by 3 %, so the extent is some 80 % of the crop
            assert 60 < np.ptp(found, axis=0).max() < 92
            assert sample["visible"][view].sum() >= 12


def test_a_crop_shows_what_the_studio_shows() -> None:
    """The crop of a camera is the studio's own picture of the same instant, resampled."""
    studio = Studio(StudioConfig(seed=4, noise=0.0, blur_px=0.0, size=(640, 480)))
    lens = studio.rig.cameras[0]
    ideal = Camera(lens.name, lens.size, "pinhole", lens.K, np.zeros(5), lens.R, lens.t)
    joints = studio.truth(1.0)[0]
    crop = crop_to(ideal.R, ideal.t, joints, 1.25, np.zeros(2))
    width = 256
    studio.render(lens.name, 1.0)  # poses and lights the cast
    picture = CropPicture(crop, studio._cast, width)
    found = picture.paint(*room_behind(crop, width, 1)).astype(float)

    whole = studio.render(lens.name, 1.0).astype(float)
    K = crop.intrinsics(width)
    rng = np.random.default_rng(0)
    at = rng.uniform(20, width - 20, (400, 2))
    tangents = (at - K[:2, 2]) / K[0, 0]
    world = np.column_stack([tangents, np.ones(len(at))]) * 1000.0 @ ideal.R - ideal.R.T @ ideal.t
    there = np.rint(lens.project(world)).astype(int)
    inside = ((there >= 0) & (there < np.array(lens.size))).all(axis=1)
    here = np.rint(at).astype(int)[inside]
    there = there[inside]
    apart = np.abs(found[here[:, 1], here[:, 0]] - whole[there[:, 1], there[:, 0]]).mean(axis=1)
    assert inside.sum() > 300
    # nearest pixels of two grids: edges of planks and of the person differ, everything else is the same
    assert np.median(apart) < 4.0
    assert (apart < 25.0).mean() > 0.85

    visible = picture.visible(joints, studio._allowed)
    assert (visible == studio.visibility(lens.name, 1.0)[0]).mean() > 0.9


def test_whole_pictures_show_a_person_anywhere_and_smaller() -> None:
    studio = SimulatedStudio(SMALL.model_copy(update={"wide": 1.0}), "train")
    extents, middles = [], []
    for index in range(8):
        sample = studio[index]
        for view in range(3):
            places = pixels(sample, view)
            border = np.flatnonzero(sample["images"][view].any(axis=(1, 2)))
            # black above and below, as a 4:3 to 16:9 picture in a square; noise may not reach in there
            assert border[0] >= round(96 * 0.125)
            assert border[-1] < 96 - round(96 * 0.125)
            rows = places[sample["visible"][view], 1]
            assert ((rows > border[0] - 1) & (rows < border[-1] + 1)).all()
            extents.append(np.ptp(places, axis=0).max() / 96)
            middles.append(((places.min(axis=0) + places.max(axis=0)) / 2)[0] / 96)
    # margins from 1.4 to 4.5, and people from border to border
    assert 1 / 4.5 - 1e-6 <= min(extents) < 0.35
    assert 0.5 < max(extents) <= 1 / 1.4 + 1e-6
    assert min(middles) < 0.35
    assert max(middles) > 0.65


def test_a_bumped_camera_shows_the_same_and_knows_less() -> None:
    config = SMALL.model_copy(update={"bumped_deg": 1.0})
    was, now = SimulatedStudio(SMALL, "val")[4], SimulatedStudio(config, "val")[4]
    assert np.array_equal(was["images"], now["images"])
    assert np.array_equal(was["projections"][1:], now["projections"][1:])
    # On the spot: the camera's centre stays, rays turn by one degree about one axis.
    first, second = was["projections"][0].astype(float), now["projections"][0].astype(float)
    centres = [np.linalg.svd(P)[2][3] for P in (first, second)]
    # single precision of matrices over a room of metres
    assert np.allclose(*(c[:3] / c[3] for c in centres), atol=2.0)
    turn = np.linalg.inv(first[:, :3]) @ second[:, :3]
    turn /= np.cbrt(np.linalg.det(turn))
    assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) == pytest.approx(1.0, abs=1e-2)


def test_a_late_camera_shows_people_who_have_moved_on() -> None:
    moving = SMALL.model_copy(update={"moving": 1.0, "obstacles": 0.0, "clutter": 0.0, "truncation": 0.0})
    late = moving.model_copy(update={"late_ms": 200.0})
    changed = []
    for index in range(4):
        was, now = SimulatedStudio(moving, "val")[index], SimulatedStudio(late, "val")[index]
        assert np.array_equal(was["keypoints"], now["keypoints"])
        assert np.array_equal(was["images"][1:], now["images"][1:])
        changed.append((was["images"][0] != now["images"][0]).any(axis=-1).mean())
    # a fifth of a second moves most people, not all: choreographies have rests
    assert max(changed) > 0.02
    assert max(changed) < 0.6, "the room stays"
