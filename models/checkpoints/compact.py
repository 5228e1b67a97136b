"""Weights of lifting networks in half the size: numbers of 16 bits in the same file format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from configs.errors import PosestageError, bad_input
from models.checkpoints.importing import load_network
from models.checkpoints.opening import open_network
from models.checkpoints.reading import SAFETENSORS
from models.checkpoints.writing import ModelCard, write_checkpoint
from models.datasets.simulated_motion import SimulatedMotion, SimulatedMotionConfig
from models.evaluation.lifting_run import Lifter
from models.zoo.checksum import sha256_of

POSES = 2000
"""Simulated ones, on which both are compared."""
LIMIT_MM = 0.1
"""Largest change of the mean error that is taken for nothing."""


@dataclass(frozen=True)
class CompactReport:
    """What was written, and what it costs.

    Attributes:
        file: Where.
        kind: Of the network.
        size_bytes: Of the file.
        mean_shift_mm: Of joints, against the network with 32 bits.
        mpjpe_change_mm: Of the mean error on the same poses.
    """

    file: Path
    kind: str
    size_bytes: int
    mean_shift_mm: float
    mpjpe_change_mm: float


def compact_checkpoint(
    source: str,
    out: Path,
    *,
    note: str = "",
    licence: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> CompactReport:
    """Write a lifting network with weights of 16 bits.

    Args:
        source: Name or file with a card.
        out: ``.safetensors``.
        note: For the card, instead of the old one.
        licence: For the card, instead of the old one.
        settings: Not taken: the card says them.

    Raises:
        BadInputError: It is no lifting network, or the name or folder of the file will not do.
        PosestageError: The mean error changes by more than ``LIMIT_MM``; nothing is kept then.
    """
    if settings:
        raise bad_input("a file with a card says its settings itself", key="--setting")
    if out.suffix != SAFETENSORS or not out.parent.is_dir():
        raise bad_input("is no name in a folder that exists", file=out, allowed=f"*{SAFETENSORS}")
    before = Lifter(source)
    path = open_network(source, None, {}).path
    assert path is not None
    network, card = load_network(path)
    small = {
        name: value.half() if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    if not all(bool(torch.isfinite(value).all()) for value in small.values()):
        raise PosestageError(f"{out}: not written, because a weight is too large for 16 bits")
    update: dict[str, Any] = {"sha256": sha256_of(path)}
    if note:
        update["note"] = note
    if licence is not None:
        update["licence"] = licence
    write_checkpoint(out, small, ModelCard.model_validate(card.model_dump() | update))
    views = SimulatedMotion(SimulatedMotionConfig(poses=POSES, samples=POSES, bodies=20), "val").views(
        np.arange(POSES), 0
    )
    poses = [lifter.pixels(views.keypoints) for lifter in (before, Lifter(str(out)))]
    errors = [float(np.linalg.norm(each - views.joints, axis=2).mean()) for each in poses]
    if abs(errors[1] - errors[0]) > LIMIT_MM:
        out.unlink()
        raise PosestageError(
            f"{out}: not kept, because the mean error changes by {errors[1] - errors[0]:.2f} mm"
        )
    shift = float(np.linalg.norm(poses[1] - poses[0], axis=2).mean())
    return CompactReport(out, card.architecture, out.stat().st_size, shift, errors[1] - errors[0])
