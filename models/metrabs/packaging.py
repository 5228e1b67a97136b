"""MeTRAbs as one file for other programs, which needs nothing of ours.

``.pt2`` is a program of ``torch.export``, ``.onnx`` a model for ONNX Runtime; both hold any part: the network
of single crops, what cuts crops out of a picture with boxes, and that with a person detector before it.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

from configs.atomic_file import write_atomic
from configs.errors import MissingExtraError, PosestageError, bad_input
from models.checkpoints.exporting import onnx_session, quiet_exporter, with_card
from models.detectors.exportable import CANDIDATES, ExportableDetector
from models.detectors.registry import DETECTORS
from models.metrabs.crop_model import MetrabsCropModel
from models.metrabs.exportable import PictureModel, PicturePersonModel, SinglePersonModel
from models.metrabs.joint_layout import JointLayout
from models.metrabs.opening import open_metrabs
from models.zoo.networks import network_file
from models.zoo.store import default_store

Part = Literal["crop", "people", "picture"]
CARD: Final = "posestage.json"
MOST: Final = 64
AGREES: Final = 1e-4
"""Largest relative difference between a file and the network it was made from."""
AGREES_MM: Final = 0.1
"""The same of poses whose size is known."""
NEEDED: Final = ("onnx", "onnxscript", "onnxruntime")
OUTPUTS: Final[dict[Part, tuple[str, ...]]] = {
    "crop": ("poses3d", "confidence"),
    "people": ("poses3d", "poses2d"),
    "picture": ("boxes", "poses3d", "poses2d"),
}
_WITHOUT: Final[dict[Part, list[str]]] = {
    "crop": [],
    "people": ["lens distortion", "extrinsics", "person detector"],
    "picture": ["lens distortion", "extrinsics"],
}

Run = Callable[..., tuple[Tensor, ...]]


@dataclass(frozen=True)
class DetectorChoice:
    """What finds people in a ``picture`` model.

    Attributes:
        name: Such as ``rtmdet-nano``, or an ``.onnx`` file.
        family: ``rtmdet`` or ``yolox``; needed for a file only.
        size: Width and height of its input; needed for a file only.
        threshold: Least score.
        overlap: See ``ExportableDetector``.
        most: People at most.
    """

    name: str
    family: Literal["rtmdet", "yolox"] | None = None
    size: tuple[int, int] | None = None
    threshold: float = 0.3
    overlap: float = 0.7
    most: int = 16

    def __post_init__(self) -> None:
        for key, value in (("--detector-threshold", self.threshold), ("--detector-overlap", self.overlap)):
            if not 0.0 < value < 1.0:
                raise bad_input("out of range", key=key, value=value, allowed="between 0 and 1")
        if not 1 <= self.most <= CANDIDATES:
            raise bad_input("out of range", key="--most", value=self.most, allowed=f"1 to {CANDIDATES}")

    def open(self) -> tuple[ExportableDetector, dict[str, str]]:
        """The network and the hash of its file.

        Raises:
            BadInputError: See ``network_file`` and ``ExportableDetector``.
        """
        file = network_file(self.name, tuple(DETECTORS), "detector", default_store())
        family, size = file.family or self.family, file.input or self.size
        if family not in ("rtmdet", "yolox") or size is None:
            raise bad_input(
                "a file does not say how its network is used",
                file=file.path,
                hint="add --detector-family rtmdet|yolox and --detector-size WIDTHxHEIGHT",
            )
        detector = ExportableDetector(
            file.path,
            "rtmdet" if family == "rtmdet" else "yolox",
            size,
            threshold=self.threshold,
            overlap=self.overlap,
            most=self.most,
        )
        return detector, {file.path.name: file.sha256}


@dataclass(frozen=True)
class PackagingReport:
    """What was written.

    Attributes:
        file: Where.
        part: What it takes: crops, a picture with boxes, or a picture.
        joints: Names in the order of its poses.
        largest_relative_difference: To the network, over poses of random input.
        largest_difference_mm: The same in mm.
        size_bytes: Of the file.
    """

    file: Path
    part: Part
    joints: tuple[str, ...]
    largest_relative_difference: float
    largest_difference_mm: float
    size_bytes: int


def package_weights(
    weights: str,
    out: Path,
    part: Part,
    *,
    num_aug: int = 1,
    affine_weights: Path | None = None,
    detector: DetectorChoice | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> PackagingReport:
    """Export a network by what ``open_metrabs`` takes, see ``package``."""
    check_target(out, part, detector)
    opened = open_metrabs(weights, affine_weights=affine_weights)
    tell(f"exporting {opened.name} to {out.name}")
    return package(
        opened.network, opened.layout, out, part, num_aug=num_aug, detector=detector, hashes=opened.hashes
    )


def check_target(out: Path, part: Part, detector: DetectorChoice | None) -> None:
    """Complain before anything is computed.

    Raises:
        BadInputError: The name will not do, or a detector is missing or too much.
        MissingExtraError: Packages for ONNX are not installed.
    """
    if out.suffix not in (".pt2", ".onnx") or not out.parent.is_dir():
        raise bad_input("is no name in a folder that exists", file=out, allowed="*.pt2, *.onnx")
    if (part == "picture") != (detector is not None):
        raise bad_input("goes with --part picture, which needs it", key="--detector")
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing and (out.suffix == ".onnx" or detector is not None):
        raise MissingExtraError(f'ONNX needs the package {missing[0]}; run: pip install -e ".[export]"')


def package(
    network: MetrabsCropModel,
    layout: JointLayout,
    out: Path,
    part: Part,
    *,
    num_aug: int = 1,
    detector: DetectorChoice | None = None,
    hashes: Mapping[str, str] | None = None,
) -> PackagingReport:
    """Export, run the result on other sizes than it was made with, compare, write.

    Args:
        network: In evaluation mode, on the CPU.
        layout: Its joints.
        out: ``.pt2`` or ``.onnx``.
        part: ``crop`` for batches of crops, ``people`` for a picture, its intrinsics and boxes, ``picture``
            for a picture and its intrinsics.
        num_aug: Of ``people`` and ``picture``: variants of each crop that are averaged.
        detector: Of ``picture``.
        hashes: SHA-256 of the weights, for the card.

    Raises:
        BadInputError: The name will not do, or a number is out of range.
        PosestageError: The file does not say what the network says; nothing is written then.
    """
    check_target(out, part, detector)
    if not 1 <= num_aug <= MOST:
        raise bad_input("out of range", key="--num-aug", value=num_aug, allowed=f"1 to {MOST}")
    if network.config.scale_recovery == "metro" and part != "crop":
        raise bad_input(
            "says the shape of a person and not the place", key="--part", value=part, allowed="crop"
        )
    form, made_with, trials, shapes = _form(network, layout, part, num_aug, detector)
    card = {
        "kind": "metrabs",
        "part": part,
        "inputs": list(shapes),
        "outputs": list(OUTPUTS[part]),
        "joints": list(layout.names) if layout.transform is None else [],
        "crop_px": network.config.proc_side,
        "num_aug": num_aug,
        "without": _WITHOUT[part],
        "weights": dict(hashes or {}),
    }
    with torch.no_grad():
        save = torch_content if out.suffix == ".pt2" else onnx_content
        content, run = save(form, made_with, shapes, OUTPUTS[part], json.dumps(card))
        relative, millimetres = _differences(form, run, trials, OUTPUTS[part].index("poses3d"))
    if not (relative <= AGREES and millimetres <= AGREES_MM):
        raise PosestageError(
            f"{out}: not written, because it differs from the network by {relative:.2g}, {millimetres:.2g} mm"
        )
    write_atomic(out, content)
    return PackagingReport(out, part, layout.names, relative, millimetres, len(content))


Tensors = tuple[Tensor, ...]


def _form(
    network: MetrabsCropModel,
    layout: JointLayout,
    part: Part,
    num_aug: int,
    detector: DetectorChoice | None,
) -> tuple[nn.Module, Tensors, list[Tensors], dict[str, Any]]:
    """Module, what it is made with, what it is tried with, and which axes stay open by input."""
    people = Dim("people", min=1, max=MOST)
    if part == "crop":
        shapes: dict[str, Any] = {"images": {0: people}, "intrinsics": {0: people}}
        trials: list[Tensors] = [_crops(network, 2, 2)]
        return SinglePersonModel(network).eval(), _crops(network, 5, 1), trials, shapes
    sides = {1: Dim("height", min=16, max=8192), 2: Dim("width", min=16, max=8192)}
    estimator = PicturePersonModel(network, layout, num_aug).eval()
    if part == "people":
        shapes = {"image": sides, "intrinsics": {}, "boxes": {0: people}}
        return estimator, _picture(5, 480, 640), [_picture(2, 300, 420)], shapes
    assert detector is not None
    finder, _ = detector.open()
    whole = PictureModel(finder, estimator).eval()
    # Noise shows nobody, which must be said as well; a figure of sorts may be taken for somebody.
    trials = [_picture(1, 300, 420)[:2], _figure(360, 480)]
    return whole, _figure(480, 640), trials, {"image": sides, "intrinsics": {}}


def _differences(form: nn.Module, run: Run, trials: list[Tensors], poses: int) -> tuple[float, float]:
    """Largest difference of poses, relative to their size and in mm; infinite where shapes disagree."""
    relative, millimetres = 0.0, 0.0
    for inputs in trials:
        for place, (expected, found) in enumerate(zip(form(*inputs), run(*inputs), strict=True)):
            if found.shape != expected.shape or bool((found.isnan() != expected.isnan()).any()):
                return math.inf, math.inf
            if not expected.numel():
                continue
            apart = (found - expected).abs().nan_to_num()
            size = float(expected.abs().nan_to_num().max())
            relative = max(relative, float(apart.max()) / max(size, 1e-6))
            if place == poses:
                millimetres = max(millimetres, float(apart.max()))
    return relative, millimetres


def torch_content(
    form: nn.Module, made_with: Tensors, shapes: dict[str, Any], outputs: tuple[str, ...], card: str
) -> tuple[bytes, Run]:
    """A program of ``torch.export``, and what runs it."""
    del outputs
    program = torch.export.export(form, made_with, dynamic_shapes=shapes)
    content = io.BytesIO()
    torch.export.save(program, content, extra_files={CARD: card})
    again = torch.export.load(io.BytesIO(content.getvalue())).module()
    return content.getvalue(), again


def onnx_content(
    form: nn.Module, made_with: Tensors, shapes: dict[str, Any], outputs: tuple[str, ...], card: str
) -> tuple[bytes, Run]:
    """A model for ONNX Runtime, and what runs it."""
    with quiet_exporter():
        program = torch.onnx.export(
            form,
            made_with,
            input_names=list(shapes),
            output_names=list(outputs),
            dynamic_shapes=shapes,
            dynamo=True,
            verbose=False,
        )
    content = with_card(program, card)
    session = onnx_session(content)

    def run(*inputs: Tensor) -> Tensors:
        given = {name: value.numpy() for name, value in zip(shapes, inputs, strict=True)}
        return tuple(torch.from_numpy(found) for found in session.run(list(outputs), given))

    return content, run


def _crops(network: MetrabsCropModel, count: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    side = network.config.proc_side
    intrinsics = torch.tensor([[1.6 * side, 0.0, side / 2], [0.0, 1.6 * side, side / 2], [0.0, 0.0, 1.0]])
    return torch.rand(count, 3, side, side, generator=generator), intrinsics.repeat(count, 1, 1)


def _picture(count: int, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(height)
    picture = (torch.rand(3, height, width, generator=generator) * 255.0).to(torch.uint8)
    intrinsics = torch.tensor(
        [[1.2 * width, 0.0, width / 2], [0.0, 1.2 * width, height / 2], [0.0, 0.0, 1.0]]
    )
    corners = torch.rand(count, 2, generator=generator) * torch.tensor([width / 2, height / 2])
    sizes = torch.rand(count, 2, generator=generator) * min(width, height) / 2 + 20.0
    return picture, intrinsics, torch.cat([corners, sizes], dim=1)


def _figure(height: int, width: int) -> tuple[Tensor, Tensor]:
    """A picture of a puppet of ellipses before a grey wall, as a detector may take for somebody."""
    picture = np.full((height, width, 3), 170, np.uint8)
    unit = height / 10.0
    for x, y, across, down, colour in (
        (0.0, 1.6, 0.55, 0.7, (205, 160, 130)),
        (0.0, 3.8, 0.95, 1.7, (60, 80, 160)),
        (-1.2, 3.9, 0.3, 1.5, (60, 80, 160)),
        (1.2, 3.9, 0.3, 1.5, (60, 80, 160)),
        (-0.5, 7.2, 0.42, 2.1, (40, 40, 50)),
        (0.5, 7.2, 0.42, 2.1, (40, 40, 50)),
    ):
        middle = (round(width / 2 + x * unit), round(y * unit))
        cv2.ellipse(picture, middle, (round(across * unit), round(down * unit)), 0, 0, 360, colour, -1)
    image = torch.from_numpy(picture).permute(2, 0, 1).contiguous()
    return image, _picture(1, height, width)[1]
