"""Lifting networks measured: on files as published, and on motion of the simulated studio."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from configs.errors import bad_input
from models.checkpoints.opening import open_network
from models.datasets.lifting_files import layout_of, read_normalised, read_pixels
from models.datasets.lifting_samples import MM_PER_M, PICTURE_HALF_PX
from models.datasets.simulated_motion import SimulatedMotion, SimulatedMotionConfig, Split
from models.evaluation.lifting import LiftingErrors, lifting_errors
from models.lifting.fast_gridconv import FastGridConv
from models.lifting.fast_simple_baseline import FastSimpleBaseline
from models.lifting.gridconv import GridConv
from models.lifting.simple_baseline import SimpleBaseline
from models.lifting.statistics import WITHOUT_NOSE, WITHOUT_PELVIS

Floats = NDArray[np.float64]

EXACT: Final = {"noise": 0.0, "outliers": 0.0, "missing": 0.0, "made_by_rule": 0.0}
CONDITIONS: Final[dict[str, dict[str, float]]] = {
    "exact": EXACT,
    "noise": EXACT | {"noise": SimulatedMotionConfig().noise, "made_by_rule": 0.5},
    "all errors": {},
    "gaps": {"missing": 1.0},
}
"""What keypoints suffer, by name; the last has one to four missing in every pose."""


@dataclass(frozen=True)
class LiftingResult:
    """Both protocols, mm, and how the network was set.

    Attributes:
        kind: Of the network.
        first: Protocol #1.
        second: Protocol #2.
        temperature: Of GridConv's attention, None for other networks.
    """

    kind: str
    first: LiftingErrors
    second: LiftingErrors
    temperature: float | None


class Lifter:
    """A network as a function from what it was trained on to mm.

    Args:
        weights: Name or file, see ``open_network``.
        kind: Of a file without a card.
        temperature: Of GridConv's attention, instead of what the card says.

    Raises:
        BadInputError: No such weights, or they are of another kind.
    """

    def __init__(self, weights: str, kind: str | None = None, temperature: float | None = None) -> None:
        opened = open_network(weights, kind, {})
        if not isinstance(opened.network, SimpleBaseline | GridConv):
            raise bad_input(
                f"holds a network of the kind {opened.kind}",
                file=opened.path,
                allowed="simple_baseline, gridconv",
            )
        self.kind, self.network, self.weights = opened.kind, opened.network, weights
        self.temperature: float | None = None
        if temperature is not None and not (isinstance(self.network, GridConv) and temperature > 0.0):
            raise bad_input("goes with gridconv, above zero", key="--temperature", value=temperature)
        if isinstance(self.network, GridConv):
            if temperature is not None:
                self.network.set_attention_temperature(temperature)
            if self.network.config.convolution == "dynamic":
                self.temperature = self.network.atten_conv1.temperature

    @property
    def parameters(self) -> int:
        """How many numbers it has learnt."""
        return sum(each.numel() for each in self.network.parameters())

    def rows(self, given: NDArray[np.float32]) -> Floats:
        """Normalised rows in, normalised rows out; of the Simple Baseline."""
        if not isinstance(self.network, SimpleBaseline):
            raise bad_input(
                "normalised poses are for simple_baseline; gridconv wants pixels", value=self.weights
            )
        return _run(FastSimpleBaseline(self.network), given)

    def pixels(self, keypoints: Floats) -> Floats:
        """(N, 17, 2) px of the virtual camera to (N, 17, 3) mm from the pelvis."""
        if isinstance(self.network, GridConv):
            found = (
                _run(FastGridConv(self.network), (keypoints - PICTURE_HALF_PX) / PICTURE_HALF_PX) * MM_PER_M
            )
            return found
        config = self.network.config
        if config.statistics is None or (config.joints_in, config.joints_out) != (16, 16):
            raise bad_input(
                "the network does not say what its poses were normalised with",
                key="statistics",
                hint="import its weights again with --statistics FILE, once for 2D and once for 3D",
            )
        statistics = config.statistics
        flat = keypoints[:, list(WITHOUT_NOSE)].reshape(len(keypoints), -1)
        found = self.rows(((flat - statistics.mean_2d) / statistics.std_2d).astype(np.float32))
        joints = np.zeros((len(keypoints), 17, 3))
        mm = found * statistics.std_3d + statistics.mean_3d
        joints[:, list(WITHOUT_PELVIS)] = mm.reshape(len(keypoints), -1, 3)
        return joints


def evaluate_files(
    lifter: Lifter,
    folder: Path,
    *,
    detected: bool = False,
    drop_drifted: bool = False,
    action: str | None = None,
) -> LiftingResult:
    """Protocols #1 and #2 on the test people of a published folder.

    Args:
        lifter: The network.
        folder: In either layout, see ``models.datasets.lifting_files``.
        detected: Of the normalised layout: keypoints of the hourglass network.
        drop_drifted: Of the pixel layout: leave out takes with displaced truth.
        action: Only one of the fifteen.

    Raises:
        BadInputError: Files are missing, or the network wants others.
    """
    if layout_of(folder) == "normalised":
        poses = read_normalised(folder, "test", detected=detected, action=action)
        used = poses.statistics.dim_use
        mean, std = poses.statistics.mean[used], poses.statistics.std[used]
        prediction, truth = np.zeros((2, len(poses), 17, 3))
        prediction[:, 1:] = (lifter.rows(poses.given) * std + mean).reshape(-1, 16, 3)
        truth[:, 1:] = (poses.wanted * std + mean).reshape(-1, 16, 3)
        actions = poses.action.tolist()
    else:
        samples = read_pixels(folder, "test", drop_drifted=drop_drifted)
        actions = [str(take) for take in samples.take]
        chosen = np.arange(len(samples))
        if action is not None:
            chosen = np.flatnonzero([take.split(" ")[0].lower() == action.lower() for take in actions])
            if not len(chosen):
                raise bad_input("there is no pose of this action", key="--action", value=action)
        pixels = samples.keypoints[chosen].astype(np.float64) * PICTURE_HALF_PX + PICTURE_HALF_PX
        prediction = lifter.pixels(pixels)
        truth = samples.joints[chosen].astype(np.float64) * MM_PER_M
        actions = [actions[row] for row in chosen]
    return LiftingResult(
        lifter.kind,
        lifting_errors(prediction, truth, actions),
        lifting_errors(prediction, truth, actions, aligned=True),
        lifter.temperature,
    )


def evaluate_simulated(lifter: Lifter, split: Split, poses: int = 8000) -> dict[str, dict[str, float]]:
    """MPJPE and PA-MPJPE, mm, on bodies, motions and cameras that no training saw.

    Args:
        lifter: The network.
        split: ``val`` (any stance, any camera) or ``studio`` (the performer before cameras of the studio).
        poses: How many.

    Returns:
        By condition of the keypoints (``CONDITIONS``): ``mpjpe_mm`` and ``pa_mpjpe_mm``; of ``val`` also
        ``motion_mpjpe_mm`` and ``stance_mpjpe_mm``, of poses from motions and of single ones.
    """
    table = {}
    for name, errors in CONDITIONS.items():
        config = SimulatedMotionConfig(bodies=60, poses=poses, samples=poses, **errors)
        views = SimulatedMotion(config, split).views(np.arange(poses), 0)
        found = lifter.pixels(views.keypoints)
        found -= found[:, :1]
        plain = lifting_errors(found, views.joints, ["all"] * poses)
        aligned = lifting_errors(found, views.joints, ["all"] * poses, aligned=True)
        table[name] = {"mpjpe_mm": plain.mean_over_frames, "pa_mpjpe_mm": aligned.mean_over_frames}
        if split == "val":
            distances = np.linalg.norm(found - views.joints, axis=2).mean(axis=1)
            table[name] |= {
                "motion_mpjpe_mm": float(distances[views.moving].mean()),
                "stance_mpjpe_mm": float(distances[~views.moving].mean()),
            }
    return table


def _run(network: nn.Module | FastGridConv | FastSimpleBaseline, values: NDArray[np.floating]) -> Floats:
    with torch.inference_mode():
        given = torch.from_numpy(np.ascontiguousarray(values, np.float32))
        parts = [network(part) for part in torch.split(given, 4096)]
        found: Floats = torch.cat(parts).numpy().astype(np.float64)
        return found
