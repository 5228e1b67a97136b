"""How deep and how long a msgpack document claims to be, told without building anything of it.

A header of five bytes may announce four thousand million items, and a kilobyte of opening brackets a thousand
levels. A decoder that believes either takes memory or its stack before it finds the document short.
"""

from __future__ import annotations

from typing import Final

MOST_LEVELS: Final = 32

_FIXED: Final = {
    **{0xC0: 1, 0xC2: 1, 0xC3: 1},  # nil, false, true
    **{0xCA: 5, 0xCB: 9},  # floats
    **{0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9, 0xD0: 2, 0xD1: 3, 0xD2: 5, 0xD3: 9},  # integers
    **{0xD4: 3, 0xD5: 4, 0xD6: 6, 0xD7: 10, 0xD8: 18},  # extensions of fixed length
}
"""Code to bytes of the whole item, its code included."""

_COUNTED: Final = {
    **{0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0)},  # bytes
    **{0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1)},  # extensions
    **{0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0)},  # text
}
"""Code to bytes of the length, and bytes between it and the content."""

_CONTAINERS: Final = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
"""Code to bytes of the length, and items for each."""


class NestingError(ValueError):
    """Announces more than it can hold, or is nested too deeply."""


def check_nesting(data: memoryview | bytes, most_levels: int = MOST_LEVELS) -> None:
    """Walk over a msgpack document.

    Every item takes a byte at least, so all items announced and not yet met must fit into what is left: after
    this check a decoder can be made to build at most as many items as the document has bytes.

    Args:
        data: The document.
        most_levels: How deep arrays and maps may lie in each other.

    Raises:
        NestingError: Too deep, announces more items than bytes are left, cut short, or no msgpack.
    """
    place, end = 0, len(data)
    due = 1  # items announced and not yet met
    open_items = [1]  # of those, by level
    while due:
        if place >= end:
            raise NestingError("cut short")
        code = data[place]
        due -= 1
        open_items[-1] -= 1
        inside = 0
        if code <= 0x7F or code >= 0xE0:
            place += 1
        elif code <= 0x8F:
            place, inside = place + 1, 2 * (code & 0x0F)
        elif code <= 0x9F:
            place, inside = place + 1, code & 0x0F
        elif code <= 0xBF:
            place += 1 + (code & 0x1F)
        elif code in _FIXED:
            place += _FIXED[code]
        elif code in _COUNTED:
            width, between = _COUNTED[code]
            place += 1 + width + between + _number(data, place + 1, width)
        elif code in _CONTAINERS:
            width, items = _CONTAINERS[code]
            inside = items * _number(data, place + 1, width)
            place += 1 + width
        else:
            raise NestingError("not msgpack")
        due += inside
        if due > end - place:
            raise NestingError("announces more than it holds")
        if inside:
            open_items.append(inside)
            if len(open_items) > most_levels + 1:
                raise NestingError(f"nested deeper than {most_levels} levels")
        while open_items and not open_items[-1]:
            open_items.pop()


def _number(data: memoryview | bytes, place: int, width: int) -> int:
    return int.from_bytes(data[place : place + width], "big")
