"""MeTRAbs as a model for one camera: it says itself where in metres the person is."""

from __future__ import annotations

from pathlib import Path
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
from models.metrabs.model_folder import read_model_folder
from models.metrabs.multi_person import EstimationSettings
from models.monocular.base import MonocularPose
from models.monocular.uncertainty import Uncertainty
from models.skeleton import Skeleton
from models.triangulation.predictors.device import choose_device
from models.zoo.checksum import sha256_of

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

UNTRAINED: Final = "untrained"

_LEAST_KEYPOINTS: Final = 3
"""That make a box."""

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "pelvis": ("pelv", "spinebase"),
    "spine": ("spin", "bell", "spi1", "spinemid"),
    "neck": ("neck", "thor", "spineshoulder"),
    "nose": ("nose",),
    "head_top": ("htop",),
    **{
        f"{side}_{joint}": (f"{side[0]}{short}",)
        for side in ("left", "right")
        for joint, short in (
            ("shoulder", "sho"),
            ("elbow", "elb"),
            ("wrist", "wri"),
            ("hip", "hip"),
            ("knee", "kne"),
            ("ankle", "ank"),
            ("ear", "ear"),
        )
    },
}
"""Our joints by the names in published models, the nearest first; a suffix such as ``_smpl`` is cut off."""


class MetrabsSettings(Config):
    """Which weights, and how to look at each person."""

    weights: str = UNTRAINED
    """The folder of a published model (config.yaml, ckpt.pt, joint_info.npz, ...), or ``untrained``."""
    skeleton: str = ""
    """Of those that the model has; all joints by default."""
    num_aug: int = Field(1, ge=1, le=100)
    """Variants of each crop to average over: better, and so many times slower."""
    antialias_factor: int = Field(1, ge=1, le=4)
    internal_batch_size: int = Field(64, ge=0)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
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
            folder = Path(config.weights).expanduser()
            if not folder.is_dir():
                raise bad_input(
                    "is not the folder of a MeTRAbs model",
                    file=source,
                    key="weights",
                    value=config.weights,
                    allowed="a folder with config.yaml, ckpt.pt and joint_info.npz, or untrained",
                )
            network, layout = read_model_folder(folder)
            checkpoint = next(
                folder / name for name in ("ckpt.safetensors", "ckpt.pt") if (folder / name).is_file()
            )
            self.hashes = {checkpoint.name: sha256_of(checkpoint)}
            self.name = f"metrabs ({folder.resolve().name})"
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
            [_box_round(keypoints[known])],
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


def _box_round(keypoints: Floats) -> NDArray[np.float32]:
    """(1, 4) left, top, width, height px round keypoints (K, 2), with a tenth more on each side.

    Detectors' boxes, which the network was trained with, reach to the ends of hands, feet and head.
    """
    low, high = keypoints.min(axis=0), keypoints.max(axis=0)
    margin = 0.1 * float((high - low).max())
    return np.array([[*(low - margin), *(high - low + 2.0 * margin)]], np.float32)


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
    short = {joint: names[0] for joint, names in NAMES.items()}
    names = tuple(short[joint] for joint in TARGET.joints)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = MetrabsCropModel(MetrabsConfig(proc_side=crop_px, points=len(names)))
    return network.eval(), JointLayout(names, TARGET.bones)
