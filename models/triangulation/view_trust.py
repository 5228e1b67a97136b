"""Memory of which view was wrong about which joint.

The mistakes of a keypoint network last: a joint that is hidden, cut off or confused in one view stays so for
many pictures. Judged frame by frame, such a view is dropped in one frame and taken back in the next whenever
it comes near the limit, and the joint jumps each time. So a view that contradicted the others lately is
believed less: not excluded, it earns its weight back by agreeing.
"""

from __future__ import annotations

from math import exp

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.loading import Config

Floats = NDArray[np.float64]


class ViewTrustConfig(Config):
    """How long contradictions are remembered.

    On the recorded performer of the tests every time constant from 0.1 to 0.4 s and every lowest trust from
    0.1 to 0.3 lowers both the reprojection error and the variation of bone lengths.
    """

    time_constant_s: float = Field(0.2, gt=0.0)
    """After so long of agreement a view has earned back 63 % of the trust it lost."""

    lowest: float = Field(0.2, gt=0.0, le=1.0)
    """Part of its score that a view keeps that has been dropped all the time."""

    forget_after_s: float = Field(0.5, gt=0.0)
    """After a gap this long everything is believed again."""


class ViewTrust:
    """Trust in every view, joint by joint, for one person.

    Args:
        config: See ``ViewTrustConfig``.
        views: Number of views.
        joints: Number of joints.
    """

    def __init__(self, config: ViewTrustConfig, views: int, joints: int) -> None:
        self.config = config
        self._trust: Floats = np.ones((views, joints))
        self._time_ns: int | None = None

    def weigh(self, scores: Floats, min_score: float, time_ns: int) -> Floats:
        """Scores to triangulate with.

        Args:
            scores: (V, J) in [0, 1].
            min_score: Scores from here on take part; none of these falls below it.
            time_ns: The instant.

        Returns:
            (V, J), never larger than ``scores``.
        """
        if self._time_ns is None or not 0 <= time_ns - self._time_ns <= self.config.forget_after_s * 1e9:
            self.reset()
        weight = self.config.lowest + (1.0 - self.config.lowest) * self._trust
        return np.where(scores >= min_score, np.maximum(scores * weight, min_score), scores)

    def learn(self, used: NDArray[np.bool_], usable: NDArray[np.bool_], time_ns: int) -> None:
        """Take in which views the triangulation used.

        Args:
            used: (V, J) whether the view took part.
            usable: (V, J) whether it could have; only there something is learnt.
            time_ns: The instant.
        """
        elapsed_s = (time_ns - self._time_ns) / 1e9 if self._time_ns is not None else 0.0
        gain = 1.0 - exp(-elapsed_s / self.config.time_constant_s)
        self._trust = np.where(usable, self._trust + gain * (used - self._trust), self._trust)
        self._time_ns = time_ns

    def reset(self) -> None:
        """Believe everybody again."""
        self._trust = np.ones_like(self._trust)
        self._time_ns = None
