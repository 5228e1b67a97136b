"""Joints that only one camera sees, put where that camera and what is known of the person say they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from calibration.rig import Rig
from configs.loading import Config
from models.monocular.base import TRUNK, MonocularModel, MonocularPose
from models.monocular.distance_filter import DistanceConfig, DistanceFilter
from models.monocular.person_memory import Moment, PersonMemory
from models.monocular.uncertainty import covariance_along, joint_scores
from models.skeleton import Skeleton
from models.skeletons import joint_map

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Image = NDArray[np.uint8]

_LEAST_ANCHORS: Final = 4
"""Joints with a known place from which the person's distance is taken; the median of fewer is a guess."""
_LEAST_KEYPOINTS: Final = 8
"""Of a view that is worth comparing."""
_BEYOND_MM: Final = 70.0
"""A toe or a finger is 10 to 20 cm long and points anywhere: so much off the depth of ankle or wrist."""


class GapConfig(Config):
    """How long what several cameras said about a person stays good."""

    distance_s: float = Field(3.0, gt=0.0)
    """After so long 63 % of the correction of the person's distance is no longer valid."""
    depth_s: float = Field(0.5, gt=0.0)
    """The same for the depth of single joints."""
    known_size: float = Field(0.02, gt=0.0, lt=1.0)
    """Standard deviation of the distance as a share of it, of the slow part of its error, once the person's
    bones have been measured and corrections are no longer valid."""
    longest_s: float = Field(10.0, gt=0.0)
    """Of a gap in which nobody but one camera sees the person; then nothing is filled any more."""
    distance: DistanceConfig = Field(default_factory=DistanceConfig)


@dataclass(frozen=True)
class Filled:
    """One person, with gaps filled. J joints, V views.

    Attributes:
        joints: (J, 3) mm in world.
        scores: (J,).
        covariance: (J, 3, 3) mm^2.
        used: (V, J); a filled joint has exactly one view.
    """

    joints: Floats
    scores: Floats
    covariance: Floats
    used: Bools


@dataclass(frozen=True)
class _Correction:
    """What several cameras found wrong in one camera's pose.

    Attributes:
        distance: Logarithm of the true distance over its own.
        depths: (J,) mm to add to its depths before that; NaN where nothing is known.
        true_mm: Distances at the moments, and their times in s before the last one.
    """

    distance: float
    depths: Floats
    true_mm: Floats
    times_s: Floats


class GapFiller:
    """Follows one person.

    A camera's own pose is scaled about the camera until its bones are as long as the person's: picture and
    pose stay as they are, distance and size change together. What it said wrong during the last moments at
    which several cameras saw the person, of the distance and of the depth of each joint, is taken off, less
    and less as time passes. The distance is followed by a filter that starts from those moments; joints that
    several cameras see now settle it at once.

    Joints that the model does not know (fingers, toes, faces) have the depth of the nearest joint along the
    bones that it knows, corrected in the same way.

    Args:
        config: See ``GapConfig``.
        model: Makes the poses of single cameras.
        rig: Cameras, in the order of views.
        skeleton: Of keypoints and joints.
        min_score: Keypoints with less do not count.
        score_scale_mm: See ``RobustConfig``.
    """

    def __init__(
        self,
        config: GapConfig,
        model: MonocularModel,
        rig: Rig,
        skeleton: Skeleton,
        *,
        min_score: float,
        score_scale_mm: float,
    ) -> None:
        self.config = config
        self.model = model
        self._rig = rig
        self._count = len(skeleton)
        self._min_score, self._score_scale_mm = min_score, score_scale_mm
        self._order = joint_map(model.skeleton, skeleton)
        self._has = self._order >= 0
        self._nearest = _nearest_known(skeleton, self._has)
        self._trunk = [skeleton.index(joint) for joint in TRUNK]
        self._bones = np.array(
            [bone for bone in skeleton.bones if self._has[bone[0]] and self._has[bone[1]]], np.intp
        ).reshape(-1, 2)
        self._memory = PersonMemory(skeleton, self._bones, with_images=model.needs_image)
        self._distances = [DistanceFilter(config.distance) for _ in rig.cameras]

    def reset(self) -> None:
        """Forget the person."""
        self._memory.reset()
        for one in self._distances:
            one.reset()

    def __call__(
        self,
        found: Filled,
        keypoints: Floats,
        scores: Floats,
        images: Sequence[Image | None],
        time_ns: int,
    ) -> Filled:
        """Fill what is missing in ``found`` and seen by a camera; call at every instant, in order of time.

        Args:
            found: As triangulated.
            keypoints: (V, J, 2) px.
            scores: (V, J).
            images: Of the views.
            time_ns: The instant.
        """
        self._memory.learn(found.joints, keypoints, scores, images, time_ns)
        missing = ~np.isfinite(found.joints).all(axis=1)
        seen = (scores >= self._min_score) & np.isfinite(keypoints).all(axis=2) & missing
        if not seen.any() or not self._is_fresh(time_ns):
            return found
        best = np.where(seen, scores, -1.0).argmax(axis=0)
        result = Filled(found.joints.copy(), found.scores.copy(), found.covariance.copy(), found.used.copy())
        for view in np.unique(best[seen.any(axis=0)]).tolist():
            now = Moment(time_ns, found.joints, keypoints, scores, tuple(images))
            joints, covariance = self._place(view, now)
            chosen = seen[view] & (best == view) & np.isfinite(joints).all(axis=1)
            result.joints[chosen], result.covariance[chosen] = joints[chosen], covariance[chosen]
            result.scores[chosen] = joint_scores(scores[view], covariance, self._score_scale_mm)[chosen]
            result.used[:, chosen] = False
            result.used[view, chosen] = True
        return result

    def _is_fresh(self, time_ns: int) -> bool:
        """Whether several cameras saw the person not long ago."""
        last_ns = self._memory.time_ns
        return last_ns is not None and 0 <= time_ns - last_ns <= self.config.longest_s * 1e9

    def _place(self, view: int, now: Moment) -> tuple[Floats, Floats]:
        """(J, 3) mm in world and (J, 3, 3) mm^2 of every joint with a keypoint in one view; NaN elsewhere."""
        camera = self._rig.cameras[view]
        depths, deviation = self._depths(view, now)
        if not np.isfinite(depths[self._trunk]).all():
            return np.full((self._count, 3), np.nan), np.full((self._count, 3, 3), np.nan)
        last_ns = self._memory.time_ns
        assert last_ns is not None
        elapsed_s = (now.time_ns - last_ns) * 1e-9
        distance_kept, depth_kept = (
            float(np.exp(-elapsed_s / decay_s)) for decay_s in (self.config.distance_s, self.config.depth_s)
        )
        correction = self._correction(view)
        if correction is not None:
            known = np.isfinite(correction.depths)
            depths = depths + np.where(known, correction.depths, 0.0) * depth_kept
            depths = depths * np.exp(correction.distance * distance_kept)
            deviation = deviation * np.where(known, np.sqrt(1.0 - depth_kept**2), 1.0)
        depths, doubt_mm = self._at_followed_distance(view, now, depths, deviation, correction)
        slow_mm = self.config.known_size * depths * np.sqrt(1.0 - distance_kept**2)
        ideal = (camera.undistort(now.keypoints[view]) - camera.K[:2, 2]) / camera.K[[0, 1], [0, 1]]
        joints = np.column_stack([ideal, np.ones(self._count)]) * depths[:, None]
        scores = now.scores[view]
        across = self.model.uncertainty.across_deviation(scores > 0.0, np.zeros(self._count, bool), scores)
        along = np.sqrt(deviation**2 + slow_mm**2 + doubt_mm**2 + across**2)
        covariance = covariance_along(camera, joints, across, along)
        return (joints - camera.t) @ camera.R, covariance

    def _at_followed_distance(
        self, view: int, now: Moment, depths: Floats, deviation: Floats, correction: _Correction | None
    ) -> tuple[Floats, float]:
        """Depths (J,) mm, all moved to where the person is believed to be, and how sure that is, mm."""
        follow, camera = self._distances[view], self._rig.cameras[view]
        here = now.joints @ camera.R[2] + camera.t[2]
        anchors = np.isfinite(here) & np.isfinite(depths)
        measured, noise_mm = float(depths[self._trunk].mean()), None
        if anchors.sum() >= _LEAST_ANCHORS:
            measured *= float(np.median(here[anchors] / depths[anchors]))
            # As certain as the mean of the errors of single joints.
            noise_mm = float(np.median(np.hypot(deviation[anchors], 1.0)) / np.sqrt(anchors.sum()))
        elif correction is not None and not follow.knows_since(self._instant_of(correction)):
            # What several cameras said last is better than anything before it.
            speed = (
                float(np.polyfit(correction.times_s, correction.true_mm, 1)[0]) if _spans(correction) else 0.0
            )
            true_mm = float(correction.true_mm[-1])
            follow.start(self._instant_of(correction), true_mm, speed, self.model.uncertainty.across_mm)
        distance, doubt_mm = follow(now.time_ns, measured, noise_mm)
        return depths * (distance / float(depths[self._trunk].mean())), doubt_mm

    def _instant_of(self, correction: _Correction) -> int:
        """When several cameras and this one saw the person last, ns."""
        last_ns = self._memory.time_ns
        assert last_ns is not None
        return last_ns + round(float(correction.times_s[-1]) * 1e9)

    def _depths(self, view: int, moment: Moment) -> tuple[Floats, Floats]:
        """What a camera says alone: (J,) mm from its plane with the person's bones, and their deviation."""
        pose = MonocularPose.nobody(len(self.model.skeleton))
        if moment.images[view] is not None or not self.model.needs_image:
            pose = self.model(
                moment.images[view], self._rig.cameras[view], moment.keypoints[view], moment.scores[view]
            )
        joints = np.where(self._has[:, None], pose.joints[np.maximum(self._order, 0)], np.nan)
        joints = joints * self._scale(joints)
        deviation = self.model.uncertainty.depth_deviation(joints, joints[self._trunk[2:]].mean(axis=0))
        beyond = np.hypot(deviation[self._nearest], _BEYOND_MM)
        depths = np.where(self._has, joints[:, 2], joints[self._nearest, 2])
        return depths, np.where(self._has, deviation, beyond)

    def _scale(self, joints: Floats) -> float:
        """That makes bones as long as the person's."""
        own = np.linalg.norm(joints[self._bones[:, 0]] - joints[self._bones[:, 1]], axis=1)
        person = self._memory.bone_lengths()
        known = np.isfinite(own) & np.isfinite(person)
        # A ratio of sums: long bones say more about the size than short ones.
        return float(person[known].sum() / own[known].sum()) if own[known].sum() > 0.0 else 1.0

    def _correction(self, view: int) -> _Correction | None:
        """What was wrong with this camera's pose during the last moments; None where it saw too little."""
        camera = self._rig.cameras[view]
        last_ns = self._memory.time_ns
        offs, own, true_mm, times_s = [], [], [], []
        for moment in self._memory.moments:
            if (moment.scores[view] >= self._min_score).sum() < _LEAST_KEYPOINTS:
                continue
            if view not in moment.depths:
                moment.depths[view] = self._depths(view, moment)[0]
            depths = moment.depths[view]
            true = moment.joints @ camera.R[2] + camera.t[2]
            trunk = np.isfinite(true[self._trunk]) & np.isfinite(depths[self._trunk])
            if not trunk.all() or (depths[self._trunk] <= 0.0).any() or (true[self._trunk] <= 0.0).any():
                continue
            offs.append(float(np.log(true[self._trunk].mean() / depths[self._trunk].mean())))
            own.append(np.where(np.isfinite(true), true * np.exp(-offs[-1]) - depths, np.nan))
            true_mm.append(float(true[self._trunk].mean()))
            times_s.append((moment.time_ns - (last_ns or 0)) * 1e-9)
        if not offs:
            return None
        own_all = np.array(own)
        there = np.isfinite(own_all).any(axis=0)
        mean = np.full(self._count, np.nan)
        mean[there] = np.nanmean(own_all[:, there], axis=0)
        return _Correction(float(np.mean(offs)), mean, np.array(true_mm), np.array(times_s))


def _spans(correction: _Correction) -> bool:
    """Whether there is enough time between the first and the last moment to tell a velocity."""
    times_s = correction.times_s
    return len(times_s) > 2 and float(times_s[-1] - times_s[0]) > 0.1


def _nearest_known(skeleton: Skeleton, known: Bools) -> NDArray[np.intp]:
    """(J,) for each joint itself, or the first known one along the bones; the nose for loose joints."""
    count = len(skeleton)
    beside: list[list[int]] = [[] for _ in range(count)]
    for first, second in skeleton.bones:
        beside[first].append(second)
        beside[second].append(first)
    result = np.full(count, skeleton.joints.index("nose") if "nose" in skeleton.joints else 0)
    for start in range(count):
        queue, reached = deque([start]), {start}
        while queue:
            joint = queue.popleft()
            if known[joint]:
                result[start] = joint
                break
            for other in beside[joint]:
                if other not in reached:
                    reached.add(other)
                    queue.append(other)
    return result
