"""How long learned triangulation takes, stage by stage, with random weights on made-up pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calibration.rig import Rig
from models.checkpoints.opening import untrained_network
from models.checkpoints.writing import ModelCard, write_checkpoint
from models.compared_forms import Form, compare
from models.crops.cropper import Cropper
from models.crops.person_box import box_of_joints
from models.trained_scale import scale_scores
from models.triangulation.algebraic import AlgebraicTriangulation
from models.triangulation.benchmark import made_up_people, ring_rig
from models.triangulation.cuboid import Cuboid
from models.triangulation.dlt import triangulate_linear
from models.triangulation.predictors.base import NetworkConfig
from models.triangulation.predictors.device import choose_device
from models.triangulation.predictors.loaded_network import LoadedNetwork
from models.triangulation.published_structure import (
    algebraic_as_published,
    svd_per_joint,
    volumetric_as_published,
)
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

    The whole networks run in turn with their published structure (``published_structure``) on the same
    weights, which are random, with maps that have peaks.

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
        Per combination of views and batch the distribution of each stage in ms, on a GPU measured to the end
        of the work there; of whole networks (``_total``) also that of the published structure
        (``_published``), the median ratio of the two within rounds and by how much joints differ. Settings.
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
        self.runs = runs
        self.wait: Callable[[], None] = torch.cuda.synchronize if device == "cuda" else lambda: None

    def __call__(self, call: Callable[[], object]) -> dict[str, float]:
        times = np.empty(self.runs)
        with torch.inference_mode():
            for run in range(-WARM_UP, self.runs):
                start = time.perf_counter_ns()
                call()
                self.wait()
                if run >= 0:
                    times[run] = (time.perf_counter_ns() - start) * 1e-6
        return distribution(times)


def distribution(times_ms: Sequence[float] | NDArray[np.float64]) -> dict[str, float]:
    """Percentiles by name."""
    p50, p95, p99 = np.percentile(times_ms, [50, 95, 99])
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
        """Backbone and 3D network; the two whole models in turn with their published structure."""
        shared = {"device": self.device, "runtime": runtime, "precision": precision, "crop_px": self.crop_px}
        rows: dict[str, Any] = {}
        volume = torch.randn(self.batch, 32, voxels, voxels, voxels, device=self.device)
        flat = self.images.flatten(0, 1)
        for kind, settings in (
            ("algebraic", {"layers": layers}),
            ("volumetric", {"layers": layers, "voxels": voxels}),
        ):
            with TemporaryDirectory() as folder:
                weights = Path(folder) / f"{kind}.safetensors"
                plain = self._with_peaks(kind, settings, weights)
                ours = LoadedNetwork(
                    NetworkConfig(weights=str(weights), settings=settings, **shared), kind, source="benchmark"
                )
            forms = self._forms(plain, ours)
            if kind == "algebraic":
                backbone = ours.network.get_submodule("backbone")
                rows["backbone"] = measure(partial(ours.run, backbone, flat))
            else:
                net_3d = ours.network.get_submodule("volume_net")
                rows["v2v"] = measure(partial(ours.run, net_3d, volume))
            with torch.inference_mode():
                found = compare(forms, measure.runs, wait=measure.wait)
            for form, name in (("published structure", "published"), ("ours", "total")):
                rows[f"{kind}_{name}"] = distribution(found[form].walls_ms)
            rows[f"{kind}_times_faster"] = found["ours"].ratio
            rows[f"{kind}_times_faster_by_processor"] = found["ours"].processor_ratio
            rows[f"{kind}_differs_mm"] = found["ours"].largest_difference
        return rows

    def _with_peaks(self, kind: str, settings: dict[str, Any], file: Path) -> nn.Module:
        """A network with random weights whose maps have peaks; also written to ``file``.

        Batch normalisation stays as it is made: with statistics of its own a random network of this depth
        magnifies rounding to percents, which no trained one does.
        """
        network = untrained_network(kind, settings, source="benchmark").network
        card = ModelCard(architecture=kind, settings=settings, source="random")
        images, projections = self.images[:1].cpu(), self.projections[:1].cpu().float()
        centres = self.centres[:1].cpu().float()
        backbone = network.get_submodule("backbone")
        with torch.no_grad():
            if isinstance(network, AlgebraicTriangulation):
                scores = backbone(images[0]).heatmaps
                scale_scores(cast(nn.Conv2d, backbone.final_layer), scores, network.heatmap_multiplier)
            else:
                assert isinstance(network, VolumetricTriangulation)
                seen: list[Tensor] = []
                hook = network.volume_net.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
                net_3d = network.volume_net
                network(images, projections, centres)
                hook.remove()
                scale_scores(net_3d.output_layer, net_3d(seen[0]), network.config.multiplier)
        write_checkpoint(file, network.state_dict(), card)
        return network.to(self.device).eval()

    def _forms(self, plain: nn.Module, ours: LoadedNetwork) -> dict[str, Form]:
        projections, centres = self.projections.float(), self.centres.float()
        if isinstance(plain, AlgebraicTriangulation):
            return {
                "published structure": lambda: algebraic_as_published(plain, self.images, projections),
                "ours": lambda: ours.run(ours.network, self.images, projections).keypoints_3d,
            }
        assert isinstance(plain, VolumetricTriangulation)
        return {
            "published structure": lambda: volumetric_as_published(plain, self.images, projections, centres),
            "ours": lambda: ours.run(ours.network, self.images, projections, centres).joints,
        }


def untrained_volumetric(layers: int, voxels: int) -> VolumetricTriangulation:
    """A volumetric network with random weights."""
    settings = {"layers": layers, "voxels": voxels}
    network = untrained_network("volumetric", settings, source="benchmark").network
    assert isinstance(network, VolumetricTriangulation)
    return network
