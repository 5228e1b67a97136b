"""Bodies, clothes and stances for training, far more varied than what performers in the studio show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cos, pi, sin

import numpy as np
from numpy.random import Generator

from models.simulation.anatomy import Anatomy
from models.simulation.appearance import HAIR_COLOURS, SKIN_TONES, Colour, Look
from models.simulation.body import Body, build_body
from models.simulation.footsteps import FootPose
from models.simulation.gestures import ArmPose, UpperBody, arm_joint_limits
from models.simulation.performer import Stance


@dataclass(frozen=True)
class Figure:
    """A body to be dressed anew for every picture.

    Attributes:
        anatomy: Proportions.
        look: Whose build and hair the surface shows.
        body: The surface.
    """

    anatomy: Anatomy
    look: Look
    body: Body


def draw_figure(seed: Sequence[int]) -> Figure:
    """An adult of any size and build; takes a third of a second."""
    random = np.random.default_rng(seed)
    anatomy = Anatomy(
        height=float(random.uniform(1500.0, 2000.0)),
        shoulder_width=float(random.uniform(0.90, 1.10)),
        hip_width=float(random.uniform(0.92, 1.10)),
    )
    look = replace(
        draw_clothes(random), long_hair=bool(random.random() < 0.5), girth=float(random.uniform(0.86, 1.22))
    )
    return Figure(anatomy, look, build_body(anatomy, look))


def draw_clothes(random: Generator) -> Look:
    """Colours of everything; any cloth on anybody, also in the colour of the skin."""
    skin = _between(random, SKIN_TONES)
    hair = _between(random, HAIR_COLOURS) if random.random() < 0.7 else _grey(random)
    shirt = _cloth(random, skin)
    return Look(
        skin=skin,
        hair=hair,
        shirt=(shirt, _cloth(random, skin)),
        trousers=shirt if random.random() < 0.1 else _cloth(random, skin),
        shoes=_cloth(random, skin),
        pattern=int(random.integers(3)),
        long_hair=False,
        girth=1.0,
    )


def draw_stance(random: Generator, hip_half_width: float, place: tuple[float, float]) -> Stance:
    """Any pose an adult takes on their feet: steps, lunges, squats, bows, arms anywhere within their limits.

    Args:
        random: Source of numbers.
        hip_half_width: mm, see ``Puppet``.
        place: x, y mm of the body.
    """
    heading = float(random.uniform(-pi, pi))
    apart = float(random.uniform(0.6, 3.2)) * hip_half_width
    ahead = float(random.normal(0.0, 170.0))
    feet = []
    lifted = int(random.integers(2)) if random.random() < 0.3 else -1
    for side, sign in ((0, 1.0), (1, -1.0)):
        forward, left = sign * float(np.clip(ahead, -330.0, 330.0)), sign * apart
        up = side == lifted
        feet.append(
            FootPose(
                x=place[0] + forward * cos(heading) - left * sin(heading),
                y=place[1] + forward * sin(heading) + left * cos(heading),
                yaw=heading + sign * float(random.normal(0.15, 0.2)),
                lift=float(random.uniform(20.0, 330.0)) if up else 0.0,
                pitch=float(random.uniform(-0.3, 0.9)) if up else 0.0,
                pivot=1.0,
                swing=0.0,
            )
        )
    squats = random.random() < 0.3
    bows = random.random() < 0.3
    upper = UpperBody(
        left=_arm(random),
        right=_arm(random),
        bend=float(random.uniform(-0.3, 1.2) if bows else random.normal(0.06, 0.1)),
        twist=float(random.normal(0.0, 0.35)),
        head_yaw=float(random.normal(0.0, 0.4)),
        head_pitch=float(random.normal(0.05, 0.25)),
        sink=float(random.uniform(50.0, 430.0)) if squats else 0.0,
    )
    return Stance((*place, heading), (feet[0], feet[1]), upper)


def _arm(random: Generator) -> ArmPose:
    limits = arm_joint_limits()
    kind = random.random()
    if kind < 0.3:  # hanging, more or less
        return ArmPose(
            float(random.normal(0.05, 0.35)),
            float(random.uniform(0.05, 0.4)),
            float(random.normal(0.0, 0.3)),
            abs(float(random.normal(0.25, 0.3))),
        )
    low_side = 0.0 if kind < 0.8 else limits["abduction"][0]
    return ArmPose(
        float(random.uniform(*limits["flexion"])),
        float(random.uniform(low_side, limits["abduction"][1] if kind < 0.6 else 0.9)),
        float(random.uniform(*limits["twist"])),
        float(random.uniform(*limits["elbow"])),
    )


def _between(random: Generator, colours: Sequence[Colour]) -> Colour:
    first, second = random.integers(len(colours), size=2)
    share = random.random()
    mixed = share * np.array(colours[first]) + (1 - share) * np.array(colours[second])
    return _colour(mixed * random.uniform(0.85, 1.12))


def _grey(random: Generator) -> Colour:
    level = random.uniform(0.05, 0.85)
    return _colour(level * random.uniform(0.92, 1.08, 3))


def _cloth(random: Generator, skin: Colour) -> Colour:
    kind = random.random()
    if kind < 0.35:
        return _grey(random)
    if kind < 0.42:
        return _colour(np.array(skin) * random.uniform(0.8, 1.1))
    return _colour(random.uniform(0.03, 0.97, 3))


def _colour(values: np.ndarray) -> Colour:
    red, green, blue = np.clip(values, 0.01, 1.0).tolist()
    return red, green, blue
