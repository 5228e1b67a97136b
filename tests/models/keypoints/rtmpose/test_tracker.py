"""The tracker's decisions about boxes and keypoints that the test states."""

from __future__ import annotations

import numpy as np
import pytest

from models.keypoints.rtmpose.tracker import MARGIN, Candidate, Tracker
from models.skeletons import get_skeleton

COCO = get_skeleton("coco_17")
LAYOUT = np.array([[(joint * 7) % 17 / 16, joint / 16] for joint in range(17)])


def tracker(people: int = 1, every: int = 5) -> Tracker:
    return Tracker(COCO, max_people=people, detect_every=every, min_score=0.3, min_person=0.3)


def box(x: float, size: float = 100.0, score: float = 0.9) -> list[float]:
    return [x, 50.0, x + size, 50.0 + 2 * size, score]


def detections(*rows: list[float]) -> np.ndarray:
    return np.array(rows, float).reshape(-1, 5)


def points_in(row: np.ndarray) -> np.ndarray:
    return LAYOUT * (row[2:4] - row[:2]) + row[:2]


class Room:
    """People stand where the test says; a candidate sees who overlaps it most."""

    def __init__(self, follower: Tracker) -> None:
        self.follower = follower
        self.looks = 0
        self.asked: list[Candidate] = []

    def step(self, *people: list[float], unseen: bool = False) -> list[int]:
        from models.detectors.overlap import overlaps

        there = detections(*people)
        found = None
        if self.follower.wants_detection:
            self.looks += 1
            found = detections() if unseen else there
        self.asked = self.follower.candidates(found)
        points = np.full((len(self.asked), 17, 2), np.nan)
        scores = np.zeros((len(self.asked), 17))
        for place, candidate in enumerate(self.asked):
            if len(there) and (shared := overlaps(candidate.box[None], there)[0]).max() > 0.05:
                points[place] = points_in(there[shared.argmax()])
                scores[place] = there[shared.argmax(), 4]
        self.last = self.follower.update(self.asked, points, scores)
        return self.last.track.tolist()


def test_one_look_then_the_keypoints_lead() -> None:
    room = Room(tracker())
    for x in range(100, 600, 20):
        assert room.step(box(x)) == [0]
        np.testing.assert_allclose(room.last.keypoints[0], points_in(np.array(box(x))))
    assert room.looks == 5  # pictures 0, 5, 10, 15, 20
    np.testing.assert_allclose(room.last.person_scores, 0.9)


def test_boxes_come_from_keypoints_and_are_refreshed_by_detections() -> None:
    room = Room(tracker())
    room.step(box(100))
    room.step(box(100))
    extent = room.asked[0].box[2:] - room.asked[0].box[:2]
    np.testing.assert_allclose(extent, MARGIN * np.array([100, 200]))  # round the keypoints
    for _ in range(4):
        room.step(box(100))
    np.testing.assert_allclose(room.asked[0].box, box(100)[:4])  # the detector's own


def test_an_empty_room_is_searched_every_fifth_picture() -> None:
    room = Room(tracker())
    assert [room.step() for _ in range(11)] == [[]] * 11
    assert room.looks == 3


def test_who_is_lost_is_searched_at_once_and_gets_a_new_number() -> None:
    room = Room(tracker())
    assert [room.step(box(100)), room.step(box(100))] == [[0], [0]]
    assert room.step(box(800)) == []  # jumped away
    assert room.step(box(800)) == [1]
    assert room.looks == 2


def test_a_detector_that_misses_somebody_does_not_end_the_track() -> None:
    room = Room(tracker(every=1))
    assert room.step(box(100)) == [0]
    assert [room.step(box(105), unseen=True) for _ in range(5)] == [[0]] * 5


def test_several_people_the_largest_first_and_no_more_than_wanted() -> None:
    room = Room(tracker(people=2, every=3))
    crowd = [box(100, 60, score=0.99), box(300, 100), box(600, 80)]
    assert room.step(*crowd) == [0, 1]
    np.testing.assert_allclose(room.last.keypoints[:, :, 0].min(axis=1), [300, 600])
    assert [room.step(*crowd) for _ in range(6)] == [[0, 1]] * 6
    assert room.step(crowd[0], crowd[1]) == [0]  # the third left ...
    assert room.step(crowd[0], crowd[1]) == [0, 2]  # ... and the first gets a place


def test_numbers_stay_with_people_who_pass_each_other() -> None:
    """Two people walk past each other 30 px apart in depth (one larger); each keeps the number."""
    room = Room(tracker(people=2, every=2))
    for x in range(0, 520, 20):
        near, far = box(100 + x, 120), box(600 - x, 60)
        numbers = room.step(near, far)
        assert 0 in numbers
        place = numbers.index(0)
        np.testing.assert_allclose(room.last.keypoints[place], points_in(np.array(near)))


def test_two_tracks_on_one_person_become_one_the_older() -> None:
    follower = tracker(people=3)
    both = follower.candidates(detections(box(100), box(400)))
    points = np.stack([points_in(candidate.box) for candidate in both])
    assert follower.update(both, points, np.full((2, 17), 0.9)).track.tolist() == [0, 1]
    merged = np.stack([points[0], points[0] + 4.0])  # both now see the first person
    assert follower.update(follower.candidates(None), merged, np.full((2, 17), 0.9)).track.tolist() == [0]
    assert follower.wants_detection  # somebody went missing


def test_overlapping_people_are_not_merged() -> None:
    follower = tracker(people=2)
    both = follower.candidates(detections(box(100), box(150)))  # overlap of a third
    points = np.stack([points_in(candidate.box) for candidate in both])
    assert len(follower.update(both, points, np.full((2, 17), 0.9))) == 2


@pytest.mark.parametrize(
    ("points", "scores"),
    [
        (points_in(np.array(box(100))), np.full(17, 0.29)),  # weak everywhere
        (
            points_in(np.array(box(100))),
            np.where(np.isin(np.arange(17), COCO.body), 0.0, 1.0),
        ),  # a face alone
        (np.full((17, 2), np.nan), np.zeros(17)),
        (np.tile([[50.0, 60.0]], (17, 1)), np.full(17, 0.9)),  # all in one point
    ],
)
def test_what_is_no_person_is_dropped(points: np.ndarray, scores: np.ndarray) -> None:
    follower = tracker()
    found = follower.update(follower.candidates(detections(box(100))), points[None], scores[None])
    assert len(found) == 0 and found.keypoints.shape == (0, 17, 2)


def test_reset_forgets_people_but_not_numbers() -> None:
    room = Room(tracker())
    assert room.step(box(100)) == [0]
    room.follower.reset()
    assert room.step(box(100)) == [1]
