"""Values of options that several commands take."""

from __future__ import annotations

import math

from configs.errors import bad_input


def duration(seconds: float | None, *, option: str = "--seconds") -> float | None:
    """A duration that can be waited for; None stays None.

    Raises:
        BadInputError: It is not a positive, finite number.
    """
    if seconds is not None and not (seconds > 0 and math.isfinite(seconds)):
        raise bad_input("must be positive and finite", key=option, value=seconds)
    return seconds


def picture_size(text: str, *, option: str = "--size") -> tuple[int, int]:
    """(width, height) px from ``640x480``.

    Raises:
        BadInputError: It is written differently, or a side is outside 64 to 4096 px.
    """
    width, _, height = text.lower().partition("x")
    if not (
        width.isdecimal() and height.isdecimal() and all(64 <= int(side) <= 4096 for side in (width, height))
    ):
        raise bad_input(
            "is not a picture size", key=option, value=text, allowed="such as 640x480, each side 64 to 4096"
        )
    return int(width), int(height)
