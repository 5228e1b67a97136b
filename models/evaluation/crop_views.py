"""How well a network does on a user's own recordings: reprojection into a view that it did not use.

The poses that the other views give are projected into a view that is held out, where a teacher said what it
sees there. Nobody needs to have labelled anything, and what the views have in common cannot flatter: a joint
that all of them place wrongly, or that is wrong in depth, lands beside it. Where the truth is known, as in
the simulated studio, the distance to it is reported as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from configs.errors import bad_input
from models.checkpoints.opening import open_network
from models.crops.network_input import normalised
from models.datasets.crop_set import CropSet
from models.evaluation.crop_pictures import write_sheet
from models.training.crops_data import CropsData, Part
from models.training.data import Arrays
from models.triangulation.algebraic import AlgebraicTriangulation

Floats = NDArray[np.float64]

MIN_SCORE = 0.3
"""What the teacher says below that is no reference."""


@dataclass(frozen=True)
class ViewErrors:
    """Distances of one network on one set; NaN where there is nothing to compare.

    Attributes:
        samples: Instants of people.
        held_out_px: Between projected joint and teacher's keypoint in the views that were held out, px of the
            camera's picture; mean, median and 95th percentile.
        used_px: The same in the views that were used.
        truth_mm: Mean distance from the true joints; NaN where nobody knows them.
        truth_aligned_mm: The same after a similarity transform.
        teacher_mm: Mean distance from the teacher's joints.
        teacher_truth_mm: Mean distance of the teacher's own joints from the true ones.
        by_view: Mean error in px in each view.
    """

    samples: int
    held_out_px: dict[str, float]
    used_px: dict[str, float]
    truth_mm: float
    truth_aligned_mm: float
    teacher_mm: float
    teacher_truth_mm: float
    by_view: dict[str, float]


def evaluate_crops(
    crops: CropSet,
    weights: str,
    *,
    part: Part = "val",
    val_share: float = 0.3,
    crop_px: int = 128,
    batch: int = 8,
    pictures: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ViewErrors:
    """Triangulate every sample from the views that are not held out, and compare.

    Args:
        crops: The recordings.
        weights: Name or file of a ``studio_lite`` or ``algebraic`` network.
        part: Which samples; ``val`` was not trained on.
        val_share: As in training.
        crop_px: Width of what the network sees.
        batch: Samples at a time.
        pictures: Where to draw some of the poses, see ``write_sheet``.
        progress: Told samples done and all.

    Raises:
        BadInputError: No such network, it has other joints, no sample is left, or no picture can be written.
    """
    opened = open_network(weights, "algebraic", {})
    network = opened.network
    assert isinstance(network, AlgebraicTriangulation)
    if opened.skeleton != crops.skeleton.name:
        raise bad_input(
            f"has the joints of {opened.skeleton}, the crops those of {crops.skeleton.name}",
            file=weights,
            hint="make the crops with --skeleton",
        )
    shown = {"folder": str(crops.folder), "part": part, "val_share": val_share, "crop_px": crop_px}
    data = CropsData({**shown, "vary": False}, source="evaluation", seed=0)
    found = []
    for start in range(0, len(data), batch):
        stop = min(start + batch, len(data))
        found.append(_triangulated(network, data.batch(np.arange(start, stop), 0)))
        progress(stop, len(data))
    joints = np.concatenate(found)
    if pictures is not None:
        write_sheet(pictures, crops, data.numbers, joints)
    return _errors(crops, data.numbers, joints)


def _triangulated(network: AlgebraicTriangulation, batch: Arrays) -> Floats:
    """(B, J, 3) mm from the views in use, NaN where they do not determine a joint."""
    with torch.inference_mode():
        out = network(
            normalised(torch.from_numpy(batch["images"])),
            torch.from_numpy(batch["projections"]),
            torch.from_numpy(batch["present"]),
        )
    determined = out.determined.numpy()
    return np.where(determined[..., None], out.keypoints_3d.double().numpy(), np.nan)


def _errors(crops: CropSet, numbers: NDArray[np.int64], joints: Floats) -> ViewErrors:
    from models.metrics import mpjpe, pa_mpjpe

    points = crops.points[numbers]
    homogeneous = np.einsum("nvij,nkj->nvki", crops.projections[numbers][..., :3], joints)
    homogeneous += crops.projections[numbers][:, :, None, :, 3]
    with np.errstate(invalid="ignore", divide="ignore"):
        projected = np.where(homogeneous[..., 2:] > 0, homogeneous[..., :2] / homogeneous[..., 2:], np.nan)
        apart = np.linalg.norm(projected - points[..., :2], axis=-1) * crops.scale[numbers][..., None]
        apart = np.where(points[..., 2] >= MIN_SCORE, apart, np.nan)
    truth, teacher = crops.truth[numbers], crops.joints[numbers]
    known = bool(np.isfinite(truth).any())
    return ViewErrors(
        samples=len(numbers),
        held_out_px=_spread(apart[:, crops.held_out]),
        used_px=_spread(apart[:, ~crops.held_out]),
        truth_mm=mpjpe(joints, truth).mean if known else float("nan"),
        truth_aligned_mm=pa_mpjpe(joints, truth).mean if known else float("nan"),
        teacher_mm=mpjpe(joints, teacher).mean,
        teacher_truth_mm=mpjpe(teacher, truth).mean if known else float("nan"),
        by_view={camera: _spread(apart[:, view])["mean"] for view, camera in enumerate(crops.cameras)},
    )


def _spread(values: Floats) -> dict[str, float]:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return dict.fromkeys(("mean", "median", "p95"), float("nan"))
    return {
        "mean": float(finite.mean()),
        "median": float(np.median(finite)),
        "p95": float(np.percentile(finite, 95)),
    }
