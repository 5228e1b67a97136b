"""People seen by one camera, lifted to 3D: detections in, poses out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from calibration.camera import Camera
from configs.errors import bad_input
from configs.loading import Config
from models.checkpoints.opening import open_network, untrained_network
from models.datasets.lifting_samples import MM_PER_M, PICTURE_HALF_PX
from models.detections import Detections
from models.lifting.fast_gridconv import FastGridConv
from models.lifting.fast_simple_baseline import FastSimpleBaseline
from models.lifting.gridconv import GridConv
from models.lifting.keypoint_order import TARGET, to_human36m
from models.lifting.missing_keypoints import filled
from models.lifting.simple_baseline import SimpleBaseline
from models.lifting.statistics import WITHOUT_NOSE, WITHOUT_PELVIS
from models.lifting.virtual_camera import place, to_virtual
from models.skeleton import Skeleton
from models.triangulation.predictors.device import choose_device

Floats = NDArray[np.float64]

UNTRAINED: Final = "untrained"


class LiftingConfig(Config):
    """Which network, and where it runs."""

    weights: str = UNTRAINED
    """A file (.pth, .safetensors), the name of an imported network, or ``untrained``."""
    kind: Literal["simple_baseline", "gridconv"] | None = None
    """Needed where the weights have no card that says it."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of the network, where neither a card nor the names in the file tell them."""
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    """A pose takes some milliseconds on a CPU; a GPU pays for hundreds at a time."""

    @model_validator(mode="after")
    def _known(self) -> LiftingConfig:
        if self.weights == UNTRAINED and self.kind is None:
            raise ValueError("an untrained network needs its kind: simple_baseline or gridconv")
        return self


@dataclass(frozen=True)
class LiftedPoses:
    """Poses of N people from one view; what one camera can say, which is not where they stand.

    Attributes:
        skeleton: ``human36m_17``.
        relative: (N, 17, 3) mm in the axes of the camera, from the pelvis; NaN where missing.
        joints: (N, 17, 3) mm in world, the pelvis placed so that the pose is seen where its keypoints are: as
            wrong in depth as the person is larger or smaller than those the network was trained on.
        scores: (N, 17) those of the keypoints, 0 where missing.
    """

    skeleton: Skeleton
    relative: Floats
    joints: Floats
    scores: Floats

    @property
    def lifted(self) -> NDArray[np.bool_]:
        """(N,) whether all keypoints that the network needs were there."""
        return np.asarray((self.scores > 0.0).any(axis=1))


class LiftingPredictor:
    """A lifting network with its weights on a device. Stateless between calls.

    Args:
        config: Settings.
        source: Of the settings, for messages.

    Raises:
        BadInputError: No such weights, they do not fit, are of another kind of network, or lack the
            statistics that poses must be normalised with; or there is no such device.
    """

    def __init__(self, config: LiftingConfig, *, source: str = "lifting") -> None:
        self.config = config
        self.device = choose_device(config.device, source=source)
        if config.weights == UNTRAINED:
            assert config.kind is not None
            opened = untrained_network(config.kind, config.settings, source=source)
        else:
            opened = open_network(config.weights, config.kind, config.settings)
        network = opened.network
        if not isinstance(network, SimpleBaseline | GridConv):
            raise bad_input(
                f"holds a network of the kind {opened.kind}",
                file=opened.path,
                allowed="simple_baseline, gridconv",
            )
        self.name = f"{opened.kind} ({UNTRAINED if opened.path is None else opened.path.stem})"
        self.hashes = opened.hashes()
        self.skeleton = TARGET
        self._needed = list(range(len(TARGET)))
        self._fills_missing = network.config.fills_missing
        self._lift = self._baseline(network) if isinstance(network, SimpleBaseline) else self._grid(network)

    def __call__(self, detections: Detections, skeleton: Skeleton, camera: Camera) -> LiftedPoses:
        """Lift everybody in one view.

        Args:
            detections: N people.
            skeleton: Of their keypoints.
            camera: Whose pixels they are.
        """
        virtual, scores = to_human36m(to_virtual(camera, detections.keypoints), detections.scores, skeleton)
        return self.lift(virtual, scores, camera)

    def lift(self, virtual: Floats, scores: Floats, camera: Camera) -> LiftedPoses:
        """Lift keypoints that are in the right order and camera already.

        Args:
            virtual: (N, 17, 2) px of the virtual camera.
            scores: (N, 17).
            camera: Gives the world its axes.
        """
        given = filled(virtual, TARGET) if self._fills_missing else virtual
        complete = np.isfinite(given[:, self._needed]).all(axis=(1, 2))
        relative = np.full((len(virtual), len(TARGET), 3), np.nan)
        if complete.any():
            relative[complete] = self._lift(given[complete])
        scores = np.where(np.isfinite(relative).all(axis=2), scores, 0.0)
        position = place(relative, virtual, scores)
        in_camera = relative + position[:, None]
        return LiftedPoses(TARGET, relative, (in_camera - camera.t) @ camera.R, scores)

    def _baseline(self, network: SimpleBaseline) -> Any:
        statistics, settings = network.config.statistics, network.config
        seen = WITHOUT_NOSE if settings.joints_in == len(WITHOUT_NOSE) else tuple(range(len(TARGET)))
        said = WITHOUT_PELVIS if settings.joints_out == len(WITHOUT_PELVIS) else tuple(range(len(TARGET)))
        if (len(seen), len(said)) != (settings.joints_in, settings.joints_out):
            raise bad_input(
                f"has {settings.joints_in} joints in and {settings.joints_out} out", allowed="16 or 17 each"
            )
        self._needed = list(seen)
        if statistics is None:
            raise bad_input(
                "the network does not say what its poses were normalised with",
                key="statistics",
                hint="import its weights again with --statistics FILE, once for 2D and once for 3D",
            )
        mean_2d, std_2d = np.array(statistics.mean_2d), np.array(statistics.std_2d)
        mean_3d, std_3d = np.array(statistics.mean_3d), np.array(statistics.std_3d)
        if len(mean_2d) != 2 * len(seen) or len(mean_3d) != 3 * len(said):
            raise bad_input(
                f"statistics are of {len(mean_2d)} and {len(mean_3d)} numbers",
                allowed=f"{2 * len(seen)} and {3 * len(said)}",
            )
        run = FastSimpleBaseline(network.to(self.device))

        def lift(virtual: Floats) -> Floats:
            rows = (virtual[:, list(seen)].reshape(len(virtual), -1) - mean_2d) / std_2d
            found = self._run(run, rows) * std_3d + mean_3d
            joints = np.zeros((len(virtual), len(TARGET), 3))
            joints[:, list(said)] = found.reshape(len(virtual), -1, 3)
            relative: Floats = joints - joints[:, :1]
            return relative

        return lift

    def _grid(self, network: GridConv) -> Any:
        if network.config.joints != len(TARGET):
            raise bad_input(f"has {network.config.joints} joints", allowed=str(len(TARGET)))
        missing = network.sgt_layer.missing() if network.config.layout == "learnable" else ()
        run = FastGridConv(network) if self.device == "cpu" else network.to(self.device)

        def lift(virtual: Floats) -> Floats:
            joints = self._run(run, (virtual - PICTURE_HALF_PX) / PICTURE_HALF_PX) * MM_PER_M
            joints -= joints[:, :1]
            # The grid has no cell for these: the network says nothing about them.
            joints[:, list(missing)] = np.nan
            return joints

        return lift

    def _run(self, network: Any, values: Floats) -> Floats:
        with torch.inference_mode():
            given = torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)
            found: Tensor = network(given)
            return found.cpu().numpy().astype(np.float64)
