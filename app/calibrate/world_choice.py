"""Where the world of a calibration is, as somebody tries it out. Decides, draws nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from calibration.world_axes import Direction, FloorBoard, world_from_board, world_from_cameras
from configs.errors import BadInputError
from pipeline.calibrating.outcome import CalibrationOutcome

Way = Literal["floor", "moment", "camera"]

USUAL_HEIGHT_MM: Final = 1500.0
_TURNS: Final[tuple[Direction, ...]] = ("y", "-x", "-y", "x")
"""What the board's x axis becomes, quarter by quarter; the first is what the engine takes."""


@dataclass(frozen=True)
class WorldChoice:
    """Origin and axes.

    Attributes:
        way: From a still board on the floor, from the board at any moment, or from a camera.
        floor: Index into the outcome's floors.
        moment: Index into the moments of the board's track.
        camera: Below which the origin lies.
        height_mm: Of that camera above the floor.
        quarters: Turns of the world about Z by 90 degrees.
        flipped: Z points the other way.
        shift_mm: Where the origin that was found lies in the world.
    """

    way: Way
    floor: int = 0
    moment: int = 0
    camera: str = ""
    height_mm: float = USUAL_HEIGHT_MM
    quarters: int = 0
    flipped: bool = False
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def turned(self) -> WorldChoice:
        """A quarter further."""
        return replace(self, quarters=(self.quarters + 1) % 4)


def ways(outcome: CalibrationOutcome) -> tuple[Way, ...]:
    """What this recording allows."""
    found: list[Way] = []
    if outcome.floors:
        found.append("floor")
    if len(outcome.times_s):
        found.append("moment")
    return (*found, "camera")


def first_choice(outcome: CalibrationOutcome) -> WorldChoice:
    """What the engine took: the board on the floor, or else the reference camera."""
    camera = outcome.reference_camera
    lying = [place for place, one in enumerate(outcome.floors) if one.lying]
    if outcome.floor is not None:
        return WorldChoice("floor", floor=outcome.floor, camera=camera)
    if lying:
        return WorldChoice("floor", floor=lying[-1], camera=camera)
    return WorldChoice("camera", camera=camera)


def place(outcome: CalibrationOutcome, choice: WorldChoice) -> Rig:
    """The rig in the chosen world.

    Raises:
        BadInputError: The cameras do not tell what is up.
    """
    quality, reference = outcome.rig.quality, outcome.reference
    if choice.way == "camera":
        try:
            rig = world_from_cameras(
                reference, choice.camera, level=reference.names, height_mm=choice.height_mm
            )
        except BadInputError:
            rig = world_from_cameras(reference, choice.camera, height_mm=choice.height_mm)
        rig = rig.moved(_about_z(choice.quarters), np.zeros(3))
    else:
        rig = world_from_board(reference, _board(outcome, choice), forward=_TURNS[choice.quarters])
    if choice.flipped:
        rig = rig.moved(np.diag([1.0, -1.0, -1.0]), np.zeros(3))
    rig = rig.moved(np.eye(3), np.asarray(choice.shift_mm, np.float64))
    return replace(rig, quality=quality, board=outcome.rig.board, created=outcome.rig.created)


def doubts(rig: Rig, choice: WorldChoice) -> str:
    """What looks wrong about a world, in a sentence; "" where nothing does."""
    below = [camera.name for camera in rig.cameras if camera.position[2] < 0.0]
    if len(below) == len(rig.cameras):
        return "All cameras are below the floor: turn the world over."
    if below:
        some = below[0] if len(below) == 1 else f"{', '.join(below[:-1])} and {below[-1]}"
        verb = "is" if len(below) == 1 else "are"
        return f"{some} {verb} below this floor. Did the board lie on the floor then?"
    down = [float(-camera.R[1, 2]) for camera in rig.cameras]
    if choice.way == "moment" and float(np.mean(down)) < 0.5:
        return "The cameras are far from upright in this world. Did the board lie on the floor then?"
    return ""


def words(outcome: CalibrationOutcome, rig: Rig, choice: WorldChoice) -> str:
    """Where the origin is and how high the cameras stand, in a sentence."""
    heights = [camera.position[2] / 1000 for camera in rig.cameras]
    stand = f"The cameras are {min(heights):.2f} to {max(heights):.2f} m above the floor."
    if len(heights) == 1:
        stand = f"The camera is {heights[0]:.2f} m above the floor."
    if choice.way == "camera":
        return f"The origin is on the floor below {choice.camera}; y points where it looks. {stand}"
    if choice.way == "floor":
        lay = outcome.floors[choice.floor]
        return (
            f"The origin is the board's corner as it lay from {lay.start_s:.0f} to {lay.end_s:.0f} s. {stand}"
        )
    return f"The origin is the board's corner at {outcome.times_s[choice.moment]:.1f} s. {stand}"


def _board(outcome: CalibrationOutcome, choice: WorldChoice) -> FloorBoard:
    if choice.way == "floor":
        return outcome.floors[choice.floor].board
    R, t = outcome.board_turns[choice.moment], outcome.board_places[choice.moment]
    return FloorBoard(R, t, views=1, moments=1, spread_mm=0.0, spread_deg=0.0)


def _about_z(quarters: int) -> NDArray[np.float64]:
    return np.linalg.matrix_power(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), quarters)
