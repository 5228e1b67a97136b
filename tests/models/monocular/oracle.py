"""A model for one camera that knows the truth, and errs as it is told to."""

from __future__ import annotations

from typing import Any

import numpy as np

from calibration.camera import Camera
from models.lifting.keypoint_order import TARGET, to_human36m
from models.monocular.base import MonocularPose
from models.monocular.uncertainty import Uncertainty
from models.skeletons import get_skeleton

HALPE = get_skeleton("halpe_26")


class Oracle:
    """Says the truth, ``factor`` times as far away and as large, each depth off by ``depths_mm``.

    It knows of which truth keypoints are pictures when it was told by ``saw``; else it says ``truth``.
    """

    def __init__(self, factor: float = 1.0, needs_image: bool = False) -> None:
        self.skeleton, self.name, self.hashes, self.device = TARGET, "oracle", {"o.pth": "0" * 64}, "cpu"
        self.needs_image = needs_image
        self.uncertainty = Uncertainty()
        self.factor = factor
        self.depths_mm = np.zeros(len(TARGET))
        self.truth = np.zeros((26, 3))
        self._truths: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        self.calls: list[Any] = []

    def saw(self, camera: Camera, truth: np.ndarray) -> None:
        """Remember (26, 3) mm in world by what a camera sees of it."""
        self._truths.setdefault(camera.name, []).append((camera.project(truth), truth))

    def __call__(
        self, image: Any, camera: Camera, keypoints: np.ndarray, scores: np.ndarray
    ) -> MonocularPose:
        self.calls.append((image, camera.name))
        assert image is not None or not self.needs_image
        known = np.ones((1, len(HALPE)))
        shown = self._truths.get(camera.name, [])
        off = [float(np.nanmean(np.abs(keypoints - seen))) for seen, _ in shown]
        truth = shown[int(np.argmin(off))][1] if shown else self.truth
        joints = to_human36m((truth @ camera.R.T + camera.t)[None], known, HALPE)[0][0]
        moved = joints * ((joints[:, 2] + self.depths_mm) / joints[:, 2])[:, None]
        everything = np.ones(len(TARGET))
        return MonocularPose(moved * self.factor, everything, everything > 0.0)
