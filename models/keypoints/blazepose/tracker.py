"""Following people in one view from picture to picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.detections import Detections
from models.keypoints.base import Image
from models.keypoints.blazepose.detector import Person
from models.keypoints.blazepose.landmarks import LANDMARKS, Landmarks
from models.keypoints.blazepose.region import Region


class Networks(Protocol):
    """The pair of networks a tracker needs."""

    def people(self, image: Image) -> Sequence[Person]:
        """People in the whole picture."""
        ...

    def landmarks(self, image: Image, region: Region) -> Landmarks:
        """Landmarks of the person in a region."""
        ...


@dataclass
class _Track:
    number: int
    found: Landmarks

    @property
    def region(self) -> Region:
        return self.found.next_region


@dataclass
class _Avoided:
    region: Region
    pictures_left: int


class Tracker:
    """The people of one view.

    A person's region in the next picture comes from the landmarks in this one. The detection network only
    runs while fewer people are followed than wanted: in the first picture, in the picture in which a person
    is lost, and then in every ``detect_every``-th.

    Args:
        max_people: How many people are wanted.
        detect_every: Pictures between two runs of the detection network.
        min_person: A region whose probability of holding a person is lower is dropped.
        avoid_pictures: For how many pictures a forgotten person is not taken up again.
    """

    def __init__(self, *, max_people: int, detect_every: int, min_person: float, avoid_pictures: int) -> None:
        self._max_people = max_people
        self._detect_every = detect_every
        self._min_person = min_person
        self._avoid_pictures = avoid_pictures
        self._next_number = 0
        self.reset()

    def reset(self) -> None:
        """Forget everyone. Track numbers are not used again."""
        self._tracks: list[_Track] = []
        self._avoided: list[_Avoided] = []
        self._since_detection = self._detect_every

    def forget(self, track: int) -> bool:
        """Stop following a person and leave them alone for a while, so that another can be found.

        Returns:
            Whether there was such a track.
        """
        for item in self._tracks:
            if item.number == track:
                self._tracks.remove(item)
                self._avoided.append(_Avoided(item.region, self._avoid_pictures))
                self._since_detection = self._detect_every
                return True
        return False

    def step(self, image: Image, networks: Networks) -> Detections:
        """Follow everyone into the next picture, (H, W, 3) BGR, and look for who is missing."""
        before = len(self._tracks)
        self._follow(image, networks)
        lost = len(self._tracks) < before
        self._since_detection += 1
        if len(self._tracks) < self._max_people and (lost or self._since_detection >= self._detect_every):
            self._since_detection = 0
            self._find_more(image, networks)
        for avoided in self._avoided:
            avoided.pictures_left -= 1
        self._avoided = [avoided for avoided in self._avoided if avoided.pictures_left > 0]
        return self._detections()

    def _follow(self, image: Image, networks: Networks) -> None:
        kept: list[_Track] = []
        for track in self._tracks:  # oldest first, so the older of two merged tracks survives
            found = networks.landmarks(image, track.region)
            if self._is_person(found) and not any(
                found.next_region.same_person(other.region) for other in kept
            ):
                kept.append(_Track(track.number, found))
        self._tracks = kept

    def _find_more(self, image: Image, networks: Networks) -> None:
        # The largest first: who is to be captured stands closer than who looks on.
        people = sorted(networks.people(image), key=lambda person: -person.region.side)
        for person in people:
            if len(self._tracks) >= self._max_people:
                return
            region = person.region
            taken = [track.region for track in self._tracks] + [item.region for item in self._avoided]
            if not region.usable or any(region.same_person(other) for other in taken):
                continue
            found = networks.landmarks(image, region)
            # A detection beside a followed person may still lead to that person.
            if self._is_person(found) and not any(found.next_region.same_person(other) for other in taken):
                self._tracks.append(_Track(self._next_number, found))
                self._next_number += 1

    def _is_person(self, found: Landmarks) -> bool:
        return found.person >= self._min_person and found.next_region.usable

    def _detections(self) -> Detections:
        if not self._tracks:
            return Detections.none(LANDMARKS)
        keypoints = np.stack([track.found.points for track in self._tracks])
        scores = np.stack([track.found.visibility for track in self._tracks])
        return Detections(
            keypoints,
            scores,
            np.clip([track.found.person for track in self._tracks], 0.0, 1.0),
            np.array([track.number for track in self._tracks], np.int64),
        )
