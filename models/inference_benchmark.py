"""``benchmark inference``: lifting networks and MeTRAbs' crop network against their published structures.

Each round runs every form of a network in turn, and ratios are taken within rounds, so that other programs on
the machine disturb all forms alike. Both the clock and the time of the processor are measured.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.compared_forms import Form, compare
from models.lifting.fast_gridconv import FastGridConv
from models.lifting.fast_simple_baseline import FastSimpleBaseline
from models.lifting.gridconv import GridConv, GridConvConfig
from models.lifting.published_structure import as_published
from models.lifting.simple_baseline import SimpleBaseline
from models.metrabs.crop_model import MetrabsConfig, MetrabsCropModel
from models.runtimes.openvino_module import OpenVinoModule
from models.trained_scale import scale_scores, settle_batch_norm
from models.training.trainer import channels_last

log = logging.getLogger(__name__)

Progress = Callable[[str], None]

PUBLISHED_MS: Final[dict[str, dict[tuple[int, int], tuple[float, float]]]] = {
    "simple_baseline": {(1, 1): (1.05, 1.31), (1, 2): (0.84, 0.89), (64, 1): (8.0, 8.5), (64, 2): (4.4, 6.5)},
    "gridconv": {(1, 1): (6.9, 7.5), (1, 2): (5.1, 6.4), (64, 1): (477.0, 549.0), (64, 2): (353.0, 372.0)},
    "metrabs_crop": {(1, 1): (110.0, 112.0), (1, 2): (66.0, 67.0)},
}
"""Milliseconds of the published programs by batch and threads, lowest and highest median of two runs, on two
virtual cores of an AMD EPYC with torch 2.13: orientation only, the ratios of a run are what counts."""

CROP_PX: Final = 256
CROP_JOINTS: Final = 24


def benchmark_inference(
    batches: Sequence[int] = (1, 64),
    *,
    threads: int = 1,
    rounds: int = 9,
    crops: Sequence[int] = (1,),
    progress: Progress = lambda what: None,
) -> dict[str, Any]:
    """Measure both lifters and the crop network with random weights.

    Args:
        batches: Poses in a call.
        threads: Of the processor.
        rounds: Each runs all forms.
        crops: Crops in a call; empty leaves that network out.
        progress: Told what is measured next.

    Returns:
        ``threads``, ``rounds``, ``published_ms``; by network and batch the forms, see ``FormSpeed``.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        result: dict[str, Any] = {"threads": threads, "rounds": rounds, "networks": {}}
        for name, forms, sizes, unit in (
            ("simple_baseline", _baseline_forms, batches, 1.0),
            ("gridconv", _grid_forms, batches, 1000.0),
            ("metrabs_crop", _crop_forms, crops, 1.0),
        ):
            table: dict[str, dict[str, Any]] = {}
            for batch in sizes:
                progress(f"{name}, batch {batch}")
                with torch.random.fork_rng(devices=[]), torch.inference_mode():
                    torch.manual_seed(0)
                    measured = compare(forms(batch, threads), rounds, unit)
                table[str(batch)] = {form: asdict(speed) for form, speed in measured.items()}
                known = PUBLISHED_MS[name].get((batch, threads))
                if known is not None:
                    table[str(batch)]["elsewhere_ms"] = list(known)
            result["networks"][name] = table
    finally:
        torch.set_num_threads(before)
    return result


def _baseline_forms(batch: int, threads: int) -> dict[str, Form]:
    del threads
    network = SimpleBaseline().eval()
    rows = torch.randn(batch, 2 * network.config.joints_in)
    fast = FastSimpleBaseline(network)
    return {"published structure": lambda: network(rows), "folded": lambda: fast(rows)}


def _grid_forms(batch: int, threads: int) -> dict[str, Form]:
    del threads
    forms: dict[str, Form] = {}
    network = GridConv(GridConvConfig(padding=("c", "z"))).eval()
    keypoints = torch.randn(batch, network.config.joints, 2)
    published, fast = as_published(network), FastGridConv(network)
    forms["published structure"] = lambda: published(keypoints)
    forms["shared products"] = lambda: fast(keypoints)
    return forms


def _crop_forms(batch: int, threads: int) -> dict[str, Form]:
    """EfficientNetV2-S on 256 px; the published program runs it layer by layer in float32."""
    network = MetrabsCropModel(MetrabsConfig(proc_side=CROP_PX, points=CROP_JOINTS)).eval()
    images = torch.rand(batch, 3, CROP_PX, CROP_PX)
    samples = torch.rand(4, 3, CROP_PX, CROP_PX)
    settle_batch_norm(network, lambda: network.backbone(samples))
    final = network.heatmap_heads.conv_final
    scale_scores(final, final(network.backbone(samples)))
    intrinsics = torch.tensor([[400.0, 0.0, 128.0], [0.0, 400.0, 128.0], [0.0, 0.0, 1.0]]).expand(batch, 3, 3)
    forms: dict[str, Form] = {"published structure": lambda: network(images, intrinsics)[0]}
    folded = deepcopy(network)
    fold_batch_norm(folded.backbone)
    channels_last(folded)
    last = images.contiguous(memory_format=torch.channels_last)
    forms["folded, channels last"] = lambda: folded(last, intrinsics)[0]
    halves = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    if halves:  # without the instructions it is emulated, which takes minutes

        def in_bfloat16() -> Tensor:
            with torch.autocast("cpu", torch.bfloat16):
                reading = folded.read(last)
            poses: Tensor = folded.absolute(reading, intrinsics)
            return poses

        forms["folded, bfloat16"] = in_bfloat16
    if find_spec("openvino") is None:
        log.warning("openvino is not installed: its forms are left out (pip install -e .[openvino])")
        return forms
    precisions = {"OpenVINO float32": "f32"} | ({"OpenVINO bfloat16": "bf16"} if halves else {})
    for name, precision in precisions.items():
        runtime = OpenVinoModule(
            _Logits(network), lambda out: (out,), lambda found: found[0], threads, precision
        )

        def run(runtime: OpenVinoModule = runtime) -> Tensor:
            reading = network.heatmap_heads.read(runtime(images), network.scale)
            return network.absolute(reading, intrinsics)

        forms[name] = run
    return forms


class _Logits(nn.Module):
    """Backbone and final convolution; heatmaps are read in float32 outside."""

    def __init__(self, network: MetrabsCropModel) -> None:
        super().__init__()
        self.backbone, self.final = network.backbone, network.heatmap_heads.conv_final

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, P, P) to (N, maps, h, w)."""
        out: Tensor = self.final(self.backbone(images))
        return out


def fold_batch_norm(module: nn.Module) -> None:
    """Make batch normalisation part of the convolution before it, everywhere below; in place."""
    for child in module.children():
        fold_batch_norm(child)
    names = list(module._modules)
    for first, second in pairwise(names):
        convolution, norm = module._modules[first], module._modules[second]
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            module._modules[first] = fuse_conv_bn_eval(convolution, norm)
            module._modules[second] = nn.Identity()
