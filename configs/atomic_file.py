"""Files that are either the old version or the new one, never half of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from configs.errors import bad_input


def write_atomic(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Write under a temporary name beside ``path``, sync to disk, rename.

    Args:
        path: The file.
        content: Text is written as UTF-8.
        mode: Permissions of the file.

    Raises:
        BadInputError: The folder does not exist or cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except FileNotFoundError as error:
        raise bad_input("the folder does not exist", file=path.parent) from error
    except PermissionError as error:
        raise bad_input("cannot be written: permission denied", file=path.parent) from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, mode)  # noqa: PTH101 - mkstemp made it private
        os.replace(temporary, path)  # noqa: PTH105 - the atomic call, by its own name
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
