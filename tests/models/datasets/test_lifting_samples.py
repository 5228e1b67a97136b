"""Which poses are used, and that the studio's cameras do what their numbers say."""

from __future__ import annotations

import numpy as np
import pytest

from configs.errors import BadInputError
from models.datasets.human36m_camera_table import NUMBERS, studio_camera
from models.datasets.lifting_samples import DRIFTED, select_samples


def tables(*takes: tuple[str, str]) -> tuple[dict, dict]:
    """Two frames each; every number tells its take."""
    keypoints, poses = {}, {}
    for at, (subject, take) in enumerate(takes):
        key = (subject, take.split(" ", maxsplit=1)[0], f"{take}.60457274")
        keypoints[key] = np.full((2, 34), 500.0 + 250.0 * at)
        poses[key] = {"joints_3d": np.full((2, 51), 1000.0 * at)}
    return keypoints, poses


def test_people_and_damaged_takes_are_kept_apart() -> None:
    given = tables(
        ("S1", "Eating"),
        ("S9", "Waiting 1"),
        ("S9", "Waiting"),
        ("S11", "Directions"),
        ("S11", "Directions 1"),
    )
    train = select_samples(*given, "train", drop_drifted=True)
    assert set(train.subject) == {"S1"} and len(train) == 2
    np.testing.assert_array_equal(train.keypoints, 0.0)
    strict = select_samples(*given, "test", drop_drifted=True)
    assert list(zip(strict.subject, strict.take, strict.frame, strict=True)) == [
        ("S11", "Directions 1", 0),
        ("S11", "Directions 1", 1),
        ("S9", "Waiting", 0),
        ("S9", "Waiting", 1),
    ]
    np.testing.assert_allclose(strict.joints[0], 4.0)
    np.testing.assert_allclose(strict.keypoints[0], 2.0)
    assert len(select_samples(*given, "test", drop_drifted=False)) == 6
    assert len(DRIFTED) == 3


def test_tables_that_do_not_fit_are_sentences() -> None:
    keypoints, poses = tables(("S9", "Waiting"))
    key = next(iter(keypoints))
    for wrong, part in (
        ({}, "no 3D pose"),
        ({key: {"joints": np.zeros((2, 51))}}, "has no joints"),
        ({key: {"joint_3d": np.zeros((3, 51))}}, "shapes"),
    ):
        with pytest.raises(BadInputError, match=part):
            select_samples(keypoints, wrong, "test", drop_drifted=False)
    with pytest.raises(BadInputError, match="no pose of the train people"):
        select_samples(keypoints, poses, "train", drop_drifted=False)


def test_a_camera_looks_along_its_axis() -> None:
    numbers = np.zeros(NUMBERS)
    at = 6 * (2 * 11 + 8)  # third camera, person 9
    numbers[at : at + 6] = [np.pi / 2, 0.0, 0.0, 100.0, -4000.0, 1500.0]
    numbers[264 + 18 : 264 + 27] = [1145.0, 1144.0, 512.0, 515.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    camera = studio_camera(numbers, 9, "58860488")
    # Turned by a quarter about x it looks along world's y, and world's up is up in the picture.
    pixels, depth = camera.project(np.array([[100.0, 0.0, 1500.0], [500.0, 0.0, 1900.0]]))
    np.testing.assert_allclose(depth, 4000.0)
    np.testing.assert_allclose(pixels, [[512.0, 515.0], [512.0 + 114.5, 515.0 - 114.4]])
    world = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(camera.to_world(camera.to_camera(world)), world, atol=1e-9)


def test_cameras_that_are_not_there_are_sentences() -> None:
    for numbers, person, name in ((np.zeros(299), 1, "54138969"), (np.zeros(300), 12, "54138969")):
        with pytest.raises(BadInputError):
            studio_camera(numbers, person, name)
    with pytest.raises(BadInputError, match="55011271"):
        studio_camera(np.zeros(300), 1, "5501127")
