"""Networks that look for joints in a volume around the person: volumetric triangulation and ContextPose."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.crops.cropper import Crops
from models.skeleton import Skeleton
from models.triangulation.predictors.algebraic import SHARPNESS
from models.triangulation.predictors.base import Floats, MultiviewPoses, NetworkConfig
from models.triangulation.predictors.loaded_network import LoadedNetwork, batched
from models.triangulation.soft_argmax import soft_argmax_2d

SPREAD = 0.1
"""Standard deviation per axis, as a share of the cuboid, up to which a pose is followed. A network that knows
nothing spreads a joint over the whole cuboid: 0.29."""


class VolumetricPredictor:
    """See ``VolumetricTriangulation``.

    Keypoints and their scores are read from the heatmaps of its backbone, whose last layer is not trained
    with the volume: they are there to be looked at. The score of a joint falls with the spread of its volume.
    """

    Config = NetworkConfig
    kind = "volumetric"
    needs_centre = True

    def __init__(self, config: NetworkConfig, *, source: str = "network") -> None:
        self.config = config
        self._loaded = LoadedNetwork(config, self.kind, source=source)
        self.skeleton: Skeleton = self._loaded.skeleton
        self.name, self.hashes, self.device = self._loaded.name, self._loaded.hashes, self._loaded.device
        self._side_mm = float(self._loaded.network.config.side_mm)  # type: ignore[union-attr, arg-type]

    def __call__(self, crops: Crops, present: NDArray[np.bool_], centres: Floats | None) -> MultiviewPoses:
        """See ``MultiviewPredictor``."""
        assert centres is not None
        images, projections, shown = batched(crops, present)
        middle = torch.from_numpy(np.ascontiguousarray(centres, np.float64))
        joints, covariance, points, peaks = self._loaded.run(self._joints, images, projections, middle, shown)
        at = points.double().cpu().numpy().copy()
        at[~present] = np.nan
        point_scores = peaks.double().cpu().numpy() * present[..., None]
        found = joints.double().cpu().numpy()
        spread = covariance.double().cpu().numpy()
        deviation = np.sqrt(np.trace(spread, axis1=2, axis2=3) / 3.0) / self._side_mm
        scores = 1.0 / (1.0 + (deviation / SPREAD) ** 2)
        trusted = np.median(deviation, axis=1) < SPREAD
        return MultiviewPoses(found, scores, spread, at, point_scores, trusted, {})

    def _joints(
        self, images: Tensor, projections: Tensor, centres: Tensor, present: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Joints, covariance, points of the backbone and their scores."""
        out = self._loaded.network(images, projections.float(), centres.float(), present)
        read = soft_argmax_2d(out.heatmaps.float() * SHARPNESS)
        scale = images.shape[-1] / out.heatmaps.shape[-1]
        return out.joints, out.covariance, read.coordinates * scale, read.maps.flatten(-2).amax(dim=-1)


class ContextPosePredictor(VolumetricPredictor):
    """See ``ContextPose``."""

    kind = "contextpose"
