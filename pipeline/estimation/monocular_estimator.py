"""From the pictures of one instant to a 3D pose by models that need one camera only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.rig import Rig
from models.keypoints.performer import choose_performer
from models.monocular.base import TRUNK, MonocularPose
from models.monocular.distance_filter import DistanceFilter
from models.monocular.fusion import fuse
from models.monocular.uncertainty import covariance_along, joint_scores
from models.one_euro import OneEuroFilter
from models.pose_frame import PoseFrame
from models.skeletons import convert_joints, joint_map
from pipeline.estimation.monocular_model import build_monocular_model, warm_up_monocular
from pipeline.estimation.pipeline_config import PipelineConfig
from pipeline.estimation.pose_estimator import build_keypoint_model
from pipeline.frames.frame import Image

Floats = NDArray[np.float64]


class MonocularEstimator:
    """Keypoints, a pose from every camera that sees the performer, the most likely pose of these, filter.

    How far the performer is from a camera is followed over time (``DistanceFilter``): single pictures say it
    badly. Everything else in ``joints`` is of one instant.

    Follows one performer: of several people in a view it takes the one nearest to where the performer was.

    Args:
        config: Models and settings.
        rig: One camera or more; their order is the order of views everywhere.
    """

    def __init__(self, config: PipelineConfig, rig: Rig) -> None:
        assert config.monocular is not None
        self.rig = rig
        self.origin_ns = 0
        self._finder = build_keypoint_model(config, rig.names)
        self._model = build_monocular_model(config, self._finder.skeleton)
        self.skeleton = self._model.skeleton
        self.device = self._model.device
        self._score_scale_mm = config.triangulation.score_scale_mm
        self._min_score = config.triangulation.min_score
        self._smooth = OneEuroFilter(config.smoothing) if config.smoothing else None
        self._distances = [DistanceFilter(config.monocular.gaps.distance) for _ in rig.cameras]
        self._trunk = [self.skeleton.index(joint) for joint in TRUNK]
        self._by_rule = joint_map(self._finder.skeleton, self.skeleton) < 0
        self._last_joints: Floats | None = None
        lift_s = warm_up_monocular(self._model, rig, self._finder.skeleton)
        self.instant_s = 0.1 + lift_s * len(rig)

    def description(self) -> dict[str, Any]:
        """Name and weights of the models in use, for the take."""
        models: dict[str, Any] = {"keypoints": self._finder, "monocular": self._model}
        return {key: {"name": model.name, "sha256": model.hashes} for key, model in models.items()}

    def estimate(self, images: Sequence[Image | None], times_ns: Sequence[int], time_ns: int) -> PoseFrame:
        """Estimate the poses of one instant: no people, or the performer.

        Args:
            images: One (H, W, 3) BGR picture per camera of the rig, None where there is none.
            times_ns: Capture time of each, -1 where there is none.
            time_ns: The instant.
        """
        stages: dict[str, float] = {}
        started = time.perf_counter()
        since_start = [t - self.origin_ns if t >= 0 else t for t in times_ns]
        detections = self._finder.detect(images, since_start)
        started = _lap(stages, "keypoints", started)
        keypoints, scores = choose_performer(
            detections, self.rig, len(self._finder.skeleton), self._expected()
        )
        views, count = len(self.rig), len(self.skeleton)
        joints, covariance = np.full((views, count, 3), np.nan), np.full((views, count, 3, 3), np.nan)
        joint_score = np.zeros((views, count))
        for view, (camera, image) in enumerate(zip(self.rig.cameras, images, strict=True)):
            if image is None or not (scores[view] >= self._min_score).any():
                continue
            pose = self._model(image, camera, keypoints[view], scores[view])
            if not pose.known[self._trunk].all():
                continue
            pose, doubt_mm = self._followed(pose, self._distances[view], time_ns)
            joints[view] = (pose.joints - camera.t) @ camera.R
            covariance[view] = self._covariance(pose, camera, doubt_mm)
            joint_score[view] = pose.scores
        started = _lap(stages, "monocular", started)
        there = np.isfinite(joints).all(axis=2)
        if not there.any():
            self._last_joints = None
            return PoseFrame.nobody(time_ns, self.skeleton, self.rig.names, times_ns, stages)
        fused, spread = fuse(joints, covariance)
        said = joint_score.max(axis=0)
        person = np.zeros(1, np.int64)
        smoothed = fused[None]
        if self._smooth is not None:
            smoothed = self._smooth(smoothed, person, time_ns)
            _lap(stages, "smoothing", started)
        self._last_joints = fused
        return PoseFrame(
            time_ns=time_ns,
            skeleton=self.skeleton,
            cameras=self.rig.names,
            view_times_ns=np.asarray(times_ns, np.int64),
            person=person,
            joints=fused[None],
            scores=joint_scores(said, spread, self._score_scale_mm)[None],
            covariance=spread[None],
            keypoints=self._keypoints(keypoints, scores)[None],
            used=there[None],
            smoothed=smoothed,
            swapped=np.zeros((1, views), np.bool_),
            stage_ms=stages,
        )

    def close(self) -> None:
        """Free the models."""
        self._finder.close()

    def _followed(
        self, pose: MonocularPose, follow: DistanceFilter, time_ns: int
    ) -> tuple[MonocularPose, float]:
        """The pose where the filter believes the person, and how sure that is, mm."""
        measured_mm = float(pose.joints[self._trunk, 2].mean())
        if measured_mm <= 0.0:
            return pose, 0.0
        distance_mm, doubt_mm = follow(time_ns, measured_mm)
        return MonocularPose(pose.joints * (distance_mm / measured_mm), pose.scores, pose.seen), doubt_mm

    def _covariance(self, pose: MonocularPose, camera: Camera, doubt_mm: float) -> Floats:
        """(J, 3, 3) mm^2 in world."""
        uncertainty = self._model.uncertainty
        trunk = pose.joints[self._trunk].mean(axis=0)
        across = uncertainty.across_deviation(pose.seen, self._by_rule, pose.scores)
        slow_mm = uncertainty.distance * float(np.linalg.norm(trunk))
        depth = uncertainty.depth_deviation(pose.joints, pose.joints[self._trunk[2:]].mean(axis=0))
        along = np.sqrt(depth**2 + slow_mm**2 + doubt_mm**2 + across**2)
        return covariance_along(camera, pose.joints, across, along)

    def _expected(self) -> Floats | None:
        """(J', 3) mm, where the performer was last, in the finder's joints."""
        if self._last_joints is None:
            return None
        return convert_joints(self._last_joints, self.skeleton, self._finder.skeleton)

    def _keypoints(self, keypoints: Floats, scores: Floats) -> Floats:
        """(V, J, 3) u, v (px), score of what the finder saw, in the joints of the pose."""
        known = np.concatenate([keypoints, scores[..., None]], axis=-1)
        shown = convert_joints(known, self._finder.skeleton, self.skeleton)
        shown[~np.isfinite(shown).all(axis=-1)] = (np.nan, np.nan, 0.0)
        return shown


def _lap(stages: dict[str, float], stage: str, started: float) -> float:
    now = time.perf_counter()
    stages[stage] = (now - started) * 1e3
    return now
