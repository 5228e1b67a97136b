"""Keeps other programs from changing a take that is being written."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from configs.errors import bad_input

log = logging.getLogger(__name__)

_LOCK_FILE = ".lock"
_HELD_BY_ANOTHER = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


class TakeLock:
    """Held from creation to ``release``; the system lets go of it when its process is killed.

    Args:
        folder: The take.

    Raises:
        BadInputError: Another process holds it, so the take is being recorded.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _LOCK_FILE
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._descriptor)
        except OSError as error:
            if error.errno not in _HELD_BY_ANOTHER:  # some network file systems know no locks
                log.warning("%s: cannot be locked (%s); leave it alone while it is written", folder, error)
                return
            os.close(self._descriptor)
            raise bad_input(
                "this take is being written right now", file=folder, hint="wait until that has ended"
            ) from error

    def release(self) -> None:
        """Let go; safe to call twice."""
        if self._descriptor < 0:
            return
        with contextlib.suppress(OSError):  # Windows removes no open file; an old lock file hinders nobody
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_held(folder: Path) -> bool:
    """Whether another program writes this take right now.

    Looks for an instant without touching anything; a take that was begun a moment ago may be looked at too
    early and should be left alone anyway.
    """
    try:
        descriptor = os.open(folder / _LOCK_FILE, os.O_RDWR)
    except OSError:
        return False  # no lock file, or one that is not ours to open: nobody on this machine holds it
    try:
        _lock(descriptor)
    except OSError as error:
        return error.errno in _HELD_BY_ANOTHER
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
