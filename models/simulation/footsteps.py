"""Where and when each foot is put down: planted feet do not move at all."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import cos, hypot, pi, sin

from models.simulation.choreography import Choreography
from models.simulation.easing import smooth_step

SWING_S = 0.44
TICK_S = 0.53
"""A foot may lift every tick, left and right in turn: about 57 steps in half a minute of walking."""

LIFT_MM = 65.0
ROLL_OFF = 0.45
STRIKE = 0.30
"""rad the foot points down when it leaves and up when it lands, in a full stride."""

FULL_STRIDE_MM = 800.0
"""Travel of one foot from which on the roll of the foot is fully shown."""


@dataclass(frozen=True)
class Step:
    """One swing of a foot: from where to where, mm and rad; x, y are of the ankle."""

    start: float
    source: tuple[float, float, float]
    target: tuple[float, float, float]

    @property
    def stride(self) -> float:
        """How much of a full stride it is, 0 to 1."""
        travel = hypot(self.target[0] - self.source[0], self.target[1] - self.source[1])
        return min(1.0, travel / FULL_STRIDE_MM)


@dataclass(frozen=True)
class FootPose:
    """A foot at one instant.

    Attributes:
        x: mm, ankle on the floor plan, as if the foot stood flat.
        y: mm.
        yaw: rad.
        lift: mm, of the whole foot.
        pitch: rad, positive with the toes down.
        pivot: Where on the sole the foot turns when it pitches: 0 at the heel, 1 at the toes.
        swing: 0 planted, 1 in the middle of a swing.
    """

    x: float
    y: float
    yaw: float
    lift: float
    pitch: float
    pivot: float
    swing: float


class Footsteps:
    """All steps of one round of a choreography, which then repeats.

    Args:
        choreography: Where the body is meant to be.
        half_width: mm from the body's middle line to each ankle.
    """

    def __init__(self, choreography: Choreography, half_width: float) -> None:
        self._period = choreography.period
        ticks = 2 * round(self._period / TICK_S / 2)
        self._tick = self._period / ticks
        self._turns = choreography.place(self._period)[2] - choreography.place(0.0)[2]
        self._steps: list[list[Step]] = [[], []]
        for side, sign in ((0, 1.0), (1, -1.0)):
            self._steps[side] = self._plan(choreography, side, sign * half_width, ticks)
        self._starts = [[step.start for step in steps] for steps in self._steps]

    def _plan(self, choreography: Choreography, side: int, offset: float, ticks: int) -> list[Step]:
        """Steps of one foot. The first round only finds out where the foot stands when a round begins."""
        # Middle of the time on the floor: landing, and half of what is left until this foot may lift again.
        middle = (SWING_S + 2 * self._tick) / 2
        standing = _beside(choreography.place(0.0), offset)
        steps: list[Step] = []
        for number in range(side, 2 * ticks, 2):
            start = number * self._tick
            target = _beside(choreography.place(start + middle), offset)
            away = hypot(target[0] - standing[0], target[1] - standing[1])
            if away > 30.0 or abs(target[2] - standing[2]) > 0.12:
                if number >= ticks:
                    begin = start - self._period
                    source = (standing[0], standing[1], standing[2] - self._turns)
                    steps.append(Step(begin, source, (target[0], target[1], target[2] - self._turns)))
                standing = target
        return steps

    def foot(self, side: int, t: float) -> FootPose:
        """The left (0) or right (1) foot at time t."""
        rounds, local = divmod(t, self._period)
        steps, starts = self._steps[side], self._starts[side]
        index = bisect_right(starts, local) - 1
        if index < 0:  # still standing where the last step of the round before ended
            index, rounds, local = len(steps) - 1, rounds - 1, local + self._period
        step = steps[index]
        following = steps[index + 1] if index + 1 < len(steps) else steps[0]
        wait = following.start - local + (self._period if index + 1 == len(steps) else 0.0)
        turned = rounds * self._turns
        u = (local - step.start) / SWING_S
        if u >= 1.0:
            since = local - step.start - SWING_S
            x, y, yaw = step.target
            up = STRIKE * step.stride * (1.0 - smooth_step(since / 0.12))
            if up > 0.0:
                return FootPose(x, y, yaw + turned, 0.0, -up, 0.0, 0.0)
            down = ROLL_OFF * following.stride * (1.0 - smooth_step(wait / 0.30))
            return FootPose(x, y, yaw + turned, 0.0, down, 1.0, 0.0)
        s = u * u * (3.0 - 2.0 * u)
        x, y, yaw = (a + (b - a) * s for a, b in zip(step.source, step.target, strict=True))
        arc = (4.0 * u * (1.0 - u)) ** 2
        down = ROLL_OFF * step.stride * (1.0 - smooth_step(u / 0.55))
        up = STRIKE * step.stride * smooth_step((u - 0.45) / 0.55)
        lift = (0.4 + 0.6 * step.stride) * LIFT_MM * arc
        return FootPose(x, y, yaw + turned, lift, down - up, 1.0 - smooth_step(u), sin(pi * u) ** 2)


def _beside(place: tuple[float, float, float], offset: float) -> tuple[float, float, float]:
    x, y, heading = place
    return x - sin(heading) * offset, y + cos(heading) * offset, heading
