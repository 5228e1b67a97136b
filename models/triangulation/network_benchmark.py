"""How long learned triangulation takes, stage by stage, with random weights on made-up pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from calibration.rig import Rig
from models.checkpoints.opening import untrained_network
from models.crops.cropper import Cropper
from models.crops.person_box import box_of_joints
from models.triangulation.benchmark import made_up_people, ring_rig
from models.triangulation.cuboid import Cuboid
from models.triangulation.dlt import triangulate_linear
from models.triangulation.predictors.base import NetworkConfig
from models.triangulation.predictors.device import choose_device
from models.triangulation.predictors.loaded_network import LoadedNetwork
from models.triangulation.ransac import triangulate_consensus
from models.triangulation.soft_argmax import soft_argmax_2d
from models.triangulation.volume_readout import read_joints
from models.triangulation.volumetric import VolumetricTriangulation, build_volume, heatmap_projections

JOINTS: Final = 17
WARM_UP: Final = 3
Runtime = Literal["torch", "openvino"]


def benchmark_networks(
    *,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    views: Sequence[int] = (2, 4, 8),
    batches: Sequence[int] = (1, 8),
    layers: int = 50,
    crop_px: int = 384,
    voxels: int = 64,
    runs: int = 50,
    runtime: Runtime = "torch",
    precision: Literal["float32", "bfloat16", "float16"] = "float32",
    stages_only: bool = False,
    progress: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """Measure crops, backbone, soft-argmax, triangulation, unprojection, V2V and both whole networks.

    Args:
        device: Where networks run.
        views: Cameras per person.
        batches: People at a time.
        layers: Depth of the backbone.
        crop_px: Width of a person's crop.
        voxels: Per side of the volume.
        runs: Timed calls of each figure, after three that do not count.
        runtime: What runs the convolutions.
        precision: Of the convolutions.
        stages_only: Leave out everything with a backbone or a 3D network.
        progress: Told what is measured next.

    Returns:
        Per combination of views and batch the distribution of each stage in ms; on a GPU measured to the end
        of the work there. The settings.
    """
    where = choose_device(device, source="--device")
    found = []
    for batch in batches:
        for count in views:
            progress(f"{count} views, batch {batch}")
            measure = _Measure(where, runs)
            bench = _Case(count, batch, crop_px, where)
            rows: dict[str, Any] = {"views": count, "batch": batch}
            rows |= bench.stages(measure, voxels)
            if not stages_only:
                rows |= bench.networks(measure, layers, voxels, runtime, precision)
            found.append(rows)
    return {
        "device": torch.cuda.get_device_name() if where == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "layers": layers,
        "crop_px": crop_px,
        "voxels": voxels,
        "runtime": runtime,
        "precision": precision,
        "runs": runs,
        "stages": found,
    }


class _Measure:
    """Times calls; on a GPU until the work is done."""

    def __init__(self, device: str, runs: int) -> None:
        self._cuda = device == "cuda"
        self._runs = runs

    def __call__(self, call: Callable[[], object]) -> dict[str, float]:
        times = np.empty(self._runs)
        with torch.inference_mode():
            for run in range(-WARM_UP, self._runs):
                start = time.perf_counter_ns()
                call()
                if self._cuda:
                    torch.cuda.synchronize()
                if run >= 0:
                    times[run] = (time.perf_counter_ns() - start) * 1e-6
        p50, p95, p99 = np.percentile(times, [50, 95, 99])
        return {"p50": float(p50), "p95": float(p95), "p99": float(p99)}


class _Case:
    """One number of views and people: pictures, cameras, maps."""

    def __init__(self, views: int, batch: int, crop_px: int, device: str) -> None:
        rng = np.random.default_rng(0)
        self.rig: Rig = ring_rig(views)
        self.views, self.batch, self.crop_px, self.device = views, batch, crop_px, device
        truth, _, _ = made_up_people(self.rig, batch, JOINTS, rng)
        self.centres = torch.from_numpy(truth.mean(axis=1)).to(device)
        pictures = [rng.integers(0, 255, (720, 1280, 3), np.uint8) for _ in range(views)]
        boxes = [[box_of_joints(person, camera) for camera in self.rig.cameras] for person in truth]
        assert all(box is not None for person in boxes for box in person)
        self._cropper = Cropper(crop_px, device)
        self._input: tuple[list[NDArray[np.uint8]], list[Any], list[Any]] = (
            pictures * batch,
            [*self.rig.cameras] * batch,
            [box for person in boxes for box in person],
        )
        crops = self.crop()
        self.images = crops.images.reshape(batch, views, 3, crop_px, crop_px)
        self.projections = torch.from_numpy(crops.projections.reshape(batch, views, 3, 4)).to(device)
        generator = torch.Generator().manual_seed(0)
        side = crop_px // 4
        self.heatmaps = torch.randn(batch, views, JOINTS, side, side, generator=generator).to(device) * 0.1
        self.features = torch.randn(batch, views, 32, side, side, generator=generator).to(device)
        self.maps = heatmap_projections(self.projections.float(), (crop_px, crop_px), (side, side))

    def crop(self) -> Any:
        """All people out of all views."""
        return self._cropper(*self._input)

    def stages(self, measure: _Measure, voxels: int) -> dict[str, Any]:
        """What is not a network."""
        points = soft_argmax_2d(self.heatmaps * 100.0).coordinates * 4.0
        config = untrained_volumetric(18, voxels).config
        cuboid = Cuboid.around(self.centres.float(), config.side_mm, voxels)
        logits = torch.randn(self.batch, JOINTS, voxels, voxels, voxels, device=self.device)
        return {
            "crop": measure(self.crop),
            "soft_argmax_2d": measure(lambda: soft_argmax_2d(self.heatmaps * 100.0)),
            "linear_by_svd_per_joint": measure(lambda: svd_per_joint(points, self.projections)),
            "linear": measure(lambda: triangulate_linear(points, self.projections)),
            "ransac": measure(lambda: triangulate_consensus(points, self.projections)),
            "unprojection": measure(
                lambda: build_volume(self.features, self.maps, cuboid, config, None, None)
            ),
            "soft_argmax_3d": measure(lambda: read_joints(logits, cuboid, softmax=True)),
        }

    def networks(
        self, measure: _Measure, layers: int, voxels: int, runtime: Runtime, precision: Any
    ) -> dict[str, Any]:
        """Backbone, 3D network and the two whole models."""
        shared = {"device": self.device, "runtime": runtime, "precision": precision, "crop_px": self.crop_px}
        algebraic = LoadedNetwork(
            NetworkConfig(settings={"layers": layers}, **shared), "algebraic", source="benchmark"
        )
        volumetric = LoadedNetwork(
            NetworkConfig(settings={"layers": layers, "voxels": voxels}, **shared),
            "volumetric",
            source="benchmark",
        )
        flat = self.images.flatten(0, 1)
        volume = torch.randn(self.batch, 32, voxels, voxels, voxels, device=self.device)
        centres, projections = self.centres.float(), self.projections.float()
        net_3d = volumetric.network.get_submodule("volume_net")
        backbone = algebraic.network.get_submodule("backbone")
        return {
            "backbone": measure(lambda: algebraic.run(backbone, flat)),
            "v2v": measure(lambda: volumetric.run(net_3d, volume)),
            "algebraic_total": measure(lambda: algebraic.run(algebraic.network, self.images, projections)),
            "volumetric_total": measure(
                lambda: volumetric.run(volumetric.network, self.images, projections, centres)
            ),
        }


def svd_per_joint(points: torch.Tensor, projections: torch.Tensor) -> torch.Tensor:
    """The textbook way for comparison, (B, J, 3): one singular value decomposition after the other."""
    rows = points[..., None].double() * projections[:, :, None, 2:3] - projections[:, :, None, :2]
    systems = rows.transpose(1, 2).flatten(2, 3).flatten(0, 1)
    solved = torch.stack([torch.linalg.svd(system)[2][3] for system in systems])
    return (solved[:, :3] / solved[:, 3:]).reshape(len(points), -1, 3)


def untrained_volumetric(layers: int, voxels: int) -> VolumetricTriangulation:
    """A volumetric network with random weights."""
    settings = {"layers": layers, "voxels": voxels}
    network = untrained_network("volumetric", settings, source="benchmark").network
    assert isinstance(network, VolumetricTriangulation)
    return network
