"""How far away a person is, followed over time: single pictures say it badly, and people do not jump."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.loading import Config

Floats = NDArray[np.float64]


class DistanceConfig(Config):
    """How people move, and how far single pictures are off."""

    noise: float = Field(0.035, gt=0.0, lt=1.0)
    """Standard deviation of the distance from one picture, as a share of it; the part that is new in every
    picture, measured as ``Uncertainty`` is."""
    acceleration_mm_s2: float = Field(1200.0, gt=0.0)
    """Standard deviation of a person's acceleration towards the camera: starting to walk takes a second to
    1.2 m/s."""
    restart_after_s: float = Field(0.5, gt=0.0)
    """After a pause this long nothing is known any more."""
    restart_beyond: float = Field(5.0, gt=0.0)
    """Standard deviations off at which it must be somebody else, or the follower has lost the person."""


class DistanceFilter:
    """A Kalman filter with constant velocity on the distance of one person from one camera.

    Args:
        config: See ``DistanceConfig``.
    """

    def __init__(self, config: DistanceConfig) -> None:
        self.config = config
        self._time_ns: int | None = None
        self._state = np.zeros(2)
        self._covariance = np.zeros((2, 2))

    def reset(self) -> None:
        """Forget the person."""
        self._time_ns = None

    def knows_since(self, time_ns: int) -> bool:
        """Whether it has heard anything after an instant."""
        return self._time_ns is not None and self._time_ns > time_ns

    def start(self, time_ns: int, distance_mm: float, velocity_mm_s: float, deviation_mm: float) -> None:
        """Begin from what is known better.

        Args:
            time_ns: The instant.
            distance_mm: At that instant.
            velocity_mm_s: Away from the camera.
            deviation_mm: Standard deviation of the distance; of the velocity it is that of a walk.
        """
        self._time_ns = time_ns
        self._state = np.array([distance_mm, velocity_mm_s])
        self._covariance = np.diag([deviation_mm**2, _WALK_MM_S**2 / 4.0])

    def is_fresh(self, time_ns: int) -> bool:
        """Whether the person was followed a moment ago."""
        return self._time_ns is not None and 0 <= time_ns - self._time_ns <= self.config.restart_after_s * 1e9

    def __call__(
        self, time_ns: int, distance_mm: float, deviation_mm: float | None = None
    ) -> tuple[float, float]:
        """Take in one picture's distance.

        Args:
            time_ns: The instant.
            distance_mm: As the picture says.
            deviation_mm: Of that; from ``noise`` when not given.

        Returns:
            Distance and its standard deviation, mm.
        """
        noise = deviation_mm if deviation_mm is not None else self.config.noise * distance_mm
        if not self.is_fresh(time_ns):
            return self._restart(time_ns, distance_mm, noise)
        assert self._time_ns is not None
        dt = (time_ns - self._time_ns) * 1e-9
        step = np.array([[1.0, dt], [0.0, 1.0]])
        push = np.array([0.5 * dt * dt, dt]) * self.config.acceleration_mm_s2
        # The acceleration lasts for about as long as a step, not for one picture only.
        process = np.outer(push, push) * max(1.0, _STEP_S / max(dt, 1e-3))
        state = step @ self._state
        covariance = step @ self._covariance @ step.T + process
        off = distance_mm - state[0]
        total = covariance[0, 0] + noise**2
        if off * off > self.config.restart_beyond**2 * total:
            return self._restart(time_ns, distance_mm, noise)
        gain = covariance[:, 0] / total
        self._state = state + gain * off
        self._covariance = covariance - np.outer(gain, covariance[0])
        self._time_ns = time_ns
        return float(self._state[0]), float(np.sqrt(self._covariance[0, 0]))

    def _restart(self, time_ns: int, distance_mm: float, noise_mm: float) -> tuple[float, float]:
        self._time_ns = time_ns
        self._state = np.array([distance_mm, 0.0])
        self._covariance = np.diag([noise_mm**2, _WALK_MM_S**2])
        return distance_mm, noise_mm


_WALK_MM_S = 1000.0
_STEP_S = 0.1
