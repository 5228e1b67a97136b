"""What the widget asks of the render process, and what it answers; plain data that travel between the two."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.space.drawing import Floats, Part


@dataclass(frozen=True)
class Request:
    """One picture.

    Attributes:
        sequence: Number of the picture, growing.
        canvas: Name of the shared memory to put it in.
        size: (width, height) px to render.
        dots: Pixels to render per px of the widget: what is measured in px grows with it.
        eye_from_world: (4, 4), mm.
        focal: px to render.
        near_mm: What is nearer is not drawn.
        background: Red, green, blue in [0, 1].
        changed: Parts that are new since the last request, by name.
        order: Names of all parts; others are taken away.
        samples: Pictures, each shifted by a part of a pixel, to average for smooth edges; 0: as many as the
            machine has time for in a moving picture.
    """

    sequence: int
    canvas: str
    size: tuple[int, int]
    dots: float
    eye_from_world: Floats
    focal: float
    near_mm: float
    background: tuple[float, float, float]
    changed: dict[str, Part] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    samples: int = 0


@dataclass(frozen=True)
class Started:
    """The render process is ready.

    Attributes:
        driver: What draws, for the log and the doctor.
    """

    driver: str


@dataclass(frozen=True)
class Drawn:
    """The picture is in the canvas.

    Attributes:
        sequence: Of the request.
        samples: How many pictures it is the average of; 0: given up because something newer is wanted.
        ms: Time it took.
        cpu_ms: Time of processor cores it took.
    """

    sequence: int
    samples: int
    ms: float
    cpu_ms: float


@dataclass(frozen=True)
class Unable:
    """It cannot draw on this machine, and trying again would not help.

    Attributes:
        reason: Short, for people.
    """

    reason: str
