"""What a performer does when: walks along a loop, stops, turns, gestures, and begins again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import atan2, cos, pi, sin

import numpy as np

from models.simulation.easing import cruise, envelope, smooth_step

GESTURES = ("wave", "arms_out", "squat", "reach_up", "look_around", "hands_on_hips", "point", "bow")


@dataclass(frozen=True)
class Act:
    """One stretch of the choreography.

    Attributes:
        start: s.
        duration: s.
        advance: How far along the loop, rad; negative walks the loop the other way round.
        turn: Turn on the spot, rad, to the left.
        gesture: One of GESTURES, or "".
        right_handed: Which arm a one-armed gesture uses.
    """

    start: float
    duration: float
    advance: float = 0.0
    turn: float = 0.0
    gesture: str = ""
    right_handed: bool = True


@dataclass(frozen=True)
class Loop:
    """A closed line on the floor, star-shaped about its centre; mm.

    The radius at angle a is ``radius * (1 + two * cos(2 a + phase) + three * cos(3 a - phase))``.
    """

    centre: tuple[float, float]
    radius: float
    two: float
    three: float
    phase: float

    def point(self, a: float) -> tuple[float, float]:
        """Place at angle ``a``."""
        r = self.radius * (1 + self.two * cos(2 * a + self.phase) + self.three * cos(3 * a - self.phase))
        return self.centre[0] + r * cos(a), self.centre[1] + r * sin(a)

    def direction(self, a: float) -> float:
        """Heading, rad, of someone who walks anticlockwise through angle ``a``; grows with ``a``."""
        r = 1 + self.two * cos(2 * a + self.phase) + self.three * cos(3 * a - self.phase)
        slope = -2 * self.two * sin(2 * a + self.phase) - 3 * self.three * sin(3 * a - self.phase)
        return a + atan2(r, slope)


@dataclass(frozen=True)
class Choreography:
    """Acts in order, repeated for ever; where they lead at any time.

    Attributes:
        loop: The line walked on.
        acts: Stretches that follow each other without a gap.
        start_angle: Place on the loop at time 0, rad.
        shift: s added to every time, so that people start at different moments.
    """

    loop: Loop
    acts: tuple[Act, ...]
    start_angle: float
    shift: float

    @cached_property
    def period(self) -> float:
        """Length of one round, s."""
        return sum(act.duration for act in self.acts)

    @cached_property
    def _before(self) -> list[tuple[float, float]]:
        """Advance and turn summed over the acts before each one."""
        advance = np.concatenate([[0.0], np.cumsum([act.advance for act in self.acts])])
        turn = np.concatenate([[0.0], np.cumsum([act.turn for act in self.acts])])
        return list(zip(advance.tolist(), turn.tolist(), strict=True))

    def place(self, t: float) -> tuple[float, float, float]:
        """Where the body is meant to be: x, y in mm and heading in rad (continuous, not wrapped)."""
        rounds, local = divmod(t + self.shift, self.period)
        index = self._index(local)
        act = self.acts[index]
        advance, turn = self._before[index]
        x = (local - act.start) / act.duration
        if act.advance:
            advance += act.advance * cruise(x, min(0.5, 0.8 / act.duration))
        if act.turn:
            turn += act.turn * smooth_step(x)
        whole_advance, whole_turn = self._before[-1]
        angle = self.start_angle + advance + rounds * whole_advance
        px, py = self.loop.point(angle)
        return px, py, self.loop.direction(angle) + turn + rounds * whole_turn

    def gesture(self, t: float) -> tuple[str, float, float, bool]:
        """What the arms do: gesture, its strength in [0, 1], seconds since its start, right-handed."""
        local = (t + self.shift) % self.period
        act = self.acts[self._index(local)]
        since = local - act.start
        ramp = min(1.1, act.duration / 2)
        strength = envelope(since, 0.0, act.duration, ramp) if act.gesture else 0.0
        return act.gesture, strength, since, act.right_handed

    def _index(self, local: float) -> int:
        for index, act in enumerate(self.acts):
            if local < act.start + act.duration:
                return index
        return len(self.acts) - 1


def compose(seed: Sequence[int], centre: tuple[float, float], radius: float) -> Choreography:
    """Invent a round of some 45 s: four walks, four gestures and two turns, all drawn from ``seed``.

    Args:
        seed: Same numbers, same choreography.
        centre: Middle of the loop, mm.
        radius: Nothing of the loop is farther from the centre than this, mm.
    """
    random = np.random.default_rng(seed)
    two, three = random.uniform(0.04, 0.12), random.uniform(0.0, 0.05)
    loop = Loop(centre, radius / (1 + two + three), two, three, random.uniform(0, 2 * pi))
    speed = random.uniform(720.0, 900.0)
    gestures = [str(name) for name in random.permutation(GESTURES)[:4]]
    hands = random.random(4) < 0.7
    first, second, back = random.uniform(2.2, 3.0, 3)
    walks = (first, second, -back, 2 * pi - first - second + back)
    acts: list[Act] = []
    clock = 0.0

    def add(duration: float, **what: object) -> None:
        nonlocal clock
        acts.append(Act(clock, duration, **what))  # type: ignore[arg-type]
        clock += duration

    for number, (walk, gesture) in enumerate(zip(walks, gestures, strict=True)):
        # 0.8 s is lost to speeding up and slowing down
        add(abs(walk) * loop.radius / speed + 0.8, advance=float(walk))
        add(random.uniform(3.6, 4.6), gesture=gesture, right_handed=bool(hands[number]))
        if number in (1, 2):
            add(2.7, turn=pi)
    # Begin in the middle of a walk, so that even a short clip shows one.
    shift = acts[0].duration * random.uniform(0.2, 0.4)
    return Choreography(loop, tuple(acts), random.uniform(0, 2 * pi), shift)
