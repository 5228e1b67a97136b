"""From the pictures of one instant to 3D poses by a network that looks at all views together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from configs.errors import bad_input
from configs.loading import parse_config
from models.crops.cropper import Cropper
from models.crops.person_box import PersonBox, box_of_joints, box_of_keypoints
from models.crops.view_crop import to_ideal
from models.keypoints.performer import choose_performer
from models.keypoints.retiming import KeypointRetimer, joints_at_instant
from models.one_euro import OneEuroFilter
from models.pose_frame import PoseFrame
from models.triangulation.predictors.base import MultiviewPoses, MultiviewPredictor
from models.triangulation.predictors.registry import PREDICTORS
from models.triangulation.robust import RobustTriangulator
from pipeline.estimation.pipeline_config import PipelineConfig
from pipeline.estimation.pose_estimator import build_keypoint_model, check_cameras
from pipeline.frames.frame import Image

Floats = NDArray[np.float64]


def build_predictor(config: PipelineConfig, part: dict[str, Any] | None = None) -> MultiviewPredictor:
    """The network of a pipeline, with its settings checked and its weights loaded.

    Args:
        config: The pipeline.
        part: Settings of the network; the pipeline's ``network`` when not given.

    Raises:
        BadInputError: Unknown network, wrong setting, weights missing or not fitting.
        MissingExtraError: torch is not installed.
    """
    settings = dict(part if part is not None else config.network or {})
    predictor_class = PREDICTORS.load(str(settings.pop("type")))
    source = f"pipeline {config.name}: {'network' if part is None else 'centre_network'}"
    predictor: MultiviewPredictor = predictor_class(
        parse_config(predictor_class.Config, settings, source=source), source=source
    )
    return predictor


class LearnedEstimator:
    """Person boxes, crops, a multi-view network, filter.

    The keypoint model finds the performer where nobody is followed; as soon as the network's pose agrees with
    its own evidence, boxes and pelvis come from that pose and the keypoint model rests. A volumetric network
    starts from the pelvis of ``centre_network`` on the same crops, or of the keypoint model without one.

    Args:
        config: Models and settings.
        rig: Calibrated cameras; their order is the order of views everywhere.
    """

    def __init__(self, config: PipelineConfig, rig: Rig) -> None:
        check_cameras(rig)
        self.rig = rig
        self.origin_ns = 0
        self._predictor = build_predictor(config)
        settings = self._predictor.config
        self._centre = None
        if config.centre_network:
            shared = {"crop_px": settings.crop_px, "alignment": settings.alignment, "device": settings.device}
            self._centre = build_predictor(config, shared | config.centre_network)
            self._check_same_crops(config)
        self._cropper = Cropper(
            settings.crop_px, self._predictor.device, settings.alignment, settings.statistics
        )
        self.skeleton = self._predictor.skeleton
        self.device = self._predictor.device
        self._finder = build_keypoint_model(config, rig.names)
        self._triangulate = RobustTriangulator(config.triangulation, rig)
        self._min_score = config.triangulation.min_score
        self._retime = KeypointRetimer(config.retiming, len(rig)) if config.retiming else None
        self._lags_ns = np.array([round(camera.lag_ms * 1e6) for camera in rig.cameras], np.int64)
        self._smooth = OneEuroFilter(config.smoothing) if config.smoothing else None
        self._pelvis = self.skeleton.joints.index("pelvis")
        self._found: Floats | None = None
        """(J', 3) mm, where the finder saw the performer last."""
        self._followed: Floats | None = None
        """(J, 3) mm, the pose that boxes come from."""
        self.instant_s = self._warm_up()

    def description(self) -> dict[str, Any]:
        """Name and weights of the models in use, for the take."""
        models: dict[str, Any] = {"network": self._predictor, "keypoints": self._finder}
        if self._centre is not None:
            models["centre_network"] = self._centre
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
        boxes, centre = self._follow(images)
        if sum(box is not None for box in boxes) < 2:
            boxes, centre = self._find(images, times_ns)
            started = _lap(stages, "person_finder", started)
        present = np.array([box is not None for box in boxes])
        if present.sum() < 2:
            self._lose()
            return PoseFrame.nobody(time_ns, self.skeleton, self.rig.names, times_ns, stages)
        seen = [
            (image, camera, box)
            for image, camera, box in zip(images, self.rig.cameras, boxes, strict=True)
            if image is not None and box is not None
        ]
        crops = self._cropper(*(list(column) for column in zip(*seen, strict=True)))
        started = _lap(stages, "crop", started)
        if self._predictor.needs_centre and centre is None and self._centre is not None:
            centre = self._centre(crops, present[None], None).joints[0, self._pelvis]
            started = _lap(stages, "centre_network", started)
        if self._predictor.needs_centre and (centre is None or not np.isfinite(centre).all()):
            self._lose()
            return PoseFrame.nobody(time_ns, self.skeleton, self.rig.names, times_ns, stages)
        poses = self._predictor(crops, present[None], centre[None] if centre is not None else None)
        stages.update(poses.stage_ms)
        started = _lap(stages, "network", started)
        keypoints = self._keypoints(poses, boxes)
        if self._retime is not None:
            moved = self._retime(keypoints[0, ..., :2], self._scene_times(times_ns), time_ns)
            joints = joints_at_instant(self.rig, poses.joints[0], keypoints[0], moved)
            poses = replace(poses, joints=joints[None])
            started = _lap(stages, "retiming", started)
        self._followed = poses.joints[0] if poses.trusted[0] else None
        smoothed = poses.joints
        if self._smooth is not None:
            smoothed = self._smooth(poses.joints, np.zeros(1, np.int64), time_ns)
            _lap(stages, "smoothing", started)
        return self._frame(poses, keypoints, smoothed, times_ns, time_ns, stages)

    def close(self) -> None:
        """Free the models."""
        self._finder.close()

    def _lose(self) -> None:
        self._followed = None
        if self._retime is not None:
            self._retime.reset()

    def _check_same_crops(self, config: PipelineConfig) -> None:
        assert self._centre is not None
        for key in ("crop_px", "alignment", "statistics", "device"):
            ours, theirs = getattr(self._predictor.config, key), getattr(self._centre.config, key)
            if ours != theirs:
                raise bad_input(
                    "both networks look at the same crops",
                    file=f"pipeline {config.name}",
                    key=f"centre_network.{key}",
                    value=theirs,
                    allowed=str(ours),
                )

    def _warm_up(self) -> float:
        """Run everything twice on black pictures, so that no frame waits for it; seconds of the second."""
        cameras = self.rig.cameras
        pictures = [np.zeros((camera.size[1], camera.size[0], 3), np.uint8) for camera in cameras]
        boxes = [PersonBox(-0.5, -0.5, float(min(camera.size))) for camera in cameras]
        present = np.ones((1, len(cameras)), bool)
        centre = np.zeros((1, 3))
        for _ in range(2):
            started = time.perf_counter()
            crops = self._cropper(pictures, cameras, boxes)
            if self._centre is not None:
                self._centre(crops, present, None)
            self._predictor(crops, present, centre)
        return time.perf_counter() - started

    def _follow(self, images: Sequence[Image | None]) -> tuple[list[PersonBox | None], Floats | None]:
        """Boxes round the pose of the previous instant, and its pelvis (3,) mm."""
        pose = self._followed
        if pose is None:
            return [None] * len(images), None
        boxes = [
            box_of_joints(pose, camera) if image is not None else None
            for image, camera in zip(images, self.rig.cameras, strict=True)
        ]
        return boxes, pose[self._pelvis]

    def _find(
        self, images: Sequence[Image | None], times_ns: Sequence[int]
    ) -> tuple[list[PersonBox | None], Floats | None]:
        """Boxes round what the keypoint model sees; its pelvis only where no network gives a better one."""
        since_start = [t - self.origin_ns if t >= 0 else t for t in times_ns]
        detections = self._finder.detect(images, since_start)
        skeleton = self._finder.skeleton
        keypoints, scores = choose_performer(detections, self.rig, len(skeleton), self._found)
        boxes = [
            box_of_keypoints(keypoints[view], scores[view], camera, self._min_score)
            for view, camera in enumerate(self.rig.cameras)
        ]
        joints = self._triangulate(keypoints[None], scores[None]).joints[0]
        self._found = joints if np.isfinite(joints).any() else None
        if self._centre is not None:
            return boxes, None
        hips = joints[[skeleton.joints.index("left_hip"), skeleton.joints.index("right_hip")]]
        return boxes, hips.mean(axis=0)

    def _scene_times(self, times_ns: Sequence[int]) -> NDArray[np.int64]:
        """(V,) when the scene in each picture took place, -1 where there is none."""
        times = np.asarray(times_ns, np.int64)
        return np.where(times >= 0, times - self._lags_ns, -1)

    def _keypoints(self, poses: MultiviewPoses, boxes: Sequence[PersonBox | None]) -> Floats:
        """(1, V, J, 3) distorted px and score, from the network's points in the crops."""
        views, joints = len(self.rig), len(self.skeleton)
        keypoints = np.full((1, views, joints, 3), np.nan)
        keypoints[..., 2] = 0.0
        size, alignment = self._cropper.size, self._cropper.alignment
        for view, (camera, box) in enumerate(zip(self.rig.cameras, boxes, strict=True)):
            if box is None:
                continue
            ideal = to_ideal(poses.points[0, view], camera, box, size, alignment)
            keypoints[0, view, :, :2] = camera.distort(ideal)
            keypoints[0, view, :, 2] = poses.point_scores[0, view]
        keypoints[~np.isfinite(keypoints[..., 0])] = (np.nan, np.nan, 0.0)
        return keypoints

    def _frame(
        self,
        poses: MultiviewPoses,
        keypoints: Floats,
        smoothed: Floats,
        times_ns: Sequence[int],
        time_ns: int,
        stages: dict[str, float],
    ) -> PoseFrame:
        views = len(self.rig)
        unseen = ~np.isfinite(keypoints[..., 0])
        return PoseFrame(
            time_ns=time_ns,
            skeleton=self.skeleton,
            cameras=self.rig.names,
            view_times_ns=np.asarray(times_ns, np.int64),
            person=np.zeros(1, np.int64),
            joints=poses.joints,
            scores=poses.scores,
            covariance=poses.covariance,
            keypoints=keypoints,
            used=~unseen & np.isfinite(poses.joints[:, None, :, 0]),
            smoothed=smoothed,
            swapped=np.zeros((1, views), bool),
            stage_ms=stages,
        )


def _lap(stages: dict[str, float], stage: str, started: float) -> float:
    now = time.perf_counter()
    stages[stage] = (now - started) * 1e3
    return now
