"""Lengths: millimetres inside, whatever a file says outside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from configs.errors import bad_input

Units = Literal["mm", "cm", "m"]
UNITS: tuple[Units, ...] = get_args(Units)
MM_PER: dict[Units, float] = {"mm": 1.0, "cm": 10.0, "m": 1000.0}


def agreed_units(stated: Units | None, stored: object, *, file: Path, key: str) -> Units | None:
    """The unit that the caller (``stated``) and the file (``stored``) agree on; None when both are silent.

    Raises:
        BadInputError: The file states no known unit, or another one than the caller.
    """
    if stored is None:
        return stated
    for unit in UNITS:
        if stored == unit:
            if stated not in (None, unit):
                raise bad_input(
                    f"the file says its lengths are in {unit}, but they are asked to be read as {stated}",
                    file=file,
                    key=key,
                )
            return unit
    raise bad_input("unknown unit of length", file=file, key=key, value=stored, allowed=", ".join(UNITS))
