"""MeTRAbs measured on people of known joints, each in a box: shape, place, and where in the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from configs.errors import bad_input
from models.metrabs.joint_names import NAMES, short_names
from models.metrabs.opening import open_metrabs
from models.skeletons import SKELETONS
from models.training.metrabs_data import MetrabsData
from models.training.tasks.base import to_tensors
from models.training.tasks.metrabs import MetrabsTask


@dataclass(frozen=True)
class MetrabsErrors:
    """What was found.

    Attributes:
        network: Name of the weights.
        crops: How many.
        joints: Names.
        figures: See ``MetrabsTask.measure``: mm, px, shares.
    """

    network: str
    crops: int
    joints: tuple[str, ...]
    figures: dict[str, float]


def evaluate_metrabs(
    weights: str,
    split: str,
    part: Mapping[str, Any],
    *,
    crops: int,
    batch: int = 8,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> MetrabsErrors:
    """Estimate everybody once, straight and in the middle, with boxes from the true joints.

    Args:
        weights: See ``open_metrabs``.
        split: See ``MetrabsDataConfig``.
        part: Source of the people and its settings, see ``PartConfig``.
        crops: At most so many.
        batch: At a time.
        progress: Told crops done and all.

    Raises:
        BadInputError: No such network, or its joints are not those of a skeleton that we know.
    """
    opened = open_metrabs(weights)
    names = {
        name: short_names(skeleton)
        for name, skeleton in SKELETONS.items()
        if all(joint in NAMES for joint in skeleton.joints)
    }
    own = tuple(name.partition("_")[0] for name in opened.layout.names)
    skeleton = next((name for name, joints in names.items() if joints == own), None)
    if skeleton is None:
        raise bad_input(
            f"has the joints {', '.join(opened.layout.names)}",
            file=weights,
            allowed="those of a skeleton that we know, in its order: " + ", ".join(names),
        )
    settings = {
        "split": split,
        "crop_px": opened.network.config.proc_side,
        "skeleton": skeleton,
        "picture_joints": [],
        "vary": False,
        "parts": [{**part, "count": 1}],
    }
    data = MetrabsData(settings, source="evaluation", seed=0)
    total = min(crops, data.people)
    task = MetrabsTask({}, source="evaluation")
    sums: dict[str, np.ndarray] = {}
    with torch.inference_mode():
        for start in range(0, total, batch):
            stop = min(start + batch, total)
            found = task.measure(opened.network, to_tensors(data.batch(np.arange(start, stop), 0)))
            for name, (value, count) in found.items():
                sums[name] = sums.get(name, np.zeros(2)) + np.array([float(value), float(count)])
            progress(stop, total)
    figures = {name: float(value / count) if count else float("nan") for name, (value, count) in sums.items()}
    return MetrabsErrors(opened.name, total, opened.layout.names, figures)
