"""MeTRAbs as a model for one camera: it says itself where in metres the person is."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from calibration.camera import Camera
from configs.errors import bad_input
from configs.loading import Config
from models.lifting.keypoint_order import TARGET, to_human36m
from models.metrabs.crop_model import MetrabsConfig, MetrabsCropModel
from models.metrabs.estimator import PoseEstimator
from models.metrabs.joint_layout import JointLayout
from models.metrabs.joint_names import NAMES, short_names
from models.metrabs.multi_person import EstimationSettings
from models.metrabs.opening import open_metrabs
from models.metrabs.person_box import box_round
from models.monocular.base import MonocularPose
from models.monocular.uncertainty import Uncertainty
from models.runtimes.openvino_module import OpenVinoModule
from models.skeleton import Skeleton
from models.triangulation.predictors.device import choose_device

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

UNTRAINED: Final = "untrained"

_LEAST_KEYPOINTS: Final = 3
"""That make a box."""


class MetrabsSettings(Config):
    """Which weights, and how to look at each person."""

    weights: str = UNTRAINED
    """The folder of a published model (config.yaml, ckpt.pt, joint_info.npz, ...), what training wrote
    (best.safetensors), or ``untrained``."""
    skeleton: str = ""
    """Of those that the model has; all joints by default."""
    num_aug: int = Field(1, ge=1, le=100)
    """Variants of each crop to average over: better, and so many times slower."""
    antialias_factor: int = Field(1, ge=1, le=4)
    internal_batch_size: int = Field(64, ge=0)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    runtime: Literal["torch", "openvino"] = "torch"
    """What runs the convolutions on a CPU; OpenVINO is faster there (``benchmark inference``)."""
    crop_px: int = Field(256, ge=64, le=512, multiple_of=32)
    """Of an untrained network."""
    uncertainty: Uncertainty = Field(default_factory=Uncertainty)


class Metrabs:
    """Sarandi et al., MeTRAbs: Metric-Scale Truncation-Robust Heatmaps, T-BIOM 2020; in ``human36m_17``.

    The keypoints only say where in the picture the person is.

    Args:
        config: Settings.
        skeleton: Of the keypoints.
        source: Of the settings, for messages.

    Raises:
        BadInputError: No such folder, it does not fit, or its joints are not those of a body.
    """

    Config: ClassVar[type[MetrabsSettings]] = MetrabsSettings
    needs_image = True

    def __init__(self, config: MetrabsSettings, skeleton: Skeleton, *, source: str = "monocular") -> None:
        self.device = choose_device(config.device, source=source)
        self.skeleton = TARGET
        self.uncertainty = config.uncertainty
        self.hashes: dict[str, str] = {}
        if config.weights == UNTRAINED:
            network, layout = _untrained(config.crop_px)
            self.name = f"metrabs ({UNTRAINED})"
        else:
            opened = open_metrabs(config.weights, source=source)
            network, layout, self.hashes = opened.network, opened.layout, opened.hashes
            self.name = f"metrabs ({opened.name})"
        if network.config.scale_recovery == "metro":
            raise bad_input(
                "says the shape of a person and not the place",
                file=source,
                key="weights",
                value=config.weights,
                allowed="networks with scale_recovery metrabs",
            )
        if config.runtime == "openvino":
            if self.device != "cpu" or config.precision != "float32":
                raise bad_input(
                    "OpenVINO runs in float32 on the CPU", file=source, key="runtime", hint="set device: cpu"
                )
            # Heatmaps are read, and places found, outside: as exactly as without.
            network.add_module(
                "backbone",
                OpenVinoModule(network.backbone, lambda out: (out,), lambda found: found[0], precision="f32"),
            )
        names = [name.partition("_")[0] for name in layout.select(config.skeleton).names]
        self._joints = _as_skeleton(names, source)
        self._estimator = PoseEstimator(
            network.to(self.device), layout, dtype=getattr(torch, config.precision)
        )
        self._settings = EstimationSettings(
            internal_batch_size=config.internal_batch_size,
            antialias_factor=config.antialias_factor,
            num_aug=config.num_aug,
            skeleton=config.skeleton,
        )

    def __call__(
        self, image: Image | None, camera: Camera, keypoints: Floats, scores: Floats
    ) -> MonocularPose:
        """See ``MonocularModel``."""
        assert image is not None
        if camera.model == "fisheye":
            raise bad_input(
                "MeTRAbs cannot look through a fisheye lens",
                key=f"camera {camera.name}",
                hint="use another pipeline, or calibrate the camera with the rational model",
            )
        known = np.isfinite(keypoints).all(axis=1)
        if known.sum() < _LEAST_KEYPOINTS:
            return MonocularPose.nobody(len(TARGET))
        people = self._estimator.people(
            [np.ascontiguousarray(image[:, :, ::-1])],
            [box_round(keypoints[known])[None]],
            self._settings,
            camera.K.copy(),  # torch takes no arrays that are read-only
            camera.distortion.copy(),
            world_up_vector=camera.R @ (0.0, 0.0, 1.0),
        )[0]
        if not bool(people.in_front[0]):
            return MonocularPose.nobody(len(TARGET))
        joints = people.poses3d[0].double().cpu().numpy()
        # How peaked heatmaps are is no probability of being right; the finder's scores say more.
        trusted = np.full(len(joints), float(scores[known].mean()))
        placed, trusted = (part[0] for part in to_human36m(joints[None], trusted[None], self._joints))
        return MonocularPose(placed, trusted, trusted > 0.0)


def _as_skeleton(names: list[str], source: str) -> Skeleton:
    """The model's joints under our names; others keep theirs."""
    ours = list(names)
    for joint, candidates in NAMES.items():
        found = next((name for name in candidates if name in names), None)
        if found is not None:
            ours[names.index(found)] = joint
    limbs = [
        joint for joint in NAMES if joint.endswith(("hip", "shoulder", "knee", "elbow")) and joint not in ours
    ]
    if limbs:
        raise bad_input(
            f"the skeleton lacks {', '.join(limbs)}", file=source, key="skeleton", hint="choose another one"
        )
    return Skeleton("metrabs", tuple(ours), (), (), ())


def _untrained(crop_px: int) -> tuple[MetrabsCropModel, JointLayout]:
    """The small network with random weights, the same in every run, and the joints of Human3.6M."""
    names = short_names(TARGET)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = MetrabsCropModel(MetrabsConfig(proc_side=crop_px, points=len(names)))
    return network.eval(), JointLayout(names, TARGET.bones)
