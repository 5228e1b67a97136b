"""Crops for MeTRAbs: joints lie where the picture shows them, batches have the composition asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calibration.camera import Camera
from configs.errors import BadInputError
from models.datasets.labelled_people import PicturedPerson
from models.datasets.recorded_people import camera_of
from models.metrabs.joint_names import short_names
from models.metrabs.person_box import box_round
from models.metrabs.train_camera import TrainCamera, crop_camera
from models.simulation.crop_camera import CropCamera
from models.simulation.crop_picture import CropPicture
from models.simulation.studio_rig import looking
from models.skeletons import get_skeleton
from models.training.metrabs_crops import CropAugmentation, draw_camera, draw_part, erase, recoloured
from models.training.metrabs_data import MetrabsData

PLAIN = {"bodies": 1, "clutter": 0.0, "obstacles": 0.0, "second_person": 0.0}
UP = np.array([0.0, 0.0, 1.0])


def camera_at(position: tuple[float, ...], target: tuple[float, ...]) -> Camera:
    R = looking(np.array(position), np.array(target), 0.1)
    K = np.array([[610.0, 0.0, 315.0], [0.0, 600.0, 244.0], [0.0, 0.0, 1.0]])
    return Camera("a", (640, 480), "pinhole", K, np.zeros(5), R, -R @ np.array(position))


def data(**changes: Any) -> MetrabsData:
    settings = {
        "split": "train",
        "crop_px": 96,
        "parts": [{"count": 3, "settings": PLAIN}, {"count": 1, "labels": "picture", "settings": PLAIN}],
        **changes,
    }
    return MetrabsData(settings, source="test", seed=3)


def test_a_batch_holds_what_was_asked_for_and_the_same_again() -> None:
    crops = data()
    batch = crops.batch(np.arange(8), 0)
    assert batch["valid"].any(axis=1).tolist() == [True, True, True, False] * 2
    assert batch["labelled"].any(axis=1).tolist() == [False, False, False, True] * 2
    assert batch["images"].shape == (8, 96, 96, 3)
    again = data().batch(np.arange(4, 8), 0)
    for name, value in again.items():
        np.testing.assert_array_equal(value, batch[name][4:])
    # somebody else in every crop
    middles = batch["joints"][[0, 1, 2, 4, 5, 6]].mean(axis=1)
    assert len({tuple(row) for row in middles.tolist()}) == 6


def test_joints_are_seen_where_they_are() -> None:
    """A body without light or blur: its silhouette surrounds the joints, mirrored or not."""
    augment = {"erased": 0.0, "colour": False, "shift": 0.0, "turn_degrees": 30.0, "mirrored": 0.5}
    crops = data(augment=augment, parts=[{"count": 1, "settings": PLAIN}])
    skeleton = get_skeleton("halpe_26")
    source = crops._sources[0]
    mirrored = 0
    for index in range(6):
        random = np.random.default_rng(index)
        person = source.person(index, random)
        box = box_round(person.camera.to_picture(person.joints))
        camera = draw_camera(random, CropAugmentation(**augment), person.camera, box, 96, UP)
        mirrored += bool(np.linalg.det(camera.rotation) < 0)
        pixels = camera.to_picture(person.joints)
        # Thighs and shins are 10 cm wide: the middles of their bones are on them, whatever the pose.
        depth = camera.to_camera(person.joints)[:, 2]
        middles = [
            pixels[[skeleton.index(f"{side}_{end}") for end in ("knee", "ankle")]].mean(axis=0)
            for side in ("left", "right")
        ]
        screen = silhouette(person, camera)
        for x, y in np.rint(middles).astype(int):
            assert screen[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].any()
        assert (depth > 1000.0).all()
    assert 0 < mirrored < 6


def silhouette(person: Any, camera: TrainCamera) -> np.ndarray:
    """(96, 96) bool, where a picture and the one without the person differ."""
    flip = np.linalg.det(camera.rotation) < 0
    rotation = camera.rotation * ([[-1.0], [1.0], [1.0]] if flip else 1.0)
    focal, middle = camera.intrinsics[0, 0], camera.intrinsics[0, 2]
    middle = 95.0 - middle if flip else middle
    seen = CropCamera(
        rotation,
        -rotation @ camera.centre,
        -(middle + 0.5) / focal,
        -(camera.intrinsics[1, 2] + 0.5) / focal,
        96 / focal,
    )
    picture = CropPicture(seen, person._scene._crowd, 96)
    covered = picture._winner >= 0
    return covered[:, ::-1] if flip else covered


def test_the_mirror_exchanges_left_and_right() -> None:
    straight, flipped = (
        data(
            vary=True,
            augment={"mirrored": share, "erased": 0.0, "colour": False},
            parts=[{"count": 1, "settings": PLAIN}],
        ).batch(np.arange(3), 0)
        for share in (0.0, 1.0)
    )
    mirror = get_skeleton("halpe_26").mirror
    expected = straight["joints"][:, mirror] * np.array([-1.0, 1.0, 1.0])
    np.testing.assert_allclose(flipped["joints"], expected, atol=1e-2)
    np.testing.assert_array_equal(straight["intrinsics"], flipped["intrinsics"])


def test_labels_in_the_picture_are_projected_joints() -> None:
    parts = [{"count": 1, "settings": PLAIN}, {"count": 1, "labels": "picture", "settings": PLAIN}]
    batch = data(vary=False, parts=parts).batch(np.arange(2), 0)
    # Both parts show the same person: one with joints in space, one with labels.
    joints, intrinsics = batch["joints"][0], batch["intrinsics"][0]
    pixels = joints @ intrinsics.T
    pixels = pixels[:, :2] / pixels[:, 2:]
    np.testing.assert_allclose(batch["labels"][1], batch["label_joints"][0].T @ pixels, atol=1e-3)
    assert batch["labelled"][1].all() and not batch["valid"][1].any()
    # Nothing is given away about the camera: the person is seen as from far away.
    assert batch["intrinsics"][1, 0, 0] > 5.0 * intrinsics[0, 0]


def test_recorded_pictures_are_turned_to_the_person() -> None:
    """A white square in a picture lands where the camera of the crop says, through a lens, in a mirror."""
    camera = camera_at((3000.0, 400.0, 1500.0), (0.0, 300.0, 900.0))
    recorded = TrainCamera(
        camera.R, -camera.R.T @ camera.t, camera.K, np.array([-0.2, 0.05, 0.001, 0.0, 0.0])
    )
    whole = Camera("a", (640, 480), "pinhole", camera.K, recorded.distortion, camera.R, camera.t)
    point = np.array([100.0, 250.0, 1000.0])
    x, y = whole.project(point[None])[0]
    picture = np.zeros((480, 640, 3), np.uint8)
    rows, columns = np.mgrid[:480, :640]
    picture[(np.abs(rows - y) < 4) & (np.abs(columns - x) < 4)] = (255, 128, 0)
    person = PicturedPerson(picture, recorded, point[None], UP)
    box = np.array([x - 60, y - 90, 120, 180])
    crop = crop_camera(recorded, box, 128, UP).zoomed(0.8).rolled(0.3)
    for seen_by in (crop, crop.mirrored()):
        found = person.look(seen_by, 128)
        bright = np.argwhere(found[..., 0] > 100)
        # The square's middle is up to half a pixel from the point, and a crop's pixel 0.9 of the picture's.
        np.testing.assert_allclose(bright.mean(axis=0)[::-1], seen_by.to_picture(point[None])[0], atol=0.7)
        middle = found[tuple(np.rint(bright.mean(axis=0)).astype(int))]
        assert (np.abs(middle.astype(int) - (255, 128, 0)) <= 2).all()


def test_a_projection_is_taken_apart() -> None:
    camera = camera_at((3000.0, 400.0, 1500.0), (0.0, 300.0, 900.0))
    projection = camera.K @ np.column_stack([camera.R, camera.t])
    for scale in (1.0, 2.5, -0.3):
        found = camera_of(projection * scale)
        np.testing.assert_allclose(found.rotation, camera.R, atol=1e-9)
        np.testing.assert_allclose(found.intrinsics, camera.K, atol=1e-6)
        np.testing.assert_allclose(found.centre, -camera.R.T @ camera.t, atol=1e-6)


def test_truncation_shows_a_square_part_of_the_box() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        left, top, width, height = draw_part(random, np.array([100.0, 50.0, 80.0, 200.0]))
        assert width == height and 100.0 < width <= 200.0
        assert left >= 40.0 and left + width <= 240.0 + 1e-9 and top >= 50.0 and top + height <= 250.0 + 1e-9


def test_colours_and_holes_stay_within_bounds() -> None:
    random = np.random.default_rng(1)
    picture = np.full((32, 32, 3), (200, 100, 30), np.uint8)
    changed = [recoloured(random, picture) for _ in range(20)]
    assert all((each == each[0, 0]).all() for each in changed)  # every pixel alike
    assert len({tuple(each[0, 0].tolist()) for each in changed}) == 20
    holed = picture.copy()
    shares = []
    for _ in range(30):
        holed[:] = picture
        erase(random, holed, 1.0)
        shares.append((holed != picture).any(axis=2).mean())
    assert max(shares) <= 0.36 and np.mean(shares) > 0.08


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"skeleton": "halpe_25"}, "halpe_25"),
        ({"skeleton": "cmu_19x"}, "cmu_19"),
        ({"picture_joints": ["rthumb"]}, "rthumb"),
        ({"parts": []}, "parts"),
        ({"parts": [{"count": 0}]}, "count"),
        ({"parts": [{"count": 1, "source": "mpeg"}]}, "source"),
        ({"parts": [{"count": 1, "settings": {"body": 3}}]}, "body"),
        ({"parts": [{"count": 1, "source": "human36m", "settings": {"root": "/nowhere"}}]}, "/nowhere"),
        ({"parts": [{"count": 1, "source": "takes", "settings": {"folder": "/nowhere"}}]}, "/nowhere"),
        ({"parts": [{"count": 1, "source": "human36m"}], "split": "studio"}, "studio"),
        ({"crop_px": 100}, "crop_px"),
        ({"augment": {"turn": 3}}, "turn"),
    ],
)
def test_settings_that_will_not_do(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        data(**change)


def test_every_joint_of_ours_has_a_published_name() -> None:
    names = short_names(get_skeleton("halpe_26"))
    assert len(set(names)) == 26
    assert {"lsho", "rank", "pelv", "htop", "nose"} <= set(names)
    with pytest.raises(BadInputError, match="no names"):
        short_names(get_skeleton("blazepose_33"))
