"""The steps of the wizard and what is said above them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Step(IntEnum):
    """The steps in their order."""

    BOARD = 0
    SOURCE = 1
    SHOW = 2
    SOLVE = 3
    FLOOR = 4
    RESULT = 5
    SAVE = 6


TITLES: Final = {
    Step.BOARD: "Board",
    Step.SOURCE: "Cameras",
    Step.SHOW: "Show the board",
    Step.SOLVE: "Solve",
    Step.FLOOR: "Floor and axes",
    Step.RESULT: "Result",
    Step.SAVE: "Save",
}

HEADINGS: Final = {
    Step.BOARD: (
        "Which board will you show?",
        "The cameras find their lenses and places by looking at a printed pattern. Print one, glue it to "
        "something flat and stiff, and measure it.",
    ),
    Step.SOURCE: (
        "What shall be calibrated?",
        "The cameras as they stand now, or recordings that were made of the board.",
    ),
    Step.SHOW: (
        "Show the board to all cameras",
        "Carry it slowly through the room: near each camera, into the corners of its picture, tilted to all "
        "sides, and where two cameras see it together. Good views are picked by themselves.",
    ),
    Step.SOLVE: ("Working it out", "Lenses, places and time offsets are found from all views together."),
    Step.FLOOR: (
        "Where is the floor?",
        "The world's origin lies on the floor and Z points up. Everything you capture later is measured from "
        "there.",
    ),
    Step.RESULT: ("How good is it?", "Judged on views that the solve has not seen."),
    Step.SAVE: ("Keep it", "As soon as it is saved, these cameras give poses in 3D."),
}

RECORDED: Final = {
    Step.SHOW: (
        "The board in the recording",
        "Every picture is searched. What was found says whether it can be calibrated.",
    ),
    Step.SAVE: ("Keep it", "It is saved beside the recording."),
}
"""What is said instead where nothing is filmed."""


def heading(step: Step, live: bool) -> tuple[str, str]:
    """What is said above a step: a heading and a sentence."""
    return HEADINGS[step] if live else RECORDED.get(step, HEADINGS[step])
