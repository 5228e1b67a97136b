"""The tracker's decisions, with people who stand where the test says instead of the two networks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.keypoints.blazepose.detector import Person
from models.keypoints.blazepose.landmarks import Landmarks
from models.keypoints.blazepose.region import Region
from models.keypoints.blazepose.tracker import Tracker

PICTURE = np.zeros((4, 4, 3), np.uint8)


def someone(x: float, size: float = 100.0, score: float = 0.9) -> Person:
    return Person(score, np.array([[x, 500], [x, 500 - size], [x, 450], [x, 400]], float))


@dataclass
class Scene:
    """Stands for both networks: landmarks are found in regions that hold somebody."""

    people_there: list[Person] = field(default_factory=list)
    hidden: list[Person] = field(default_factory=list)
    """Seen by the landmark network but not by the detector."""
    detections: int = 0
    looked_at: list[Region] = field(default_factory=list)

    def people(self, image: np.ndarray) -> list[Person]:
        self.detections += 1
        return self.people_there

    def landmarks(self, image: np.ndarray, region: Region) -> Landmarks:
        self.looked_at.append(region)
        for person in self.people_there + self.hidden:
            if person.region.same_person(region):
                points = np.tile(person.points[0], (33, 1))
                return Landmarks(points, np.full(33, 0.8), person.score, person.region)
        return Landmarks(np.zeros((33, 2)), np.zeros(33), 0.1, region)


def tracker(people: int = 1, avoid: int = 0) -> Tracker:
    return Tracker(max_people=people, detect_every=5, min_person=0.5, avoid_pictures=avoid)


def steps(follower: Tracker, scene: Scene, count: int) -> list[list[int]]:
    return [follower.step(PICTURE, scene).track.tolist() for _ in range(count)]


def test_one_detection_then_only_tracking() -> None:
    scene = Scene([someone(300)])
    assert steps(tracker(), scene, 12) == [[0]] * 12
    assert scene.detections == 1


def test_tracking_follows_the_movement() -> None:
    scene, follower = Scene([someone(300)]), tracker()
    for x in range(300, 700, 20):
        scene.people_there = [someone(x)]
        found = follower.step(PICTURE, scene)
        np.testing.assert_allclose(found.keypoints[0, :, 0], x)
        assert found.track.tolist() == [0]
    assert scene.detections == 1


def test_an_empty_scene_is_searched_every_fifth_picture() -> None:
    scene = Scene()
    assert steps(tracker(), scene, 11) == [[]] * 11
    assert scene.detections == 3  # pictures 0, 5, 10


def test_a_lost_person_is_searched_at_once_and_gets_a_new_number() -> None:
    scene, follower = Scene([someone(300)]), tracker()
    steps(follower, scene, 3)
    scene.people_there = [someone(900)]
    assert steps(follower, scene, 2) == [[1], [1]]
    assert scene.detections == 2


def test_low_person_probability_drops() -> None:
    scene, follower = Scene([someone(300)]), tracker()
    steps(follower, scene, 1)
    scene.people_there = [someone(300, score=0.49)]
    assert steps(follower, scene, 1) == [[]]


def test_the_largest_is_taken_whatever_the_scores() -> None:
    scene = Scene([someone(900, size=60, score=0.99), someone(300, size=100, score=0.7)])
    found = tracker().step(PICTURE, scene)
    np.testing.assert_allclose(found.keypoints[0, :, 0], 300)


def test_several_people_up_to_the_wanted_number() -> None:
    scene = Scene([someone(300, 100), someone(900, 90), someone(1500, 80)])
    follower = tracker(people=2)
    assert steps(follower, scene, 8) == [[0, 1]] * 8
    assert scene.detections == 1


def test_someone_who_joins_is_found_within_five_pictures() -> None:
    scene, follower = Scene([someone(300)]), tracker(people=2)
    assert steps(follower, scene, 2) == [[0]] * 2
    scene.people_there.append(someone(900))
    assert steps(follower, scene, 5) == [[0]] * 3 + [[0, 1]] * 2


def test_a_followed_person_is_not_started_twice() -> None:
    scene = Scene([someone(300), someone(340)])  # 40 px apart, region side 250: one person
    assert steps(tracker(people=2), scene, 7) == [[0]] * 7


def test_a_detection_that_leads_to_a_followed_person_is_not_started() -> None:
    class Pulled(Scene):
        def landmarks(self, image: np.ndarray, region: Region) -> Landmarks:
            found = super().landmarks(image, region)
            return Landmarks(found.points, found.visibility, found.person, someone(300).region)

    assert steps(tracker(people=2), Pulled([someone(300), someone(500)]), 3) == [[0]] * 3


def test_merged_tracks_leave_the_older() -> None:
    scene, follower = Scene([someone(300, 100), someone(900, 90)]), tracker(people=2)
    assert steps(follower, scene, 1) == [[0, 1]]
    for x in (850, 800, 750, 700, 650, 600, 550, 500, 450, 400):
        scene.people_there = [someone(300, 100), someone(x, 90)]
        last = follower.step(PICTURE, scene).track.tolist()
    assert last == [0, 1]
    scene.people_there = [someone(300, 100), someone(340, 90)]
    assert follower.step(PICTURE, scene).track.tolist() == [0]


def test_forget_lets_another_be_found() -> None:
    scene, follower = Scene([someone(300, 100), someone(900, 90)]), tracker(avoid=8)
    assert steps(follower, scene, 1) == [[0]]
    assert follower.forget(0)
    assert not follower.forget(0)
    found = follower.step(PICTURE, scene)
    assert found.track.tolist() == [1]
    np.testing.assert_allclose(found.keypoints[0, :, 0], 900)


def test_forget_lasts_for_a_while() -> None:
    scene, follower = Scene([someone(300)]), tracker(avoid=8)
    steps(follower, scene, 1)
    follower.forget(0)
    # Searched in the next picture and every fifth; the ninth picture after is the first without the ban.
    assert steps(follower, scene, 12) == [[]] * 10 + [[1]] * 2


def test_reset_forgets_all_but_uses_new_numbers() -> None:
    scene, follower = Scene([someone(300)]), tracker()
    steps(follower, scene, 1)
    follower.reset()
    assert steps(follower, scene, 1) == [[1]]


def test_a_region_of_no_size_is_not_followed() -> None:
    scene = Scene([someone(300, size=0.0)])
    assert steps(tracker(), scene, 3) == [[]] * 3
    assert scene.looked_at == []
