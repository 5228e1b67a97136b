"""Values of options that several commands take."""

from __future__ import annotations

from configs.errors import bad_input


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
