"""Not a network: the virtual studio's true joints, projected into its cameras and disturbed.

The clearly labelled stand-in for demonstrations and tests when no person model is at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from configs.errors import bad_input
from configs.loading import Config
from models.detections import Detections
from models.keypoints.base import Image
from models.simulation.studio import Studio, StudioConfig

VISIBLE_SCORE = 0.9
HIDDEN_SCORE = 0.3
"""Score of a joint that something hides; networks guess such joints with little confidence."""

HIDDEN_NOISE = 3.0
"""How many times worse than a visible joint a hidden one is guessed."""

FEWEST_VISIBLE = 5
"""A person with fewer visible joints in a view is not found there."""


class NoisyTruthConfig(Config):
    """Which studio is filmed, and how bad the keypoints are.

    Attributes:
        studio: The same configuration as the simulated cameras'.
        noise_px: Standard deviation of a visible keypoint in u and in v, px; three times that when hidden.
        seed: Of the noise.
        views: Which of the studio's cameras a view is, where its name does not say so.
        origin_ns: Monotonic time at which the scene is at 0 s.
    """

    studio: StudioConfig = StudioConfig()
    noise_px: float = Field(default=1.5, ge=0, le=100)
    seed: int = Field(default=0, ge=0, lt=2**63)
    views: dict[str, str] = Field(default_factory=dict)
    origin_ns: int = 0


class NoisyTruth:
    """Keypoints of the studio's people without looking at the pictures. Tracks are the people's numbers.

    Args:
        config: See ``NoisyTruthConfig``.
        cameras: Names of the views, each a camera of the studio or named in ``views``.

    Raises:
        BadInputError: A view is not a camera of the studio.
    """

    Config: ClassVar[type[NoisyTruthConfig]] = NoisyTruthConfig
    name = "truth projected with noise"

    def __init__(self, config: NoisyTruthConfig, cameras: Sequence[str]) -> None:
        self.config = config
        self.cameras = tuple(config.views.get(camera, camera) for camera in cameras)
        self.hashes: dict[str, str] = {}
        self._studio = Studio(config.studio)
        self.skeleton = self._studio.skeleton
        for camera in self.cameras:
            if camera not in self._studio.rig.names:
                raise bad_input(
                    "noisy_truth knows the joints of the simulated studio only, which has no such camera",
                    value=camera,
                    allowed=", ".join(self._studio.rig.names),
                )
        for camera in self.cameras[:1]:
            self._studio.visibility(camera, 0.0)  # loads compiled code now rather than on the first pictures

    def detect(self, images: Sequence[Image | None], times_ns: Sequence[int]) -> list[Detections]:
        """See ``KeypointModel.detect``; of a picture only its presence matters.

        Raises:
            ValueError: The number of pictures or times is not the number of views.
        """
        views = len(self.cameras)
        if len(images) != views or len(times_ns) != views:
            raise ValueError(f"{len(images)} pictures and {len(times_ns)} times for {views} views")
        return [
            Detections.none(len(self.skeleton)) if image is None else self._view(view, time_ns)
            for view, (image, time_ns) in enumerate(zip(images, times_ns, strict=True))
        ]

    def reset(self) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        """Nothing is held."""

    def _view(self, view: int, time_ns: int) -> Detections:
        since_ns = int(time_ns) - self.config.origin_ns
        t_s = since_ns / 1e9
        camera = self._studio.rig.camera(self.cameras[view])
        pixels = camera.project(self._studio.truth(t_s))
        visible = self._studio.visibility(camera.name, t_s)
        # + 2**63: seeds must not be negative, times before the origin are
        random = np.random.default_rng([self.config.seed, view, since_ns + 2**63])
        scale = self.config.noise_px * np.where(visible, 1.0, HIDDEN_NOISE)
        keypoints = pixels + scale[..., None] * random.standard_normal(pixels.shape)
        width, height = camera.size
        with np.errstate(invalid="ignore"):
            inside = np.all((pixels > -0.5) & (pixels < np.array([width - 0.5, height - 0.5])), axis=-1)
        keypoints[~inside] = np.nan
        scores = np.where(inside, np.where(visible, VISIBLE_SCORE, HIDDEN_SCORE), 0.0)
        found = np.flatnonzero(visible.sum(axis=1) >= FEWEST_VISIBLE)
        return Detections(
            keypoints=keypoints[found],
            scores=scores[found],
            person_scores=np.full(len(found), VISIBLE_SCORE),
            track=found.astype(np.int64),
        )
