"""From the pictures of one instant to 3D poses; the same for the live node and for offline processing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from configs.errors import bad_input
from configs.loading import parse_config
from models.keypoints.base import KeypointModel
from models.keypoints.performer import choose_performer
from models.keypoints.registry import KEYPOINT_MODELS
from models.keypoints.retiming import KeypointRetimer
from models.monocular.gap_filler import Filled, GapFiller
from models.one_euro import OneEuroFilter
from models.pose_frame import PoseFrame
from models.triangulation.mirror_repair import MirrorRepair
from models.triangulation.robust import RobustTriangulator
from models.triangulation.view_trust import ViewTrust
from pipeline.estimation.monocular_model import build_monocular_model, warm_up_monocular
from pipeline.estimation.pipeline_config import PipelineConfig
from pipeline.frames.frame import Image


def build_keypoint_model(config: PipelineConfig, cameras: Sequence[str]) -> KeypointModel:
    """The 2D model a pipeline names, with its settings checked.

    Raises:
        BadInputError: Unknown model, wrong setting, or weights that are not there yet.
        MissingExtraError: Its runtime is not installed.
    """
    kind = str(config.keypoints["type"])
    model_class = KEYPOINT_MODELS.load(kind)
    settings = {key: value for key, value in config.keypoints.items() if key != "type"}
    source = f"pipeline {config.name}: keypoints"
    model: KeypointModel = model_class(parse_config(model_class.Config, settings, source=source), cameras)
    return model


def check_cameras(rig: Rig) -> None:
    """Raise BadInputError unless there are two cameras or more."""
    if len(rig) < 2:
        raise bad_input(
            f"3D poses need at least two cameras, this rig has {len(rig)}",
            key="cameras",
            value=", ".join(rig.names),
            hint="add a camera, lift what one sees with --pipeline blazepose+simple_baseline, or record "
            "without poses with --pipeline none",
        )


class PoseEstimator:
    """Keypoints in every view, left/right repair, robust triangulation, filling of gaps, filter.

    Follows one performer: of several people in a view it takes the one nearest to where the performer was.

    Args:
        config: Models and settings.
        rig: Calibrated cameras; their order is the order of views everywhere.
        model: The 2D model; built from ``config`` when not given.
    """

    def __init__(self, config: PipelineConfig, rig: Rig, model: KeypointModel | None = None) -> None:
        check_cameras(rig)
        self.rig = rig
        self.instant_s = 0.1
        self.model = model if model is not None else build_keypoint_model(config, rig.names)
        self.device = str(getattr(self.model, "device", "cpu"))
        self.skeleton = self.model.skeleton
        self._triangulate = RobustTriangulator(config.triangulation, rig)
        self._repair = (
            MirrorRepair(config.mirror_repair, self._triangulate, self.skeleton)
            if config.mirror_repair
            else None
        )
        views, joints = len(rig), len(self.skeleton)
        self._retime = KeypointRetimer(config.retiming, views) if config.retiming else None
        self._lags_ns = np.array([round(camera.lag_ms * 1e6) for camera in rig.cameras], np.int64)
        self._trust = ViewTrust(config.view_trust, views, joints) if config.view_trust else None
        self._min_score = config.triangulation.min_score
        self._fill = self._gap_filler(config) if config.monocular is not None else None
        self._smooth = OneEuroFilter(config.smoothing) if config.smoothing else None
        self._last_joints: NDArray[np.float64] | None = None
        self._warm_up()
        self.origin_ns = 0
        """Start of the session; models are told times since then."""

    def description(self) -> dict[str, Any]:
        """Name and weights of the models in use, for the take."""
        models: dict[str, Any] = {"keypoints": self.model}
        if self._fill is not None:
            models["monocular"] = self._fill.model
        return {key: {"name": model.name, "sha256": model.hashes} for key, model in models.items()}

    def estimate(self, images: Sequence[Image | None], times_ns: Sequence[int], time_ns: int) -> PoseFrame:
        """Estimate the poses of one instant.

        Args:
            images: One (H, W, 3) BGR picture per camera of the rig, None where there is none.
            times_ns: Capture time of each, -1 where there is none.
            time_ns: The instant.

        Returns:
            A PoseFrame of no people, or of the performer.
        """
        stages: dict[str, float] = {}
        started = time.perf_counter()
        since_start = [t - self.origin_ns if t >= 0 else t for t in times_ns]
        detections = self.model.detect(images, since_start)
        started = _lap(stages, "keypoints", started)
        keypoints, scores = choose_performer(detections, self.rig, len(self.skeleton), self._last_joints)
        swapped = np.zeros((1, len(self.rig)), bool)
        seen = (scores > 0).any(axis=1)
        if not seen.any():
            self._forget()
            return PoseFrame.nobody(time_ns, self.skeleton, self.rig.names, times_ns, stages)
        if self._repair is not None and seen.sum() > 1:  # a single view has none to be compared with
            keypoints, scores, swapped[0] = self._repair(keypoints, scores, 0)
            started = _lap(stages, "mirror_repair", started)
        placed = keypoints
        if self._retime is not None:
            placed = self._retime(keypoints, self._scene_times(times_ns), time_ns)
        weighed = scores
        if self._trust is not None:
            weighed = self._trust.weigh(scores, self._min_score, time_ns)
        result = self._triangulate(placed[None], weighed[None])
        if self._retime is not None:
            self._retime.learn(result.used[0], weighed >= self._min_score)
        if self._trust is not None:
            usable = scores >= self._min_score
            # A view that is alone with a joint contradicts nobody.
            self._trust.learn(result.used[0], usable & (usable.sum(axis=0) > 1), time_ns)
        started = _lap(stages, "triangulation", started)
        filled = Filled(result.joints[0], result.scores[0], result.covariance[0], result.used[0])
        if self._fill is not None:
            filled = self._fill(filled, placed, scores, images, time_ns)
            started = _lap(stages, "gaps", started)
        person = np.zeros(1, np.int64)
        smoothed = filled.joints[None]
        if self._smooth is not None:
            smoothed = self._smooth(smoothed, person, time_ns)
            _lap(stages, "smoothing", started)
        self._last_joints = filled.joints
        return PoseFrame(
            time_ns=time_ns,
            skeleton=self.skeleton,
            cameras=self.rig.names,
            view_times_ns=np.asarray(times_ns, np.int64),
            person=person,
            joints=filled.joints[None],
            scores=filled.scores[None],
            covariance=filled.covariance[None],
            keypoints=np.concatenate([keypoints, scores[..., None]], axis=-1)[None],
            used=filled.used[None],
            smoothed=smoothed,
            swapped=swapped,
            stage_ms=stages,
        )

    def close(self) -> None:
        """Free the models."""
        self.model.close()

    def _gap_filler(self, config: PipelineConfig) -> GapFiller:
        assert config.monocular is not None
        model = build_monocular_model(config, self.skeleton)
        scale = config.triangulation.score_scale_mm
        filler = GapFiller(
            config.monocular.gaps,
            model,
            self.rig,
            self.skeleton,
            min_score=self._min_score,
            score_scale_mm=scale,
        )
        self.instant_s += warm_up_monocular(model, self.rig, self.skeleton)
        return filler

    def _scene_times(self, times_ns: Sequence[int]) -> NDArray[np.int64]:
        """(V,) when the scene in each picture took place, -1 where there is none."""
        times = np.asarray(times_ns, np.int64)
        return np.where(times >= 0, times - self._lags_ns, -1)

    def _warm_up(self) -> None:
        """Load compiled code now rather than on the first frames."""
        views, joints = len(self.rig), len(self.skeleton)
        somebody = self.rig.project(np.tile([[0.0, 0.0, 1000.0]], (joints, 1)))
        self._triangulate(np.nan_to_num(somebody)[None], np.ones((1, views, joints)))

    def _forget(self) -> None:
        self._last_joints = None
        if self._retime is not None:
            self._retime.reset()
        if self._trust is not None:
            self._trust.reset()
        if self._repair is not None:
            self._repair.reset()


def _lap(stages: dict[str, float], stage: str, started: float) -> float:
    now = time.perf_counter()
    stages[stage] = (now - started) * 1e3
    return now
