"""Networks that the user imported from weights of their own: files with a card, by name.

Nothing here needs torch; ``models.checkpoints.importing`` makes the files and reads them.
"""

from __future__ import annotations

import re
from pathlib import Path

from configs.errors import bad_input, did_you_mean
from models.zoo.shipped import shipped_file, shipped_names
from models.zoo.store import ModelStore, default_store

FOLDER = "imported"
"""Below the folder of the store; no model of the manifest is called like this."""
SUFFIX = ".safetensors"


def imported_names(store: ModelStore | None = None) -> list[str]:
    """Names of all imported networks, sorted."""
    return sorted(path.stem for path in _folder(store).glob(f"*{SUFFIX}"))


def imported_file(name: str, store: ModelStore | None = None) -> Path:
    """Path of an imported network, or of one that comes with the program.

    Raises:
        BadInputError: There is none of that name.
    """
    path = _folder(store) / f"{name}{SUFFIX}"
    if not path.is_file():
        if (shipped := shipped_file(name)) is not None:
            return shipped
        names = [*imported_names(store), *shipped_names()]
        raise bad_input(
            "no network of this name was imported",
            value=name,
            allowed=", ".join(names) or None,
            hint=did_you_mean(name, names) or "run: python launch.py models import FILE --as KIND",
        )
    return path


def place_for(name: str, store: ModelStore | None = None) -> Path:
    """Where a network of that name goes; the folder is made.

    Raises:
        BadInputError: Not a plain name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise bad_input("is not a plain name", key="--name", value=name, allowed="letters, digits, . _ -")
    folder = _folder(store)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}{SUFFIX}"


def _folder(store: ModelStore | None) -> Path:
    return (store or default_store()).folder / FOLDER
