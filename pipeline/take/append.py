"""Appending so that a file never ends in half a record."""

from __future__ import annotations

import os
from typing import Any


def append_whole(stream: Any, data: bytes) -> None:
    """Append all of ``data``, or nothing.

    A disk that fills up takes the beginning of a record and says only how much it took. The next record would
    then follow half of this one.

    Args:
        stream: Unbuffered, opened for writing at its end.
        data: The record.

    Raises:
        OSError: The disk refused; the file is as it was.
    """
    descriptor = stream.fileno()
    written = stream.write(data)
    if written == len(data):
        return
    start = os.fstat(descriptor).st_size - written
    try:
        while written < len(data):
            written += stream.write(data[written:])
    except OSError:
        os.ftruncate(descriptor, start)
        os.lseek(descriptor, start, os.SEEK_SET)
        raise
