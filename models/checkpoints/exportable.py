"""Networks in the form in which they leave: tensors in, named tensors out, nothing only Python can do."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor, nn

from configs.errors import bad_input
from models.backbones.pose_resnet import PoseResNet
from models.backbones.studio_lite import StudioLite
from models.triangulation.algebraic import AlgebraicTriangulation
from models.triangulation.contextpose import ContextPose
from models.triangulation.cuboid import unit_grid
from models.triangulation.dlt import taking_part
from models.triangulation.ransac import RansacTriangulation, arg_max, consensus_in_torch
from models.triangulation.volumetric import VolumetricTriangulation

Outputs = dict[str, Tensor]


class Exportable(nn.Module):
    """A network and what its file takes and gives.

    Attributes:
        inputs: Names of the arguments of ``forward``, a subset of those of ``Sample``.
        any_views: Whether one file can serve any number of views.
        fewest_views: That make sense.
        part: What of the network the file holds, in words; empty for all of it.
    """

    inputs: tuple[str, ...] = ("images", "projections", "present")
    any_views = True
    fewest_views = 2
    part = ""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def expected(self, inputs: dict[str, Tensor], found: Outputs) -> Outputs:
        """What the file should have found, by the network itself."""
        outputs: Outputs = self(**inputs)
        return outputs

    def scale(self, name: str, values: Tensor) -> float:
        """Size of the numbers that were summed up for an output: its own, unless they cancel."""
        return float(values.nan_to_num().abs().max())


class ExportableBackbone(Exportable):
    """Heatmaps and what else the heads of a backbone give."""

    inputs = ("images",)
    fewest_views = 1

    def forward(self, images: Tensor) -> Outputs:
        """(N, 3, H, W) to what ``BackboneOutput`` says."""
        return {name: value for name, value in self.network(images)._asdict().items() if value is not None}


class ExportableAlgebraic(Exportable):
    """``AlgebraicTriangulation`` without its heatmaps."""

    def forward(self, images: Tensor, projections: Tensor, present: Tensor) -> Outputs:
        """See ``AlgebraicTriangulation.forward``."""
        found = self.network(images, projections, present)
        return {
            "keypoints_3d": found.keypoints_3d,
            "keypoints_2d": found.keypoints_2d,
            "confidences": found.confidences,
            "determined": found.determined,
        }


class ExportableVolume(Exportable):
    """``VolumetricTriangulation`` and ``ContextPose``: joints with their spread."""

    inputs = ("images", "projections", "centres", "present")
    network: VolumetricTriangulation | ContextPose

    def __init__(self, network: VolumetricTriangulation | ContextPose) -> None:
        super().__init__(network)
        if isinstance(network, ContextPose):
            self.fewest_views = 1
        # Kept by its maker, who would otherwise keep the stand-in that an exporter computes with.
        unit_grid(network.config.voxels, torch.device("cpu"))

    def forward(self, images: Tensor, projections: Tensor, centres: Tensor, present: Tensor) -> Outputs:
        """See ``VolumetricTriangulation.forward``."""
        found = self.network(images, projections, centres, present)
        return {"keypoints_3d": found.joints, "covariance": found.covariance}

    def scale(self, name: str, values: Tensor) -> float:
        """Joints near the middle are sums over the whole volume."""
        largest = super().scale(name, values)
        return max(largest, self.network.config.side_mm) if name == "keypoints_3d" else largest


class ExportablePeaks(Exportable):
    """Heatmaps of ``RansacTriangulation`` and their largest cells, for formats that cannot do the rest."""

    inputs: tuple[str, ...] = ("images",)
    network: RansacTriangulation
    part = "heatmaps and 2D keypoints; the consensus of the views stays with the program"

    def forward(self, images: Tensor) -> Outputs:
        """(B, V, 3, H, W) to (B, V, J, h, w) and (B, V, J, 2) px."""
        heatmaps = self.network.backbone(images.flatten(0, 1)).heatmaps
        return self._peaks(images, heatmaps.reshape(*images.shape[:2], *heatmaps.shape[1:]))

    def expected(self, inputs: dict[str, Tensor], found: Outputs) -> Outputs:
        """The maps of the network, and what follows from the maps in the file.

        Two cells may be equally large but for rounding, and then either is right.
        """
        maps = self(**inputs)["heatmaps"]
        return self._peaks(inputs["images"], found["heatmaps"]) | {"heatmaps": maps}

    def _peaks(self, images: Tensor, heatmaps: Tensor) -> Outputs:
        place = arg_max(heatmaps, (images.shape[-2], images.shape[-1]))
        return {"heatmaps": heatmaps, "keypoints_2d": place}


class ExportableRansac(ExportablePeaks):
    """All of ``RansacTriangulation``, for one number of views: the pairs to try depend on it."""

    inputs = ("images", "projections", "present")
    any_views = False
    part = ""

    def forward(self, images: Tensor, projections: Tensor, present: Tensor) -> Outputs:  # type: ignore[override]
        """See ``RansacTriangulation.forward``."""
        peaks = super().forward(images)
        return peaks | self._joints(peaks["keypoints_2d"], projections, present)

    def expected(self, inputs: dict[str, Tensor], found: Outputs) -> Outputs:
        """As ``ExportablePeaks.expected``; joints follow from the keypoints in the file."""
        maps = ExportablePeaks.forward(self, inputs["images"])["heatmaps"]
        peaks = self._peaks(inputs["images"], found["heatmaps"]) | {"heatmaps": maps}
        return peaks | self._joints(found["keypoints_2d"], inputs["projections"], inputs["present"])

    def _joints(self, keypoints: Tensor, projections: Tensor, present: Tensor) -> Outputs:
        # Not the compiled form: it stops refining when nothing moves any more, a file after a fixed number
        # of steps. The tests of that module hold the two together.
        joints = consensus_in_torch(
            keypoints.double(),
            projections.double(),
            taking_part(keypoints, present),
            None,
            self.network.epsilon,
            self.network.direct_optimization,
        )
        return {
            "keypoints_3d": joints.points.to(keypoints.dtype),
            "inliers": joints.inliers,
            "determined": joints.determined,
        }


def exportable(network: nn.Module, *, whole: bool) -> Exportable:
    """The form in which a network leaves.

    Args:
        network: On the CPU, in evaluation mode.
        whole: Whether the format can do everything that torch can.

    Raises:
        BadInputError: Nothing is known about exporting this kind of network.
    """
    if isinstance(network, PoseResNet | StudioLite):
        return ExportableBackbone(network).eval()
    if isinstance(network, AlgebraicTriangulation):
        return ExportableAlgebraic(network).eval()
    if isinstance(network, RansacTriangulation):
        return (ExportableRansac if whole else ExportablePeaks)(network).eval()
    if isinstance(network, VolumetricTriangulation | ContextPose):
        return ExportableVolume(network).eval()
    raise bad_input("networks of this kind cannot be exported", value=type(network).__name__)


@dataclass(frozen=True)
class Sample:
    """Random input of the right kind: B people among V cameras in a circle that look at them.

    Attributes:
        images: (B, V, 3, H, W) noise with the spread of normalised pictures.
        projections: (B, V, 3, 4) float32, px from mm.
        centres: (B, 3) mm.
        present: (B, V) bool; one view is absent where enough others are left.
    """

    images: Tensor
    projections: Tensor
    centres: Tensor
    present: Tensor

    @classmethod
    def random(cls, batch: int, views: int, crop: int, fewest: int, seed: int) -> Sample:
        """``batch`` people within some 20 cm of the middle, seen from 4 m; crops show 2.5 m."""
        generator = torch.Generator().manual_seed(seed)
        angles = torch.arange(views, dtype=torch.float64) * (2 * pi / views) + 0.3
        sine, cosine, zero = angles.sin(), angles.cos(), torch.zeros(views, dtype=torch.float64)
        rows = (sine, -cosine, zero), (zero, zero, zero - 1.0), (-cosine, -sine, zero)
        rotation = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
        distance = torch.tensor([0.0, 0.0, 4000.0], dtype=torch.float64).expand(views, 3)
        focal, middle = 1.6 * crop, (crop - 1) / 2
        camera = torch.tensor([[focal, 0.0, middle], [0.0, focal, middle], [0.0, 0.0, 1.0]]).double()
        projections = camera @ torch.cat([rotation, distance[:, :, None]], dim=2)
        present = torch.ones(batch, views, dtype=torch.bool)
        if views > fewest:
            present[-1, seed % views] = False
        return cls(
            torch.randn(batch, views, 3, crop, crop, generator=generator),
            projections.float().expand(batch, -1, -1, -1).contiguous(),
            torch.randn(batch, 3, generator=generator) * 100.0,
            present,
        )

    def inputs_of(self, form: Exportable) -> dict[str, Tensor]:
        """The arguments of a form by name; a backbone alone takes pictures in one row."""
        chosen: dict[str, Tensor] = {name: getattr(self, name) for name in form.inputs}
        if isinstance(form, ExportableBackbone):
            chosen["images"] = self.images.flatten(0, 1)
        return chosen
