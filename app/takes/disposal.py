"""Takes are renamed and deleted without ever being lost: a deleted one can be had back."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PyQt6.QtCore import QFile

from app.takes.take_entry import DELETED_FOLDER
from configs.errors import bad_input
from pipeline.take.folder import name_for_take
from pipeline.take.header import read_header, write_header
from pipeline.take.lock import TakeLock, is_held

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deleted:
    """A deleted take.

    Attributes:
        folder: Where it was.
        kept: Where it is now.
        in_trash: Whether that is the system's trash; else a folder beside the takes.
    """

    folder: Path
    kept: Path
    in_trash: bool


def move_to_trash(folder: Path) -> Path | None:
    """Put a folder into the system's trash; where it is then, or None when there is no trash."""
    moved, place = QFile.moveToTrash(str(folder))
    if not moved:
        return None
    if not place or not Path(place).exists():
        raise bad_input("is in the trash now, where this program cannot find it again", file=folder)
    return Path(place)


def delete_take(folder: Path, trash: Callable[[Path], Path | None] = move_to_trash) -> Deleted:
    """Move a take to the trash, or where there is none to a folder beside it.

    Raises:
        BadInputError: It is being recorded, or cannot be moved.
    """
    if is_held(folder):
        raise bad_input("is being recorded right now", file=folder, hint="stop the recording first")
    kept = trash(folder)
    if kept is not None:
        return Deleted(folder, kept, True)
    home = folder.parent / DELETED_FOLDER
    try:
        home.mkdir(exist_ok=True)
        kept = _free(home / folder.name)
        folder.rename(kept)
    except OSError as error:
        raise bad_input(f"cannot be moved: {error.strerror}", file=folder) from error
    return Deleted(folder, kept, False)


def restore_take(deleted: Deleted) -> Path:
    """Bring a deleted take back to where it was, or beside it when that place is taken.

    Raises:
        BadInputError: It is not where it was put.
    """
    if not deleted.kept.exists():
        raise bad_input("is not in the trash any more", file=deleted.kept)
    target = _free(deleted.folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(str(deleted.kept), str(target))
    except OSError as error:
        raise bad_input(f"cannot be brought back: {error.strerror}", file=deleted.kept) from error
    if deleted.in_trash:
        # The note that freedesktop.org's trash keeps about each thing in it.
        note = deleted.kept.parent.parent / "info" / f"{deleted.kept.name}.trashinfo"
        with contextlib.suppress(OSError):
            note.unlink(missing_ok=True)
    return target


def rename_take(folder: Path, name: str) -> Path:
    """Give a take another name, inside and as its folder; returns the folder.

    Raises:
        BadInputError: The name is empty or in use, the take is being recorded, or cannot be renamed.
    """
    name = name.strip()
    if not name:
        raise bad_input("a take needs a name", key="name", value=name)
    target = folder.with_name(name_for_take(name))
    header = read_header(folder)
    if header.state == "recording":
        raise bad_input("is not complete yet", file=folder, hint="repair it before renaming it")
    if target != folder and target.exists():
        raise bad_input("there is a take of this name already", file=target)
    try:
        with TakeLock(folder):
            write_header(folder, replace(header, name=name))
        if target != folder:
            folder.rename(target)
    except OSError as error:
        raise bad_input(f"cannot be renamed: {error.strerror}", file=folder) from error
    return target


def _free(path: Path) -> Path:
    """``path``, or with a number behind it when there is something already."""
    candidate, number = path, 2
    while candidate.exists():
        candidate = path.with_name(f"{path.name}-{number}")
        number += 1
    return candidate
