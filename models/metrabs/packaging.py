"""MeTRAbs as one file for other programs: ``torch.export`` programs that need torch and nothing of ours."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch.export import Dim

from configs.atomic_file import write_atomic
from configs.errors import PosestageError, bad_input
from models.metrabs.crop_model import MetrabsCropModel
from models.metrabs.exportable import PicturePersonModel, SinglePersonModel
from models.metrabs.joint_layout import JointLayout
from models.metrabs.model_folder import read_model_folder

Part = Literal["crop", "people"]
CARD: Final = "posestage.json"
MOST: Final = 64
AGREES: Final = 1e-4
"""Largest relative difference between a file and the network it was made from."""


@dataclass(frozen=True)
class PackagingReport:
    """What was written.

    Attributes:
        file: Where.
        part: What it takes: crops, or a picture with boxes.
        joints: Names in the order of its poses.
        largest_relative_difference: To the network, over poses of random input.
        size_bytes: Of the file.
    """

    file: Path
    part: Part
    joints: tuple[str, ...]
    largest_relative_difference: float
    size_bytes: int


def package_folder(
    folder: Path,
    out: Path,
    part: Part,
    *,
    num_aug: int = 1,
    affine_weights: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> PackagingReport:
    """Export the network of a model folder, see ``read_model_folder`` and ``package``."""
    network, layout = read_model_folder(folder, affine_weights=affine_weights)
    tell(f"exporting {folder.name}")
    return package(network, layout, out, part, num_aug=num_aug)


def package(
    network: MetrabsCropModel, layout: JointLayout, out: Path, part: Part, *, num_aug: int = 1
) -> PackagingReport:
    """Export, run the result on other sizes than it was made with, compare, write.

    Args:
        network: In evaluation mode, on the CPU.
        layout: Its joints.
        out: ``.pt2``.
        part: ``crop`` for batches of crops, ``people`` for a picture, its intrinsics and boxes.
        num_aug: Of ``people``: variants of each crop that are averaged.

    Raises:
        BadInputError: The name will not do, or a number is out of range.
        PosestageError: The file does not say what the network says; nothing is written then.
    """
    if out.suffix != ".pt2" or not out.parent.is_dir():
        raise bad_input("is no name in a folder that exists", file=out, allowed="*.pt2")
    if not 1 <= num_aug <= MOST:
        raise bad_input("out of range", key="--num-aug", value=num_aug, allowed=f"1 to {MOST}")
    people = Dim("people", min=1, max=MOST)
    form: nn.Module
    made_with: tuple[Tensor, ...]
    tried_with: tuple[Tensor, ...]
    if part == "crop":
        form = SinglePersonModel(network).eval()
        shapes: dict[str, Any] = {"images": {0: people}, "intrinsics": {0: people}}
        made_with, tried_with = _crops(network, 5, 1), _crops(network, 2, 2)
    else:
        form = PicturePersonModel(network, layout, num_aug).eval()
        sides = {1: Dim("height", min=16, max=8192), 2: Dim("width", min=16, max=8192)}
        shapes = {"image": sides, "intrinsics": {}, "boxes": {0: people}}
        made_with, tried_with = _picture(5, 480, 640), _picture(2, 300, 420)
    with torch.no_grad():
        program = torch.export.export(form, made_with, dynamic_shapes=shapes)
        content = io.BytesIO()
        card = {
            "kind": "metrabs",
            "part": part,
            "joints": list(layout.names) if layout.transform is None else [],
            "crop_px": network.config.proc_side,
            "num_aug": num_aug,
            "without": [] if part == "crop" else ["lens distortion", "extrinsics", "person detector"],
        }
        torch.export.save(program, content, extra_files={CARD: json.dumps(card)})
        again = torch.export.load(io.BytesIO(content.getvalue())).module()
        expected, found = form(*tried_with)[0], again(*tried_with)[0]
    difference = float((found - expected).abs().max() / expected.abs().max())
    if not difference <= AGREES:
        raise PosestageError(f"{out}: not written, because it differs from the network by {difference:.2g}")
    write_atomic(out, content.getvalue())
    return PackagingReport(out, part, layout.names, difference, len(content.getvalue()))


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
