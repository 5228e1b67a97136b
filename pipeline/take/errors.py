"""What can go wrong with a recording."""

from __future__ import annotations

import errno

from configs.errors import PosestageError

# No space, quota used up, file-size limit of the process or file system reached.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class TakeError(PosestageError):
    """A take cannot be written or read any further; the message says what is still good."""


class InterruptedTakeError(TakeError):
    """The take was interrupted and has to be repaired before it can be used."""

    exit_code = 2


class DiskFullError(TakeError):
    """The disk has no room left. Everything written before is valid and closed."""


def is_disk_full(error: OSError) -> bool:
    """Whether an operating-system error means that there is no more room."""
    return error.errno in _FULL
