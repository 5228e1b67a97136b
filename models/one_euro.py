"""The One-Euro filter on joints: steady when still, quick when moving (Casiez, Roussel, Vogel, CHI 2012).

A first-order low-pass whose cutoff frequency rises with speed. It differs from the paper in one point: the
speed of a joint is the length of its velocity, so that all three axes share a cutoff and the result does
not depend on how the world is turned.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.loading import Config

Floats = NDArray[np.float64]

PEOPLE = 64
"""People remembered; the one not seen for longest is forgotten first."""


class OneEuroConfig(Config):
    """How much to smooth."""

    min_cutoff_hz: float = Field(1.5, gt=0.0)
    """Cutoff of a joint at rest: lower is steadier and later."""
    cutoff_hz_per_m_s: float = Field(7.0, ge=0.0)
    """Rise of the cutoff with speed (``beta`` of the paper, here per m/s): higher lags less in fast
    motion."""
    speed_cutoff_hz: float = Field(1.0, gt=0.0)
    """Cutoff of the low-pass on the velocity itself."""
    restart_after_s: float = Field(0.5, gt=0.0)
    """A joint missing for longer starts afresh at its first new position."""


@dataclass
class _State:
    joints: Floats
    velocity: Floats
    time_ns: NDArray[np.int64]


class OneEuroFilter:
    """Filters the joints of each person on its own. Stateful: feed it every frame, in the order of time.

    Args:
        config: See ``OneEuroConfig``.
    """

    Config = OneEuroConfig

    def __init__(self, config: OneEuroConfig) -> None:
        self.config = config
        self._people: OrderedDict[int, _State] = OrderedDict()

    def reset(self) -> None:
        """Forget everybody, as after a cut."""
        self._people.clear()

    def __call__(self, joints: Floats, person: NDArray[np.int64], time_ns: int) -> Floats:
        """Filter one frame.

        Args:
            joints: (P, J, 3) mm, NaN where missing; not changed.
            person: (P,) identity numbers.
            time_ns: Instant of the frame; intervals may vary.

        Returns:
            (P, J, 3) mm, NaN exactly where ``joints`` is: nothing is invented for a missing joint.

        Raises:
            ValueError: Time does not increase for a person.
        """
        joints = np.asarray(joints, np.float64)
        smoothed = np.empty_like(joints)
        for row, number in enumerate(person):
            key = int(number)
            state = self._people.pop(key, None)
            if state is None or state.joints.shape != joints[row].shape:
                state = _State(
                    np.full(joints[row].shape, np.nan),
                    np.zeros(joints[row].shape),
                    np.full(len(joints[row]), time_ns, np.int64),
                )
            elif (state.time_ns >= time_ns).any():
                raise ValueError(
                    f"time {time_ns} ns of person {key} does not follow {state.time_ns.max()} ns"
                )
            self._people[key] = state
            smoothed[row] = self._step(state, joints[row], time_ns)
        while len(self._people) > PEOPLE:
            self._people.popitem(last=False)
        return smoothed

    def _step(self, state: _State, joints: Floats, time_ns: int) -> Floats:
        present = np.isfinite(joints.sum(axis=1))
        interval_s = (time_ns - state.time_ns) * 1e-9
        known = np.isfinite(state.joints[:, 0]) & (interval_s <= self.config.restart_after_s)
        follow, start = present & known, present & ~known
        dt = np.where(follow, interval_s, 1.0)

        measured = np.where(follow[:, None], joints - state.joints, 0.0) / dt[:, None]
        gain = _gain(dt, np.full(len(dt), self.config.speed_cutoff_hz))[:, None]
        velocity = state.velocity + gain * (measured - state.velocity)
        speed_m_s = np.linalg.norm(velocity, axis=1) * 1e-3
        cutoff = self.config.min_cutoff_hz + self.config.cutoff_hz_per_m_s * speed_m_s
        moved = state.joints + _gain(dt, cutoff)[:, None] * (joints - state.joints)

        state.joints = np.where(follow[:, None], moved, np.where(start[:, None], joints, state.joints))
        state.velocity = np.where(follow[:, None], velocity, np.where(start[:, None], 0.0, state.velocity))
        state.time_ns = np.where(present, time_ns, state.time_ns)
        return np.where(present[:, None], state.joints, np.nan)


def _gain(interval_s: Floats, cutoff_hz: Floats) -> Floats:
    """Share of the new value in a first-order low-pass."""
    gain: Floats = 1.0 / (1.0 + 1.0 / (2.0 * math.pi * cutoff_hz * interval_s))
    return gain
