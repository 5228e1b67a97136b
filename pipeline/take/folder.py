"""Where takes go: folders that never overwrite one another, on disks with room."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from configs.errors import bad_input

RESERVE_BYTES = 1 << 30
"""1 GiB stays free: a full system disk stops more than our recording."""

SHORTEST_S = 10.0
"""A recording that cannot last this long is not started."""

_NAME = re.compile(r"^[\w][\w .-]{0,120}$")


def name_for_take(text: str) -> str:
    """``text`` with everything that cannot be part of a take's name replaced, such as brackets."""
    return re.sub(r"[^\w .-]", "_", text).strip(" .-")[:80] or "take"


def take_name_problem(name: str) -> str:
    """Why ``name`` cannot be a take's; empty when it can."""
    if not name:
        return "A take needs a name."
    if not _NAME.match(name) or name.endswith((" ", ".")):
        return "Use letters, digits, spaces and _ . - and start with a letter or digit."
    return ""


def new_take_folder(parent: Path, name: str) -> Path:
    """Create an empty folder ``parent/name``; when that exists, ``name-2``, then ``name-3``.

    Raises:
        BadInputError: The name cannot be a folder's, or the parent cannot be written.
    """
    if take_name_problem(name):
        raise bad_input(
            "cannot be the name of a take", key="name", value=name, allowed="letters, digits, space and _ . -"
        )
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise bad_input("is a file, expected a folder for takes", file=parent) from error
    except NotADirectoryError as error:
        raise bad_input("cannot be a folder: part of its path is a file", file=parent) from error
    except PermissionError as error:
        raise bad_input("cannot be made: permission denied", file=parent) from error
    except OSError as error:
        raise bad_input(f"cannot be made: {error.strerror}", file=parent) from error
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        except PermissionError as error:
            raise bad_input("cannot be written: permission denied", file=parent) from error
        except OSError as error:
            raise bad_input(f"cannot be made: {error.strerror}", file=folder) from error
        else:
            return folder


@contextlib.contextmanager
def not_left_empty(folder: Path) -> Iterator[None]:
    """When the body fails before anything was written to ``folder``, take the empty folder away again."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # not empty: something was saved, and stays
            folder.rmdir()
        raise


def free_space_check(folder: Path, bytes_per_second: float, reserve: int = RESERVE_BYTES) -> float:
    """How many seconds of recording fit on the disk of ``folder``, keeping ``reserve`` bytes free.

    Args:
        folder: An existing folder, or one whose nearest existing parent is asked.
        bytes_per_second: What all cameras together write.
        reserve: Bytes that stay free.

    Raises:
        BadInputError: Less than 10 s fit.
    """
    existing = folder
    try:
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
    except OSError as error:  # a name that is too long
        raise bad_input(f"cannot be a folder: {error.strerror}", file=folder) from error
    free = shutil.disk_usage(existing).free
    seconds = (free - reserve) / bytes_per_second if bytes_per_second > 0 else float("inf")
    if free <= reserve or seconds < SHORTEST_S:
        raise bad_input(
            f"the disk is nearly full: {free / 1e6:.0f} MB free, {reserve / 1e6:.0f} MB stay reserved, and "
            f"this rig writes {bytes_per_second / 1e6:.1f} MB/s",
            file=existing,
            hint="free some space or choose another folder with --out",
        )
    return seconds
