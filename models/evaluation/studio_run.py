"""Ways of triangulating side by side on the simulated studio, with rigs, bodies and motions never trained on.

Each condition changes one thing that goes wrong in real studios. Its samples are rendered once and shown to
all, so that differences between rows are of the ways and not of the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from configs.errors import bad_input
from models.backbones.studio_lite import StudioLite
from models.checkpoints.opening import open_network
from models.crops.network_input import normalised
from models.datasets.batch import Batch
from models.datasets.simulated_studio import SimulatedStudio, SimulatedStudioConfig, Split
from models.evaluation.network import KINDS, TorchModel
from models.metrics import mpjpe
from models.skeletons import get_skeleton
from models.triangulation.algebraic import AlgebraicTriangulation
from models.triangulation.predictors.device import choose_device
from models.triangulation.ransac import RansacTriangulation

Floats = NDArray[np.float64]
Centre = Literal["predicted", "truth"]

PLAIN: Final = {"obstacles": 0.0, "second_person": 0.0, "truncation": 0.0}
"""Nothing in the way, and all of everybody in the picture."""


PUBLISHED_PX: Final = 384
"""Width of the crops for which the published tolerance of ``ransac`` was chosen."""


@dataclass(frozen=True)
class Condition:
    """What is shown.

    Attributes:
        title: For people.
        changes: Settings of ``SimulatedStudioConfig`` against ``PLAIN``.
        views: Positions of the views that count; None for all.
        split: Where bodies, motions and rigs come from.
    """

    title: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    views: tuple[int, ...] | None = None
    split: Split = "val"


CONDITIONS: Final = {
    "clean": Condition("4 views, nothing in the way"),
    "occluded": Condition("things in the way of 6 views in 10, every other time somebody close by", {
        "obstacles": 0.6, "second_person": 0.5}),
    "three_views": Condition("3 of the 4 views", views=(0, 1, 2)),
    "two_views": Condition("2 of the 4 views, side by side", views=(0, 1)),
    "unseen_studio": Condition("people, light and rigs of the demo, unlike training", split="studio"),
    "bumped": Condition("one camera turned by 1 degree since its calibration", {"bumped_deg": 1.0}),
    "moving": Condition("everybody moves; for comparison with the next", {"moving": 1.0}),
    "late": Condition("everybody moves, one camera films 15 ms late", {"moving": 1.0, "late_ms": 15.0}),
}  # fmt: skip

_RING: Final = (0, 2, 4, 6, 1, 3, 5, 7)
"""Eight views in the order in which they join: a quarter of a turn apart first."""

SWEEPS: Final = {
    "views": {
        count: Condition(f"{count} of 8 views", {"views": 8}, _RING[:count]) for count in (2, 3, 4, 6, 8)
    },
    "occlusion": {
        percent: Condition(f"things in the way of {percent} % of the views", {"obstacles": percent / 100})
        for percent in (0, 25, 50, 75, 100)
    },
}
"""Conditions by the figure on the horizontal axis of a plot."""


@dataclass(frozen=True)
class Errors:
    """Of one way under one condition.

    Attributes:
        mean_mm: Mean distance to the true joints.
        median_mm: Median of the same.
        p95_mm: 95th percentile of the same.
        relative_mm: Mean distance after the pelvis was brought to coincide.
        missing: Share of joints without a position; they are in no figure.
    """

    mean_mm: float
    median_mm: float
    p95_mm: float
    relative_mm: float
    missing: float


@dataclass(frozen=True)
class Way:
    """One way of getting joints from views.

    Attributes:
        name: ``dlt``, or one of ``KINDS``; with the file's name where a name would come twice.
        model: Does it.
    """

    name: str
    model: TorchModel


def open_ways(
    sources: Sequence[str], crop_px: int, device: Literal["auto", "cpu", "cuda"] = "auto"
) -> list[Way]:
    """All ways that some weights allow: a ``studio_lite`` backbone alone gives three.

    Args:
        sources: Names or files.
        crop_px: Width of what the networks will see; the tolerance of ``ransac`` is in proportion to it.
        device: Where they run.

    Raises:
        BadInputError: There are no such weights, or they triangulate nothing.
    """
    where = choose_device(device, source="--device")
    ways: list[Way] = []

    def add(name: str, kind: str, network: torch.nn.Module, source: str) -> None:
        taken = {way.name for way in ways}
        ways.append(Way(f"{name} ({source})" if name in taken else name, TorchModel(network, kind, where)))

    for source in sources:
        opened = open_network(source, None, {})
        if isinstance(opened.network, StudioLite):
            plain = open_network(source, "algebraic", {}).network
            robust = open_network(source, "ransac", {}).network
            weighted = open_network(source, "algebraic", {}).network
            assert isinstance(plain, AlgebraicTriangulation)
            assert isinstance(robust, RansacTriangulation)
            plain.backbone.alg_confidences = None
            robust.epsilon *= crop_px / PUBLISHED_PX
            add("dlt", "algebraic", plain, source)
            add("ransac", "ransac", robust, source)
            add("algebraic", "algebraic", weighted, source)
        elif opened.kind in KINDS:
            add(opened.kind, opened.kind, opened.network, source)
        else:
            raise bad_input(
                f"holds a network of the kind {opened.kind}",
                file=source,
                allowed=", ".join((*KINDS, "studio_lite")),
            )
        if opened.skeleton not in (None, "halpe_26"):
            raise bad_input(
                f"has the joints of {opened.skeleton}", file=source, allowed="halpe_26, as the studio"
            )
    return ways


def evaluate_studio(
    ways: Sequence[Way],
    conditions: Mapping[Any, Condition],
    *,
    samples: int,
    crop_px: int,
    seed: int = 0,
    centre: Centre = "predicted",
    batch: int = 8,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[Any, dict[str, Errors]]:
    """Errors by condition and way.

    Args:
        ways: What to compare; those that need to know where a person is look round the pelvis that the last
            of those that do not has found: as in the papers the algebraic one, which ``open_ways`` adds last.
        conditions: Under which conditions.
        samples: Instants of each condition.
        crop_px: Width of what the networks see.
        seed: Of the studio.
        centre: ``truth`` gives the true pelvis instead.
        batch: Samples at a time.
        progress: Told samples done and all.

    Raises:
        BadInputError: A way needs a pelvis, and there is none.
    """
    first_stage = next((way for way in reversed(ways) if not way.model.needs_centres), None)
    if first_stage is None and centre == "predicted":
        raise bad_input(
            "a volume needs to know where somebody is",
            key="weights",
            hint="give those of a studio_lite or algebraic network as well, or take the true pelvis",
        )
    found: dict[Any, dict[str, Errors]] = {}
    done = 0
    for name, condition in conditions.items():
        parts: dict[str, list[NDArray[np.float32]]] = {way.name: [] for way in ways}
        truth = []
        for shown in _batches(condition, samples, crop_px, seed, batch):
            predicted = {
                way.name: way.model.predict(shown, None) for way in ways if not way.model.needs_centres
            }
            at = predicted[first_stage.name] if first_stage and centre != "truth" else shown.keypoints
            middles = _pelvis(at)
            for way in ways:
                joints = predicted.get(way.name)
                parts[way.name].append(way.model.predict(shown, middles) if joints is None else joints)
            truth.append(shown.keypoints)
            done += len(shown)
            progress(done, samples * len(conditions))
        joints_true = np.concatenate(truth).astype(np.float64)
        found[name] = {
            way: _errors(np.concatenate(joints).astype(np.float64), joints_true)
            for way, joints in parts.items()
        }
    return found


def _batches(condition: Condition, samples: int, crop_px: int, seed: int, size: int) -> Iterator[Batch]:
    settings = {"views": 4, "bodies": 16, **PLAIN, **condition.changes}
    config = SimulatedStudioConfig(seed=seed, crop_px=crop_px, samples=samples, **settings)
    studio = SimulatedStudio(config, condition.split)
    for start in range(0, samples, size):
        yield _batch([studio[index] for index in range(start, min(start + size, samples))], condition.views)


def _batch(samples: Iterable[Mapping[str, NDArray[Any]]], views: tuple[int, ...] | None) -> Batch:
    rows = list(samples)
    seen = slice(None) if views is None else list(views)
    images = torch.from_numpy(np.stack([row["images"][seen] for row in rows]))
    return Batch(
        images=normalised(images).numpy(),
        projections=np.stack([row["projections"][seen] for row in rows]),
        present=np.stack([row["present"][seen] for row in rows]),
        keypoints=np.stack([row["keypoints"] for row in rows]),
        validity=np.stack([row["validity"] for row in rows]),
        boxes=np.zeros((*images.shape[:2], 5)),
        predicted=None,
        indexes=np.array([int(row["index"]) for row in rows], np.int64),
    )


def _pelvis(joints: NDArray[np.float32]) -> NDArray[np.float32]:
    """(B, 3) mm; the middle of all known joints where the pelvis is not known."""
    pelvis = joints[:, _root()]
    with np.errstate(invalid="ignore"):
        known = np.asarray(np.isfinite(joints).all(axis=-1))
        total = np.where(known[..., None], joints, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)[:, None]
    return np.asarray(np.where(np.isfinite(pelvis), pelvis, total), np.float32)


def _root() -> int:
    return get_skeleton("halpe_26").index("pelvis")


def _errors(joints: Floats, truth: Floats) -> Errors:
    absolute = mpjpe(joints, truth)
    return Errors(
        mean_mm=absolute.mean,
        median_mm=absolute.median,
        p95_mm=absolute.percentile(95.0),
        relative_mm=mpjpe(joints, truth, root=_root()).mean,
        missing=absolute.missing / absolute.expected,
    )
