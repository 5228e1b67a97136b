"""The whole computation against values of the networks' own framework, on real video."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from models.keypoints.blazepose.detector import detect_people
from models.keypoints.blazepose.landmarks import OUTPUTS, find_landmarks
from models.keypoints.blazepose.model import BlazePose, BlazePoseConfig
from models.keypoints.blazepose.network import Network, load_network
from models.keypoints.blazepose.region import Region
from models.zoo import ModelStore
from tests.support.shared_data import SHARED, needs_shared

DATA = SHARED / "data" / "pose2sim_single"

pytestmark = needs_shared


GOLDEN = (0, 20, 40, 60, 80)
FIRST = tuple(range(12))


@cache
def frames(camera: int, numbers: tuple[int, ...]) -> dict[int, np.ndarray]:
    """The pictures of these numbers only; a second of them all would fill a small machine's memory."""
    video = cv2.VideoCapture(str(DATA / "videos" / f"cam{camera:02d}.mp4"))
    pictures = {}
    for number in range(max(numbers) + 1):
        assert video.grab()
        if number in numbers:
            pictures[number] = video.retrieve()[1]
    video.release()
    return pictures


def test_detector_and_landmarks(blazepose_store: ModelStore) -> None:
    detector = Network(load_network(blazepose_store.model_file("blazepose", "pose_detection.tflite")))
    network = Network(
        load_network(blazepose_store.model_file("blazepose", "pose_landmark_full.tflite"), OUTPUTS)
    )
    expected = np.load(DATA / "blazepose_golden.npz")
    distances = []
    for index, (camera, frame) in enumerate(zip(expected["camera"], expected["frame"], strict=True)):
        picture = np.ascontiguousarray(frames(int(camera), GOLDEN)[frame][:, :1080])
        best = detect_people(detector, picture, 0.5)[0]
        region = Region(*map(float, expected["roi"][index]))
        # Tolerances: what the description of the networks says an independent implementation reaches.
        assert best.score == pytest.approx(expected["detector_score"][index], abs=0.002)
        np.testing.assert_allclose(best.points, expected["detector_keypoints"][index], atol=0.8)
        # 0.8 px at either end of the line that gives the side (2.5 times its length) and the angle
        assert best.region.side == pytest.approx(region.side, abs=2.5 * 2 * 0.8)
        assert best.region.angle == pytest.approx(region.angle, abs=2.5 * 2 * 0.8 / region.side)
        found = find_landmarks(network, picture, region, smooth=False)
        assert found.person > 0.5
        landmarks = expected["landmarks"][index]
        distances.append(np.linalg.norm(found.points - landmarks[:, :2], axis=1))
        # 0.003 is the worst seen; these are logistic values of numbers that move with every grey level.
        np.testing.assert_allclose(found.visibility, landmarks[:, 3], atol=0.01)
    assert np.median(distances) < 0.1  # 0.08, to its last digit
    assert np.percentile(distances, 95) < 0.3
    assert np.max(distances) < 3.5


def test_landmarks_with_the_recorded_region(blazepose_store: ModelStore) -> None:
    network = Network(
        load_network(blazepose_store.model_file("blazepose", "pose_landmark_full.tflite"), OUTPUTS)
    )
    recorded = np.load(DATA / "blazepose_keypoints.npz")
    for frame in GOLDEN:
        region = Region(*map(float, recorded["roi"][0, frame, 0]))
        found = find_landmarks(network, frames(1, GOLDEN)[frame], region, smooth=False)
        # Written by an implementation of the same description: float32 regions, so hundredths of a pixel.
        distance = np.linalg.norm(found.points - recorded["keypoints"][0, frame, 0, :, :2], axis=1)
        assert np.median(distance) < 0.02
        assert distance.max() < 0.5


@pytest.fixture
def model(blazepose_store: ModelStore) -> BlazePose:
    return BlazePose(BlazePoseConfig(models=blazepose_store.folder, threads=2), ["a", "b", "c", "d"])


def test_four_views_follow_the_performer_not_the_bystander(model: BlazePose) -> None:
    recorded = np.load(DATA / "blazepose_keypoints.npz")["keypoints"][:, :, 0, :, :2]
    views = [frames(camera, FIRST) for camera in (1, 2, 3, 4)]
    errors = []
    with model:
        for index in range(12):
            found = model.detect([view[index] for view in views], [index] * 4)
            assert [item.track.tolist() for item in found] == [[0]] * 4
            errors.append(
                [
                    np.linalg.norm(f.keypoints[0] - r, axis=1)
                    for f, r in zip(found, recorded[:, index], strict=True)
                ]
            )
            assert all(item.person_scores[0] > 0.9 for item in found)
            assert all(((item.scores >= 0) & (item.scores <= 1)).all() for item in found)
    # Averaged crops and a tracker that follows itself: a few px in pictures of 1920 px. The performer is some
    # 1000 px tall and the bystander 300 px away, so a wrong person would be hundreds of px off.
    assert np.median(errors) < 5.0
    assert np.percentile(errors, 95) < 20.0


def test_views_without_a_picture_and_views_do_not_mix(model: BlazePose) -> None:
    first, third = frames(1, FIRST)[0], frames(3, FIRST)[0]
    black = np.zeros((480, 640, 3), np.uint8)
    with model:
        found = model.detect([first, None, black, third], [0, 0, 0, 0])
        assert [len(item) for item in found] == [1, 0, 0, 1]
        again = model.detect([first, None, black, third], [1, 0, 1, 1])
        assert [item.track.tolist() for item in again] == [[0], [], [], [0]]
        assert model.forget(0, 0)
        assert not model.forget(1, 0)
        gone = model.detect([first, None, black, third], [2, 0, 2, 2])
        assert [len(item) for item in gone] == [0, 0, 0, 1]
        model.reset()
        fresh = model.detect([first, None, black, third], [3, 0, 3, 3])
        assert [item.track.tolist() for item in fresh] == [[1], [], [], [1]]
        with pytest.raises(ValueError, match="1 pictures and 1 times for 4 views"):
            model.detect([first], [0])


def test_threads_do_not_change_the_numbers(blazepose_store: ModelStore) -> None:
    pictures = [frames(camera, FIRST)[0] for camera in (1, 2, 3, 4)]
    results = []
    for threads in (1, 3):
        config = BlazePoseConfig(models=blazepose_store.folder, threads=threads)
        with BlazePose(config, ["a", "b", "c", "d"]) as model:
            results.append([item.keypoints for item in model.detect(pictures, [0] * 4)])
    for one, three in zip(*results, strict=True):
        np.testing.assert_array_equal(one, three)
